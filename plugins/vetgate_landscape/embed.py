"""Points into the plane, by t-SNE and by classical scaling.

Sources: L. van der Maaten, G. Hinton, "Visualizing Data using t-SNE", JMLR 9 (2008); P. G. Poličar, M. Stražar, B.
Zupan, "openTSNE: A Modular Python Library for t-SNE Dimensionality Reduction and Embedding" (2019); D. Kobak, P.
Berens, "The art of using t-SNE for single-cell transcriptomics" (2019): it begins with principal components, never by
chance; W. S. Torgerson, "Multidimensional Scaling: I. Theory and Method", Psychometrika 17 (1952).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from vetgate.reporting import (
    Embedding,
    Inconclusive,
    Landscape,
    Principal,
    principal_coordinates,
    rank_correlation,
)
from vetgate_landscape.words import NEIGHBOURS, SCALING

FEWEST = 4
"""Points of a t-SNE: with fewer, a perplexity of (points - 1) / 3 is below 1, the number of nearest neighbours."""
MOST_PERPLEXITY = 10.0
ITERATIONS = 750
"""After 250 with early exaggeration."""
START = 1e-4
"""Standard deviation of the first coordinate at the start."""
EUCLIDEAN = "the Euclidean distance of all probabilities"
ROOT_JS = "the root of the mean Jensen-Shannon divergence"


class Neighbours:
    """t-SNE over the coordinates of exact PCA, which have the distances of the probabilities themselves."""

    def embed(self, landscape: Landscape) -> Embedding:
        """Return coordinates by the landscape's seed.

        Raises:
            Inconclusive: There are too few points.
        """
        points = len(landscape.points)
        if points < FEWEST:
            raise Inconclusive(f"t-SNE needs {FEWEST} points and there are {points}", hint="--method mds")
        perplexity = min(MOST_PERPLEXITY, (points - 1) / 3)
        principal = principal_coordinates(landscape.euclidean)
        placed = _spread(principal, perplexity, landscape.seed)
        return Embedding(
            method=NEIGHBOURS,
            of=EUCLIDEAN,
            coordinates=_pairs(placed),
            rank_correlation=rank_correlation(placed, landscape.euclidean),
            settings={"perplexity": perplexity, "iterations": ITERATIONS, "seed": landscape.seed},
        )


def _spread(principal: Principal, perplexity: float, seed: int) -> NDArray[np.float64]:
    """Return the coordinates (P, 2) of t-SNE, begun with the first two principal axes."""
    width = float(np.std(principal.coordinates[:, 0]))
    if width == 0:
        return np.zeros((len(principal.coordinates), 2))  # all are one function, and t-SNE would divide by nothing
    from openTSNE import TSNE

    fitted = TSNE(
        perplexity=perplexity,
        initialization=principal.coordinates[:, :2] / width * START,
        neighbors="exact",
        negative_gradient_method="bh",
        theta=0.0,  # exact: tens of points need no approximation
        n_iter=ITERATIONS,
        n_jobs=1,  # sums of several threads come in any order
        random_state=seed,
    ).fit(principal.coordinates / width)
    return np.asarray(fitted, dtype=np.float64)


class ClassicalScaling:
    """Classical scaling of the square root of the Jensen-Shannon divergence, which is a distance."""

    def embed(self, landscape: Landscape) -> Embedding:
        """Return the first two principal coordinates."""
        true = np.sqrt(np.asarray(landscape.divergence, dtype=np.float64))
        principal = principal_coordinates(true)
        placed = principal.coordinates[:, :2]
        return Embedding(
            method=SCALING,
            of=ROOT_JS,
            coordinates=_pairs(placed),
            rank_correlation=rank_correlation(placed, true),
            settings={"shown": principal.shown, "negative": principal.negative},
        )


def _pairs(placed: NDArray[np.float64]) -> tuple[tuple[float, float], ...]:
    return tuple((float(x), float(y)) for x, y in placed)
