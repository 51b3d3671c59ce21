"""A TFLite file as its schema says (schema.fbs of LiteRT), checked before anything else reads it."""

from __future__ import annotations

import math
import mmap
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from vetgate_runtime.flatbuffer import Bytes, FlatBufferError, Table

from vetgate.api import UnreadableArtifact

_TYPES: dict[int, tuple[str, float]] = {
    0: ("float32", 32), 1: ("float16", 16), 2: ("int32", 32), 3: ("uint8", 8), 4: ("int64", 64), 5: ("string", 0),
    6: ("bool", 8), 7: ("int16", 16), 8: ("complex64", 64), 9: ("int8", 8), 10: ("float64", 64),
    11: ("complex128", 128), 12: ("uint64", 64), 13: ("resource", 0), 14: ("variant", 0), 15: ("uint32", 32),
    16: ("uint16", 16), 17: ("int4", 4), 18: ("bfloat16", 16), 19: ("int2", 2), 20: ("uint4", 4),
    21: ("float8_e4m3fn", 8), 22: ("float8_e5m2", 8),
}  # fmt: skip
"""TensorType: numpy's name and storage bits of one element; 0 bits where there is no fixed size."""
_BLOCKWISE = 2
"""QuantizationDetails: scales by block."""
_HINT = "convert or copy it again"


@dataclass(frozen=True)
class TensorInfo:
    """A tensor of a subgraph."""

    name: str
    shape: tuple[int, ...]
    signature: tuple[int, ...]
    """The shape with -1 where the length is free."""
    dtype: str
    bits: float
    buffer: int
    """Number of the buffer that holds its bytes; tensors of several graphs may share one."""
    data: memoryview
    """Constant bytes; empty where it is computed."""
    scales: tuple[float, ...]
    zeros: tuple[int, ...]
    axis: int
    """On which several scales lie."""
    variable: bool
    sparse: bool
    blockwise: bool

    @property
    def constant(self) -> bool:
        """Whether the file holds its values."""
        return len(self.data) > 0 and not self.variable

    @property
    def elements(self) -> int:
        """How many numbers it has."""
        return math.prod(self.shape)

    def values(self) -> NDArray[np.generic] | None:
        """Return what is stored, flat; sparse tensors without their gaps. None for types that hold no plain numbers."""
        if self.dtype in ("int4", "uint4", "int2"):
            count = len(self.data) * 8 // int(self.bits) if self.sparse else self.elements
            return _unpacked(self.data, int(self.bits), self.dtype.startswith("int"))[:count]
        if self.dtype == "bfloat16":
            return (np.frombuffer(self.data, np.uint16).astype(np.uint32) << 16).view(np.float32)
        if self.dtype in ("string", "resource", "variant") or self.dtype.startswith("float8"):
            return None
        return np.frombuffer(self.data, np.dtype(self.dtype))


@dataclass(frozen=True)
class OperatorInfo:
    """An operator of a subgraph; -1 stands for an input that is left out."""

    code: int
    custom: str
    """Name of a custom operator; empty for built-in ones."""
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    transposed: bool
    """Whether BATCH_MATMUL takes its first operand transposed."""


@dataclass(frozen=True)
class SubgraphInfo:
    """One graph of the file."""

    tensors: tuple[TensorInfo, ...]
    operators: tuple[OperatorInfo, ...]
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]


@dataclass(frozen=True)
class TfliteModel:
    """All that is read of a file."""

    subgraphs: tuple[SubgraphInfo, ...]
    metadata: dict[str, str]

    @property
    def main(self) -> SubgraphInfo:
        """The graph that the interpreter runs."""
        return self.subgraphs[0]


_CUSTOM, _BATCH_MATMUL = 32, 126


def read(path: Path) -> TfliteModel:
    """Read and check a file.

    Raises:
        UnreadableArtifact: Truncated or damaged: an offset, an index or a length leads nowhere.
    """
    with path.open("rb") as file:
        try:
            data = memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))
            return _model(Bytes(data))
        except FlatBufferError as error:
            raise UnreadableArtifact(f"is a truncated or damaged TFLite file: {error}", hint=_HINT) from None
        except (ValueError, RecursionError, OverflowError) as error:
            raise UnreadableArtifact(f"is a damaged TFLite file: {error}", hint=_HINT) from None


def _model(source: Bytes) -> TfliteModel:
    root = source.root()
    codes = [_code(table) for table in root.tables(1)]
    buffers = [_buffer(source, table) for table in root.tables(4)]
    subgraphs = tuple(_subgraph(source, table, codes, buffers) for table in root.tables(2))
    if not subgraphs:
        raise FlatBufferError("it holds no graph")
    metadata = {"tflite.schema_version": str(root.integer(0, "I"))}
    if root.text(3):
        metadata["tflite.description"] = root.text(3)
    for entry in root.tables(6):
        index = entry.integer(1, "I")
        if index >= len(buffers):
            raise FlatBufferError(f"metadata {entry.text(0)!r} is in buffer {index} of {len(buffers)}")
        metadata[f"tflite.{entry.text(0)}"] = _printable(buffers[index])
    return TfliteModel(subgraphs, metadata)


