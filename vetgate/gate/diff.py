"""Two saved reports side by side; no model runs and nothing is judged."""

from __future__ import annotations

from pathlib import Path

from vetgate.domain.difference import Difference
from vetgate.domain.errors import UsageError
from vetgate.gate.saved import SavedReports, find_candidate, read_reports
from vetgate.host import Host
from vetgate.measure import Saved, compare_saved


def diff(
    old: str,
    new: str,
    host: Host,
    *,
    confidence: float,
    old_candidate: str | None = None,
    candidate: str | None = None,
) -> Difference:
    """Return what got better, worse, new and gone from one saved report to another.

    Args:
        old: File of the earlier report.
        new: File of the later one.
        host: The plugins, which say what their figures rest on.
        confidence: Of intervals, in (0.5, 1).
        old_candidate: Which candidate of the old file; None for all.
        candidate: Which of the new file, and of the old one unless that is named, too.

    Raises:
        UsageError: A file is no report, or holds no such candidate.
    """
    files = tuple(_read(named) for named in (old, new))
    if candidate is not None and old_candidate is None and len(files[0].reports.reports) > 1:
        old_candidate = candidate
    then, now = (
        _chosen(named, file, wanted)
        for named, file, wanted in zip((old, new), files, (old_candidate, candidate), strict=True)
    )
    if old_candidate is not None and len(now.reports) > 1:
        raise UsageError(
            f"one candidate of {old} is named, and {new} holds {len(now.reports)}",
            hint="name the one to compare it with: --candidate NAME",
        )
    return compare_saved(then, now, host.checks(), confidence)


def _read(named: str) -> SavedReports:
    try:
        named.encode()
    except UnicodeEncodeError:
        told = f"the report {named!r} has a name that no comparison can hold: it is no UTF-8"
        raise UsageError(told, hint="rename the file") from None
    return read_reports(Path(named), "report")


def _chosen(named: str, file: SavedReports, wanted: str | None) -> Saved:
    reports = file.reports.reports
    if wanted is not None:
        reports = (reports[find_candidate(file.reports, file.path, wanted)],)
    return Saved(named, file.sha256, reports)
