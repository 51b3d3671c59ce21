"""Units of measured figures: how a policy writes them and how a report prints them."""

from __future__ import annotations

import math
import re
from enum import StrEnum


class Unit(StrEnum):
    """The unit a metric's value is stored in."""

    FRACTION = "fraction"
    RATIO = "ratio"
    SECONDS = "s"
    MEGABYTES = "MB"
    BITS = "bit"
    COUNT = "count"
    PER_SECOND = "1/s"
    SCORE = "score"


_QUANTITY = re.compile(r"^\s*([+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)\s*([A-Za-z%/]*)\s*$")

_SUFFIXES: dict[Unit, dict[str, float]] = {
    Unit.FRACTION: {"": 1.0, "%": 0.01, "pp": 0.01},
    Unit.RATIO: {"": 1.0, "x": 1.0, "%": 0.01},
    Unit.SECONDS: {"s": 1.0, "ms": 1e-3, "us": 1e-6},
    Unit.MEGABYTES: {"MB": 1.0, "kB": 1e-3, "GB": 1e3, "B": 1e-6},
    Unit.BITS: {"": 1.0, "bit": 1.0, "bits": 1.0},
    Unit.COUNT: {"": 1.0, "k": 1e3, "M": 1e6, "G": 1e9},
    Unit.PER_SECOND: {"": 1.0, "/s": 1.0, "1/s": 1.0},
    Unit.SCORE: {"": 1.0},
}


def parse_quantity(text: str | float | int, unit: Unit) -> float:
    """Return the number that `text` means in `unit`.

    Args:
        text: A number, or a number with a suffix the unit knows: `-1pp`, `97.5%`, `12 ms`, `3.4MB`.
        unit: The unit of the metric it bounds.

    Raises:
        ValueError: Not a number, or a suffix that this unit does not take.
    """
    match = _QUANTITY.match(str(text))
    if match is None:
        raise ValueError(f"{text!r} is not a number with a unit")
    number, suffix = float(match[1]), match[2]
    known = _SUFFIXES[unit]
    if suffix not in known:
        wanted = ", ".join(repr(name) for name in known if name) or "a plain number"
        raise ValueError(f"{text!r}: expected {wanted} for a figure in {unit.value}")
    if not math.isfinite(number):
        raise ValueError(f"{text!r} is not finite")
    return number * known[suffix]


def format_quantity(value: float | None, unit: Unit, *, signed: bool = False) -> str:
    """Return `value` for people: four significant digits with the unit; differences of fractions in points.

    Args:
        value: In `unit`; None prints as a dash.
        unit: The unit that `value` is stored in.
        signed: Whether it is a difference, printed with its sign.
    """
    if value is None:
        return "–"
    sign = "+" if signed else ""
    if unit is Unit.FRACTION:
        return f"{value * 100:{sign}.2f} {'pp' if signed else '%'}"
    if unit is Unit.RATIO:
        return f"{value:{sign}.4g} ×"
    if unit is Unit.SECONDS:
        return f"{value * 1e3:{sign}.4g} ms" if abs(value) < 1 else f"{value:{sign}.4g} s"
    if unit is Unit.COUNT:
        return f"{value:{sign},.0f}"
    number = f"{value:{sign}.4g}"
    return {Unit.MEGABYTES: f"{number} MB", Unit.BITS: f"{number} bit", Unit.PER_SECOND: f"{number} /s"}.get(
        unit, number
    )
