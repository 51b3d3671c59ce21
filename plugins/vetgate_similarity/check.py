"""How near the two models are: every family of figures, on the same images."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]  # it has no stubs

from vetgate.api import Ask, Inconclusive, Results, TableContext
from vetgate_similarity import agreement, cka, degenerate, divergence, flips, independence, kappa, order, rank, slices
from vetgate_similarity.compared import Compared

FAMILIES = (
    agreement.measure,
    kappa.measure,
    flips.measure,
    divergence.measure,
    rank.measure,
    cka.measure,
    independence.measure,
    slices.measure,
    degenerate.measure,
    order.measure,
)
THREADS = 2
"""Families at a time: most of their work is in numpy, which lets threads run.

Each has one thread of the linear algebra library: more wait for each other busily, which on a machine at work took ten
times as long.
"""


class SimilarityCheck:
    """Takes every similarity metric of the pair."""

    def measure(self, context: TableContext, ask: Ask) -> Results:
        """Return what all families find; those that need labels or a yardstick find nothing without.

        Of a run that may stop early, only what follows from counts.

        Raises:
            Inconclusive: The table has no images, or the yardstick is of others.
        """
        if not len(context.table):
            raise Inconclusive("no image was answered by both models")
        compared = Compared.of(context)
        with threadpool_limits(limits=1, user_api="blas"), ThreadPoolExecutor(THREADS) as threads:
            found = list(threads.map(lambda family: family(compared, ask), FAMILIES))
        return Results(
            measurements=tuple(figure for results in found for figure in results.measurements),
            findings=tuple(finding for results in found for finding in results.findings),
            exhibits=tuple(exhibit for results in found for exhibit in results.exhibits),
            per_image=tuple(entry for results in found for entry in results.per_image),
        )
