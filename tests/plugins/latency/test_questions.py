"""Which limits betting settles, and what is taken whatever it shows."""

from __future__ import annotations

import pytest
from vetgate_latency.collect import FEWEST_PAIRS, MODEST_PAIRS
from vetgate_latency.questions import (
    BOUNDED_CALLS,
    CONFIDENCES,
    Batches,
    concerning,
    fixed_part,
    thresholds,
)

from vetgate.api import Ask, Of, Question, Slice

EIGHT, SINGLE, MIXED = Batches(8, 8), Batches(1, 1), Batches(8, 1)
RATIO = Question(metric="latency.p50", of=Of.RATIO, at_most=1.1, confidence=0.95)


def _sliced(value: str | None) -> Question:
    return RATIO.model_copy(update={"slice": Slice(by="batch", value=value)})


def test_each_limit_is_settled_at_the_error_of_its_rule() -> None:
    both = RATIO.model_copy(update={"at_least": 0.5})
    found = thresholds((both,), SINGLE)
    assert [limit.ratio for limit in found] == [0.5, 1.1]
    assert [limit.error for limit in found] == pytest.approx([0.05, 0.05])


def test_images_per_second_are_a_limit_on_times_turned_over() -> None:
    asked = Question(metric="latency.throughput", of=Of.RATIO, at_least=4.0, confidence=0.95)
    assert [limit.ratio for limit in thresholds((asked,), EIGHT)] == [0.25]
    assert [limit.ratio for limit in thresholds((asked,), MIXED)] == [2.0]


def test_a_rule_on_each_batch_is_settled_at_half_its_error() -> None:
    assert thresholds((_sliced(None),), SINGLE)[0].error == pytest.approx(0.025)


@pytest.mark.parametrize(
    "changed",
    [{"confidence": None}, {"of": Of.CANDIDATE}, {"of": Of.DELTA}, {"metric": "latency.p95"}],
)
def test_only_the_ratio_of_medians_at_a_confidence_is_bet_on(changed: dict[str, object]) -> None:
    assert thresholds((RATIO.model_copy(update=changed),), SINGLE) == ()


def test_times_of_one_call_at_different_batches_are_not_bet_on() -> None:
    assert thresholds((RATIO,), MIXED) == ()


def test_a_question_goes_to_the_phase_that_answers_it() -> None:
    ask = Ask(questions=(RATIO, _sliced("1"), _sliced("8"), _sliced(None), _sliced("64")))
    assert concerning(ask, EIGHT, deployed=True) == (RATIO, _sliced("8"), _sliced(None))
    assert concerning(ask, SINGLE, deployed=False) == (_sliced("1"), _sliced(None))
    assert concerning(ask, SINGLE, deployed=True) == (RATIO, _sliced("1"), _sliced(None))


def test_few_pairs_are_settled_beforehand_where_only_bets_are_asked_for() -> None:
    def fixed(*questions: Question, deployed: bool = True) -> tuple[int, int]:
        return fixed_part(questions, SINGLE, CONFIDENCES, deployed=deployed)

    assert fixed(RATIO) == (FEWEST_PAIRS, 0)
    assert fixed() == (MODEST_PAIRS, 0)
    assert fixed(deployed=False) == (FEWEST_PAIRS, 0)
    assert fixed(RATIO, Question(metric="latency.p99", of=Of.CANDIDATE, at_most=1.0)) == (MODEST_PAIRS, 459)
    tail = RATIO.model_copy(update={"metric": "latency.p95"})
    assert fixed(RATIO, tail) == (MODEST_PAIRS, BOUNDED_CALLS)
    absolute = Question(metric="latency.p99", of=Of.CANDIDATE, at_most=1.0, confidence=0.95)
    assert fixed(RATIO, absolute) == (MODEST_PAIRS, BOUNDED_CALLS)
