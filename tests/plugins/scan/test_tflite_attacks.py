"""Hostile TFLite files, built here through the FlatBuffers schema or by changing single bytes of an honest one."""

from __future__ import annotations

import io
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import flatbuffers  # type: ignore[import-untyped]  # it ships no types
import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema

from tests.plugins.litert import tiny_tflite
from vetgate.api import Finding
from vetgate.testing.scanner import Sample

Scan = Callable[[Sample], tuple[Finding, ...]]
Build = Callable[[Any], bytes]

HARMFUL: dict[str, tuple[str, Build]] = {}
"""Technique -> the rule that it breaks, and what builds it with the module that knows honest TFLite files."""


def technique(rule: str) -> Callable[[Build], Build]:
    def register(build: Build) -> Build:
        HARMFUL[build.__name__] = (rule, build)
        return build

    return register


@pytest.fixture(scope="session")
def tiny() -> Any:
    return tiny_tflite


def changed(tiny: Any, change: Callable[[Any], None], data: bytes | None = None) -> bytes:
    """Return a file after a change to its objects."""
    model: Any = schema.ModelT.InitFromPackedBuf(bytearray(data or tiny.convolutional()), 0)
    change(model)
    builder: Any = flatbuffers.Builder(1024)
    builder.Finish(model.Pack(builder), b"TFL3")
    return bytes(builder.Output())


def dense(tiny: Any, name: str = "FULLY_CONNECTED", custom: str = "", **options: Any) -> bytes:
    build = tiny.Builder()
    image, scores = build.tensor("image", (1, 4)), build.tensor("scores", (1, 4))
    weight = build.constant("w", np.eye(4, dtype=np.float32))
    build.operator(name, [image, weight], [scores], custom=custom, **options)
    return bytes(build.bytes([image], [scores]))


def calling(tiny: Any, cond: int, body: int, constant: bool = False) -> bytes:
    """Return a WHILE of two graphs, each of one operator."""

    def change(model: Any) -> None:
        first = model.subgraphs[0]
        options: Any = schema.WhileOptionsT()
        options.condSubgraphIndex, options.bodySubgraphIndex = cond, body
        operator = first.operators[0]
        operator.builtinOptionsType, operator.builtinOptions = schema.BuiltinOptions.WhileOptions, options
        operator.inputs, operator.outputs = [0], [1]
        other: Any = schema.SubGraphT()
        yes: Any = schema.TensorT()
        yes.name, yes.shape, yes.type, yes.buffer = b"yes", [], schema.TensorType.BOOL, len(model.buffers)
        buffer: Any = schema.BufferT()
        buffer.data = np.array([1], np.uint8) if constant else None
        model.buffers.append(buffer)
        other.tensors, other.operators, other.inputs, other.outputs = [yes], [], [], [0]
        model.subgraphs.append(other)

    return changed(tiny, change, dense(tiny, "WHILE"))


def set_tensor(**fields: Any) -> Callable[[Any], None]:
    def change(model: Any) -> None:
        for name, value in fields.items():
            setattr(model.subgraphs[0].tensors[1], name, value)

    return change


@technique("VG0501")
def root_lies_behind_the_end(tiny: Any) -> bytes:
    return struct.pack("<I", 0x7FFFFFF0) + bytes(tiny.convolutional())[4:]


@technique("VG0501")
def table_claims_a_vtable_before_the_file(tiny: Any) -> bytes:
    data = bytearray(tiny.convolutional())
    root = struct.unpack_from("<I", data)[0]
    struct.pack_into("<i", data, root, 0x7FFFFFFF)
    return bytes(data)


@technique("VG0501")
def cve_2022_23559_length_of_a_list_overflows(tiny: Any) -> bytes:
    data = bytearray(tiny.convolutional())
    at = data.find(np.array([1, 2], np.int32).tobytes()) - 4  # the buffer of the axes: its length stands before it
    struct.pack_into("<I", data, at, 0xFFFFFFFF)
    return bytes(data)


@technique("VG0501")
def operator_code_is_not_there(tiny: Any) -> bytes:
    return changed(tiny, lambda model: setattr(model.subgraphs[0].operators[0], "opcodeIndex", 1000))


