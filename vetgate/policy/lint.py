"""What is wrong or doubtful in a policy, without running anything; numpy only where sample counts are given."""

from __future__ import annotations

import datetime
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from vetgate.documents import Mistake, Mistakes
from vetgate.domain.evidence import Better, Of
from vetgate.domain.policy import Policy, Rule
from vetgate.domain.specs import MetricSpec, PolicySpec
from vetgate.domain.unit import Unit
from vetgate.policy.load import LoadedPolicy, find, resolve
from vetgate.policy.resolve import limits_of
from vetgate.policy.words import asked_words, figure_words, level_words, limit_words

LintSeverity: TypeAlias = Literal["error", "warning"]
DOUBTFUL_POINTS = 0.1
"""A difference of this much or more, written without a unit, was probably meant in points."""
NARROWEST = 1e-9
"""A margin under this is none: no number of images would do."""


@dataclass(frozen=True)
class SampleCounts:
    """How many images there are to judge by."""

    total: int
    by_class: Mapping[str, int] = field(default_factory=dict)
    """Images by class name; empty without labels."""


@dataclass(frozen=True)
class Unsettled:
    """A rule that the images there are cannot settle for the better, whatever the candidate."""

    rule: str
    message: str
    needed: int
    """Images (of the class, for a sliced rule) that an identical candidate needs."""


def lint(
    name_or_path: str,
    carried: Mapping[str, PolicySpec],
    metrics: Mapping[str, MetricSpec],
    *,
    today: datetime.date | None = None,
    counts: SampleCounts | None = None,
) -> list[tuple[LintSeverity, Mistake]]:
    """Return everything wrong (error) or doubtful (warning) in a policy, by document and line.

    Args:
        name_or_path: As for load.
        carried: The policies that plugins carry, by name.
        metrics: The known metrics, by id.
        today: The day at which waivers are looked at; None leaves expiry alone.
        counts: The images to judge by; None leaves sample sizes alone.

    Raises:
        PolicyError: There is no such policy, or its text cannot be read.
    """
    try:
        loaded = resolve(find(name_or_path, carried, None), carried, metrics)
    except Mistakes as error:
        return [("error", mistake) for mistake in error.mistakes]
    warnings = [
        *(_warning(loaded, rule.name, doubt) for rule in loaded.policy.rules for doubt in _doubts(rule, metrics)),
        *_expired(loaded, today),
    ]
    if not loaded.policy.rules:
        warnings.append(Mistake(loaded.source, "metrics", "there are no rules, so the verdict is never a pass"))
    if counts is not None:
        warnings += [_warning(loaded, item.rule, item.message) for item in unsettled(loaded.policy, metrics, counts)]
    return [("warning", warning) for warning in sorted(warnings, key=_order)]


def _order(mistake: Mistake) -> tuple[str, int, str]:
    source, _, line = mistake.where.rpartition(":")
    return (source, int(line), mistake.message) if line.isdigit() else (mistake.where, 0, mistake.message)


def _warning(loaded: LoadedPolicy, rule: str, message: str) -> Mistake:
    return Mistake(loaded.where.get(rule, loaded.source), rule, message)


def _expired(loaded: LoadedPolicy, today: datetime.date | None) -> Iterator[Mistake]:
    for waiver in loaded.policy.waivers:
        if today is not None and waiver.expires < today:
            where = loaded.where[f"waiver:{waiver.rule}"]
            yield Mistake(where, waiver.rule, f"the waiver of {waiver.owner} expired on {waiver.expires.isoformat()}")


def _doubts(rule: Rule, metrics: Mapping[str, MetricSpec]) -> Iterator[str]:
    spec = metrics[rule.metric]
    for doubt in (_direction, _sign, _points, _ends, _softness):
        yield from doubt(rule, spec)


def _direction(rule: Rule, spec: MetricSpec) -> Iterator[str]:
    """A limit on the good side alone."""
    if spec.better is Better.HIGHER and rule.at_least is None:
        yield f"{rule.metric} is better higher, and this rule only limits how high it may be; at_least?"
    if spec.better is Better.LOWER and rule.at_most is None:
        yield f"{rule.metric} is better lower, and this rule only limits how low it may be; at_most?"


def _sign(rule: Rule, spec: MetricSpec) -> Iterator[str]:
    """A difference that allows no loss, but asks for a gain."""
    if rule.of is not Of.DELTA:
        return
    higher = spec.better is Better.HIGHER and rule.at_least is not None and rule.at_least > 0
    lower = spec.better is Better.LOWER and rule.at_most is not None and rule.at_most < 0
    value = rule.at_least if higher else rule.at_most
    if (higher or lower) and value is not None:
        asked, opposite = limit_words(value, rule.unit, rule.of), limit_words(-value, rule.unit, rule.of)
        yield f"asks the candidate to be better than the reference by {asked}; to allow that loss write {opposite}"


