from __future__ import annotations

import itertools
import math

from hypothesis import given
from hypothesis import strategies as st
from vetgate_charts.axis import axis_of
from vetgate_charts.placement import Box, Disc, place

FRAME = Box(0.0, 0.0, 800.0, 430.0)


@given(st.lists(st.floats(1e-4, 1e5), min_size=1, max_size=20))
def test_an_axis_shows_every_value_and_has_ticks_in_order(values: list[float]) -> None:
    axis = axis_of(values)
    assert all(axis.low < math.log10(value) < axis.high for value in values)
    assert list(axis.ticks) == sorted(set(axis.ticks))
    assert len(axis.ticks) >= 2
    assert all(axis.low - 1e-9 <= math.log10(tick) <= axis.high + 1e-9 for tick in axis.ticks)


def test_no_tick_of_an_error_rate_passes_one() -> None:
    assert max(axis_of([0.07, 0.93], 1.0).ticks) <= 1.0


def test_labels_of_a_crowd_do_not_cover_each_other() -> None:
    discs = [Disc(400.0 + 7 * (place % 4), 380.0 + 9 * (place // 4), 20.0) for place in range(12)]
    boxes = place(discs, [(110.0, 24.0)] * len(discs), FRAME)
    assert all(one.overlap(other) == 0 for one, other in itertools.combinations(boxes, 2))
    for box in boxes:
        assert 0 <= box.x <= box.x + box.width <= 800.0
        assert 0 <= box.y <= box.y + box.height <= 430.0


def test_a_lone_label_stands_right_beside_its_bubble() -> None:
    (box,) = place([Disc(100.0, 100.0, 10.0)], [(80.0, 20.0)], FRAME)
    assert box.distance(100.0, 100.0) < 25.0
    assert box.x > 110.0