@technique("VG0501")
def tensor_is_in_a_buffer_that_is_not_there(tiny: Any) -> bytes:
    return changed(tiny, set_tensor(buffer=100_000))


@technique("VG0501")
def metadata_are_in_a_buffer_that_is_not_there(tiny: Any) -> bytes:
    def change(model: Any) -> None:
        entry: Any = schema.MetadataT()
        entry.name, entry.buffer = b"TFLITE_METADATA", 0x7FFFFFFF
        model.metadata = [entry]

    return changed(tiny, change)


@technique("VG0502")
def custom_operator(tiny: Any) -> bytes:
    return dense(tiny, "CUSTOM", custom="RunShell")


@technique("VG0503")
def flex_operator_calls_python(tiny: Any) -> bytes:
    return dense(tiny, "CUSTOM", custom="FlexPyFunc")


@technique("VG0503")
def flex_operator_writes_files(tiny: Any) -> bytes:
    return dense(tiny, "CUSTOM", custom="FlexWriteFile")


@technique("VG0504")
def buffer_lies_behind_the_file(tiny: Any) -> bytes:
    def change(model: Any) -> None:
        model.buffers[1].data, model.buffers[1].offset, model.buffers[1].size = None, 1 << 40, 1 << 20

    return changed(tiny, change)


@technique("VG0504")
def weights_are_in_another_file(tiny: Any) -> bytes:
    def change(model: Any) -> None:
        group: Any = schema.ExternalBufferGroupT()
        group.name = b"/etc/passwd"
        model.externalBufferGroups = [group]

    return changed(tiny, change)


@technique("VG0505")
def cve_2020_15209_shape_is_larger_than_the_buffer(tiny: Any) -> bytes:
    return changed(tiny, lambda model: setattr(model.subgraphs[0].tensors[1], "shape", [400, 3, 3, 3]))


@technique("VG0505")
def shape_is_negative(tiny: Any) -> bytes:
    return changed(tiny, set_tensor(shape=[-4, 3, 3, -3]))


@technique("VG0505")
def scales_do_not_fit_the_axis(tiny: Any) -> bytes:
    def change(model: Any) -> None:
        tensor = next(entry for entry in model.subgraphs[0].tensors if entry.name == b"w")
        tensor.quantization.quantizedDimension = 77

    return changed(tiny, change, tiny.quantised())


@technique("VG0506")
def cve_2020_15211_operator_names_a_negative_tensor(tiny: Any) -> bytes:
    return changed(tiny, lambda model: setattr(model.subgraphs[0].operators[0], "inputs", [-7, 1, 2]))


@technique("VG0506")
def cve_2020_15214_operator_writes_outside(tiny: Any) -> bytes:
    return changed(tiny, lambda model: setattr(model.subgraphs[0].operators[0], "outputs", [1 << 30]))


@technique("VG0506")
def cve_2020_15210_operator_writes_to_what_it_reads(tiny: Any) -> bytes:
    return changed(tiny, lambda model: setattr(model.subgraphs[0].operators[0], "outputs", [0]))


@technique("VG0506")
def operator_writes_to_a_constant(tiny: Any) -> bytes:
    def change(model: Any) -> None:
        graph = model.subgraphs[0]
        graph.operators[0].outputs = [next(k for k, entry in enumerate(graph.tensors) if entry.name == b"fc.w")]

    return changed(tiny, change)


@technique("VG0507")
def cve_2021_29591_loop_calls_its_own_graph(tiny: Any) -> bytes:
    return calling(tiny, 1, 0)


@technique("VG0507")
def loop_calls_a_graph_that_is_not_there(tiny: Any) -> bytes:
    return calling(tiny, 1, 99)


@technique("VG0507")
def condition_of_a_loop_is_always_true(tiny: Any) -> bytes:
    return calling(tiny, 1, 1, constant=True)


@technique("VG0508")
def cve_2022_23558_shape_asks_for_terabytes(tiny: Any) -> bytes:
    def change(model: Any) -> None:
        tensor = next(entry for entry in model.subgraphs[0].tensors if entry.name == b"conv")
        tensor.shape = [65536, 65536, 65536]

    return changed(tiny, change)


