"""This run's candidate beside a saved report's: what is compared, how sharply, and what is not comparable at all."""

from __future__ import annotations

import base64
import datetime
import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vetgate.domain.check import Need
from vetgate.domain.evidence import (
    Counts,
    Evidence,
    Exact,
    Looks,
    Measurement,
    Of,
    Outcome,
    PairedCounts,
    Pairs,
    PerImage,
    Quantiles,
    Ran,
    Slice,
    Uncertainty,
    Unstated,
    Versus,
)
from vetgate.domain.model import Execution
from vetgate.domain.policy import Policy, Rule
from vetgate.domain.report import DataSummary, Environment, ModelSummary, PolicySummary, Report, Stopping
from vetgate.domain.specs import CheckSpec, MetricSpec
from vetgate.domain.unit import Better, Unit
from vetgate.domain.verdict import Decision, Verdict
from vetgate.measure import Given, Setting, against_baseline, make_plan
from vetgate.measure.difference import lacking, quotient
from vetgate.statistics import Bounds, betting_bounds, mover_sum, proportion_bounds, sign_bounds

EACH = (Of.CANDIDATE, Of.REFERENCE, Of.DELTA)


def _metric(name: str, unit: Unit, roles: tuple[Of, ...], *, live: bool = False) -> MetricSpec:
    return MetricSpec(id=name, summary="", unit=unit, better=Better.HIGHER, roles=roles, live=live)


def _none() -> Any:
    raise AssertionError("no check is made to compare what checks found")


SPECS: tuple[CheckSpec[Any], ...] = tuple(
    CheckSpec(name=name, summary="", needs=need, metrics=metrics, factory=_none)
    for name, need, metrics in (
        ("footprint", Need.STRUCTURE, (_metric("footprint.size_mb", Unit.MEGABYTES, (*EACH, Of.RATIO)),)),
        ("quality", Need.TABLE, (_metric("accuracy.top1", Unit.FRACTION, EACH),)),
        ("similarity", Need.TABLE, (_metric("similarity.agreement", Unit.FRACTION, (Of.PAIR,)),)),
        ("latency", Need.SESSION, (_metric("latency.p50", Unit.SECONDS, (*EACH, Of.RATIO), live=True),)),
        ("opscore", Need.EVIDENCE, (_metric("opscore.inference", Unit.SCORE, EACH),)),
    )
)
UNITS = {metric.id: metric.unit for spec in SPECS for metric in spec.metrics}
CHECKS = {metric.id: spec.name for spec in SPECS for metric in spec.metrics}


def _figure(
    metric: str, role: Of, value: float, uncertainty: Uncertainty, *, n: int = 1, where: Slice | None = None
) -> Measurement:
    unit = Unit.RATIO if role is Of.RATIO else UNITS[metric]
    return Measurement(
        metric=metric,
        role=role,
        value=value,
        unit=unit,
        better=Better.HIGHER,
        n=n,
        uncertainty=uncertainty,
        slice=where,
    )


def _size(megabytes: float) -> Measurement:
    return _figure("footprint.size_mb", Of.CANDIDATE, megabytes, Exact())


def _right(k: int, n: int, *, where: Slice | None = None) -> Measurement:
    return _figure("accuracy.top1", Of.CANDIDATE, k / n, Counts(k=k, n=n), n=n, where=where)


def _agreed(k: int, n: int) -> Measurement:
    return _figure("similarity.agreement", Of.PAIR, k / n, Counts(k=k, n=n), n=n)


def _slower(log_ratios: Sequence[float]) -> Measurement:
    value = math.exp(float(np.median(log_ratios)))
    return _figure("latency.p50", Of.RATIO, value, Pairs(log_ratios=tuple(log_ratios)), n=len(log_ratios))


def _kept(answers: Sequence[bool], metric: str = "accuracy.top1", role: Of = Of.CANDIDATE) -> PerImage:
    bits = base64.b64encode(np.packbits(np.asarray(answers, dtype=np.bool_)).tobytes()).decode()
    return PerImage(metric=metric, role=role, n=len(answers), bits=bits)


