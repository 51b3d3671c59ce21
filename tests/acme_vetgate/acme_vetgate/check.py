"""A toy check: on how many images the candidate is sure."""

import numpy as np

from acme_vetgate.plugin import SURE
from vetgate.api import Ask, Counts, Inconclusive, Measurement, Of, Results, TableContext


class AcmeCheck:
    """Counts images; never judges."""

    def measure(self, context: TableContext, ask: Ask) -> Results:
        """Return the share of images whose most probable class has a probability of at least 0.9.

        Raises:
            Inconclusive: There are no images.
        """
        images = len(context.table)
        if not images:
            raise Inconclusive("no image was answered by both models")
        sure = int(np.count_nonzero(context.table.candidate.probabilities.max(axis=1) >= 0.9))
        figure = Measurement(
            metric=SURE.id,
            role=Of.CANDIDATE,
            value=sure / images,
            unit=SURE.unit,
            better=SURE.better,
            n=images,
            uncertainty=Counts(k=sure, n=images),
        )
        return Results(measurements=(figure,))
