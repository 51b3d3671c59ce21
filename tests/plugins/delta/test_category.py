from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from vetgate_delta.category import Category, categorise
from vetgate_delta.regions import Regions, find_regions

Box = tuple[int, int, int, int]


def _mask(*boxes: Box) -> NDArray[np.bool_]:
    """Return a 40 x 40 picture of boxes (top, left, rows, columns)."""
    mask = np.zeros((40, 40), dtype=bool)
    for top, left, rows, columns in boxes:
        mask[top : top + rows, left : left + columns] = True
    return mask


def _regions(*boxes: Box) -> Regions:
    return find_regions(_mask(*boxes).astype(np.float32), 0.5)


LEFT, RIGHT, FAR = (0, 0, 10, 10), (0, 12, 10, 8), (30, 30, 10, 10)
OBJECT = _mask((0, 0, 20, 20))


@pytest.mark.parametrize(
    ("candidate", "delta", "expected"),
    [
        ((FAR,), (LEFT,), Category.COMPLEMENT_LOCAL),
        ((LEFT,), (FAR,), Category.COMPLEMENT_GLOBAL),
        ((LEFT,), (LEFT,), Category.ENHANCE_LOCAL),
        ((FAR,), (FAR,), Category.ENHANCE_GLOBAL),
        ((LEFT,), (LEFT, RIGHT), Category.MIX_LOCAL),
        ((LEFT,), (LEFT, FAR), Category.MIX_GLOBAL),
        ((), (LEFT,), Category.COMPLEMENT_LOCAL),
        ((LEFT,), (), Category.NONE),
    ],
)
def test_each_category_on_drawn_shapes(candidate: tuple[Box, ...], delta: tuple[Box, ...], expected: Category) -> None:
    found = categorise(_regions(*candidate), _regions(*delta), corrected=True, whole=OBJECT)
    assert found is expected
    assert categorise(_regions(*candidate), _regions(*delta), corrected=False, whole=OBJECT) is Category.NONE


def test_there_are_seven_categories() -> None:
    assert len(Category) == 7


@pytest.mark.parametrize(("columns", "kind"), [(0, "complement"), (9, "complement"), (10, "enhance"), (11, "enhance")])
def test_a_region_overlaps_from_a_tenth_of_its_pixels_on(columns: int, kind: str) -> None:
    delta = _regions((10, 0, 10, 10))
    candidate = Regions(_mask((10, 0, 1, columns)), (_mask((10, 0, 1, columns)),))
    assert categorise(candidate, delta, corrected=True, whole=None).value == f"{kind}, local"


@pytest.mark.parametrize(("pixels", "where"), [(49, "global"), (50, "local"), (51, "local")])
def test_a_region_lies_on_the_object_from_half_of_its_pixels_on(pixels: int, where: str) -> None:
    whole = np.zeros((40, 40), dtype=bool)
    whole[0:10, 0:10] = np.arange(100).reshape(10, 10) < pixels
    assert categorise(_regions(FAR), _regions(LEFT), corrected=True, whole=whole).value == f"complement, {where}"


def test_one_region_off_the_object_is_enough_for_global() -> None:
    small_off = _regions((0, 0, 15, 15), (36, 36, 4, 4))
    assert categorise(_regions(), small_off, corrected=True, whole=OBJECT) is Category.COMPLEMENT_GLOBAL


@pytest.mark.parametrize(
    ("delta", "where"),
    [
        (((0, 0, 20, 20),), "local"),  # a quarter of the image
        (((0, 0, 20, 21),), "global"),
        (((0, 0, 5, 5), (15, 15, 5, 5)), "local"),  # two, their common box is a quarter
        (((0, 0, 5, 5), (16, 15, 5, 5)), "global"),
        (((0, 0, 4, 4), (0, 8, 4, 4), (8, 0, 4, 4)), "global"),  # three, however close
    ],
)
def test_without_an_object_at_most_two_regions_within_a_quarter_are_local(delta: tuple[Box, ...], where: str) -> None:
    assert categorise(_regions(), _regions(*delta), corrected=True, whole=None).value == f"complement, {where}"


def test_the_object_decides_where_there_is_one_not_the_quarter() -> None:
    three = _regions((0, 0, 4, 4), (0, 8, 4, 4), (8, 0, 4, 4))
    assert categorise(_regions(), three, corrected=True, whole=OBJECT) is Category.COMPLEMENT_LOCAL
    assert categorise(_regions(), _regions(FAR), corrected=True, whole=OBJECT) is Category.COMPLEMENT_GLOBAL