def _evidence(*figures: Measurement, kept: Sequence[PerImage] = (), ran: Ran | None = None) -> tuple[Evidence, ...]:
    names = sorted({CHECKS[figure.metric] for figure in figures})
    return tuple(
        Evidence(
            check=name,
            outcome=Outcome.MEASURED,
            measurements=tuple(figure for figure in figures if CHECKS[figure.metric] == name),
            per_image=tuple(each for each in kept if CHECKS[each.metric] == name),
            ran=ran if name == "latency" else None,
        )
        for name in names
    )


def _ran(**changes: Any) -> Ran:
    facts: dict[str, Any] = {"runtime": "onnxruntime", "version": "1.20", "provider": "CPU", "threads": 1}
    facts["precision"] = "float32"
    own = Execution(**{**facts, "precision": "int8"})
    return Ran(candidate=own, reference=Execution(**(facts | changes)))


def _model(name: str, sha256: str | None, card: str = "c" * 64) -> ModelSummary:
    return ModelSummary(name=name, format="onnx", sha256=sha256, size=1, card_sha256=card)


def _data(sha256: str = "d" * 64, unreadable: tuple[str, ...] = ()) -> DataSummary:
    return DataSummary(
        name="set", sha256=sha256, images=8, available=8, labelled=True, classes=2, unreadable=unreadable
    )


def _setting(**changes: Any) -> Setting:
    reference = _model("base.onnx", "a" * 64)
    processor = changes.pop("processor", "a processor")
    facts: dict[str, Any] = {"data": _data(), "reference": reference, "timed": reference, "stopping": None} | changes
    machine = Environment(vetgate="1", python="3", platform="", processor=processor, cores=1, memory=1, packages={})
    return Setting(environment=machine, **facts)


def _report(evidence: tuple[Evidence, ...], setting: Setting | None = None) -> Report:
    setting = setting or _setting()
    return Report(
        candidate=_model("old.onnx", "b" * 64),
        reference=setting.reference,
        timed_reference=None if setting.timed == setting.reference else setting.timed,
        data=setting.data,
        stopping=setting.stopping,
        policy=PolicySummary(name="p", sha256="", source=""),
        verdict=Verdict(decision=Decision.PASS, because="", rulings=()),
        evidence=evidence,
        environment=setting.environment,
        seed=0,
        command=(),
        started=datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC),
        seconds=0,
    )


def _rule(metric: str, of: Of = Of.DELTA, *, confidence: float | None = 0.95, where: Slice | None = None) -> Rule:
    return Rule(
        name="r",
        metric=metric,
        of=of,
        unit=Unit.RATIO if of is Of.RATIO else UNITS[metric],
        at_least=-0.01,
        confidence=confidence,
        slice=where,
        versus=Versus.BASELINE,
        words="",
    )


def _compare(
    now: tuple[Evidence, ...],
    then: tuple[Evidence, ...],
    *rules: Rule,
    setting: Setting | None = None,
    was: Setting | None = None,
) -> Evidence:
    return against_baseline(now, setting or _setting(), _report(then, was), SPECS, rules)


def _found(evidence: Evidence, role: Of, metric: str | None = None) -> Measurement:
    (figure,) = [each for each in evidence.measurements if each.role is role and metric in (None, each.metric)]
    assert figure.versus is Versus.BASELINE
    return figure


def _bounds(figure: Measurement, confidence: float) -> tuple[float, float]:
    assert isinstance(figure.uncertainty, Quantiles)
    values = dict(zip(figure.uncertainty.levels, figure.uncertainty.values, strict=True))
    return values[round(1 - confidence, 12)], values[confidence]


