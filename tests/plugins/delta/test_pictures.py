from __future__ import annotations

import io

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from vetgate_delta.pictures import CYAN, GAP, MAGENTA, Example, beside, outlined


def _example(height: int = 32, width: int = 32, channels: int = 3, grey: int = 128) -> Example:
    """Return a grey image with the candidate's region on the left and DELTA's on the right."""
    left, right = np.zeros((height, width), dtype=bool), np.zeros((height, width), dtype=bool)
    left[: height // 2, : width // 4] = True
    right[height // 2 :, width - width // 4 :] = True
    return Example(np.full((height, width, channels), grey, dtype=np.uint8), left, right)


def _opened(content: bytes) -> NDArray[np.int64]:
    image = Image.open(io.BytesIO(content))
    assert image.format == "PNG"
    return np.array(image.convert("RGB"), dtype=np.int64)


def _near(pixels: NDArray[np.int64], colour: tuple[int, int, int]) -> NDArray[np.bool_]:
    return np.asarray(np.abs(pixels - np.array(colour)).max(axis=-1) < 24)


@pytest.mark.parametrize("channels", [1, 3])
def test_the_candidates_region_is_magenta_and_deltas_cyan_where_they_are(channels: int) -> None:
    page = _opened(beside(_example(channels=channels)))
    assert page.shape == (160, 2 * 160 + GAP, 3)
    bare, marked = page[:, :160], page[:, 160 + GAP :]
    assert _near(bare, (128, 128, 128)).all()
    magenta, cyan = _near(marked, MAGENTA), _near(marked, CYAN)
    assert magenta.any()
    assert cyan.any()
    assert not magenta[80:].any()
    assert not magenta[:, 40:].any()
    assert not cyan[:80].any()
    assert not cyan[:, :120].any()
    # tinted within, untouched outside
    assert marked[40, 20, 1] < 100 < marked[40, 20, 0]
    assert marked[120, 140, 0] < 100 < marked[120, 140, 1]
    assert _near(marked[80:, :120], (128, 128, 128)).all()


@pytest.mark.parametrize("grey", [0, 255])
def test_outlines_are_seen_on_black_and_on_white(grey: int) -> None:
    marked = _opened(beside(_example(grey=grey)))[:, 160 + GAP :]
    assert _near(marked, MAGENTA).sum() > 100
    assert _near(marked, CYAN).sum() > 200


@pytest.mark.parametrize(
    ("size", "shown"),
    [
        ((32, 32), (160, 160)),
        ((8, 8), (160, 160)),
        ((48, 24), (192, 96)),
        ((224, 224), (224, 224)),
        ((480, 960), (120, 240)),
    ],
)
def test_tiny_images_are_enlarged_by_whole_numbers_and_large_ones_reduced(
    size: tuple[int, int], shown: tuple[int, int]
) -> None:
    example = _example(*size)
    assert _opened(outlined(example.pixels, example.delta)).shape[:2] == shown


def test_a_picture_for_a_labeller_has_deltas_outline_and_nothing_else() -> None:
    example = _example()
    picture = _opened(outlined(example.pixels, example.delta))
    assert _near(picture, CYAN).sum() > 200
    assert not _near(picture, MAGENTA).any()
    inside = picture[95:150, 130:150]
    assert _near(inside, (128, 128, 128)).all()
    assert _near(picture[:70], (128, 128, 128)).all()


def test_the_noisiest_example_stays_small() -> None:
    noise = np.random.default_rng(0).integers(0, 255, (480, 480, 3)).astype(np.uint8)
    mask = np.zeros((480, 480), dtype=bool)
    content = beside(Example(noise, mask, mask))
    assert _opened(content).shape == (240, 2 * 240 + GAP, 3)
    assert len(content) < 150_000


def test_an_image_without_regions_is_shown_as_it_is() -> None:
    nothing = np.zeros((32, 32), dtype=bool)
    page = _opened(beside(Example(_example().pixels, nothing, nothing)))
    assert not _near(page, MAGENTA).any()
    assert not _near(page, CYAN).any()


def test_the_same_example_gives_the_same_bytes() -> None:
    assert beside(_example(grey=20)) == beside(_example(grey=20))
