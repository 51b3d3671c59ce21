"""One layer of an OpenVINO model: its constant's place among the weights, its shapes, its operator set."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from vetgate_scan import ir_rules as rule
from vetgate_scan.found import Found, quoted

LARGEST = 1 << 32
"""Elements of a tensor."""
_FARTHEST = 1 << 36
"""Bytes up to which a constant behind the end speaks of weights that were cut off, and not of an address."""
MOST_LENGTHS = 64
"""Lengths of a shape: the product of a million of them would take hours."""
_OWN = re.compile(r"opset\d{1,2}\Z", re.ASCII)
_NUMBER = re.compile(r"\d{1,19}\Z", re.ASCII)
_BITS = {
    "f64": 64, "i64": 64, "u64": 64, "f32": 32, "i32": 32, "u32": 32, "f16": 16, "bf16": 16, "i16": 16, "u16": 16,
    "i8": 8, "u8": 8, "boolean": 8, "bool": 8, "f8e4m3": 8, "f8e5m2": 8, "f8e8m0": 8, "i4": 4, "u4": 4, "nf4": 4,
    "f4e2m1": 4, "u1": 1, "u2": 2, "u3": 3, "u6": 6,
}  # fmt: skip


@dataclass
class Layer:
    """What was read of a layer."""

    name: str
    type: str
    opset: str
    data: list[Mapping[str, str]] = field(default_factory=list)
    """One in a layer that is well-formed."""


class Weights:
    """The file of constants.

    Args:
        size: Bytes that it has.
    """

    def __init__(self, size: int) -> None:
        self.size = size
        self.short = 0
        """Bytes that plausible constants reach beyond its end."""
        self.end = 0
        """Where the last constant in it ends."""


def look_at_layer(layer: Layer, weights: Weights, found: Found) -> None:
    """Note what is wrong with one layer."""
    where = f"layer {quoted(layer.name)}"
    if not _OWN.match(layer.opset):
        named = quoted(layer.opset) if layer.opset else "none"
        found.add(rule.CUSTOM, f"{quoted(layer.type)} is of operator set {named}", where)
    if len(layer.data) > 1:
        found.add(rule.DAMAGED, "it has its attributes twice, and runtimes differ in which they read", where)
    elif layer.type == "Const":
        _look_at_constant(layer.data[0] if layer.data else {}, weights, where, found)


def _look_at_constant(data: Mapping[str, str], weights: Weights, where: str, found: Found) -> None:
    offset, size = data.get("offset", ""), data.get("size", "")
    if not _NUMBER.match(offset) or not _NUMBER.match(size):
        found.add(rule.WEIGHTS, f"its bytes are said to be {quoted(size)} at {quoted(offset)}", where)
        return
    start, length = int(offset), int(size)
    if start + length > weights.size:
        if start + length > _FARTHEST:
            told = f"its {length:,} bytes at byte {start:,} lie outside of weights of {weights.size:,}"
            found.add(rule.WEIGHTS, told, where)
            return
        weights.short = max(weights.short, start + length - weights.size)
    weights.end = max(weights.end, start + length)
    _look_at_shape(data, length, where, found)


def _look_at_shape(data: Mapping[str, str], length: int, where: str, found: Found) -> None:
    text, kind = data.get("shape", ""), data.get("element_type", "")
    parts = [part.strip() for part in text.split(",") if part.strip()]
    if kind == "string":
        return
    if kind not in _BITS or len(parts) > MOST_LENGTHS or not all(_NUMBER.match(part) for part in parts):
        found.add(rule.TENSOR, f"it is said to be {quoted(kind)} of shape {quoted(text)}", where)
        return
    needed = (math.prod(map(int, parts)) * _BITS[kind] + 7) // 8
    # three and six bits are packed in groups, so their sizes round up further
    if length != needed and not (kind in ("u3", "u6") and needed <= length <= needed + 8):
        found.add(
            rule.TENSOR, f"its shape {quoted(text)} of {kind} needs {needed:,} bytes, and it has {length:,}", where
        )


def look_at_lengths(lengths: list[str], name: str, found: Found) -> None:
    """Note a port that asks for a giant tensor; -1 stands for a free length."""
    try:
        elements = math.prod(max(1, int(length[:20])) for length in lengths[:MOST_LENGTHS])
    except ValueError:
        found.add(rule.DAMAGED, f"a length is {quoted(str(lengths[:MOST_LENGTHS]))}", f"layer {quoted(name)}")
        return
    if len(lengths) > MOST_LENGTHS:
        found.add(rule.DAMAGED, f"a port has {len(lengths):,} lengths", f"layer {quoted(name)}")
        return
    if elements > LARGEST:
        found.add(rule.GIANT, f"a tensor of {elements:,} numbers", f"layer {quoted(name)}")
