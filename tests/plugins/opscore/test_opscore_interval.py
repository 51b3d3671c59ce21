from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from vetgate_opscore.interval import (
    Right,
    error_ratio_term,
    error_term,
    quantiles_of,
    scaled,
    time_ratio_term,
    time_term,
)

from vetgate.api import (
    Better,
    Counts,
    Exact,
    Looks,
    Measurement,
    Of,
    PairedCounts,
    Pairs,
    Quantiles,
    Unit,
    Unstated,
)
from vetgate.reporting import Uncertainty
from vetgate.statistics import Bounds, betting_bounds, proportion_bounds

TEN_PAIRS = tuple(0.01 * place for place in range(-5, 5))


def figure(value: float, uncertainty: Uncertainty, role: Of = Of.CANDIDATE, unit: Unit = Unit.FRACTION) -> Measurement:
    return Measurement(
        metric="x.y", role=role, value=value, unit=unit, better=Better.HIGHER, n=100, uncertainty=uncertainty
    )


def right(delta: Uncertainty, candidate: Uncertainty, reference: Uncertainty) -> Right:
    return Right(figure(0.9, candidate), figure(0.92, reference), figure(-0.02, delta))


def test_bounds_of_the_error_are_those_of_clopper_and_pearson() -> None:
    term = error_term(figure(0.9, Counts(k=90, n=100)))
    assert term is not None
    found, errors = term(0.95), proportion_bounds(10, 100, 0.95)
    assert found is not None
    assert (found.lower, found.upper) == pytest.approx((math.log10(errors.lower), math.log10(errors.upper)))


@given(st.integers(1, 2000), st.sampled_from([0.6, 0.95, 0.999]))
def test_no_error_is_bounded_from_below_by_the_half_image_it_is_scored_with(images: int, confidence: float) -> None:
    term = error_term(figure(1.0, Counts(k=images, n=images)))
    assert term is not None
    found = term(confidence)
    assert found is not None
    assert found.lower == found.estimate == pytest.approx(math.log10(0.5 / images))
    assert math.isfinite(found.upper)


def test_accuracy_of_a_run_that_may_stop_early_is_bounded_by_betting() -> None:
    looks = Looks(up=(45, 180), n=(50, 200))
    term = error_term(figure(0.9, looks))
    assert term is not None
    found = term(0.95)
    assert found is not None
    fixed = proportion_bounds(20, 200, 0.95)
    assert found.lower <= math.log10(fixed.lower)
    assert found.upper >= math.log10(fixed.upper)


def test_the_ratio_of_errors_rests_on_the_same_images() -> None:
    term = error_ratio_term(right(PairedCounts(b=4, c=2, n=100), Counts(k=90, n=100), Counts(k=92, n=100)))
    assert term is not None
    found = term(0.95)
    assert found is not None
    assert found.estimate == pytest.approx(math.log10(10 / 8))


@pytest.mark.parametrize(
    "counts",
    [
        (PairedCounts(b=4, c=2, n=100), Counts(k=91, n=100), Counts(k=92, n=100)),
        (PairedCounts(b=4, c=2, n=100), Counts(k=90, n=99), Counts(k=92, n=100)),
        (PairedCounts(b=14, c=12, n=100), Counts(k=90, n=100), Counts(k=92, n=100)),
        (Unstated(), Counts(k=90, n=100), Counts(k=92, n=100)),
    ],
)
def test_counts_that_contradict_each_other_give_no_interval(
    counts: tuple[Uncertainty, Uncertainty, Uncertainty],
) -> None:
    assert error_ratio_term(right(*counts)) is None


def test_looks_give_a_wider_ratio_than_a_fixed_number_of_images() -> None:
    looks = (Looks(down=(4,), up=(2,), n=(100,)), Looks(up=(90,), n=(100,)), Looks(up=(92,), n=(100,)))
    early = error_ratio_term(right(*looks))
    fixed = error_ratio_term(right(PairedCounts(b=4, c=2, n=100), Counts(k=90, n=100), Counts(k=92, n=100)))
    assert early is not None
    assert fixed is not None
    wide, narrow = early(0.95), fixed(0.95)
    assert wide is not None
    assert narrow is not None
    assert wide.lower < narrow.lower < narrow.upper < wide.upper


