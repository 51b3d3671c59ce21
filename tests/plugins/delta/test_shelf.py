from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import vetgate_delta
from vetgate_delta.shelf import MAKERS, Shelf, digest_of, versions, write_whole


def test_an_entry_is_found_by_all_that_it_was_made_of(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path / "shelf")
    made_of = {"reference": "abc", "seed": 0}
    path = shelf.path("features", made_of, ".npz")
    assert path == shelf.path("features", dict(reversed(made_of.items())), ".npz")
    assert path != shelf.path("features", made_of | {"seed": 1}, ".npz")
    assert path != shelf.path("means", made_of, ".npz")


def test_arrays_come_back_as_they_were_put(tmp_path: Path) -> None:
    shelf, values = Shelf(tmp_path), np.random.default_rng(0).random((3, 2)).astype(np.float32)
    path = shelf.path("features", {}, ".npz")
    assert shelf.arrays(path) is None
    shelf.put_arrays(path, {"values": values})
    found = shelf.arrays(path)
    assert found is not None
    assert np.array_equal(found["values"], values)


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04", b"no archive at all"])
def test_a_damaged_entry_counts_as_none(tmp_path: Path, content: bytes) -> None:
    shelf = Shelf(tmp_path)
    path = shelf.path("features", {}, ".npz")
    path.write_bytes(content)
    assert shelf.arrays(path) is None


def test_a_write_that_fails_leaves_what_was_there(tmp_path: Path) -> None:
    path = tmp_path / "entry"
    path.write_bytes(b"old")

    def fail(file: object) -> None:
        raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        write_whole(path, fail)
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_labels_and_order_are_part_of_the_digest_of_images() -> None:
    labels = np.array([0, 1])
    assert digest_of(["a", "b"]) != digest_of(["b", "a"])
    assert digest_of(["a", "b"], labels) not in {digest_of(["a", "b"]), digest_of(["a", "b"], labels[::-1])}


def test_what_makes_entries_is_part_of_their_names() -> None:
    assert all((Path(vetgate_delta.__file__).parent / f"{name}.py").is_file() for name in MAKERS)
    assert {"torch", "vetgate_delta"} <= versions().keys()
