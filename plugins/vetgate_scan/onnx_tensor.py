"""Whether the tensors of an ONNX file hold what they say, and the values of the small ones."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np

from vetgate_scan import onnx_rules as rule
from vetgate_scan.found import Found, quoted
from vetgate_scan.onnx_external import ExternalData
from vetgate_scan.onnx_message import Message, Reader, Span, one
from vetgate_scan.onnx_schema import Kind
from vetgate_scan.wire import Wire, signed

Values: TypeAlias = tuple[float, ...]
"""The numbers of a small constant, flat; whole ones are ints."""

_BITS = {
    1: 32, 2: 8, 3: 8, 4: 16, 5: 16, 6: 32, 7: 64, 9: 8, 10: 16, 11: 64, 12: 32, 13: 64, 14: 64, 15: 128, 16: 16, 17: 8,
    18: 8, 19: 8, 20: 8, 21: 4, 22: 4, 23: 4, 24: 8, 25: 2, 26: 2, 27: 6, 28: 6,
}  # fmt: skip
"""TensorProto.DataType to bits of an element."""
_STRING = 8
_RAW, _STRINGS = 9, 6
_STORES = {
    4: {1: 1.0, 14: 2.0},
    5: {2: 1.0, 3: 1.0, 4: 1.0, 5: 1.0, 6: 1.0, 9: 1.0, 10: 1.0, 16: 1.0, 17: 1.0, 18: 1.0, 19: 1.0, 20: 1.0, 24: 1.0,
        21: 0.5, 22: 0.5, 23: 0.5, 25: 0.25, 26: 0.25, 27: 1.0, 28: 1.0},
    6: {_STRING: 1.0},
    7: {7: 1.0},
    10: {11: 1.0, 15: 2.0},
    11: {12: 1.0, 13: 1.0},
}  # fmt: skip
"""Field of typed values to the types that it is for and the entries that an element takes there."""
_WIDTHS = {4: 4, 10: 8}
_NUMPY = {1: "<f4", 2: "u1", 3: "i1", 4: "<u2", 5: "<i2", 6: "<i4", 7: "<i8", 9: "u1", 10: "<f2", 11: "<f8",
          12: "<u4", 13: "<u8"}  # fmt: skip
_SMALL = 64
"""Elements up to which a tensor's values are kept, for shapes and counts."""
_MOST_ELEMENTS = 1 << 48
_MOST_AXES = 64
_MOST_INDICES = 1 << 22


