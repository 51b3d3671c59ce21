"""What a setting of a compressor may be: declared, so that a mistake is told before anything is made."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias

from vetgate.domain.errors import UsageError

Setting: TypeAlias = int | float | str


class SettingKind(StrEnum):
    """What kind of value a setting takes."""

    NUMBER = "number"
    SHARE = "share"
    WHOLE = "whole number"
    TEXT = "text"


@dataclass(frozen=True)
class SettingSpec:
    """One setting. Cheap: a compressor's plugin declares it without any heavy import."""

    name: str
    kind: SettingKind
    help: str
    """What it is, as a phrase such as `share of weights to zero`."""
    low: float = -math.inf
    high: float = math.inf
    """Ends of the numbers that are allowed."""
    open: bool = False
    """Whether the ends themselves are not allowed."""
    choices: tuple[str, ...] = ()
    """Of a text, the only ones that are allowed; empty allows any."""
    default: Setting | None = None
    """None where it must be given."""

    @property
    def allowed(self) -> str:
        """Return what is allowed, for people, such as `a share above 0 and below 1`."""
        if self.choices:
            return " or ".join(filter(None, (", ".join(self.choices[:-1]), self.choices[-1])))
        lower = f"{'above' if self.open else 'from'} {self.low:,g}" if math.isfinite(self.low) else ""
        upper = f"{'below' if self.open else 'to'} {self._high}" if math.isfinite(self.high) else ""
        return f"a {self.kind} {(' and ' if self.open else ' ').join(filter(None, (lower, upper)))}".rstrip()

    @property
    def _high(self) -> str:
        return f"{self.high:,.0f}" if self.high == int(self.high) else f"{self.high:g}"

    def holds(self, value: Setting) -> bool:
        """Return whether a value is allowed."""
        if self.kind is SettingKind.TEXT or isinstance(value, str):
            return self.kind is SettingKind.TEXT and isinstance(value, str) and value in (self.choices or (value,))
        if isinstance(value, bool) or (self.kind is SettingKind.WHOLE and not isinstance(value, int)):
            return False
        return self.low < value < self.high if self.open else self.low <= value <= self.high


def require_allowed(compressor: str, given: Mapping[str, Setting], declared: Sequence[SettingSpec]) -> None:
    """Refuse settings that a compressor does not take; those that are not given are not looked at.

    Raises:
        UsageError: One is unknown or not allowed.
    """
    known = {spec.name: spec for spec in declared}
    takes = "; ".join(f"{name} ({spec.allowed})" for name, spec in known.items()) or "no settings"
    for name, value in given.items():
        if name not in known:
            raise UsageError(f"compressor {compressor!r} has no setting {name!r}; it takes {takes}")
        if not known[name].holds(value):
            raise UsageError(f"compressor {compressor!r}: {name} is {value!r}, but must be {known[name].allowed}")


def read_settings(compressor: str, given: Mapping[str, Setting], declared: Sequence[SettingSpec]) -> dict[str, Setting]:
    """Return the value of each setting that is declared, its default where it is not given.

    Args:
        compressor: Its name, for messages.
        given: The settings of a step.
        declared: What it takes.

    Raises:
        UsageError: One is unknown, missing or not allowed.
    """
    require_allowed(compressor, given, declared)
    values: dict[str, Setting] = {}
    for spec in declared:
        value = given.get(spec.name, spec.default)
        if value is None:
            raise UsageError(f"compressor {compressor!r} needs the setting {spec.name!r}: {spec.allowed}")
        values[spec.name] = value
    return values
