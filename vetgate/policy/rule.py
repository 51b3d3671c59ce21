"""Judges one rule: finds its figures, compares them, and says in one sentence what came of it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from vetgate.domain.evidence import Measurement, Pairs, Quantiles, Slice, Versus
from vetgate.domain.policy import Rule
from vetgate.domain.verdict import Decision, Ruling
from vetgate.policy.compare import Comparison, compare, contradiction, limits
from vetgate.policy.gathered import Gathered, listing
from vetgate.policy.run import why_not_run_so
from vetgate.policy.sentence import figure_sentence, slices_sentence
from vetgate.policy.slices import compare_slices, is_too_small
from vetgate.policy.where import counts_images, slice_words
from vetgate.policy.words import rule_figure

WHOLE_HINT = "run check again, without --sequential"


def judge_rule(rule: Rule, gathered: Gathered) -> Ruling:
    """Return the ruling on one rule, capped at warn where the rule says so; waivers come after.

    Args:
        rule: The rule.
        gathered: The evidence.
    """
    return _capped(_assess(rule, gathered), rule)


def is_open(rule: Rule, gathered: Gathered) -> bool:
    """Return whether further images could still change what a rule says, whatever it makes of the verdict.

    Args:
        rule: The rule; its `otherwise` and `if_missing` do not matter.
        gathered: The evidence so far, and what it is a part of.
    """
    if not _figures(rule, gathered) or (_is_each(rule, gathered) and gathered.unknown(rule)):
        return True
    return _assess(rule, gathered).decision is Decision.INCONCLUSIVE


def _why_partial(rule: Rule, gathered: Gathered, found: Sequence[Measurement]) -> str:
    """Return why a part of the images cannot settle a rule; empty where it can, or where all were taken.

    A rule on each value of a column waits until every value with images enough was assessed: they must all hold, and
    its correction is for their number.
    """
    part = gathered.part
    if part is None:
        return ""
    if rule.name in part.holding:
        return f"only all images settle it, and the run stopped before; {WHOLE_HINT}"
    if rule.slice is None or not _is_each(rule, gathered) or not counts_images(rule.slice):
        return ""
    assessed = {figure.slice.value for figure in found if figure.slice and figure.n >= rule.fewest}
    counts = part.images.get(rule.slice.by)
    if counts is not None and all(value in assessed for value, count in counts.items() if count >= rule.fewest):
        return ""
    return f"the run stopped before every value of {rule.slice.by} was assessed; {WHOLE_HINT}"


def _is_each(rule: Rule, gathered: Gathered) -> bool:
    return rule.slice is not None and rule.slice.value is None and not gathered.over_slices(rule.metric)


def _figures(rule: Rule, gathered: Gathered) -> tuple[Measurement, ...]:
    """Return the figures that a rule is on: one, or one for each slice."""
    found = gathered.figures(rule)
    if _is_each(rule, gathered):
        return tuple(figure for figure in found if _is_value_of(figure.slice, rule.slice))
    return tuple(figure for figure in found if figure.slice == rule.slice)


def _assess(rule: Rule, gathered: Gathered) -> Ruling:
    found = _figures(rule, gathered)
    if not found:
        because = f"{rule_figure(rule)} is not known: {gathered.why_missing(rule)}"
        return _ruling(rule, Decision(rule.if_missing), because)
    wrong = _unusable(found, rule) or why_not_run_so(rule, gathered) or _why_partial(rule, gathered, found)
    if wrong:
        return _ruling(rule, Decision.INCONCLUSIVE, f"{rule_figure(rule)}: {wrong}")
    if _is_each(rule, gathered):
        return _sliced(found, rule, gathered)
    if is_too_small(found[0], rule):
        because = (
            f"{rule_figure(rule)} is not assessed: it has {found[0].n:,} images, and {rule.fewest:,} are the fewest"
        )
        return _ruling(rule, Decision.INCONCLUSIVE, because, found[0])
    compared = _compare(found[0], rule, gathered)
    because = figure_sentence(found[0], compared, rule)
    if gathered.over_slices(rule.metric) and compared.decision is Decision.INCONCLUSIVE and not compared.reason:
        because = f"{because}; more images of the smallest slices help most"
    return _ruling(rule, compared.decision, because, found[0], compared)


def _compare(figure: Measurement, rule: Rule, gathered: Gathered) -> Comparison:
    """Return how a figure stands to a rule, with the number that would settle it where one can be told.

    Of live models, only pairs can be told to take more of. The worst slice turns on how many images the smallest slices
    have, not on the total; and bounds of two runs do not narrow as paired ones would.
    """
    compared = compare(figure, rule)
    timed = gathered.is_live(rule.metric) and not isinstance(figure.uncertainty, Pairs)
    unpaired = rule.versus is Versus.BASELINE and isinstance(figure.uncertainty, Quantiles)
    return replace(compared, needed=None) if timed or unpaired or gathered.over_slices(rule.metric) else compared


def _is_value_of(where: Slice | None, column: Slice | None) -> bool:
    return where is not None and column is not None and where.value is not None and where.by == column.by


def _unusable(found: Sequence[Measurement], rule: Rule) -> str:
    """Return why figures cannot be trusted: two for one slice, another unit, or counts that contradict them."""
    slices = [slice_words(figure.slice) for figure in found]
    twice = sorted({name for name in slices if slices.count(name) > 1}) if len(set(slices)) < len(slices) else []
    if twice:
        return f"measured twice, with different results{twice[0]}"
    for figure in sorted(found, key=lambda item: slice_words(item.slice)):
        where = slice_words(figure.slice)
        if figure.unit is not rule.unit:
            return f"measured in {figure.unit.value}{where}, but the rule is in {rule.unit.value}"
        wrong = contradiction(figure)
        if wrong:
            return f"{wrong}{where}"
    return ""


def _ruling(
    rule: Rule,
    decision: Decision,
    because: str,
    figure: Measurement | None = None,
    compared: Comparison | None = None,
) -> Ruling:
    limit = compared.limit if compared is not None else limits(rule)[0]
    facts: dict[str, Any] = {"threshold": limit.value, "side": limit.side, "confidence": rule.confidence}
    if figure is not None:
        facts |= {"observed": figure.value, "n": figure.n, "slice": figure.slice}
    if compared is not None:
        facts |= {"method": compared.method, "needed": compared.needed}
        facts |= {"lower": _finite(compared.lower), "upper": _finite(compared.upper)}
    facts |= {"rule": rule.name, "words": rule.words, "decision": decision, "because": because}
    return Ruling(metric=rule.metric, of=rule.of, unit=rule.unit, versus=rule.versus, **facts)


def _finite(bound: float | None) -> float | None:
    return bound if bound is not None and math.isfinite(bound) else None


def _capped(ruling: Ruling, rule: Rule) -> Ruling:
    if rule.otherwise == "fail" or ruling.decision.rank <= Decision.WARN.rank:
        return ruling
    kind = "not met" if ruling.decision is Decision.FAIL else "not settled"
    because = f"{ruling.because}; {kind}, but this rule only warns"
    return ruling.model_copy(update={"decision": Decision.WARN, "because": because})


def _sliced(found: Sequence[Measurement], rule: Rule, gathered: Gathered) -> Ruling:
    together, unknown = compare_slices(found, rule), gathered.unknown(rule)
    decision = max(together.decision, Decision(rule.if_missing), key=_rank) if unknown else together.decision
    lacks = f"not known for {listing(unknown)}: {gathered.why_unknown(rule)}" if unknown else ""
    few = f"not assessed for want of images (under {rule.fewest:,} images): {listing(together.skipped)}"
    if together.worst is None:
        most = max(figure.n for figure in found)
        because = f"{rule_figure(rule)} could not be assessed: none has {rule.fewest:,} images, at most {most:,}"
        return _ruling(rule, decision, _joined(because, lacks))
    few = few if together.skipped else ""
    if decision is not together.decision:  # what is unknown decided, and no figure that is known stands for it
        others = "all others hold" if together.decision is Decision.PASS else "not all others hold"
        return _ruling(rule, decision, _joined(f"{rule_figure(rule)} is {lacks}", others, few))
    compared = _compare(together.worst, rule, gathered)
    because = f"{slices_sentence(together, rule)}{figure_sentence(together.worst, compared, rule)}"
    because = _joined(because, lacks, few)
    return _ruling(rule, decision, because, together.worst, compared)


def _joined(*words: str) -> str:
    return "; ".join(filter(None, words))


def _rank(decision: Decision) -> int:
    return decision.rank
