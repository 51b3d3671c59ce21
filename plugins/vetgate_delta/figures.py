"""From answers to figures, each with what bounds it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from vetgate.api import CONCEPT, Ask, Counts, Exact, Measurement, MetricSpec, Of, Quantiles, Slice, Unstated
from vetgate.statistics import Bounds, attainable_levels, bootstrap, bootstrap_images, paired_bounds
from vetgate_delta import metrics
from vetgate_delta.category import Category
from vetgate_delta.explain import Explanation

LEVEL = 0.95
"""Confidence at which the fused model must exceed its controls."""
FEWEST = 20
"""Images that the reference gets right and the candidate wrong, from which on there is something to explain."""

Uncertainty: TypeAlias = Counts | Exact | Quantiles | Unstated
Right: TypeAlias = NDArray[np.bool_]


@dataclass(frozen=True)
class Verdicts:
    """Which of n images each model gets right, each (n,)."""

    reference: Right
    candidate: Right
    fused: Right
    permuted: Right
    alone: Right

    def __len__(self) -> int:
        return len(self.reference)


@dataclass(frozen=True)
class Sizes:
    """Costs of a model; None where they are not known."""

    parameters: int | None
    macs: int | None


def accuracies(right: Verdicts) -> Iterator[Measurement]:
    """Yield the share of images that the fused model and both controls get right."""
    for spec, hits in ((metrics.FUSED, right.fused), (metrics.PERMUTED, right.permuted), (metrics.ALONE, right.alone)):
        yield share(spec, int(hits.sum()), len(right))


def share(spec: MetricSpec, k: int, n: int, where: Slice | None = None) -> Measurement:
    """Return k of n images as a figure."""
    return _figure(spec, k / n, n, Counts(k=k, n=n), where=where)


def recovery(right: Verdicts, ask: Ask) -> Measurement | None:
    """Return (Acc_fused - Acc_E) / (Acc_B - Acc_E); None where the candidate is not behind the reference.

    It is bounded by a bootstrap over images; a resample without a gap counts as the sample's figure, so that without
    nearly enough images nothing is stated.
    """
    gained = right.fused.astype(np.int64) - right.candidate
    lost = right.reference.astype(np.int64) - right.candidate
    if lost.sum() <= 0:
        return None
    cells, sizes = np.unique(np.stack([gained, lost]), axis=1, return_counts=True)
    value = float(gained.sum() / lost.sum())

    def of_sums(sums: NDArray[np.float64]) -> NDArray[np.float64]:
        usable = sums[1:] > 0
        return np.asarray(np.divide(sums[:1], sums[1:], out=np.full_like(sums[1:], value), where=usable))

    uncertainty: Uncertainty = Unstated()
    if _gap_is_certain(lost):
        levels = attainable_levels(ask.confidences, ask.replicates)
        found = bootstrap(
            of_sums,
            cells.astype(np.float64),
            sizes.astype(np.int64),
            replicates=ask.replicates,
            seed=ask.seed,
            levels=levels,
        )
        uncertainty = Quantiles(levels=found.levels, values=tuple(map(float, found.values[0])), method=found.method(0))
    unsure = "no bounds: that the candidate is behind is itself not sure" if isinstance(uncertainty, Unstated) else ""
    needed = all(exceeds(right, control) for control in (right.permuted, right.alone))
    without = "" if needed else "a control failed: it does not take the candidate for this"
    note = "; ".join(filter(None, (unsure, without)))
    return _figure(metrics.RECOVERY, value, len(right), uncertainty, note=note)


def _gap_is_certain(lost: NDArray[np.int64]) -> bool:
    """Return whether the candidate is behind the reference at any level that a rule may ask for, nearly."""
    only_reference, only_candidate = int((lost > 0).sum()), int((lost < 0).sum())
    return paired_bounds(only_reference, only_candidate, len(lost), 0.999).upper < 0


def beyond(right: Verdicts, control: Right) -> Bounds:
    """Return the accuracy of the fused model minus that of a control, with one-sided bounds at LEVEL."""
    only_control, only_fused = int((control & ~right.fused).sum()), int((right.fused & ~control).sum())
    return paired_bounds(only_control, only_fused, len(right), LEVEL)


def exceeds(right: Verdicts, control: Right) -> bool:
    """Return whether the fused model is better than a control by its interval."""
    return beyond(right, control).lower > 0


def ratios(own: Sizes, candidate: Sizes, reference: Sizes) -> Iterator[Measurement]:
    """Yield the costs of DELTA over those of both models, as far as they are known."""
    for spec, mine, theirs in (
        (metrics.PARAMS_CANDIDATE, own.parameters, candidate.parameters),
        (metrics.PARAMS_REFERENCE, own.parameters, reference.parameters),
        (metrics.MACS_CANDIDATE, own.macs, candidate.macs),
        (metrics.MACS_REFERENCE, own.macs, reference.macs),
    ):
        if mine is not None and theirs:
            yield _figure(
                spec, mine / theirs, 1, Exact(), note="without the reference's classifier, which DELTA shares"
            )


def correlation(
    added: NDArray[np.float32], resized: NDArray[np.float32], folds: NDArray[np.intp], ask: Ask
) -> Measurement | None:
    """Return Pearson's correlation of F_D and R over all features of explained images; None where one never varies.

    Args:
        added: F_D (n, D_B).
        resized: R (n, D_B).
        folds: (n,) whose DELTA gave each image's; features are centred within each.
        ask: Levels and seed.
    """
    ours, theirs = added.astype(np.float64), resized.astype(np.float64)
    for fold in np.unique(folds):
        ours[folds == fold] -= ours[folds == fold].mean(axis=0)
        theirs[folds == fold] -= theirs[folds == fold].mean(axis=0)
    design = np.stack([(ours * theirs).sum(axis=1), np.square(ours).sum(axis=1), np.square(theirs).sum(axis=1)])
    totals = design.sum(axis=1)
    if len(added) < 2 or not (totals[1] > 0 and totals[2] > 0):
        return None
    value = float(totals[0] / np.sqrt(totals[1] * totals[2]))

    def of_sums(sums: NDArray[np.float64]) -> NDArray[np.float64]:
        power = np.maximum(sums[1:2], 0) * np.maximum(sums[2:], 0)
        found = np.divide(sums[:1], np.sqrt(power), out=np.full_like(power, value), where=power > 0)
        return np.asarray(np.clip(found, -1, 1))

    levels = attainable_levels(ask.confidences, ask.replicates)
    found = bootstrap_images(of_sums, design, replicates=ask.replicates, seed=ask.seed, levels=levels)
    uncertainty = Quantiles(levels=found.levels, values=tuple(map(float, found.values[0])), method=found.method(0))
    note = (
        "conclude nothing from it: F_D aims at 2 F_B - R, so that it lies near -0.45 where the candidate's channels "
        "pair with the reference's at random, and near 1 for a copy that keeps their order, whatever was lost"
    )
    return _figure(metrics.CORRELATION, value, len(added), uncertainty, note=note)


def explained(count: int, among: int) -> Measurement:
    """Return how many images there are to explain, among those that DELTA was not trained on."""
    return _figure(metrics.EXPLAINED, float(count), among, Exact())


def of_explanation(found: Explanation, threshold: float) -> Iterator[Measurement]:
    """Yield mean overlap, shares of categories and frequencies of concepts."""
    if found.overlap is not None:
        uncertainty = found.overlap.uncertainty or Unstated()
        yield _figure(metrics.OVERLAP, found.overlap.mean, found.overlap.images, uncertainty)
    for category, count in found.categories[threshold].items():
        spec = metrics.SHARES[_name(category)]
        yield _figure(
            spec,
            count / found.images,
            found.images,
            Counts(k=count, n=found.images),
            note=f"at a threshold of {threshold:g}, with which it moves",
        )
    for concept in found.concepts:
        where = Slice(by=CONCEPT, value=concept.name)
        yield share(metrics.CONCEPTS, concept.images, found.concept_images, where)


def _name(category: Category) -> str:
    return category.value.replace(", ", "_")


def _figure(
    spec: MetricSpec, value: float, n: int, uncertainty: Uncertainty, *, note: str = "", where: Slice | None = None
) -> Measurement:
    return Measurement(
        metric=spec.id,
        role=Of.PAIR,
        value=value,
        unit=spec.unit,
        better=spec.better,
        n=n,
        uncertainty=uncertainty,
        slice=where,
        note=note,
    )
