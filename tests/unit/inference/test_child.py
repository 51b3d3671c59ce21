"""A child may die, hang or lie at any moment; the parent says how it ended and keeps nothing of it."""

from __future__ import annotations

import os
import socket
import sys
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from vetgate.domain.errors import Inconclusive, UnreadableArtifact, WorkerFailed
from vetgate.inference import child, process
from vetgate.inference.memory import SharedBuffer
from vetgate.inference.message import Close

WEIGHT = np.ones((16, 3), dtype=np.float32)


def _descriptors() -> int:
    folder = Path("/proc/self/fd")
    return len(list(folder.iterdir())) if folder.is_dir() else pytest.skip("no /proc")


def test_a_child_leaves_no_descriptor_behind_however_it_ends(make_worker: Any, ring: SharedBuffer) -> None:
    before = _descriptors()
    good, dead = make_worker(WEIGHT, 4), make_worker(WEIGHT, 4)
    good.describe(None)
    dead.kill()
    with pytest.raises(WorkerFailed, match="SIGKILL"):
        dead.describe(None)
    good.close()
    dead.close()
    assert _descriptors() == before


def test_a_process_that_cannot_be_started_is_inconclusive_and_leaks_nothing(
    make_worker: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = _descriptors()
    monkeypatch.setattr(sys, "executable", "/nowhere/python")
    with pytest.raises(Inconclusive, match="cannot be started"):
        make_worker(WEIGHT, 4)
    assert _descriptors() == before


def test_a_plugin_that_cannot_be_imported_in_the_child_says_why(make_worker: Any) -> None:
    worker = make_worker(WEIGHT, 4, value="acme_vetgate.broken")
    with pytest.raises(WorkerFailed, match="acme forgot to test this"):
        worker.describe(None)


class _Liar:
    """The far end of a worker's connection, in place of its process."""

    def __init__(self, worker: child.Worker) -> None:
        ours, self.far = socket.socketpair()
        process.limit_waits(ours, worker.patience)
        worker.connection.close()
        worker.connection = Connection(ours.detach())


@pytest.fixture
def worker(make_worker: Any) -> child.Worker:
    made: child.Worker = make_worker(WEIGHT, 4, patience=0.5)
    return made


def test_half_a_message_is_not_waited_for_without_end(worker: child.Worker) -> None:
    liar = _Liar(worker)
    liar.far.send(b"\0\0\1\0half")
    with pytest.raises(WorkerFailed, match="no answer within"):
        worker.receive()
    assert not worker.alive


def test_a_message_that_says_it_is_huge_is_not_read(worker: child.Worker) -> None:
    _Liar(worker).far.send(b"\x7f\xff\xff\xff")
    with pytest.raises(WorkerFailed, match="does not understand"):
        worker.receive()


@pytest.mark.parametrize("text", [b"{}", b"no json", b'{"kind": "predicted", "rows": "many", "columns": 1}'])
def test_nonsense_is_refused(worker: child.Worker, text: bytes) -> None:
    Connection(_Liar(worker).far.detach()).send_bytes(text)
    with pytest.raises(WorkerFailed, match="does not understand"):
        worker.receive()


def test_an_answer_to_another_question_is_refused(worker: child.Worker) -> None:
    Connection(_Liar(worker).far.detach()).send_bytes(b'{"kind": "timed", "seconds": [1]}')
    with pytest.raises(WorkerFailed, match="answered timed when Started was due"):
        worker.describe(None)


def test_a_child_that_never_reads_does_not_block_the_parent(worker: child.Worker) -> None:
    liar = _Liar(worker)
    liar.far.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1)
    with pytest.raises(WorkerFailed, match="no answer within"):
        worker.send(Close.model_construct(kind="x" * (8 << 20)))


def test_an_error_of_a_child_keeps_its_kind_and_cannot_paint_on_a_terminal(worker: child.Worker) -> None:
    text = b'{"kind": "failed", "error": "UnreadableArtifact", "message": "cut\\u001b[2Jshort", "hint": ""}'
    Connection(_Liar(worker).far.detach()).send_bytes(text)
    with pytest.raises(UnreadableArtifact, match="cut\ufffd\\[2Jshort"):
        worker.receive()


def test_a_child_gets_no_variable_that_may_hold_a_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    environment = process.environment(2)
    assert "AWS_SECRET_ACCESS_KEY" not in environment
    assert environment["OMP_NUM_THREADS"] == "2"
    assert environment.get("PATH") == os.environ.get("PATH")
