"""Hostile files of PyTorch through the gate's own commands: flagged, exit code 1, and nothing of them ran."""

from __future__ import annotations

import io
import json
import shutil
import warnings
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from tests.plugins.scan import test_archives as archives
from tests.plugins.scan import test_pickles as pickles
from tests.plugins.scan import test_torch_files as files
from vetgate.api import Severity
from vetgate.cli.app import run
from vetgate.testing.scanner import Sample

HERE = Path(__file__).parent
EXAMPLE = HERE.parents[2] / "examples" / "fashion"


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> tuple[list[Sample], Path]:
    """Build one file of each family, and return them with the mark that they would leave."""
    folder = tmp_path_factory.mktemp("hostile")
    mark = folder / "mark"
    script = io.BytesIO()
    exported = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.jit.save(torch.jit.script(files.Plain().eval()), script)
        torch.export.save(torch.export.export(files.Plain().eval(), (torch.zeros(1, 3, 2, 2),)), exported)
    base = files.Base(script.getvalue(), exported.getvalue())
    builds: list[Callable[[Path], Sample]] = [
        lambda at: pickles.torch_load_runs_what_reduce_names(at, mark),
        lambda at: pickles.a_payload_in_an_older_checkpoint(at, mark),
        lambda at: archives.cve_2025_1945_a_false_flag_of_encryption(at, mark),
        lambda at: files.torchscript_that_saves_a_file(base, at, mark),
        lambda at: files.torch_export_load_runs_sample_inputs(base, at, mark),
        lambda at: pickles.a_joblib_file(at, mark),
    ]
    samples = []
    for index, build in enumerate(builds):
        (folder / str(index)).mkdir()
        samples.append(build(folder / str(index)))
    return samples, mark


def test_vetgate_scan_flags_each_of_them(
    hostile: tuple[list[Sample], Path], capsys: pytest.CaptureFixture[str]
) -> None:
    samples, mark = hostile
    paths = [str(sample.path) for sample in samples]
    assert run(["scan", "--format", "json", *paths]) == 1
    report = json.loads(capsys.readouterr().out)
    assert [file["name"] for file in report["files"]] == paths
    for file, sample in zip(report["files"], samples, strict=True):
        grave = [finding["rule"] for finding in file["scanned"]["findings"] if finding["severity"] >= Severity.HIGH]
        assert [rule for rule in grave if rule.startswith(("VG01", "VG02", "VG03"))], sample.path
        assert (file["format"] or "") == sample.format
    assert not mark.exists()


@pytest.mark.parametrize("index", [0, 4], ids=["checkpoint", "exported program"])
def test_vetgate_check_fails_it_before_anything_is_opened(
    hostile: tuple[list[Sample], Path], index: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    samples, mark = hostile
    candidate = samples[index].path
    shutil.copy(EXAMPLE / "reference.pt.yaml", f"{candidate}.yaml")
    given = ["--reference", str(EXAMPLE / "reference.pt"), "--data", str(EXAMPLE / "test.npz"), "--policy", "smoke"]
    output = tmp_path / "report.json"
    options = ["--architecture", "torchvision/resnet18", "--report", f"json={output}"]
    code = run(["check", str(candidate), *given, *options])
    assert code == 1, capsys.readouterr().err
    (report,) = json.loads(output.read_text())["reports"]
    assert report["candidate"]["execution"] is None
    (scan,) = [item for item in report["evidence"] if item["check"] == "scan"]
    assert "VG0101" in {finding["rule"] for finding in scan["findings"]}
    assert not mark.exists()


def test_a_name_with_a_line_of_its_own_forges_no_verdict(
    hostile: tuple[list[Sample], Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    samples, _ = hostile
    path = tmp_path / "a.pt: clean\nb.pt"
    shutil.copy(samples[0].path, path)
    assert run(["scan", str(path)]) == 1
    assert not [line for line in capsys.readouterr().out.splitlines() if line.endswith(": clean")]
