"""What of a report goes into a run of MLflow as metrics, parameters and tags. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator

from vetgate.api import Report, Versus

_ODD = re.compile(r"[^\w.\- :/]")
LONGEST_NAME = 250
LONGEST_VALUE = 500
"""Characters of a parameter or tag; older servers take no more."""


def metrics(report: Report) -> dict[str, float]:
    """Return each figure of all images or files by `METRIC.ROLE`; those of slices are in the report alone."""
    return {
        _ODD.sub("_", f"{figure.metric}.{figure.role.value}")[:LONGEST_NAME]: figure.value
        for evidence in report.evidence
        for figure in evidence.measurements
        if figure.slice is None and figure.versus is Versus.REFERENCE
    }


def parameters(report: Report) -> dict[str, str]:
    """Return what pins the verdict: names and digests."""
    return {f"vetgate.{name}": value[:LONGEST_VALUE] for name, value in _parameters(report) if value}


def _parameters(report: Report) -> Iterator[tuple[str, str | None]]:
    for role, model in (("candidate", report.candidate), ("reference", report.reference)):
        yield role, model.name
        yield f"{role}_sha256", model.sha256
        yield f"{role}_card_sha256", model.card_sha256
    yield "data", report.data.name if report.data else None
    yield "data_sha256", report.data.sha256 if report.data else None
    yield "policy", report.policy.name
    yield "policy_sha256", report.policy.sha256
    yield "seed", str(report.seed)


def tags(report: Report, report_sha256: str) -> dict[str, str]:
    """Return what a run and a model version are marked with; the decision comes last.

    Args:
        report: Of one candidate.
        report_sha256: Digest of the whole JSON report, as it was logged.
    """
    return {
        "vetgate.policy": f"{report.policy.name} {report.policy.sha256}"[:LONGEST_VALUE],
        "vetgate.report_sha256": report_sha256,
        "vetgate.decision": report.verdict.decision.value,
    }
