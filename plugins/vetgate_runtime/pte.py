"""What an ExecuTorch program holds, after its schema (program.fbs), with every offset and index checked."""

from __future__ import annotations

from dataclasses import dataclass

from vetgate_runtime.flatbuffer import Bytes, FlatBufferError, Table

HEADER = b"eh00"
_MOST_LENGTHS = 64
_SHORTEST = 40
"""Bytes of offset, identifier and header."""
_TYPES = {
    0: ("uint8", 8), 1: ("int8", 8), 2: ("int16", 16), 3: ("int32", 32), 4: ("int64", 64), 5: ("float16", 16),
    6: ("float32", 32), 7: ("float64", 64), 11: ("bool", 8), 15: ("bfloat16", 16), 27: ("uint16", 16),
    28: ("uint32", 32), 29: ("uint64", 64),
}  # fmt: skip
_TENSOR = 5
"""KernelTypes: which value is a tensor."""


class CutOffError(FlatBufferError):
    """The file is shorter than its header says."""


@dataclass(frozen=True)
class TensorInfo:
    """A tensor of a method."""

    dtype: str
    bits: int
    shape: tuple[int, ...]
    """The largest, where lengths are free."""
    free: bool
    """Whether its lengths may be smaller."""
    buffer: int
    """Number of the constant that holds it; 0 where it is computed."""
    external: bool
    """Whether it lies in another file."""


@dataclass(frozen=True)
class Call:
    """One instruction of a method that computes something."""

    delegated: bool
    number: int
    """Of the operator, or of the delegate."""
    values: tuple[int, ...]
    """That it takes and makes."""


@dataclass(frozen=True)
class Method:
    """One method of a program."""

    name: str
    values: tuple[TensorInfo | None, ...]
    """None for what is no tensor."""
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    operators: tuple[str, ...]
    delegates: tuple[str, ...]
    calls: tuple[Call, ...]
    """In their order."""

    def port(self, index: int) -> TensorInfo:
        """Return a tensor that goes in or out.

        Raises:
            FlatBufferError: It is none.
        """
        found = self.values[index] if 0 <= index < len(self.values) else None
        if found is None:
            raise FlatBufferError(f"value {index} of method {self.name!r} is no tensor")
        return found


@dataclass(frozen=True)
class Program:
    """All that is read of a file."""

    methods: tuple[Method, ...]
    constants: tuple[memoryview, ...]
    """Bytes of constants by number; the first is empty. A constant may have padding behind it."""
    named: tuple[tuple[str, int], ...]
    """Data that delegates ask for by name, and their bytes."""


def read(data: memoryview) -> Program:
    """Return what a file holds.

    Raises:
        CutOffError: It is shorter than its header says.
        FlatBufferError: An offset, an index or a length leads nowhere.
    """
    source = Bytes(data)
    base, end = _header(source)
    root = source.root()
    segments = [(base + entry.integer(0, "Q"), entry.integer(1, "Q")) for entry in root.tables(4)]
    for start, length in segments:
        if start + length > len(data):
            kind = CutOffError if start + length <= end else FlatBufferError
            raise kind(f"{length:,} bytes at byte {start:,} run past the end of the file ({len(data):,} bytes)")
    methods = tuple(_method(plan) for plan in root.tables(1))
    if not methods:
        raise FlatBufferError("it holds no method")
    named = tuple((entry.text(0), segments[_index(entry.integer(1, "I"), segments)][1]) for entry in root.tables(7))
    return Program(methods, _constants(root, segments, source), named)


def _header(source: Bytes) -> tuple[int, int]:
    """Return where segments begin, and the length that the file says it has."""
    if len(source.data) < _SHORTEST:
        raise CutOffError(f"it has {len(source.data)} bytes, and the shortest program has {_SHORTEST}")
    if bytes(source.part(8, 4)) != HEADER:
        return 0, 0
    length = source.whole("I", 12)
    program, base = source.whole("Q", 16), source.whole("Q", 24)
    rest = source.whole("Q", 32) if length >= 32 else 0
    end = max(program, base + rest)
    if end > len(source.data):
        raise CutOffError(f"it has {len(source.data):,} bytes, and its header says {end:,}")
    return base, end


def _index(index: int, entries: list[tuple[int, int]]) -> int:
    if index >= len(entries):
        raise FlatBufferError(f"segment {index} of {len(entries)} is named")
    return index


def _constants(root: Table, segments: list[tuple[int, int]], source: Bytes) -> tuple[memoryview, ...]:
    stored = root.table(5)
    offsets = stored.numbers(1, "Q") if stored is not None else ()
    if stored is None or not offsets:
        return tuple(buffer.vector(0, 1) for buffer in root.tables(2))
    start, length = segments[_index(stored.integer(0, "I"), segments)]
    ends = [*offsets[1:], length]
    if any(not 0 <= begin <= end <= length for begin, end in zip(offsets, ends, strict=True)):
        raise FlatBufferError("its constants overlap or lie outside of their segment")
    return tuple(source.part(start + begin, end - begin) for begin, end in zip(offsets, ends, strict=True))


def _method(plan: Table) -> Method:
    operators = tuple(f"{entry.text(0)}.{entry.text(1)}".rstrip(".") for entry in plan.tables(6))
    delegates = tuple(entry.text(0) for entry in plan.tables(7))
    values = tuple(_value(entry) for entry in plan.tables(2))
    calls = []
    for chain in plan.tables(5):
        for instruction in chain.tables(2):
            kind, called = instruction.integer(0, "B"), instruction.table(1)
            if kind not in (1, 2) or called is None:
                continue
            number, known = called.integer(0, "i"), (operators, delegates)[kind - 1]
            if not 0 <= number < len(known):
                raise FlatBufferError(f"an instruction calls number {number} of {len(known)}")
            taken = called.numbers(1, "i")
            strange = [value for value in taken if not 0 <= value < len(values)]
            if strange:
                raise FlatBufferError(f"an instruction takes value {strange[0]} of {len(values)}")
            calls.append(Call(kind == 2, number, tuple(taken)))
    return Method(
        plan.text(0), values, plan.numbers(3, "i"), plan.numbers(4, "i"),
        operators, delegates, tuple(calls),
    )  # fmt: skip


def _value(entry: Table) -> TensorInfo | None:
    tensor = entry.table(1)
    if entry.integer(0, "B") != _TENSOR or tensor is None:
        return None
    kind = tensor.integer(0, "b")
    dtype, bits = _TYPES.get(kind, (f"type {kind}", 0))
    sizes = tensor.numbers(2, "i")
    if len(sizes) > _MOST_LENGTHS or any(length < 0 for length in sizes):
        raise FlatBufferError(f"a tensor has {len(sizes):,} lengths, {sizes[:4]} among them")
    extra = tensor.table(9)
    external = extra is not None and extra.integer(2, "b") == 1
    return TensorInfo(dtype, bits, sizes, tensor.integer(8, "b") != 0, tensor.integer(5, "I"), external)
