"""What is wrong or doubtful in a policy, without running anything; numpy only where sample counts are given."""

from __future__ import annotations

import datetime
import math
from collections.abc import Iterator, Mapping
from statistics import NormalDist
from typing import Literal, TypeAlias

from vetgate.documents import Mistake, Mistakes
from vetgate.domain.evidence import LABEL, Of
from vetgate.domain.policy import Policy, Rule
from vetgate.domain.specs import MetricSpec, PolicySpec
from vetgate.domain.unit import Better, Unit
from vetgate.policy.compare import RESAMPLED, SAME_LEVEL
from vetgate.policy.load import LoadedPolicy, find, resolve
from vetgate.policy.quantity import is_bounded, limits_of
from vetgate.policy.sizes import SampleCounts, asks_for_no_loss, is_counted, is_moving, unsettled, why_absent
from vetgate.policy.words import asked_words, level_words, limit_words, rule_figure

LintSeverity: TypeAlias = Literal["error", "warning"]
DOUBTFUL_POINTS = 0.1
"""A difference of this much or more, written without a unit, was probably meant in points."""
USUAL_DISCORDANCE = 0.05
"""Share of images on which the two models of a difference are taken to differ, where its noise is told."""
USUAL_LEVEL = 0.95


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
        *(
            _warning(loaded, rule.name, doubt)
            for rule in loaded.policy.rules
            for doubt in _doubts(rule, metrics, counts)
        ),
        *_waivers(loaded, today),
    ]
    if not loaded.policy.rules:
        warnings.append(Mistake(loaded.source, "metrics", "there are no rules, so the verdict is never a pass"))
    if counts is not None:
        warnings += [_warning(loaded, item.rule, item.message) for item in unsettled(loaded.policy, metrics, counts)]
    return [("warning", warning) for warning in sorted(dict.fromkeys(warnings), key=_order)]


def needing_yardstick(policy: Policy, metrics: Mapping[str, MetricSpec]) -> tuple[str, ...]:
    """Return the rules that are inconclusive in a run without a yardstick.

    Args:
        policy: Resolved.
        metrics: The known metrics, by id.
    """
    return tuple(rule.name for rule in policy.rules if rule.metric in metrics and metrics[rule.metric].needs_yardstick)


def _order(mistake: Mistake) -> tuple[str, int, str]:
    source, _, line = mistake.where.rpartition(":")
    return (source, int(line), mistake.message) if line.isdigit() else (mistake.where, 0, mistake.message)


def _warning(loaded: LoadedPolicy, rule: str, message: str) -> Mistake:
    return Mistake(loaded.where.get(rule, loaded.source), rule, message)


def _waivers(loaded: LoadedPolicy, today: datetime.date | None) -> Iterator[Mistake]:
    soft = {rule.name for rule in loaded.policy.rules if rule.otherwise == "warn"}
    for waiver in loaded.policy.waivers:
        where = loaded.where[f"waiver:{waiver.rule}"]
        if today is not None and waiver.expires < today:
            yield Mistake(where, waiver.rule, f"the waiver of {waiver.owner} expired on {waiver.expires.isoformat()}")
        if waiver.rule in soft:
            yield Mistake(where, waiver.rule, "a waiver of a rule that only warns does nothing; drop it")


def _doubts(rule: Rule, metrics: Mapping[str, MetricSpec], counts: SampleCounts | None) -> Iterator[str]:
    spec = metrics[rule.metric]
    for doubt in (_direction, _sign, _points, _ends, _softness, _whole, _no_loss, _unreachable, _moving):
        yield from doubt(rule, spec)
    yield from _levelless(rule, spec, counts)
    yield from _unknown_slice(rule, counts)


def _unknown_slice(rule: Rule, counts: SampleCounts | None) -> Iterator[str]:
    """A column or a value that the images do not have."""
    absent = why_absent(rule, counts)
    if absent:
        yield absent


def _levelless(rule: Rule, spec: MetricSpec, counts: SampleCounts | None) -> Iterator[str]:
    """The estimate alone, of a figure that chance moves and whose bounds are to be had."""
    known = is_bounded(spec, rule.of, rule.versus) and not is_moving(rule, spec)
    if rule.confidence is not None or spec.exact or not known:
        return
    cure = f"write `confidence: {level_words(USUAL_LEVEL).replace(' ', '')}`"
    noise = _noise(rule, counts) if rule.unit is Unit.FRACTION and counts is not None and rule.slice is None else ""
    yield f"without a confidence the estimate alone decides{noise or ', and chance moves it'}; {cure}"


def _noise(rule: Rule, counts: SampleCounts | None) -> str:
    limit = rule.at_least if rule.at_least is not None else rule.at_most
    if counts is None or counts.total < 1 or limit is None:
        return ""
    share = min(max(limit, 0.0), 1.0)
    variance = USUAL_DISCORDANCE if rule.of is Of.DELTA else share * (1.0 - share)
    reach = NormalDist().inv_cdf((1.0 + USUAL_LEVEL) / 2.0) * math.sqrt(variance / counts.total)
    assumed = f", where the models differ on {USUAL_DISCORDANCE:.0%} of them" if rule.of is Of.DELTA else ""
    return f"; on {counts.total:,} images chance moves it by {100.0 * reach:.2g} points either way{assumed}"


def _whole(rule: Rule, spec: MetricSpec) -> Iterator[str]:
    """A figure of single classes, asked of all images."""
    if rule.slice is None and spec.sliced and spec.columns == (LABEL,):
        yield f"{rule.metric} is a figure of single classes, and nothing measures it of all; add `slice: each label`"


def _no_loss(rule: Rule, spec: MetricSpec) -> Iterator[str]:
    if asks_for_no_loss(rule, spec):
        yield (
            f"an equal candidate can never pass: {level_words(rule.confidence or 0.0)} confidence that nothing at all "
            "was lost takes a gain; allow a margin, such as -1pp"
        )


def _unreachable(rule: Rule, spec: MetricSpec) -> Iterator[str]:
    """A level that resampling cannot state; scores are combined of other figures, and have theirs."""
    counted = spec.exact or spec.live or spec.over_slices or is_counted(rule, spec) or spec.unit is Unit.SCORE
    if rule.confidence is not None and rule.confidence > RESAMPLED + SAME_LEVEL and not counted:
        level, most = level_words(rule.confidence), level_words(RESAMPLED)
        yield f"can never be settled at {level}: its bounds rest on resampling, which reaches {most} at most"


def _moving(rule: Rule, spec: MetricSpec) -> Iterator[str]:
    """A level of a figure that moves between runs."""
    if rule.confidence is not None and is_moving(rule, spec):
        yield (
            f"can never be settled: {rule.metric} is taken of live models, and two runs of those have no bounds "
            "together; drop `confidence`, or drop `versus` and time the last release in the same run with "
            "--latency-reference FILE"
        )


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
        yield f"can never fail: {rule_figure(rule)} is always {asked_words(rule)}"
    beyond = (rule.at_least is not None and rule.at_least == high) or (rule.at_most is not None and rule.at_most == low)
    if rule.confidence is not None and beyond:
        yield "can never pass: its bound would have to lie beyond the best possible value; drop `confidence`"


def _softness(rule: Rule, spec: MetricSpec) -> Iterator[str]:
    if rule.otherwise == "warn" and rule.if_missing == "fail":
        yield "`otherwise: warn` caps the rule at warn, so `if_missing: fail` is a warning too"
