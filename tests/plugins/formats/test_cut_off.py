"""A file that arrived in part, or with another model's weights, is told in one sentence and never opened."""

from __future__ import annotations

import json
from pathlib import Path
from shutil import copytree
from typing import Any

import pytest

from tests.plugins.formats import networks
from tests.plugins.formats.networks import FORMATS, Format
from vetgate.api import Finding, OpenOptions, ScanContext, UnreadableArtifact
from vetgate.artifacts import Vault
from vetgate.cli.app import run
from vetgate.host import Host, find_plugins
from vetgate.probing import probe

KINDS = {kind.format: kind for kind in reversed(FORMATS)}
"""One way to write each format."""
PARTS = [(name, "") for name in KINDS] + [("openvino", ".bin"), ("ncnn", ".bin")]
"""Each file of each format, by its suffix where it is not the one that is named."""
CUTS: tuple[int | float, ...] = (1, 9, 33, 100, 0.1, 0.5, 0.9, -9)
"""Lengths that are left: bytes, shares, bytes less than all."""
WORDS = ("truncated", "too soon", "past the end", "cut off", "damaged", "Invalid model file",
         "no format that an installed plugin")  # fmt: skip


@pytest.fixture(scope="session")
def models(files: dict[str, Path]) -> dict[str, Path]:
    """Return the network in every format."""
    return {name: files[kind.name] for name, kind in KINDS.items()}


@pytest.fixture(scope="session")
def host() -> Host:
    return find_plugins()


def cut(model: Path, folder: Path, suffix: str, left: float) -> Path:
    """Return a copy of a model of whose file with a suffix so much is left."""
    path = copytree(model.parent, folder) / model.name
    part = path.with_suffix(suffix) if suffix else path
    content = part.read_bytes()
    part.write_bytes(content[: int(left * len(content)) if isinstance(left, float) else left])
    return path


def examine(path: Path, kind: Format, host: Host) -> list[Finding]:
    """Copy a model, scan it and, where nothing is found, describe it in this process, as the gate does in its children.

    Raises:
        UnreadableArtifact: One of them cannot read it.
    """
    with Vault() as vault:
        artifact = vault.take(str(path), host.backends())
        context = ScanContext(artifact, artifact.format, seconds=60, memory=2_000_000_000)
        own = [spec for spec in host.scanners() if spec.recognise(probe(artifact.file))]
        found = [finding for spec in own for finding in spec.factory().scan(context)]
        if not found:
            backend: Any = next(spec for spec in host.backends() if spec.name == kind.backend).factory()
            backend.describe(artifact, networks.card_of(kind), OpenOptions(architecture=networks.ARCHITECTURE))
    return found


def refusal(path: Path, kind: Format, host: Host) -> str:
    """Return why a model is not opened."""
    with pytest.raises(UnreadableArtifact) as refused:
        examine(path, kind, host)
    return refused.value.message


@pytest.mark.parametrize("left", CUTS)
@pytest.mark.parametrize(("name", "suffix"), PARTS)
def test_whatever_is_left_of_a_file_is_unreadable_and_no_attack(
    models: dict[str, Path], host: Host, tmp_path: Path, name: str, suffix: str, left: float
) -> None:
    told = refusal(cut(models[name], tmp_path / "cut", suffix, left), KINDS[name], host)
    assert any(word in told for word in WORDS), told
    assert "\n" not in told
    assert len(told) < 400, told


@pytest.fixture(scope="session")
def verdicts(models: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> dict[tuple[str, str], str]:
    """Return what one run of the program says of each format's files, each cut to the half."""
    folder = tmp_path_factory.mktemp("halves")
    paths = {(name, suffix): cut(models[name], folder / f"{name}{suffix}", suffix, 0.5) for name, suffix in PARTS}
    card = (networks.FASHION / "reference.pt.yaml").read_text(encoding="utf-8")
    for path in (models["onnx"], *paths.values()):
        Path(f"{path}.yaml").write_text(card, encoding="utf-8")
    out = folder / "report.json"
    named = {
        "--reference": models["onnx"], "--data": networks.FASHION / "test.npz", "--policy": "smoke",
        "--report": f"json={out}", "--architecture": networks.ARCHITECTURE,
    }  # fmt: skip
    options = [str(part) for pair in named.items() for part in pair]
    assert run(["check", *map(str, paths.values()), *options, "--no-cache"]) == 3
    reports = json.loads(out.read_text(encoding="utf-8"))["reports"]
    said = {report["candidate"]["name"]: report["verdict"] for report in reports}
    assert all(said[str(path)]["decision"] == "inconclusive" for path in paths.values()), said
    return {key: said[str(path)]["because"] for key, path in paths.items()}


@pytest.mark.parametrize(("name", "suffix"), PARTS)
def test_the_program_says_so_and_ends_with_exit_code_3(
    verdicts: dict[tuple[str, str], str], name: str, suffix: str
) -> None:
    assert any(word in verdicts[name, suffix] for word in WORDS), verdicts[name, suffix]


@pytest.mark.parametrize("name", ["openvino", "ncnn"])
def test_weights_of_another_model_are_too_few_or_a_finding(
    models: dict[str, Path], host: Host, tmp_path: Path, name: str
) -> None:
    path = cut(models[name], tmp_path / "fewer", ".bin", 1.0)
    path.with_suffix(".bin").write_bytes(bytes(300_000))
    assert "too soon" in refusal(path, KINDS[name], host)
    path.with_suffix(".bin").write_bytes(models[name].with_suffix(".bin").read_bytes() * 2)
    assert [finding.severity.name for finding in examine(path, KINDS[name], host)] == ["HIGH"]
