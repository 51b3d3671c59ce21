"""Expected calibration error, and its distribution over resamples of the images.

Source: C. Guo, G. Pleiss, Y. Sun, K. Q. Weinberger, "On Calibration of Modern Neural Networks", ICML 2017, equation 3.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from vetgate.api import Predictions
from vetgate.statistics import Resampled, bootstrap

BINS = 15
"""As in the paper's tables."""
MOST_CHANGE = 2.0
"""What one image changes the error by, times the number of images: it leaves a bin and enters another."""


def expected_calibration_error(confidence: NDArray[np.float64], right: NDArray[np.bool_]) -> float:
    """Return the mean over images of |accuracy - confidence| of the bin that the image falls in, in [0, 1].

    0 is a model that is right as often as it says. The bins are ((m - 1) / 15, m / 15]. The estimate is biased upwards
    for few images: a perfectly calibrated model shows 0.02 to 0.04 with 500 images and 0.005 to 0.009 with 10,000.

    Args:
        confidence: (N,) probability of the given answer, in [0, 1].
        right: (N,) whether the answer is the label.
    """
    gaps = np.bincount(_bin(confidence), weights=right - confidence, minlength=BINS)
    return float(np.abs(gaps).sum() / len(right))


def confidence_of(model: Predictions) -> NDArray[np.float64]:
    """Return (N,) the probability of each image's answer."""
    return np.take_along_axis(model.probabilities, model.answers[:, np.newaxis], axis=1)[:, 0]


def resample_calibration(
    candidate: Predictions,
    reference: Predictions,
    labels: NDArray[np.int64],
    *,
    replicates: int,
    seed: int,
    levels: tuple[float, ...],
) -> Resampled:
    """Return the errors of candidate and reference and their difference, resampled over images.

    Images are put in the order of what they add, so that their order in the table does not matter.
    """
    models = (candidate, reference)
    columns = [part for model in models for part in (confidence_of(model), model.answers == labels)]
    cells, sizes = np.unique(np.stack(columns, axis=1, dtype=np.float64), axis=0, return_counts=True)
    places = np.concatenate([_bin(cells[:, 0]), BINS + _bin(cells[:, 2])])
    terms = np.concatenate([cells[:, 1] - cells[:, 0], cells[:, 3] - cells[:, 2]])
    across = np.tile(np.arange(len(sizes)), 2)
    design = csr_array((terms, (places, across)), shape=(2 * BINS, len(sizes)))

    def errors(totals: NDArray[np.float64]) -> NDArray[np.float64]:
        gaps = np.abs(totals).reshape(2, BINS, -1).sum(axis=1) / len(labels)
        return np.stack([gaps[0], gaps[1], gaps[0] - gaps[1]])

    return bootstrap(errors, design, sizes, replicates=replicates, seed=seed, levels=levels)


def _bin(confidence: NDArray[np.float64]) -> NDArray[np.int64]:
    return np.searchsorted(np.arange(1, BINS) / BINS, confidence, side="left").astype(np.int64)
