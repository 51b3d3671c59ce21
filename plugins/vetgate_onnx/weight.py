"""Figures of stored tensors, taken after de-quantisation."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from onnx import SparseTensorProto, TensorProto, helper, numpy_helper

from vetgate.api import Tensor, UnreadableArtifact
from vetgate_onnx.graph import Graph, first_sentence
from vetgate_onnx.role import Use, use_of

_BITS: dict[int, int] = {
    TensorProto.FLOAT: 32, TensorProto.UINT8: 8, TensorProto.INT8: 8, TensorProto.UINT16: 16, TensorProto.INT16: 16,
    TensorProto.INT32: 32, TensorProto.INT64: 64, TensorProto.BOOL: 8, TensorProto.FLOAT16: 16, TensorProto.DOUBLE: 64,
    TensorProto.UINT32: 32, TensorProto.UINT64: 64, TensorProto.COMPLEX64: 64, TensorProto.COMPLEX128: 128,
    TensorProto.BFLOAT16: 16, TensorProto.UINT4: 4, TensorProto.INT4: 4,
}  # fmt: skip
_BITS_BY_NAME = {"FLOAT8": 8, "FLOAT4": 4, "FLOAT6": 6, "UINT2": 2, "INT2": 2}
_SCALED_INPUTS = {("QLinearConv", 3): (4, 5, 0), ("QLinearMatMul", 0): (1, 2, -1), ("QLinearMatMul", 3): (4, 5, -1),
                  ("QGemm", 0): (1, 2, -1), ("QGemm", 3): (4, 5, -1), ("QLinearAdd", 0): (1, 2, -1),
                  ("QLinearAdd", 3): (4, 5, -1), ("QLinearMul", 0): (1, 2, -1), ("QLinearMul", 3): (4, 5, -1),
                  ("DynamicQuantizeMatMul", 1): (2, 3, -1), ("MatMulIntegerToFloat", 1): (3, 5, -1),
                  ("DynamicQuantizeLSTM", 1): (8, 9, 0), ("DynamicQuantizeLSTM", 2): (10, 11, 0)}  # fmt: skip
"""Operator and input to the inputs with its scale and zero point, and the axis of several."""
_ZERO_POINTS = {("ConvInteger", 1): (3, 0), ("MatMulInteger", 0): (2, 0), ("MatMulInteger", 1): (3, -1)}
"""Operator and input to the input with its zero point and the axis of several; the scale comes later as a Mul."""
PACKED = ("MatMulNBits", 1)
"""Operator and input of weights of a few bits, several in a byte."""


@dataclass(frozen=True)
class _Scaling:
    """How stored integers become numbers: (q - zero) * scale, either one number or one for each place on `axis`."""

    scale: NDArray[np.float32]
    zero: NDArray[np.float32]
    axis: int
    block: int = 0


def tensors(graph: Graph) -> tuple[Tensor, ...]:
    """Return every stored tensor of the model, in the order of the file.

    Raises:
        UnreadableArtifact: A tensor's bytes do not fit its shape, or cannot be read.
    """
    dense = tuple(_tensor(graph, name) for name in graph.constants)
    return dense + tuple(_sparse(graph, name, sparse) for name, sparse in graph.sparse.items())


def _tensor(graph: Graph, name: str) -> Tensor:
    use, stored = use_of(graph, name), graph.constants[name]
    if use.node is not None and (use.node.proto.op_type, use.index) == PACKED:
        return _packed(graph, name, use)
    values = graph.array(name)
    assert values is not None  # noqa: S101  # the name comes from the constants
    plain = _numbers(values)
    if plain is None:
        elements = math.prod(stored.dims)
        return _record(name, tuple(stored.dims), "object", use, (elements, elements, elements, 0.0))
    numbers = _dequantised(graph, plain, use, name)
    figures = (numbers.size, int(np.count_nonzero(numbers)), _distinct(numbers), float(_bits(stored.data_type)))
    return _record(name, tuple(stored.dims), _type_name(stored.data_type), use, figures)


def _record(name: str, shape: tuple[int, ...], dtype: str, use: Use, figures: tuple[int, int, int, float]) -> Tensor:
    elements, nonzero, distinct, bits = figures
    return Tensor(
        name=name,
        shape=shape,
        dtype=dtype,
        kind=use.kind,
        elements=elements,
        nonzero=nonzero,
        distinct=distinct,
        bits=bits,
    )


def _numbers(values: NDArray[np.generic]) -> NDArray[np.generic] | None:
    """Return stored values as numbers that numpy can compare, or None for strings."""
    if values.dtype.kind in "OSU":
        return None
    if values.dtype.kind in "biufc":
        return values
    return values.astype(np.float32)  # the small types of ml_dtypes


def _distinct(numbers: NDArray[np.generic]) -> int:
    """Count distinct values; not-a-number is one of them, and minus zero is zero."""
    return int(np.unique(numbers).size)


def _bits(kind: int) -> int:
    if kind in _BITS:
        return _BITS[kind]
    name = str(TensorProto.DataType.Name(kind))
    return next((bits for start, bits in _BITS_BY_NAME.items() if name.startswith(start)), 0)


def _type_name(kind: int) -> str:
    """Return numpy's name of an element type; ONNX's own, in small letters, where numpy has none."""
    if kind in (TensorProto.UINT4, TensorProto.INT4):
        return str(TensorProto.DataType.Name(kind)).lower()
    try:
        return str(np.dtype(helper.tensor_dtype_to_np_dtype(kind)).name)
    except (KeyError, ValueError, TypeError):
        return str(TensorProto.DataType.Name(kind)).lower()


def _dequantised(graph: Graph, stored: NDArray[np.generic], use: Use, name: str) -> NDArray[np.generic]:
    """Return what the model computes with: `stored` itself, or scaled where it is quantised."""
    scaling = _scaling(graph, use)
    if scaling is None or stored.dtype.kind not in "iuf":
        return stored
    integers: NDArray[np.floating] = stored.astype(np.float64 if stored.dtype.itemsize > 2 else np.float32)
    try:
        zero, scale = (_spread(part, integers, scaling) for part in (scaling.zero, scaling.scale))
        return np.asarray((integers - zero) * scale)
    except ValueError:
        raise UnreadableArtifact(
            f"its scales {scaling.scale.shape} do not fit the quantised tensor {name!r} {stored.shape}"
        ) from None


def _spread(part: NDArray[np.float32], values: NDArray[np.generic], scaling: _Scaling) -> NDArray[np.float32]:
    """Return scales or zero points so that they broadcast over the values."""
    if part.size == 1:
        return part.reshape(())
    if scaling.block and part.ndim == values.ndim:
        whole = np.repeat(part, scaling.block, axis=scaling.axis)
        return np.take(whole, np.arange(values.shape[scaling.axis]), axis=scaling.axis)
    if part.ndim == 2 and values.ndim == 3:  # recurrent: by direction and channel
        part = part[:, np.newaxis]
    if part.ndim > 1 or values.ndim == 0:
        return np.broadcast_to(part, values.shape)
    shape = [1] * values.ndim
    shape[scaling.axis if -values.ndim <= scaling.axis < values.ndim else 0] = part.size
    return part.reshape(shape)


def _scaling(graph: Graph, use: Use) -> _Scaling | None:
    if use.dequantised is not None:
        node = use.dequantised
        return _of(graph, node.input(1), node.input(2), node.attribute("axis", 1), node.attribute("block_size"))
    if use.node is None:
        return None
    node, place = use.node, (use.node.proto.op_type, use.index)
    if place in _SCALED_INPUTS:
        scale, zero, axis = _SCALED_INPUTS[place]
        return _of(graph, node.input(scale), node.input(zero), axis)
    if place in _ZERO_POINTS:
        zero, axis = _ZERO_POINTS[place]
        return _of(graph, "", node.input(zero), axis)
    if place in (("QLinearConv", 8), ("QGemm", 6)):
        inputs, weights = _of(graph, node.input(1), "", 0), _of(graph, node.input(4), "", 0)
        return None if inputs is None or weights is None else _Scaling(inputs.scale * weights.scale, weights.zero, 0)
    return None


def _of(graph: Graph, scale: str, zero: str, axis: int, block: int = 0) -> _Scaling | None:
    """Return a scaling from the names of its constants; None where the scale is computed as the model runs."""
    scales = np.ones((), np.float32) if not scale else _floats(graph, scale)
    if scales is None:
        return None
    zeros = _floats(graph, zero) if zero else None
    return _Scaling(scales, np.zeros((), np.float32) if zeros is None else zeros, axis, block)


def _floats(graph: Graph, name: str) -> NDArray[np.float32] | None:
    values = graph.array(name)
    return None if values is None else values.astype(np.float32)


def _packed(graph: Graph, name: str, use: Use) -> Tensor:
    """Return the figures of a MatMulNBits weight: N rows of K numbers in blocks, `bits` bits each, lowest first."""
    node = use.node
    packed = graph.array(name)
    assert node is not None  # noqa: S101  # it told the use
    assert packed is not None  # noqa: S101  # the name comes from the constants
    rows, columns = node.attribute("N"), node.attribute("K")
    bits, block = node.attribute("bits", 4), node.attribute("block_size", 32)
    blocks = -(-columns // block) if block > 0 else 0
    scales = _floats(graph, node.input(2))
    try:
        integers = _unpack(packed, bits).reshape(rows, blocks, -1)[:, :, :block].astype(np.float32)
        zeros = _block_zeros(graph, node.input(3), bits, (rows, blocks))
        scale = np.ones((rows, blocks), np.float32) if scales is None else scales.reshape(rows, blocks)
        numbers = ((integers - zeros[:, :, np.newaxis]) * scale[:, :, np.newaxis]).reshape(rows, -1)[:, :columns]
    except (ValueError, ZeroDivisionError):
        raise UnreadableArtifact(f"its packed weight {name!r} does not hold {rows} x {columns} numbers") from None
    figures = (rows * columns, int(np.count_nonzero(numbers)), _distinct(numbers), float(bits))
    return _record(name, (rows, columns), f"uint{bits}", use, figures)


def _unpack(packed: NDArray[np.generic], bits: int) -> NDArray[np.uint8]:
    """Return the numbers in each byte, lowest bits first, along the last axis."""
    if bits not in (2, 4, 8):
        raise ValueError(bits)
    shifts = np.arange(0, 8, bits, dtype=np.uint8)
    apart = (packed.view(np.uint8)[..., np.newaxis] >> shifts) & np.uint8((1 << bits) - 1)
    return apart.reshape(*packed.shape[:-1], -1)


def _block_zeros(graph: Graph, name: str, bits: int, shape: tuple[int, int]) -> NDArray[np.float32]:
    stored = graph.array(name) if name else None
    if stored is None:
        return np.full(shape, 1 << (bits - 1), np.float32)
    if stored.dtype != np.uint8:
        return stored.astype(np.float32).reshape(shape)
    rows, blocks = shape
    return _unpack(stored.reshape(rows, -1), bits)[:, :blocks].astype(np.float32)


def _sparse(graph: Graph, name: str, sparse: SparseTensorProto) -> Tensor:
    """Return the figures of a sparse tensor; what is not stored is zero, and the indices count as storage."""
    try:
        values = numpy_helper.to_array(sparse.values, base_dir=str(graph.folder))
    except Exception as error:  # numpy, protobuf and onnx each raise their own
        raise UnreadableArtifact(f"its tensor {name!r} cannot be read: {first_sentence(error)}") from None
    elements, kind = math.prod(sparse.dims), sparse.values.data_type
    nonzero = int(np.count_nonzero(values))
    distinct = _distinct(values[values != 0]) + (nonzero < elements)
    stored = values.size * _bits(kind) + math.prod(sparse.indices.dims) * 64
    figures = (elements, nonzero, distinct, stored / elements if elements else 0.0)
    return _record(name, tuple(sparse.dims), _type_name(kind), use_of(graph, name), figures)
