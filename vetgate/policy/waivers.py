"""Waivers: a rule that someone vouches for until a day."""

from __future__ import annotations

import datetime
from collections.abc import Iterable

from vetgate.domain.policy import Waiver
from vetgate.domain.verdict import Decision, Ruling


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
