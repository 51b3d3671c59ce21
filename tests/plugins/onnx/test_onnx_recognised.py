"""ONNX is told by content, whatever wrote it and whatever it is called."""

from __future__ import annotations

import random
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest
import vetgate_onnx.recognise
from hypothesis import given, settings
from hypothesis import strategies as st
from vetgate_onnx.plugin import vetgate_backends
from vetgate_onnx.recognise import recognise
from vetgate_onnx.wire import Window

from vetgate.api import Probe

Save = Callable[..., Path]


def seen(path: Path, data: bytes | None = None) -> bool:
    if data is not None:
        path.write_bytes(data)
    data = path.read_bytes()
    return recognise(Probe(path, len(data), data[:4096], ()))


def test_a_model_is_recognised_under_any_name(tiny: ModuleType, save: Save) -> None:
    assert seen(save(tiny.convolutional(), "weights.bin"))


def test_the_order_of_fields_does_not_matter(tiny: ModuleType, tmp_path: Path) -> None:
    data = tiny.convolutional().SerializeToString()
    path = tmp_path / "model"
    path.write_bytes(data)
    with path.open("rb") as file:
        window = Window(file, len(data), most_fields=100)
        fields = list(window.fields(0, len(data)))
    ends = [field.end for field in fields]
    parts = [data[start:end] for start, end in zip([0, *ends], ends, strict=False)]
    for seed in range(20):
        random.Random(seed).shuffle(parts)
        assert seen(path, b"".join(parts))


def test_a_graph_behind_megabytes_of_metadata_is_found_by_seeking(tiny: ModuleType, tmp_path: Path) -> None:
    model = tiny.convolutional()
    graph = model.graph.SerializeToString()
    model.ClearField("graph")
    model.metadata_props[0].value = "x" * 3_000_000
    head = model.SerializeToString()
    tail = b"\x3a" + _varint(len(graph)) + graph
    assert seen(tmp_path / "model", head + tail)


def _varint(number: int) -> bytes:
    out = b""
    while number >= 0x80:
        out += bytes([number & 0x7F | 0x80])
        number >>= 7
    return out + bytes([number])


@pytest.mark.parametrize("keep", [14, 30, 100, 1000, -1])
def test_a_model_that_was_cut_off_is_still_onnx(tiny: ModuleType, tmp_path: Path, keep: int) -> None:
    data = tiny.convolutional().SerializeToString()
    assert seen(tmp_path / "cut.onnx", data[:keep])


def test_a_model_whose_end_is_zeros_is_still_onnx(tiny: ModuleType, tmp_path: Path) -> None:
    data = tiny.convolutional().SerializeToString()
    assert seen(tmp_path / "holes.onnx", data[: len(data) // 2] + bytes(len(data)))


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\x08",
        b"This is a read-me that somebody renamed to model.onnx.\n" * 50,
        b": a line\n" * 400,
        b'{"name": "model"}' * 300,
        b"\x80\x02}q\x00X\x05\x00\x00\x00models.",
        b"PK\x03\x04" + bytes(200),
        b"\x1c\x00\x00\x00TFL3" + bytes(300),
        b"\x08\x01\x12\x80\x04\x0a\x10\x0a\x00\x12\x08\x02\x03\x04" + bytes(600),  # a TensorFlow SavedModel
        b"\x08\x05\x12\x20\x0a\x1b\x0a\x05image\x1a\x12\x22\x10\x08\x03" + bytes(40),  # a Core ML model
        b"\x7fELF" + bytes(4096),
    ],
)
def test_other_files_are_not_onnx(tmp_path: Path, content: bytes) -> None:
    assert not seen(tmp_path / "model.onnx", content)


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=400))
def test_random_bytes_are_not_onnx_and_raise_nothing(tmp_path_factory: pytest.TempPathFactory, data: bytes) -> None:
    assert not seen(tmp_path_factory.getbasetemp() / "random.onnx", data)


def test_a_file_that_is_gone_raises_nothing(tmp_path: Path) -> None:
    assert not recognise(Probe(tmp_path / "gone", 100, b"\x08\x0a", ()))


def test_telling_the_format_imports_neither_onnx_nor_numpy(tiny: ModuleType, save: Save) -> None:
    path = save(tiny.convolutional())
    code = (
        "import sys; from pathlib import Path; from vetgate.api import Probe; "
        "from vetgate_onnx.plugin import vetgate_backends; known = vetgate_backends()[0].formats[0]; "
        f"path = Path({str(path)!r}); assert known.recognise(Probe(path, path.stat().st_size, b'', ())); "
        "assert known.members(path) == (); "
        "print(sorted({'onnx', 'onnxruntime', 'numpy', 'google'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_the_plugin_declares_one_format_and_its_extra() -> None:
    (spec,) = vetgate_backends()
    assert (spec.name, spec.extra, [known.name for known in spec.formats]) == ("onnx", "onnx", ["onnx"])


def test_nodes_without_an_operator_are_not_looked_through_without_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(vetgate_onnx.recognise, "_MOST_FIELDS_IN_ALL", 100)
    node = b"\x0a" + _varint(2000) + b"\x0a\x00" * 1000
    start = b"\x08\x08\x3a" + _varint(len(node) * 2)
    operator = b"\x0a\x06\x22\x04Relu"
    assert seen(tmp_path / "near", b"\x08\x08\x3a" + _varint(len(operator)) + operator)
    assert not seen(tmp_path / "far", start + node * 2)
