from __future__ import annotations

import numpy as np
import pytest
from vetgate_delta.augment import BENT, SHIFT, _sample, augment, homographies


@pytest.mark.parametrize("channels", [1, 3])
def test_images_keep_their_shape_and_type_and_the_seed_decides(channels: int) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (6, 20, 16, channels), np.uint8)
    first, again = (augment(pixels, np.random.default_rng(3)) for _ in range(2))
    assert first.shape == pixels.shape
    assert first.dtype == np.uint8
    np.testing.assert_array_equal(first, again)
    assert (augment(pixels, np.random.default_rng(4)) != first).any()


def test_every_image_is_changed_in_its_own_way() -> None:
    pixels = np.broadcast_to(np.random.default_rng(0).integers(0, 256, (1, 16, 16, 3), np.uint8), (5, 16, 16, 3))
    changed = augment(pixels, np.random.default_rng(1))
    assert len({image.tobytes() for image in changed}) == 5


def test_some_images_are_flipped_some_seen_in_perspective_and_crops_stay_within_their_bound() -> None:
    matrices = homographies(400, np.random.default_rng(0), (32, 32)).astype(np.float64)
    flipped = matrices[:, 0, 0] < 0
    assert 0.4 < flipped.mean() < 0.6
    flat = (np.abs(matrices[:, 2, :2]) < 1e-6).all(axis=1)
    assert flat.mean() == pytest.approx(1 - BENT, abs=0.08)
    assert np.abs(matrices[flat, :2, 2]).max() <= 2 * SHIFT + 1e-6
    assert np.abs(matrices[flat, :2, 2]).max() > 0.9 * 2 * SHIFT


def test_brightness_moves_a_plain_image_by_a_tenth_at_most() -> None:
    pixels = np.full((200, 8, 8, 1), 100, np.uint8)
    middles = augment(pixels, np.random.default_rng(0))[:, 4, 4, 0]
    assert middles.min() >= 80  # brightness 0.9 and contrast 1.1 of an image with a black border
    assert middles.max() <= 122
    assert middles.std() > 3


def test_a_crop_blurs_nothing() -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (200, 16, 16, 1), np.uint8)
    matrices = homographies(200, np.random.default_rng(1), (16, 16))
    flat = (np.abs(matrices[:, 2, :2]) < 1e-6).all(axis=1) & (matrices[:, 0, 0] > 0)
    right, down = np.rint(matrices[flat, :2, 2] * 8).astype(int).T
    moved = _sample(pixels[flat], matrices[flat])
    for image, plain, x, y in zip(moved, pixels[flat], right, down, strict=True):
        kept = plain[max(0, y) : 16 + min(0, y), max(0, x) : 16 + min(0, x)]
        found = image[max(0, -y) : 16 - max(0, y), max(0, -x) : 16 - max(0, x)]
        assert np.abs(found - kept).max() < 1e-2
