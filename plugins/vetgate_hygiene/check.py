"""The check of the images themselves: what they share with other sets, what comes twice, what has two labels."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from vetgate.api import (
    Ask,
    Finding,
    ImagesContext,
    Inconclusive,
    Measurement,
    Results,
    Severity,
    SketchedImages,
)
from vetgate_hygiene.duplicates import Pair, copies_within, find_duplicates, find_overlap
from vetgate_hygiene.exhibits import show_duplicates, show_overlap
from vetgate_hygiene.figures import share
from vetgate_hygiene.metrics import CONFLICTS, DUPLICATES_EXACT, DUPLICATES_NEAR, OVERLAP_EXACT, OVERLAP_NEAR


@dataclass(frozen=True)
class _Other:
    """A set that models were made on."""

    what: str
    images: SketchedImages
    pairs: tuple[Pair, ...]


class HygieneCheck:
    """The check. Implements Check[ImagesContext]."""

    def measure(self, context: ImagesContext, ask: Ask) -> Results:
        """Return what vetted images share with other sets and with each other; what was not named is not measured.

        Raises:
            Inconclusive: No vetted image can be read.
        """
        vetted = context.vetted
        if not vetted.readable.any():
            raise Inconclusive(f"no image of {vetted.name} can be read, the first: {vetted.unreadable}")
        named = (("calibration", context.calibration), ("training", context.training))
        others = [_Other(what, found, find_overlap(vetted, found)) for what, found in named if found is not None]
        figures, findings = _overlap(context, others)
        pairs = find_duplicates(vetted)
        figures += _duplicates(vetted, pairs)
        findings += (*_unread(context), *_tell_duplicates(vetted, pairs, figures))
        exhibits = [show_overlap(other.what, vetted, other.images, other.pairs) for other in others if other.pairs]
        exhibits += [show_duplicates(vetted, pairs)] if pairs else []
        return Results(measurements=tuple(figures), findings=tuple(findings), exhibits=tuple(exhibits))


def _overlap(context: ImagesContext, others: list[_Other]) -> tuple[list[Measurement], list[Finding]]:
    """Return the two shares of overlap, or why they are not known."""
    both, vetted = (OVERLAP_EXACT, OVERLAP_NEAR), context.vetted
    findings = [_tell_overlap(vetted, other) for other in others if other.pairs]
    why = ""
    if not others:
        why = "no calibration data was named (--calibration-data PATH), nor training data (--train-data PATH)"
    for other in others:
        lost = int(np.count_nonzero(~other.images.readable))
        if lost > context.tolerated * len(other.images):
            why = (
                f"{lost:,} of {len(other.images):,} images of the {other.what} data {other.images.name} cannot be "
                f"read, so that nobody knows whether they are vetted on; the first: {other.images.unreadable}"
            )
    if why:
        unknown = [
            Finding(rule="hygiene.unknown", severity=Severity.INFO, message=f"{spec.id} was not measured: {why}")
            for spec in both
        ]
        return [], findings + unknown
    beside = " and ".join(f"{other.what} data {other.images.name} ({len(other.images):,})" for other in others)
    if context.calibration is None:
        beside += "; no calibration data was named"
    images = int(np.count_nonzero(vetted.readable))
    near = {pair.first for other in others for pair in other.pairs}
    exact = {pair.first for other in others for pair in other.pairs if pair.exact}
    note = f"beside {beside}"
    return [share(OVERLAP_EXACT, len(exact), images, note), share(OVERLAP_NEAR, len(near), images, note)], findings


def _tell_overlap(vetted: SketchedImages, other: _Other) -> Finding:
    exact = sum(pair.exact for pair in other.pairs)
    first = min(other.pairs, key=lambda pair: (-pair.likeness, pair.first))
    return Finding(
        rule="hygiene.overlap",
        severity=Severity.MEDIUM,
        message=(
            f"{len(other.pairs):,} of {len(vetted):,} vetted images are also in the {other.what} data "
            f"{other.images.name}: {exact:,} exact and {len(other.pairs) - exact:,} near copies"
        ),
        location=f"{vetted.ids[first.first]} = {other.images.ids[first.second]}",
        advice="take them out of one of the two: what a model was made on says nothing of how it does on other images",
    )


def _duplicates(vetted: SketchedImages, pairs: tuple[Pair, ...]) -> list[Measurement]:
    images = int(np.count_nonzero(vetted.readable))
    exact = copies_within(vetted, tuple(pair for pair in pairs if pair.exact))
    near = copies_within(vetted, pairs)
    figures = [
        share(DUPLICATES_EXACT, int(np.count_nonzero(exact)), images, ""),
        share(DUPLICATES_NEAR, int(np.count_nonzero(near)), images, ""),
    ]
    if vetted.labels is not None:
        figures.append(share(CONFLICTS, len(_conflicting(vetted)), images, ""))
    return figures


def _conflicting(vetted: SketchedImages) -> tuple[int, ...]:
    """Return the images whose pixels come again under another label."""
    if vetted.labels is None:
        return ()
    seen: dict[bytes, set[int]] = {}
    keys = [digest.tobytes() for digest in vetted.pixels]
    readable = np.flatnonzero(vetted.readable).tolist()
    for row in readable:
        seen.setdefault(keys[row], set()).add(int(vetted.labels[row]))
    return tuple(row for row in readable if len(seen[keys[row]]) > 1)


def _tell_duplicates(vetted: SketchedImages, pairs: tuple[Pair, ...], figures: list[Measurement]) -> Iterator[Finding]:
    shares = {figure.metric: figure for figure in figures}
    if pairs:
        first = pairs[0]
        yield Finding(
            rule="hygiene.duplicates",
            severity=Severity.LOW,
            message=f"images come twice: {shares[DUPLICATES_NEAR.id].note}, {shares[DUPLICATES_EXACT.id].note} exactly",
            location=f"{vetted.ids[first.first]} = {vetted.ids[first.second]}",
            advice="keep one of each: an image that comes twice counts twice, and intervals are too narrow for it",
        )
    conflicting = _conflicting(vetted)
    if conflicting:
        yield Finding(
            rule="hygiene.conflicting-labels",
            severity=Severity.MEDIUM,
            message=f"{len(conflicting):,} images come with the same pixels under another label",
            location=vetted.ids[conflicting[0]],
            advice="at most one of their labels is right: mend or remove them",
        )


def _unread(context: ImagesContext) -> Iterator[Finding]:
    for what, images in (("calibration", context.calibration), ("training", context.training)):
        lost = int(np.count_nonzero(~images.readable)) if images is not None else 0
        if images is not None and lost:
            yield Finding(
                rule="hygiene.unreadable",
                severity=Severity.MEDIUM,
                message=f"{lost:,} of {len(images):,} images of the {what} data {images.name} cannot be read",
                location=images.ids[int(np.flatnonzero(~images.readable)[0])],
                advice=f"mend them or set --max-unreadable; the first: {images.unreadable}",
            )
