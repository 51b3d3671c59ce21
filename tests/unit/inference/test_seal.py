"""The cache believes nothing that the user's own key does not vouch for, and nothing that others could write."""

from __future__ import annotations

import hashlib
import os
import stat
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest

from vetgate.atomic import partial, replace_whole, sweep
from vetgate.inference.cache import Cache, key_of
from vetgate.inference.seal import NotOwn, Seal, key_path, user_seal

KEY, OTHER = key_of({"artifact": "a"}), key_of({"artifact": "b"})
DIGESTS = [f"{index:064x}" for index in range(5)]
RAW = np.arange(10, dtype=np.float32).reshape(5, 2)


def _kept(folder: Path) -> Path:
    """Keep answers; return their file."""
    Cache(folder).keep_answers(KEY, DIGESTS, RAW)
    (file,) = folder.rglob("*.npz")
    return file


def _known(folder: Path, key: str = KEY) -> bool:
    return bool(Cache(folder).answers(key, DIGESTS)[1].all())


def test_the_key_is_the_users_alone_and_lies_outside_the_cache(tmp_path: Path) -> None:
    _kept(tmp_path)
    found = key_path().stat()
    assert stat.S_IMODE(found.st_mode) == 0o600
    assert found.st_size == 32
    assert tmp_path not in key_path().parents
    assert [file.name for file in key_path().parent.iterdir()] == [key_path().name]


def test_two_runs_that_make_the_key_at_once_share_one() -> None:
    script = "from vetgate.inference.seal import user_seal; print(user_seal().code(b'x'))"
    running = [subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE) for _ in range(3)]
    assert len({process.communicate(timeout=60)[0] for process in running}) == 1


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o604, 0o660])
def test_a_key_that_others_may_read_is_refused_and_the_cache_is_off(tmp_path: Path, mode: int) -> None:
    file = _kept(tmp_path)
    key_path().chmod(mode)
    cache = Cache(tmp_path)
    assert not cache.answers(KEY, DIGESTS)[1].any()
    assert f"others may read the cache's key {key_path()}" in cache.trouble
    cache.keep_answers(OTHER, DIGESTS, RAW)
    assert cache.shelf("work") is None
    assert list(tmp_path.rglob("*.npz")) == [file]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
def test_a_key_that_belongs_to_somebody_else_is_refused(tmp_path: Path) -> None:
    _kept(tmp_path)
    os.chown(key_path(), 12345, -1)
    cache = Cache(tmp_path)
    assert not cache.answers(KEY, DIGESTS)[1].any()
    assert "belongs to somebody else" in cache.trouble


@pytest.mark.parametrize("content", [b"", b"short", b"x" * 33])
def test_a_key_of_another_length_is_refused(tmp_path: Path, content: bytes) -> None:
    _kept(tmp_path)
    key_path().write_bytes(content)
    assert not _known(tmp_path)
    assert "damaged" in Cache(tmp_path).trouble


def test_a_key_that_is_a_link_is_refused(tmp_path: Path) -> None:
    _kept(tmp_path)
    elsewhere = key_path().rename(tmp_path / "elsewhere")
    key_path().symlink_to(elsewhere)
    assert not _known(tmp_path)
    assert "is a link" in Cache(tmp_path).trouble


def test_a_lost_key_leaves_nothing_known_and_the_next_run_keeps_anew(tmp_path: Path) -> None:
    _kept(tmp_path)
    key_path().unlink()
    assert not _known(tmp_path)
    Cache(tmp_path).keep_answers(KEY, DIGESTS, RAW)
    assert _known(tmp_path)


def test_an_entry_planted_with_its_right_digest_is_ignored(tmp_path: Path) -> None:
    """The name alone was a digest once, which whoever writes the content can compute."""
    file = _kept(tmp_path)
    content = file.read_bytes()
    file.unlink()
    planted = file.with_name(f"{hashlib.sha256(content).hexdigest()}.npz")
    planted.write_bytes(content)
    assert not _known(tmp_path)
    planted.rename(file)
    assert _known(tmp_path)