class Tensors:
    """Looks at the tensors of one file.

    Args:
        reader: Reads its messages.
        external: Its data files.
    """

    def __init__(self, reader: Reader, external: ExternalData) -> None:
        self._reader, self._external = reader, external

    @property
    def _found(self) -> Found:
        return self._reader.found

    @property
    def _wire(self) -> Wire:
        return self._reader.wire

    def look_at(self, span: Span) -> tuple[bytes, Values | None]:
        """Return a tensor's name and, where it is small and its bytes are here, its values."""
        message = self._reader.read(Kind.TENSOR, span)
        name = self._reader.text(message, 8)
        where = f"tensor {quoted(name)}" if name else f"tensor at byte {span[0]:,}"
        dtype = one(message, 2)
        elements = self._elements(message, where)
        if dtype not in _BITS and dtype != _STRING:
            self._found.add(rule.TENSOR, f"it is of type {dtype}, which is none of ONNX", where)
            return name, None
        for entry in message.get(16, ()):
            self._reader.read(Kind.ENTRY, entry)
        if elements is None:
            return name, None
        if one(message, 14) == 1 or 13 in message:
            self._look_at_external(message, dtype, elements, where)
            return name, None
        fits = self._look_at_stores(message, dtype, elements, where)
        return name, self._values(message, dtype) if fits and elements <= _SMALL else None

    def look_at_sparse(self, span: Span) -> None:
        """Look at a sparse tensor: values, and flat or by axis where they stand."""
        message = self._reader.read(Kind.SPARSE, span)
        where = f"sparse tensor at byte {span[0]:,}"
        for number in (1, 2):
            for inner in message.get(number, ()):
                self.look_at(inner)
        dims = [signed(value) for value in self._reader.numbers(message, 3)]
        if not dims or min(dims) < 0 or not message.get(1) or not message.get(2):
            self._found.add(rule.SPARSE, "it lacks values, indices or a shape", where)
            return
        indices = self._reader.read(Kind.TENSOR, message[2][-1])
        if one(indices, 14) == 1:
            self._found.add(rule.SPARSE, "its indices are in another file", where)
            return
        self._look_at_indices(indices, dims, where)

    def _look_at_indices(self, indices: Message, dims: list[int], where: str) -> None:
        shape = self._reader.numbers(indices, 1)
        values = self._whole_numbers(indices)
        if len(shape) == 2 and shape[1] == len(dims) and values.size == shape[0] * shape[1]:
            bad = bool((values.reshape(-1, len(dims)) >= np.array(dims, np.float64)).any()) if values.size else False
        else:
            product = 1.0
            for length in dims:
                product *= length
            bad = len(shape) != 1 or bool(values.size and values.max() >= product)
        if bad or (values.size and values.min() < 0):
            self._found.add(rule.SPARSE, f"its indices lead outside of its shape {dims[:8]}", where)

    def _whole_numbers(self, tensor: Message) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
        if tensor.get(_RAW):
            raw = self._wire.part(*tensor[_RAW][-1])
            return np.frombuffer(raw[: len(raw) // 8 * 8], "<i8")
        return np.array([signed(value) for value in self._reader.numbers(tensor, 7, _MOST_INDICES)], np.int64)

    def _elements(self, message: Message, where: str) -> int | None:
        """Return the product of a tensor's dims, or None after telling that there is none."""
        dims = self._reader.numbers(message, 1)
        elements = 1
        for length in dims[: _MOST_AXES + 1]:
            elements *= signed(length)
            if signed(length) < 0 or elements > _MOST_ELEMENTS or len(dims) > _MOST_AXES:
                shown = [signed(value) for value in dims[:8]]
                self._found.add(rule.TENSOR, f"its shape {shown} is that of no tensor", where)
                return None
        return elements

    def _look_at_external(self, message: Message, dtype: int, elements: int, where: str) -> None:
        entries = []
        for span in message.get(13, ()):
            entry = self._reader.read(Kind.ENTRY, span)
            entries.append((self._reader.text(entry, 1), self._reader.text(entry, 2)))
        needed = (elements * _BITS[dtype] + 7) // 8 if dtype in _BITS else None
        self._external.look_at(entries, needed, where)
        if dtype == _STRING or any(message.get(number) for number in (_RAW, *_STORES)):
            self._found.add(rule.TENSOR, "its bytes are both here and in another file, or can be in neither", where)

    def _look_at_stores(self, message: Message, dtype: int, elements: int, where: str) -> bool:
        """Return whether a tensor has exactly the bytes that its shape and type need."""
        stores = [number for number in (_RAW, *_STORES) if message.get(number)]
        stores = [number for number in stores if self._entries(message, number)]
        if not stores and elements == 0:
            return True
        if len(stores) != 1:
            told = "its bytes are given twice" if stores else f"it has no bytes for {elements:,} elements"
            self._found.add(rule.TENSOR, told, where)
            return False
        held, needed = self._entries(message, stores[0]), self._needed(stores[0], dtype, elements)
        if held == needed:
            return True
        unit = "bytes" if stores[0] == _RAW else "values"
        wanted = "none" if needed is None else f"{needed:,}"
        self._found.add(rule.TENSOR, f"it holds {held:,} {unit} where its shape and type need {wanted}", where)
        return False

    def _needed(self, store: int, dtype: int, elements: int) -> int | None:
        if store == _RAW:
            return (elements * _BITS[dtype] + 7) // 8 if dtype in _BITS else None
        share = _STORES[store].get(dtype)
        return None if share is None else int(-(-elements * share // 1))

    def _entries(self, message: Message, store: int) -> int:
        """Return bytes of raw data, or how many typed values there are, packed or not."""
        spans = message.get(store, [])
        if store == _RAW:
            return spans[-1][1] - spans[-1][0]
        if store == _STRINGS:
            return len(spans)
        return sum(1 if start >= 0 else self._packed(store, end, -1 - start) for start, end in spans)

    def _packed(self, store: int, start: int, end: int) -> int:
        if store in _WIDTHS:
            return (end - start) // _WIDTHS[store]
        return int(np.count_nonzero(np.frombuffer(self._wire.part(start, end), np.uint8) < 0x80))

    def _values(self, message: Message, dtype: int) -> Values | None:
        if dtype not in _NUMPY:
            return None
        if message.get(_RAW):
            raw = self._wire.part(*message[_RAW][-1])
            width = np.dtype(_NUMPY[dtype]).itemsize
            return tuple(np.frombuffer(raw[: len(raw) // width * width], _NUMPY[dtype]).tolist())
        if dtype in (1, 11):
            return self._real_values(message, 4 if dtype == 1 else 10)
        store = 7 if dtype == 7 else 11 if dtype in (12, 13) else 5
        return tuple(signed(value) for value in self._reader.numbers(message, store))

    def _real_values(self, message: Message, store: int) -> Values:
        width, values = _WIDTHS[store], list[float]()
        for start, end in message.get(store, ()):
            raw = self._wire.part(end, -1 - start) if start < 0 else self._wire.part(start, end)
            values += np.frombuffer(raw[: len(raw) // width * width], f"<f{width}").tolist()
        return tuple(values)
