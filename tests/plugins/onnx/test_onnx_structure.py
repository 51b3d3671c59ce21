"""What describe says of models whose figures are known."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from onnx import TensorProto, helper, numpy_helper

from vetgate.api import Structure, Tensor, UnreadableArtifact

Save = Callable[..., Path]


def macs(structure: Structure) -> dict[str, int | None]:
    return {operator.type: operator.macs for operator in structure.operators}


def tensor(structure: Structure, name: str) -> Tensor:
    (found,) = [entry for entry in structure.tensors if entry.name == name]
    return found


def kinds(structure: Structure) -> dict[str, str]:
    return {entry.name: entry.kind for entry in structure.tensors}


@pytest.mark.parametrize("batch", ["N", 1, 4])
def test_multiply_accumulates_are_of_one_image(tiny: ModuleType, save: Save, batch: int | str) -> None:
    model = tiny.convolutional(batch)
    if batch == 4:
        model.graph.initializer[6].CopyFrom(numpy_helper.from_array(np.array([4, 64]), "shape"))
    structure = tiny.describe(save(model))
    assert macs(structure) == {"BatchNormalization": 0, "Conv": 1728, "Gemm": 320, "Relu": 0, "Reshape": 0}
    assert structure.macs == tiny.MACS


def test_learned_values_normalisation_and_state_are_told_apart(tiny: ModuleType, save: Save) -> None:
    assert kinds(tiny.describe(save(tiny.convolutional()))) == {
        "conv.w": "parameter", "conv.b": "parameter", "fc.w": "parameter", "fc.b": "parameter",
        "bn.scale": "normalisation", "bn.shift": "normalisation",
        "bn.mean": "state", "bn.var": "state", "shape": "state",
    }  # fmt: skip


def test_ports_and_metadata_are_told(tiny: ModuleType, save: Save) -> None:
    structure = tiny.describe(save(tiny.convolutional()))
    (given,), (out,) = structure.inputs, structure.outputs
    assert (given.name, given.shape, given.dtype) == ("image", (None, 3, 8, 8), "float32")
    assert (out.name, out.shape) == ("scores", (None, 5))
    assert structure.metadata["note"] == "made by code"
    assert structure.metadata["onnx.opset"] == "ai.onnx 20"
    assert structure.metadata["onnx.producer"] == "vetgate-tests"


def test_external_weights_are_counted(tiny: ModuleType, save: Save) -> None:
    inside = tiny.describe(save(tiny.convolutional(), "a.onnx"))
    path = save(tiny.convolutional(), "b.onnx", save_as_external_data=True, size_threshold=0, location="b.bin")
    assert tiny.describe(path) == inside


def test_zeros_and_distinct_values_are_counted(tiny: ModuleType, save: Save) -> None:
    model = tiny.convolutional()
    pruned = np.where(np.arange(320).reshape(64, 5) % 4 == 0, np.float32(0.5), np.float32(0))
    model.graph.initializer[7].CopyFrom(numpy_helper.from_array(pruned, "fc.w"))
    found = tensor(tiny.describe(save(model)), "fc.w")
    assert (found.elements, found.nonzero, found.distinct, found.bits) == (320, 80, 2, 32)


def test_a_weight_is_a_weight_behind_transpose_cast_and_identity(tiny: ModuleType, save: Save) -> None:
    constants = {"w": np.ones((5, 192), np.float16), "b": np.ones(5, np.float32), "shape": np.array([0, -1])}
    nodes = [
        helper.make_node("Transpose", ["w"], ["wt"], perm=[1, 0]),
        helper.make_node("Cast", ["wt"], ["wc"], to=TensorProto.FLOAT),
        helper.make_node("Identity", ["wc"], ["wi"]),
        helper.make_node("Reshape", ["image", "shape"], ["flat"]),
        helper.make_node("MatMul", ["flat", "wi"], ["product"]),
        helper.make_node("Add", ["product", "b"], ["scores"]),
    ]
    structure = tiny.describe(save(tiny.model_of(nodes, constants)))
    assert kinds(structure) == {"w": "parameter", "b": "parameter", "shape": "state"}
    assert (tensor(structure, "w").bits, tensor(structure, "w").dtype) == (16, "float16")
    assert structure.macs == 192 * 5


def quantised_product(tiny: ModuleType, stored: np.ndarray) -> Any:
    """Return a model that multiplies by a weight of 192 x 5 which is de-quantised by column."""
    constants = {
        "q": stored,
        "scale": np.array([0.1, 0.2, 0.3, 0.4, 0.5], np.float32),
        "zero": np.array([0, 1, 2, 3, 4], stored.dtype),
        "shape": np.array([0, -1]),
    }
    nodes = [
        helper.make_node("DequantizeLinear", ["q", "scale", "zero"], ["w"], axis=1),
        helper.make_node("Reshape", ["image", "shape"], ["flat"]),
        helper.make_node("MatMul", ["flat", "w"], ["scores"]),
    ]
    return tiny.model_of(nodes, constants)


def test_a_quantised_zero_point_is_a_zero_by_channel(tiny: ModuleType, save: Save) -> None:
    stored = np.tile(np.array([0, 1, 2, 3, 5], np.int8), (192, 1))
    structure = tiny.describe(save(quantised_product(tiny, stored)))
    found = tensor(structure, "q")
    assert (found.kind, found.dtype, found.elements, found.nonzero, found.distinct, found.bits) == (
        "parameter", "int8", 960, 192, 2, 8,
    )  # fmt: skip
    assert {tensor(structure, name).kind for name in ("scale", "zero")} == {"state"}


def test_int4_weights_take_four_bits(tiny: ModuleType, save: Save) -> None:
    model = quantised_product(tiny, np.tile(np.arange(5, dtype=np.int8), (192, 1)))
    for index, name in ((0, "q"), (2, "zero")):
        values = numpy_helper.to_array(model.graph.initializer[index]).flatten().tolist()
        dims = list(model.graph.initializer[index].dims)
        model.graph.initializer[index].CopyFrom(helper.make_tensor(name, TensorProto.INT4, dims, values))
    model.opset_import[0].version = 21
    found = tensor(tiny.describe(save(model)), "q")
    assert (found.dtype, found.bits, found.elements, found.nonzero) == ("int4", 4, 960, 0)


def test_matmul_nbits_is_unpacked(tiny: ModuleType, save: Save) -> None:
    packed = np.full((5, 12, 8), 0x88, np.uint8)  # zero by the default zero point of 8
    packed[0] = 0x98  # the upper half of each byte is 1 step off
    constants = {"b": packed, "scales": np.full(60, 0.5, np.float32), "shape": np.array([0, -1])}
    nodes = [
        helper.make_node("Reshape", ["image", "shape"], ["flat"]),
        helper.make_node(
            "MatMulNBits",
            ["flat", "b", "scales"],
            ["scores"],
            domain="com.microsoft",
            K=192,
            N=5,
            bits=4,
            block_size=16,
        ),
    ]
    structure = tiny.describe(save(tiny.model_of(nodes, constants, domains=("com.microsoft",))))
    found = tensor(structure, "b")
    assert (found.kind, found.shape, found.bits, found.nonzero, found.distinct) == ("parameter", (5, 192), 4, 96, 2)
    assert macs(structure)["com.microsoft.MatMulNBits"] == 960


def test_quantised_operators_and_their_int32_biases_are_counted(tiny: ModuleType, save: Save) -> None:
    f32, u8 = np.float32, np.uint8
    constants = {
        "xs": f32(0.01), "xz": u8(0), "w": np.full((2, 3, 3, 3), 3, np.int8), "ws": np.array([0.1, 0.2], f32),
        "wz": np.array([3, 0], np.int8), "ys": f32(0.1), "yz": u8(128), "b": np.array([7, 0], np.int32),
        "shape": np.array([0, -1]),
    }  # fmt: skip
    nodes = [
        helper.make_node("QuantizeLinear", ["image", "xs", "xz"], ["x"]),
        helper.make_node("QLinearConv", ["x", "xs", "xz", "w", "ws", "wz", "ys", "yz", "b"], ["y"]),
        helper.make_node("QLinearAdd", ["y", "ys", "yz", "y", "ys", "yz", "ys", "yz"], ["sum"], domain="com.microsoft"),
        helper.make_node("QLinearConv", ["sum", "ys", "yz", "w2", "ys", "yz2", "ys", "yz"], ["z"]),
        helper.make_node("DequantizeLinear", ["z", "ys", "yz"], ["real"]),
        helper.make_node("Reshape", ["real", "shape"], ["scores"]),
    ]
    constants |= {"w2": np.ones((1, 2, 6, 6), np.int8), "yz2": np.int8(0)}
    constants = {name: np.asarray(value) for name, value in constants.items()}
    structure = tiny.describe(save(tiny.model_of(nodes, constants, out=(1, ["N", 1]), domains=("com.microsoft",))))
    assert macs(structure)["QLinearConv"] == 2 * 6 * 6 * 27 + 72  # the second lies behind an operator onnx knows not
    assert macs(structure)["com.microsoft.QLinearAdd"] == 0
    weight, bias = tensor(structure, "w"), tensor(structure, "b")
    assert (weight.kind, weight.nonzero, weight.distinct) == ("parameter", 27, 2)
    assert (bias.kind, bias.nonzero, bias.bits) == ("parameter", 1, 32)
    assert {kinds(structure)[name] for name in ("xs", "xz", "ws", "wz", "ys", "yz")} == {"state"}


def test_what_a_foreign_operator_multiplies_is_not_guessed(tiny: ModuleType, save: Save) -> None:
    node = helper.make_node("Mystery", ["image", "w"], ["scores"], domain="acme")
    structure = tiny.describe(save(tiny.model_of([node], {"w": np.ones((3, 3), np.float32)}, domains=("acme",))))
    assert macs(structure) == {"acme.Mystery": None}
    assert structure.macs is None
    assert any("acme.Mystery" in note for note in structure.notes)
    assert kinds(structure) == {"w": "parameter"}


def test_a_size_left_free_needs_the_card(tiny: ModuleType, save: Save) -> None:
    nodes = [
        helper.make_node("Conv", ["image", "w"], ["c"]),
        helper.make_node("ReduceMean", ["c", "axes"], ["scores"], keepdims=0),
    ]
    constants = {"w": np.ones((5, 3, 3, 3), np.float32), "axes": np.array([2, 3])}
    path = save(tiny.model_of(nodes, constants, given=(TensorProto.FLOAT, ["N", 3, "H", "W"])))
    blind = tiny.describe(path)
    assert (macs(blind)["Conv"], macs(blind)["ReduceMean"]) == (None, 0)
    assert any("cannot be inferred" in note for note in blind.notes)
    assert tiny.describe(path, tiny.make_card()).macs == 5 * 6 * 6 * 27


def test_a_product_inside_a_branch_is_counted_as_unknown(tiny: ModuleType, save: Save) -> None:
    out = helper.make_tensor_value_info("o", TensorProto.FLOAT, ["N", 5])
    weight = numpy_helper.from_array(np.ones((192, 5), np.float32), "bw")
    body = helper.make_graph([helper.make_node("MatMul", ["flat", "bw"], ["o"])], "b", [], [out], [weight])
    nodes = [
        helper.make_node("Reshape", ["image", "shape"], ["flat"]),
        helper.make_node("If", ["yes"], ["scores"], then_branch=body, else_branch=body),
    ]
    constants = {"shape": np.array([0, -1]), "yes": np.array(True)}
    structure = tiny.describe(save(tiny.model_of(nodes, constants)))
    assert macs(structure) == {"If": 0, "MatMul": None, "Reshape": 0}
    assert kinds(structure)["bw"] == "parameter"


def test_attention_by_matmul_is_counted(tiny: ModuleType, save: Save) -> None:
    nodes = [
        helper.make_node("Reshape", ["image", "shape"], ["q"]),
        helper.make_node("Transpose", ["q"], ["k"], perm=[0, 2, 1]),
        helper.make_node("MatMul", ["q", "k"], ["scores_"]),
        helper.make_node("Softmax", ["scores_"], ["p"]),
        helper.make_node("MatMul", ["p", "q"], ["mixed"]),
        helper.make_node("ReduceMean", ["mixed", "axes"], ["scores"], keepdims=0),
    ]
    constants = {"shape": np.array([0, 16, 12]), "axes": np.array([1])}
    structure = tiny.describe(save(tiny.model_of(nodes, constants, out=(1, ["N", 12]))))
    assert structure.macs == 16 * 16 * 12 * 2


def test_sparse_initialisers_count_their_gaps_as_zeros(tiny: ModuleType, save: Save) -> None:
    nodes = [
        helper.make_node("Reshape", ["image", "shape"], ["flat"]),
        helper.make_node("MatMul", ["flat", "w"], ["scores"]),
    ]
    model = tiny.model_of(nodes, {"shape": np.array([0, -1])})
    values = numpy_helper.from_array(np.array([1, 2, 2], np.float32), "w")
    indices = numpy_helper.from_array(np.array([0, 7, 959]), "w_indices")
    model.graph.sparse_initializer.append(helper.make_sparse_tensor(values, indices, [192, 5]))
    found = tensor(tiny.describe(save(model)), "w")
    assert (found.kind, found.elements, found.nonzero, found.distinct) == ("parameter", 960, 3, 3)
    assert found.bits == pytest.approx((3 * 32 + 3 * 64) / 960)


def test_a_tensor_with_too_few_bytes_is_unreadable(tiny: ModuleType, save: Save) -> None:
    model = tiny.convolutional()
    model.graph.initializer[0].raw_data = model.graph.initializer[0].raw_data[:-4]
    with pytest.raises(UnreadableArtifact, match=r"conv\.w"):
        tiny.describe(save(model))


def test_a_model_with_functions_is_written_out(tiny: ModuleType, save: Save) -> None:
    inner = [helper.make_node("MatMul", ["x", "w"], ["y"])]
    function = helper.make_function("mine", "Dense", ["x", "w"], ["y"], inner, [helper.make_opsetid("", 20)])
    nodes = [
        helper.make_node("Reshape", ["image", "shape"], ["flat"]),
        helper.make_node("Dense", ["flat", "w"], ["scores"], domain="mine"),
    ]
    constants = {"shape": np.array([0, -1]), "w": np.ones((192, 5), np.float32)}
    model = tiny.model_of(nodes, constants, domains=("mine",))
    model.functions.append(function)
    structure = tiny.describe(save(model))
    assert structure.macs == 960
    assert kinds(structure)["w"] == "parameter"


def test_a_transposed_convolution_multiplies_once_for_each_input_and_weight(tiny: ModuleType, save: Save) -> None:
    constants = {"w": np.ones((3, 4, 2, 2), np.float32), "axes": np.array([2, 3])}
    nodes = [
        helper.make_node("ConvTranspose", ["image", "w"], ["c"], strides=[2, 2]),
        helper.make_node("ReduceMean", ["c", "axes"], ["scores"], keepdims=0),
    ]
    model = tiny.model_of(nodes, constants, out=(TensorProto.FLOAT, ["N", 4]))
    assert macs(tiny.describe(save(model)))["ConvTranspose"] == 3 * 8 * 8 * 4 * 2 * 2


def test_a_transposed_product_is_summed_over_the_other_axis(tiny: ModuleType, save: Save) -> None:
    constants = {"a": np.ones((7, 3), np.float32), "b": np.ones((7, 5), np.float32)}
    nodes = [
        helper.make_node("Gemm", ["a", "b"], ["g"], transA=1),
        helper.make_node("ReduceMean", ["image"], ["m"], keepdims=0),
        helper.make_node("Add", ["g", "m"], ["scores"]),
    ]
    model = tiny.model_of(nodes, constants, out=(TensorProto.FLOAT, [3, 5]))
    assert macs(tiny.describe(save(model)))["Gemm"] == 3 * 5 * 7


def test_scales_by_block_lie_along_their_own_axis(tiny: ModuleType, save: Save) -> None:
    constants = {
        "w": np.array([[1, 1, 2, 2], [1, 1, 2, 2]], np.int8),
        "s": np.array([[2, 1], [6, 3]], np.float32),
        "z": np.array([[0, 2], [0, 0]], np.int8),
        "ones": np.ones((1, 2), np.float32),
    }
    nodes = [
        helper.make_node("DequantizeLinear", ["w", "s", "z"], ["d"], axis=1, block_size=2),
        helper.make_node("ReduceMean", ["image"], ["m"], keepdims=0),
        helper.make_node("MatMul", ["ones", "d"], ["p"]),
        helper.make_node("Add", ["p", "m"], ["scores"]),
    ]
    found = tensor(tiny.describe(save(tiny.model_of(nodes, constants, out=(TensorProto.FLOAT, [1, 4])))), "w")
    # 2 2 0 0 and 6 6 6 6
    assert (found.nonzero, found.distinct) == (6, 3)