def test_an_entry_that_another_key_vouches_for_is_ignored(tmp_path: Path) -> None:
    Cache(tmp_path, seal=Seal.fresh()).keep_answers(KEY, DIGESTS, RAW)
    assert not _known(tmp_path)


def test_a_true_entry_moved_to_another_model_is_ignored(tmp_path: Path) -> None:
    file = _kept(tmp_path)
    target = file.parent.with_name(OTHER)
    target.mkdir(mode=0o700)
    file.rename(target / file.name)
    assert not _known(tmp_path, OTHER)


def test_an_entry_that_is_a_link_a_pipe_or_a_folder_is_ignored_without_waiting(tmp_path: Path) -> None:
    file = _kept(tmp_path)
    moved = file.rename(tmp_path / "moved.npz")
    file.symlink_to(moved)
    os.mkfifo(file.with_name(f"{'0' * 64}.npz"))
    file.with_name(f"{'1' * 64}.npz").mkdir()
    assert not _known(tmp_path)


def test_a_sparse_giant_among_the_entries_takes_no_memory(tmp_path: Path) -> None:
    import resource

    file = _kept(tmp_path)
    with file.with_name(f"{'0' * 64}.npz").open("wb") as giant:
        giant.truncate(300 << 20)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert _known(tmp_path)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 100 << 10


def test_content_that_the_key_vouches_for_and_that_cannot_be_read_never_crashes(tmp_path: Path) -> None:
    cache = Cache(tmp_path)
    for content in (b"", b"PK\x03\x04", zipfile.ZIP_STORED.to_bytes(8, "big"), b"\x93NUMPY\x01\x00v\x00{"):
        cache._write(KEY, ".npz", content)
        cache._write(KEY, ".json", content)
    assert not _known(tmp_path)
    assert cache.structure(KEY) is None


@pytest.mark.parametrize("place", ["", "v1"])
@pytest.mark.parametrize("mode", [0o777, 0o770, 0o720, 0o702])
def test_a_folder_that_others_may_write_is_refused(tmp_path: Path, place: str, mode: int) -> None:
    _kept(tmp_path)
    (tmp_path / place).chmod(mode)
    cache = Cache(tmp_path)
    assert not cache.answers(KEY, DIGESTS)[1].any()
    assert "chmod go-w" in cache.trouble
    (tmp_path / place).chmod(0o755)
    assert _known(tmp_path)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a folder away")
def test_a_folder_of_somebody_else_is_refused(tmp_path: Path) -> None:
    _kept(tmp_path)
    os.chown(tmp_path, 12345, -1)
    cache = Cache(tmp_path)
    assert not cache.answers(KEY, DIGESTS)[1].any()
    assert "belongs to another user" in cache.trouble
    os.chown(tmp_path, 0, -1)


