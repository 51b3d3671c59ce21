import numpy as np
import pytest
from scipy.stats import binom

from vetgate.statistics import (
    images_needed,
    images_needed_identical,
    images_needed_proportion,
    median_ratio_bounds,
    paired_bounds,
    pairs_needed,
    proportion_bounds,
)


@pytest.mark.parametrize(("discordance", "images"), [(0.02, 1_237), (0.05, 3_092), (0.1, 6_183)])
def test_images_for_one_point_at_95_percent_and_80_percent_power(discordance: float, images: int) -> None:
    assert images_needed(discordance, 0.01, 0.95) == images


def test_hardly_any_discordance_still_needs_the_images_of_identical_models() -> None:
    assert images_needed(1e-6, 0.01, 0.95) == images_needed_identical(0.01, 0.95)


@pytest.mark.parametrize(
    ("margin", "confidence", "images"),
    [(0.01, 0.95, 299), (0.01, 0.99, 496), (0.05, 0.95, 59), (0.6, 0.8, 2)],
)
def test_identical_models_pass_from_that_many_images_on(margin: float, confidence: float, images: int) -> None:
    assert images_needed_identical(margin, confidence) == images
    assert paired_bounds(0, 0, images, confidence).lower > -margin
    assert paired_bounds(0, 0, images - 1, confidence).lower <= -margin


@pytest.mark.parametrize(("estimate", "threshold"), [(0.9, 0.88), (0.7, 0.75), (0.99, 0.97)])
def test_a_single_proportion_is_settled_with_about_the_power_asked_for(estimate: float, threshold: float) -> None:
    n = images_needed_proportion(estimate, threshold, 0.95)
    found = [proportion_bounds(k, n, 0.95) for k in range(n + 1)]
    right = [f.lower > threshold if estimate > threshold else f.upper < threshold for f in found]
    settled = binom.pmf(np.arange(n + 1), n, estimate)[right].sum()
    # Clopper-Pearson, used for 0.99, needs a few images more than the normal formula says.
    assert settled == pytest.approx(0.8, abs=0.05)


@pytest.mark.parametrize("share", [1.0, 0.9, 0.7, 0.6, 0.3])
def test_latency_is_settled_with_the_power_asked_for(share: float) -> None:
    n = pairs_needed(share, 0.95)
    share = max(share, 1.0 - share)
    settled = sum(
        binom.pmf(slow, n, share)
        for slow in range(n + 1)
        if median_ratio_bounds([1.0] * slow + [-1.0] * (n - slow), 0.95).lower > 1.0
    )
    assert 0.8 <= settled <= 1.0


def test_five_pairs_settle_a_candidate_that_is_always_slower() -> None:
    assert pairs_needed(1.0, 0.95) == 5
    assert pairs_needed(0.0, 0.99) == 7


def test_the_formula_for_many_pairs_continues_the_exact_count() -> None:
    exact, approximate = pairs_needed(0.528, 0.95), pairs_needed(0.527, 0.95)
    assert exact < 2_030 < 2_100 < approximate < 2_140


def test_wrong_arguments_are_refused_with_both_values() -> None:
    with pytest.raises(ValueError, match=r"estimate is 0\.9 and so is threshold 0\.9"):
        images_needed_proportion(0.9, 0.9, 0.95)
    with pytest.raises(ValueError, match=r"estimate is 1\.2"):
        images_needed_proportion(1.2, 0.9, 0.95)
    with pytest.raises(ValueError, match="margin is -1"):
        images_needed(0.02, -1.0, 0.95)
    with pytest.raises(ValueError, match="discordance is 0"):
        images_needed(0.0, 0.01, 0.95)
    with pytest.raises(ValueError, match=r"power is 1\.0"):
        images_needed(0.02, 0.01, 0.95, power=1.0)
    with pytest.raises(ValueError, match=r"share is 0\.5"):
        pairs_needed(0.5, 0.95)
    with pytest.raises(ValueError, match=r"confidence is 0\.9999999"):
        images_needed_identical(0.01, 0.9999999)
