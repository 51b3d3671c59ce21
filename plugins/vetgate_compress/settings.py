"""Reading a step's settings: what is unknown or out of range is refused, and what is allowed is named."""

from __future__ import annotations

import math
from dataclasses import dataclass

from vetgate.api import Bench, UsageError


@dataclass(frozen=True)
class Number:
    """What one setting may be."""

    text: str
    """For people, such as `a share above 0 and below 1`."""
    low: float
    high: float
    """Ends of what is allowed; they count where it is whole, else they do not."""
    default: float | None = None
    """None where it must be given."""
    whole: bool = False

    def holds(self, value: object) -> bool:
        """Return whether a value is allowed."""
        if isinstance(value, bool) or not isinstance(value, int if self.whole else (int, float)):
            return False
        return self.low <= value <= self.high if self.whole else self.low < value < self.high


def share(default: float | None = None) -> Number:
    """Return a share strictly between 0 and 1."""
    return Number("a share above 0 and below 1, such as 0.5", 0.0, 1.0, default)


def whole(low: int, default: int | None = None, high: float = math.inf) -> Number:
    """Return a whole number from `low` to `high`."""
    upper = "" if math.isinf(high) else f" to {high:,.0f}"
    return Number(f"a whole number from {low:,}{upper}", low, high, default, whole=True)


def read_settings(compressor: str, bench: Bench, **allowed: Number) -> dict[str, float]:
    """Return each allowed setting's value, its default where it is not given.

    Raises:
        UsageError: One is unknown, missing or out of range.
    """
    takes = ", ".join(f"{name} ({number.text})" for name, number in allowed.items()) or "no settings"
    for name in bench.settings:
        if name not in allowed:
            raise UsageError(f"compressor {compressor!r} has no setting {name!r}; it takes {takes}")
    values: dict[str, float] = {}
    for name, number in allowed.items():
        given = bench.settings.get(name, number.default)
        if given is None:
            raise UsageError(f"compressor {compressor!r} needs the setting {name!r}: {number.text}")
        if not isinstance(given, (int, float)) or not number.holds(given):
            raise UsageError(f"compressor {compressor!r}: {name} is {given!r}, but must be {number.text}")
        values[name] = given
    return values
