"""Counts of right and wrong answers, over all images and class by class."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vetgate.api import Predictions

ROWS_AT_ONCE = 512
"""Images ranked at a time, so that what is compared stays near the processor."""


@dataclass(frozen=True)
class Flips:
    """How often two models are right on the same images."""

    images: int
    right: int
    """Images that the reference has right."""
    lost: int
    """Images that the reference has right and the candidate wrong."""
    won: int
    """The reverse."""


@dataclass(frozen=True)
class Paired:
    """The same counts by group of images, (groups,) each."""

    images: NDArray[np.int64]
    right: NDArray[np.int64]
    lost: NDArray[np.int64]
    won: NDArray[np.int64]

    def of(self, group: int) -> Flips:
        """Return the counts of one group."""
        return Flips(*(int(found[group]) for found in (self.images, self.right, self.lost, self.won)))

    def only(self, groups: NDArray[np.int64]) -> Paired:
        """Return the counts of some groups, in their order."""
        return Paired(self.images[groups], self.right[groups], self.lost[groups], self.won[groups])


@dataclass(frozen=True)
class PerClass:
    """One model's answers by class."""

    images: NDArray[np.int64]
    """(C,) images of the class."""
    answered: NDArray[np.int64]
    """(C,) images that are given the class."""
    right: NDArray[np.int64]
    """(C,) images of the class that are given it."""

    @property
    def recall(self) -> NDArray[np.float64]:
        """Return (C,) right / images; 0 where the class has no images, which no mean may count."""
        return _share(self.right, self.images)

    @property
    def precision(self) -> NDArray[np.float64]:
        """Return (C,) right / answered; 0, by convention, where the model never gives the class."""
        return _share(self.right, self.answered)

    @property
    def f1(self) -> NDArray[np.float64]:
        """Return (C,) the harmonic mean of precision and recall."""
        return _share(2 * self.right, self.images + self.answered)


def _share(part: NDArray[np.int64], whole: NDArray[np.int64]) -> NDArray[np.float64]:
    return np.divide(part, whole, out=np.zeros(len(whole)), where=whole > 0)


def pair(groups: NDArray[np.int64], candidate: NDArray[np.bool_], reference: NDArray[np.bool_], count: int) -> Paired:
    """Return the counts of each group of images.

    Args:
        groups: (N,) the group of each image, from 0: its label, or 0 for all alike.
        candidate: (N,) whether the candidate is right.
        reference: (N,) whether the reference is right.
        count: Groups in all.
    """
    parts = (np.ones_like(reference), reference, reference & ~candidate, candidate & ~reference)
    return Paired(*(np.bincount(groups[part], minlength=count) for part in parts))


def per_class(labels: NDArray[np.int64], answers: NDArray[np.int64], classes: int) -> PerClass:
    """Return one model's counts by class."""
    groups = (labels, answers, labels[labels == answers])
    return PerClass(*(np.bincount(group, minlength=classes) for group in groups))


def in_top(predictions: Predictions, labels: NDArray[np.int64], most: int) -> NDArray[np.bool_]:
    """Return (N,) whether the label is among the `most` first answers; ties go to the lowest index.

    Ranks raw outputs, as the answers do: they order the classes as the probabilities do, and they still differ where
    a saturated softmax makes probabilities equal.
    """
    found = np.empty(len(labels), dtype=np.bool_)
    for start in range(0, len(labels), ROWS_AT_ONCE):
        raw, own = predictions.raw[start : start + ROWS_AT_ONCE], labels[start : start + ROWS_AT_ONCE, np.newaxis]
        score = np.take_along_axis(raw, own, axis=1)
        before = np.count_nonzero(raw > score, axis=1)
        open_to_ties = np.flatnonzero(before < most)
        raw, score, own = raw[open_to_ties], score[open_to_ties], own[open_to_ties]
        before[open_to_ties] += np.count_nonzero((raw == score) & (np.arange(raw.shape[1]) < own), axis=1)
        found[start : start + ROWS_AT_ONCE] = before < most
    return found
