"""How many images or timing pairs each rule needs, told before a run; pure, and numpy only where a rule has a level.

Numbers are plans, not bounds: what settles a rule with 80 % chance IF the models differ as much as assumed.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Literal

from vetgate.domain.evidence import LABEL, LOOKS_OF_IMAGES, Of, Slice, Versus
from vetgate.domain.policy import Policy, Rule
from vetgate.domain.specs import MetricSpec
from vetgate.domain.unit import Better, Unit
from vetgate.policy.gathered import listing
from vetgate.policy.needed import MOST, POWER, expected_of_share, images_unseen
from vetgate.policy.where import counts_images
from vetgate.policy.words import asked_words, level_words

NARROWEST = 1e-9
"""A margin under this is none: no number of images would do."""
DISCORDANCES = (0.02, 0.05)
"""Shares of images that exactly one model has right, at which equally good models are planned for."""
LATER = "known after a first run only"
MORE_LATER = "of others known after a first run only"
SMALLEST = "rests on its smallest slice: more images of that help"
UNBOUNDED = "has no bounds beside a baseline, so that nothing settles it"
SHARES = (1.0, 0.75)
"""Shares of pairs on the good side of a rule's limit, at which timing is planned for."""


@dataclass(frozen=True)
class SampleCounts:
    """How many images there are to judge by."""

    total: int
    by_class: Mapping[str, int] = field(default_factory=dict)
    """Images by class name; empty without labels."""
    by_column: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    """Images by value, by metadata column."""
    annotated: bool = False
    """Whether classes are told by what is annotated in the images, so that nobody counts images by class."""

    def values(self, column: str) -> Mapping[str, int]:
        """Return the images by value of a column; empty where that is not known before images are decoded."""
        return self.by_class if column == LABEL else self.by_column.get(column, {})

    @property
    def columns(self) -> tuple[str, ...]:
        """Return every column by which figures can be sliced."""
        return (*((LABEL,) if self.by_class or self.annotated else ()), *sorted(self.by_column), *LOOKS_OF_IMAGES)


@dataclass(frozen=True)
class Size:
    """What one rule with a confidence needs."""

    rule: str
    counts: Literal["images", "pairs"]
    there: int | None
    """Images there are: of the smallest slice that is assessed, for a sliced rule; None for pairs or unknown."""
    identical: int | None = None
    """For models that never err or differ."""
    discordant: tuple[int | None, ...] = ()
    """For equally good models that differ as DISCORDANCES says, or pairs that fall as SHARES says."""
    halfway: int | None = None
    """For a share half-way from the limit to the best that it can be."""
    why_open: str = ""
    """Why what there is cannot settle it for the better; empty where it can."""
    note: str = ""
    """Why there are no numbers."""


@dataclass(frozen=True)
class Unsettled:
    """A rule that the images there are cannot settle for the better, whatever the candidate."""

    rule: str
    message: str
    needed: int
    """Images (of the slice, for a sliced rule) that an identical candidate needs."""


def sizes(
    policy: Policy, metrics: Mapping[str, MetricSpec], counts: SampleCounts | None, *, sequential: bool = False
) -> tuple[Size, ...]:
    """Return what each rule with a confidence needs; rules on exact figures and on the estimate alone need nothing.

    Args:
        policy: The resolved policy.
        metrics: The known metrics, by id.
        counts: The images there are; None where no data set was given.
        sequential: Whether the run may stop early, so that the images on average until a decision are told.
    """
    rules = ((rule, metrics[rule.metric]) for rule in policy.rules if rule.metric in metrics)
    asked = [(rule, spec) for rule, spec in rules if rule.confidence is not None and not spec.exact]
    return tuple(_size(rule, spec, counts, sequential) for rule, spec in asked)


def unsettled(
    policy: Policy, metrics: Mapping[str, MetricSpec], counts: SampleCounts, *, sequential: bool = False
) -> tuple[Unsettled, ...]:
    """Return the rules that not even an identical candidate can pass with these images.

    Only rules with a confidence on what is counted by image are looked at: their least number follows from the
    threshold alone.

    Args:
        policy: The resolved policy.
        metrics: The known metrics, by id.
        counts: The images there are.
        sequential: Whether the run may stop early, and so is decided by betting.
    """
    found = sizes(policy, metrics, counts, sequential=sequential)
    return tuple(
        Unsettled(item.rule, item.why_open, item.identical) for item in found if item.why_open and item.identical
    )


