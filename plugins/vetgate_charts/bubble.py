"""The bubble chart as a file of its own."""

from __future__ import annotations

from typing import Literal

from vetgate_plot.bubble import SPINES, draw
from vetgate_plot.saving import saved
from vetgate_plot.style import styled

from vetgate.reporting import Inconclusive, ReportSet, rank


class BubbleChart:
    """Draws one bubble a model. Pure: the same reports give the same bytes, with the same version of matplotlib.

    Args:
        form: Of the file.
    """

    def __init__(self, form: Literal["svg", "png"]) -> None:
        self.form = form

    def render(self, reports: ReportSet) -> bytes:
        """Return the picture.

        Raises:
            ValueError: The reports are not comparable.
            Inconclusive: No model was measured.
        """
        ranking = rank(reports)
        if not ranking.rows:
            raise Inconclusive("there is nothing to draw: no candidate has accuracy, size and time")
        with styled(SPINES):
            return saved(draw(ranking), self.form, title="OpScore")
