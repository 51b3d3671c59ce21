"""What reaches a model is what its card says, to the last bit of float32."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from PIL import Image

from vetgate.domain.card import Input
from vetgate.domain.errors import CardError
from vetgate.inference.prepare import fit, geometry, normalise


def _input(**changes: Any) -> Input:
    given = {
        "size": [4, 6],
        "resize": "none",
        "colour": "rgb",
        "scale": "1/255",
        "mean": [0],
        "std": [1],
        "layout": "NCHW",
    }
    return Input.model_validate(given | changes)


RNG = np.random.default_rng(0)
RGB = RNG.integers(0, 256, (4, 6, 3), dtype=np.uint8)


def test_numbers_are_scaled_then_centred_then_divided() -> None:
    card = _input(mean=[0.485, 0.456, 0.406], std=[0.229, 0.224, 0.225])
    expected = (RGB / 255 - np.array([0.485, 0.456, 0.406])) / np.array([0.229, 0.224, 0.225])
    np.testing.assert_allclose(normalise(RGB[np.newaxis], card)[0], expected.transpose(2, 0, 1), rtol=1e-6)


def test_bgr_turns_the_colours_round_and_statistics_follow_the_models_order() -> None:
    card = _input(colour="bgr", scale=1, mean=[1, 2, 3], layout="NHWC")
    np.testing.assert_array_equal(normalise(RGB[np.newaxis], card)[0], RGB[..., ::-1].astype(np.float32) - [1, 2, 3])


def test_layouts_hold_the_same_numbers() -> None:
    planes = normalise(RGB[np.newaxis], _input())
    pixels = normalise(RGB[np.newaxis], _input(layout="NHWC"))
    np.testing.assert_array_equal(planes.transpose(0, 2, 3, 1), pixels)
    assert planes.flags.c_contiguous
    assert pixels.flags.c_contiguous


def test_resizing_is_pillows_with_antialias() -> None:
    image = RNG.integers(0, 256, (37, 53, 3), dtype=np.uint8)
    card = _input(size=[8, 8], resize={"to": [8, 8], "interpolation": "bicubic"})
    expected = np.asarray(Image.fromarray(image).resize((8, 8), Image.Resampling.BICUBIC))
    np.testing.assert_array_equal(fit(image, card, "x"), expected)


def test_without_antialias_points_are_sampled_at_half_pixel_centres() -> None:
    ramp = np.tile(np.arange(0, 160, 10, dtype=np.uint8), (16, 1))
    card = _input(size=[4, 4], colour="grey", resize={"to": [4, 4], "interpolation": "bilinear", "antialias": False})
    # Output column k samples the source at 4 k + 1.5, half-way between columns 4 k + 1 and 4 k + 2.
    np.testing.assert_array_equal(fit(ramp, card, "x")[0, :, 0], [15, 55, 95, 135])


@pytest.mark.parametrize(("height", "width", "left"), [(8, 20, 6), (20, 8, 0)])
def test_the_shorter_side_is_met_and_the_middle_is_cut_out(height: int, width: int, left: int) -> None:
    image = np.zeros((height, width), dtype=np.uint8)
    image[:, width // 2 :] = 200
    card = _input(size=[8, 8], colour="grey", resize={"shorter_side": 8, "interpolation": "nearest"}, crop="center")
    fitted = fit(image, card, "x")
    assert fitted.shape == (8, 8, 1)
    assert fitted[0, 0, 0] == 0
    assert fitted[0, 7, 0] == 200


def test_grey_and_colour_are_turned_into_each_other() -> None:
    grey = RNG.integers(0, 256, (4, 6), dtype=np.uint8)
    np.testing.assert_array_equal(fit(grey, _input(), "x"), np.repeat(grey[..., np.newaxis], 3, axis=2))
    expected = np.asarray(Image.fromarray(RGB).convert("L"))
    np.testing.assert_array_equal(fit(RGB, _input(colour="grey"), "x")[..., 0], expected)


def test_an_image_of_another_size_is_refused_and_never_stretched() -> None:
    with pytest.raises(CardError, match="4 x 6"):
        fit(RGB, _input(size=[6, 4]), "cat.png")


def test_an_image_smaller_than_the_crop_is_refused() -> None:
    with pytest.raises(CardError, match="smaller than the crop"):
        fit(RGB, _input(size=[5, 5], crop="center"), "cat.png")


def test_inputs_that_differ_only_in_numbers_share_one_fitting() -> None:
    assert geometry(_input()) == geometry(_input(colour="bgr", mean=[3], layout="NHWC", scale=1))
    assert geometry(_input()) != geometry(_input(colour="grey"))
    assert geometry(_input()) != geometry(_input(size=[6, 4]))