def margins(rule: Rule, spec: MetricSpec) -> tuple[float, ...]:
    """Return what the limits of a rule on a difference leave an equal candidate; negative where it must be better."""
    lower = -rule.at_least if rule.at_least is not None and spec.better is not Better.LOWER else None
    upper = rule.at_most if rule.at_most is not None and spec.better is not Better.HIGHER else None
    return tuple(margin for margin in (lower, upper) if margin is not None)


def asks_for_no_loss(rule: Rule, spec: MetricSpec) -> bool:
    """Return whether a rule wants it shown that a share did not fall at all, as no number of images shows it."""
    fraction = rule.of is Of.DELTA and spec.unit is Unit.FRACTION and not spec.exact and rule.confidence is not None
    return fraction and any(abs(margin) <= NARROWEST for margin in margins(rule, spec))


def _size(rule: Rule, spec: MetricSpec, counts: SampleCounts | None, sequential: bool) -> Size:
    if spec.live:
        return _pairs(rule, spec)
    there = _there(rule, counts)
    absent = why_absent(rule, counts)
    if absent:
        return Size(rule.name, "images", there, why_open=absent)
    if spec.over_slices:
        return Size(rule.name, "images", there, note=SMALLEST)
    counted = is_counted(rule, spec)
    if not counted and (sequential or not is_unseen(rule, spec)):
        return Size(rule.name, "images", there, note=LATER)
    if asks_for_no_loss(rule, spec):
        never = "no number of images shows that an equal candidate has lost nothing at all; allow a margin such as -1pp"
        return Size(rule.name, "images", there, why_open=never)
    size = _by_difference(rule, spec, sequential) if rule.of is Of.DELTA else _by_share(rule, spec, sequential)
    if not counted and size.identical is not None:
        size = _at_least(rule, size)
    short = _why_too_few(rule, size.identical, counts) if size.identical is not None and counts is not None else ""
    return Size(rule.name, "images", there, size.identical, size.discordant, size.halfway, short, size.note)


def is_counted(rule: Rule, spec: MetricSpec) -> bool:
    """Return whether a rule's figure is bounded by counts of images."""
    if rule.versus is Versus.BASELINE:
        return rule.of is Of.DELTA and bool({Of.CANDIDATE, Of.PAIR} & set(spec.counted))
    return rule.of in spec.counted


def is_unseen(rule: Rule, spec: MetricSpec) -> bool:
    """Return whether what images do not show bounds a rule's figure in a way that is known beforehand."""
    return rule.versus is not Versus.BASELINE and rule.of in spec.unseen


def is_moving(rule: Rule, spec: MetricSpec) -> bool:
    """Return whether a rule compares live models of two runs, whose figures move by more than a run can bound."""
    return spec.live and rule.versus is Versus.BASELINE


def _pairs(rule: Rule, spec: MetricSpec) -> Size:
    if is_moving(rule, spec):
        return Size(rule.name, "pairs", None, note=UNBOUNDED)
    if rule.of not in spec.paired:
        return Size(rule.name, "pairs", None, note=LATER)
    from vetgate.statistics import pairs_needed

    level = rule.confidence or 0.0
    needed = tuple(_planned(partial(pairs_needed, share, level)) for share in SHARES)
    return Size(rule.name, "pairs", None, discordant=needed)


def _by_difference(rule: Rule, spec: MetricSpec, sequential: bool) -> Size:
    """Return the plan of a rule on a difference, for models that are equally good."""
    from vetgate.statistics import images_expected, images_needed, images_needed_identical

    level = rule.confidence or 0.0
    lower = -rule.at_least if rule.at_least is not None else 1.0
    upper = rule.at_most if rule.at_most is not None else 1.0
    margin = min(lower, upper)
    if margin <= NARROWEST:
        what = "gain" if (lower < upper) == (spec.better is not Better.LOWER) else "loss"
        return Size(
            rule.name, "images", None, note=f"asks for a {what}; what that takes depends on the {what} there is"
        )
    if margin >= 1.0:
        return Size(rule.name, "images", None, note="nothing can break it")
    # Each of two limits must hold: with 90 % chance each, both do with 80 %.
    power = POWER if max(lower, upper) >= 1.0 else (1.0 + POWER) / 2.0
    if sequential:
        identical = _planned(partial(images_expected, 0.0, margin, level))
        plans = [_planned(partial(images_expected, share, margin, level)) for share in DISCORDANCES]
    else:
        identical = _planned(partial(images_needed_identical, margin, level))
        plans = [_planned(partial(images_needed, share, margin, level, power)) for share in DISCORDANCES]
    return Size(rule.name, "images", None, identical, tuple(plans))