@technique("VG0508")
def graphs_are_many(tiny: Any) -> bytes:
    def change(model: Any) -> None:
        for _ in range(10_001):
            empty: Any = schema.SubGraphT()
            empty.tensors, empty.operators, empty.inputs, empty.outputs = [], [], [], []
            model.subgraphs.append(empty)

    return changed(tiny, change)


def packed(names: dict[str, bytes]) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        for name, content in names.items():
            archive.writestr(name, content)
    return made.getvalue()


@technique("VG0509")
def packed_files_hold_a_program(tiny: Any) -> bytes:
    return bytes(tiny.convolutional()) + packed({"labels.txt": b"cat\n", "setup.sh": b"#!/bin/sh\n"})


@pytest.mark.parametrize("method", [zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_packed_files_that_cannot_be_unpacked_are_told_as_such(
    tiny: Any, tmp_path: Path, scan: Scan, method: int
) -> None:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", method) as archive:
        archive.writestr("labels.txt", b"cat dog " * 200)
        header, size = 30 + len("labels.txt"), archive.infolist()[0].compress_size
    data = bytearray(made.getvalue())
    data[header + size // 2 : header + size] = b"\xff" * (size - size // 2)
    path = tmp_path / "model.tflite"
    path.write_bytes(bytes(tiny.convolutional()) + data)
    (found,) = (finding for finding in scan(Sample(path, "tflite")) if finding.rule == "VG0509")
    assert "is a damaged zip" in found.message


@technique("VG0509")
def packed_files_climb_out(tiny: Any) -> bytes:
    return bytes(tiny.convolutional()) + packed({"../../.bashrc": b"touch mark"})


@technique("VG0509")
def program_follows_the_model(tiny: Any) -> bytes:
    return bytes(tiny.convolutional()) + b"#!/bin/sh\ntouch mark\n"


@technique("VG0509")
def packed_labels_are_a_disguised_program(tiny: Any) -> bytes:
    head = b"\x7fELF\x02\x01\x01" + bytes(9) + struct.pack("<HH", 2, 62) + bytes(64)
    return bytes(tiny.convolutional()) + packed({"labels.txt": head})


@technique("VG0510")
def cve_2021_29585_stride_is_zero(tiny: Any) -> bytes:
    def change(model: Any) -> None:
        model.subgraphs[0].operators[0].builtinOptions.strideW = 0

    return changed(tiny, change)


@technique("VG0510")
def cve_2021_29587_block_is_zero(tiny: Any) -> bytes:
    def change(model: Any) -> None:
        operator = model.subgraphs[0].operators[0]
        operator.builtinOptionsType = schema.BuiltinOptions.SpaceToDepthOptions
        operator.builtinOptions = schema.SpaceToDepthOptionsT()

    return changed(tiny, change, dense(tiny, "SPACE_TO_DEPTH"))


@pytest.mark.parametrize("name", HARMFUL)
def test_technique_is_flagged_and_nothing_is_run(
    name: str, tiny: Any, tmp_path: Path, watched: Scan, is_grave: Callable[[Finding], bool]
) -> None:
    rule, build = HARMFUL[name]
    path = tmp_path / "model" / "model.tflite"
    path.parent.mkdir()
    path.write_bytes(build(tiny))
    found = watched(Sample(path, "tflite"))
    assert rule in {finding.rule for finding in found if is_grave(finding)}, found


def test_one_table_referred_to_ever_so_often_is_not_walked_so_often(tmp_path: Path, scan: Scan) -> None:
    count = 320_000
    first, table = 48, 48 + 4 * count
    vtables = struct.pack("<7H", 14, 12, 4, 0, 0, 0, 8) + bytes(2) + struct.pack("<2H", 4, 4) + bytes(4)
    model = struct.pack("<iIII", 32 - 8, 3, 4, count)
    offsets = (table - (first + 4 * np.arange(count, dtype=np.uint32))).astype("<u4").tobytes()
    data = struct.pack("<I4s", 32, b"TFL3") + vtables + model + offsets + struct.pack("<i", table - 24)
    path = tmp_path / "model.tflite"
    path.write_bytes(data)
    assert {finding.rule for finding in scan(Sample(path, "tflite"))} == {"VG0501"}