def _printable(data: memoryview) -> str:
    text = bytes(data[:200]).rstrip(b"\0").decode(errors="replace")
    return text if text.isprintable() and "\ufffd" not in text else f"{len(data)} bytes"


def _code(table: Table) -> tuple[int, str]:
    """Return an operator code: schema version 3a moved it to a wider field and left the old one beside it."""
    return max(table.integer(0, "b"), table.integer(3, "i")), table.text(1)


def _buffer(source: Bytes, table: Table) -> memoryview:
    """Return a buffer's bytes; those of files over 2 GB lie behind the FlatBuffer."""
    offset, size = table.integer(1, "Q"), table.integer(2, "Q")
    return source.part(offset, size) if offset > 1 else table.vector(0, 1)


def _subgraph(source: Bytes, table: Table, codes: list[tuple[int, str]], buffers: list[memoryview]) -> SubgraphInfo:
    tensors = tuple(_tensor(entry, buffers) for entry in table.tables(0))
    operators = tuple(_operator(source, entry, codes, len(tensors)) for entry in table.tables(3))
    inputs, outputs = table.numbers(1, "i"), table.numbers(2, "i")
    _require_indices((*inputs, *outputs), len(tensors), 0)
    return SubgraphInfo(tensors, operators, inputs, outputs)


def _require_indices(indices: tuple[int, ...], count: int, least: int) -> None:
    for index in indices:
        if not least <= index < count:
            raise FlatBufferError(f"tensor {index} of {count} is asked for")


def _tensor(table: Table, buffers: list[memoryview]) -> TensorInfo:
    index, kind = table.integer(2, "I"), table.integer(1, "b")
    if index >= len(buffers):
        raise FlatBufferError(f"tensor {table.text(3)!r} is in buffer {index} of {len(buffers)}")
    if kind not in _TYPES:
        raise FlatBufferError(f"tensor {table.text(3)!r} is of type {kind}, which is not known")
    dtype, bits = _TYPES[kind]
    shape = table.numbers(0, "i")
    quantised = table.table(4)
    info = TensorInfo(
        name=table.text(3),
        shape=shape,
        signature=table.numbers(7, "i") or shape,
        dtype=dtype,
        bits=bits,
        buffer=index,
        data=buffers[index] if index else memoryview(b""),
        scales=quantised.floats(2) if quantised else (),
        zeros=quantised.numbers(3, "q") if quantised else (),
        axis=quantised.integer(6, "i") if quantised else 0,
        variable=bool(table.integer(5, "B")),
        sparse=table.table(6) is not None,
        blockwise=quantised is not None and quantised.integer(4, "B") == _BLOCKWISE,
    )
    _require_bytes(info)
    return info


def _require_bytes(info: TensorInfo) -> None:
    """Check that a constant has the bytes that its shape needs, and as many scales as its axis is long."""
    if len(info.signature) != len(info.shape):
        raise FlatBufferError(
            f"tensor {info.name!r} has {len(info.shape)} axes and {len(info.signature)} in its signature"
        )
    if not info.constant or not info.bits:
        return
    needed = math.ceil(info.elements * info.bits / 8)
    if any(length < 0 for length in info.shape) or (not info.sparse and len(info.data) != needed):
        shape = " x ".join(map(str, info.shape))
        raise FlatBufferError(f"tensor {info.name!r} ({shape} {info.dtype}) holds {len(info.data)} bytes")
    if len(info.scales) > 1:
        length = info.shape[info.axis] if 0 <= info.axis < len(info.shape) else -1
        if len(info.scales) != length or len(info.zeros) not in (0, 1, length):
            raise FlatBufferError(f"tensor {info.name!r} has {len(info.scales)} scales for {length} channels")


def _operator(source: Bytes, table: Table, codes: list[tuple[int, str]], tensors: int) -> OperatorInfo:
    index = table.integer(0, "I")
    if index >= len(codes):
        raise FlatBufferError(f"operator code {index} of {len(codes)} is asked for")
    code, custom = codes[index]
    inputs, outputs = table.numbers(1, "i"), table.numbers(2, "i")
    _require_indices(inputs, tensors, -1)
    _require_indices(outputs, tensors, -1)
    table.vector(5, 1)
    offset, size = table.integer(9, "Q"), table.integer(10, "Q")
    source.require(offset, size)
    options = table.table(4)
    transposed = code == _BATCH_MATMUL and options is not None and bool(options.integer(0, "B"))
    return OperatorInfo(code, custom if code == _CUSTOM else "", inputs, outputs, transposed)


def _unpacked(data: memoryview, bits: int, signed: bool) -> NDArray[np.generic]:
    """Return the small integers in each byte, lowest bits first."""
    shifts = np.arange(0, 8, bits, dtype=np.uint8)
    apart = (np.frombuffer(data, np.uint8)[:, np.newaxis] >> shifts) & np.uint8((1 << bits) - 1)
    flat = apart.reshape(-1).astype(np.int8)
    return np.where(flat >= 1 << (bits - 1), flat - (1 << bits), flat).astype(np.int8) if signed else flat
