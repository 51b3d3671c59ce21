from __future__ import annotations

import itertools
import math

import numpy as np
import pytest

from vetgate.placement import Box, Disc, place

FRAME = Box(0.0, 0.0, 800.0, 430.0)


def overlap(one: Box, other: Box) -> bool:
    across = min(one.x + one.width, other.x + other.width) - max(one.x, other.x)
    return across > 0 and min(one.y + one.height, other.y + other.height) - max(one.y, other.y) > 0


def struck(disc: Disc, own: Box, other: Box) -> bool:
    """Return whether the line from a bubble to its label touches another label."""
    line = np.linspace((disc.x, disc.y), own.nearest(disc.x, disc.y), 2000)
    low, high = (other.x, other.y), (other.x + other.width, other.y + other.height)
    return bool(np.any(np.all((line >= low) & (line <= high), axis=1)))


def test_labels_of_a_crowd_do_not_cover_each_other() -> None:
    discs = [Disc(400.0 + 7 * (place % 4), 380.0 + 9 * (place // 4), 20.0) for place in range(12)]
    boxes = place(discs, [(110.0, 24.0)] * len(discs), FRAME)
    assert not any(overlap(one, other) for one, other in itertools.combinations(boxes, 2))
    for box in boxes:
        assert 0 <= box.x <= box.x + box.width <= 800.0
        assert 0 <= box.y <= box.y + box.height <= 430.0


@pytest.mark.parametrize("apart", [3, 7, 25])
def test_no_line_of_a_crowd_runs_through_the_label_of_another(apart: int) -> None:
    discs = [Disc(400.0 + apart * (place % 4), 200.0 + apart * (place // 4), 20.0) for place in range(16)]
    boxes = place(discs, [(110.0, 24.0)] * len(discs), FRAME)
    for (disc, own), other in itertools.product(zip(discs, boxes, strict=True), boxes):
        assert own is other or not struck(disc, own, other)


def test_a_line_to_a_label_leaves_out_the_middles_of_other_bubbles() -> None:
    row = [Disc(100.0 + 40 * place, 200.0, 15.0) for place in range(4)]
    boxes = place(row, [(110.0, 24.0)] * len(row), FRAME)
    for disc, box in zip(row, boxes, strict=True):
        middles = [Box(other.x - 1, other.y - 1, 2.0, 2.0) for other in row if other is not disc]
        assert not any(struck(disc, box, middle) for middle in middles)


def test_a_lone_label_stands_right_beside_its_bubble() -> None:
    (box,) = place([Disc(100.0, 100.0, 10.0)], [(80.0, 20.0)], FRAME)
    assert math.dist(box.nearest(100.0, 100.0), (100.0, 100.0)) < 25.0
    assert box.x > 110.0


def test_bubbles_without_a_label_are_not_covered_either() -> None:
    beside = Disc(150.0, 100.0, 20.0)
    (box,) = place([Disc(100.0, 100.0, 10.0), beside], [(80.0, 20.0)], FRAME)
    assert math.dist(box.nearest(beside.x, beside.y), (beside.x, beside.y)) >= beside.radius


def test_nothing_to_name_has_no_place() -> None:
    assert place([Disc(100.0, 100.0, 10.0)], [], FRAME) == []


def test_sixty_labels_find_places_without_overlap() -> None:
    rng = np.random.default_rng(0)
    discs = [Disc(float(x), float(y), 5.0) for x, y in rng.uniform(40, 390, size=(60, 2))]
    boxes = place(discs, [(80.0, 11.0)] * 60, FRAME)
    assert not any(overlap(one, other) for one, other in itertools.combinations(boxes, 2))
