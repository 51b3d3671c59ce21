"""Hostile ONNX files, built here. Those that reach for a file reach for a canary outside their folder."""

from __future__ import annotations

import itertools
import os
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from vetgate.api import Finding
from vetgate.testing.scanner import Sample

Scan = Callable[[Sample], tuple[Finding, ...]]
Build = Callable[[Path, Path], Any]

HARMFUL: dict[str, tuple[str, Build]] = {}
"""Technique -> the rule that it breaks, and what builds it; it may reach for the canary."""
IMAGE = [1, 3, 8, 8]


def technique(rule: str) -> Callable[[Build], Build]:
    def register(build: Build) -> Build:
        HARMFUL[build.__name__] = (rule, build)
        return build

    return register


def model_of(
    nodes: list[Any] | None = None,
    constants: dict[str, Any] | None = None,
    *,
    tensors: list[Any] | None = None,
    functions: list[Any] | None = None,
    domains: tuple[str, ...] = (),
) -> Any:
    given = [numpy_helper.from_array(value, name) for name, value in (constants or {}).items()]
    graph = helper.make_graph(
        nodes or [helper.make_node("Relu", ["image"], ["scores"])],
        "graph",
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, IMAGE)],
        [helper.make_tensor_value_info("scores", TensorProto.FLOAT, None)],
        [*given, *(tensors or [])],
    )
    opsets = [helper.make_opsetid("", 20), *(helper.make_opsetid(domain, 1) for domain in domains)]
    return helper.make_model(graph, opset_imports=opsets, ir_version=10, functions=functions or [])


def external(location: str, dims: tuple[int, ...] = (4,), **keys: str) -> Any:
    tensor = TensorProto(name="w", data_type=TensorProto.FLOAT, dims=dims, data_location=TensorProto.EXTERNAL)
    for key, value in {"location": location, **keys}.items():
        entry = tensor.external_data.add()
        entry.key, entry.value = key, value
    return model_of(tensors=[tensor])


def body_of(condition: str, nodes: list[Any] | None = None, constants: dict[str, Any] | None = None) -> Any:
    return helper.make_graph(
        nodes or [helper.make_node("Identity", ["go"], [condition])] if condition != "go" else nodes or [],
        "body",
        [
            helper.make_tensor_value_info("run", TensorProto.INT64, []),
            helper.make_tensor_value_info("go", TensorProto.BOOL, []),
        ],
        [helper.make_tensor_value_info(condition, TensorProto.BOOL, [])],
        [numpy_helper.from_array(value, name) for name, value in (constants or {}).items()],
    )


def varint(value: int) -> bytes:
    out = b""
    while value > 0x7F:
        out, value = out + bytes([value & 0x7F | 0x80]), value >> 7
    return out + bytes([value])


def field(number: int, content: bytes) -> bytes:
    return varint(number << 3 | 2) + varint(len(content)) + content


@technique("VG0401")
def onnx_3991_cve_2022_25882_external_data_climb_out(folder: Path, canary: Path) -> Any:
    return external(f"../{canary.name}")


@technique("VG0401")
def onnx_4400_external_data_are_absolute(folder: Path, canary: Path) -> Any:
    return external(str(canary))


@technique("VG0401")
def onnx_5917_cve_2024_27318_external_data_go_in_and_climb_out(folder: Path, canary: Path) -> Any:
    (folder / "inner").mkdir()
    return external(f"inner/../../{canary.name}")


@technique("VG0401")
def onnx_7040_cve_2025_51480_saving_would_overwrite(folder: Path, canary: Path) -> Any:
    return external(f"./..//{canary.name}", offset="0", length="16")


@technique("VG0401")
def external_data_on_a_share_or_drive(folder: Path, canary: Path) -> Any:
    return external("..\\canary")


@technique("VG0401")
def external_data_are_an_address_in_memory(folder: Path, canary: Path) -> Any:
    return external("*/_ORT_MEM_ADDR_/*", offset="140000000", length="16")