def test_exact_figures_are_compared_exactly() -> None:
    found = _compare(_evidence(_size(3.0)), _evidence(_size(2.0)))

    assert found.check == "baseline"
    assert found.outcome is Outcome.MEASURED
    assert found.reason == ""
    assert _found(found, Of.CANDIDATE).value == 3
    assert _found(found, Of.REFERENCE).value == 2
    for role, value, unit in ((Of.DELTA, 1.0, Unit.MEGABYTES), (Of.RATIO, 1.5, Unit.RATIO)):
        figure = _found(found, role)
        assert (figure.value, figure.unit, figure.uncertainty) == (value, unit, Exact())


def test_a_figure_of_0_has_a_difference_and_no_ratio() -> None:
    found = _compare(_evidence(_size(3.0)), _evidence(_size(0.0)), _rule("footprint.size_mb", Of.RATIO))
    assert _found(found, Of.DELTA).value == 3
    assert not [figure for figure in found.measurements if figure.role is Of.RATIO]
    assert found.reason == "footprint.size_mb: a figure that is not over 0 has no ratio"


@given(st.lists(st.tuples(st.booleans(), st.booleans()), min_size=1, max_size=40))
def test_right_answers_on_the_same_images_are_paired_exactly(answers: list[tuple[bool, bool]]) -> None:
    now, then = [mine for mine, _ in answers], [other for _, other in answers]
    n = len(answers)
    found = _compare(
        _evidence(_right(sum(now), n), kept=[_kept(now)]), _evidence(_right(sum(then), n), kept=[_kept(then)])
    )

    figure = _found(found, Of.DELTA)
    lost, won = sum(other and not mine for mine, other in answers), sum(mine and not other for mine, other in answers)
    assert figure.uncertainty == PairedCounts(b=lost, c=won, n=n)
    assert figure.value == pytest.approx((sum(now) - sum(then)) / n, abs=1e-12)
    assert figure.note == ""


def test_a_figure_of_the_pair_is_paired_too_where_the_reference_is_the_same() -> None:
    now, then = [True, True, False, False], [True, False, True, True]
    kept = [_kept(answers, "similarity.agreement", Of.PAIR) for answers in (now, then)]
    new, old = _evidence(_agreed(2, 4), kept=kept[:1]), _evidence(_agreed(3, 4), kept=kept[1:])
    assert _found(_compare(new, old), Of.DELTA).uncertainty == PairedCounts(b=2, c=1, n=4)

    other = _model("other.onnx", "e" * 64)
    found = _compare(new, old, was=_setting(reference=other, timed=other))
    assert found.measurements == ()
    assert found.reason == (
        "similarity.agreement: the baseline was measured beside another reference (other.onnx, sha256 eeeeeeeeeeee, "
        "against base.onnx, aaaaaaaaaaaa)"
    )


def test_without_answers_per_image_bounds_are_combined_and_the_note_says_so() -> None:
    found = _compare(
        _evidence(_right(900, 1000)), _evidence(_right(880, 1000)), _rule("accuracy.top1", confidence=0.97)
    )

    figure = _found(found, Of.DELTA)
    assert figure.value == pytest.approx(0.02)
    assert figure.n == 1000
    assert figure.note == "not paired by image, because neither report holds answers per image of it"
    for confidence in (0.9, 0.95, 0.97, 0.999):
        mine, other = (proportion_bounds(k, 1000, confidence) for k in (900, 880))
        down, up = math.hypot(0.9 - mine.lower, other.upper - 0.88), math.hypot(mine.upper - 0.9, 0.88 - other.lower)
        assert _bounds(figure, confidence) == pytest.approx((0.02 - down, 0.02 + up))


def test_a_figure_that_counts_no_single_images_does_not_blame_the_run_for_being_unpaired() -> None:
    spread = Quantiles(levels=(0.05, 0.95), values=(0.45, 0.55))
    macro = _figure("accuracy.top1", Of.CANDIDATE, 0.5, spread, n=4)
    for setting in (_setting(), _setting(stopping=WENT_ON)):
        figure = _found(_compare(_evidence(macro), _evidence(macro), setting=setting), Of.DELTA)
        assert figure.note.startswith("not paired by image, because it does not count single images as right or wrong")


