"""What a data set's digest pins."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np

from vetgate.gate.data import open_images
from vetgate.host import find_plugins


def _digest(folder: Path, limit: int | None = None, **columns: object) -> str:
    pixels = np.arange(4 * 2 * 2, dtype=np.uint8).reshape(4, 2, 2)
    np.savez(folder / "set.npz", images=pixels, labels=np.array([0, 1, 0, 1]), **columns)  # type: ignore[arg-type]
    return open_images(str(folder / "set.npz"), find_plugins(), limit, 0).sha256


def test_data_without_metadata_has_the_digest_it_always_had(tmp_path: Path) -> None:
    pixels = np.arange(4 * 2 * 2, dtype=np.uint8).reshape(4, 2, 2)
    digests = [hashlib.sha256(image.tobytes() + b"(2, 2)").hexdigest() for image in pixels]
    rows = "".join(f"{place}\0{digest}\0{place % 2}\n" for place, digest in enumerate(digests))
    assert _digest(tmp_path) == hashlib.sha256(rows.encode()).hexdigest()


def test_metadata_is_part_of_what_is_frozen(tmp_path: Path) -> None:
    night = np.array(["yes", "no", "", "no"])
    found = [
        _digest(tmp_path),
        _digest(tmp_path, night=night),
        _digest(tmp_path, dark=night),
        _digest(tmp_path, night=night[::-1]),
        _digest(tmp_path, night=night, dark=night),
    ]
    assert len(set(found)) == len(found)


def test_metadata_of_images_that_take_no_part_does_not_matter(tmp_path: Path) -> None:
    first = _digest(tmp_path, 2, night=np.array(["a", "b", "c", "d"]))
    drawn = np.sort(np.random.default_rng(0).choice(4, size=2, replace=False))
    other = np.array(["x", "x", "x", "x"])
    other[drawn] = np.array(["a", "b", "c", "d"])[drawn]
    assert _digest(tmp_path, 2, night=other) == first
