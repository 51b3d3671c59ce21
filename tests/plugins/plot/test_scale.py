from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from vetgate_plot.scale import scale_of
from vetgate_plot.sheet import fitted, reach

finite = st.floats(allow_nan=False, allow_infinity=False)


@given(st.lists(finite, min_size=1, max_size=8), st.booleans(), st.booleans())
def test_every_value_has_a_place_within_the_axis_and_their_order_is_kept(
    values: list[float], zero: bool, logarithmic: bool
) -> None:
    scale = scale_of(values, zero=zero, logarithmic=logarithmic)
    places = [scale.at(value) for value in sorted(values)]
    assert all(0.0 <= place <= 1.0 for place in places)
    assert places == sorted(places)
    assert all(math.isfinite(tick) for tick in scale.ticks)
    assert list(scale.ticks) == sorted(set(scale.ticks))


def test_ticks_are_round_and_few() -> None:
    assert scale_of([-0.013, 0.01], zero=True).ticks == (-0.01, -0.005, 0.0, 0.005, 0.01)
    assert scale_of([0.0, 3.0]).ticks == (0.0, 1.0, 2.0, 3.0)
    assert scale_of([0.2, 1.0, 5.0], logarithmic=True).ticks == (0.2, 0.5, 1.0, 2.0, 5.0)


def test_equal_ratios_are_equal_steps_on_a_logarithmic_axis() -> None:
    scale = scale_of([1.0, 100.0], logarithmic=True)
    assert scale.at(10.0) - scale.at(1.0) == pytest.approx(scale.at(100.0) - scale.at(10.0))
    assert scale.at(0.0) == scale.at(-5.0) == 0.0


def test_an_axis_of_one_value_shows_it_in_the_middle_and_one_with_zero_shows_zero() -> None:
    assert scale_of([7.0]).at(7.0) == pytest.approx(0.5)
    scale = scale_of([7.0, 9.0], zero=True)
    assert (scale.at(0.0), scale.at(9.0)) == (0.0, 1.0)


def test_values_none_of_which_is_above_0_have_a_linear_axis() -> None:
    scale = scale_of([-3.0, 0.0], logarithmic=True)
    assert not scale.logarithmic
    assert scale.at(-3.0) < scale.at(0.0)


@given(st.text(max_size=120), st.floats(30.0, 400.0))
def test_a_name_is_made_to_fit_and_harmless(name: str, width: float) -> None:
    short = fitted(name, width)
    assert short.isprintable()
    assert len(short) <= 2 or reach(short) <= width


def test_wide_characters_take_more_room() -> None:
    assert reach("漢字") > reach("ab")
    assert len(fitted("漢" * 80, 100.0)) < len(fitted("a" * 80, 100.0))
