"""Small TFLite models, written as FlatBuffers by code, and what opens them."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import flatbuffers  # type: ignore[import-untyped]  # it ships no types
import numpy as np
from ai_edge_litert import schema_py_generated as schema
from numpy.typing import NDArray
from vetgate_litert.backend import LitertBackend

from vetgate.api import Artifact, Card, Member, Model, OpenOptions, Structure

_TYPES = {
    "float32": 0, "float16": 1, "int32": 2, "uint8": 3, "int64": 4, "int16": 7, "int8": 9, "int4": 17,
}  # fmt: skip
_OPTIONS = {
    "CONV_2D": (schema.Conv2DOptionsT, schema.BuiltinOptions.Conv2DOptions),
    "DEPTHWISE_CONV_2D": (schema.DepthwiseConv2DOptionsT, schema.BuiltinOptions.DepthwiseConv2DOptions),
    "FULLY_CONNECTED": (schema.FullyConnectedOptionsT, schema.BuiltinOptions.FullyConnectedOptions),
    "MEAN": (schema.ReducerOptionsT, schema.BuiltinOptions.ReducerOptions),
    "BATCH_MATMUL": (schema.BatchMatMulOptionsT, schema.BuiltinOptions.BatchMatMulOptions),
    "TRANSPOSE_CONV": (schema.TransposeConvOptionsT, schema.BuiltinOptions.TransposeConvOptions),
    "SOFTMAX": (schema.SoftmaxOptionsT, schema.BuiltinOptions.SoftmaxOptions),
    "CAST": (schema.CastOptionsT, schema.BuiltinOptions.CastOptions),
    "ARG_MAX": (schema.ArgMaxOptionsT, schema.BuiltinOptions.ArgMaxOptions),
    "UNIDIRECTIONAL_SEQUENCE_LSTM": (
        schema.UnidirectionalSequenceLSTMOptionsT,
        schema.BuiltinOptions.UnidirectionalSequenceLSTMOptions,
    ),
}


class Builder:
    """Collects tensors and operators of one graph; the first buffer stays empty, as the format asks."""

    def __init__(self) -> None:
        self.model: Any = schema.ModelT()
        self.model.version = 3
        self.model.description = "made by code"
        self.model.operatorCodes, self.model.buffers, self.model.subgraphs = [], [schema.BufferT()], []
        self.graph: Any = schema.SubGraphT()
        self.graph.tensors, self.graph.operators = [], []
        self.model.subgraphs.append(self.graph)

    def tensor(
        self,
        name: str,
        shape: tuple[int, ...],
        dtype: str = "float32",
        data: bytes | None = None,
        *,
        scale: list[float] | None = None,
        zero: list[int] | None = None,
        axis: int = 0,
        signature: tuple[int, ...] | None = None,
    ) -> int:
        """Add a tensor; return its index."""
        made: Any = schema.TensorT()
        made.name, made.shape, made.type, made.buffer = name.encode(), list(shape), _TYPES[dtype], 0
        if signature is not None:
            made.shapeSignature = list(signature)
        if data is not None:
            buffer: Any = schema.BufferT()
            buffer.data = np.frombuffer(data, np.uint8)
            self.model.buffers.append(buffer)
            made.buffer = len(self.model.buffers) - 1
        if scale is not None:
            made.quantization = schema.QuantizationParametersT()
            made.quantization.scale, made.quantization.zeroPoint = scale, zero or [0] * len(scale)
            made.quantization.quantizedDimension = axis
        self.graph.tensors.append(made)
        return len(self.graph.tensors) - 1

    def constant(self, name: str, values: NDArray[Any], **quantisation: Any) -> int:
        """Add a constant; return its index."""
        return self.tensor(name, values.shape, values.dtype.name, values.tobytes(), **quantisation)

    def operator(self, name: str, inputs: list[int], outputs: list[int], custom: str = "", **options: Any) -> None:
        """Add an operator."""
        code: Any = schema.OperatorCodeT()
        number = getattr(schema.BuiltinOperator, name)
        code.builtinCode, code.deprecatedBuiltinCode, code.version = number, min(number, 127), 1
        if custom:
            code.customCode = custom.encode()
        if any(tensor.type == _TYPES["int8"] for tensor in self.graph.tensors):
            code.version = 3
        self.model.operatorCodes.append(code)
        made: Any = schema.OperatorT()
        made.opcodeIndex = len(self.model.operatorCodes) - 1
        made.inputs, made.outputs = inputs, outputs
        if name in _OPTIONS:
            kind, made.builtinOptionsType = _OPTIONS[name]
            made.builtinOptions = kind()
            for key, value in options.items():
                setattr(made.builtinOptions, key, value)
        self.graph.operators.append(made)

    def bytes(self, inputs: list[int], outputs: list[int]) -> bytes:
        """Return the file."""
        self.graph.inputs, self.graph.outputs = inputs, outputs
        builder: Any = flatbuffers.Builder(1024)
        builder.Finish(self.model.Pack(builder), b"TFL3")
        return bytes(builder.Output())


def weights() -> dict[str, NDArray[Any]]:
    draw = np.random.default_rng(1)
    return {
        "conv.w": draw.normal(size=(4, 3, 3, 3)).astype(np.float32),  # out, height, width, in
        "conv.b": draw.normal(size=4).astype(np.float32),
        "fc.w": draw.normal(size=(5, 4)).astype(np.float32),
        "fc.b": draw.normal(size=5).astype(np.float32),
    }


MACS = 4 * 4 * 4 * 27 + 5 * 4
"""Of `convolutional` for images of 8 x 8: stride 2."""


def convolutional(
    *, batch: int = 1, free: bool = True, half: bool = False, dtype: str = "float32", outputs: int = 1
) -> bytes:
    """Return conv (stride 2, ReLU), mean over the picture, fully connected.

    Args:
        batch: Stored batch.
        free: Whether the file says that the batch is free.
        half: Store the convolution's weights as float16 behind DEQUANTIZE.
        dtype: Of input and output.
        outputs: Two adds the mean as a second output.
    """
    build, values = Builder(), weights()
    image = build.tensor("image", (batch, 8, 8, 3), dtype, signature=(-1, 8, 8, 3) if free else None)
    if half:
        stored = build.constant("conv.w16", values["conv.w"].astype(np.float16))
        filters = build.tensor("conv.w", (4, 3, 3, 3))
        build.operator("DEQUANTIZE", [stored], [filters])
    else:
        filters = build.constant("conv.w", values["conv.w"])
    conv, mean = build.tensor("conv", (batch, 4, 4, 4)), build.tensor("mean", (batch, 4))
    scores = build.tensor("scores", (batch, 5), signature=(-1, 5) if free else None)
    axes = build.constant("axes", np.array([1, 2], np.int32))
    build.operator(
        "CONV_2D", [image, filters, build.constant("conv.b", values["conv.b"])], [conv],
        strideH=2, strideW=2, padding=0, fusedActivationFunction=1,
    )  # fmt: skip
    build.operator("MEAN", [conv, axes], [mean])
    dense = [mean, build.constant("fc.w", values["fc.w"]), build.constant("fc.b", values["fc.b"])]
    build.operator("FULLY_CONNECTED", dense, [scores])
    return build.bytes([image], [scores, mean][:outputs])


def answers(images: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return what `convolutional` must answer, by numpy alone."""
    values = weights()
    padded = np.pad(images, ((0, 0), (0, 1), (0, 1), (0, 0)))  # SAME for 8, kernel 3, stride 2: one row after
    out = np.zeros((len(images), 4, 4, 4))
    for row in range(4):
        for column in range(4):
            patch = padded[:, 2 * row : 2 * row + 3, 2 * column : 2 * column + 3]
            out[:, row, column] = np.tensordot(patch, values["conv.w"], ([1, 2, 3], [1, 2, 3])) + values["conv.b"]
    mean = np.maximum(out, 0).mean((1, 2))
    return np.asarray(mean @ values["fc.w"].T + values["fc.b"], np.float32)


