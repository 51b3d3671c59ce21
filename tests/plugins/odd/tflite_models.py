"""The network as odd TFLite models."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from tests.plugins.litert.tiny_tflite import Builder
from tests.plugins.odd import network

SPANS = {"image": (0.0, 1.0), "conv": (0.0, 30.0), "mean": (0.0, 30.0), "scores": (-32.0, 32.0), "shares": (0.0, 1.0)}
Ports = dict[str, Any]


def dense(name: str, values: dict[str, NDArray[np.float32]] | None = None) -> NDArray[np.float32]:
    """Return a weight as TFLite has it: filters with their channels last."""
    value = (values or network.weights())[name]
    return np.ascontiguousarray(value.transpose(0, 2, 3, 1) if value.ndim == 4 else value)


def nibbles(values: NDArray[np.integer[Any]]) -> bytes:
    """Return four-bit integers, two in a byte, the first in the lower half."""
    flat = values.reshape(-1)
    flat = np.append(flat, 0) if flat.size % 2 else flat
    low, high = flat[::2] & 15, flat[1::2] & 15
    return bytes((low | high << 4).astype(np.uint8).tobytes())


def _weight(build: Builder, name: str, kind: str) -> int:
    """Add a weight: float32, float16 behind DEQUANTIZE, or int8 or int4 with a scale for each channel."""
    value = dense(name)
    if kind == "float32":
        return build.constant(name, value)
    if kind == "float16":
        given, made = build.constant(f"{name}.half", value.astype(np.float16)), build.tensor(name, value.shape)
        build.operator("DEQUANTIZE", [given], [made])
        return made
    bits = int(kind.removeprefix("int"))
    whole, scale = network.rounded(value, bits, 0)
    data = nibbles(whole) if bits == 4 else whole.astype(np.int8).tobytes()
    return build.tensor(name, value.shape, kind, data, scale=scale.tolist(), axis=0)


def meant(bits: int) -> dict[str, NDArray[np.float32]]:
    """Return the weights that those of so many bits mean."""
    told = dict(network.weights())
    for name in ("conv.w", "fc.w"):
        whole, scale = network.rounded(told[name], bits, 0)
        told[name] = (whole * scale.reshape(-1, *[1] * (whole.ndim - 1))).astype(np.float32)
    return told


def floating(
    *,
    weight: str = "float32",
    batch: int = 1,
    free: bool = True,
    side: int | None = network.SIDE,
    planes: bool = False,
    before: str = "",
    softmax: bool = False,
    several: bool = False,
) -> bytes:
    """Return it with floating-point input and output.

    Args:
        weight: How weights are stored; int8 and int4 quantise activations as they run.
        batch: That the file stores.
        free: Whether it says that the batch is free.
        side: Of the picture; None stores 1 and says that it is free.
        planes: Whether it takes channels first, and turns them itself.
        before: `cast` takes bytes and divides by 255 itself; `scale` multiplies floating-point pixels by 1/255.
        softmax: Whether it ends in one.
        several: Whether its mean is a first output, and its best class a third.
    """
    build, size = Builder(), side or 1
    out = (size - network.KERNEL) // 2 + 1 if side else 1
    lead = -1 if free else batch
    given = (3, size, size) if planes else (size, size, 3)
    told = tuple(-1 if side is None and length == size else length for length in given)
    kind = "uint8" if before == "cast" else "float32"
    image = build.tensor("image", (batch, *given), kind, signature=(lead, *told))
    last = _own_scaling(build, image, (batch, *given), (lead, *told), before) if before else image
    if planes:
        turned = build.tensor("turned", (batch, size, size, 3), signature=(lead, size, size, 3))
        build.operator("TRANSPOSE", [last, build.constant("turn", np.array([0, 2, 3, 1], np.int32))], [turned])
        last = turned
    free_out = -1 if side is None else out
    conv = build.tensor(
        "conv", (batch, out, out, network.FILTERS), signature=(lead, free_out, free_out, network.FILTERS)
    )
    mean = build.tensor("mean", (batch, network.FILTERS), signature=(lead, network.FILTERS))
    scores = build.tensor("scores", (batch, network.CLASSES), signature=(lead, network.CLASSES))
    build.operator(
        "CONV_2D", [last, _weight(build, "conv.w", weight), build.constant("conv.b", dense("conv.b"))], [conv],
        strideH=2, strideW=2, padding=1, fusedActivationFunction=1,
    )  # fmt: skip
    build.operator("MEAN", [conv, build.constant("axes", np.array([1, 2], np.int32))], [mean])
    parts = [mean, _weight(build, "fc.w", weight), build.constant("fc.b", dense("fc.b"))]
    build.operator("FULLY_CONNECTED", parts, [scores])
    outputs = [scores]
    if softmax:
        outputs = [build.tensor("shares", (batch, network.CLASSES), signature=(lead, network.CLASSES))]
        build.operator("SOFTMAX", [scores], outputs, beta=1.0)
    if several:
        best = build.tensor("best", (batch,), "int64", signature=(lead,))
        build.operator("ARG_MAX", [scores, build.constant("axis", np.array([1], np.int32))], [best], outputType=4)
        outputs = [mean, scores, best]
    return build.bytes([image], outputs)


def _own_scaling(build: Builder, image: int, shape: tuple[int, ...], signature: tuple[int, ...], before: str) -> int:
    if before == "cast":
        real = build.tensor("real", shape, signature=signature)
        build.operator("CAST", [image], [real], inDataType=3, outDataType=0)
        image = real
    unit = build.tensor("unit", shape, signature=signature)
    build.operator("MUL", [image, build.constant("1/255", np.full((1, 1, 1, 3), 1 / 255, np.float32))], [unit])
    return unit


def _scale(name: str, bits: int) -> tuple[float, int]:
    """Return scale and zero point of an activation; kernels ask for 0 at 16 bits, and for these of a softmax."""
    if name == "shares":
        return (1 / 256, -128) if bits == 8 else (1 / 32768, 0)
    low, high = SPANS[name]
    if bits == 16:
        return float(np.float32(max(abs(low), high) / 32767)), 0
    return network.spanned(low, high, 8, signed=True)


def integer(
    activations: str = "int8", *, weight: str = "int8", ports: str = "", batch: int = 1, softmax: bool = False
) -> bytes:
    """Return it quantised throughout: weights by channel, activations of one type.

    Args:
        activations: int8 or int16.
        weight: int8 or int4.
        ports: uint8, where input and output are of that type.
        batch: That the file stores.
        softmax: Whether it ends in one, whose scale is 1/256 (int8) or 1/32768 (int16) as kernels ask.
    """
    build, bits = Builder(), int(activations.removeprefix("int"))

    def scale(name: str) -> tuple[float, int]:
        return _scale(name, bits)

    def tensor(name: str, shape: tuple[int, ...]) -> int:
        step, zero = scale(name)
        return build.tensor(name, shape, activations, scale=[step], zero=[zero], signature=(-1, *shape[1:]))

    def port(name: str, shape: tuple[int, ...], given: tuple[float, int]) -> int:
        return build.tensor(
            f"{name} {ports}", shape, ports, scale=[given[0]], zero=[given[1] + 128], signature=(-1, *shape[1:])
        )

    def bias(name: str, given: str, filters: int) -> int:
        scales = np.asarray(build.graph.tensors[filters].quantization.scale, np.float32) * np.float32(scale(given)[0])
        whole = np.round(network.weights()[name] / scales)
        kind = "int64" if bits == 16 else "int32"
        return build.tensor(name, whole.shape, kind, whole.astype(kind).tobytes(), scale=scales.tolist(), axis=0)

    last = image = tensor("image", (batch, 8, 8, 3))
    if ports:
        image = port("image", (batch, 8, 8, 3), scale("image"))
        build.operator("QUANTIZE", [image], [last])
    conv, mean = tensor("conv", (batch, 3, 3, network.FILTERS)), tensor("mean", (batch, network.FILTERS))
    end = tensor("scores", (batch, network.CLASSES))
    filters = _weight(build, "conv.w", weight)
    build.operator(
        "CONV_2D", [last, filters, bias("conv.b", "image", filters)], [conv],
        strideH=2, strideW=2, padding=1, fusedActivationFunction=1,
    )  # fmt: skip
    build.operator("MEAN", [conv, build.constant("axes", np.array([1, 2], np.int32))], [mean])
    filters = _weight(build, "fc.w", weight)
    build.operator("FULLY_CONNECTED", [mean, filters, bias("fc.b", "mean", filters)], [end])
    last_name = "shares" if softmax else "scores"
    if softmax:
        given, end = end, tensor("shares", (batch, network.CLASSES))
        build.operator("SOFTMAX", [given], [end], beta=1.0)
    if ports:
        out = port(last_name, (batch, network.CLASSES), scale(last_name))
        build.operator("QUANTIZE", [end], [out])
        end = out
    return build.bytes([image], [end])


HIDDEN = 6


def recurrent() -> bytes:
    """Return a network that reads the picture row by row with UNIDIRECTIONAL_SEQUENCE_LSTM and means over the steps."""
    build, draw = Builder(), np.random.default_rng(5)

    def drawn(name: str, *shape: int) -> int:
        return build.constant(name, (draw.normal(size=shape) / 3).astype(np.float32))

    image = build.tensor("image", (1, 8, 8, 3), signature=(-1, 8, 8, 3))
    steps = build.tensor("steps", (1, 8, 24), signature=(-1, 8, 24))
    build.operator("RESHAPE", [image, build.constant("rows", np.array([-1, 8, 24], np.int32))], [steps])
    gates = "ifco"
    given = [drawn(f"given.{gate}", HIDDEN, 24) for gate in gates]
    again = [drawn(f"again.{gate}", HIDDEN, HIDDEN) for gate in gates]
    bias = [drawn(f"bias.{gate}", HIDDEN) for gate in gates]
    kept = [build.tensor(name, (1, HIDDEN)) for name in ("hidden", "cell")]
    for place in kept:
        build.graph.tensors[place].isVariable = True
    all_steps = build.tensor("all", (1, 8, HIDDEN), signature=(-1, 8, HIDDEN))
    build.operator(
        "UNIDIRECTIONAL_SEQUENCE_LSTM",
        [steps, *given, *again, -1, -1, -1, *bias, -1, -1, *kept, -1, -1, -1, -1],
        [all_steps],
        fusedActivationFunction=4,
        timeMajor=False,
    )
    mean = build.tensor("mean", (1, HIDDEN), signature=(-1, HIDDEN))
    scores = build.tensor("scores", (1, network.CLASSES), signature=(-1, network.CLASSES))
    build.operator("MEAN", [all_steps, build.constant("axes", np.array([1], np.int32))], [mean])
    weight = build.constant("fc.w", draw.normal(size=(network.CLASSES, HIDDEN)).astype(np.float32) * 3)
    build.operator(
        "FULLY_CONNECTED", [mean, weight, build.constant("fc.b", np.zeros(network.CLASSES, np.float32))], [scores]
    )
    return build.bytes([image], [scores])


RECURRENT_MACS = 8 * 4 * HIDDEN * (24 + HIDDEN) + HIDDEN * network.CLASSES


def attention() -> bytes:
    """Return a network that lets the rows of a picture look at each other, by BATCH_MATMUL and SOFTMAX."""
    build, draw, wide = Builder(), np.random.default_rng(6), 12

    def tensor(name: str, *shape: int) -> int:
        return build.tensor(name, (1, *shape), signature=(-1, *shape))

    def drawn(name: str, *shape: int) -> int:
        return build.constant(name, (draw.normal(size=shape) / 3).astype(np.float32))

    image, rows = tensor("image", 8, 8, 3), tensor("rows", 8, 24)
    build.operator("RESHAPE", [image, build.constant("shape", np.array([-1, 8, 24], np.int32))], [rows])
    made = {}
    for name in "qkv":
        made[name] = tensor(name, 8, wide)
        parts = [rows, drawn(f"{name}.w", wide, 24), drawn(f"{name}.b", wide)]
        build.operator("FULLY_CONNECTED", parts, [made[name]], keepNumDims=True)
    pairs, looks, seen = tensor("pairs", 8, 8), tensor("looks", 8, 8), tensor("seen", 8, wide)
    build.operator("BATCH_MATMUL", [made["q"], made["k"]], [pairs], adjX=False, adjY=True)
    build.operator("SOFTMAX", [pairs], [looks], beta=1.0)
    build.operator("BATCH_MATMUL", [looks, made["v"]], [seen], adjX=False, adjY=False)
    mean, scores = tensor("mean", wide), tensor("scores", network.CLASSES)
    build.operator("MEAN", [seen, build.constant("axes", np.array([1], np.int32))], [mean])
    build.operator(
        "FULLY_CONNECTED", [mean, drawn("fc.w", network.CLASSES, wide), drawn("fc.b", network.CLASSES)], [scores]
    )
    return build.bytes([image], [scores])


ATTENTION_MACS = 3 * 8 * 24 * 12 + 2 * 8 * 8 * 12 + 12 * network.CLASSES