def test_folders_are_made_for_the_user_alone_whatever_the_umask(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        _kept(tmp_path / "new")
    finally:
        os.umask(before)
    assert all(
        stat.S_IMODE(folder.stat().st_mode) == 0o700 for folder in (tmp_path / "new").rglob("*") if folder.is_dir()
    )
    assert _known(tmp_path / "new")


def test_the_folder_of_the_key_is_held_to_the_same(tmp_path: Path) -> None:
    assert user_seal() is not None
    key_path().parent.chmod(0o777)
    with pytest.raises(NotOwn, match="others may write"):
        user_seal()
    assert not Cache(tmp_path).answers(KEY, DIGESTS)[1].any()


def test_codes_of_different_parts_differ_though_their_bytes_are_alike() -> None:
    seal = Seal.fresh()
    assert seal.code(b"ab", b"c") != seal.code(b"a", b"bc")
    assert not seal.holds("é", b"x")


def test_a_shelf_holds_what_was_vouched_for_and_nothing_else_the_next_time(tmp_path: Path) -> None:
    cache = Cache(tmp_path)
    shelf = cache.shelf("work")
    assert shelf is not None
    (shelf / "inner").mkdir()
    for name in ("kept.npz", "inner/kept.pt", "changed.pt"):
        (shelf / name).write_bytes(b"trained")
    cache.leave_shelf("work")
    (shelf / "changed.pt").write_bytes(b"poisoned")
    (shelf / "planted.pt").write_bytes(b"planted")
    (shelf / "inner" / "link.pt").symlink_to(shelf / "kept.npz")
    (shelf / "away").symlink_to(tmp_path)
    os.mkfifo(shelf / "pipe.pt")
    again = Cache(tmp_path).shelf("work")
    assert again == shelf
    left = sorted(path.relative_to(shelf).as_posix() for path in shelf.rglob("*"))
    assert left == [".lock", ".sealed", "inner", "inner/kept.pt", "kept.npz"]


@pytest.mark.parametrize("listing", [b"", b"{}", b'{"code": "", "files": {"planted.pt": ""}}', b"\xff"])
def test_a_list_that_nobody_signed_vouches_for_nothing(tmp_path: Path, listing: bytes) -> None:
    shelf = Cache(tmp_path).shelf("work")
    assert shelf is not None
    (shelf / "planted.pt").write_bytes(b"planted")
    (shelf / ".sealed").write_bytes(listing)
    again = Cache(tmp_path).shelf("work")
    assert again == shelf
    assert not (shelf / "planted.pt").exists()


def test_a_shelf_copied_from_another_model_is_empty(tmp_path: Path) -> None:
    cache = Cache(tmp_path)
    shelf = cache.shelf("one")
    assert shelf is not None
    (shelf / "a.pt").write_bytes(b"trained")
    cache.leave_shelf("one")
    shelf.rename(shelf.with_name("two"))
    other = Cache(tmp_path).shelf("two")
    assert other is not None
    assert not (other / "a.pt").exists()


def test_a_shelf_that_another_run_has_is_not_shared(tmp_path: Path) -> None:
    first, second = Cache(tmp_path), Cache(tmp_path)
    shelf = first.shelf("work")
    assert shelf is not None
    assert second.shelf("work") is None
    first.leave_shelf("work")
    assert second.shelf("work") == shelf


def test_what_was_done_before_a_run_was_killed_is_kept_as_far_as_it_was_vouched_for(tmp_path: Path) -> None:
    cache = Cache(tmp_path)
    shelf = cache.shelf("work")
    assert shelf is not None
    (shelf / "early.pt").write_bytes(b"early")
    cache.keep_shelf("work")
    (shelf / "late.pt").write_bytes(b"late")
    cache._shelves["work"].close()  # as the system does when a process ends
    Cache(tmp_path).shelf("work")
    assert (shelf / "early.pt").exists()
    assert not (shelf / "late.pt").exists()


def test_half_written_files_of_dead_processes_are_swept_and_those_of_living_ones_stay(tmp_path: Path) -> None:
    script = (
        "import os, signal, sys; from pathlib import Path; from vetgate.atomic import partial\n"
        "with partial(Path(sys.argv[1])) as file:\n    file.write(b'half'); os.kill(os.getpid(), signal.SIGKILL)"
    )
    subprocess.run([sys.executable, "-c", script, str(tmp_path)], check=False)
    (dead,) = tmp_path.iterdir()
    (tmp_path / ".vetgate-notes").touch()
    with partial(tmp_path) as living:
        sweep(tmp_path)
        assert not dead.exists()
        assert Path(living.name).exists()
    assert [path.name for path in tmp_path.iterdir()] == [".vetgate-notes"]


def test_a_file_that_cannot_be_finished_leaves_the_old_one(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"old")

    def write_half() -> None:
        with partial(tmp_path) as file:
            file.write(b"half")
            raise OSError("no room")

    with pytest.raises(OSError, match="no room"):
        write_half()
    assert path.read_bytes() == b"old"
    replace_whole(path, b"new")
    assert path.read_bytes() == b"new"
    assert list(tmp_path.iterdir()) == [path]
