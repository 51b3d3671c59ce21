"""Private folders are this run's alone, go with it, and those of dead runs are cleared without touching anybody's."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import pytest

from vetgate.domain.errors import UsageError
from vetgate.private import PREFIX, PrivateFolder, clear_remains, remove


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


def _old(folder: Path) -> Path:
    os.utime(folder, (1e9, 1e9))
    return folder


def test_it_is_the_users_alone_and_gone_when_closed(place: Path) -> None:
    folder = PrivateFolder()
    assert folder.path.stat().st_mode & 0o777 == 0o700
    (folder.path / "inner").mkdir()
    (folder.path / "inner" / "file").write_bytes(b"x")
    folder.close()
    folder.close()
    assert list(place.iterdir()) == []


def test_what_a_dead_run_left_is_cleared_and_what_a_live_one_holds_is_not(place: Path) -> None:
    alive = PrivateFolder()
    _old(alive.path)
    dead = place / f"{PREFIX}dead"
    dead.mkdir()
    (dead / "model1").mkdir()
    _old(dead)
    clear_remains()
    assert list(place.iterdir()) == [alive.path]
    alive.close()


def test_what_is_young_or_called_otherwise_or_leads_elsewhere_is_left_alone(place: Path) -> None:
    young = place / f"{PREFIX}young"
    young.mkdir()
    other = place / "results"
    other.mkdir()
    _old(other)
    (place / f"{PREFIX}link").symlink_to(other)
    clear_remains()
    assert young.is_dir()
    assert other.is_dir()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give folders away")
def test_what_belongs_to_somebody_else_is_left_alone(place: Path) -> None:
    theirs = place / f"{PREFIX}theirs"
    theirs.mkdir()
    os.chown(theirs, 65534, 65534)
    _old(theirs)
    clear_remains()
    assert theirs.is_dir()


def test_a_folder_deeper_than_any_path_is_removed(tmp_path: Path) -> None:
    top = tmp_path / "top"
    top.mkdir()
    before = Path.cwd()
    os.chdir(top)
    try:
        for _ in range(200):
            Path("deep" * 10).mkdir()
            os.chdir("deep" * 10)
        Path("file").write_bytes(b"x")
        Path().chmod(0)
    finally:
        os.chdir(before)
    remove(top)
    assert not top.exists()


def test_a_link_out_of_it_is_removed_and_not_followed(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "mine").write_bytes(b"x")
    top = tmp_path / "top"
    top.mkdir()
    (top / "link").symlink_to(outside)
    remove(top)
    assert not top.exists()
    assert (outside / "mine").exists()


@pytest.mark.parametrize("kind", ["missing", "file"])
def test_a_tmpdir_that_is_no_folder_is_refused_and_nothing_goes_elsewhere(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = tmp_path / kind
    if kind == "file":
        place.write_bytes(b"x")
    monkeypatch.setenv("TMPDIR", str(place))
    with pytest.raises(UsageError, match=r"TMPDIR names .*, which is no folder that can be written"):
        PrivateFolder()
