"""Two reports side by side as text: the sentence that leads, rows of figures and rules, reasons, what else differs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from vetgate.domain.difference import (
    COMPARED,
    WORSENED,
    CandidateDifference,
    Difference,
    Fact,
    Reading,
    RuleChange,
    RuleReading,
)
from vetgate.domain.verdict import Decision, Ruling
from vetgate.wording.rulings import MARKS, asked, observed
from vetgate.wording.text import counted

_SHOWN = 12
"""Hex digits of a digest."""


@dataclass(frozen=True)
class RuleRow:
    """One rule that differs; rule and figures may hold text of strangers."""

    told: str
    """Such as `newly failing, threshold changed`."""
    worse: bool | None
    """Whether it turned to the worse; None where it turned neither way."""
    rule: str
    old: str
    new: str
    because: str
    """Why the new ruling is what it is, where it got worse; the old one's where the rule is gone."""


def lead(difference: Difference) -> str:
    """Return the sentence that leads: `Worse: 2 of 41 figures and 1 rule newly failing; better: 1 figure; ...`."""
    if not difference.candidates:
        return (
            "Nothing could be compared: no candidate of one report has the name of one in the other; "
            "name two of them: --old-candidate NAME --candidate NAME."
        )
    if all(candidate.same for candidate in difference.candidates) and not (difference.gone or difference.added):
        return "No change: both files hold the same report."
    if not difference.comparable:
        return f"Nothing could be compared: {_commonest_reason(difference)}."
    parts = [_worse(difference), *_better(difference), *_rest(difference)]
    return f"{'; '.join(parts)}."


def mark(difference: Difference) -> str:
    """Return the sign before the sentence that leads: it is no decision, so it takes none of theirs but for worse."""
    if not difference.comparable:
        return "?"
    return MARKS[Decision.FAIL] if difference.worse else "="


def _commonest_reason(difference: Difference) -> str:
    reasons = [figure.reason for figure in difference.figures() if figure.reason]
    return max(reasons, key=reasons.count) if reasons else "neither report holds a figure or a rule of the other"


def _worse(difference: Difference) -> str:
    compared = sum(figure.reading in COMPARED for figure in difference.figures())
    figures = _count(difference, Reading.WORSE)
    rules = [_rules_read(difference, reading) for reading in WORSENED]
    worsened = next((candidate.decisions for candidate in difference.candidates if candidate.worsened), None)
    if not figures and not any(rules) and worsened is not None:
        return f"Worse: the verdict, {worsened[0].value} before and {worsened[1].value} now"
    if not figures and not any(rules):
        return f"Worse: none of {counted(compared, 'figure')} compared, and no rule newly fails"
    told = [f"{figures:,} of {counted(compared, 'figure')}"] if figures else []
    told += [
        f"{counted(number, 'rule')} {reading.value}" for number, reading in zip(rules, WORSENED, strict=True) if number
    ]
    return f"Worse: {' and '.join(told)}"


def _rules_read(difference: Difference, reading: RuleReading) -> int:
    return sum(reading in rule.readings for rule in difference.rules())


def _better(difference: Difference) -> Iterator[str]:
    figures = _count(difference, Reading.BETTER)
    rules = _rules_read(difference, RuleReading.PASSING)
    told = [counted(number, noun) for number, noun in ((figures, "figure"), (rules, "rule")) if number]
    if told:
        yield f"better: {' and '.join(told)}"


def _rest(difference: Difference) -> Iterator[str]:
    for reading, words in (
        (Reading.CHANGED, "changed, without a better side or without an interval"),
        (Reading.UNCLEAR, "no clear change"),
        (Reading.SAME, "no change"),
        (Reading.INCOMPARABLE, "cannot be compared"),
        (Reading.NEW, "new"),
        (Reading.GONE, "gone"),
    ):
        number = _count(difference, reading)
        if number:
            yield f"{words}: {number:,}"
    if difference.gone or difference.added:
        yield f"candidates new: {len(difference.added):,}, gone: {len(difference.gone):,}"


def _count(difference: Difference, reading: Reading) -> int:
    return sum(figure.reading is reading for figure in difference.figures())


def tested_words(difference: Difference) -> str:
    """Return how figures were told apart, in one sentence or two."""
    level = f"{100 * difference.confidence:.4g} %"
    if not difference.tested:
        return f"No figure could be tested at {level}; exact figures are compared exactly."
    return (
        f"Intervals are two-sided, at {level}. {counted(difference.tested, 'figure')} were tested, so that each p is "
        f"corrected for as many (Holm): what reads worse or better does so after that. Exact figures are compared "
        "exactly."
    )


def decisions_words(candidate: CandidateDifference) -> str:
    """Return both verdicts: `✔ pass, now ✘ fail`."""
    old, new = candidate.decisions
    then, now = f"{MARKS[old]} {old.value}", f"{MARKS[new]} {new.value}"
    return f"{then}, as before" if old is new else f"{then}, now {now}"


def rule_rows(candidate: CandidateDifference) -> tuple[RuleRow, ...]:
    """Return the rules that differ, the worst first."""
    return tuple(map(_rule_row, candidate.rules))


def _rule_row(change: RuleChange) -> RuleRow:
    readings = set(change.readings)
    worse = bool(readings & {*WORSENED, RuleReading.WORSE})
    better = bool(readings & {RuleReading.PASSING, RuleReading.BETTER})
    why = change.new if worse else change.old if change.new is None else None
    shown = change.new is None or change.old is None or RuleReading.THRESHOLD in readings
    return RuleRow(
        told=", ".join(reading.value for reading in change.readings),
        worse=True if worse else False if better else None,
        rule=change.rule,
        old=_ruling(change.old, asking=shown),
        new=_ruling(change.new, asking=shown),
        because=why.because if why is not None else "",
    )


def _ruling(ruling: Ruling | None, *, asking: bool) -> str:
    """Return a decision with the figure that made it, and with what was asked where that differs."""
    if ruling is None:
        return "–"
    told = f"{MARKS[ruling.decision]} {ruling.decision.value}"
    figure = observed(ruling) if ruling.observed is not None or ruling.metric is None else ""
    wanted = asked(ruling) if asking else ""
    return "\n".join(filter(None, (told, figure, wanted)))


def rules_tally(candidate: CandidateDifference) -> str:
    """Return how many rules differ in which way: `1 newly failing, 5 as before`."""
    readings = [reading for rule in candidate.rules for reading in rule.readings]
    told = [f"{readings.count(reading):,} {reading.value}" for reading in RuleReading if reading in readings]
    return ", ".join([*told, f"{candidate.rules_same:,} as before"])


def fact_rows(candidate: CandidateDifference) -> tuple[tuple[str, str, str], ...]:
    """Return what differs around the figures: `candidate sha256`, of the old report, of the new one."""
    return tuple(
        (f"{fact.of} {fact.what}", _shortened(fact, fact.old), _shortened(fact, fact.new)) for fact in candidate.facts
    )


def _shortened(fact: Fact, value: str | None) -> str:
    if value is None:
        return "–"
    return value[:_SHOWN] if fact.what in ("sha256", "card") else value