STOPPED = Stopping(images=4, available=9, looks=1, early=True, because="")
WENT_ON = Stopping(images=4, available=4, looks=1, early=False, because="")


def test_runs_that_might_have_stopped_and_took_all_images_are_paired() -> None:
    evidence = _evidence(_right(2, 4), kept=[_kept([True, True, False, False])])
    for now, then in ((WENT_ON, None), (None, WENT_ON), (WENT_ON, WENT_ON)):
        found = _compare(evidence, evidence, setting=_setting(stopping=now), was=_setting(stopping=then))
        assert _found(found, Of.DELTA).uncertainty == PairedCounts(b=0, c=0, n=4)


@pytest.mark.parametrize(
    ("now", "then", "why"),
    [
        ({}, {"data": _data(unreadable=("x",))}, "the two runs could not read the same images"),
        ({"stopping": STOPPED}, {}, "because this run stopped early"),
        ({}, {"stopping": STOPPED}, "because the baseline's run stopped early"),
    ],
)
def test_answers_per_image_of_other_images_or_after_an_early_stop_are_not_paired(
    now: dict[str, Any], then: dict[str, Any], why: str
) -> None:
    evidence = _evidence(_right(2, 4), kept=[_kept([True, True, False, False])])
    found = _compare(evidence, evidence, setting=_setting(**now), was=_setting(**then))
    figure = _found(found, Of.DELTA)
    assert isinstance(figure.uncertainty, Quantiles)
    assert why in figure.note


def test_other_data_is_named_and_what_needs_no_data_is_still_compared() -> None:
    now = _evidence(_right(2, 4), _size(1.0))
    found = _compare(now, now, _rule("accuracy.top1"), setting=_setting(data=_data("f" * 64)))
    assert {figure.metric for figure in found.measurements} == {"footprint.size_mb"}
    assert found.reason == (
        "accuracy.top1: the baseline was measured on other data (sha256 dddddddddddd against ffffffffffff)"
    )


@pytest.mark.parametrize(
    ("now", "then", "why"),
    [
        (None, _data(), "this run has no images"),
        (_data(), None, "the baseline was measured without images"),
    ],
)
def test_a_run_without_data_is_named(now: DataSummary | None, then: DataSummary | None, why: str) -> None:
    evidence = _evidence(_right(2, 4))
    found = _compare(evidence, evidence, setting=_setting(data=now), was=_setting(data=then))
    assert found.outcome is Outcome.SKIPPED
    assert found.reason == f"accuracy.top1: {why}"


def test_a_baseline_that_stopped_early_says_what_to_do() -> None:
    evidence = _evidence(_right(2, 4))
    stopping = Stopping(images=600, available=10_000, looks=9, early=True, because="")
    found = _compare(evidence, evidence, was=_setting(data=_data("f" * 64), stopping=stopping))
    assert "the baseline's run stopped after 600 of 10,000 images; run it without --sequential" in found.reason


def test_looks_of_a_run_that_might_stop_are_bounded_by_betting() -> None:
    looks = Looks(up=(60, 90, 900), n=(64, 100, 1000))
    now = _figure("accuracy.top1", Of.CANDIDATE, 0.9, looks, n=1000)
    figure = _found(_compare(_evidence(now), _evidence(_right(880, 1000))), Of.DELTA)

    mine, other = betting_bounds(looks.up, looks.n, 0.95), proportion_bounds(880, 1000, 0.95)
    expected = mover_sum([mine, Bounds(-0.88, -other.upper, -other.lower, "")])
    assert _bounds(figure, 0.95) == pytest.approx((expected.lower, expected.upper))


