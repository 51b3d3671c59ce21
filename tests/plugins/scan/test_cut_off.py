"""A file that arrived in part is not an attack: it cannot be read, which keeps it shut and accuses nobody."""

from __future__ import annotations

import functools
import io
import os
import warnings
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch")

from vetgate.api import Finding, UnreadableArtifact  # noqa: E402
from vetgate.cli.app import run  # noqa: E402
from vetgate.testing.scanner import Sample  # noqa: E402

Scan = Callable[[Sample], tuple[Finding, ...]]
EXAMPLE = Path(__file__).parents[3] / "examples" / "fashion"
SHARES = [0.1, 0.5, 0.9, 0.99]


class Payload:
    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (str(self.mark),)


def saved(value: object, *, older: bool = False) -> bytes:
    buffer = io.BytesIO()
    torch.save(value, buffer, _use_new_zipfile_serialization=not older)
    return buffer.getvalue()


def checkpoint() -> bytes:
    return saved({"weight": torch.randn(64, 64), "bias": torch.randn(64)})


def older_checkpoint() -> bytes:
    return saved({"weight": torch.randn(64, 64), "bias": torch.randn(64)}, older=True)


def torchscript() -> bytes:
    buffer = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.jit.save(torch.jit.trace(torch.nn.Linear(4, 4), torch.zeros(1, 4)), buffer)
    return buffer.getvalue()


@functools.cache
def exported() -> bytes:
    """Return an exported program: an archive that holds archives."""
    buffer = io.BytesIO()
    torch.export.save(torch.export.export(torch.nn.Linear(64, 64).eval(), (torch.zeros(1, 64),)), buffer)
    return buffer.getvalue()


def safetensors() -> bytes:
    pytest.importorskip("safetensors")
    import safetensors.torch

    return bytes(safetensors.torch.save({"weight": torch.randn(64, 64), "bias": torch.randn(64)}))


def onnx() -> bytes:
    return (EXAMPLE / "float16.onnx").read_bytes()


def tflite() -> bytes:
    return (EXAMPLE / "int8.tflite").read_bytes()


WHOLE: dict[str, tuple[str, str, Callable[[], bytes]]] = {
    "checkpoint": ("torch-weights", "model.pt", checkpoint),
    "older checkpoint": ("torch-weights", "model.pt", older_checkpoint),
    "torchscript": ("torchscript", "model.pt", torchscript),
    "exported": ("torch-export", "model.pt2", exported),
    "safetensors": ("safetensors", "model.safetensors", safetensors),
    "onnx": ("onnx", "model.onnx", onnx),
    "tflite": ("tflite", "model.tflite", tflite),
}


@pytest.mark.parametrize(
    "share", [*SHARES, 1.0], ids=lambda share: f"{share:.0%}" if share < 1 else "but the last byte"
)
@pytest.mark.parametrize("kind", WHOLE)
def test_a_file_that_is_cut_off_cannot_be_read(kind: str, share: float, tmp_path: Path, scan: Scan) -> None:
    known, name, build = WHOLE[kind]
    content = build()
    path = tmp_path / name
    path.write_bytes(content)
    assert scan(Sample(path, known)) == ()
    path.write_bytes(content[: min(len(content) - 1, int(len(content) * share))])
    with pytest.raises(UnreadableArtifact):
        scan(Sample(path, known))


@pytest.mark.parametrize("kind", WHOLE)
def test_vetgate_scan_ends_with_3_for_it(kind: str, tmp_path: Path) -> None:
    _, name, build = WHOLE[kind]
    content = build()
    (tmp_path / name).write_bytes(content[: len(content) * 9 // 10])
    assert run(["scan", str(tmp_path / name)]) == 3


@pytest.mark.parametrize("older", [False, True], ids=["zip", "older"])
@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED], ids=["stored", "packed"])
def test_a_payload_in_what_is_left_is_told_as_what_it_is(
    older: bool, method: int, tmp_path: Path, scan: Scan, is_grave: Callable[[Finding], bool]
) -> None:
    content = saved({"weight": torch.randn(64, 64), "x": Payload(tmp_path / "mark")}, older=older)
    if not older:
        packed = io.BytesIO()
        with zipfile.ZipFile(io.BytesIO(content)) as source, zipfile.ZipFile(packed, "w", method) as target:
            for entry in source.infolist():
                target.writestr(entry.filename, source.read(entry))
        content = packed.getvalue()
    path = tmp_path / "model.pt"
    path.write_bytes(content[: len(content) * 9 // 10])
    found = scan(Sample(path, "torch-weights"))
    assert "VG0101" in {finding.rule for finding in found if is_grave(finding)}, found
    assert not (tmp_path / "mark").exists()


def test_a_member_that_is_cut_off_is_an_attack(tmp_path: Path, scan: Scan, is_grave: Callable[[Finding], bool]) -> None:
    """The archive around it is whole, so no accident did it."""
    path = tmp_path / "model.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("inner.pt", checkpoint()[:-200])
    assert any(map(is_grave, scan(Sample(path))))


def test_what_ships_beside_a_model_that_is_cut_off_is_told_as_damage(tmp_path: Path, scan: Scan) -> None:
    (tmp_path / "model.pt").write_bytes(checkpoint())
    (tmp_path / "more.pt").write_bytes(checkpoint()[:-200])
    found = scan(Sample(tmp_path / "model.pt", "torch-weights", parts=("more.pt",)))
    assert {finding.rule for finding in found} == {"VG0201"}
