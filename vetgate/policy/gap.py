"""The gap between the faithful copies of a study and those that broke: where a threshold belongs. Pure.

A figure is looked at as its badness, 0 for an equal model: the loss of accuracy, the share of images that disagree, the
divergence. A threshold lies at the geometric mean of the worst faithful copy's badness and that of the nearest model
that must not pass, or at ALLOWED times the former where that is less: a wide gap is no leave to use it up. It is
rounded down to as few digits as leave the faithful copies half of that room. With a confidence the bounds of the
faithful copies count in place of their figures. The judge itself is asked: a threshold stands only where every faithful
copy passes it and none of the others does.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from vetgate.deviation import Deviation, Deviations, Fate
from vetgate.domain.evidence import LABEL, Measurement, Of, Outcome, Versus
from vetgate.domain.policy import FEWEST, Rule
from vetgate.domain.unit import Unit
from vetgate.domain.verdict import Decision
from vetgate.policy.compare import bounds_of, compare, why_unbounded
from vetgate.policy.needed import planned

CONFIDENCE = 0.95
"""Of the rules that are proposed, where the images suffice."""
ALLOWED = 2.0
"""Of the badness of the worst faithful copy, that a threshold allows at most."""
MOST_LOSS = 0.1
"""A limit on a loss of accuracy from here on protects nothing, and is not proposed."""
DIGITS = 6
"""Significant digits at which a gap is given up as too narrow to write down."""

Side = Literal["at_least", "at_most"]


@dataclass(frozen=True)
class Groups:
    """The models of a study by what a policy must make of them."""

    faithful: tuple[Deviation, ...]
    """Must pass."""
    broken: tuple[Deviation, ...]
    """Lost accuracy; must not pass."""
    apart: tuple[Deviation, ...]
    """As far as independent models, and these themselves; figures of the function must not let them pass."""
    between: tuple[Deviation, ...]
    """Neither; a threshold may fall on either side of them."""


@dataclass(frozen=True)
class Wanted:
    """One figure that a threshold is looked for."""

    metric: str
    of: Of
    side: Side
    functional: bool = False
    """Whether models apart must not pass it either; accuracy does not tell them."""
    sliced: bool = False
    """Whether it is asked of each class."""
    name: str | None = None


@dataclass(frozen=True)
class Extreme:
    """The model of a group that a threshold has to mind, and its figure."""

    row: Deviation
    figure: Measurement


@dataclass(frozen=True)
class Gap:
    """A threshold and where it came from; without a threshold, why there is none."""

    wanted: Wanted
    worst: Extreme | None = None
    """Of the faithful."""
    nearest: Extreme | None = None
    """Of those that must not pass."""
    threshold: float | None = None
    confidence: float | None = None
    why: str = ""
    """Why there is no threshold, or no confidence."""
    needed: int | None = None
    """Images after which the worst faithful copy probably passes at CONFIDENCE."""
    passing: tuple[Deviation, ...] = ()
    """Of the models between, those that it lets pass."""
    kept_out: tuple[Deviation, ...] = ()
    """Of the models between, the others."""


def groups_of(table: Deviations) -> Groups:
    """Return the models by group; without a yardstick every copy that kept its accuracy counts as faithful."""
    kept = tuple(row for row in table.of(Fate.OPEN) if row.delta is not None)
    return Groups(
        faithful=table.of(Fate.SAME) if table.bracket is not None else kept,
        broken=table.of(Fate.DAMAGED),
        apart=(*table.of(Fate.FAR), *(table.independents if table.bracket is not None else ())),
        between=table.of(Fate.CHANGED),
    )


def find_gap(wanted: Wanted, groups: Groups) -> Gap:
    """Return the threshold of one figure, or why there is none."""
    must = [(row, found) for row in groups.faithful if (found := figures(row, wanted))]
    missing = [row for row in groups.faithful if not figures(row, wanted)]
    if not must or missing:
        return Gap(wanted, why=f"{'not every' if must else 'no'} faithful copy has this figure")
    rivals = (*groups.broken, *(groups.apart if wanted.functional else ()))
    must_not = [(row, found) for row in rivals if (found := figures(row, wanted))]
    if not must_not:
        what = "broke or is another function" if wanted.functional else "broke"
        return Gap(wanted, _worst(must, wanted), why=f"no model here {what}, so nothing says how far is too far")
    worst, nearest = _worst(must, wanted), min((_worst([each], wanted) for each in must_not), key=_badness_in(wanted))
    for level in (CONFIDENCE, None):
        threshold = _threshold(must, must_not, wanted, level)
        if threshold is not None:
            return _found(Gap(wanted, worst, nearest, threshold, level), must, groups)
    return Gap(wanted, worst, nearest, why=_why_none(worst, nearest, wanted))


def _why_none(worst: Extreme, nearest: Extreme, wanted: Wanted) -> str:
    if badness(worst.figure.value, wanted) < badness(nearest.figure.value, wanted):
        return "these images part the faithful copies from those that must not pass by no limit that protects anything"
    return "the faithful copies and those that must not pass overlap"


def figures(row: Deviation, wanted: Wanted) -> tuple[Measurement, ...]:
    """Return a model's figure, or those of all its classes that are assessed; empty where it has none."""
    if not wanted.sliced:
        figure = row.figures.get((wanted.metric, wanted.of))
        return (figure,) if figure is not None else ()
    return tuple(_classes(row, wanted))


def badness(value: float, wanted: Wanted) -> float:
    """Return how far a value is from that of an equal model, in its unit; negative for a gain."""
    if wanted.side == "at_most":
        return value
    return -value if wanted.of is Of.DELTA else 1.0 - value


