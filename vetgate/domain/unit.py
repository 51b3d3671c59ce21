"""Units of measured figures: how a policy writes them and how a report prints them."""

from __future__ import annotations

import math
import re
from enum import StrEnum


class Better(StrEnum):
    """Which way a figure improves."""

    HIGHER = "higher"
    LOWER = "lower"
    NEITHER = "neither"


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
    DECIBELS = "dB"


_QUANTITY = re.compile(r"^\s*([+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)\s*([A-Za-z%/×µμ]*)\s*$")

_SUFFIXES: dict[Unit, dict[str, float]] = {
    Unit.FRACTION: {"": 1.0, "%": 0.01, "pp": 0.01},
    Unit.RATIO: {"": 1.0, "x": 1.0, "%": 0.01},
    Unit.SECONDS: {"s": 1.0, "ms": 1e-3, "us": 1e-6},
    Unit.MEGABYTES: {"MB": 1.0, "kB": 1e-3, "GB": 1e3, "B": 1e-6},
    Unit.BITS: {"": 1.0, "bit": 1.0, "bits": 1.0},
    Unit.COUNT: {"": 1.0, "k": 1e3, "M": 1e6, "G": 1e9},
    Unit.PER_SECOND: {"": 1.0, "/s": 1.0},
    Unit.SCORE: {"": 1.0},
    Unit.DECIBELS: {"": 1.0, "dB": 1.0},
}

_NAMES = {
    Unit.RATIO: " ×",
    Unit.SECONDS: " s",
    Unit.MEGABYTES: " MB",
    Unit.BITS: " bit",
    Unit.PER_SECOND: " /s",
    Unit.DECIBELS: " dB",
}

_TYPED = str.maketrans("×µμ", "xuu")

LONG = 10.0
"""Seconds from which times print in seconds."""
_HUGE = 1e15
"""From here on digits in groups say nothing to people."""
_MOST_DIGITS = 15
"""Decimals after which a float has no more to tell."""


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
    number, suffix = float(match[1]), match[2].translate(_TYPED)
    known = _SUFFIXES[unit]
    if suffix not in known:
        wanted = ", ".join(repr(name) for name in known if name) or "a plain number"
        raise ValueError(f"{text!r}: expected {wanted} for a figure in {unit.value}")
    if not math.isfinite(number):
        raise ValueError(f"{text!r} is not finite")
    return number * known[suffix]


def read_quantity(text: str, unit: Unit) -> float:
    """Return the number that people typed in `unit`: 57% is 0.57, and not 0.5700000000000001.

    Raises:
        ValueError: As for `parse_quantity`.
    """
    return float(f"{parse_quantity(text, unit):.15g}")


def format_quantity(value: float | None, unit: Unit, *, signed: bool = False) -> str:
    """Return `value` for people, with its unit.

    Fractions print as per cent with two decimals, and with more where two would make them 0 or 100 % that they are
    not; times below ten seconds in milliseconds; counts in full; all else with four significant digits, in full from
    1,000 on. A number that two digits say exactly (`0.5`, `12`) prints short.

    Args:
        value: In `unit`; None prints as a dash.
        unit: The unit that `value` is stored in.
        signed: Whether it is a difference: printed with its sign, and a difference of fractions in points.
    """
    return "–" if value is None else _format(value, unit, signed, 0)


def format_beside(value: float | None, other: float | None, unit: Unit, *, signed: bool = False) -> str:
    """Return `value` as `format_quantity` does, with as many digits more as it takes to read on its side of `other`.

    A bound of -1.004 points fails `at least -1 points`; with two decimals the two would read alike.

    Args:
        value: In `unit`; None prints as a dash.
        other: The threshold it is read beside, in `unit`.
        unit: The unit of both.
        signed: As for `format_quantity`.
    """
    text = format_quantity(value, unit, signed=signed)
    if value is None or other is None or value == other:
        return text
    beside = format_limit(other, unit, signed=signed)
    for extra in range(1, _MOST_DIGITS):
        if _tells(text, beside, value > other):
            break
        text = _format(value, unit, signed, extra)
    return text


def format_limit(value: float, unit: Unit, *, signed: bool = False) -> str:
    """Return a threshold exactly, as people write it in a policy: `-1 pp`, `97.5 %`, `1.1 ×`.

    Args:
        value: In `unit`.
        unit: The unit that `value` is stored in.
        signed: Whether it bounds a difference, as for `format_quantity`.
    """
    sign = "+" if signed and value > 0 else ""
    if unit is Unit.SECONDS and abs(value) < LONG:
        return f"{sign}{value * 1e3:,.12g} ms"
    if unit is Unit.FRACTION:
        return f"{sign}{value * 100:,.12g} {'pp' if signed else '%'}"
    return f"{sign}{value:,.12g}{_NAMES.get(unit, '')}"


def format_about(count: int) -> str:
    """Return an estimated count, rounded up to two digits: more would feign that it is known.

    Args:
        count: Images or pairs, from 0 on.
    """
    step = 10 ** max(0, len(str(count)) - 2)
    return f"{-(-count // step) * step:,}"


def _tells(text: str, beside: str, above: bool) -> bool:
    """Return whether a printed figure reads above (or else below) the printed one that it stands beside."""
    (number, suffix), (limit, other) = _stated(text), _stated(beside)
    return suffix != other or (number > limit if above else number < limit)


def _stated(text: str) -> tuple[float, str]:
    """Return the number and the unit that a printed figure states: `1.000 ×` and `1 ×` state the same."""
    number, _, suffix = text.partition(" ")
    return float(number.replace(",", "")), suffix


def _format(value: float, unit: Unit, signed: bool, extra: int) -> str:
    """Return `value` with `extra` digits more than people are usually given."""
    sign = "+" if signed and value else ""
    if unit is Unit.FRACTION:
        return f"{_per_cent(value * 100, sign, extra)} {'pp' if signed else '%'}"
    if unit is Unit.SECONDS and abs(value) < LONG:
        return f"{_digits(value * 1e3, sign, extra)} ms"
    if unit is Unit.COUNT and float(value).is_integer() and abs(value) < _HUGE:
        return f"{value:{sign},.0f}"
    return _digits(value, sign, extra) + _NAMES.get(unit, "")


def _per_cent(points: float, sign: str, extra: int) -> str:
    if abs(points) >= 1e6:
        return _digits(points, sign, extra)
    text = ""
    for decimals in range(2 + extra, _MOST_DIGITS + extra):
        text = f"{points + 0.0:{sign}.{decimals}f}"
        if points in (0.0, 100.0, -100.0) or float(text) not in (0.0, 100.0, -100.0):
            return text
    return _digits(points, sign, extra) if abs(points) < 1 else text


def _digits(value: float, sign: str, extra: int) -> str:
    """Return four significant digits and `extra` more; fewer where two say it exactly."""
    size = abs(value)
    if size == 0 or not math.isfinite(value):
        return f"{value:{sign}.0f}" if size else "0"
    if not 1e-4 <= size < _HUGE:
        mantissa, exponent = f"{value:{sign}.{3 + extra}e}".split("e")
        return f"{mantissa}e{int(exponent)}"
    if size < 1000 and float(f"{value:.2g}") == value:
        return f"{value:{sign}g}"
    decimals = max(0, 3 - math.floor(math.log10(size)) + extra)
    return f"{value:{sign},.{decimals}f}"
