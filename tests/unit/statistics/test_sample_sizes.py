import math

import numpy as np
import pytest
from scipy.stats import binom

from vetgate.statistics import (
    images_needed,
    images_needed_identical,
    images_needed_proportion,
    log_sign_capital,
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


@pytest.mark.parametrize(("estimate", "threshold"), [(0.9, 0.88), (0.7, 0.75), (0.99, 0.97), (1.0, 0.95)])
def test_a_single_proportion_is_settled_with_the_power_asked_for(estimate: float, threshold: float) -> None:
    n = images_needed_proportion(estimate, threshold, 0.95)

    def settled(images: int) -> float:
        found = [proportion_bounds(k, images, 0.95) for k in range(images + 1)]
        right = [f.lower > threshold if estimate > threshold else f.upper < threshold for f in found]
        return float(binom.pmf(np.arange(images + 1), images, estimate)[right].sum())

    assert settled(n) >= 0.8 > settled(n - 1)


def test_a_proportion_that_is_always_right_passes_99_percent_from_299_images_on() -> None:
    assert images_needed_proportion(1.0, 0.99, 0.95) == 299


def test_the_formula_for_many_images_continues_the_exact_count() -> None:
    exact, formula = images_needed_proportion(0.9, 0.8976, 0.95), images_needed_proportion(0.9, 0.8977, 0.95)
    assert 95_000 < exact < 100_000 < formula < 108_000


@pytest.mark.parametrize("share", [1.0, 0.9, 0.7, 0.6, 0.3])
def test_betting_on_signs_has_decided_by_then_with_the_power_asked_for(share: float) -> None:
    n, runs = pairs_needed(share, 0.95), 4_000
    share = max(share, 1.0 - share)
    wins = np.cumsum(np.random.default_rng(3).random((runs, n)) < share, axis=1)
    decided = (log_sign_capital(wins, np.arange(1, n + 1)) >= math.log(20.0)).any(axis=1).mean()
    assert decided >= 0.8 - 0.02
    assert share in {0.9, 1.0} or decided <= 0.82


def test_six_pairs_settle_a_candidate_that_is_always_slower() -> None:
    assert pairs_needed(1.0, 0.95) == 6
    assert pairs_needed(0.0, 0.99) == 8


def test_more_power_or_a_share_nearer_to_a_half_never_needs_fewer_pairs() -> None:
    shares = [pairs_needed(share, 0.95) for share in (0.9, 0.7, 0.6, 0.55, 0.53, 0.52, 0.51)]
    assert shares == sorted(shares)
    powers = [pairs_needed(0.6, 0.95, power) for power in (0.5, 0.8, 0.9, 0.99)]
    assert powers == sorted(powers)


def test_a_share_of_almost_a_half_needs_a_finite_number_of_pairs() -> None:
    assert 10**8 < pairs_needed(0.5001, 0.95) < 10**10


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
