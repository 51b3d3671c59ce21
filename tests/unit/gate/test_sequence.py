"""Looks of a run that may stop early: when they come, and what becomes of the counts that they find."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vetgate.domain.evidence import (
    Counts,
    Evidence,
    Exact,
    Looks,
    Measurement,
    Of,
    Outcome,
    PairedCounts,
    Quantiles,
    Uncertainty,
    Unstated,
    of_label,
)
from vetgate.domain.report import Stopping
from vetgate.domain.specs import MetricSpec
from vetgate.domain.unit import Better, Unit
from vetgate.gate.sequence import Tally, look_sizes

RIGHT = MetricSpec(
    "toy.right",
    "",
    Unit.FRACTION,
    Better.HIGHER,
    (Of.CANDIDATE, Of.DELTA, Of.RATIO),
    counted=(Of.CANDIDATE, Of.DELTA),
)
METRICS = {"toy.right": RIGHT}
EARLY = Stopping(images=64, available=100, looks=1, early=True, because="")
WHOLE = Stopping(images=100, available=100, looks=2, early=False, because="")


def _figure(uncertainty: Uncertainty, n: int, role: Of = Of.DELTA, *, cat: bool = False) -> Measurement:
    return Measurement(
        metric="toy.right",
        role=role,
        value=0.0,
        unit=Unit.FRACTION,
        better=Better.HIGHER,
        n=n,
        uncertainty=uncertainty,
        slice=of_label("cat") if cat else None,
    )


def _evidence(*figures: Measurement) -> Evidence:
    return Evidence(check="toy", outcome=Outcome.MEASURED, measurements=figures)


@given(st.integers(1, 200_000))
def test_looks_ascend_to_all_images_in_steps_that_start_at_64_and_grow_by_a_twentieth(total: int) -> None:
    sizes = look_sizes(total)
    assert sizes[-1] == total
    assert sizes[0] == min(64, total)
    steps = [later - earlier for earlier, later in itertools.pairwise(sizes)]
    assert all(0 < step <= max(64, earlier / 20) for step, earlier in zip(steps, sizes, strict=False))


def test_ten_thousand_images_have_some_seventy_looks_and_none_has_none() -> None:
    assert len(look_sizes(10_000)) == 72
    assert look_sizes(0) == ()


@given(st.lists(st.tuples(*[st.integers(0, 5)] * 3), min_size=1, max_size=12))
def test_counts_of_all_looks_are_kept_and_looks_that_added_nothing_are_not(steps: list[tuple[int, int, int]]) -> None:
    tally, b, c, n = Tally(METRICS), 0, 0, 0
    seen: list[tuple[int, int, int]] = []
    for lost, won, same in steps:
        b, c, n = b + lost, c + won, n + lost + won + same
        if n:
            tally.add(_evidence(_figure(PairedCounts(b=b, c=c, n=n), n)))
        if n and (not seen or seen[-1][2] < n):
            seen.append((b, c, n))
    if n:
        (figure,) = tally.close(_evidence(_figure(PairedCounts(b=b, c=c, n=n), n)), EARLY).measurements
        assert isinstance(figure.uncertainty, Looks)
        assert figure.uncertainty.down is not None
        looks = figure.uncertainty
        assert list(zip(figure.uncertainty.down, looks.up, looks.n, strict=True)) == seen


def test_a_slice_that_turns_up_late_has_looks_from_then_on() -> None:
    tally = Tally(METRICS)
    tally.add(_evidence(_figure(Counts(k=1, n=64), 64, Of.CANDIDATE)))
    found = tally.add(_evidence(_figure(Counts(k=2, n=3), 3, Of.CANDIDATE, cat=True)))
    (figure,) = found.measurements
    assert figure.uncertainty == Looks(up=(2,), n=(3,))


def test_the_judge_sees_nothing_but_counts_while_a_run_may_stop() -> None:
    quantiles = Quantiles(levels=(0.05, 0.95), values=(-1.0, 1.0))
    figures = [_figure(quantiles, 64), _figure(Counts(k=1, n=64), 64, Of.RATIO), _figure(Unstated(), 64, Of.CANDIDATE)]
    assert not Tally(METRICS).add(_evidence(*figures)).measurements
    assert not Tally({}).add(_evidence(_figure(Counts(k=1, n=64), 64))).measurements


@pytest.mark.parametrize(
    "uncertainty",
    [Quantiles(levels=(0.05, 0.95), values=(-1.0, 1.0)), PairedCounts(b=0, c=0, n=64), Counts(k=1, n=64)],
)
def test_bounds_for_a_fixed_number_of_images_do_not_outlive_an_early_stop(uncertainty: Uncertainty) -> None:
    figure = _figure(uncertainty, 64)
    (early,) = Tally(METRICS).close(_evidence(figure), EARLY).measurements
    assert early.uncertainty == Unstated()
    assert "stopped early" in early.note
    (whole,) = Tally(METRICS).close(_evidence(figure), WHOLE).measurements
    assert whole == figure


def test_what_has_no_uncertainty_stays_exact() -> None:
    (figure,) = Tally(METRICS).close(_evidence(_figure(Exact(), 64)), EARLY).measurements
    assert figure.uncertainty == Exact()


@pytest.mark.parametrize(
    "later", [PairedCounts(b=1, c=0, n=99), PairedCounts(b=2, c=98, n=100), Counts(k=50, n=100)], ids=str
)
def test_counts_that_do_not_grow_by_what_was_added_bound_nothing(later: Uncertainty) -> None:
    tally, n = Tally(METRICS), 100
    tally.add(_evidence(_figure(PairedCounts(b=2, c=3, n=64), 64)))
    assert not tally.add(_evidence(_figure(later, n))).measurements
    (figure,) = tally.close(_evidence(_figure(later, n)), WHOLE).measurements
    assert figure.uncertainty == Unstated()


def test_a_check_that_counts_otherwise_at_the_end_bounds_nothing() -> None:
    tally = Tally(METRICS)
    tally.add(_evidence(_figure(PairedCounts(b=2, c=3, n=64), 64)))
    (figure,) = tally.close(_evidence(_figure(PairedCounts(b=0, c=5, n=64), 64)), WHOLE).measurements
    assert figure.uncertainty == Unstated()
