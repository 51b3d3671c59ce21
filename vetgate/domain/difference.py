"""What got better, worse, new and gone between two saved reports. It tells and judges nothing."""

from __future__ import annotations

import datetime
from collections.abc import Iterator
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import Field, NonNegativeInt

from vetgate.domain.evidence import Finding, Of, Slice
from vetgate.domain.record import Record
from vetgate.domain.unit import Better, Unit
from vetgate.domain.verdict import Decision, Ruling


class Reading(StrEnum):
    """What two reports together say of one figure."""

    WORSE = "worse"
    """Significantly, also after the correction for the number of figures looked at; or exactly."""
    BETTER = "better"
    CHANGED = "changed"
    """Of a figure without a better side, or by so much that nobody can say how sure it is: see `lower` and `upper`."""
    UNCLEAR = "no clear change"
    SAME = "no change"
    """The figure has no uncertainty or none is known, and both reports give the same value."""
    INCOMPARABLE = "cannot be compared"
    NEW = "new"
    """Only the new report has it."""
    GONE = "gone"
    """Only the old report has it."""


COMPARED = (Reading.WORSE, Reading.BETTER, Reading.CHANGED, Reading.UNCLEAR, Reading.SAME)
"""Readings of figures that were compared."""


class FigureChange(Record):
    """One figure in both reports."""

    metric: str
    role: Of
    slice: Slice | None = None
    unit: Unit
    """Of `old` and `new`."""
    better: Better
    old: float | None
    """None where the old report does not have it."""
    new: float | None
    change: float | None = None
    """New minus old in `unit`, or new over old where `relative`; None where they cannot be compared."""
    relative: bool = False
    lower: float | None = None
    """End of the interval of `change` at the document's confidence; None where none is known or needed."""
    upper: float | None = None
    exact: bool = False
    """Whether the figure has no uncertainty."""
    p: Annotated[float, Field(ge=0, le=1)] | None = None
    """Chance of a change at least this large either way if nothing had changed; None where it is not tested."""
    corrected: Annotated[float, Field(ge=0, le=1)] | None = None
    """The same for the many figures of the document (Holm)."""
    reading: Reading
    alone: Reading | None = None
    """What it would read if it were the only figure looked at; None where that is the same."""
    reason: str = ""
    """Why it cannot be compared, or why only one report has it."""
    basis: str = ""
    """What the comparison rests on: `paired by image: 12 lost, 30 won of 10,000`."""


class RuleReading(StrEnum):
    """What became of one rule."""

    FAILING = "newly failing"
    UNSETTLED = "newly inconclusive"
    """It passed or warned, and cannot be settled any more."""
    WORSE = "worse"
    """It passed and warns."""
    BETTER = "better"
    PASSING = "newly passing"
    NEW = "new rule"
    GONE = "gone rule"
    THRESHOLD = "threshold changed"
    WORDS = "asked otherwise"
    WAIVED = "newly waived"
    UNWAIVED = "no longer waived"


WORSENED = (RuleReading.FAILING, RuleReading.UNSETTLED)
"""Readings of rules that `--fail-on worse` fails on."""


class RuleChange(Record):
    """One rule whose ruling or wording differs between the reports."""

    rule: str
    readings: Annotated[tuple[RuleReading, ...], Field(min_length=1)]
    old: Ruling | None
    new: Ruling | None


class FindingReading(StrEnum):
    """What became of one finding."""

    NEW = "new"
    GONE = "gone"
    NOT_LOOKED_FOR = "not looked for now"
    """The old report has it, and its check did not run for the new one."""
    NOT_LOOKED_FOR_THEN = "not looked for before"


class FindingChange(Record):
    """A finding that one report has and the other has not."""

    check: str
    finding: Finding
    reading: FindingReading


class Fact(Record):
    """Something around the figures that differs: a model, the data, the policy, the environment."""

    of: str
    """Such as `candidate`, `data`, `policy` or `environment`."""
    what: str
    """Such as `sha256`, `format` or the name of a package."""
    old: str | None
    """None where the old report says nothing of it."""
    new: str | None


class CandidateDifference(Record):
    """One candidate in both reports."""

    old: str
    """Its name in the old report."""
    new: str
    same: bool
    """Whether both reports are one and the same."""
    decisions: tuple[Decision, Decision]
    """Of the verdicts, old and new."""
    because: tuple[str, str]
    started: tuple[datetime.datetime, datetime.datetime]
    figures: tuple[FigureChange, ...]
    """In the order measured."""
    rules: tuple[RuleChange, ...]
    """Those that differ, the worst first."""
    rules_same: NonNegativeInt
    """Rules whose decision and wording are as they were."""
    findings: tuple[FindingChange, ...]
    facts: tuple[Fact, ...]

    @property
    def worsened(self) -> bool:
        """Whether the verdict was better than fail or inconclusive, and is that now."""
        then, now = self.decisions
        return now.rank >= Decision.INCONCLUSIVE.rank and now.rank > then.rank

    @property
    def comparable(self) -> bool:
        """Whether anything of it could be compared; rules alone suffice only where neither report has figures."""
        if self.same or any(figure.reading in COMPARED for figure in self.figures):
            return True
        common = self.rules_same or any(rule.old is not None and rule.new is not None for rule in self.rules)
        return bool(common) and not self.figures


class Side(Record):
    """One of the two files."""

    name: str
    """As typed."""
    sha256: str
    """Of the file."""
    candidates: tuple[str, ...]
    vetgate: str
    """Version that wrote it."""


class Difference(Record):
    """Two saved reports side by side."""

    schema_version: Literal[1] = 1
    old: Side
    new: Side
    confidence: Annotated[float, Field(gt=0.5, lt=1)]
    """Of each interval; a figure reads worse or better where its corrected p is at most 1 minus this."""
    tested: NonNegativeInt
    """Figures whose change was tested, over all candidates: what p was corrected for."""
    candidates: tuple[CandidateDifference, ...]
    gone: tuple[str, ...] = ()
    """Candidates that only the old report has."""
    added: tuple[str, ...] = ()
    """Candidates that only the new report has."""

    @property
    def comparable(self) -> bool:
        """Whether anything could be compared."""
        return any(candidate.comparable for candidate in self.candidates)

    @property
    def worse(self) -> bool:
        """Whether a figure got worse after the correction, or a rule or verdict newly fails or cannot be settled."""
        figures = any(figure.reading is Reading.WORSE for figure in self.figures())
        rules = any(reading in WORSENED for rule in self.rules() for reading in rule.readings)
        return figures or rules or any(candidate.worsened for candidate in self.candidates)

    @property
    def unknown(self) -> tuple[str, ...]:
        """What keeps anybody from saying that nothing got worse, a sentence each; times seldom compare at all."""
        lost = (f"{name} is in the old report alone" for name in self.gone)
        unlike = (
            f"{figure.metric} cannot be compared: {figure.reason}"
            for figure in self.figures()
            if figure.reading is Reading.INCOMPARABLE and figure.role in (Of.CANDIDATE, Of.PAIR)
        )
        return (*lost, *unlike)

    def figures(self) -> Iterator[FigureChange]:
        """Yield the figures of all candidates."""
        for candidate in self.candidates:
            yield from candidate.figures

    def rules(self) -> Iterator[RuleChange]:
        """Yield the changed rules of all candidates."""
        for candidate in self.candidates:
            yield from candidate.rules
