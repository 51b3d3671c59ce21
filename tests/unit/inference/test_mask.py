"""Masks are carried through the card's resize and crop as the image is, and read back from their runs."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from vetgate.domain.card import Input, Resize
from vetgate.domain.errors import DataError
from vetgate.domain.trainer import ConceptMask
from vetgate.inference.assignment import Drawn
from vetgate.inference.mask import fit_masks
from vetgate.inference.prepare import fit

pytest.importorskip("pycocotools")


def _card(size: int = 8, colour: str = "rgb", **more: Any) -> Input:
    given: dict[str, Any] = {"resize": "none", "colour": colour, "scale": 1, "mean": (0.0,), "std": (1.0,)}
    return Input(size=(size, size), layout="NCHW", **(given | more))


def _box(left: int, top: int, right: int, bottom: int, *, size: int = 16, name: str = "part", **more: Any) -> Drawn:
    outline = [[left, top, right, top, right, bottom, left, bottom]]
    return Drawn(image="a", name=name, whole=False, size=(size, size), segmentation=outline, **more)


def _masks(card: Input, *drawn: Drawn) -> dict[str, np.ndarray]:
    found = fit_masks(drawn, card, lambda done, total: None)
    return {mask.name: _unpack(mask, card.size) for masks in found.values() for mask in masks}


def _unpack(mask: ConceptMask, size: tuple[int, int]) -> np.ndarray:
    assert sum(mask.runs) == size[0] * size[1]
    inside = np.arange(len(mask.runs)) % 2 == 1
    return np.repeat(inside, mask.runs).reshape(size)


@pytest.mark.parametrize(
    "card",
    [
        _card(resize=Resize(to=(8, 8), interpolation="box")),
        _card(resize=Resize(to=(8, 8), interpolation="bilinear")),
        _card(resize="none", crop="center"),
        _card(resize=Resize(shorter_side=12, interpolation="bicubic"), crop="center"),
        _card(colour="grey", resize=Resize(to=(8, 8), interpolation="nearest", antialias=False)),
    ],
)
def test_a_mask_lands_where_the_image_does(card: Input) -> None:
    pixels = np.zeros((16, 16, 3), dtype=np.uint8)
    pixels[4:12, 6:14] = 255
    there = fit(pixels, card, "a")[:, :, 0] >= 128
    found = _masks(card, _box(6, 4, 14, 12))["part"]
    np.testing.assert_array_equal(found, there)


def test_what_the_crop_cuts_off_is_left_out() -> None:
    assert "part" not in _masks(_card(crop="center"), _box(0, 0, 3, 3))


def test_outlines_of_one_name_are_one_part() -> None:
    found = _masks(_card(16), _box(0, 0, 2, 2), _box(8, 8, 10, 10), _box(4, 4, 6, 6, name="other"))
    assert found["part"].sum() == 8
    assert found["other"].sum() == 4


def test_a_mask_that_begins_inside_has_an_empty_first_run() -> None:
    (mask,) = fit_masks([_box(0, 0, 16, 16)], _card(16), lambda done, total: None)["a"]
    assert mask.runs == (0, 256)


def test_compressed_and_plain_run_lengths_are_one_thing() -> None:
    from pycocotools import mask as coco

    drawn = np.zeros((16, 16), dtype=np.uint8, order="F")
    drawn[2:5, 3:9] = 1
    packed = coco.encode(drawn)
    packed["counts"] = packed["counts"].decode()
    found = _masks(_card(16), Drawn(image="a", name="part", whole=True, size=(16, 16), segmentation=packed))
    np.testing.assert_array_equal(found["part"], drawn.astype(bool))


@pytest.mark.parametrize("outline", [{"counts": "x"}, {"size": [4, 4], "counts": [16]}, [[1, 2]], "text", 7])
def test_a_malformed_outline_is_named(outline: Any) -> None:
    bad = Drawn(image="a", name="wheel", whole=False, size=(16, 16), segmentation=outline)
    with pytest.raises(DataError, match="'wheel' of image 'a'"):
        fit_masks([bad], _card(16), lambda done, total: None)
