"""Early stopping: the judge is asked after each look, and no image is asked for once the verdict is settled."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

from vetgate.domain.check import Need, TableContext
from vetgate.domain.errors import VetgateError
from vetgate.domain.evidence import (
    Counts,
    Evidence,
    Exact,
    Looks,
    Measurement,
    Of,
    PairedCounts,
    Slice,
    Unstated,
    Versus,
)
from vetgate.domain.policy import Policy
from vetgate.domain.predictions import PredictionTable
from vetgate.domain.report import Stopping
from vetgate.domain.specs import MetricSpec
from vetgate.domain.verdict import Decision
from vetgate.gate.answers import Sitting
from vetgate.gate.entrant import Entrant
from vetgate.gate.run import Run
from vetgate.measure import PlannedCheck, run_check
from vetgate.policy import Part

_Key: TypeAlias = tuple[str, Of, Slice | None]

FIXED = "the run stopped early, and its interval holds for a number of images fixed beforehand"
STEP = 64
"""Images between the first looks; later steps are multiples, so that batches stay full."""
GROWTH = 20
"""A step is about one in so many of the images before it: 10,000 images have some 70 looks."""


def look_sizes(total: int) -> tuple[int, ...]:
    """Return the numbers of images at which the rules are asked, ascending; the last is all of them.

    Args:
        total: Images there are; without any there is no look.
    """
    sizes: list[int] = []
    size = 0
    while size < total:
        size = min(total, size + STEP * max(1, size // (STEP * GROWTH)))
        sizes.append(size)
    return tuple(sizes)


@dataclass(frozen=True)
class _Counts:
    """Of one figure at one look."""

    down: int | None
    """None for a single proportion."""
    up: int
    n: int

    def follow(self, earlier: _Counts) -> bool:
        """Return whether these are the earlier counts with images added."""
        rest = self.n - self.up - (self.down or 0)
        before = earlier.n - earlier.up - (earlier.down or 0)
        alike = (self.down is None) == (earlier.down is None)
        return alike and self.up >= earlier.up and (self.down or 0) >= (earlier.down or 0) and rest >= before


class Tally:
    """The counts of every figure at every look so far.

    Args:
        metrics: Every known metric; of a run that may stop early only the roles that they count bound anything.
    """

    def __init__(self, metrics: Mapping[str, MetricSpec]) -> None:
        self._metrics = metrics
        self._trails: dict[_Key, list[_Counts]] = {}
        self._broken: set[_Key] = set()

    def add(self, evidence: Evidence) -> Evidence:
        """Take in what one check found at one look; return its counted figures, bounded by all looks so far."""
        figures = []
        for figure in evidence.measurements:
            counts = self._counts(figure)
            if counts is None:
                continue
            key = _key(figure)
            trail = self._trails.setdefault(key, [])
            if trail and not counts.follow(trail[-1]):
                self._broken.add(key)
            if not trail or counts.n > trail[-1].n:
                trail.append(counts)
            if key not in self._broken:
                figures.append(figure.model_copy(update={"uncertainty": _looks(trail)}))
        return evidence.model_copy(update={"measurements": tuple(figures), "findings": (), "exhibits": ()})

    def close(self, evidence: Evidence, stopping: Stopping | None) -> Evidence:
        """Return what a check found in the end, bounded by all looks; what only holds at a fixed number has no bounds.

        Args:
            evidence: Of the images on which the run stopped.
            stopping: How it stopped.
        """
        early = stopping is not None and stopping.early
        figures = tuple(self._closed(figure, early) for figure in evidence.measurements)
        return evidence.model_copy(update={"measurements": figures})

    def _closed(self, figure: Measurement, early: bool) -> Measurement:
        trail = self._trails.get(_key(figure))
        if isinstance(figure.uncertainty, Exact | Unstated):
            return figure
        if trail and _key(figure) not in self._broken and self._counts(figure) == trail[-1]:
            return figure.model_copy(update={"uncertainty": _looks(trail)})
        if trail:
            return _unbounded(figure, "its counts at the looks of the run do not lead to those at its end")
        return _unbounded(figure, FIXED) if early else figure

    def _counts(self, figure: Measurement) -> _Counts | None:
        spec = self._metrics.get(figure.metric)
        if spec is None or figure.role not in spec.counted or figure.versus is not Versus.REFERENCE:
            return None
        match figure.uncertainty:
            case Counts(k=k, n=n):
                return _Counts(None, k, n)
            case PairedCounts(b=b, c=c, n=n):
                return _Counts(b, c, n)
        return None


def take_looks(candidate: Entrant, reference: Entrant, run: Run, gathered: Sequence[Evidence]) -> Tally:
    """Ask both models for ever more images, and the judge after each look, until the verdict is settled.

    Args:
        candidate: Described.
        reference: Described; it goes on from what it answered for the candidate before.
        run: Its sitting is left with the images that were used and how the run stopped.
        gathered: What the checks before found.

    Raises:
        VetgateError: A model cannot be opened or run.
    """
    sitting, tally = run.sitting, Tally(run.host.metrics())
    if sitting is None:
        return tally
    total, looks, why = len(sitting.images.indices), 0, ""
    part = Part({}, run.plan.holding)
    try:
        for size in look_sizes(total):
            table = sitting.table(candidate, reference, run.tell, most=size, whole=False)
            part = part if looks else replace(part, images=_population(sitting, table, run.policy.policy))
            found = [tally.add(run_check(_glance(check), TableContext(table))) for check in _on_table(run)]
            looks += 1
            why = _why_settled(run, sitting, (*gathered, *found), part)
            if why:
                break
        sitting.stopping = _stopping(sitting, looks, why or _why_all(run), part, early=sitting.used < total)
    except VetgateError as error:
        sitting.stopping = _stopping(sitting, looks, error.message, part, early=False)
        raise
    finally:
        sitting.keep()
    return tally


def _on_table(run: Run) -> tuple[PlannedCheck, ...]:
    return run.plan.by_need(Need.TABLE)


def _glance(check: PlannedCheck) -> PlannedCheck:
    return replace(check, ask=check.ask.model_copy(update={"glance": True}))


def _population(sitting: Sitting, table: PredictionTable, policy: Policy) -> Mapping[str, Mapping[str, int]]:
    """Return how many images there are in all, by value, of the columns that rules slice by."""
    sliced = {rule.slice.by for rule in policy.rules if rule.slice is not None}
    return {by: counts for by, counts in sitting.population(table).items() if by in sliced}


def _stopping(sitting: Sitting, looks: int, because: str, part: Part, *, early: bool) -> Stopping:
    return Stopping(
        images=sitting.used,
        available=len(sitting.images.indices),
        looks=looks,
        early=early,
        because=because,
        population={by: dict(counts) for by, counts in part.images.items()},
    )


def _why_settled(run: Run, sitting: Sitting, evidence: Sequence[Evidence], part: Part) -> str:
    """Return why no further image can change the verdict; empty where one may."""
    failing = [
        ruling.rule
        for ruling in run.judge(evidence, part).rulings
        if ruling.decision is Decision.FAIL and ruling.observed is not None
    ]
    if failing:
        return f"{_named(failing)} {'fails' if len(failing) == 1 else 'fail'}, which settles the verdict"
    if part.holding or len(sitting.unread) > run.request.limits.unreadable * sitting.used:
        return ""
    left = set(run.open_rules(evidence, part)) & set(run.plan.waiting)
    return "" if left else "every rule on images is decided"


def _why_all(run: Run) -> str:
    holding = run.plan.holding
    if holding:
        return f"cannot stop early because of {_named(holding)}"
    return "no look before the last settled the verdict"


def _named(rules: Sequence[str], most: int = 10) -> str:
    """Return `rule a`, or `rules a, b`."""
    more = f" and {len(rules) - most:,} more" if len(rules) > most else ""
    return f"rule{'s' if len(rules) > 1 else ''} {', '.join(rules[:most])}{more}"


def _key(figure: Measurement) -> _Key:
    return figure.metric, figure.role, figure.slice


def _looks(trail: Sequence[_Counts]) -> Looks:
    down = None if trail[0].down is None else tuple(counts.down or 0 for counts in trail)
    return Looks(down=down, up=tuple(counts.up for counts in trail), n=tuple(counts.n for counts in trail))


def _unbounded(figure: Measurement, why: str) -> Measurement:
    note = f"{figure.note}; {why}" if figure.note else why
    return figure.model_copy(update={"uncertainty": Unstated(), "note": note})
