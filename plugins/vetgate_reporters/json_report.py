"""The whole report set as JSON; `ReportSet.model_validate_json` reads it back to an equal object."""

from __future__ import annotations

from vetgate.reporting import ReportSet


class JsonReporter:
    """Writes indented JSON in UTF-8; letters beyond ASCII stay letters."""

    def render(self, reports: ReportSet) -> str:
        """Return the document, with a newline at its end."""
        return reports.model_dump_json(indent=2) + "\n"
