"""The weights of an MNN model's operators: where they lie, and whether they fit what operators say of themselves."""

from __future__ import annotations

import math
import struct
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from vetgate_runtime.flatbuffer import FlatBufferError, Table
from vetgate_runtime.mnn import BLOB, CONVOLUTION, Op, data_type

Kind = Literal["parameter", "normalisation", "state"]
LARGEST = 1 << 32
"""Elements of a tensor."""
_LARGEST_PARAMETER = 1 << 20
_UNREAD = frozenset({24, 34, 39, 67, 72, 74, 76, 78, 30, 92, 98, 100, 102, 103})
"""Parameters that may hold weights of which nothing is known here: LSTM, Proposal, plugins, loops, attention, ..."""


class MisfitError(FlatBufferError):
    """Weights do not fit the shape that their operator states, or a parameter makes no sense."""


@dataclass(frozen=True)
class Stored:
    """One tensor of numbers."""

    name: str
    shape: tuple[int, ...]
    dtype: str
    """numpy's name; `table` for numbers of a table, packed by `bits`."""
    kind: Kind
    data: memoryview
    bits: int
    """Of one number as stored."""
    table: tuple[int, ...] = ()
    """What packed numbers stand for."""
    scales: memoryview = field(default_factory=lambda: memoryview(b""))
    """32-bit floats: of each part a scale, or its least value and a scale."""
    pairs: bool = False
    """Whether scales come with least values."""
    least: int = 0
    """Of quantised numbers."""

    @property
    def elements(self) -> int:
        """Return how many numbers there are."""
        return math.prod(self.shape)


@dataclass(frozen=True)
class Weights:
    """What an operator holds."""

    stored: tuple[Stored, ...] = ()
    outside: bool = False
    """Whether some of it lies in another file."""
    unread: str = ""
    """Why some of it cannot be told; empty where all can."""


def weights_of(op: Op) -> Weights:
    """Return what an operator holds.

    Raises:
        MisfitError: Its weights do not fit what it says of itself.
        FlatBufferError: An offset or a length leads nowhere.
    """
    if op.table is None:
        return Weights()
    if op.kind in _UNREAD:
        return Weights(unread=f"what {op.type} holds is not read")
    try:
        if op.kind == CONVOLUTION:
            return _convolution(op, op.table)
        if op.kind == BLOB:
            return _blob(op, op.table)
        return _lists(op, op.table)
    except struct.error as error:
        raise FlatBufferError(f"a list is cut off: {error}") from None


_LISTS: Mapping[int, tuple[tuple[str, int, Kind], ...]] = {
    5: (("slope", 1, "normalisation"), ("mean", 2, "state"), ("variance", 3, "state"), ("bias", 4, "normalisation")),
    20: (("weight", 3, "parameter"), ("bias", 4, "parameter")),
    25: (("weight", 3, "parameter"), ("bias", 4, "parameter")),
    27: (("scale", 3, "normalisation"),),
    32: (("slope", 1, "parameter"),),
    58: (("scale", 1, "normalisation"), ("bias", 2, "normalisation")),
    80: (("weight", 1, "parameter"), ("bias", 2, "parameter")),
    88: (("gamma", 2, "normalisation"), ("beta", 3, "normalisation")),
    95: (("gamma", 2, "normalisation"), ("beta", 3, "normalisation")),
}
"""Kinds of parameters to their lists of 32-bit floats: BatchNorm, InnerProduct, MatMul, Normalize, PRelu, Scale,
Convolution3D, LayerNorm, GroupNorm."""
_OUTSIDE = {58: 3, 80: 3, 88: 5, 95: 6}
"""Which field of these says where in another file they lie."""
_INNER_PRODUCT = 20


