"""One result of SARIF: what does not hold, where, and by which fingerprint it is found again."""

from __future__ import annotations

import hashlib
from typing import Any

from vetgate.reporting import Ruling
from vetgate.wording.text import name, shorten
from vetgate_ci.alert import Alert, Grade
from vetgate_ci.place import Place

LEVELS = {Grade.ERROR: "error", Grade.WARNING: "warning", Grade.NOTE: "note"}
LONGEST_ID = 255
"""Characters of a rule's id that GitHub takes."""
_UNSEEN = "\u200b"


def rule_id(alert: Alert) -> str:
    """Return the id of a rule: `VG0101`, or `edge/latency.p50/ratio`; a long one stays different from its like."""
    text = alert.rule if alert.finding is not None else f"{alert.report.policy.name}/{alert.rule}"
    clean = name(text, LONGEST_ID) or "unnamed"
    if len(text) <= LONGEST_ID:
        return clean
    digest = hashlib.sha256(text.encode(errors="replace")).hexdigest()[:8]
    return f"{shorten(clean, LONGEST_ID - 9)}~{digest}"


def message(text: str) -> dict[str, str]:
    """Return a message of plain text: nothing in it is a placeholder or, `[like](this)`, a link."""
    broken = text.replace("](", f"]{_UNSEEN}(")
    return {"text": broken.replace("{", "{{").replace("}", "}}") or "–"}


def result(alert: Alert, id_: str, index: int) -> dict[str, Any]:
    """Return one result.

    Args:
        alert: What it tells.
        id_: Of its rule.
        index: Of its rule among those of the run, from 0.
    """
    candidate, told = alert.report.candidate.name, alert.message
    found = {
        "ruleId": id_,
        "ruleIndex": index,
        "level": LEVELS[alert.grade],
        "message": message(f"{alert.title}. {told}"),
        "locations": [_location(alert.place, alert)],
        "partialFingerprints": {"primaryLocationLineHash": f"{alert.key}:1", "vetgate/v1": alert.key},
        "properties": {"candidate": name(candidate, LONGEST_ID), **_figures(alert)},
    }
    if alert.ruling is not None and alert.place.path != candidate:
        found["relatedLocations"] = [{"id": 0, **_location(Place(candidate))}]
    if alert.ruling is not None and alert.ruling.waived is not None:
        found["suppressions"] = [{"kind": "external", "status": "accepted", "justification": told}]
    return found


def _location(place: Place, alert: Alert | None = None) -> dict[str, Any]:
    physical = {"artifactLocation": {"uri": place.uri}, "region": {"startLine": place.line}}
    location: dict[str, Any] = {"physicalLocation": physical}
    if alert is not None and (alert.ruling is not None or place.member):
        inside, kind = (place.member, "member") if alert.ruling is None else (alert.rule, "rule")
        short = name(inside, LONGEST_ID) or "unnamed"
        location["logicalLocations"] = [{"name": short, "kind": kind}]
    return location


def _figures(alert: Alert) -> dict[str, Any]:
    if alert.ruling is not None:
        return {"decision": alert.ruling.decision.value, **_ruled(alert.ruling)}
    if alert.finding is not None:
        return {"severity": alert.finding.severity.name.lower()}
    return {}


def _ruled(ruling: Ruling) -> dict[str, Any]:
    """Return the figures of a ruling that are known."""
    told = {
        "metric": name(ruling.metric, LONGEST_ID) if ruling.metric is not None else None,
        "of": ruling.of.value if ruling.of is not None else None,
        "slice": name(ruling.slice.name, LONGEST_ID) if ruling.slice is not None else None,
        "unit": ruling.unit.value if ruling.unit is not None else None,
        "observed": ruling.observed,
        "lower": ruling.lower,
        "upper": ruling.upper,
        "threshold": ruling.threshold,
        "side": ruling.side,
        "confidence": ruling.confidence,
        "n": ruling.n,
        "needed": ruling.needed,
        "waived": ruling.waived.value if ruling.waived is not None else None,
    }
    return {label: value for label, value in told.items() if value is not None}
