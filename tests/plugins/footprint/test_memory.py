from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
import pytest
from numpy.typing import NDArray
from vetgate_footprint.memory import MemoryCheck
from vetgate_footprint.metrics import PEAK_MEMORY
from vetgate_footprint.plugin import vetgate_checks

from vetgate.api import (
    Ask,
    ColdStart,
    Execution,
    Inconclusive,
    Measurement,
    Need,
    Of,
    Quantiles,
    Question,
    SessionContext,
    Unit,
    Unstated,
)

BEFORE = 40_000_000


@dataclass
class Fresh:
    """A session whose fresh starts take the memory given, one after the other."""

    peaks: Iterator[int | None]
    """Bytes over what was there before."""
    batch: int = 1
    starts: list[str] = field(default_factory=list)
    name: str = "candidate"

    @property
    def execution(self) -> Execution:
        return Execution(runtime="toy", version="1", provider="cpu", threads=1, precision="float32")

    def time(self, calls: int, *, batch: int | None = None) -> NDArray[np.float64]:
        raise AssertionError("nothing is timed")

    def start_afresh(self) -> ColdStart:
        self.starts.append(self.name)
        peak = next(self.peaks)
        return ColdStart(1.0, 0.1, BEFORE, None if peak is None else BEFORE + peak)


def figures(candidate: list[int | None], reference: list[int | None], *questions: Question) -> dict[Of, Measurement]:
    sessions = SessionContext(Fresh(iter(candidate)), Fresh(iter(reference)))
    return {entry.role: entry for entry in MemoryCheck().measure(sessions, Ask(questions=questions)).measurements}


def test_memory_is_the_median_peak_less_what_was_there_before() -> None:
    found = figures([10_000_000, 30_000_000, 12_000_000], [48_000_000] * 3)
    assert found[Of.CANDIDATE].value == pytest.approx(12.0)
    assert found[Of.REFERENCE].value == pytest.approx(48.0)
    assert found[Of.DELTA].value == pytest.approx(-36.0)
    assert found[Of.RATIO].value == pytest.approx(0.25)
    assert found[Of.CANDIDATE].note == "median of 3 fresh starts at batch 1; the runtime library counts"
    assert [found[role].unit for role in (Of.DELTA, Of.RATIO)] == [Unit.MEGABYTES, Unit.RATIO]
    assert all(entry.uncertainty == Unstated() for entry in found.values())


def test_a_rule_with_a_confidence_gets_as_many_starts_as_bounds_need() -> None:
    asked = Question(metric=PEAK_MEMORY.id, of=Of.RATIO, at_most=1.0, confidence=0.95)
    found = figures([peak * 1_000_000 for peak in (9, 10, 11, 12, 13)], [20_000_000] * 5, asked)
    for role, low, high in ((Of.CANDIDATE, 9, 13), (Of.DELTA, -11, -7), (Of.RATIO, 0.45, 0.65)):
        bounds = found[role].uncertainty
        assert isinstance(bounds, Quantiles)
        at = dict(zip(bounds.levels, bounds.values, strict=True))
        assert at[0.05] == pytest.approx(low)
        assert at[0.95] == pytest.approx(high)
        assert all(map(math.isfinite, bounds.values))


def test_a_system_that_does_not_tell_is_inconclusive_and_not_zero() -> None:
    with pytest.raises(Inconclusive, match="does not tell"):
        figures([None], [1_000_000])


def test_a_process_that_says_its_model_took_nothing_is_not_believed() -> None:
    with pytest.raises(Inconclusive, match="no memory at all"):
        figures([0] * 3, [0] * 3)


def test_the_models_are_started_in_an_order_drawn_by_the_seed() -> None:
    def order(seed: int) -> list[str]:
        starts: list[str] = []
        sessions = SessionContext(
            Fresh(iter([1_000_000] * 9), starts=starts), Fresh(iter([1_000_000] * 9), starts=starts, name="reference")
        )
        asked = Question(metric=PEAK_MEMORY.id, of=Of.RATIO, at_most=1.0, confidence=0.99)
        MemoryCheck().measure(sessions, Ask(questions=(asked,), seed=seed))
        assert all({*starts[place : place + 2]} == {"candidate", "reference"} for place in range(0, len(starts), 2))
        return starts

    assert order(0) == order(0)
    assert len({tuple(order(seed)) for seed in range(8)}) > 1


def test_memory_is_a_check_of_its_own_on_live_models() -> None:
    (spec,) = (spec for spec in vetgate_checks() if spec.name == "memory")
    assert spec.needs is Need.SESSION
    assert isinstance(spec.factory(), MemoryCheck)
    assert [metric.live for metric in spec.metrics] == [True]
