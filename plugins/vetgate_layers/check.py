"""Which layer broke: inner tensors of the candidate beside those of the reference, on the same images."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from vetgate.api import (
    Ask,
    Finding,
    Inconclusive,
    Inner,
    Measurement,
    Of,
    Quantiles,
    Results,
    SessionContext,
    Severity,
    Unstated,
)
from vetgate.statistics import attainable_levels, bootstrap
from vetgate_layers.alignment import feature_cka
from vetgate_layers.exhibit import leftover, short, table
from vetgate_layers.fall import falls
from vetgate_layers.layer import Partners, align, layers_of
from vetgate_layers.metrics import CAP, FEATURE_CKA, LAYER_SNR
from vetgate_layers.pairing import AT_ONCE, bytes_of, pair_tensors
from vetgate_layers.power import Power, measure

WORST = 20
"""Tensors that the bounds of the worst are made of; another one is hardly ever the worst."""
UNIFORM = "all images alike"
"""Method of bounds where no resample differs: unlike for shares, nothing bounds what an image not seen may add."""
BROKEN = 10.0
"""Decibels of a fall from which a finding names the layer."""


class LayersCheck:
    """Compares the inner tensors of two models."""

    def measure(self, context: SessionContext, ask: Ask) -> Results:
        """Return the ratio of the worst tensor, the CKA of penultimate features, and the table.

        Raises:
            Inconclusive: A format shows no inner tensors, or the models are of different architectures.
        """
        candidate, reference = context.candidate_inner, context.reference_inner
        if candidate is None or reference is None:
            raise Inconclusive("no inner tensors can be read in this run: it needs live models and --data PATH")
        features = _features(candidate, reference, ask)
        try:
            layers = _layers(candidate, reference, ask)
        except Inconclusive as error:
            if not features.measurements:
                raise
            layers = Results(findings=(_missing(LAYER_SNR.id, error.message),))
        return Results(
            measurements=(*layers.measurements, *features.measurements),
            findings=(*layers.findings, *features.findings),
            exhibits=layers.exhibits,
        )


def _features(candidate: Inner, reference: Inner, ask: Ask) -> Results:
    """Return the CKA of penultimate features, or why there is none."""
    candidate.taps()
    reference.taps()
    try:
        return Results(measurements=(feature_cka(candidate, reference, ask),))
    except Inconclusive as error:
        return Results(findings=(_missing(FEATURE_CKA.id, error.message),))


def _missing(metric: str, why: str) -> Finding:
    message = why if why.startswith(metric) else f"{metric}: {why}"
    return Finding(rule="layers.missing", severity=Severity.INFO, message=f"{message.rstrip('.')}.")


def _layers(candidate: Inner, reference: Inner, ask: Ask) -> Results:
    ours, theirs = layers_of(candidate.taps()), layers_of(reference.taps())
    partners = align(ours, theirs)
    pairs = pair_tensors(partners, candidate, reference)
    if not pairs:
        raise Inconclusive("no matching inner tensors: no two tensors of matching layers have one shape")
    heaviest = max(bytes_of([pair.candidate for pair in pairs]), 1)
    powers = measure(pairs, candidate, reference, max(1, AT_ONCE // heaviest))
    falling = falls(powers)
    unmatched = sum(len(couple.candidate.taps) + len(couple.reference.taps) for couple in partners) - 2 * len(pairs)
    exhibits = [table(powers, falling, tuple(dict.fromkeys((*candidate.notes(), *reference.notes()))), unmatched)]
    alone = [
        [layer for layer in side if not _has_partner(layer.number, partners, at)]
        for at, side in enumerate((ours, theirs))
    ]
    if any(alone):
        exhibits.append(leftover(*alone))
    return Results(
        measurements=(_worst(powers, ask),),
        findings=(*_dead(powers), *_broken(powers, falling)),
        exhibits=tuple(exhibits),
    )


def _has_partner(number: int, partners: Sequence[Partners], at: int) -> bool:
    return any((couple.candidate, couple.reference)[at].number == number for couple in partners)


def _worst(powers: Sequence[Power], ask: Ask) -> Measurement:
    """Return the ratio of the worst tensor, bounded by a bootstrap over images of the worst of them all."""
    ranked = sorted(powers, key=lambda power: power.ratio)[:WORST]
    images = len(ranked[0].signal)
    design = np.concatenate([[power.signal for power in ranked], [power.noise for power in ranked]])
    sizes = np.ones(images, dtype=np.int64)
    uncertainty: Quantiles | Unstated = Unstated()
    if images > 1:
        levels = attainable_levels(ask.confidences, ask.replicates)
        found = bootstrap(_least, design, sizes, replicates=ask.replicates, seed=ask.seed, levels=levels)
        values = tuple(float(value) for value in found.values[0])
        method = UNIFORM if found.methods[0] == "constant" else found.method(0)
        uncertainty = Quantiles(levels=found.levels, values=values, method=method)
    where = ranked[0].pair.candidate
    return Measurement(
        metric=LAYER_SNR.id,
        role=Of.PAIR,
        value=ranked[0].ratio,
        unit=LAYER_SNR.unit,
        better=LAYER_SNR.better,
        n=images,
        uncertainty=uncertainty,
        note=f"the worst of {len(powers)} inner tensors is {short(where.name)} (layer {where.layer})",
    )


def _least(totals: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return (1, R) the least ratio from sums (2 L, R) of signal and noise."""
    signal, noise = np.split(np.maximum(totals, 0.0), 2)
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = 10 * (np.log10(signal) - np.log10(noise))
    ratio = np.where(noise <= 0, CAP, np.where(signal <= 0, -CAP, ratio))
    return np.asarray(np.clip(ratio, -CAP, CAP).min(axis=0, keepdims=True))


def _dead(powers: Sequence[Power]) -> Iterator[Finding]:
    for power in powers:
        if power.dead:
            where = power.pair.candidate
            yield Finding(
                rule="layers.dead",
                severity=Severity.MEDIUM,
                message=(
                    f"The candidate's inner tensor {short(where.name)} (layer {where.layer}) is the same for all "
                    f"{len(power.signal)} images; the reference's is not."
                ),
                location=where.name,
                advice="Look at the weights and the scales of this layer and of the one before it.",
            )
            return


def _broken(powers: Sequence[Power], falling: Sequence[float]) -> Iterator[Finding]:
    worst = max(falling)
    power = powers[falling.index(worst)]
    where = power.pair.candidate
    if worst >= BROKEN:
        yield Finding(
            rule="layers.fall",
            severity=Severity.INFO,
            message=(
                f"The signal-to-noise ratio falls most at {short(where.name)} (layer {where.layer}): by {worst:.1f} dB "
                f"to {power.ratio:.1f} dB."
            ),
            location=where.name,
        )
