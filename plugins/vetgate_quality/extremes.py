"""Bounds of the least figure over slices, and of the gap between greatest and least, from counts of each slice.

Resampling cannot bound them: the least of many noisy figures lies below the least of the true ones, and that of a
resample lower still, so that a bootstrap's upper bound falls short of the truth nearly always. These bounds err at most
as often as they say. With x the candidate's accuracy by slice, r the reference's, d = x - r, and each bound one-sided:

    least x        min L(x) at a below, for the slice that is truly least has its own; min U(x) at a / S above
    gap of x       max L - min U, each at a / 2 S, below; max U - min L, each at a / 2, above
    min x - min r  between d where x is least and d where r is least, hence min L(d) and max U(d) over the slices that
                   may be those: a tenth of a is spent on telling which, the rest on d
    gap x - gap r  in the same way, as the difference of max x - max r and min x - min r
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vetgate.statistics import paired_bounds, proportion_bounds
from vetgate_quality.tally import Paired

ON_PLACE = 0.1
"""Share of the error that is spent on telling which slices may be extreme."""

Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]
Interval = tuple[float, float]


class Slices:
    """Both models on S slices, each with at least one image."""

    def __init__(self, paired: Paired) -> None:
        """Take the counts by slice."""
        self._paired = paired
        right = (paired.right - paired.lost + paired.won, paired.right)
        self.candidate, self.reference = (_Shares(part, paired.images) for part in right)

    def worst_difference(self, error: float) -> Interval:
        """Return bounds of the candidate's least accuracy less the reference's, each off with this chance."""
        own, other = (model.may_be_least(ON_PLACE * error) for model in (self.candidate, self.reference))
        lower, upper = self._differences(own | other, (1.0 - ON_PLACE) * error)
        return float(lower[own].min()), float(upper[other].max())

    def gap_difference(self, error: float) -> Interval:
        """Return bounds of the candidate's gap less the reference's, each off with this chance."""
        models, spent = (self.candidate, self.reference), ON_PLACE * error / 2.0
        least, least_reference = (model.may_be_least(spent) for model in models)
        most, most_reference = (model.may_be_most(spent) for model in models)
        named = least | least_reference | most | most_reference
        lower, upper = self._differences(named, (1.0 - ON_PLACE) * error / 2.0)
        low = lower[most_reference].min() - upper[least_reference].max()
        return max(float(low), -1.0), min(float(upper[most].max() - lower[least].min()), 1.0)

    def _differences(self, chosen: Mask, error: float) -> tuple[Floats, Floats]:
        """Return the bounds (S,) of each chosen slice's difference; equal counts are bounded once, for that is dear."""
        counts = np.stack([self._paired.lost, self._paired.won, self._paired.images], axis=1)[chosen]
        distinct, place = np.unique(counts, axis=0, return_inverse=True)
        found = [paired_bounds(b, c, n, 1.0 - error) for b, c, n in distinct.tolist()]
        lower, upper = np.full(len(chosen), np.nan), np.full(len(chosen), np.nan)
        lower[chosen] = np.array([bounds.lower for bounds in found])[place]
        upper[chosen] = np.array([bounds.upper for bounds in found])[place]
        return lower, upper


@dataclass(frozen=True)
class _Shares:
    """One model's right answers by slice."""

    right: NDArray[np.int64]
    images: NDArray[np.int64]

    @property
    def share(self) -> Floats:
        """Return (S,) the accuracies."""
        return self.right / self.images

    def worst(self, error: float) -> Interval:
        """Return bounds of the least accuracy, each off with this chance."""
        return float(self._bounds(error)[0].min()), float(self._bounds(error / len(self.images))[1].min())

    def gap(self, error: float) -> Interval:
        """Return bounds of the greatest less the least accuracy, each off with this chance."""
        lower, upper = self._bounds(error / 2.0)
        all_lower, all_upper = self._bounds(error / (2.0 * len(self.images)))
        return max(0.0, float(all_lower.max() - all_upper.min())), float(upper.max() - lower.min())

    def may_be_least(self, error: float) -> Mask:
        """Return (S,) which slices may be truly least: a mask that lacks the one that is with at most this chance."""
        found: Mask = self._bounds(error / 2.0)[0] <= self._bounds(error / (2.0 * len(self.images)))[1].min()
        return found

    def may_be_most(self, error: float) -> Mask:
        """Return (S,) the same of the greatest."""
        found: Mask = self._bounds(error / 2.0)[1] >= self._bounds(error / (2.0 * len(self.images)))[0].max()
        return found

    def _bounds(self, error: float) -> tuple[Floats, Floats]:
        found = [
            proportion_bounds(k, n, 1.0 - error) for k, n in zip(self.right.tolist(), self.images.tolist(), strict=True)
        ]
        return np.array([bounds.lower for bounds in found]), np.array([bounds.upper for bounds in found])
