"""How far the candidate is from the reference, measured by how far independently trained models are.

Source: I. F. Mason-Williams, "Bro changed :( Compression: A Functional Perspective", sections 2.4 and 3: compressed
models stay near the reference, models trained anew do not, at like accuracy.
"""

from __future__ import annotations

import numpy as np

from vetgate.api import Ask, Chart, Inconclusive, Mark, Measurement, Results, Table, Unit, Yardstick
from vetgate.statistics import FARTHEST, attainable_levels, bootstrap_images, row_distances, unseen_share
from vetgate_similarity.compared import Compared, Floats
from vetgate_similarity.figures import Unseen, resampled_figure, undefined
from vetgate_similarity.metrics import INDEPENDENCE
from vetgate_similarity.parts import parts
from vetgate_similarity.plane import UNITS, plane_of

BEYOND = 1e6
"""Where the independents of a resample do not differ from the reference; no candidate is so far: it bounds nothing."""
ADVICE = "vetgate yardstick build makes one from models trained independently of the reference; then --yardstick FILE"


def measure(compared: Compared, ask: Ask) -> Results:
    """Return the candidate's distance over the median independent's, and the distances that it stands between.

    Without a yardstick nothing, but why, where a rule asks.

    Raises:
        Inconclusive: The yardstick is of other images or classes.
    """
    if ask.glance:
        return Results()
    yardstick, table = compared.yardstick, compared.table
    if yardstick is None:
        asked = INDEPENDENCE.id in ask.metrics
        return Results(findings=(undefined(INDEPENDENCE, "no yardstick was given", advice=ADVICE),) if asked else ())
    reference = table.reference.probabilities
    if any(rows.shape != reference.shape for rows in yardstick.probabilities):
        raise Inconclusive("the yardstick is of other images or classes than the models were asked for", hint=ADVICE)
    distance, models = yardstick.summary.distance, (table.candidate.probabilities, *yardstick.probabilities)
    rows = np.stack([row_distances(distance, probabilities, reference) for probabilities in models])
    rows = rows[:, np.lexsort(rows[::-1])]  # an order of their own, for sums depend on it in the last digits
    own, others = float(rows[0].mean()), rows[1:].mean(axis=1)
    exhibits = (_exhibit(yardstick, own, others), plane_of(yardstick, models, reference))
    if not np.median(others) > 0.0:
        why = "the median independent does not differ from the reference on these images"
        return Results(findings=(undefined(INDEPENDENCE, why),), exhibits=exhibits)
    return Results(measurements=(_figure(compared, ask, rows, FARTHEST[distance]),), exhibits=exhibits)


def _figure(compared: Compared, ask: Ask, rows: Floats, most: float) -> Measurement:
    """Return the ratio, its distances all resampled on the same images.

    Args:
        compared: The models.
        ask: Confidences, replicates, seed.
        rows: (1 + U, N) distances of the candidate and of the independents, images in an order of their own.
        most: Greatest distance on an image.
    """
    part = next(parts(compared.table, ask, INDEPENDENCE))
    resampled = bootstrap_images(
        _ratio,
        rows,
        replicates=part.replicates,
        seed=ask.seed,
        levels=attainable_levels(ask.confidences, part.replicates),
    )
    own, others = float(rows[0].mean()), rows[1:].mean(axis=1)
    middle, n = float(np.median(others)), rows.shape[1]
    note = f"{_bracket(own, others)}, by {compared.yardstick.summary.distance.value}" if compared.yardstick else ""
    unseen = Unseen(
        lambda error: unseen_share(n, error) * own / middle,
        lambda error: unseen_share(n, error) * (most - own) / middle,
    )
    return resampled_figure(INDEPENDENCE, resampled, 0, part, unseen, note=note)


def _ratio(sums: Floats) -> Floats:
    """Return (1, R) the first of (1 + U, R) sums over the median of the others."""
    middle = np.median(sums[1:], axis=0, keepdims=True)
    ratio = np.divide(sums[:1], middle, out=np.full_like(middle, BEYOND), where=middle > 0.0)
    return np.clip(ratio, 0.0, BEYOND)


def _bracket(own: float, others: Floats) -> str:
    """Return the ratios that the independents span, one by one: the nearest gives the greatest."""
    least, most = float(others.min()), float(others.max())
    upper = f"{own / least:.4g}" if least > 0.0 else "infinite"
    return f"{own / most:.4g} to {upper} by the farthest and the nearest independent"


def _exhibit(yardstick: Yardstick, own: float, others: Floats) -> Table:
    rows = [(peer.name, "independent", float(far)) for peer, far in zip(yardstick.peers, others, strict=True)]
    rows.append(("candidate", "candidate", own))
    rows.sort(key=lambda row: (row[2], row[1] == "candidate", row[0]))
    if own < others.min():
        place = "nearer to the reference than every independent model"
    elif own > others.max():
        place = "farther from the reference than every independent model"
    else:
        place = "among the independent models"
    return Table(
        title="Distance from the reference, beside independent models",
        columns=("model", "what", "distance", "candidate's over it"),
        rows=tuple((name, what, far, own / far if far > 0.0 else None) for name, what, far in rows),
        caption=f"Mean {yardstick.summary.distance.value} over the images; the candidate is {place}. Damage can carry "
        "a copy as far as an independent model, so that a great distance alone does not tell another function from a "
        "broken one.",
        chart=Chart(
            mark=Mark.BARS,
            label="model",
            values=("distance",),
            group="what",
            unit=UNITS.get(yardstick.summary.distance, Unit.SCORE),
        ),
    )