def test_times_are_compared_as_ratios_to_the_same_reference() -> None:
    random = np.random.default_rng(0)
    now, then = random.normal(0.0, 0.01, 60).tolist(), random.normal(math.log(0.8), 0.01, 80).tolist()
    seconds = _figure("latency.p50", Of.CANDIDATE, 0.01, Unstated(), n=60)
    found = _compare(_evidence(_slower(now), seconds, ran=_ran()), _evidence(_slower(then), seconds, ran=_ran()))

    assert [(figure.role, figure.unit) for figure in found.measurements] == [(Of.RATIO, Unit.RATIO)]
    figure = _found(found, Of.RATIO)
    assert figure.value == pytest.approx(1.25, rel=0.01)
    assert figure.n == 60
    assert figure.note.startswith("each run's candidate over the same reference, then one over the other; figures of")
    assert "--latency-reference FILE" in figure.note
    assert figure.uncertainty == Unstated()
    assert found.ran == _ran()


def test_bounds_of_a_quotient_are_those_of_the_logarithms() -> None:
    random = np.random.default_rng(0)
    now, then = random.normal(0.0, 0.01, 60).tolist(), random.normal(math.log(0.8), 0.01, 80).tolist()
    sides = [sign_bounds(ratios, 0.95) for ratios in (now, then)]
    logs = [Bounds(math.log(side.estimate), math.log(side.lower), math.log(side.upper), "") for side in sides]
    expected = mover_sum([logs[0], Bounds(-logs[1].estimate, -logs[1].upper, -logs[1].lower, "")])
    found = _slower(now).model_copy(update={"uncertainty": quotient(_slower(now), _slower(then), ())})
    assert _bounds(found, 0.95) == pytest.approx((math.exp(expected.lower), math.exp(expected.upper)))


@pytest.mark.parametrize(
    ("ran", "was", "why"),
    [
        (_ran(version="1.21"), {}, "the reference ran with version 1.20 for the baseline, and with 1.21 now"),
        (_ran(threads=4), {}, "the reference ran with threads 1 for the baseline, and with 4 now"),
        (None, {}, "it is not known what really ran in both runs"),
        (_ran(), {"timed": _model("shipped.onnx", "e" * 64)}, "beside another reference (shipped.onnx, sha256 eeeeee"),
        (_ran(), {"timed": _model("base.onnx", None)}, "beside another reference (base.onnx, sha256 unknown"),
        (_ran(), {"timed": _model("base.onnx", "a" * 64, "x")}, "the card of base.onnx is another"),
    ],
)
def test_times_beside_another_yardstick_are_not_compared(ran: Ran | None, was: dict[str, Any], why: str) -> None:
    pairs = _slower([0.0] * 40)
    found = _compare(_evidence(pairs, ran=ran), _evidence(pairs, ran=_ran()), was=_setting(**was))
    assert found.outcome is Outcome.SKIPPED
    assert found.measurements == ()
    assert why in found.reason


def test_times_of_another_machine_are_compared_and_it_is_said() -> None:
    evidence = _evidence(_slower([0.0] * 40), ran=_ran())
    figure = _found(_compare(evidence, evidence, was=_setting(processor="another one")), Of.RATIO)
    assert "measured on another one for the baseline and on a processor now" in figure.note


def test_percentiles_that_were_not_paired_are_not_compared_across_runs() -> None:
    levels = Quantiles(levels=(0.05, 0.95), values=(0.9, 1.2))
    evidence = _evidence(_figure("latency.p50", Of.RATIO, 1.0, levels, n=40), ran=_ran())
    assert "compare only by ratios that were taken in pairs" in _compare(evidence, evidence).reason


def test_levels_at_which_two_runs_tell_nothing_are_left_out() -> None:
    few = _slower([0.01, 0.02, 0.03])
    assert quotient(few, few, (0.95,)) == Unstated()
    assert lacking(Unstated(), (0.9, 0.95)) == (0.9, 0.95)
    assert lacking(Quantiles(levels=(0.05, 0.95), values=(0, 1)), (0.9, 0.95)) == (0.9,)


