"""From resamples of the images to measurements."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial

from vetgate.api import Measurement, MetricSpec, Of, Quantiles, Slice, Unstated
from vetgate.statistics import Resampled, unseen_share, widen
from vetgate_scene.metrics import EACH


def resampled_figures(
    spec: MetricSpec,
    resampled: Resampled,
    rows: Sequence[int],
    images: int,
    *,
    where: Slice | None = None,
    note: str = "",
) -> Iterator[Measurement]:
    """Yield a figure of candidate and reference and its difference, or of the pair alone.

    Args:
        spec: The metric.
        resampled: With the figures.
        rows: Of the candidate, the reference and the difference; or of the pair.
        images: That the figure rests on; bounds are no narrower than what images not seen could change, each 1 / n.
        where: What the figure is confined to.
        note: What a reader must know.
    """
    roles = EACH if len(rows) == len(EACH) else (Of.PAIR,)
    for role, row in zip(roles, rows, strict=True):
        yield Measurement(
            metric=spec.id,
            role=role,
            value=float(resampled.estimate[row]),
            unit=spec.unit,
            better=spec.better,
            n=images,
            uncertainty=_quantiles(resampled, row, role, images),
            slice=where,
            note=note,
        )


def _quantiles(resampled: Resampled, row: int, role: Of, images: int) -> Quantiles | Unstated:
    if not resampled.levels:
        return Unstated()
    bias = float(resampled.bias[row])
    values = widen(
        resampled.levels,
        resampled.values[row].tolist(),
        float(resampled.estimate[row]),
        partial(unseen_share, images),
        low=-1.0 if role is Of.DELTA else 0.0,
        high=1.0,
        bias=(max(bias, 0.0), max(-bias, 0.0)),
    )
    return Quantiles(levels=resampled.levels, values=values, method=resampled.method(row))
