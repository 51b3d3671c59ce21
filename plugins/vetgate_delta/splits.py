"""Which images DELTA is trained on and which it explains: never the same ones."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vetgate.api import DataError, ImageSet, Inconclusive


@dataclass(frozen=True)
class Fold:
    """One fit of DELTA and what it answers for."""

    train: NDArray[np.intp]
    """Rows of the images that are trained on, ascending."""
    explain: NDArray[np.intp]
    """Rows of the vetted images, ascending; none of their images is trained on."""


@dataclass(frozen=True)
class Plan:
    """Who learns from what."""

    images: ImageSet
    """What is trained on."""
    subgraph: NDArray[np.intp]
    """Rows of `images` that the subgraph is made with, ascending."""
    folds: tuple[Fold, ...]
    note: str
    """In a sentence."""

    @property
    def explained(self) -> NDArray[np.intp]:
        """Return the rows of the vetted images that are explained, ascending."""
        return np.sort(np.concatenate([fold.explain for fold in self.folds]))


def make_plan(vetted: ImageSet, training: ImageSet | None, folds: int, seed: int) -> Plan:
    """Return who learns from what.

    With training images everything is trained on them and every vetted image is explained. Without, a seeded half of
    the vetted images is trained on and never explained, and DELTA is fitted anew for each fold of the other half, on
    all images but the fold's. Copies of an image go together.

    Args:
        vetted: The images of the run.
        training: None where none were given.
        folds: Of cross-fitting; 1 trains on the one half alone.
        seed: Of the halves and folds.

    Raises:
        DataError: Training images are among the vetted ones.
        Inconclusive: There are too few images to take a half of.
    """
    everything = np.arange(len(vetted))
    if training is not None:
        refuse_overlap(vetted, training)
        rows = np.arange(len(training))
        return Plan(
            training,
            rows,
            (Fold(rows, everything),),
            f"DELTA was trained on {len(training):,} images of {training.name}; none of them is explained.",
        )
    groups = _shuffled_groups(vetted.digests, seed)
    count = int(groups.max(initial=-1)) + 1
    if count < 4:
        raise Inconclusive(
            f"too few images to train DELTA on one half of them and explain the other: {len(vetted):,}",
            hint="give more images, or training images of their own: --train-data PATH",
        )
    half = count // 2
    learned, rest = everything[groups < half], everything[groups >= half]
    parts = min(folds, count - half)
    number = (groups[rest] - half) % parts
    fitted = tuple(
        Fold(learned if parts == 1 else np.sort(np.concatenate([learned, rest[number != at]])), rest[number == at])
        for at in range(parts)
    )
    crossed = f", fitted anew for each of {parts} folds of them" if parts > 1 else ""
    return Plan(
        vetted,
        learned,
        fitted,
        f"No training images were given: DELTA was trained on {len(learned):,} of the {len(vetted):,} vetted images, "
        f"drawn with seed {seed}, and explains the other {len(rest):,}{crossed}.",
    )


def refuse_overlap(vetted: ImageSet, training: ImageSet) -> None:
    """See that no training image is among those that are explained.

    Raises:
        DataError: One is, with how many.
    """
    known = set(vetted.digests)
    shared = [name for name, digest in zip(training.ids, training.digests, strict=True) if digest in known]
    if shared:
        raise DataError(
            f"{len(shared):,} of the {len(training):,} training images of {training.name} are among those to explain, "
            f"such as {shared[0]}: DELTA would explain what it has learned by heart",
            hint="take them out of one of the two sets",
        )


def _shuffled_groups(digests: tuple[str, ...], seed: int) -> NDArray[np.intp]:
    """Return the group (N,) of each image, numbered from 0 in a random order; images of one digest share theirs."""
    _, groups = np.unique(np.asarray(digests, dtype=np.str_), return_inverse=True)
    order = np.random.default_rng(seed).permutation(int(groups.max(initial=-1)) + 1)
    shuffled: NDArray[np.intp] = order[groups]
    return shuffled
