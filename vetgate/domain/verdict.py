"""What the judge says."""

from __future__ import annotations

from enum import StrEnum
from typing import Literal

from vetgate.domain.evidence import Of, Slice, Versus
from vetgate.domain.record import Record
from vetgate.domain.unit import Unit


class Decision(StrEnum):
    """pass < warn < inconclusive < fail; the worst ruling is the verdict."""

    PASS = "pass"  # noqa: S105  # a decision, no password
    WARN = "warn"
    INCONCLUSIVE = "inconclusive"
    FAIL = "fail"

    @property
    def rank(self) -> int:
        """Place in the order from 0 (pass) to 3 (fail)."""
        return list(Decision).index(self)


class Ruling(Record):
    """One rule's decision, with the numbers that made it."""

    rule: str
    words: str
    decision: Decision
    because: str
    """One sentence with the numbers."""
    metric: str | None = None
    """None for rulings on findings."""
    of: Of | None = None
    """Whose figure was judged; a difference is printed with its sign, and one of fractions in points."""
    unit: Unit | None = None
    observed: float | None = None
    lower: float | None = None
    """One-sided bound at the rule's confidence; None for point rules."""
    upper: float | None = None
    threshold: float | None = None
    side: Literal["at_least", "at_most"] | None = None
    """Which way the threshold bounds the figure."""
    confidence: float | None = None
    """Of each of the two bounds; None for rules without one."""
    method: str = ""
    """How it was decided: `point`, `exact`, or the name of the bound."""
    n: int | None = None
    needed: int | None = None
    """Images or pairs that would probably settle an inconclusive rule."""
    slice: Slice | None = None
    """The slice that decided, for sliced rules."""
    versus: Versus = Versus.REFERENCE
    waived: Decision | None = None
    """The true decision of a waived rule."""


class Verdict(Record):
    """The worst ruling decides."""

    decision: Decision
    because: str
    rulings: tuple[Ruling, ...]
