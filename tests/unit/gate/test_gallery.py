"""Which images a gallery chooses, and what becomes of each."""

from __future__ import annotations

import base64
import io

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from vetgate.domain.predictions import Predictions, PredictionTable
from vetgate.gate.gallery import LOSSLESS, SIDE, Thumbnail, choose, shrink

NAMES = ("cat", "dog", "owl")


def _said(rows: list[list[float]]) -> Predictions:
    values = np.asarray(rows, dtype=np.float64)
    return Predictions(values.astype(np.float32), values, values.argmax(axis=1))


def _table(
    reference: list[list[float]], candidate: list[list[float]], labels: list[int] | None = None
) -> PredictionTable:
    ids = [f"{number}.png" for number in range(len(reference))]
    given = None if labels is None else np.asarray(labels, dtype=np.int64)
    return PredictionTable(ids, given, NAMES, _said(candidate), _said(reference))


def _opened(thumbnail: Thumbnail) -> Image.Image:
    return Image.open(io.BytesIO(base64.b64decode(thumbnail.base64)))


def _photo(height: int, width: int, *shape: int) -> NDArray[np.uint8]:
    rows, columns = np.mgrid[0:height, 0:width]
    wave = (127 + 60 * np.sin(rows / 17) + 60 * np.cos(columns / 23)).astype(np.uint8)
    noise = np.random.default_rng(3).integers(0, 9, size=(height, width, *shape), dtype=np.uint8)
    drawn: NDArray[np.uint8] = noise + (wave[:, :, np.newaxis] if shape else wave)
    return drawn


def test_labelled_images_come_by_how_much_the_true_class_lost() -> None:
    sure, unsure, right = [0.9, 0.05, 0.05], [0.5, 0.4, 0.1], [0.6, 0.3, 0.1]
    gone, near = [0.01, 0.98, 0.01], [0.4, 0.5, 0.1]
    table = _table([sure, unsure, sure, right], [near, near, gone, right], labels=[0, 0, 0, 0])
    choice = choose(table)
    assert choice.rows.tolist() == [2, 0, 1]
    assert choice.title == "Right by the reference, wrong by the candidate"


def test_images_that_the_reference_has_wrong_or_both_have_right_are_not_shown() -> None:
    cat, dog = [0.9, 0.05, 0.05], [0.05, 0.9, 0.05]
    table = _table([dog, cat, dog], [cat, cat, dog], labels=[0, 0, 0])
    assert choose(table).rows.tolist() == []


def test_images_without_labels_come_by_how_far_the_two_answers_lie_apart() -> None:
    near, far, same = ([0.45, 0.5, 0.05], [0.0, 0.0, 1.0], [0.9, 0.1, 0.0])
    table = _table([[0.5, 0.45, 0.05], [1.0, 0.0, 0.0], [0.6, 0.4, 0.0]], [near, far, same])
    choice = choose(table)
    assert choice.rows.tolist() == [1, 0]
    assert choice.title == "The candidate disagrees with the reference"
    assert "total variation" in choice.told


def test_equally_bad_images_stay_in_the_order_of_the_data_set() -> None:
    cat, dog = [0.9, 0.05, 0.05], [0.05, 0.9, 0.05]
    assert choose(_table([cat] * 40, [dog] * 40, labels=[0] * 40)).rows.tolist() == list(range(40))


@pytest.mark.parametrize("shape", [(28, 28), (32, 32, 3), (1, 1), (LOSSLESS, 7, 3)])
def test_a_tiny_image_stays_as_it_is_to_the_last_pixel(shape: tuple[int, ...]) -> None:
    pixels = np.random.default_rng(1).integers(0, 256, size=shape, dtype=np.uint8)
    made = shrink(pixels)
    assert made.media_type == "image/png"
    assert np.array_equal(np.asarray(_opened(made)), pixels)


@pytest.mark.parametrize("size", [(480, 640), (2_000, 100), (161, 161), (3, 4_000)])
@pytest.mark.parametrize("channels", [(), (3,)])
def test_a_large_image_becomes_a_few_kilobytes_and_keeps_its_shape(
    size: tuple[int, int], channels: tuple[int, ...]
) -> None:
    made = shrink(_photo(*size, *channels))
    opened = _opened(made)
    assert max(opened.size) == SIDE
    assert opened.size[0] / opened.size[1] == pytest.approx(size[1] / size[0], rel=0.05) or min(opened.size) == 1
    assert opened.mode == ("RGB" if channels else "L")
    assert len(made.base64) < 24_000


def test_an_image_between_tiny_and_large_is_not_enlarged_and_takes_the_smaller_format() -> None:
    flat, photo = shrink(np.full((100, 120, 3), 7, dtype=np.uint8)), shrink(_photo(100, 120, 3))
    assert (flat.media_type, photo.media_type) == ("image/png", "image/jpeg")
    assert _opened(flat).size == _opened(photo).size == (120, 100)


def test_the_noisiest_photograph_stays_within_bounds_and_comes_out_the_same_each_time() -> None:
    noise = np.random.default_rng(0).integers(0, 256, size=(900, 1200, 3), dtype=np.uint8)
    assert len(shrink(noise).base64) < 30_000
    assert shrink(noise) == shrink(noise.copy())
