"""A live model is timed in its own process, and started afresh in another."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np
import pytest

from vetgate.domain.errors import UnreadableArtifact, WallMissing, WorkerFailed
from vetgate.inference import memory, process
from vetgate.inference.child import Worker
from vetgate.inference.memory import SharedBuffer
from vetgate.inference.message import Block
from vetgate.inference.session import LiveSession
from vetgate.testing.toy import toy_card

WEIGHT = np.ones((16, 3), dtype=np.float32)
CARD = toy_card()
BLOCK = Block(offset=0, count=8, height=4, width=4, channels=1)


@pytest.fixture
def block(ring: SharedBuffer) -> Block:
    ring.resize(BLOCK.size)
    ring.array(0, BLOCK.size, "u1")[:] = np.arange(BLOCK.size) % 256
    return BLOCK


def _session(worker: Worker, block: Block, ring: SharedBuffer) -> LiveSession:
    def rehearse(asked: Block) -> Any:
        with Worker(worker.name, worker._start, ring, worker.patience, cold=True) as cold:
            return cold.rehearse(CARD, asked)

    worker.open(CARD)
    return LiveSession(worker, block, rehearse)


def test_calls_are_timed_at_the_deployment_batch_or_at_fewer_images(
    make_worker: Any, ring: SharedBuffer, block: Block
) -> None:
    session = _session(make_worker(WEIGHT, 4, misbehave="lie", when=5), block, ring)
    assert session.batch == 8
    assert session.time(3).shape == (3,)
    assert session.time(2, batch=1).min() > 0
    with pytest.raises(UnreadableArtifact, match=r"shape \(2, 3\) for 1 images"):
        session.time(1, batch=1)


@pytest.mark.parametrize("batch", [0, 9])
def test_a_batch_that_is_not_at_hand_is_refused(batch: int, make_worker: Any, ring: SharedBuffer, block: Block) -> None:
    with pytest.raises(ValueError, match="1 to 8 are at hand"):
        _session(make_worker(WEIGHT, 4), block, ring).time(1, batch=batch)


def test_a_fresh_start_opens_and_answers_in_another_process(make_worker: Any, ring: SharedBuffer, block: Block) -> None:
    worker = make_worker(WEIGHT, 4, misbehave="slow")
    session = _session(worker, block, ring)
    start = session.start_afresh()
    assert 0 < start.opening < 20
    assert 0.05 <= start.first < 20
    assert worker.alive
    assert session.time(1).shape == (1,)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells the peak of a process")
def test_memory_of_a_fresh_start_is_what_came_with_the_model(
    make_worker: Any, ring: SharedBuffer, block: Block
) -> None:
    small, large = (np.ones((16, columns), dtype=np.float32) for columns in (3, 500_000))
    peaks = []
    for weight in (small, large):
        start = _session(make_worker(weight, 4), block, ring).start_afresh()
        assert start.memory_before is not None
        assert start.memory_peak is not None
        assert 10e6 < start.memory_before < start.memory_peak
        peaks.append(start.memory_peak - start.memory_before)
    assert peaks[1] - peaks[0] > 32e6  # the weights once, and more while they are read


def test_a_fresh_start_that_fails_says_why_and_leaves_the_live_model_alone(
    make_worker: Any, ring: SharedBuffer, block: Block
) -> None:
    worker = make_worker(WEIGHT, 4, misbehave="raise", when=1)
    session = _session(worker, block, ring)
    assert session.start_afresh().first > 0
    session.time(1)
    with pytest.raises(WorkerFailed, match="acme lost a screw"):
        session.time(1)
    crashing = _session(make_worker(WEIGHT, 4, misbehave="crash"), block, ring)
    with pytest.raises(WorkerFailed, match="SIGABRT"):
        crashing.start_afresh()


def test_a_fresh_start_counts_for_nothing_where_a_wall_is_missing_that_must_stand(
    make_worker: Any, block: Block, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A ring of images larger than any address space cannot be sealed, as on a kernel that knows no such seals."""
    worker = make_worker(WEIGHT, 4)
    monkeypatch.setattr(memory, "LARGEST_RING", 1 << 62)
    with SharedBuffer(sole=True) as unsealed:
        unsealed.resize(BLOCK.size)
        with Worker(worker.name, worker._start, unsealed, worker.patience, cold=True) as lenient:
            assert lenient.rehearse(CARD, block).first > 0
            assert [wall.name for wall in lenient.walls if not wall.stood] == ["images"]
        with (
            Worker(worker.name, worker._start, unsealed, worker.patience, cold=True, strict=True) as strict,
            pytest.raises(WallMissing, match="images"),
        ):
            strict.rehearse(CARD, block)


def test_a_cold_process_manages_its_memory_as_the_system_does() -> None:
    assert "MALLOC_TOP_PAD_" in process.environment(1)
    assert "MALLOC_TOP_PAD_" not in process.environment(1, cold=True)
    assert process.environment(2, cold=True)["OMP_NUM_THREADS"] == "2"
