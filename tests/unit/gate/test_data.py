"""The list of images: which take part, in which order, and what pins it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from vetgate.gate.data import Images, open_images
from vetgate.host import find_plugins


@pytest.fixture
def data(tmp_path: Path) -> str:
    path = tmp_path / "data.npz"
    np.savez(path, images=np.random.default_rng(2).integers(0, 256, (200, 4, 4), dtype=np.uint8))
    return str(path)


def _open(data: str, limit: int | None = None, seed: int = 0, *, shuffled: bool = False) -> Images:
    return open_images(data, find_plugins(), limit, seed, shuffled=shuffled)


def test_a_random_order_holds_the_same_images_under_the_same_digest(data: str) -> None:
    for limit in (None, 50):
        plain, shuffled = _open(data, limit), _open(data, limit, shuffled=True)
        assert list(shuffled.indices) != list(plain.indices)
        assert sorted(shuffled.indices) == list(plain.indices)
        assert shuffled.sha256 == plain.sha256


def test_the_seed_alone_decides_the_order(data: str) -> None:
    orders = [list(_open(data, seed=seed, shuffled=True).indices) for seed in (1, 1, 2)]
    assert orders[0] == orders[1] != orders[2]


def test_the_first_images_have_the_digest_that_they_have_as_a_list_of_their_own(data: str) -> None:
    images = _open(data, shuffled=True)
    again = Images("", images.source, images.indices[:30], "", images.reader)
    assert images.sha256_of(200) == images.sha256
    assert images.sha256_of(30) == images.sha256_of(30) != images.sha256_of(31)
    assert sorted(again.digests) == sorted(images.digests[:30])
