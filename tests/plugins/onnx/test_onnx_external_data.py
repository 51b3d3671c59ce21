"""External data files are found without onnx, and none may lie outside the model's folder."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import onnx
import pytest
import vetgate_onnx.external
from onnx import TensorProto, helper, numpy_helper
from onnx.external_data_helper import _get_all_tensors, uses_external_data
from vetgate_onnx.external import members

from vetgate.api import UnreadableArtifact

Save = Callable[..., Path]


def external(name: str, location: str, count: int = 4) -> TensorProto:
    tensor = TensorProto(name=name, data_type=TensorProto.FLOAT, dims=[count], data_location=TensorProto.EXTERNAL)
    entry = tensor.external_data.add()
    entry.key, entry.value = "location", location
    return tensor


def holding(*tensors: TensorProto, nodes: tuple[onnx.NodeProto, ...] = ()) -> onnx.ModelProto:
    out = helper.make_tensor_value_info("y", TensorProto.FLOAT, [4])
    graph = helper.make_graph([*nodes, helper.make_node("Identity", ["w"], ["y"])], "g", [], [out], list(tensors))
    return helper.make_model(graph)


def write(path: Path, model: onnx.ModelProto) -> Path:
    path.write_bytes(model.SerializeToString())
    return path


def said_by_onnx(path: Path) -> set[str]:
    model = onnx.load(str(path), load_external_data=False)
    return {
        entry.value
        for tensor in _get_all_tensors(model)
        if uses_external_data(tensor)
        for entry in tensor.external_data
        if entry.key == "location"
    }


@pytest.mark.parametrize("one_file", [True, False])
def test_members_are_what_onnx_itself_would_read(tiny: ModuleType, save: Save, one_file: bool) -> None:
    options: dict[str, Any] = {"save_as_external_data": True, "size_threshold": 0, "convert_attribute": True}
    options |= {"all_tensors_to_one_file": one_file, **({"location": "weights.bin"} if one_file else {})}
    path = save(tiny.convolutional(), **options)
    assert set(members(path)) == said_by_onnx(path) != set()
    assert (members(path) == ("weights.bin",)) is one_file


def test_a_model_that_keeps_its_weights_has_no_members(tiny: ModuleType, save: Save) -> None:
    assert members(save(tiny.convolutional())) == ()


def test_tensors_in_attributes_branches_functions_and_sparse_initialisers_are_found(tmp_path: Path) -> None:
    constant = helper.make_node("Constant", [], ["c"], value=external("c", "in_attribute.bin"))
    branch = helper.make_graph([], "b", [], [], [external("b", "in_branch.bin")])
    choice = helper.make_node("If", ["condition"], ["i"], then_branch=branch, else_branch=branch)
    model = holding(external("w", "plain.bin"), nodes=(constant, choice))
    values = external("s", "in_sparse.bin")
    indices = numpy_helper.from_array(np.arange(4), "s_indices")
    model.graph.sparse_initializer.append(helper.make_sparse_tensor(values, indices, [8]))
    inner = helper.make_node("Constant", [], ["f"], value=external("f", "in_function.bin"))
    model.functions.append(helper.make_function("mine", "F", [], ["f"], [inner], []))
    names = ["plain.bin", "in_attribute.bin", "in_branch.bin", "in_sparse.bin", "in_function.bin"]
    for name in names:
        (tmp_path / name).write_bytes(bytes(16))
    path = write(tmp_path / "model.onnx", model)
    assert set(members(path)) == set(names)
    assert said_by_onnx(path) <= set(members(path))


def test_a_file_that_many_tensors_share_is_named_once(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "w.bin").write_bytes(bytes(64))
    tensors = [external(name, where) for name, where in (("w", "sub/w.bin"), ("v", "./sub/w.bin"), ("u", "sub/w.bin"))]
    assert members(write(tmp_path / "model.onnx", holding(*tensors))) == ("sub/w.bin",)


@pytest.mark.parametrize(
    ("location", "why"),
    [
        ("/etc/passwd", "outside its folder"),
        ("../secret.bin", "outside its folder"),
        ("sub/../../secret.bin", "outside its folder"),
        ("absent.bin", "does not exist"),
        ("link.bin", "leads outside"),
        ("model.onnx", "no data file"),
        ("folder", "no data file"),
        (".", "outside its folder"),
        ("*/_ORT_MEM_ADDR_/*", "address in memory"),
        ("", "outside its folder"),
    ],
)
def test_cve_2024_27318_data_outside_the_folder_is_refused(tmp_path: Path, location: str, why: str) -> None:
    home = tmp_path / "home"
    (home / "folder").mkdir(parents=True)
    (tmp_path / "secret.bin").write_bytes(bytes(16))
    (home / "link.bin").symlink_to(tmp_path / "secret.bin")
    path = write(home / "model.onnx", holding(external("w", location)))
    with pytest.raises(UnreadableArtifact, match=why):
        members(path)


def test_a_file_name_split_over_two_merged_tensors_is_refused(tmp_path: Path) -> None:
    whole = external("c", "../secret.bin")
    place = TensorProto(data_location=TensorProto.EXTERNAL)
    whole.ClearField("data_location")
    both = [b"\x2a" + bytes([len(part)]) + part for part in (whole.SerializeToString(), place.SerializeToString())]
    attribute = b"\x0a\x05value\xa0\x01\x04" + b"".join(both)
    assert onnx.AttributeProto.FromString(attribute).t.data_location == TensorProto.EXTERNAL
    node = onnx.NodeProto(op_type="Constant", output=["c"]).SerializeToString()
    node += b"\x2a" + bytes([len(attribute)]) + attribute
    graph = b"\x0a" + bytes([len(node)]) + node
    path = tmp_path / "model.onnx"
    path.write_bytes(b"\x08\x0a\x3a" + bytes([len(graph)]) + graph)
    with pytest.raises(UnreadableArtifact, match="given twice"):
        members(path)


@pytest.mark.parametrize("keep", [0.1, 0.5, 0.9, 0.999])
def test_a_truncated_model_is_called_truncated(tiny: ModuleType, tmp_path: Path, keep: float) -> None:
    data = tiny.convolutional().SerializeToString()
    path = tmp_path / "cut.onnx"
    path.write_bytes(data[: int(len(data) * keep)])
    with pytest.raises(UnreadableArtifact, match="truncated"):
        members(path)


def field(number: int, content: bytes) -> bytes:
    return varint(number << 3 | 2) + varint(len(content)) + content


def varint(number: int) -> bytes:
    low, high = number & 127, number >> 7
    return bytes([low | 128]) + varint(high) if high else bytes([low])


def test_a_name_too_long_for_a_file_is_not_cut_to_a_harmless_one(tmp_path: Path) -> None:
    (tmp_path / "w.bin").write_bytes(bytes(16))
    name = "./" * 2045 + "/w.bin" + "/../../secret.bin"
    assert name[:4096].endswith("w.bin")
    with pytest.raises(UnreadableArtifact, match="longer than"):
        members(write(tmp_path / "model.onnx", holding(external("w", name))))


def test_a_file_of_nothing_but_fields_ends_in_bounded_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vetgate_onnx.external, "_MOST_FIELDS", 1000)
    path = tmp_path / "model.onnx"
    path.write_bytes(b"\x08\x08" + field(7, b"\x0a" * 120_000))
    with pytest.raises(UnreadableArtifact, match="more than 1,000 fields"):
        members(path)


def test_nested_messages_are_not_read_again_without_end(tmp_path: Path) -> None:
    content = field(1, b"") * 2 + field(2, b"location" * 1000)
    for _ in range(15):
        content = field(1, field(5, field(6, content)))
    path = tmp_path / "model.onnx"
    path.write_bytes(b"\x08\x08" + field(7, content * 40))
    with pytest.raises(UnreadableArtifact, match="nested too deeply"):
        members(path)


def test_only_so_many_names_are_held_as_there_are_files(tmp_path: Path) -> None:
    tensors = [external("w", f"absent{index}.bin") for index in range(3)]
    with pytest.raises(UnreadableArtifact, match="absent0"):
        members(write(tmp_path / "model.onnx", holding(*tensors)))
