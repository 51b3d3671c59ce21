"""Limits and levels as people write them, read in the unit of the figure that they bound."""

from __future__ import annotations

from dataclasses import dataclass

from vetgate.domain.evidence import Of, Versus
from vetgate.domain.specs import MetricSpec
from vetgate.domain.unit import Unit, read_quantity
from vetgate.policy.words import limit_text, limit_words


def limits_of(spec: MetricSpec, of: Of) -> tuple[float | None, float | None]:
    """Return the least and greatest value that a figure can take in a role; None where there is no limit."""
    if of is Of.RATIO:
        return 0.0, None
    if of is Of.DELTA:
        if spec.low is None or spec.high is None:
            return None, None
        return spec.low - spec.high, spec.high - spec.low
    return spec.low, spec.high


def is_bounded(spec: MetricSpec, of: Of, versus: Versus) -> bool:
    """Return whether a figure's uncertainty is stated; beside a baseline, whether that of each run's own figure is."""
    own = {of} if versus is Versus.REFERENCE else {of, Of.CANDIDATE, Of.PAIR}
    return bool(own & set(spec.bounded))


@dataclass(frozen=True)
class Quantities:
    """Reads the quantities of a rule on one figure; every refusal is a ValueError with the cure."""

    spec: MetricSpec
    of: Of
    versus: Versus = Versus.REFERENCE

    @property
    def unit(self) -> Unit:
        """Return the unit that the rule's limits are stored in."""
        return Unit.RATIO if self.of is Of.RATIO else self.spec.unit

    def limit(self, text: str) -> float:
        """Return a limit.

        Raises:
            ValueError: It is no number of this unit, or none that the figure can reach.
        """
        value = read_quantity(text, self.unit)
        if self.unit is Unit.FRACTION:
            self._check_points(text, value)
        low, high = limits_of(self.spec, self.of)
        if self.of is Of.RATIO and value <= 0:
            raise ValueError(f"{text} is no ratio; 1 is no change, 0.5 is half of the reference")
        if (low is not None and value < low) or (high is not None and value > high):
            raise ValueError(f"{text} is out of range: {self._role()} {self._range(low, high)}")
        return value

    def _check_points(self, text: str, value: float) -> None:
        delta = self.of is Of.DELTA
        if delta and text.rstrip().endswith("%"):
            raise ValueError(f"{text} of a difference could be points or a share; write {text.strip(' %')}pp")
        if _plain(text) and (abs(value) > 1 or (delta and abs(value) == 1)):
            suffix = "pp" if delta else "%"
            meant = limit_words(value, self.unit, self.of)
            raise ValueError(f"{text} without a unit means {meant}; write {text.strip()}{suffix}")

    def _role(self) -> str:
        return f"{self.spec.id} of {self.of.value}" if self.of is not Of.PAIR else self.spec.id

    def _range(self, low: float | None, high: float | None) -> str:
        ends = [limit_text(end, self.unit, self.of) if end is not None else "" for end in (low, high)]
        if low is not None and high is not None:
            return f"lies between {ends[0]} and {ends[1]}"
        return f"is at least {ends[0]}" if low is not None else f"is at most {ends[1]}"

    def confidence(self, text: str) -> float:
        """Return a confidence.

        Raises:
            ValueError: It is none over 50 % and under 100 %, or the figure has no stated uncertainty.
        """
        value = read_quantity(text, Unit.FRACTION)
        if _plain(text) and value > 1:
            raise ValueError(f"{text} without a unit means {value * 100:g} %; write {text.strip()}%")
        if text.rstrip().endswith("pp") or not 0.5 < value < 1:
            raise ValueError(f"{text} is no confidence; write one over 50% and under 100%, such as 95%")
        if not is_bounded(self.spec, self.of, self.versus):
            raise ValueError(
                f"nobody states the uncertainty of {self._role()}; drop `confidence` to compare the point estimate"
            )
        return value


def _plain(text: str) -> bool:
    return not text.rstrip().endswith(("%", "pp"))
