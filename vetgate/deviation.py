"""The deviation table: the models of a study in rows, and what became of the reference's function in each. Pure.

Source: I. F. Mason-Williams, "Bro changed :( Compression: A Functional Perspective", Tables 1 to 3 and section 2.4.

What became of a model is decided by its figures alone. Its accuracy is lost where it is more than ONE_POINT under the
reference's and the upper bound of the difference is under 0; a large distance is then damage, and says nothing of
another function. Of a model that kept its accuracy the distance tells, in distances of the nearest independent model:
up to NEAR of that it is the same function, from FAR on it is as far as an independent model, between it has changed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from statistics import median

from vetgate.domain.evidence import Evidence, Measurement, Of, Outcome, Unstated, Versus
from vetgate.domain.study import Comparison, Study, Variant
from vetgate.domain.unit import Better, Unit
from vetgate.domain.verdict import Decision
from vetgate.domain.yardstick import Distance

ONE_POINT = 0.01
"""Loss of accuracy up to which a model counts as as accurate."""
NEAR = 0.25
"""Share of the nearest independent's distance up to which a model is the same function."""
FAR = 0.75
"""Share of the nearest independent's distance from which on a model is as far as an independent."""
CONFIDENCE = 0.95
"""Of each of two one-sided bounds."""
FEWEST_INDEPENDENTS = 2
"""Without so many there is no bracket."""

TOP1 = "accuracy.top1"
INDEPENDENCE = "similarity.independence"
_METRICS = {
    Distance.JS_DIVERGENCE: "similarity.js_divergence",
    Distance.TOTAL_VARIATION: "similarity.total_variation",
    Distance.L2: "similarity.l2",
    Distance.DISAGREEMENT: "similarity.agreement",
}

Figures = Mapping[tuple[str, Of], Measurement]
"""Figures over all images, by metric and whose."""


class Fate(StrEnum):
    """What became of the reference's function in a model."""

    SAME = "same function"
    CHANGED = "changed"
    FAR = "far"
    """As far as models trained independently: another function, or damage that accuracy does not show."""
    DAMAGED = "damaged"
    """Accuracy was lost."""
    OPEN = "not told"
    """The figures that would tell are not there."""


@dataclass(frozen=True)
class Bracket:
    """What the independent models span, as multiples of their median distance to the reference."""

    low: float
    high: float
    median: float
    """Distance, in the unit of `distance`."""
    distance: Distance
    count: int
    """Independent models."""


@dataclass(frozen=True)
class Deviation:
    """One model of a study beside its reference."""

    name: str
    family: str
    label: str
    """What tells it apart within its family."""
    figures: Figures = field(default_factory=dict)
    fate: Fate = Fate.OPEN
    decision: Decision | None = None
    """None where no policy judged it."""
    variant: Variant | None = None
    """None for an independent model."""

    def value(self, metric: str, of: Of = Of.PAIR) -> float | None:
        """Return a figure's value; None where it was not measured."""
        figure = self.figures.get((metric, of))
        return figure.value if figure is not None else None

    @property
    def delta(self) -> float | None:
        """Return candidate minus reference in top-1 accuracy, a fraction."""
        return self.value(TOP1, Of.DELTA)

    @property
    def relative(self) -> float | None:
        """Return 100 (Acc_c - Acc_r) / Acc_r, the percentage deviation of the paper's tables."""
        delta, reference = self.delta, self.value(TOP1, Of.REFERENCE)
        return 100.0 * delta / reference if delta is not None and reference else None

    @property
    def independence(self) -> float | None:
        """Return its distance as a multiple of the independents' median one."""
        return self.value(INDEPENDENCE)


@dataclass(frozen=True)
class Deviations:
    """The whole table."""

    variants: tuple[Deviation, ...]
    independents: tuple[Deviation, ...]
    bracket: Bracket | None
    """None without a yardstick."""

    @property
    def measured(self) -> tuple[Deviation, ...]:
        """Return the variants that have figures."""
        return tuple(row for row in self.variants if row.figures)

    def of(self, fate: Fate) -> tuple[Deviation, ...]:
        """Return the measured variants of one fate, in the order of the study."""
        return tuple(row for row in self.measured if row.fate is fate)