def _lists(op: Op, table: Table) -> Weights:
    outside = op.kind in _OUTSIDE and bool(table.numbers(_OUTSIDE[op.kind], "q"))
    if op.kind == _INNER_PRODUCT and table.table(7) is not None:
        return Weights(unread="quantised weights of InnerProduct are not read")
    found = []
    for name, place, kind in _LISTS.get(op.kind, ()):
        data = table.block(place, 4)
        if data:
            found.append(Stored(name, _list_shape(op, table, name, len(data) // 4), "float32", kind, data, 32))
    return Weights(tuple(found), outside)


def _list_shape(op: Op, table: Table, name: str, count: int) -> tuple[int, ...]:
    rows = table.integer(0, "i") if op.kind == _INNER_PRODUCT and name == "weight" else 0
    if rows and (rows < 0 or count % rows):
        raise MisfitError(f"{count:,} weights are not those of {rows:,} outputs")
    return (rows, count // rows) if rows else (count,)


_BLOB_DATA = {1: (7, 4), 3: (5, 4), 4: (3, 1), 6: (4, 1), 9: (6, 8), 10: (5, 4), 19: (3, 1), 14: (3, 1), 5: (3, 1),
              17: (3, 1)}  # fmt: skip
"""Data types to the field of a blob that holds them, and the bytes of its entries. MNN keeps bool as 32-bit."""
_STRING = 7


def _blob(op: Op, table: Table) -> Weights:
    number = table.integer(2, "i", 1)
    shape = table.numbers(0, "i")
    if any(length < 0 for length in shape) or math.prod(shape) > LARGEST:
        raise MisfitError(f"a constant has the shape {list(shape)}")
    if table.numbers(9, "q"):
        return Weights(outside=True)
    if number not in _BLOB_DATA:
        return Weights(unread="" if number == _STRING else f"constants of data type {number} are not read")
    place, width = _BLOB_DATA[number]
    data, (dtype, size) = table.block(place, width), data_type(number)
    if number == 10:  # bool
        dtype, size = "int32", 4
    if len(data) != math.prod(shape) * size:
        raise MisfitError(f"a constant of shape {list(shape)} ({dtype}) has {len(data):,} bytes")
    # a constant of floats that is more than one number is taken for learned, as in other formats
    learned = dtype in ("float32", "float16", "bfloat16") and math.prod(shape) > 1
    return Weights((Stored("value", shape, dtype, "parameter" if learned else "state", data, 8 * size),))


@dataclass(frozen=True)
class Convolution:
    """What a convolution says of itself."""

    kernel: tuple[int, int]
    """Height and width."""
    groups: int
    outputs: int
    inputs: int
    """Channels; 0 where older converters left them out."""

    @property
    def positions(self) -> int:
        """Return the numbers of one kernel's plane."""
        return self.kernel[0] * self.kernel[1]


_POSITIVE = {
    "kernel width": 2, "kernel height": 3, "stride": 4, "vertical stride": 5, "dilation": 6, "vertical dilation": 7,
    "number of groups": 9,
}  # fmt: skip
"""Fields of a convolution that are 1 where they are left out."""


def convolution(table: Table) -> Convolution:
    """Return what a convolution says of itself.

    Raises:
        MisfitError: It says nothing, or a parameter makes no sense.
    """
    common = table.table(0)
    if common is None:
        raise MisfitError("a convolution does not say what it is")
    for name, place in _POSITIVE.items():
        value = common.integer(place, "i", 1)
        if not 0 < value <= _LARGEST_PARAMETER:
            raise MisfitError(f"its {name} is {value:,}")
    outputs, inputs = common.integer(10, "i"), common.integer(11, "i")
    if not 0 < outputs <= LARGEST or not 0 <= inputs <= LARGEST:
        raise MisfitError(f"it has {outputs:,} outputs and {inputs:,} inputs")
    kernel = (common.integer(3, "i", 1), common.integer(2, "i", 1))
    return Convolution(kernel, common.integer(9, "i", 1), outputs, inputs)


def _convolution(op: Op, table: Table) -> Weights:
    said = convolution(table)
    outside = bool(table.numbers(6, "q"))
    quantised, older = table.table(3), table.table(4)
    bias = table.block(2, 4)
    if bias and len(bias) != 4 * said.outputs:
        raise MisfitError(f"{len(bias) // 4:,} biases are not those of {said.outputs:,} outputs")
    found = [Stored("bias", (said.outputs,), "float32", "parameter", bias, 32)] if bias else []
    if older is not None and len(older.block(0, 1)):
        data = older.block(0, 1)
        found.append(Stored("weight", _shape(op, said, len(data)), "int8", "parameter", data, 8))
    elif quantised is not None and not outside:
        packed = _quantised(op, said, quantised)
        if packed is None:
            return Weights(unread="sparse weights are not read")
        found.append(packed)
    else:
        data = table.block(1, 4)
        if not data and not outside and len(op.inputs) < 2:  # a second input is the weight
            raise MisfitError("a convolution has no weights")
        if data:
            found.append(Stored("weight", _shape(op, said, len(data) // 4), "float32", "parameter", data, 32))
    return Weights(tuple(found), outside)


def _shape(op: Op, said: Convolution, count: int) -> tuple[int, ...]:
    """Return the shape of a convolution's weights, (out, in, ...), and (in, out, ...) where it goes backwards."""
    each, rest = divmod(count, said.outputs * said.positions)
    if rest or each == 0:
        raise MisfitError(f"{count:,} weights are not those of {said.outputs:,} outputs of {said.kernel} each")
    depthwise = "epthwise" in op.type
    if said.inputs and not depthwise and each != said.inputs // said.groups and each != said.inputs:
        raise MisfitError(f"{count:,} weights are {each:,} for each output, of {said.inputs:,} inputs")
    if op.type == "Deconvolution":
        return (each * said.groups, said.outputs // said.groups, *said.kernel)
    return (said.outputs, each, *said.kernel)


def _quantised(op: Op, said: Convolution, table: Table) -> Stored | None:
    """Return weights that are kept in fewer bits; None where they are sparse."""
    kind, data = table.integer(2, "i"), table.block(0, 1)
    if kind == 2 or len(table.block(13, 4)) or not data:
        return None
    if kind == 3:
        return Stored("weight", _shape(op, said, len(data) // 2), "float16", "parameter", data, 16)
    scales = table.block(1, 4)
    if table.integer(15, "b") or kind not in (1, 4):
        return None
    least = table.integer(8, "i")
    older = kind == 4 and least == 0 and abs(table.floating(4)) < 1e-6
    pairs = table.integer(9, "i") != 0 or older
    if not scales or len(scales) % (4 * said.outputs * (2 if pairs else 1)):
        raise MisfitError(f"{len(scales) // 4:,} scales are not those of {said.outputs:,} outputs")
    if kind == 4:
        return Stored("weight", _shape(op, said, len(data)), "int8", "parameter", data, 8, (), scales, pairs, least)
    count, rest, values, bits = _packed(data, wide=table.integer(11, "B") != 0)
    shape = _shape(op, said, count)
    if len(rest) < -(-count * bits // 8):
        raise MisfitError(f"{count:,} weights of {bits} bits have {len(rest):,} bytes")
    return Stored("weight", shape, "table", "parameter", rest, bits, values, scales, pairs, least)


def _packed(data: memoryview, *, wide: bool) -> tuple[int, memoryview, tuple[int, ...], int]:
    """Return how many weights are packed, their bytes, what they stand for, and the bits of each."""
    rank, width = data[0], 4 if wide else 2
    head = 1 + rank * width
    if not 0 < rank <= 4 or len(data) <= head:
        raise MisfitError(f"packed weights of {rank} lengths in {len(data):,} bytes")
    lengths = struct.unpack_from(f"<{rank}{'I' if wide else 'H'}", data, 1)
    size = data[head] or 256
    values = bytes(data[head + 1 : head + 1 + size])
    if len(values) != size:
        raise MisfitError("the table of packed weights is cut off")
    numbers = tuple(sorted(struct.unpack(f"{size}b", values)))
    return math.prod(lengths), data[head + 1 + size :], numbers, max(1, (size - 1).bit_length())
