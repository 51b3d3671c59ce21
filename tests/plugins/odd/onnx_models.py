"""The network as odd ONNX models."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from tests.plugins.odd import network

Nodes = list[onnx.NodeProto]
Constants = dict[str, Any]
Outputs = dict[str, tuple[int, list[int | str]]]
node = helper.make_node
FLOAT, HALF = TensorProto.FLOAT, TensorProto.FLOAT16
IMAGE: list[int | str] = ["N", 3, 8, 8]


def model_of(
    nodes: Nodes,
    constants: Constants,
    *,
    given: tuple[int, list[int | str]] = (FLOAT, IMAGE),
    outputs: Outputs | None = None,
    domains: tuple[str, ...] = (),
    opset: int = 21,
) -> bytes:
    """Return a model from `image` to `scores`, or to other outputs; constants are arrays or tensors."""
    ways = outputs or {"scores": (FLOAT, ["N", network.CLASSES])}
    graph = helper.make_graph(
        nodes,
        "odd",
        [helper.make_tensor_value_info("image", *given)],
        [helper.make_tensor_value_info(name, *told) for name, told in ways.items()],
        [
            value if isinstance(value, TensorProto) else numpy_helper.from_array(np.asarray(value), name)
            for name, value in constants.items()
        ],
    )
    opsets = [helper.make_opsetid("", opset), *(helper.make_opsetid(domain, 1) for domain in domains)]
    return bytes(helper.make_model(graph, opset_imports=opsets, ir_version=10).SerializeToString())


def layers(*, conv: str = "conv.w", dense: str = "fc.wt", given: str = "image") -> Nodes:
    """Return the nodes from an image to `scores`; names are those of the two weights."""
    return [
        node("Conv", [given, conv, "conv.b"], ["conv"], strides=[2, 2]),
        node("Relu", ["conv"], ["relu"]),
        node("GlobalAveragePool", ["relu"], ["pool"]),
        node("Flatten", ["pool"], ["features"]),
        node("MatMul", ["features", dense], ["product"]),
        node("Add", ["product", "fc.b"], ["scores"]),
    ]


def stored() -> Constants:
    """Return the weights; fc.wt is (filters, classes)."""
    told = network.weights()
    return {
        **{name: told[name] for name in ("conv.w", "conv.b", "fc.b")},
        "fc.wt": np.ascontiguousarray(told["fc.w"].T),
    }


def plain(*, batch: int | str = "N", height: int | str = 8, width: int | str = 8) -> bytes:
    """Return it in float32, its batch or its picture's size free or fixed."""
    return model_of(
        layers(),
        stored(),
        given=(FLOAT, [batch, 3, height, width]),
        outputs={"scores": (FLOAT, [batch, network.CLASSES])},
    )


def half(*, ports: bool) -> bytes:
    """Return it in float16; input and output too, or behind casts."""
    constants = {name: value.astype(np.float16) for name, value in stored().items()}
    if ports:
        out: Outputs = {"scores": (HALF, ["N", network.CLASSES])}
        return model_of(layers(), constants, given=(HALF, IMAGE), outputs=out)
    nodes = [node("Cast", ["image"], ["half"], to=HALF), *layers(given="half")]
    nodes[-1].output[0] = "half scores"
    nodes.append(node("Cast", ["half scores"], ["scores"], to=FLOAT))
    return model_of(nodes, constants)


def integers(kind: int, values: NDArray[np.integer[Any]], name: str) -> TensorProto:
    """Return a tensor of any integer type; four-bit ones are packed, two in a byte."""
    return helper.make_tensor(name, kind, values.shape, values.reshape(-1).tolist())


def small_weights(bits: int, *, unsigned: bool = False) -> tuple[bytes, dict[str, NDArray[np.float32]]]:
    """Return it with weights of so many bits, each channel with its own scale, and the weights that these mean."""
    kind = {(4, False): TensorProto.INT4, (4, True): TensorProto.UINT4, (8, False): TensorProto.INT8}[bits, unsigned]
    constants, meant = stored(), dict(network.weights())
    nodes: Nodes = []
    for name, axis in (("conv.w", 0), ("fc.wt", 1)):
        whole, scale = network.rounded(constants.pop(name), bits, axis)
        zero = 2 ** (bits - 1) if unsigned else 0
        constants[f"{name}.q"] = integers(kind, whole + zero, f"{name}.q")
        constants[f"{name}.scale"] = scale
        constants[f"{name}.zero"] = integers(kind, np.full(scale.shape, zero), f"{name}.zero")
        nodes.append(node("DequantizeLinear", [f"{name}.q", f"{name}.scale", f"{name}.zero"], [name], axis=axis))
        along = [1] * whole.ndim
        along[axis] = scale.size
        told = (whole * scale.reshape(along)).astype(np.float32)
        meant["fc.w" if name == "fc.wt" else name] = told.T if name == "fc.wt" else told
    return model_of([*nodes, *layers()], constants), meant