def test_error_rates_of_looks_are_bounded_at_half_the_error_each_so_that_no_dependence_can_spoil_it() -> None:
    ours, theirs = Looks(up=(90,), n=(100,)), Looks(up=(92,), n=(100,))
    term = error_ratio_term(right(Looks(down=(4,), up=(2,), n=(100,)), ours, theirs))
    assert term is not None
    found = term(0.95)
    candidate, reference = ((betting_bounds(wrong, (100,), 0.975), wrong[0] / 100) for wrong in ((10,), (8,)))
    assert found is not None
    assert found.lower == pytest.approx(math.log10(candidate[0].lower / reference[0].upper))
    assert found.upper == pytest.approx(math.log10(candidate[0].upper / reference[0].lower))
    assert found.estimate == pytest.approx(math.log10(candidate[1] / reference[1]))


def test_a_faster_candidate_has_a_negative_time() -> None:
    term = time_ratio_term(figure(2.0, Pairs(log_ratios=(math.log(2),) * 40), Of.RATIO, Unit.RATIO))
    assert term is not None
    found = term(0.95)
    assert found is not None
    assert (found.lower, found.estimate, found.upper) == pytest.approx((-math.log10(2),) * 3)


def test_too_few_pairs_bound_nothing() -> None:
    term = time_ratio_term(figure(1.0, Pairs(log_ratios=(0.1, -0.1, 0.0)), Of.RATIO, Unit.RATIO))
    assert term is not None
    assert term(0.95) is None
    assert quantiles_of(0.0, [term], ()) == Unstated()


def test_a_level_that_time_lacks_takes_the_next_stricter_one() -> None:
    rates = Quantiles(levels=(0.01, 0.05, 0.5, 0.95, 0.99), values=(80.0, 90.0, 100.0, 110.0, 120.0))
    term = time_term(figure(100.0, rates, unit=Unit.PER_SECOND))
    assert term is not None
    assert term(0.94) == term(0.95)
    assert term(0.96) == term(0.99)
    assert term(0.999) is None
    found = term(0.95)
    assert found is not None
    assert (found.lower, found.upper) == pytest.approx((math.log10(10_000 / 110), math.log10(10_000 / 90)))


def test_levels_that_rules_ask_for_are_there_beside_the_usual_ones() -> None:
    found = quantiles_of(1.0, [error_term(figure(0.9, Counts(k=90, n=100)))], (0.8,))
    assert isinstance(found, Quantiles)
    assert found.levels == pytest.approx((0.01, 0.025, 0.05, 0.1, 0.2, 0.5, 0.8, 0.9, 0.95, 0.975, 0.99))
    assert list(found.values) == sorted(found.values)


def test_a_part_without_an_interval_leaves_the_score_without_one() -> None:
    accuracy = error_term(figure(0.9, Unstated()))
    speed = time_term(figure(100.0, Exact(), unit=Unit.PER_SECOND))
    assert quantiles_of(1.0, [accuracy, speed], ()) == Unstated()


def test_a_weight_of_nothing_needs_no_interval() -> None:
    term = scaled(None, 0.0)
    assert term is not None
    assert term(0.95) == Bounds(0.0, 0.0, 0.0, "exact")


def test_terms_add_up_as_squares() -> None:
    counted = error_term(figure(0.9, Counts(k=90, n=100)))
    assert counted is not None
    one, two = quantiles_of(0.0, [counted], ()), quantiles_of(0.0, [counted, counted], ())
    assert isinstance(one, Quantiles)
    assert isinstance(two, Quantiles)
    assert two.values == pytest.approx([math.sqrt(2) * value for value in one.values])
