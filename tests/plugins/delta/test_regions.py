from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from vetgate_delta.regions import (
    common_box_share,
    find_regions,
    overlap,
    overlap_at_equal_area,
    share_within,
    top_pixels,
)


def _drawn(*boxes: tuple[int, int, int, int], size: int = 20, height: float = 1.0) -> NDArray[np.float32]:
    """Return a map with boxes (top, left, rows, columns)."""
    heat = np.zeros((size, size), dtype=np.float32)
    for top, left, rows, columns in boxes:
        heat[top : top + rows, left : left + columns] = height
    return heat


def test_areas_that_touch_at_an_edge_are_one_region_and_at_a_corner_two() -> None:
    assert len(find_regions(_drawn((0, 0, 4, 4), (4, 0, 4, 4)), 0.5)) == 1
    assert len(find_regions(_drawn((0, 0, 4, 4), (4, 4, 4, 4)), 0.5)) == 2


def test_a_region_of_one_percent_stays_and_a_smaller_one_goes() -> None:
    assert len(find_regions(_drawn((0, 0, 2, 2), (10, 10, 1, 3)), 0.5)) == 1
    found = find_regions(_drawn((0, 0, 5, 5), (10, 10, 1, 3)), 0.5)
    assert found.mask.sum() == 25


def test_a_pixel_at_the_threshold_belongs_to_a_region() -> None:
    heat = _drawn((0, 0, 3, 3)) + _drawn((10, 10, 3, 3), height=0.5)
    assert len(find_regions(heat, 0.5)) == 2
    assert len(find_regions(heat, 0.51)) == 1


def test_the_threshold_is_of_the_maps_own_maximum() -> None:
    heat = _drawn((0, 0, 3, 3), height=0.2) + _drawn((10, 10, 3, 3), height=0.11)
    assert len(find_regions(heat, 0.5)) == 2


def test_a_map_without_heat_has_no_regions_and_no_overlap() -> None:
    nothing = find_regions(_drawn(), 0.5)
    assert len(nothing) == 0
    assert not nothing.mask.any()
    assert overlap(find_regions(_drawn((0, 0, 5, 5)), 0.5), nothing) is None
    assert common_box_share(nothing) == 0


def test_overlap_is_the_share_of_deltas_pixels_in_the_candidates_regions() -> None:
    candidate, delta = find_regions(_drawn((0, 0, 10, 10)), 0.5), find_regions(_drawn((5, 0, 10, 5)), 0.5)
    assert overlap(candidate, delta) == 0.5
    assert overlap(delta, candidate) == 0.25
    assert overlap(find_regions(_drawn(), 0.5), delta) == 0


def test_an_empty_region_lies_nowhere() -> None:
    assert share_within(np.zeros((4, 4), dtype=bool), np.ones((4, 4), dtype=bool)) == 0


def test_the_common_box_reaches_around_all_regions() -> None:
    assert common_box_share(find_regions(_drawn((0, 0, 2, 2), (8, 8, 2, 2)), 0.5)) == 0.25


@settings(max_examples=50, deadline=None)
@given(seed=st.integers(0, 1000), share=st.sampled_from([0.01, 0.05, 0.2, 0.37]), steps=st.sampled_from([1, 3, 1000]))
def test_top_pixels_always_have_the_asked_for_area(seed: int, share: float, steps: int) -> None:
    heat = np.random.default_rng(seed).integers(0, steps, (12, 17)).astype(np.float32)
    top = top_pixels(heat, share)
    assert top.sum() == pytest.approx(share * heat.size)
    assert top.min() >= 0
    assert top.max() <= 1 + 1e-9
    assert heat[top > 0].min() >= heat[top == 0].max(initial=-1)


def test_a_map_without_structure_is_at_chance_and_one_on_the_part_is_at_one() -> None:
    part = _drawn((0, 0, 5, 10)) > 0
    assert overlap_at_equal_area(_drawn(), part) == pytest.approx(0.125)
    assert overlap_at_equal_area(_drawn((0, 0, 4, 5)), part) == 1
    assert overlap_at_equal_area(_drawn((10, 0, 4, 5)), part) == 0
    assert overlap_at_equal_area(_drawn((3, 0, 4, 5)), part) == pytest.approx(0.5)