@technique("VG0401")
def external_data_of_a_tensor_in_an_attribute(folder: Path, canary: Path) -> Any:
    tensor = external(f"../{canary.name}").graph.initializer[0]
    return model_of([helper.make_node("Constant", [], ["scores"], value=tensor)])


@technique("VG0401")
def external_data_of_a_tensor_in_a_function(folder: Path, canary: Path) -> Any:
    tensor = external(f"../{canary.name}").graph.initializer[0]
    nodes = [helper.make_node("Constant", [], ["y"], value=tensor)]
    made = helper.make_function("mine", "F", ["x"], ["y"], nodes, [helper.make_opsetid("", 20)])
    call = helper.make_node("F", ["image"], ["scores"], domain="mine")
    return model_of([call], functions=[made], domains=("mine",))


@technique("VG0402")
def cve_2026_27489_onnx_7717_external_data_are_a_symlink(folder: Path, canary: Path) -> Any:
    (folder / "w.bin").symlink_to(canary)
    return external("w.bin")


@technique("VG0402")
def external_data_lie_below_a_symlink(folder: Path, canary: Path) -> Any:
    (folder / "inner").symlink_to(canary.parent)
    return external(f"inner/{canary.name}")


@technique("VG0402")
def cve_2026_34446_external_data_are_a_hard_link(folder: Path, canary: Path) -> Any:
    os.link(canary, folder / "w.bin")
    return external("w.bin")


@technique("VG0402")
def external_data_are_a_pipe(folder: Path, canary: Path) -> Any:
    os.mkfifo(folder / "w.bin")
    return external("w.bin")


@technique("VG0403")
def external_data_begin_before_their_file(folder: Path, canary: Path) -> Any:
    (folder / "w.bin").write_bytes(bytes(16))
    return external("w.bin", offset="-8", length="16")


@technique("VG0403")
def external_data_end_behind_their_file(folder: Path, canary: Path) -> Any:
    (folder / "w.bin").write_bytes(bytes(16))
    return external("w.bin", offset="8", length="18446744073709551608")


@technique("VG0403")
def external_data_are_shorter_than_the_tensor(folder: Path, canary: Path) -> Any:
    (folder / "w.bin").write_bytes(bytes(16))
    return external("w.bin", (1 << 20,))


@technique("VG0404")
def external_data_are_the_model_itself(folder: Path, canary: Path) -> Any:
    return external("model.onnx")


@technique("VG0405")
def cve_2026_34445_external_data_set_attributes(folder: Path, canary: Path) -> Any:
    (folder / "w.bin").write_bytes(bytes(16))
    return external("w.bin", __class__="os")


@technique("VG0406")
def operator_of_a_custom_domain(folder: Path, canary: Path) -> Any:
    return model_of([helper.make_node("Run", ["image"], ["scores"], domain="evil")], domains=("evil",))


@technique("VG0407")
def operator_calls_python(folder: Path, canary: Path) -> Any:
    node = helper.make_node("PyOp", ["image"], ["scores"], domain="ai.onnx.contrib", module="os", func="system")
    return model_of([node], domains=("ai.onnx.contrib",))


@technique("VG0407")
def operator_calls_torch(folder: Path, canary: Path) -> Any:
    node = helper.make_node("ATen", ["image"], ["scores"], domain="org.pytorch.aten", operator="from_file")
    return model_of([node], domains=("org.pytorch.aten",))


@technique("VG0408")
def operator_names_a_compiled_blob(folder: Path, canary: Path) -> Any:
    node = helper.make_node(
        "EPContext", ["image"], ["scores"], domain="com.microsoft", embed_mode=0, ep_cache_context=str(canary)
    )
    return model_of([node], domains=("com.microsoft",))


