"""From counts to measurements."""

from __future__ import annotations

from collections.abc import Iterator

from vetgate.api import (
    Counts,
    Measurement,
    MetricSpec,
    Of,
    PairedCounts,
    Slice,
    Unstated,
)
from vetgate_quality.tally import Flips


def hits(spec: MetricSpec, flips: Flips, *, where: Slice | None = None) -> Iterator[Measurement]:
    """Yield the share of right answers of both models and its difference, with the counts that bound them.

    Args:
        spec: The metric.
        flips: How often each is right; at least one image.
        where: What the images are confined to, or None for all.
    """
    images, right, lost, won = flips.images, flips.right, flips.lost, flips.won
    kept = right - lost + won
    for role, value, uncertainty in (
        (Of.CANDIDATE, kept / images, Counts(k=kept, n=images)),
        (Of.REFERENCE, right / images, Counts(k=right, n=images)),
        (Of.DELTA, (won - lost) / images, PairedCounts(b=lost, c=won, n=images)),
    ):
        yield Measurement(
            metric=spec.id,
            role=role,
            value=value,
            unit=spec.unit,
            better=spec.better,
            n=images,
            uncertainty=uncertainty,
            slice=where,
        )


def points(
    spec: MetricSpec, candidate: float, reference: float, *, images: int, note: str = "", where: Slice | None = None
) -> Iterator[Measurement]:
    """Yield a figure of both models and its difference, whose uncertainty counts do not tell."""
    for role, value in (
        (Of.CANDIDATE, candidate),
        (Of.REFERENCE, reference),
        (Of.DELTA, candidate - reference),
    ):
        yield Measurement(
            metric=spec.id,
            role=role,
            value=value,
            unit=spec.unit,
            better=spec.better,
            n=images,
            uncertainty=Unstated(),
            slice=where,
            note=note,
        )


def precision_of_class(
    spec: MetricSpec, candidate: tuple[int, int], reference: tuple[int, int], *, images: int, where: Slice
) -> Iterator[Measurement]:
    """Yield the precision of one class; each model's rests on the images that it gives the class.

    Args:
        spec: The metric.
        candidate: Right answers and all answers of this class.
        reference: The same of the reference.
        images: Images of the class, at least 1.
        where: The slice of the class.
    """
    (right, given), (right_reference, given_reference) = candidate, reference
    never = [name for name, count in (("candidate", given), ("reference", given_reference)) if count == 0]
    note = f"the {' and the '.join(never)} never gave this class, which counts as 0" if never else ""
    value, other = (part / whole if whole else 0.0 for part, whole in (candidate, reference))
    counted = {
        Of.CANDIDATE: Counts(k=right, n=given) if given else None,
        Of.REFERENCE: Counts(k=right_reference, n=given_reference) if given_reference else None,
    }
    for figure in points(spec, value, other, images=images, note=note, where=where):
        counts = counted.get(figure.role)
        yield figure.model_copy(update={"n": counts.n, "uncertainty": counts}) if counts else figure