def test_scores_are_compared_by_how_they_stand_to_the_reference() -> None:
    def scored(value: float) -> tuple[Evidence, ...]:
        levels = Quantiles(levels=(0.05, 0.95), values=(value - 0.1, value + 0.2))
        return _evidence(_figure("opscore.inference", Of.DELTA, value, levels, n=9))

    figure = _found(_compare(scored(-1.0), scored(-0.5)), Of.DELTA)
    assert figure.value == -0.5
    assert figure.unit is Unit.SCORE
    assert _bounds(figure, 0.95) == pytest.approx((-0.5 - math.hypot(0.1, 0.2), -0.5 + math.hypot(0.2, 0.1)))


@pytest.mark.parametrize(
    ("bits", "why"),
    [
        ("!!!!", "the baseline is damaged: its answers per image are no base64"),
        ("8A==", "the baseline contradicts itself: by its answers per image it is 4 of 4, but it says 0.5 of 4"),
        ("wMA=", "the baseline is damaged: its answers per image are 2 bytes, but 4 images need 1"),
        ("", "the baseline is damaged: its answers per image are 0 bytes, but 4 images need 1"),
        ("xg==", "the baseline is damaged: its answers per image go on after image 4, the last"),
    ],
)
def test_damaged_answers_per_image_compare_with_nothing(bits: str, why: str) -> None:
    now = _evidence(_right(2, 4), kept=[_kept([True, True, False, False])])
    then = _evidence(_right(2, 4), kept=[PerImage(metric="accuracy.top1", role=Of.CANDIDATE, n=4, bits=bits)])
    found = _compare(now, then)
    assert found.measurements == ()
    assert found.reason == f"accuracy.top1: {why}"


def test_answers_per_image_of_another_number_of_images_are_refused() -> None:
    now = _evidence(_right(2, 4), kept=[_kept([True, True, False, False])])
    then = _evidence(_right(2, 4), kept=[_kept([True] * 4 + [False] * 4)])
    assert "contradicts itself: by its answers per image it is 4 of 8" in _compare(now, then).reason
    then = _evidence(_right(4, 8), kept=[_kept([True] * 4 + [False] * 4)])
    assert "make no sense together: 4 images against 8" in _compare(now, then).reason


@pytest.mark.parametrize(
    ("old", "why"),
    [
        (_right(2, 4).model_copy(update={"value": 0.9}), "the baseline contradicts itself: it says 0.9"),
        (_slower([0.0] * 9).model_copy(update={"uncertainty": Pairs(log_ratios=())}), "make no sense together"),
        (_slower([0.0] * 9).model_copy(update={"value": 1e-320}), "make no sense together"),
        (_slower([0.0] * 9).model_copy(update={"value": -1.0}), "a figure that is not over 0 has no ratio"),
    ],
)
def test_an_edited_report_is_refused_without_a_traceback(old: Measurement, why: str) -> None:
    now = _evidence(_right(2, 4), _slower([1.0] * 9), ran=_ran())
    found = _compare(now, _evidence(old, ran=_ran()))
    assert found.measurements == ()
    assert why in found.reason


def test_quantiles_of_uneven_length_have_no_bounds() -> None:
    new, old = (
        _figure("opscore.inference", Of.DELTA, 1.0, Quantiles(levels=levels, values=(0.5,)), n=9)
        for levels in ((0.05, 0.95), ())
    )
    assert _found(_compare(_evidence(new), _evidence(old)), Of.DELTA).uncertainty == Unstated()


def test_another_unit_is_named() -> None:
    then = _size(1.0).model_copy(update={"unit": Unit.COUNT})
    assert _compare(_evidence(_size(1.0)), _evidence(then)).reason == (
        "footprint.size_mb: the baseline has it in count, this run in MB"
    )