def calling(count: int, times: int, last: int) -> Any:
    """Return functions f0 ... that call the next so many times; the last calls number `last`, or nothing."""
    functions = []
    for index in range(count):
        callee = index + 1 if index + 1 < count else last
        nodes = [helper.make_node("Relu", ["x"], ["y0"])]
        if callee >= 0:
            nodes = [
                helper.make_node(f"f{callee}", ["x" if not k else f"y{k - 1}"], [f"y{k}"], domain="mine")
                for k in range(times)
            ]
        opsets = [helper.make_opsetid("", 20), helper.make_opsetid("mine", 1)]
        functions.append(helper.make_function("mine", f"f{index}", ["x"], [nodes[-1].output[0]], nodes, opsets))
    call = helper.make_node("f0", ["image"], ["scores"], domain="mine")
    return model_of([call], functions=functions, domains=("mine",))


@technique("VG0409")
def functions_call_each_other_in_a_circle(folder: Path, canary: Path) -> Any:
    return calling(3, 1, 0)


@technique("VG0409")
def functions_unfold_to_billions_of_nodes(folder: Path, canary: Path) -> Any:
    return calling(12, 10, -1)


@technique("VG0410")
def function_takes_the_name_of_an_operator(folder: Path, canary: Path) -> Any:
    nodes = [helper.make_node("Neg", ["x"], ["y"])]
    made = helper.make_function("", "Relu", ["x"], ["y"], nodes, [helper.make_opsetid("", 20)])
    return model_of(functions=[made])


@technique("VG0411")
def graphs_are_nested_deeply(folder: Path, canary: Path) -> Any:
    graph = body_of("out")
    for _ in range(24):
        graph = body_of("out", [helper.make_node("If", ["go"], ["out"], then_branch=graph, else_branch=body_of("out"))])
    node = helper.make_node("Loop", ["m", "go"], ["scores"], body=graph)
    return model_of([node], {"m": np.array(1), "go": np.array(True)})


@technique("VG0412")
def loop_runs_for_ever(folder: Path, canary: Path) -> Any:
    node = helper.make_node("Loop", ["", "yes"], ["scores"], body=body_of("out"))
    return model_of([node], {"yes": np.array(True)})


@technique("VG0412")
def loop_runs_as_often_as_numbers_go(folder: Path, canary: Path) -> Any:
    body = body_of("yes", [helper.make_node("Relu", ["run"], ["x"])], {"yes": np.array(True)})
    return model_of([helper.make_node("Loop", ["m", ""], ["scores"], body=body)], {"m": np.array(2**62)})


@technique("VG0412")
def loops_multiply(folder: Path, canary: Path) -> Any:
    graph = body_of("out")
    for _ in range(4):
        nodes = [helper.make_node("Loop", ["m", "go"], [], body=graph), helper.make_node("Identity", ["go"], ["out"])]
        graph = body_of("out", nodes)
    return model_of([helper.make_node("Loop", ["m", ""], ["scores"], body=graph)], {"m": np.array(1000)})


@technique("VG0413")
def shape_overflows(folder: Path, canary: Path) -> Any:
    return model_of(tensors=[TensorProto(name="w", data_type=1, dims=[2**32, 2**32], raw_data=b"")])


@technique("VG0413")
def shape_is_negative(folder: Path, canary: Path) -> Any:
    return model_of(tensors=[TensorProto(name="w", data_type=1, dims=[-1, 4], raw_data=bytes(16))])


@technique("VG0413")
def raw_data_are_too_short(folder: Path, canary: Path) -> Any:
    return model_of(tensors=[TensorProto(name="w", data_type=1, dims=[1 << 20], raw_data=bytes(16))])


@technique("VG0413")
def raw_data_are_too_long(folder: Path, canary: Path) -> Any:
    return model_of(tensors=[TensorProto(name="w", data_type=1, dims=[4], raw_data=bytes(1 << 16))])


@technique("VG0413")
def tensor_has_no_bytes(folder: Path, canary: Path) -> Any:
    return model_of(tensors=[TensorProto(name="w", data_type=1, dims=[1 << 30])])


@technique("VG0415")
def constant_of_a_giant_shape(folder: Path, canary: Path) -> Any:
    nodes = [helper.make_node("ConstantOfShape", ["s"], ["scores"])]
    return model_of(nodes, {"s": np.array([1 << 20, 1 << 20])})


