"""The candidate, its reference and independent models as points of a plane, near where they answer alike.

Source: I. F. Mason-Williams, "Bro changed :( Compression: A Functional Perspective", section 2.4.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from vetgate.api import Chart, Distance, Mark, Table, Unit, Yardstick
from vetgate.statistics import row_distances
from vetgate_similarity.compared import Floats

UNITS = {Distance.JS_DIVERGENCE: Unit.BITS, Distance.DISAGREEMENT: Unit.FRACTION}
"""Of distances that have one."""
_METRIC = {Distance.JS_DIVERGENCE: "the root of the mean js_divergence"}
"""What is drawn where the mean itself is no metric."""
_MOST = 24
"""Independents: pairs of models grow with their square."""
_PROBABILITIES = 50_000_000
"""Pairs of models x images x classes, at most: about a second; more images are drawn from."""
_FEWEST = 500
"""Images that are drawn at least."""


def plane_of(yardstick: Yardstick, models: Sequence[Floats], reference: Floats) -> Table:
    """Return where models lie in a plane by classical scaling of their distances, and how true that is.

    Args:
        yardstick: Names the independents and the distance.
        models: (1 + U,) matrices (N, C) of probabilities of the candidate and of the independents.
        reference: The same of the reference.
    """
    from vetgate.reporting import principal_coordinates, rank_correlation

    distance = yardstick.summary.distance
    named = [("reference", "reference"), ("candidate", "candidate")]
    named += [(name, "independent") for name in _short([peer.name for peer in yardstick.peers[:_MOST]])]
    images = _drawn(len(named), *reference.shape)
    answers = [rows if images is None else rows[images] for rows in (reference, *models)[: len(named)]]
    apart = np.zeros((len(answers), len(answers)))
    for one, other in combinations(range(len(answers)), 2):
        apart[one, other] = apart[other, one] = row_distances(distance, answers[one], answers[other]).mean()
    if distance in _METRIC:
        apart = np.sqrt(apart)
    principal = principal_coordinates(apart)
    places = principal.coordinates[:, :2]
    true = rank_correlation(places, apart)
    faith = "" if true is None else f"; rank correlation with the true ones {true:.2f}"
    by = _METRIC.get(distance, f"the mean {distance.value}")
    return Table(
        title="Functional landscape",
        columns=("model", "what", "x", "y"),
        rows=tuple((*name, float(x), float(y)) for name, (x, y) in zip(named, places, strict=True)),
        caption=(
            f"Classical scaling of {by} between all {len(named)} models over "
            f"{_images(len(answers[0]), len(reference))}: the plane shows {principal.shown:.0%} of all squared "
            f"distances{faith}. Only distances within this picture mean something."
        ),
        chart=Chart(mark=Mark.POINTS, label="model", values=("x", "y"), group="what", plane=True, only=True),
    )


def _drawn(models: int, images: int, classes: int) -> NDArray[np.int64] | None:
    """Return as many images as there is time for, drawn at random; None for all."""
    pairs = models * (models - 1) // 2
    count = max(_PROBABILITIES // (pairs * classes), _FEWEST)
    if count >= images:
        return None
    return np.sort(np.random.default_rng(0).choice(images, count, replace=False))


def _short(names: Sequence[str]) -> list[str]:
    """Return names without folders, where that tells them apart."""
    files = [name.rpartition("/")[2] for name in names]
    return files if len(set(files)) == len(files) else list(names)


def _images(drawn: int, images: int) -> str:
    return f"{images:,} images" if drawn == images else f"{drawn:,} images drawn from {images:,}"
