from __future__ import annotations

import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from safetensors.torch import save_file
from torch import nn
from vetgate_torch import formats
from vetgate_torch.plugin import vetgate_backends

from vetgate.api import Artifact, Probe

Identify = Callable[[Path], Artifact]
jit: Any = torch.jit


def test_each_format_is_told_by_content_whatever_the_suffix(
    tmp_path: Path, small: nn.Module, artifact: Identify
) -> None:
    image = torch.zeros(1, 3, 8, 8)
    state = small.state_dict()
    path = tmp_path / "model.bin"
    torch.save(state, path)
    assert artifact(path).format == "torch-weights"
    torch.save(state, path, _use_new_zipfile_serialization=False)
    assert artifact(path).format == "torch-weights"
    torch.save(state, path, _use_new_zipfile_serialization=False, pickle_protocol=4)
    assert artifact(path).format == "torch-weights"
    save_file(state, path)
    assert artifact(path).format == "safetensors"
    jit.trace(small, image).save(path)
    assert artifact(path).format == "torchscript"
    exported = tmp_path / "model.pt2"
    torch.export.save(torch.export.export(small, (image,)), exported)
    assert artifact(exported.rename(tmp_path / "model.onnx")).format == "torch-export"


@pytest.mark.parametrize("kind", ["torch-weights", "torchscript", "torch-export"])
def test_a_truncated_zip_is_still_told(tmp_path: Path, small: nn.Module, artifact: Identify, kind: str) -> None:
    path = tmp_path / "model.pt2"
    if kind == "torch-weights":
        torch.save(small.state_dict(), path)
    elif kind == "torchscript":
        jit.script(small).save(path)
    else:
        torch.export.save(torch.export.export(small, (torch.zeros(1, 3, 8, 8),)), path)
    path.write_bytes(path.read_bytes()[:-700])
    assert artifact(path).format == kind


@given(st.binary(max_size=300), st.sampled_from([b"", b"PK\x03\x04", b"\x80\x02", struct.pack("<Q", 20) + b"{"]))
def test_garbage_raises_nothing(body: bytes, start: bytes) -> None:
    probe = Probe(path=Path("nowhere"), size=len(body), head=start + body, zip_members=())
    for spec in vetgate_backends()[0].formats:
        assert spec.recognise(probe) in (True, False)


def test_a_zip_of_pictures_and_a_tflite_file_are_none_of_ours() -> None:
    pictures = Probe(Path("x.zip"), 99, b"PK\x03\x04" + bytes(60), ("images/cat/1.jpg", "images/data/1.jpg"))
    lite = Probe(Path("x.tflite"), 99, b"\x1c\x00\x00\x00TFL3" + bytes(60), ())
    for probe in (pictures, lite):
        assert not any(
            told(probe)
            for told in (formats.is_weights, formats.is_torchscript, formats.is_exported, formats.is_safetensors)
        )