@technique("VG0415")
def giant_shape_is_computed(folder: Path, canary: Path) -> Any:
    nodes = [
        helper.make_node("Constant", [], ["a"], value_ints=[1 << 16, 1 << 10]),
        helper.make_node("Mul", ["a", "b"], ["c"]),
        helper.make_node("Expand", ["image", "c"], ["scores"]),
    ]
    return model_of(nodes, {"b": np.array([1 << 10, 1 << 4])})


@technique("VG0415")
def tiles_of_tiles(folder: Path, canary: Path) -> Any:
    nodes = [
        helper.make_node("Tile", ["image" if not k else f"t{k - 1}", "r"], [f"t{k}" if k < 11 else "scores"])
        for k in range(12)
    ]
    return model_of(nodes, {"r": np.array([1, 1, 4, 4])})


@technique("VG0415")
def doubling_row_of_concat(folder: Path, canary: Path) -> Any:
    names = ["image", *(f"c{k}" for k in range(40)), "scores"]
    nodes = [helper.make_node("Concat", [a, a], [b], axis=1) for a, b in itertools.pairwise(names)]
    return model_of(nodes)


@technique("VG0415")
def range_without_an_end(folder: Path, canary: Path) -> Any:
    nodes = [helper.make_node("Range", ["a", "b", "c"], ["scores"])]
    return model_of(nodes, {"a": np.array(0), "b": np.array(2**62), "c": np.array(1)})


@technique("VG0415")
def pads_of_gigabytes(folder: Path, canary: Path) -> Any:
    node = helper.make_node("MaxPool", ["image"], ["scores"], kernel_shape=[2, 2], pads=[2**31, 0, 0, 0])
    return model_of([node])


@technique("VG0416")
def length_of_a_field_is_a_bomb(folder: Path, canary: Path) -> Any:
    whole = model_of().SerializeToString()
    return whole + varint(7 << 3 | 2) + varint(2**63)


@technique("VG0416")
def types_are_nested_like_a_bomb(folder: Path, canary: Path) -> Any:
    content = b""
    for _ in range(5000):
        content = field(4, field(1, content))
    value = field(1, b"x") + field(2, content)
    return model_of().SerializeToString() + field(7, field(13, value))


@technique("VG0417")
def payload_in_an_unknown_field(folder: Path, canary: Path) -> Any:
    return model_of().SerializeToString() + field(1000, b"import os" * 1000)


@technique("VG0418")
def metadata_are_megabytes(folder: Path, canary: Path) -> Any:
    model = model_of()
    entry = model.metadata_props.add()
    entry.key, entry.value = "note", "x" * (2 << 20)
    return model


@technique("VG0418")
def name_steers_the_terminal(folder: Path, canary: Path) -> Any:
    model = model_of()
    model.producer_name = "\x1b[2J\x1b[1;1Hverdict: pass"
    return model


@technique("VG0419")
def training_graph_is_carried(folder: Path, canary: Path) -> Any:
    model = model_of()
    model.training_info.add().algorithm.CopyFrom(model.graph)
    return model


@technique("VG0419")
def metadata_set_options_of_the_runtime(folder: Path, canary: Path) -> Any:
    model = model_of()
    entry = model.metadata_props.add()
    entry.key, entry.value = "ort_config", '{"session_options": {"enable_profiling": 1}}'
    return model


@technique("VG0420")
def operator_set_is_absurd(folder: Path, canary: Path) -> Any:
    model = model_of()
    model.opset_import[0].version = 2**40
    return model


@technique("VG0420")
def operator_set_is_contradictory(folder: Path, canary: Path) -> Any:
    model = model_of()
    model.opset_import.append(helper.make_opsetid("ai.onnx", 9))
    return model


