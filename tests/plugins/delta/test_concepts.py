from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from vetgate_delta.concepts import (
    Annotated,
    Missed,
    as_counted,
    count_missed,
    drawn,
    most_covered,
    object_of,
)

from vetgate.api import ConceptMask, Inconclusive

SIZE = (12, 10)


def _mask(top: int, left: int, rows: int, columns: int) -> NDArray[np.bool_]:
    mask = np.zeros(SIZE, dtype=bool)
    mask[top : top + rows, left : left + columns] = True
    return mask


def _runs(mask: NDArray[np.bool_]) -> tuple[int, ...]:
    """Return a mask as ConceptMask keeps it, by the plainest way there is."""
    runs, inside, length = [], False, 0
    for pixel in mask.ravel():
        if bool(pixel) != inside:
            runs.append(length)
            inside, length = bool(pixel), 0
        length += 1
    return (*runs, length)


def _part(name: str, mask: NDArray[np.bool_], *, whole: bool = False) -> Annotated:
    return Annotated(name, mask, whole)


@settings(max_examples=50, deadline=None)
@given(st.lists(st.booleans(), min_size=120, max_size=120))
def test_runs_become_the_pixels_that_they_were(pixels: list[bool]) -> None:
    mask = np.array(pixels).reshape(SIZE)
    found = drawn([ConceptMask(image="a", name="wheel", runs=_runs(mask))], SIZE)
    assert (found[0].mask == mask).all() if mask.any() else found == ()


def test_areas_of_one_name_are_one_part_and_a_whole_object_of_that_name_another() -> None:
    masks = [
        ConceptMask(image="a", name="wheel", runs=_runs(_mask(0, 0, 2, 2))),
        ConceptMask(image="a", name="wheel", runs=_runs(_mask(4, 4, 2, 2))),
        ConceptMask(image="a", name="wheel", runs=_runs(_mask(0, 0, 9, 9)), whole=True),
    ]
    part, whole = drawn(masks, SIZE)
    assert part.mask.sum() == 8
    assert whole.whole


@pytest.mark.parametrize("runs", [(119,), (0, 121), (), (100, -5, 25), (10**15,)])
def test_a_mask_of_another_size_is_refused_with_both_sizes(runs: tuple[int, ...]) -> None:
    with pytest.raises(Inconclusive, match=r"'wheel' on image 'a'.*the image 12 x 10 = 120"):
        drawn([ConceptMask(image="a", name="wheel", runs=runs)], SIZE)


def test_the_object_is_what_is_called_by_the_class_else_all_whole_objects() -> None:
    car, man = _part("Car", _mask(0, 0, 4, 4), whole=True), _part("man", _mask(6, 6, 3, 3), whole=True)
    wheel = _part("wheel", _mask(0, 0, 1, 1))
    found = object_of([wheel, car, man], "car")
    assert found is not None
    assert (found == car.mask).all()
    both = object_of([wheel, car, man], "truck")
    assert both is not None
    assert both.sum() == 25
    assert object_of([wheel], "car") is None


def test_the_part_is_named_of_which_the_regions_cover_the_largest_share() -> None:
    regions = _mask(0, 0, 4, 4)
    small = _part("eye", _mask(0, 0, 2, 3))  # all of 6 pixels
    large = _part("head", _mask(0, 0, 10, 8))  # 16 of 80 pixels
    assert most_covered([large, small], regions) == Missed("eye", 1.0)
    assert most_covered([large], regions) == Missed("head", 0.2)


def test_a_whole_object_counts_only_where_no_part_is_annotated() -> None:
    regions = _mask(0, 0, 4, 4)
    whole, part = _part("cat", _mask(0, 0, 4, 4), whole=True), _part("ear", _mask(3, 3, 4, 4))
    assert most_covered([whole, part], regions) == Missed("ear", 1 / 16)
    assert most_covered([whole], regions) == Missed("cat", 1.0)


def test_ties_go_to_the_larger_area_then_to_the_first_name() -> None:
    regions = _mask(0, 0, 6, 6)
    two, other, large = (
        _part("wheel", _mask(0, 0, 2, 2)),
        _part("door", _mask(2, 2, 2, 2)),
        _part("roof", _mask(0, 3, 3, 3)),
    )
    assert most_covered([two, other, large], regions) == Missed("roof", 1.0)
    assert most_covered([two, other], regions) == Missed("door", 1.0)


def test_regions_beside_every_part_name_nothing() -> None:
    assert most_covered([_part("wheel", _mask(8, 8, 2, 2))], _mask(0, 0, 4, 4)) is None
    assert most_covered([], _mask(0, 0, 4, 4)) is None


def test_counts_say_how_often_a_concept_was_there_to_miss() -> None:
    missed = {0: Missed("eye", 0.5), 1: Missed("eye", 1.0), 3: Missed("wheel", 0.25)}
    shown = {0: {"eye", "ear"}, 1: {"eye"}, 2: {"eye", "wheel"}, 3: {"wheel"}}
    eye, wheel = count_missed(missed, shown)
    assert (eye.name, eye.images, eye.shown, eye.covered) == ("eye", 2, 3, 0.75)
    assert (wheel.name, wheel.images, wheel.shown, wheel.covered) == ("wheel", 1, 2, 0.25)
    assert count_missed(missed, {})[0].shown is None


@pytest.mark.parametrize(
    ("said", "counted"),
    [
        ("Wheel", "wheel"),
        ("  the  left   ear. ", "left ear"),
        ("A wheel", "wheel"),
        ("a", "a"),
        ("`wheel`", "wheel"),
        ("", ""),
        ("...", ""),
        ("the upper part of the sneaker where the laces are", ""),
        ("whe\x1b[31mel", ""),
        ("whe\u202eel", ""),
        ("ﬁn", "fin"),
    ],
)
def test_a_labellers_words_are_counted_in_one_form(said: str, counted: str) -> None:
    assert as_counted(said) == counted
