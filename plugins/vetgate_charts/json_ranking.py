"""The ranking as JSON; `Ranking.model_validate_json` reads it back to an equal object."""

from __future__ import annotations

from vetgate.reporting import ReportSet, rank


class RankingJson:
    """Writes indented JSON in UTF-8."""

    def render(self, reports: ReportSet) -> str:
        """Return the document, with a newline at its end."""
        return rank(reports).model_dump_json(indent=2) + "\n"
