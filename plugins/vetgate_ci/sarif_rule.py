"""One rule of SARIF: what it asks, why, and what to do about it."""

from __future__ import annotations

from typing import Any

from vetgate.reporting import Severity
from vetgate.wording.text import name, sentence, shorten
from vetgate_ci.alert import Alert
from vetgate_ci.sarif_result import LEVELS, message

LONGEST = 1_024
"""Characters of a description that GitHub takes."""
_SECURITY = {Severity.CRITICAL: "9.5", Severity.HIGH: "8.0", Severity.MEDIUM: "5.5", Severity.LOW: "2.0"}
"""How GitHub tells severities of security rules: over 9.0 critical, from 7.0 high, from 4.0 medium, else low."""


def descriptor(alert: Alert, id_: str) -> dict[str, Any]:
    """Return the rule of an alert.

    Args:
        alert: The first that it has.
        id_: Its id.
    """
    short, full, advice = _told(alert)
    return {
        "id": id_,
        "shortDescription": message(shorten(short, LONGEST)),
        "fullDescription": message(shorten(full, LONGEST)),
        "help": message(advice),
        "defaultConfiguration": {"level": LEVELS[alert.grade]},
        "properties": _properties(alert),
    }


def _told(alert: Alert) -> tuple[str, str, str]:
    """Return what the rule is in short and in full, and what helps."""
    if alert.ruling is not None:
        words = sentence(alert.ruling.words) or alert.rule
        policy = name(alert.report.policy.name, 100)
        source = name(alert.report.policy.source, 200)
        advice = f"A rule of policy {policy} ({source}): {words}. `vetgate policy show` prints the policy, and "
        return words, words, advice + "the report of the run tells what was measured."
    meaning = alert.meaning
    if meaning is not None:
        source = f" Source: {sentence(meaning.source)}." if meaning.source else ""
        why = sentence(meaning.why)
        return sentence(meaning.title), why, f"{why} What to do: {sentence(meaning.advice)}.{source}"
    text = sentence(alert.finding.message) if alert.finding is not None else alert.title
    advice = sentence(alert.finding.advice) if alert.finding is not None else ""
    rule = f"finding {name(alert.rule, 200)}"
    return rule, rule, advice or text


def _properties(alert: Alert) -> dict[str, Any]:
    if not alert.security:
        return {"tags": ["policy" if alert.ruling is not None else "model"]}
    found = alert.finding
    severity = _SECURITY.get(found.severity) if found is not None else None
    return {"tags": ["security"], **({"security-severity": severity} if severity is not None else {})}
