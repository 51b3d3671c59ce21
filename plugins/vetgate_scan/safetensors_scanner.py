"""Reads the header of safetensors as strictly as the format is written down."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from vetgate.api import Finding, Probe, ScanContext, UnreadableArtifact
from vetgate_scan import safetensors_rules as rule
from vetgate_scan.found import Found, quoted
from vetgate_scan.mapped import mapped
from vetgate_scan.wire import Data

LONGEST_HEADER = 8 << 20
"""Bytes: some 80,000 tensors. The format allows 100 MB, of which Python's JSON would make gigabytes."""
_MOST_METADATA = 1 << 20
_MOST_ELEMENTS = 1 << 62
_BITS = {
    "BOOL": 8, "U8": 8, "I8": 8, "F8_E5M2": 8, "F8_E4M3": 8, "F8_E8M0": 8, "F8_E4M3FNUZ": 8, "F8_E5M2FNUZ": 8,
    "I16": 16, "U16": 16, "F16": 16, "BF16": 16, "I32": 32, "U32": 32, "F32": 32, "C64": 64, "F64": 64, "I64": 64,
    "U64": 64, "F4": 4, "F6_E2M3": 6, "F6_E3M2": 6,
}  # fmt: skip
_KEYS = {"dtype", "shape", "data_offsets"}
_NESTED = re.compile(rb"[\[{]\s*[\[{]\s*[\[{]")
_BEGINS = re.compile(rb"\s*[\"}]")


class _TwiceError(ValueError):
    """A name is given twice in one object."""


def recognise(probe: Probe) -> bool:
    """Return whether the file begins as safetensors does: a length, then a JSON object."""
    head = probe.head
    return len(head) >= 10 and head[8:9] == b"{" and _BEGINS.match(head, 9) is not None


class SafetensorsScanner:
    """Reads the model file."""

    def scan(self, context: ScanContext) -> tuple[Finding, ...]:
        """Return what was found in the model file.

        Raises:
            UnreadableArtifact: It is cut off and nothing worse.
        """
        return scan_file(context.artifact.file)


def scan_file(file: Path) -> tuple[Finding, ...]:
    """Return what was found in one file."""
    found = Found(file.name)
    with mapped(file) as data:
        length = int.from_bytes(data[:8], "little")
        if len(data) - 8 < length <= LONGEST_HEADER:
            raise UnreadableArtifact(
                f"{file.name} ends too soon: its header is to have {length:,} bytes, the file has {len(data):,}",
                hint=rule.HEADER.advice,
            )
        header = _header(data, found)
        if header is not None:
            size, stated = len(data) - 8 - length, _stated_size(header)
            _look_at_tensors(header, max(size, stated), found)
            if size < stated:
                told = f"its tensors are to have {stated:,} bytes, of which {size:,} are there"
                if not found:
                    raise UnreadableArtifact(f"{file.name} ends too soon: {told}", hint=rule.OFFSETS.advice)
                found.add(rule.OFFSETS, told)
    return found.all()


def _header(data: Data, found: Found) -> dict[str, Any] | None:
    length = int.from_bytes(data[:8], "little")
    if length > min(len(data) - 8, LONGEST_HEADER):
        found.add(rule.HEADER, f"the header is to have {length:,} bytes; the file has {len(data):,}")
        return None
    text = data[8 : 8 + length]
    if not text.startswith(b"{") or _NESTED.search(text):
        found.add(rule.JSON, "the header does not begin with an object, or is nested more deeply than any header")
        return None
    try:
        header = json.loads(text.decode(), object_pairs_hook=_once, parse_constant=_refuse)
    except (ValueError, RecursionError) as error:
        found.add(rule.JSON, f"the header cannot be read: {str(error)[:200]}")
        return None
    if not isinstance(header, dict):
        found.add(rule.JSON, "the header is no object")
        return None
    return header


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) != len(pairs):
        names = [name for name, _ in pairs]
        raise _TwiceError(f"{quoted(next(name for name in names if names.count(name) > 1))} is given twice")
    return made


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is no JSON")


def _look_at_tensors(header: dict[str, Any], size: int, found: Found) -> None:
    """Look at every tensor, and at the bytes between them.

    Args:
        header: The JSON object.
        size: Bytes behind it.
        found: Where findings go.
    """
    if "__metadata__" in header:
        _look_at_metadata(header["__metadata__"], found)
    spans = sorted(_spans(header, size, found))
    reached = 0
    for begin, end, name in spans:
        if begin != reached:
            told = "overlaps the one before" if begin < reached else f"leaves a hole of {begin - reached:,} bytes"
            found.add(rule.OFFSETS, f"it begins at byte {begin:,} and {told}", f"tensor {quoted(name)}")
        reached = max(reached, end)
    if reached < size:
        found.add(rule.TRAILING, f"{size - reached:,} bytes follow the last tensor")


def _stated_size(header: dict[str, Any]) -> int:
    """Return the bytes that tensors are stated to have, whether the file has them or not."""
    ends = (_pair(told.get("data_offsets"))[1] for told in header.values() if isinstance(told, dict))
    return max(ends, default=0)


def _spans(header: dict[str, Any], size: int, found: Found) -> Iterator[tuple[int, int, str]]:
    for name, told in header.items():
        if name == "__metadata__":
            continue
        where = f"tensor {quoted(name)}"
        if not isinstance(told, dict) or set(told) != _KEYS:
            found.add(rule.JSON, "it is not told by dtype, shape and data_offsets alone", where)
            continue
        begin, end = _pair(told["data_offsets"])
        if not 0 <= begin <= end <= size:
            found.add(rule.OFFSETS, f"it is from byte {begin:,} to {end:,} of {size:,}", where)
            continue
        needed = _bytes(told["dtype"], told["shape"])
        if needed != end - begin:
            shown = quoted(f"{told['dtype']} {told['shape']}")
            found.add(rule.SHAPE, f"it is {shown} but has {end - begin:,} bytes", where)
        yield begin, end, name


def _pair(offsets: object) -> tuple[int, int]:
    """Return begin and end, or (-1, -1) where they are no pair of whole numbers."""
    if isinstance(offsets, list) and len(offsets) == 2 and all(type(value) is int for value in offsets):
        return offsets[0], offsets[1]
    return -1, -1


def _bytes(dtype: object, shape: object) -> int | None:
    """Return the bytes that a type and a shape need, or None where there are no such."""
    if not isinstance(dtype, str) or dtype not in _BITS or not isinstance(shape, list):
        return None
    elements = 1
    for length in shape:
        if type(length) is not int or length < 0:
            return None
        elements *= length
        if elements > _MOST_ELEMENTS:
            return None
    bits = elements * _BITS[dtype]
    return bits // 8 if bits % 8 == 0 else None


def _look_at_metadata(metadata: object, found: Found) -> None:
    if not isinstance(metadata, dict) or not all(isinstance(value, str) for value in metadata.values()):
        found.add(rule.METADATA, "the metadata are no pairs of texts")
        return
    length = sum(len(name) + len(value) for name, value in metadata.items())
    if length > _MOST_METADATA:
        found.add(rule.METADATA, f"the metadata have {length:,} characters")
    if any("\x1b" in text for pair in metadata.items() for text in pair):
        found.add(rule.METADATA, "a text of the metadata steers the terminal")