def blocks(*, packed: bool) -> tuple[bytes, dict[str, NDArray[np.float32]]]:
    """Return it with a classifier of four bits whose scales go by blocks, and the weights that these mean.

    Args:
        packed: As MatMulNBits, blocks of 16 (the last half empty), else as DequantizeLinear with blocks of 4.
    """
    constants = stored()
    dense = constants.pop("fc.wt")  # (8, 10)
    size = 16 if packed else 4
    count = -(-network.FILTERS // size)
    padded = np.zeros((count * size, network.CLASSES), np.float32)
    padded[: network.FILTERS] = dense
    parts = padded.reshape(count, size, network.CLASSES)
    scale = (np.abs(parts).max(axis=1) / 7).astype(np.float32)
    whole = np.round(parts / scale[:, np.newaxis]).astype(np.int64)
    meant = (whole * scale[:, np.newaxis]).reshape(-1, network.CLASSES)[: network.FILTERS].astype(np.float32)
    told = {**network.weights(), "fc.w": meant.T}
    if not packed:
        constants["q"] = integers(TensorProto.INT4, whole.reshape(-1, network.CLASSES), "q")
        constants["scale"] = scale
        first = node("DequantizeLinear", ["q", "scale"], ["fc.wt"], axis=0, block_size=size)
        return model_of([first, *layers()], constants), told
    rows = (whole + 8).transpose(2, 0, 1).astype(np.uint8)  # (classes, blocks, size)
    constants["q"] = (rows[..., ::2] | rows[..., 1::2] << 4).astype(np.uint8)
    constants["scale"] = np.ascontiguousarray(scale.T)
    nodes = layers()
    nodes[4] = node(
        "MatMulNBits", ["features", "q", "scale"], ["product"], domain="com.microsoft", K=network.FILTERS,
        N=network.CLASSES, bits=4, block_size=size,
    )  # fmt: skip
    return model_of(nodes, constants, domains=("com.microsoft",)), told


def quantised(activations: str, *, ports: bool = False, probabilities: bool = False) -> bytes:
    """Return it quantised throughout: int8 weights by channel, activations of one type, in QDQ form.

    Args:
        activations: int8, uint8, int16 or uint16.
        ports: Whether input and output are quantised themselves.
        probabilities: Whether it ends in a quantised softmax.
    """
    bits, signed = int(activations.lstrip("uint")), not activations.startswith("u")
    dtype, constants = np.dtype(activations), stored()
    nodes: Nodes = []
    for name, axis in (("conv.w", 0), ("fc.wt", 1)):
        whole, scale = network.rounded(constants.pop(name), 8, axis)
        constants |= {f"{name}.q": whole.astype(np.int8), f"{name}.scale": scale}
        constants[f"{name}.zero"] = np.zeros(scale.shape, np.int8)
        nodes.append(node("DequantizeLinear", [f"{name}.q", f"{name}.scale", f"{name}.zero"], [name], axis=axis))
    spans = {"image": (0.0, 1.0), "relu": (0.0, 30.0), "features": (0.0, 30.0), "scores": (-32.0, 32.0)}
    if probabilities:
        spans["shares"] = (0.0, 1.0)

    def through(name: str, given: str, out: str, *, begin: bool = True, end: bool = True) -> None:
        scale, zero = network.spanned(*spans[name], bits, signed=signed)
        constants[f"{name}.scale"], constants[f"{name}.zero"] = np.float32(scale), np.asarray(zero, dtype)
        parts = [f"{name}.scale", f"{name}.zero"]
        middle = f"{name}.q" if begin and end else (given if end else out)
        if begin:
            nodes.append(node("QuantizeLinear", [given, *parts], [middle]))
        if end:
            nodes.append(node("DequantizeLinear", [middle, *parts], [out]))

    through("image", "image", "x", begin=not ports)
    nodes.append(node("Conv", ["x", "conv.w", "conv.b"], ["conv"], strides=[2, 2]))
    nodes.append(node("Relu", ["conv"], ["relu"]))
    through("relu", "relu", "r")
    nodes += [node("GlobalAveragePool", ["r"], ["pool"]), node("Flatten", ["pool"], ["features"])]
    through("features", "features", "f")
    nodes += [node("MatMul", ["f", "fc.wt"], ["product"]), node("Add", ["product", "fc.b"], ["sum"])]
    last = "shares" if probabilities else "scores"
    if probabilities:
        through("scores", "sum", "s")
        nodes.append(node("Softmax", ["s"], ["soft"]))
    through(last, "soft" if probabilities else "sum", "out", end=not ports)
    kind = helper.np_dtype_to_tensor_dtype(dtype) if ports else FLOAT
    outputs: Outputs = {"out": (kind, ["N", network.CLASSES])}
    return model_of(nodes, constants, given=(kind, IMAGE), outputs=outputs)


def soft(*, twice: bool = False) -> bytes:
    """Return it with a softmax inside, or with two."""
    nodes = layers()
    nodes[-1].output[0] = "s"
    nodes.append(node("Softmax", ["s"], ["once" if twice else "scores"]))
    if twice:
        nodes.append(node("Softmax", ["once"], ["scores"]))
    return model_of(nodes, stored())


def own_scaling() -> bytes:
    """Return it taking bytes, channels last, with its own division by 255."""
    before = [
        node("Cast", ["image"], ["float"], to=FLOAT),
        node("Div", ["float", "255"], ["unit"]),
        node("Transpose", ["unit"], ["planes"], perm=[0, 3, 1, 2]),
    ]
    constants = {**stored(), "255": np.float32(255)}
    return model_of([*before, *layers(given="planes")], constants, given=(TensorProto.UINT8, ["N", 8, 8, 3]))


def float_scaling() -> bytes:
    """Return it taking floating-point pixels of 0 to 255, divided by 255 inside."""
    nodes = [node("Mul", ["image", "1/255"], ["unit"]), *layers(given="unit")]
    return model_of(nodes, {**stored(), "1/255": np.full((1, 3, 1, 1), 1 / 255, np.float32)})


def several() -> bytes:
    """Return it with its features as a first output, and class numbers as a third."""
    nodes = [*layers(), node("ArgMax", ["scores"], ["best"], axis=1, keepdims=0)]
    outputs: Outputs = {
        "features": (FLOAT, ["N", network.FILTERS]),
        "scores": (FLOAT, ["N", network.CLASSES]),
        "best": (TensorProto.INT64, ["N"]),
    }
    return model_of(nodes, stored(), outputs=outputs)


def reordered(order: NDArray[np.intp], *, before: int = 0, after: int = 0) -> bytes:
    """Return it with its classes in another order, and outputs that are no class before or after them."""
    constants = stored()
    wide = (before, after)
    constants["fc.wt"] = np.pad(constants["fc.wt"][:, order], ((0, 0), wide))
    constants["fc.b"] = np.pad(constants["fc.b"][order], wide, constant_values=-100)
    return model_of(layers(), constants, outputs={"scores": (FLOAT, ["N", network.CLASSES + before + after])})


HIDDEN = 6


def recurrent(kind: str = "LSTM", *, both: bool = False, batch_first: bool = False) -> bytes:
    """Return a network that reads the picture row by row, each row of 24 numbers, and answers from the last step."""
    draw, gates, ways = np.random.default_rng(5), {"LSTM": 4, "GRU": 3, "RNN": 1}[kind], 1 + both
    constants = {
        "rows": np.array([0, 8, 24], np.int64), "last": np.array(-1, np.int64), "flat": np.array([0, -1], np.int64),
        "w": draw.normal(size=(ways, gates * HIDDEN, 24)).astype(np.float32) / 3,
        "r": draw.normal(size=(ways, gates * HIDDEN, HIDDEN)).astype(np.float32) / 3,
        "b": draw.normal(size=(ways, 2 * gates * HIDDEN)).astype(np.float32) / 3,
        "fc.wt": draw.normal(size=(ways * HIDDEN, network.CLASSES)).astype(np.float32) * 3,
        "fc.b": np.zeros(network.CLASSES, np.float32),
    }  # fmt: skip
    options: dict[str, Any] = {"direction": "bidirectional" if both else "forward", "hidden_size": HIDDEN}
    nodes = [
        node("Transpose", ["image"], ["by row"], perm=[0, 2, 3, 1]),
        node("Reshape", ["by row", "rows"], ["sequence"]),  # (N, 8, 24)
        node("Transpose", ["sequence"], ["steps"], perm=[1, 0, 2]),
        node(kind, ["steps", "w", "r", "b"], ["all", "end"], **options),  # end: (ways, N, hidden)
        node("Transpose", ["end"], ["ends"], perm=[1, 0, 2]),
        node("Reshape", ["ends", "flat"], ["features"]),
        node("MatMul", ["features", "fc.wt"], ["product"]),
        node("Add", ["product", "fc.b"], ["scores"]),
    ]
    return model_of(nodes, constants)


def recurrent_macs(kind: str = "LSTM", *, both: bool = False) -> int:
    """Return multiply-accumulates of `recurrent`: 8 steps of each gate's 24 and HIDDEN products, and the classifier."""
    gates, ways = {"LSTM": 4, "GRU": 3, "RNN": 1}[kind], 1 + both
    return 8 * ways * gates * HIDDEN * (24 + HIDDEN) + ways * HIDDEN * network.CLASSES


WIDE, HEADS, TOKENS = 12, 2, 17


def transformer(form: str = "products") -> bytes:
    """Return a vision transformer of one block: patches of 2 x 2, a class token, positions, attention, a GELU layer.

    Args:
        form: How attention is stored: `products` (MatMul and Softmax), `operator` (Attention of opset 23) or `fused`
            (MultiHeadAttention of com.microsoft).
    """
    draw = np.random.default_rng(6)

    def drawn(*shape: int) -> NDArray[np.float32]:
        made: NDArray[np.float32] = (draw.normal(size=shape) / np.sqrt(shape[0])).astype(np.float32)
        return made

    constants: Constants = {
        "patch.w": (draw.normal(size=(WIDE, 3, 2, 2)) / 3).astype(np.float32), "patch.b": np.zeros(WIDE, np.float32),
        "class": drawn(1, 1, WIDE), "positions": drawn(1, TOKENS, WIDE), "norm.w": np.ones(WIDE, np.float32),
        "norm.b": np.zeros(WIDE, np.float32), "up": drawn(WIDE, 24), "down": drawn(24, WIDE),
        **{f"{name}.w": drawn(WIDE, WIDE) for name in ("q", "k", "v", "o")},
        "fc.wt": drawn(WIDE, network.CLASSES) * 3, "first": np.array(0, np.int64),
        "flat": np.array([0, WIDE, 16], np.int64), "heads": np.array([0, TOKENS, HEADS, WIDE // HEADS], np.int64),
        "joined": np.array([0, TOKENS, WIDE], np.int64), "root": np.float32(np.sqrt(WIDE // HEADS)),
        "one": np.array([1], np.int64), "wide": np.array([WIDE], np.int64),
    }  # fmt: skip
    nodes = [
        node("Conv", ["image", "patch.w", "patch.b"], ["patches"], strides=[2, 2]),
        node("Reshape", ["patches", "flat"], ["columns"]),
        node("Transpose", ["columns"], ["words"], perm=[0, 2, 1]),
        node("Shape", ["image"], ["batch"], start=0, end=1),
        node("Concat", ["batch", "one", "wide"], ["shape"], axis=0),
        node("Expand", ["class", "shape"], ["token"]),
        node("Concat", ["token", "words"], ["sequence"], axis=1),
        node("Add", ["sequence", "positions"], ["x"]),
        node("LayerNormalization", ["x", "norm.w", "norm.b"], ["n"]),
        *(node("MatMul", ["n", f"{name}.w"], [name]) for name in ("q", "k", "v")),
        *_attention(form),
        node("MatMul", ["mixed", "o.w"], ["attended"]),
        node("Add", ["x", "attended"], ["y"]),
        node("MatMul", ["y", "up"], ["wide up"]),
        node("Gelu", ["wide up"], ["gelu"]),
        node("MatMul", ["gelu", "down"], ["deep"]),
        node("Add", ["y", "deep"], ["z"]),
        node("Gather", ["z", "first"], ["features"], axis=1),
        node("MatMul", ["features", "fc.wt"], ["scores"]),
    ]
    return model_of(nodes, constants, domains=("com.microsoft",), opset=23 if form == "operator" else 21)


def _attention(form: str) -> Nodes:
    if form == "operator":
        return [node("Attention", ["q", "k", "v"], ["mixed"], q_num_heads=HEADS, kv_num_heads=HEADS)]
    if form == "fused":
        return [node("MultiHeadAttention", ["q", "k", "v"], ["mixed"], domain="com.microsoft", num_heads=HEADS)]
    made: Nodes = []
    for name, turned in (("q", [0, 2, 1, 3]), ("k", [0, 2, 3, 1]), ("v", [0, 2, 1, 3])):
        made += [
            node("Reshape", [name, "heads"], [f"{name}4"]),
            node("Transpose", [f"{name}4"], [f"{name}h"], perm=turned),
        ]
    return [
        *made,
        node("MatMul", ["qh", "kh"], ["pairs"]),
        node("Div", ["pairs", "root"], ["scaled"]),
        node("Softmax", ["scaled"], ["looks"], axis=-1),
        node("MatMul", ["looks", "vh"], ["seen"]),
        node("Transpose", ["seen"], ["turned"], perm=[0, 2, 1, 3]),
        node("Reshape", ["turned", "joined"], ["mixed"]),
    ]


TRANSFORMER_MACS = (
    16 * WIDE * 3 * 2 * 2 + 4 * TOKENS * WIDE * WIDE + 2 * TOKENS * TOKENS * WIDE + 2 * TOKENS * WIDE * 24
    + WIDE * network.CLASSES
)  # fmt: skip
"""Patches, four projections, query by key and weight by value, two layers of 24, the classifier of one token."""