def _points(rule: Rule, spec: MetricSpec) -> Iterator[str]:
    """A loss so large that points were probably meant."""
    if rule.of is Of.DELTA and spec.unit is Unit.FRACTION:
        for value in (rule.at_least, rule.at_most):
            if value is not None and DOUBTFUL_POINTS <= abs(value) < 1:
                meant = limit_words(value, rule.unit, rule.of)
                yield f"the limit is {meant}, which is a lot; a number without a unit is a fraction, not points"


def _ends(rule: Rule, spec: MetricSpec) -> Iterator[str]:
    """Limits at the end of what the figure can be: never broken, or never beaten with confidence."""
    low, high = limits_of(spec, rule.of)
    if (rule.at_most is None and rule.at_least == low) or (rule.at_least is None and rule.at_most == high):
        yield f"can never fail: {figure_words(rule.metric, rule.of)} is always {asked_words(rule)}"
    beyond = (rule.at_least is not None and rule.at_least == high) or (rule.at_most is not None and rule.at_most == low)
    if rule.confidence is not None and beyond:
        yield "can never pass: its bound would have to lie beyond the best possible value; drop `confidence`"


def _softness(rule: Rule, spec: MetricSpec) -> Iterator[str]:
    if rule.otherwise == "warn" and rule.if_missing == "fail":
        yield "`otherwise: warn` caps the rule at warn, so `if_missing: fail` is a warning too"


def unsettled(policy: Policy, metrics: Mapping[str, MetricSpec], counts: SampleCounts) -> tuple[Unsettled, ...]:
    """Return the rules that not even an identical candidate can pass with these images.

    Only rules with a confidence on fractions are looked at: their least number follows from the threshold alone.

    Args:
        policy: The resolved policy.
        metrics: The known metrics, by id.
        counts: The images there are.
    """
    found = ((rule, images_for_identical(rule, metrics[rule.metric])) for rule in policy.rules)
    items = (_too_few(rule, needed, counts) for rule, needed in found if needed is not None)
    return tuple(item for item in items if item is not None)


def images_for_identical(rule: Rule, spec: MetricSpec) -> int | None:
    """Return the images after which a candidate that never errs passes, or None where counts alone do not say.

    A share of N in N images passes `at_least t` when t^N < a; a paired difference without a discordant image passes
    `at_least -m` when the exact paired test does.
    """
    if rule.confidence is None or rule.unit is not Unit.FRACTION:
        return None
    lower = rule.at_least if spec.better is not Better.LOWER else None
    upper = rule.at_most if spec.better is not Better.HIGHER else None
    if rule.of is Of.DELTA:
        return _paired((-lower if lower is not None else None, upper), rule.confidence)
    if rule.of is Of.RATIO or spec.better is Better.NEITHER:
        return None
    share = lower if lower is not None else 1.0 - upper if upper is not None else 0.0
    return math.floor(math.log(1.0 - rule.confidence) / math.log(share)) + 1 if 0.0 < share < 1.0 else None


def _paired(margins: tuple[float | None, ...], confidence: float) -> int | None:
    """Return the images that the narrowest margin needs; None where no margin is left to pass in."""
    narrow = [margin for margin in margins if margin is not None and NARROWEST < margin < 1.0]
    if not narrow:
        return None
    from vetgate.statistics import images_needed_identical

    try:
        return images_needed_identical(min(narrow), confidence)
    except ValueError:
        # So near to certainty that the exact test cannot reach it with any number of images.
        return None


def _too_few(rule: Rule, needed: int, counts: SampleCounts) -> Unsettled | None:
    level = level_words(rule.confidence or 0.0)
    takes = f"{asked_words(rule)} at {level} takes at least {needed:,}, even of models that never err or differ"
    if rule.slice is None:
        short = counts.total < needed
        message = f"{counts.total:,} images are too few: {takes}"
    elif rule.slice.value is None:
        few = sorted(name for name, count in counts.by_class.items() if count < needed)
        short = bool(few)
        message = f"too few images of {_listing(few)}: {takes}"
    else:
        count = counts.by_class.get(rule.slice.value, 0)
        short = bool(counts.by_class) and count < needed
        message = f"{count:,} images of {rule.slice.value!r} are too few: {takes}"
    return Unsettled(rule.name, message, needed) if short else None


def _listing(names: list[str], most: int = 5) -> str:
    more = f" and {len(names) - most:,} more" if len(names) > most else ""
    return ", ".join(repr(name) for name in names[:most]) + more