@technique("VG0421")
def sparse_indices_lead_outside(folder: Path, canary: Path) -> Any:
    model = model_of()
    values = numpy_helper.from_array(np.ones(2, np.float32), "s")
    indices = numpy_helper.from_array(np.array([0, 1 << 40]), "i")
    model.graph.sparse_initializer.append(helper.make_sparse_tensor(values, indices, [4]))
    return model


@technique("VG0422")
def raw_data_are_given_twice(folder: Path, canary: Path) -> Any:
    tensor = TensorProto(name="w", data_type=1, dims=[4], raw_data=bytes(16)).SerializeToString()
    return model_of().SerializeToString() + field(7, field(5, tensor + field(9, b"\1" * 16)))


@technique("VG0423")
def runtimes_own_format(folder: Path, canary: Path) -> Any:
    return struct.pack("<I", 16) + b"ORTM" + bytes(64)


def planted(name: str, tmp_path: Path) -> Sample:
    canary = tmp_path / "canary"
    canary.write_bytes(b"secret of the machine")
    folder = tmp_path / "model"
    folder.mkdir()
    made = HARMFUL[name][1](folder, canary)
    path = folder / "model.onnx"
    path.write_bytes(made if isinstance(made, bytes) else made.SerializeToString())
    return Sample(path, "onnx")


@pytest.mark.parametrize("name", HARMFUL)
def test_technique_is_flagged_and_nothing_is_read_or_run(
    name: str, tmp_path: Path, watched: Scan, is_grave: Callable[[Finding], bool]
) -> None:
    sample = planted(name, tmp_path)
    found = watched(sample)
    rule, _ = HARMFUL[name]
    assert rule in {finding.rule for finding in found if is_grave(finding)}, found
    assert not any("secret of the machine" in finding.model_dump_json() for finding in found)


def test_a_field_bomb_is_told_in_seconds_and_not_walked_to_its_end(tmp_path: Path, scan: Scan) -> None:
    path = tmp_path / "bomb.onnx"
    path.write_bytes(model_of().SerializeToString() + field(7, b"\x0a\x00" * (3 << 20)))
    assert "VG0416" in {finding.rule for finding in scan(Sample(path, "onnx"))}


@pytest.mark.parametrize("producer", ["x" * 5 + "{}", "PK", "TFL3"])
def test_a_model_that_looks_like_another_format_is_read_as_onnx_all_the_same(
    producer: str, tmp_path: Path, scan: Scan
) -> None:
    model = external("/etc/passwd")
    model.producer_name = producer
    path = tmp_path / "model.onnx"
    path.write_bytes(model.SerializeToString())
    assert "VG0401" in {finding.rule for finding in scan(Sample(path, "onnx"))}


def test_a_model_of_nothing_but_a_graph_is_read_as_onnx_all_the_same(tmp_path: Path, scan: Scan) -> None:
    path = tmp_path / "model.onnx"
    path.write_bytes(field(7, external("/etc/passwd").graph.SerializeToString()))
    assert "VG0401" in {finding.rule for finding in scan(Sample(path, "onnx"))}


def test_thousands_of_offences_make_a_short_list(tmp_path: Path, scan: Scan) -> None:
    nodes = [helper.make_node("Run", ["image"], [f"y{k}"], domain="evil") for k in range(5000)]
    path = tmp_path / "many.onnx"
    onnx.save(model_of(nodes, domains=("evil",)), str(path))
    found = scan(Sample(path, "onnx"))
    assert len(found) < 10
    assert any("4,995 more" in finding.message for finding in found)


def test_a_while_loop_is_told_but_ends_no_run(tmp_path: Path, scan: Scan, is_grave: Callable[[Finding], bool]) -> None:
    body = body_of("out", [helper.make_node("Less", ["run", "n"], ["out"])], {"n": np.array(10)})
    path = tmp_path / "while.onnx"
    onnx.save(
        model_of([helper.make_node("Loop", ["", "yes"], ["scores"], body=body)], {"yes": np.array(True)}), str(path)
    )
    found = scan(Sample(path, "onnx"))
    assert {finding.rule for finding in found} == {"VG0424"}
    assert not any(map(is_grave, found))
