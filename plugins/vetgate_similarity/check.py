"""How near the two models are: every family of figures, on the same table."""

from __future__ import annotations

from vetgate.api import Ask, Inconclusive, Results, TableContext
from vetgate_similarity import agreement, divergence, flips, slices

FAMILIES = (agreement.measure, flips.measure, divergence.measure, slices.measure)


class SimilarityCheck:
    """Takes every similarity metric of the pair."""

    def measure(self, context: TableContext, ask: Ask) -> Results:
        """Return what all families find; those that need labels find nothing without.

        Of a run that may stop early, only what follows from counts.

        Raises:
            Inconclusive: The table has no images.
        """
        if not len(context.table):
            raise Inconclusive("no image was answered by both models")
        found = [family(context.table, ask) for family in FAMILIES]
        return Results(
            measurements=tuple(figure for results in found for figure in results.measurements),
            exhibits=tuple(exhibit for results in found for exhibit in results.exhibits),
            per_image=tuple(entry for results in found for entry in results.per_image),
        )
