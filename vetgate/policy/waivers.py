"""Waivers: a rule that someone vouches for until a day."""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Iterator, Sequence

from vetgate.domain.evidence import Evidence, Finding, Outcome, Severity
from vetgate.domain.policy import Policy, Waiver
from vetgate.domain.verdict import Decision, Ruling, Verdict

WAIVERS = "waivers"
"""Name of the evidence that tells of waivers out of order; it is of the judging, and never judged itself."""
EXPIRED, UNUSED = "waiver.expired", "waiver.unused"


def apply_waiver(ruling: Ruling, waivers: Iterable[Waiver], today: datetime.date) -> Ruling:
    """Return the ruling, capped at warn where an unexpired waiver names its rule; the true decision stays beside it.

    A waiver holds through its last day. An expired one changes nothing but the sentence, which says so.

    Args:
        ruling: As the evidence makes it.
        waivers: Those of the policy.
        today: The day of the run.
    """
    waiver = next((waiver for waiver in waivers if waiver.rule == ruling.rule), None)
    if waiver is None or ruling.decision is Decision.PASS:
        return ruling
    day = waiver.expires.isoformat()
    if ruling.decision is Decision.WARN:
        because = (
            f"{ruling.because}; the waiver of {waiver.owner} until {day} lifts nothing, for this is a warning already"
        )
        return ruling.model_copy(update={"because": because})
    if waiver.expires < today:
        because = f"{ruling.because}; the waiver of {waiver.owner} expired on {day}"
        return ruling.model_copy(update={"because": because})
    because = f"{ruling.because}; waived by {waiver.owner} until {day}: {waiver.reason}"
    return ruling.model_copy(update={"decision": Decision.WARN, "waived": ruling.decision, "because": because})


def tell_waivers(policy: Policy, verdict: Verdict, today: datetime.date) -> tuple[Evidence, ...]:
    """Return what a reader must know of waivers: those that expired, and those that lifted nothing.

    Both leave the verdict alone, whatever `halt_at` says: an expired waiver lifts nothing already, and an unused one is
    in nobody's way but that of who reads the policy.

    Args:
        policy: Holds the waivers.
        verdict: By that policy.
        today: The day of the run.

    Returns:
        One piece of evidence, or none where every waiver is in use.
    """
    found = tuple(_out_of_order(policy.waivers, verdict.rulings, today))
    return (Evidence(check=WAIVERS, outcome=Outcome.MEASURED, findings=found),) if found else ()


def without_waivers(evidence: Sequence[Evidence]) -> tuple[Evidence, ...]:
    """Return the evidence of a saved report without what an earlier judging told of waivers."""
    return tuple(item for item in evidence if item.check != WAIVERS)


def _out_of_order(waivers: Iterable[Waiver], rulings: Iterable[Ruling], today: datetime.date) -> Iterator[Finding]:
    decided = {ruling.rule: ruling for ruling in rulings}
    for waiver in waivers:
        ruling = decided.get(waiver.rule)
        if waiver.expires < today:
            message = f"the waiver of {waiver.owner} for {waiver.rule!r} expired on {waiver.expires.isoformat()}"
            advice = "drop it from the policy, or have its owner vouch for the rule again"
            yield Finding(rule=EXPIRED, severity=Severity.MEDIUM, message=message, location=waiver.rule, advice=advice)
        elif ruling is not None and ruling.waived is None:
            why = "passes without it" if ruling.decision is Decision.PASS else "only warns"
            message = f"the waiver of {waiver.owner} for {waiver.rule!r} lifts nothing: the rule {why}"
            advice = "drop it from the policy"
            yield Finding(rule=UNUSED, severity=Severity.LOW, message=message, location=waiver.rule, advice=advice)
