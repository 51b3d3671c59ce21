"""The study as JSON; `Study.model_validate_json` reads it back to an equal object."""

from __future__ import annotations

from vetgate.reporting import Study


class StudyJson:
    """Writes indented JSON in UTF-8."""

    def draw(self, document: Study) -> str:
        """Return the document, with a newline at its end."""
        return document.model_dump_json(indent=2) + "\n"
