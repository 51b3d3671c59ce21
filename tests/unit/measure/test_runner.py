"""Whatever happens in a check, it becomes evidence; only figures that were declared are ever measured."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from vetgate.domain.check import Ask, Need, Question, Results, TableContext
from vetgate.domain.errors import CardError, Inconclusive, MissingExtra
from vetgate.domain.evidence import Counts, Exact, Measurement, Of, Outcome, Slice, of_label
from vetgate.domain.predictions import Column, Predictions, PredictionTable
from vetgate.domain.specs import CheckSpec, MetricSpec
from vetgate.domain.unit import Better, Unit
from vetgate.measure import PlannedCheck, run_check

METRIC = MetricSpec("toy.size", "size", Unit.MEGABYTES, Better.LOWER, (Of.CANDIDATE, Of.RATIO))


class _Check:
    def __init__(self, act: Callable[[], Results]) -> None:
        self._act = act

    def measure(self, context: object, ask: Ask) -> Results:
        return self._act()


def _planned(act: Callable[[], Results], missing: MissingExtra | None = None) -> PlannedCheck:
    spec: CheckSpec[Any] = CheckSpec("toy", "toys", Need.STRUCTURE, (METRIC,), lambda: _Check(act))
    return PlannedCheck(spec, Ask(), missing)


def _figure(**changes: Any) -> Measurement:
    given = {"metric": "toy.size", "role": Of.CANDIDATE, "value": 1.0, "unit": Unit.MEGABYTES, "n": 1}
    return Measurement.model_validate(given | {"better": Better.LOWER, "uncertainty": Exact()} | changes)


def test_what_was_declared_is_measured() -> None:
    figures = (_figure(), _figure(role=Of.RATIO, unit=Unit.RATIO))
    evidence = run_check(_planned(lambda: Results(measurements=figures)), None)
    assert (evidence.outcome, evidence.measurements) == (Outcome.MEASURED, figures)


@pytest.mark.parametrize(
    "figures",
    [
        (_figure(metric="accuracy.top1"),),
        (_figure(role=Of.DELTA),),
        (_figure(unit=Unit.FRACTION),),
        (_figure(role=Of.RATIO, unit=Unit.MEGABYTES),),
        (_figure(), _figure(value=2.0)),
    ],
    ids=["another metric", "another role", "another unit", "a ratio with a unit", "one figure twice"],
)
def test_a_check_that_measures_otherwise_than_it_declares_has_measured_nothing(
    figures: tuple[Measurement, ...],
) -> None:
    evidence = run_check(_planned(lambda: Results(measurements=figures)), None)
    assert evidence.outcome is Outcome.ERRORED
    assert not evidence.measurements


def _raise(error: BaseException) -> Callable[[], Results]:
    def act() -> Results:
        raise error

    return act


def test_a_check_that_raises_is_errored_with_what_it_said() -> None:
    evidence = run_check(_planned(_raise(ZeroDivisionError("lost a screw"))), None)
    assert evidence.outcome is Outcome.ERRORED
    assert evidence.reason == "ZeroDivisionError: lost a screw"


def test_a_record_that_cannot_be_is_told_in_one_sentence_without_a_library_in_it() -> None:
    evidence = run_check(_planned(lambda: Results(measurements=(_figure(uncertainty=Counts(k=3, n=2)),))), None)
    assert (evidence.outcome, evidence.reason) == (
        Outcome.ERRORED,
        "it made a Counts that cannot be: k = 3 is more than n = 2",
    )
    evidence = run_check(_planned(lambda: Results(measurements=(_figure(value=float("nan")),))), None)
    assert evidence.reason == "it made a Measurement that cannot be: value: Input should be a finite number"


def test_a_check_that_ends_the_process_with_code_0_is_errored_and_no_pass() -> None:
    evidence = run_check(_planned(lambda: sys.exit(0)), None)
    assert evidence.outcome is Outcome.ERRORED


def test_a_check_that_returns_something_else_is_errored() -> None:
    evidence = run_check(_planned(lambda: None), None)  # type: ignore[arg-type, return-value]  # what a stranger may do
    assert evidence.outcome is Outcome.ERRORED


def test_a_check_that_says_why_it_cannot_measure_is_skipped_with_its_hint() -> None:
    evidence = run_check(_planned(_raise(Inconclusive("no labels", hint="label them"))), None)
    assert (evidence.outcome, evidence.reason) == (Outcome.SKIPPED, "no labels; label them")


def test_a_check_whose_library_is_missing_never_runs() -> None:
    missing = MissingExtra("needs toys>=1", hint="pip install toys")
    evidence = run_check(_planned(_raise(AssertionError("it ran")), missing), None)
    assert (evidence.outcome, evidence.reason) == (Outcome.SKIPPED, "needs toys>=1; pip install toys")


def test_what_the_person_must_mend_is_no_evidence() -> None:
    with pytest.raises(CardError):
        run_check(_planned(_raise(CardError("the card contradicts its model"))), None)


def test_how_many_images_each_slice_has_is_told_for_columns_that_are_given_or_wanted() -> None:
    answers = np.array([0, 1, 1, 0])
    model = Predictions(np.eye(2, dtype=np.float32)[answers], np.eye(2)[answers], answers)
    weather = Column(("fog", "rain", "sun"), np.array([0, 2, -1, 2]))
    table = PredictionTable(("a", "b", "c", "d"), answers, ("cat", "dog"), model, model, {"weather": weather})
    planned = _planned(lambda: Results(measurements=(_figure(slice=of_label("cat")),)))
    question = Question(metric="toy.size", of=Of.CANDIDATE, slice=Slice(by="weather"))
    asked = PlannedCheck(planned.spec, Ask(questions=(question,)), None)
    sizes = {size.slice.name: size.n for size in run_check(asked, TableContext(table)).sizes}
    assert sizes == {"class cat": 2, "class dog": 2, "weather fog": 1, "weather sun": 2}
    assert {size.slice.by for size in run_check(planned, TableContext(table)).sizes} == {"label"}
    assert not run_check(planned, None).sizes
