"""From counts and resamples to measurements."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from vetgate.api import (
    Counts,
    Measurement,
    MetricSpec,
    Of,
    PairedCounts,
    PerImage,
    Quantiles,
    Slice,
    Unstated,
)
from vetgate.statistics import Resampled, widen
from vetgate_quality.tally import Flips

EACH = (Of.CANDIDATE, Of.REFERENCE, Of.DELTA)

Uncertainty: TypeAlias = Counts | PairedCounts | Quantiles | Unstated


@dataclass(frozen=True)
class Target:
    """What figures are of: the images they rest on."""

    images: int
    where: Slice | None = None
    note: str = ""


def figure(spec: MetricSpec, role: Of, value: float, uncertainty: Uncertainty, target: Target) -> Measurement:
    """Return one figure."""
    return Measurement(
        metric=spec.id,
        role=role,
        value=value,
        unit=spec.unit,
        better=spec.better,
        n=target.images,
        uncertainty=uncertainty,
        slice=target.where,
        note=target.note,
    )


def hits(spec: MetricSpec, flips: Flips, *, where: Slice | None = None) -> Iterator[Measurement]:
    """Yield the share of right answers of both models and its difference, with the counts that bound them.

    Args:
        spec: The metric.
        flips: How often each is right; at least one image.
        where: What the images are confined to, or None for all.
    """
    images, right, lost, won = flips.images, flips.right, flips.lost, flips.won
    kept, target = right - lost + won, Target(images, where)
    yield figure(spec, Of.CANDIDATE, kept / images, Counts(k=kept, n=images), target)
    yield figure(spec, Of.REFERENCE, right / images, Counts(k=right, n=images), target)
    yield figure(spec, Of.DELTA, (won - lost) / images, PairedCounts(b=lost, c=won, n=images), target)


def per_image(spec: MetricSpec, role: Of, right: NDArray[np.bool_]) -> PerImage:
    """Return the answers (N,) packed, the first image in the highest bit."""
    return PerImage(
        metric=spec.id, role=role, n=len(right), bits=base64.b64encode(np.packbits(right).tobytes()).decode("ascii")
    )


def quantiles(
    resampled: Resampled, row: int, role: Of, unseen: Callable[[float], float], leaning: Sequence[float] = ()
) -> Uncertainty:
    """Return the distribution of one resampled share or difference, no narrower than what was not seen allows.

    Args:
        resampled: With the figure.
        row: The figure's.
        role: Whose it is; a difference lies in [-1, 1], a model's own in [0, 1].
        unseen: The change that images not seen may make with a given chance of more (see unseen_change).
        leaning: Biases whose sum the figure's may be, each as far up or down as it is alone; its own where empty.
    """
    if not resampled.levels:
        return Unstated()
    biases = leaning or (float(resampled.bias[row]),)
    values = widen(
        resampled.levels,
        resampled.values[row].tolist(),
        float(resampled.estimate[row]),
        unseen,
        low=-1.0 if role is Of.DELTA else 0.0,
        high=1.0,
        bias=(sum(max(each, 0.0) for each in biases), sum(max(-each, 0.0) for each in biases)),
    )
    return Quantiles(levels=resampled.levels, values=values, method=resampled.method(row))


def resampled_figures(
    spec: MetricSpec,
    resampled: Resampled,
    rows: range,
    unseen: Callable[[float], float],
    target: Target,
    *,
    apart: bool = False,
) -> Iterator[Measurement]:
    """Yield a resampled figure of both models and its difference, which stand in three rows.

    Args:
        spec: The metric.
        resampled: With the figures.
        rows: Of the candidate, the reference and the difference.
        unseen: As for quantiles.
        target: What the figures are of.
        apart: Whether the biases of both models may not cancel in the difference though those of the resamples do.
    """
    own, other = (float(resampled.bias[row]) for row in rows[:2])
    for role, row in zip(EACH, rows, strict=True):
        leaning = (own, -other) if apart and role is Of.DELTA else ()
        notes = [target.note, _how(resampled, row)]
        told = Target(target.images, target.where, "; ".join(note for note in notes if note))
        yield figure(spec, role, float(resampled.estimate[row]), quantiles(resampled, row, role, unseen, leaning), told)


def _how(resampled: Resampled, row: int) -> str:
    """Return what a reader must know of the bounds; nothing where they are the usual ones."""
    if not resampled.levels:
        return ""
    match resampled.methods[row]:
        case "constant":
            return "no resample differs from it, so that its bounds are what images not seen could change"
        case "percentile":
            return "percentile bounds, because its resamples admit no BCa correction"
    return ""


def precision_of_class(
    spec: MetricSpec, counts: tuple[tuple[int, int], tuple[int, int]], difference: Uncertainty, target: Target
) -> Iterator[Measurement]:
    """Yield the precision of one class; each model's rests on the images that it gives the class.

    Args:
        spec: The metric.
        counts: Right answers and all answers of this class, of the candidate and of the reference.
        difference: How uncertain the difference is.
        target: The class and its images, at least 1.
    """
    given = [whole for _, whole in counts]
    never = [name for name, whole in zip(("candidate", "reference"), given, strict=True) if not whole]
    note = f"the {' and the '.join(never)} never gave this class, which counts as 0" if never else ""
    values = [part / whole if whole else 0.0 for part, whole in counts]
    for role, value, (part, whole) in zip(EACH[:2], values, counts, strict=True):
        uncertainty = Counts(k=part, n=whole) if whole else Unstated()
        yield figure(spec, role, value, uncertainty, Target(whole or target.images, target.where, note))
    told = Target(target.images, target.where, note)
    yield figure(spec, Of.DELTA, values[0] - values[1], difference if any(given) else Unstated(), told)