def limit(amount: float, wanted: Wanted) -> float:
    """Return the value of a badness: what stands in a policy."""
    value = amount if wanted.side == "at_most" else -amount if wanted.of is Of.DELTA else 1.0 - amount
    return float(f"{value:.12g}")


def rule_of(wanted: Wanted, unit: Unit, threshold: float, confidence: float | None) -> Rule:
    """Return the rule that the judge is asked by."""
    return Rule(
        name=wanted.name or wanted.metric,
        metric=wanted.metric,
        of=wanted.of,
        unit=unit,
        at_least=threshold if wanted.side == "at_least" else None,
        at_most=threshold if wanted.side == "at_most" else None,
        confidence=confidence,
        words=wanted.metric,
    )


_Model = tuple[Deviation, tuple[Measurement, ...]]


def _classes(row: Deviation, wanted: Wanted) -> Iterator[Measurement]:
    report = row.variant.report if row.variant is not None else None
    for entry in report.evidence if report is not None else ():
        for figure in entry.measurements if entry.outcome is Outcome.MEASURED else ():
            where = figure.slice
            named = where is not None and where.by == LABEL and where.value is not None
            same = (figure.metric, figure.role, figure.versus) == (wanted.metric, wanted.of, Versus.REFERENCE)
            if named and same and figure.n >= FEWEST:
                yield figure


def _worst(models: Sequence[_Model], wanted: Wanted) -> Extreme:
    """Return the figure with the greatest badness, or of equals the first."""
    every = [Extreme(row, figure) for row, found in models for figure in found]
    return max(every, key=_badness_in(wanted))


def _badness_in(wanted: Wanted) -> Callable[[Extreme], float]:
    return lambda extreme: badness(extreme.figure.value, wanted)


def _threshold(must: Sequence[_Model], must_not: Sequence[_Model], wanted: Wanted, level: float | None) -> float | None:
    """Return the threshold that parts the groups at a level, None for the estimates; None where none does."""
    unit = must[0][1][0].unit
    lows = [_reach(figure, wanted, level) for _, found in must for figure in found]
    known = [low for low in lows if low is not None]
    if len(known) < len(lows):
        return None
    low = max(0.0, *known)
    high = min(max(badness(figure.value, wanted) for figure in found) for _, found in must_not)
    if not low < high:
        return None
    middle = min(math.sqrt(low * high), ALLOWED * low) if low > 0.0 else high / 2.0
    most = min(high, MOST_LOSS) if wanted.of is Of.DELTA else high
    for digits in range(1, DIGITS + 1):
        amount = _floored(middle, digits)
        if (low + middle) / 2.0 <= amount < most:
            rule = rule_of(wanted, unit, limit(amount, wanted), level)
            if all(_passes(found, rule) for _, found in must) and not any(_passes(each, rule) for _, each in must_not):
                return limit(amount, wanted)
    return None


def _reach(figure: Measurement, wanted: Wanted, level: float | None) -> float | None:
    """Return the badness of the estimate, or of the bound on the bad side; None where there is no bound."""
    if level is None:
        return badness(figure.value, wanted)
    rule = rule_of(wanted, figure.unit, figure.value, level)
    if why_unbounded(figure, rule):
        return None
    ends = bounds_of(figure, level)
    return badness(ends.lower if wanted.side == "at_least" else ends.upper, wanted)


def _passes(found: Sequence[Measurement], rule: Rule) -> bool:
    """Return what the judge would say: each class must hold by itself."""
    return all(compare(figure, rule).decision is Decision.PASS for figure in found)


def _floored(value: float, digits: int) -> float:
    """Return a positive value rounded down to significant digits."""
    step = 10.0 ** (math.floor(math.log10(value)) - digits + 1)
    return float(f"{math.floor(value / step + 1e-9) * step:.12g}")


def _found(gap: Gap, must: Sequence[_Model], groups: Groups) -> Gap:
    """Return a gap with what else a reader wants to know of its threshold."""
    unit = must[0][1][0].unit
    if gap.threshold is None or gap.worst is None:
        return gap
    rule = rule_of(gap.wanted, unit, gap.threshold, gap.confidence)
    inside = {id(row): _passes(figures(row, gap.wanted), rule) for row in groups.between if figures(row, gap.wanted)}
    why = "" if gap.confidence is not None else _why_no_level(must, gap.wanted)
    return Gap(
        gap.wanted,
        gap.worst,
        gap.nearest,
        gap.threshold,
        gap.confidence,
        why,
        _images(must, gap),
        tuple(row for row in groups.between if inside.get(id(row)) is True),
        tuple(row for row in groups.between if inside.get(id(row)) is False),
    )


def _why_no_level(must: Sequence[_Model], wanted: Wanted) -> str:
    unbounded = any(_reach(figure, wanted, CONFIDENCE) is None for _, found in must for figure in found)
    return "the reports state no bounds of it" if unbounded else "these images do not suffice for a confidence"


def _images(must: Sequence[_Model], gap: Gap) -> int | None:
    """Return the images (of the class, for a sliced figure) that the faithful copy which needs most of them needs."""
    if gap.threshold is None:
        return None
    counts = []
    for _, found in must:
        for figure in found:
            rule = rule_of(gap.wanted, figure.unit, gap.threshold, CONFIDENCE)
            if not why_unbounded(figure, rule):
                counts.append(planned(figure, gap.threshold, CONFIDENCE, bounds_of(figure, CONFIDENCE)))
    known = [count for count in counts if count is not None]
    return max(known) if known and len(known) == len(counts) else None
