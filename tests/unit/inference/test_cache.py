"""The cache answers only what it knows, for the images that it knows."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from vetgate.domain.structure import Structure
from vetgate.inference.cache import Cache, key_of

KEY = key_of({"artifact": "a"})
DIGESTS = [f"{index:064x}" for index in range(5)]
RAW = np.arange(10, dtype=np.float32).reshape(5, 2)


def test_answers_come_back_by_image_whatever_the_order(tmp_path: Path) -> None:
    Cache(tmp_path).keep_answers(KEY, DIGESTS[:3], RAW[:3])
    raw, known = Cache(tmp_path).answers(KEY, [DIGESTS[2], DIGESTS[4], DIGESTS[0]])
    assert known.tolist() == [True, False, True]
    assert raw is not None
    np.testing.assert_array_equal(raw[known], RAW[[2, 0]])


def test_entries_grow_and_keep_what_they_had(tmp_path: Path) -> None:
    cache = Cache(tmp_path)
    cache.keep_answers(KEY, DIGESTS[:2], RAW[:2])
    cache.keep_answers(KEY, DIGESTS[2:], RAW[2:])
    raw, known = cache.answers(KEY, DIGESTS)
    assert known.all()
    assert raw is not None
    np.testing.assert_array_equal(raw, RAW)


def test_one_image_that_stands_twice_in_a_data_set_is_known_twice(tmp_path: Path) -> None:
    Cache(tmp_path).keep_answers(KEY, DIGESTS[:1], RAW[:1])
    _, known = Cache(tmp_path).answers(KEY, [DIGESTS[0], DIGESTS[0]])
    assert known.tolist() == [True, True]


def test_another_key_knows_nothing(tmp_path: Path) -> None:
    Cache(tmp_path).keep_answers(KEY, DIGESTS, RAW)
    raw, known = Cache(tmp_path).answers(key_of({"artifact": "b"}), DIGESTS)
    assert raw is None
    assert not known.any()


@pytest.mark.parametrize("damage", ["flip", "truncate", "empty"])
def test_a_damaged_entry_is_as_if_it_were_not_there(tmp_path: Path, damage: str) -> None:
    Cache(tmp_path).keep_answers(KEY, DIGESTS, RAW)
    (file,) = tmp_path.rglob("*.npz")
    content = file.read_bytes()
    file.write_bytes({"flip": content[:-9] + b"x" + content[-8:], "truncate": content[:50], "empty": b""}[damage])
    _, known = Cache(tmp_path).answers(KEY, DIGESTS)
    assert not known.any()


def test_what_is_switched_off_neither_reads_nor_writes(tmp_path: Path) -> None:
    Cache(tmp_path, enabled=False).keep_answers(KEY, DIGESTS, RAW)
    assert not list(tmp_path.rglob("*"))


def test_the_least_recently_used_entry_goes_first(tmp_path: Path) -> None:
    cache = Cache(tmp_path)
    keys = [key_of({"artifact": name}) for name in "abc"]
    for age, key in zip((300, 200, 100), keys, strict=True):
        cache.keep_answers(key, DIGESTS, RAW)
        folder = tmp_path / "v1" / key
        os.utime(folder, (1e9 - age, 1e9 - age))
    cache.answers(keys[0], DIGESTS)
    one = cache.entries()[0][1]
    cache.set_limit(2 * one)
    left = {folder.name for folder, _, _ in cache.entries()}
    assert left == {keys[0], keys[2]}
    assert Cache(tmp_path).limit == 2 * one


def test_a_structure_comes_back_as_it_was(tmp_path: Path) -> None:
    structure = Structure(inputs=(), outputs=(), tensors=(), operators=(), metadata={"a": "b"})
    Cache(tmp_path).keep_structure(KEY, structure)
    assert Cache(tmp_path).structure(KEY) == structure


def test_a_full_disk_costs_the_entry_and_never_the_run(tmp_path: Path) -> None:
    blocked = tmp_path / "blocked"
    blocked.write_text("a file where a folder should be", encoding="utf-8")
    Cache(blocked).keep_answers(KEY, DIGESTS, RAW)


def test_a_user_without_a_home_has_no_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Platformdirs then answers `~/.cache`, which would be a folder named `~` where the user stands."""
    monkeypatch.chdir(tmp_path)
    cache = Cache(Path("~/.cache/vetgate"))
    cache.keep_answers(KEY, DIGESTS, RAW)
    assert not list(tmp_path.iterdir())
    assert cache.answers(KEY, DIGESTS)[0] is None


def test_a_cache_that_can_only_be_read_answers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Cache(tmp_path).keep_answers(KEY, DIGESTS, RAW)

    def refuse(*_: object, **__: object) -> None:
        raise PermissionError("read-only file system")

    monkeypatch.setattr(os, "utime", refuse)
    assert Cache(tmp_path).answers(KEY, DIGESTS)[1].all()


def test_a_stray_file_among_the_entries_is_passed_by(tmp_path: Path) -> None:
    Cache(tmp_path).keep_answers(KEY, DIGESTS, RAW)
    (tmp_path / "v1" / "stray").touch()
    assert len(Cache(tmp_path).entries()) == 1


def test_features_are_filled_into_an_array_as_far_as_they_are_known(tmp_path: Path) -> None:
    cache, target = Cache(tmp_path), np.full((3, 2), -1, dtype=np.float32)
    cache.keep_answers("key", ["a", "b"], np.asarray([[1, 2], [3, 4]], dtype=np.float32))
    cache.keep_answers("key", ["c"], np.asarray([[5, 6, 7]], dtype=np.float32))  # of another width
    assert cache.fill("key", ["b", "c", "a"], target).tolist() == [True, False, True]
    assert target.tolist() == [[3, 4], [-1, -1], [1, 2]]


def test_a_shelf_counts_for_the_limit_with_all_that_lies_in_it_and_goes_as_a_whole(tmp_path: Path) -> None:
    cache = Cache(tmp_path)
    shelf = cache.shelf("work")
    assert shelf is not None
    (shelf / "inner").mkdir()
    (shelf / "inner" / "part").write_bytes(b"x" * 1000)
    assert cache.size() == 1000
    assert cache.shelf("work") == shelf
    cache.set_limit(100)
    assert not shelf.exists()


def test_a_cache_that_is_off_has_no_shelf(tmp_path: Path) -> None:
    assert Cache(tmp_path, enabled=False).shelf("work") is None
