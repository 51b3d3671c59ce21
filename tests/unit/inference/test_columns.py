"""Columns by which figures are sliced: what a value means, and where quarters end."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vetgate.inference.columns import (
    QUARTERS,
    column_of_looks,
    column_of_metadata,
    column_of_quarters,
    count_values,
    looks_of_image,
)


def test_values_of_a_metadata_column_stand_sorted_and_a_missing_one_is_none() -> None:
    column = column_of_metadata("weather", ["rain", "sun", "", " rain ", "fog"])
    assert column.values == ("fog", "rain", "sun")
    assert column.codes.tolist() == [1, 2, -1, 1, 0]
    assert count_values(column) == {"fog": 1, "rain": 2, "sun": 1}


def test_few_numbers_are_values_of_their_own_in_the_order_of_numbers() -> None:
    assert column_of_metadata("hour", ["10", "9", "23", "9", ""]).values == ("9", "10", "23")


def test_many_numbers_are_cut_into_quarters_whose_ends_are_told() -> None:
    column = column_of_metadata("speed", [str(number) for number in range(100)] + [""])
    assert column.values == QUARTERS
    assert list(count_values(column).values()) == [25, 25, 25, 25]
    assert column.codes[-1] == -1
    assert "24, 49, 74" in column.note


def test_one_word_among_many_numbers_makes_them_names() -> None:
    column = column_of_metadata("camera", [*map(str, range(40)), "front"])
    assert len(column.values) == 41


@pytest.mark.parametrize("odd", ["nan", "inf", "-Infinity"])
def test_what_is_no_finite_number_is_no_number(odd: str) -> None:
    assert odd in column_of_metadata("speed", [*map(str, range(40)), odd]).values


def test_a_column_without_any_value_has_no_slices_with_images() -> None:
    assert column_of_metadata("speed", ["", ""]).values == ()
    assert column_of_looks("size", np.full((3, 3), np.nan, dtype=np.float32)).codes.tolist() == [-1, -1, -1]


@given(st.lists(st.floats(-1e6, 1e6) | st.just(7.0), min_size=1, max_size=200))
def test_quarters_keep_the_order_and_equal_values_together(values: list[float]) -> None:
    column = column_of_quarters(np.asarray(values), "x")
    order = np.argsort(values, kind="stable")
    assert (np.diff(column.codes[order]) >= 0).all()
    for value in set(values):
        assert len({code for code, each in zip(column.codes.tolist(), values, strict=True) if each == value}) == 1
    assert column.codes.min() == 0


@given(st.permutations(range(50)))
def test_quarters_do_not_depend_on_the_order_of_images(order: list[int]) -> None:
    values = np.sqrt(np.arange(50.0))
    plain, turned = column_of_quarters(values, "x"), column_of_quarters(values[order], "x")
    assert (plain.codes[order] == turned.codes).all()
    assert plain.note == turned.note


def test_how_an_image_looks_is_what_its_pixels_say() -> None:
    black, white = np.zeros((2, 4), dtype=np.uint8), np.full((3, 5, 3), 255, dtype=np.uint8)
    half = np.array([[0, 255]], dtype=np.uint8)
    assert looks_of_image(black).tolist() == [0, 0, 8]
    assert looks_of_image(white).tolist() == pytest.approx([1, 0, 15], abs=1e-6)
    assert looks_of_image(half).tolist() == pytest.approx([0.5, 0.5, 2])
    green = np.zeros((2, 2, 3), dtype=np.uint8)
    green[..., 1] = 255
    assert looks_of_image(green)[0] == pytest.approx(0.587)


def test_a_grey_image_looks_alike_in_one_channel_and_in_three() -> None:
    grey = np.random.default_rng(3).integers(0, 256, (9, 7), dtype=np.uint8)
    assert looks_of_image(grey) == pytest.approx(looks_of_image(np.stack([grey] * 3, axis=-1)), abs=1e-6)