def test_what_the_baseline_lacks_and_what_this_run_lacks_is_named() -> None:
    found = _compare(_evidence(_right(2, 4)), _evidence(_size(1.0)), _rule("footprint.size_mb"), _rule("accuracy.top1"))
    assert found.outcome is Outcome.SKIPPED
    assert found.reason == (
        "accuracy.top1: the baseline's report does not hold it; vet that candidate again by a policy that asks for it; "
        "footprint.size_mb: this run did not measure it"
    )


def test_evidence_that_was_not_measured_is_not_compared() -> None:
    item = Evidence(check="footprint", outcome=Outcome.ERRORED, measurements=(_size(1.0),), reason="it broke")
    assert _compare(_evidence(_size(1.0)), (item,)).outcome is Outcome.SKIPPED
    assert _compare((item,), _evidence(_size(1.0))).outcome is Outcome.SKIPPED


def test_slices_are_compared_where_a_rule_names_them() -> None:
    rain, fog = Slice(by="weather", value="rain"), Slice(by="weather", value="fog")
    evidence = _evidence(_right(2, 4), _right(20, 40, where=rain), _right(30, 40, where=fog))

    def compared(*rules: Rule) -> set[Slice | None]:
        return {figure.slice for figure in _compare(evidence, evidence, *rules).measurements}

    assert compared() == {None}
    assert compared(_rule("accuracy.top1", where=rain)) == {None, rain}
    assert compared(_rule("accuracy.top1", where=Slice(by="weather"))) == {None, rain, fog}
    snow = _compare(evidence, evidence, _rule("accuracy.top1", where=Slice(by="weather", value="snow")))
    assert snow.reason == "accuracy.top1: this run did not measure it for weather snow"


def test_a_baseline_of_a_baseline_is_not_taken_for_its_figures() -> None:
    twice = _size(9.0).model_copy(update={"versus": Versus.BASELINE})
    assert _found(_compare(_evidence(_size(1.0)), _evidence(_size(2.0), twice)), Of.REFERENCE).value == 2


@given(
    st.integers(1, 200).flatmap(lambda n: st.tuples(st.just(n), st.integers(0, n), st.integers(0, n))),
    st.sampled_from([0.8, 0.9, 0.95, 0.99]),
)
def test_unpaired_bounds_hold_the_difference_and_turn_around(counts: tuple[int, int, int], confidence: float) -> None:
    n, new, old = counts
    rule = _rule("accuracy.top1", confidence=confidence)
    there = _found(_compare(_evidence(_right(new, n)), _evidence(_right(old, n)), rule), Of.DELTA)
    back = _found(_compare(_evidence(_right(old, n)), _evidence(_right(new, n)), rule), Of.DELTA)
    lower, upper = _bounds(there, confidence)
    assert lower <= there.value <= upper
    assert _bounds(back, confidence) == pytest.approx((-upper, -lower))
    assert isinstance(there.uncertainty, Quantiles)
    assert list(there.uncertainty.values) == sorted(there.uncertainty.values)


def test_a_check_is_asked_for_this_runs_own_figure_where_a_rule_compares_with_a_baseline() -> None:
    policy = Policy(name="p", rules=(_rule("latency.p50", Of.RATIO),), sha256="")
    (planned,) = make_plan(policy, SPECS, {}, Given(data=True, baseline=True)).checks
    (question,) = planned.ask.questions
    assert (question.of, question.at_least, question.at_most, question.confidence) == (Of.CANDIDATE, None, None, 0.95)


@pytest.mark.parametrize(
    ("given", "lacks"),
    [
        ({}, ("no baseline was given, and these rules need one: r: --baseline REPORT.json",)),
        ({"baseline": True}, ("the baseline was measured on other images, and these rules need the same ones: r",)),
        ({"baseline": True, "same_data": True}, ()),
    ],
)
def test_the_plan_tells_what_a_rule_beside_a_baseline_lacks(given: dict[str, Any], lacks: tuple[str, ...]) -> None:
    policy = Policy(name="p", rules=(_rule("accuracy.top1"),), sha256="")
    assert make_plan(policy, SPECS, {}, Given(data=True, labels=True, **given)).lacks == lacks
