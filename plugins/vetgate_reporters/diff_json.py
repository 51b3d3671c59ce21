"""The difference of two reports as JSON; `Difference.model_validate_json` reads it back to an equal object."""

from __future__ import annotations

from vetgate.reporting import Difference


class DiffJson:
    """Writes indented JSON in UTF-8; letters beyond ASCII stay letters."""

    def draw(self, document: Difference) -> str:
        """Return the document, with a newline at its end."""
        return document.model_dump_json(indent=2) + "\n"
