"""The summary of a GitHub job, in Markdown: as the Markdown report, with room for 1 MiB.

A runner reads the file of GITHUB_STEP_SUMMARY when a step ends, and drops all of it where it is longer than 1 MiB.
`vetgate check` appends to it by itself in GitHub Actions; what other commands of the step wrote there counts, so the
reporter can be had for less room (`within`).
"""

from __future__ import annotations

from vetgate.reporting import ReportSet
from vetgate_reporters.markdown import MarkdownReporter, Room

LONGEST = 1_048_576
"""Bytes of a step's summary that a runner takes."""
LEAST = 1_000
"""Bytes under which there is no room for a decision and its reason."""


class GithubSummaryReporter:
    """Writes at most so many bytes.

    Args:
        longest: Bytes.
    """

    def __init__(self, longest: int = LONGEST) -> None:
        self._longest = longest

    def within(self, size: int) -> GithubSummaryReporter:
        """Return the reporter for at most `size` bytes, where that is less."""
        return GithubSummaryReporter(min(self._longest, size))

    def render(self, reports: ReportSet) -> str:
        """Return the document; empty where there is no room for anything."""
        if self._longest < LEAST:
            return ""
        return MarkdownReporter(Room(self._longest, self._longest)).render(reports)