def deviations(study: Study) -> Deviations:
    """Return the table of a study: its variants in order, and the independent models."""
    bracket = bracket_of(study)
    return Deviations(
        variants=tuple(_variant(variant, bracket, judged=study.policy is not None) for variant in study.variants),
        independents=tuple(_independent(comparison, bracket) for comparison in study.independents),
        bracket=bracket,
    )


def bracket_of(study: Study) -> Bracket | None:
    """Return what the independents span; None where there are too few, or two of them answer alike."""
    if study.yardstick is None:
        return None
    distance = study.yardstick.distance
    found = [_distance(figures_of(comparison.evidence), distance) for comparison in study.independents]
    known = sorted(value for value in found if value is not None)
    if len(known) < FEWEST_INDEPENDENTS or (middle := median(known)) <= 0.0:
        return None
    return Bracket(known[0] / middle, known[-1] / middle, middle, distance, len(known))


def figures_of(evidence: Iterable[Evidence]) -> Figures:
    """Return the figures over all images against the reference, of checks that measured."""
    return {
        (figure.metric, figure.role): figure
        for entry in evidence
        if entry.outcome is Outcome.MEASURED
        for figure in entry.measurements
        if figure.slice is None and figure.versus is Versus.REFERENCE
    }


def bounds(figure: Measurement) -> tuple[float, float] | None:
    """Return the one-sided 95 % bounds of a figure; None where its check handed on none at that level."""
    from vetgate.statistics import stated_bounds

    found = stated_bounds(figure, CONFIDENCE)
    return (found.lower, found.upper) if found is not None else None


def lost_accuracy(figures: Figures) -> bool | None:
    """Return whether accuracy fell by more than a point and more than noise; None without labels."""
    delta = figures.get((TOP1, Of.DELTA))
    if delta is None:
        return None
    ends = bounds(delta)
    return delta.value < -ONE_POINT and (ends is None or ends[1] < 0.0)


def fate_of(figures: Figures, bracket: Bracket | None) -> Fate:
    """Return what became of the reference's function in a model; see the head of this module."""
    if lost_accuracy(figures):
        return Fate.DAMAGED
    independence = figures.get((INDEPENDENCE, Of.PAIR))
    if bracket is None or independence is None:
        return Fate.OPEN
    share = independence.value / bracket.low
    return Fate.SAME if share <= NEAR else Fate.FAR if share >= FAR else Fate.CHANGED


def _variant(variant: Variant, bracket: Bracket | None, *, judged: bool) -> Deviation:
    recipe, report = variant.recipe, variant.report
    if report is None:
        return Deviation(recipe.name, recipe.family, recipe.label, variant=variant)
    figures = figures_of(report.evidence)
    return Deviation(
        name=recipe.name,
        family=recipe.family,
        label=recipe.label,
        figures=figures,
        fate=fate_of(figures, bracket),
        decision=report.verdict.decision if judged else None,
        variant=variant,
    )


def _independent(comparison: Comparison, bracket: Bracket | None) -> Deviation:
    """Return the row of an independent model; its independence follows from the bracket where it was not measured."""
    figures = dict(figures_of(comparison.evidence))
    key = (INDEPENDENCE, Of.PAIR)
    distance = _distance(figures, bracket.distance) if bracket is not None else None
    if bracket is not None and distance is not None and key not in figures:
        like = figures[_METRICS[bracket.distance], Of.PAIR]
        figures[key] = _multiple(like, distance / bracket.median)
    return Deviation(comparison.peer.name, "independent", comparison.peer.name, figures, fate_of(figures, bracket))


def _multiple(like: Measurement, value: float) -> Measurement:
    changes = {"metric": INDEPENDENCE, "value": value, "unit": Unit.RATIO, "better": Better.LOWER}
    return like.model_copy(update={**changes, "uncertainty": Unstated(), "note": ""})


def _distance(figures: Figures, distance: Distance) -> float | None:
    figure = figures.get((_METRICS[distance], Of.PAIR))
    if figure is None:
        return None
    return 1.0 - figure.value if distance is Distance.DISAGREEMENT else figure.value