def _at_least(rule: Rule, size: Size) -> Size:
    """Return the plan of a resampled figure: of models that never err or differ, for what resamples find is not known.

    Args:
        rule: On such a figure.
        size: The plan of a figure of counts with these limits. Of a share it says the same.
    """
    identical = size.identical
    if rule.of is Of.DELTA:
        lower = -rule.at_least if rule.at_least is not None else 1.0
        margin = min(lower, rule.at_most if rule.at_most is not None else 1.0)
        identical = images_unseen(margin, rule.confidence or 0.0)
    return replace(size, identical=identical, discordant=(), halfway=None, note=MORE_LATER)


def _by_share(rule: Rule, spec: MetricSpec, sequential: bool) -> Size:
    """Return the plan of a rule on a share, for one that is perfect and one half-way from the limit to it."""
    from vetgate.statistics import images_needed_proportion

    level = rule.confidence or 0.0
    lower = rule.at_least if spec.better is not Better.LOWER else None
    upper = rule.at_most if spec.better is not Better.HIGHER else None
    limit = lower if lower is not None else 1.0 - upper if upper is not None else 0.0
    if spec.better is Better.NEITHER or not 0.0 < limit < 1.0:
        return Size(rule.name, "images", None, note="no figure is best, or none is beyond the limit")
    likely = (1.0 + limit) / 2.0
    if sequential:
        perfect, open_ = (_planned(partial(expected_of_share, share, limit, level)) for share in (1.0, likely))
        return Size(rule.name, "images", None, perfect, (), open_)
    # A share of N in N images passes `at_least t` when t^N < a.
    identical = math.floor(math.log(1.0 - level) / math.log(limit)) + 1
    halfway = _planned(partial(images_needed_proportion, likely, limit, level))
    return Size(rule.name, "images", None, identical, (), max(halfway or 0, identical))


def _planned(count: Callable[[], int]) -> int | None:
    """Return a planned number; None where none would do, as for levels so near 1 that no test reaches them."""
    with suppress(ValueError):
        planned = count()
        return planned if planned < MOST else None
    return None


def _slices(rule: Rule, where: Slice, counts: SampleCounts) -> Iterator[tuple[str, int]]:
    """Yield the slices of a rule on each value that are assessed, or the one that it names."""
    for value, count in sorted(counts.values(where.by).items()):
        if (where.value is None and count >= rule.fewest) or where.value == value:
            yield value, count


def _there(rule: Rule, counts: SampleCounts | None) -> int | None:
    """Return the images that decide a rule: 0 where none do, None where that is not known yet."""
    if counts is None or (rule.slice is not None and not counts_images(rule.slice)):
        return None
    if rule.slice is None:
        return counts.total
    unknown = (*LOOKS_OF_IMAGES, *((LABEL,) if counts.annotated else ()))
    if rule.slice.by in unknown and not counts.values(rule.slice.by):
        return None
    return min((count for _, count in _slices(rule, rule.slice, counts)), default=0)


def why_absent(rule: Rule, counts: SampleCounts | None) -> str:
    """Return which column or value the images lack that a rule names; empty where none, or that is not known yet."""
    where = rule.slice
    if counts is None or where is None or not counts_images(where) or _there(rule, counts) != 0:
        return ""
    values = counts.values(where.by)
    if not values:
        return f"the data has no column {where.by!r}; there are {', '.join(counts.columns)}"
    if where.value is not None and where.value not in values:
        return f"the data has no {where.name}; {where.by} has {listing(sorted(values))}"
    return ""


def _why_too_few(rule: Rule, needed: int, counts: SampleCounts) -> str:
    level = level_words(rule.confidence or 0.0)
    takes = f"{asked_words(rule)} at {level} takes at least {needed:,}, even of models that never err or differ"
    if rule.slice is None:
        return f"{counts.total:,} images are too few: {takes}" if counts.total < needed else ""
    if not counts.values(rule.slice.by):
        return ""
    found = dict(_slices(rule, rule.slice, counts))
    if rule.slice.value is not None:
        count = found[rule.slice.value]
        return f"{count:,} images of {rule.slice.value!r} are too few: {takes}" if count < needed else ""
    if not found:
        return f"no {rule.slice.by} has {rule.fewest:,} images, so that none is assessed: {takes}"
    few = [value for value, count in found.items() if count < needed]
    return f"too few images of {listing(few, most=5)}: {takes}" if few else ""
