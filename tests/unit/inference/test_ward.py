"""What a child takes without end is ended, told, and gone; its parent goes on."""

from __future__ import annotations

import os
import shutil
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from vetgate.domain.card import Card
from vetgate.domain.errors import WorkerFailed
from vetgate.inference import ward
from vetgate.testing import toy

WEIGHT = np.ones((16, 3), dtype=np.float32)
MEMORY = 1 << 28


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    folder = tmp_path / "tmp"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    yield folder
    assert list(folder.iterdir()) == []


def _card() -> Card:
    return toy.toy_card()


def _open(make_worker: Any, act: str, patience: float = 30.0) -> Any:
    worker = make_worker(WEIGHT, 4, patience=patience, memory=MEMORY, rogue=act, step="open")
    worker.describe(None)
    return worker


@pytest.mark.parametrize(
    ("act", "told"),
    [
        ("memory", "ran out of its memory limit of 0.268 GB"),
        ("shared-memory", "took more than its 0.268 GB of memory"),
        ("threads", "started more than 100 threads|can't start new thread"),
        ("disk", "wrote more than 0.0671 GB of temporary files"),
        ("hidden-disk", "wrote more than 0.0671 GB of temporary files"),
        ("many-files", "made more than 200 temporary files"),
        ("deep-folders", "temporary files|cannot be looked into"),
        ("kill", "was ended by SIGKILL"),
    ],
)
def test_a_child_that_takes_without_end_is_ended_and_said_to_have(
    make_worker: Any, place: Path, monkeypatch: pytest.MonkeyPatch, act: str, told: str
) -> None:
    monkeypatch.setattr(ward, "MOST_KEPT", 1 << 26)
    monkeypatch.setattr(ward, "MOST_FILES", 200)
    monkeypatch.setattr(ward, "MOST_THREADS", 100)
    worker = _open(make_worker, act)
    with pytest.raises(WorkerFailed, match=told):
        worker.open(_card())
    worker.close()
    assert not worker.alive


@pytest.mark.parametrize("act", ["spin", "flood", "fork-bomb"])
def test_a_child_that_never_answers_is_ended_when_patience_ends(make_worker: Any, place: Path, act: str) -> None:
    """A flood of words fills neither disk nor memory; a fork bomb is a loop of refusals."""
    worker = _open(make_worker, act)
    worker.patience = 1.5
    with pytest.raises(WorkerFailed, match=r"no answer within 1\.5 s"):
        worker.open(_card())
    worker.close()
    assert not worker.alive


def test_what_a_child_wrote_last_is_told_and_its_flood_is_not_kept(make_worker: Any, place: Path) -> None:
    worker = _open(make_worker, "flood")
    worker.patience = 1.0
    before = shutil.disk_usage(place).used
    with pytest.raises(WorkerFailed):
        worker.open(_card())
    assert shutil.disk_usage(place).used - before < 1 << 30
    worker.close()
    assert len(worker._ward._last) <= 4096


def test_a_child_leaves_no_thread_that_looks_after_it(make_worker: Any, place: Path) -> None:
    worker = make_worker(WEIGHT, 4)
    worker.describe(None)
    before = threading.active_count()
    worker.close()
    assert threading.active_count() == before - 1


def test_a_disk_that_runs_full_ends_the_child(make_worker: Any, place: Path) -> None:
    """As if it had been nearly full when the child started, and had been filled up since."""
    free = os.statvfs(place).f_bavail * os.statvfs(place).f_frsize
    worker = _open(make_worker, "spin")
    worker._ward._floor = free * 2
    with pytest.raises(WorkerFailed, match="left no room on the disk"):
        worker.open(_card())
    worker.close()


def test_a_python_without_descriptors_of_processes_waits_all_the_same(
    make_worker: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delattr(os, "pidfd_open", raising=False)
    worker = make_worker(WEIGHT, 4)
    worker.describe(None)
    worker.close()
    assert not worker.alive
