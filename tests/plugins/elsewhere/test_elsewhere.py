"""Formats that nobody here opens are told by content, and what to do with them is said."""

from __future__ import annotations

from pathlib import Path

import pytest

from vetgate.artifacts import Vault
from vetgate.cli.app import run
from vetgate.domain.errors import UnreadableArtifact
from vetgate.host import find_plugins

FILES = {
    "engine": (b"ftrt" + bytes(60), "TensorRT engine", "triton://"),
    "older_engine": (b"ptrt" + bytes(60), "TensorRT engine", "triton://"),
    "engine_of_ultralytics": (
        b"\x12\0\0\0" + b'{"task": "detect"}' + b"ftrt" + bytes(60),
        "TensorRT engine",
        "triton://",
    ),
    "saved_model": (b"\x08\x01\x12\x10" + bytes(60), "SavedModel", "tf2onnx"),
    "hdf5": (b"\x89HDF\r\n\x1a\n" + bytes(60), "HDF5", "keras.saving.load_model"),
    "ncnn": ((7767517).to_bytes(4, "little") + bytes(60), "ncnn", ".param"),
    "pnnx": (b"7767517\n2 1\npnnx.Input   pnnx_input_0   0 1 0 #0=(1,1,28,28)f32\n", "PNNX", ".ncnn.param"),
}


@pytest.mark.parametrize("name", FILES)
def test_each_is_named_by_content_with_what_to_do(tmp_path: Path, name: str) -> None:
    path = tmp_path / "model.bin"
    content, what, advice = FILES[name]
    path.write_bytes(content)
    with Vault() as vault, pytest.raises(UnreadableArtifact, match=what) as refused:
        vault.take(str(path), find_plugins().backends())
    assert advice in (refused.value.hint or "")


def test_the_exit_code_is_that_of_what_cannot_be_opened(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "model.engine"
    path.write_bytes(FILES["engine"][0])
    assert run(["inspect", str(path)]) == 3
    told = capsys.readouterr().err
    assert "TensorRT engine, which no installed plugin opens" in told
    assert "triton://" in told


def test_the_weights_beside_a_file_of_pnnx_are_not_taken_for_a_strange_archive(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "model.pnnx.param").write_bytes(FILES["pnnx"][0])
    (tmp_path / "model.pnnx.bin").write_bytes(b"PK\x03\x04" + bytes(60))
    assert run(["inspect", str(tmp_path / "model.pnnx.param")]) == 3
    told = capsys.readouterr().err
    assert "VG" not in told
    assert "name MODEL.ncnn.param" in told
