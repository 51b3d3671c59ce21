"""A comment on a pull or merge request, in Markdown: its first line is a marker by which the next run finds it.

    <!-- vetgate: policy=edge reference=reference.pt -->

The marker depends on the names of policy and reference alone, so that a later run over the same two updates the comment
in place, and one by another policy has a comment of its own. A reader does not see it. GitHub takes 65,536 characters;
held here in bytes, which are never fewer.
"""

from __future__ import annotations

import hashlib
from urllib.parse import quote

from vetgate.reporting import ReportSet
from vetgate_reporters.markdown import MarkdownReporter, Room

LONGEST = 65_536
"""Characters and bytes of the comment."""
LONGEST_NAME = 120
"""Characters of a name in the marker, as escaped."""


class CommentReporter:
    """Writes at most `LONGEST` characters and bytes."""

    def render(self, reports: ReportSet) -> str:
        """Return the comment."""
        return MarkdownReporter(Room(LONGEST, LONGEST), marker(reports)).render(reports)


def marker(reports: ReportSet) -> str:
    """Return the line by which the comment is found again; no name can end it."""
    first = reports.reports[0]
    return f"<!-- vetgate: policy={_escaped(first.policy.name)} reference={_escaped(first.reference.name)} -->"


def _escaped(text: str) -> str:
    """Return a name without blanks, marks and runs of dashes; of a long one the end is its digest."""
    escaped = quote(text, safe="", errors="replace").replace("--", "-%2D")
    if len(escaped) <= LONGEST_NAME:
        return escaped
    return f"{escaped[: LONGEST_NAME - 17]}~{hashlib.sha256(text.encode(errors='replace')).hexdigest()[:16]}"
