from __future__ import annotations

import math

from hypothesis import given
from hypothesis import strategies as st
from vetgate_plot.axis import axis_of


@given(st.lists(st.floats(1e-4, 1e5), min_size=1, max_size=20))
def test_an_axis_shows_every_value_and_has_ticks_in_order(values: list[float]) -> None:
    axis = axis_of(values)
    assert all(axis.low < math.log10(value) < axis.high for value in values)
    assert list(axis.ticks) == sorted(set(axis.ticks))
    assert len(axis.ticks) >= 2
    assert all(axis.low - 1e-9 <= math.log10(tick) <= axis.high + 1e-9 for tick in axis.ticks)


def test_no_tick_of_an_error_rate_passes_one() -> None:
    assert max(axis_of([0.07, 0.93], 1.0).ticks) <= 1.0