IN_SCALE, OUT_SCALE = 0.02, 0.05


def quantised(kind: str = "int8", *, stored: NDArray[np.int8] | None = None) -> bytes:
    """Return a fully connected layer of integers over images of 8 x 8 x 3; its weight has a scale for each class.

    Args:
        kind: int8, or uint8 with QUANTIZE in front.
        stored: Weight (5, 192).
    """
    build = Builder()
    zero = 100 if kind == "uint8" else -30
    image = build.tensor("image", (1, 8, 8, 3), kind, scale=[IN_SCALE], zero=[zero])
    inner = image
    if kind == "uint8":
        inner = build.tensor("image8", (1, 8, 8, 3), "int8", scale=[IN_SCALE], zero=[zero - 128])
        build.operator("QUANTIZE", [image], [inner])
    weight = np.random.default_rng(2).integers(-127, 128, (5, 192)).astype(np.int8) if stored is None else stored
    scales = [0.001, 0.002, 0.001, 0.002, 0.003]
    filters = build.constant("w", weight, scale=scales, axis=0)
    bias = build.constant("b", np.arange(5, dtype=np.int32) * 100, scale=[IN_SCALE * s for s in scales], axis=0)
    scores = build.tensor("scores", (1, 5), "int8", scale=[OUT_SCALE], zero=[7])
    build.operator("FULLY_CONNECTED", [inner, filters, bias], [scores])
    return build.bytes([image], [scores])


def make_card(**changes: Any) -> Card:
    """Return a card for images of 8 x 8 x 3; `output` changes its output part, all else its input part."""
    given: dict[str, Any] = {
        "size": [8, 8], "resize": "none", "colour": "rgb", "scale": 1 / 255, "mean": [0], "std": [1], "layout": "NHWC",
    }  # fmt: skip
    given.update({key: value for key, value in changes.items() if key != "output"})
    return Card.model_validate(
        {"version": 1, "input": given, "output": {"kind": "logits", **changes.get("output", {})}}
    )


def make_artifact(path: Path) -> Artifact:
    data = path.read_bytes()
    member = Member(name=path.name, sha256=hashlib.sha256(data).hexdigest(), size=len(data))
    return Artifact(path=str(path), name=path.name, format="tflite", backend="litert", members=(member,))


def written(folder: Path, data: bytes) -> Path:
    path = folder / "model.tflite"
    path.write_bytes(data)
    return path


def describe(path: Path, card: Card | None = None) -> Structure:
    return LitertBackend().describe(make_artifact(path), card, OpenOptions())


@contextmanager
def opened(path: Path, card: Card, **options: Any) -> Iterator[Model]:
    with LitertBackend().open(make_artifact(path), card, OpenOptions(**{"batch_size": 8, **options})) as model:
        yield model


def images(count: int, seed: int = 0) -> NDArray[np.float32]:
    return np.random.default_rng(seed).random((count, 8, 8, 3), dtype=np.float32)
