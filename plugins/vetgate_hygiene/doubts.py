"""Labels that neither model believes: hints at mistakes in the data, never corrected and never left out of a figure.

Confident learning (Northcutt, Jiang and Chuang, "Confident Learning: Estimating Uncertainty in Dataset Labels", JAIR
2021): the threshold of class j is a model's mean probability of j over the images that are labelled j (eq. 2), and an
image labelled i counts as one of j where its probability of j reaches that threshold (eq. 1). There the probabilities
come from cross-validation; here from two models that should not have seen these images, and both must name the same
class. A candidate made from the reference shares its mistakes, so that this is a hint, and no estimate of the noise.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from vetgate.api import Finding, Inconclusive, Measurement, Of, Results, Severity, Table
from vetgate_hygiene.figures import share
from vetgate_hygiene.metrics import DOUBTS

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from vetgate.api import Ask, PredictionTable, TableContext

SHOWN = 20
"""Images in the table."""


class LabelDoubts:
    """The check. Implements Check[TableContext]."""

    def measure(self, context: TableContext, ask: Ask) -> Results:
        """Return the share of doubtful labels, and the images whose labels are most doubtful.

        Raises:
            Inconclusive: The data has no labels.
        """
        table = context.table
        if table.labels is None:
            raise Inconclusive("labels cannot be doubted where there are none")
        if ask.glance:
            return Results()
        labels = table.labels
        ours = confident(table.reference.probabilities, labels)
        theirs = confident(table.candidate.probabilities, labels)
        rows = np.flatnonzero((ours == theirs) & (ours >= 0) & (ours != labels))
        figure: Measurement = share(DOUBTS, len(rows), len(table), "hints; no image is left out for it")
        if not len(rows):
            return Results(measurements=(figure,))
        told = Finding(
            rule="hygiene.label-doubts",
            severity=Severity.INFO,
            message=f"both models are sure of the same other class for {len(rows):,} of {len(table):,} images",
            location=str(table.ids[int(rows[0])]),
            advice="look at them: a wrong label counts against a model that is right",
        )
        return Results(measurements=(figure,), findings=(told,), exhibits=(_exhibit(table, rows, ours),))


def confident(probabilities: NDArray[np.float64], labels: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return (N,) the class that each image confidently belongs to by one model; -1 where there is none.

    Args:
        probabilities: (N, C), rows sum to 1.
        labels: (N,) in [0, C).
    """
    count = probabilities.shape[1]
    images = np.bincount(labels, minlength=count)
    of_own = np.bincount(labels, weights=probabilities[np.arange(len(labels)), labels], minlength=count)
    thresholds = np.where(images > 0, of_own / np.maximum(images, 1), np.inf)
    reached = np.where(probabilities >= thresholds, probabilities, -1.0)
    return np.where(reached.max(axis=1) >= 0, reached.argmax(axis=1), -1)


def _exhibit(table: PredictionTable, rows: NDArray[np.intp], classes: NDArray[np.int64]) -> Table:
    both = np.minimum(
        table.reference.probabilities[rows, classes[rows]], table.candidate.probabilities[rows, classes[rows]]
    )
    worst = rows[np.lexsort((rows, -both))][:SHOWN]
    labels = table.labels if table.labels is not None else classes
    return Table(
        title="Labels that both models doubt",
        columns=("image", "label", "both say", "reference", "candidate"),
        rows=tuple(
            (
                str(table.ids[row]),
                table.classes[labels[row]],
                table.classes[classes[row]],
                float(table.reference.probabilities[row, classes[row]]),
                float(table.candidate.probabilities[row, classes[row]]),
            )
            for row in worst.tolist()
        ),
        caption=f"{Of.REFERENCE} and {Of.CANDIDATE}: the probability that each gives to the other class",
    )
