"""What became of each rule and each finding between two saved reports. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from vetgate.domain.difference import FindingChange, FindingReading, RuleChange, RuleReading
from vetgate.domain.evidence import Evidence, Finding, Outcome
from vetgate.domain.verdict import Decision, Ruling

_ALWAYS = ("isolation", "models", "waivers")
"""Evidence of the gate's own that is only there where it has something to tell."""
_WORST_FIRST = (
    RuleReading.FAILING,
    RuleReading.UNSETTLED,
    RuleReading.WORSE,
    RuleReading.GONE,
    RuleReading.WAIVED,
    RuleReading.THRESHOLD,
    RuleReading.WORDS,
    RuleReading.NEW,
    RuleReading.UNWAIVED,
    RuleReading.BETTER,
    RuleReading.PASSING,
)


def rule_changes(old: Sequence[Ruling], new: Sequence[Ruling]) -> tuple[tuple[RuleChange, ...], int]:
    """Return the rules that differ, the worst first, and how many do not."""
    then, now = ({ruling.rule: ruling for ruling in rulings} for rulings in (old, new))
    found = []
    for rule in {**now, **then}:
        readings = tuple(_readings(then.get(rule), now.get(rule)))
        if readings:
            found.append(RuleChange(rule=rule, readings=readings, old=then.get(rule), new=now.get(rule)))
    same = len(now.keys() | then.keys()) - len(found)
    return tuple(sorted(found, key=lambda change: min(map(_WORST_FIRST.index, change.readings)))), same


def _readings(old: Ruling | None, new: Ruling | None) -> Iterator[RuleReading]:
    if old is None or new is None:
        if new is not None and new.decision is Decision.FAIL:
            yield RuleReading.FAILING
        yield RuleReading.NEW if old is None else RuleReading.GONE
        return
    if old.decision is not new.decision:
        yield _turned(old.decision, new.decision)
    if (old.waived is None) != (new.waived is None):
        yield RuleReading.WAIVED if old.waived is None else RuleReading.UNWAIVED
    if (old.threshold, old.side, old.confidence) != (new.threshold, new.side, new.confidence):
        yield RuleReading.THRESHOLD
    elif old.words != new.words:
        yield RuleReading.WORDS


def _turned(old: Decision, new: Decision) -> RuleReading:
    if new is Decision.FAIL:
        return RuleReading.FAILING
    if new is Decision.PASS:
        return RuleReading.PASSING
    if new is Decision.INCONCLUSIVE and new.rank > old.rank:
        return RuleReading.UNSETTLED
    return RuleReading.WORSE if new.rank > old.rank else RuleReading.BETTER


def finding_changes(old: Sequence[Evidence], new: Sequence[Evidence]) -> tuple[FindingChange, ...]:
    """Return the findings that one report alone has, new ones first; one that nobody looked for is not gone."""
    then, now = _counted(old), _counted(new)
    looked_then, looked_now = _measured(old), _measured(new)
    return (
        *_only(now - then, looked_then, FindingReading.NEW, FindingReading.NOT_LOOKED_FOR_THEN),
        *_only(then - now, looked_now, FindingReading.GONE, FindingReading.NOT_LOOKED_FOR),
    )


_Found = tuple[str, Finding]


def _counted(evidence: Sequence[Evidence]) -> Counter[_Found]:
    return Counter((entry.check, finding) for entry in evidence for finding in entry.findings)


def _measured(evidence: Sequence[Evidence]) -> set[str]:
    return {entry.check for entry in evidence if entry.outcome is Outcome.MEASURED} | set(_ALWAYS)


def _only(
    found: Counter[_Found], looked: set[str], seen: FindingReading, unseen: FindingReading
) -> Iterator[FindingChange]:
    ordered = sorted(found.elements(), key=lambda each: -each[1].severity)
    for check, finding in ordered:
        yield FindingChange(check=check, finding=finding, reading=seen if check in looked else unseen)
