"""Two saved reports side by side: what reads worse, better, changed, unclear, and what cannot be compared at all."""

from __future__ import annotations

import base64
import datetime
import random
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from statsmodels.stats.multitest import multipletests

from vetgate.domain.check import Need
from vetgate.domain.difference import COMPARED, Difference, FigureChange, FindingReading, Reading, RuleReading
from vetgate.domain.evidence import (
    Counts,
    Evidence,
    Exact,
    Finding,
    Measurement,
    Of,
    Outcome,
    Pairs,
    PerImage,
    Quantiles,
    Ran,
    Severity,
    Slice,
    Uncertainty,
    Unstated,
    of_label,
)
from vetgate.domain.model import Execution
from vetgate.domain.report import (
    DataSummary,
    Environment,
    ModelSummary,
    PolicySummary,
    Report,
    Stopping,
)
from vetgate.domain.specs import CheckSpec, MetricSpec
from vetgate.domain.unit import Better, Unit
from vetgate.domain.verdict import Decision, Ruling, Verdict
from vetgate.measure import Saved, compare_saved
from vetgate.statistics import holm

EACH = (Of.CANDIDATE, Of.REFERENCE, Of.DELTA)
WHEN = datetime.datetime(2026, 11, 2, tzinfo=datetime.UTC)
N = 2000


def _metric(name: str, unit: Unit, roles: tuple[Of, ...], better: Better = Better.HIGHER, **more: bool) -> MetricSpec:
    return MetricSpec(id=name, summary="", unit=unit, better=better, roles=roles, **more)  # type: ignore[arg-type]


def _none() -> Any:
    raise AssertionError("no check is made to compare what checks found")


SPECS: tuple[CheckSpec[Any], ...] = tuple(
    CheckSpec(name=name, summary="", needs=need, metrics=metrics, factory=_none)
    for name, need, metrics in (
        (
            "footprint",
            Need.STRUCTURE,
            (
                _metric("footprint.size_mb", Unit.MEGABYTES, (*EACH, Of.RATIO), Better.LOWER, exact=True),
                _metric("footprint.sparsity", Unit.FRACTION, EACH, Better.NEITHER, exact=True),
            ),
        ),
        (
            "quality",
            Need.TABLE,
            (
                _metric("accuracy.top1", Unit.FRACTION, EACH),
                _metric("accuracy.f1_macro", Unit.FRACTION, EACH),
                _metric("accuracy.recall", Unit.FRACTION, EACH),
            ),
        ),
        (
            "similarity",
            Need.TABLE,
            (
                _metric("similarity.kappa", Unit.SCORE, (Of.PAIR,)),
                _metric("similarity.independence", Unit.RATIO, (Of.PAIR,), Better.LOWER, needs_yardstick=True),
            ),
        ),
        ("latency", Need.SESSION, (_metric("latency.p50", Unit.SECONDS, (*EACH, Of.RATIO), Better.LOWER, live=True),)),
        ("opscore", Need.EVIDENCE, (_metric("opscore.inference", Unit.SCORE, EACH, Better.LOWER, live=True),)),
    )
)
METRICS = {metric.id: (spec.name, metric) for spec in SPECS for metric in spec.metrics}
ORT = Execution(runtime="onnxruntime", version="1.0", provider="CPU", threads=1, precision="float32")


def _figure(
    metric: str, value: float, uncertainty: Uncertainty, role: Of = Of.CANDIDATE, *, where: Slice | None = None
) -> Measurement:
    spec = METRICS[metric][1] if metric in METRICS else None
    unit = spec.unit if spec is not None else Unit.SCORE
    return Measurement(
        metric=metric,
        role=role,
        value=value,
        unit=Unit.RATIO if role is Of.RATIO else unit,
        better=spec.better if spec is not None else Better.HIGHER,
        n=getattr(uncertainty, "n", 1),
        uncertainty=uncertainty,
        slice=where,
    )


def _right(k: int, n: int = N, **more: Any) -> Measurement:
    return _figure("accuracy.top1", k / n, Counts(k=k, n=n), **more)


def _kept(answers: Sequence[bool]) -> PerImage:
    bits = base64.b64encode(np.packbits(np.asarray(answers, dtype=np.bool_)).tobytes()).decode()
    return PerImage(metric="accuracy.top1", role=Of.CANDIDATE, n=len(answers), bits=bits)


def _resampled(metric: str, value: float, spread: float, role: Of = Of.CANDIDATE) -> Measurement:
    levels = (0.005, 0.025, 0.05, 0.95, 0.975, 0.995)
    steps = (-2.576, -1.96, -1.645, 1.645, 1.96, 2.576)
    values = tuple(value + spread * step for step in steps)
    return _figure(metric, value, Quantiles(levels=levels, values=values), role)


def _slower(ratio: float) -> Measurement:
    pairs = Pairs(log_ratios=tuple(float(np.log(ratio)) + 0.001 * step for step in range(-20, 21)))
    return _figure("latency.p50", ratio, pairs, Of.RATIO)


def _report(
    *figures: Measurement,
    kept: Sequence[PerImage] = (),
    rulings: Sequence[Ruling] = (),
    findings: Sequence[Finding] = (),
    candidate: str = "a.onnx",
    **more: Any,
) -> Report:
    names = {METRICS[figure.metric][0] if figure.metric in METRICS else "acme" for figure in figures}
    evidence = tuple(
        Evidence(
            check=name,
            outcome=Outcome.MEASURED,
            measurements=tuple(
                each for each in figures if (METRICS[each.metric][0] if each.metric in METRICS else "acme") == name
            ),
            per_image=tuple(kept) if name == "quality" else (),
            findings=tuple(findings) if name == "footprint" else (),
            ran=Ran(candidate=ORT, reference=ORT) if name in ("latency", "opscore") else None,
        )
        for name in sorted(names)
    )
    environment = Environment(
        vetgate="0.1.0",
        python="3.11",
        platform="Linux",
        processor=more.pop("processor", "Example CPU"),
        cores=2,
        memory=1,
        packages=more.pop("packages", {}),
    )
    data = DataSummary(name="test", sha256=more.pop("data", "d" * 64), images=N, available=N, labelled=True, classes=10)
    reference = ModelSummary(name="ref.pt", format="torch", sha256=more.pop("reference", "e" * 64), size=1)
    decision = max((ruling.decision for ruling in rulings), key=lambda each: each.rank, default=Decision.INCONCLUSIVE)
    return Report(
        candidate=ModelSummary(name=candidate, format="onnx", sha256="f" * 64, size=1),
        reference=reference,
        data=data,
        policy=PolicySummary(name="edge", sha256="0" * 64, source="edge"),
        verdict=Verdict(decision=decision, because="", rulings=tuple(rulings)),
        evidence=more.pop("evidence", evidence),
        environment=environment,
        seed=0,
        command=("vetgate", "check"),
        started=WHEN,
        seconds=1.0,
        **more,
    )


def _diff(old: Report | Sequence[Report], new: Report | Sequence[Report], confidence: float = 0.95) -> Difference:
    return compare_saved(_saved("old.json", old), _saved("new.json", new), SPECS, confidence)


def _saved(name: str, reports: Report | Sequence[Report]) -> Saved:
    return Saved(name, "0" * 64, (reports,) if isinstance(reports, Report) else tuple(reports))


def _only(found: Difference) -> FigureChange:
    (figure,) = found.figures()
    return figure


def _ruling(rule: str, decision: Decision, **more: Any) -> Ruling:
    return Ruling(rule=rule, words=more.pop("words", rule), decision=decision, because=f"{rule} because", **more)


def test_answers_to_the_same_images_are_paired() -> None:
    then = [place % 10 > 0 for place in range(N)]
    now = [answer and place % 20 > 1 for place, answer in enumerate(then)]
    old, new = (_report(_right(sum(answers)), kept=[_kept(answers)]) for answers in (then, now))
    figure = _only(_diff(old, new))
    assert figure.reading is Reading.WORSE
    assert (figure.old, figure.new) == (0.9, 0.85)
    assert figure.change == pytest.approx(-0.05)
    assert figure.lower is not None
    assert figure.upper is not None
    assert figure.lower < -0.05 < figure.upper < 0
    assert figure.basis == "paired by image: 100 only before, 0 only now, of 2,000"


def test_a_change_that_the_images_cannot_tell_from_chance_is_no_clear_change() -> None:
    figure = _only(_diff(_report(_right(1800)), _report(_right(1795))))
    assert figure.reading is Reading.UNCLEAR
    assert figure.p is not None
    assert figure.p > 0.5
    assert "not paired by image, because neither report holds answers per image of it" in figure.basis


def test_among_many_figures_one_that_is_only_just_significant_says_so_and_no_more() -> None:
    def report(first: int) -> Report:
        figures = [
            _figure("accuracy.recall", k / 200, Counts(k=k, n=200), where=of_label(str(label)))
            for label, k in enumerate([first, *[180] * 19])
        ]
        return _report(*figures)

    found = _diff(report(180), report(160))
    first, *others = found.figures()
    assert (first.reading, first.alone) == (Reading.UNCLEAR, Reading.WORSE)
    assert first.p is not None
    assert first.corrected is not None
    assert first.p < 0.05 < first.corrected == pytest.approx(20 * first.p)
    assert {other.reading for other in others} == {Reading.UNCLEAR}
    assert found.tested == 20
    assert not found.worse


def test_exact_figures_compare_exactly_and_are_not_tested() -> None:
    def report(size: float, sparsity: float) -> Report:
        return _report(_figure("footprint.size_mb", size, Exact()), _figure("footprint.sparsity", sparsity, Exact()))

    found = _diff(report(1.0, 0.5), report(1.000001, 0.6))
    assert [figure.reading for figure in found.figures()] == [Reading.WORSE, Reading.CHANGED]
    assert found.tested == 0
    assert found.worse
    assert {figure.reading for figure in _diff(report(1.0, 0.5), report(1.0, 0.5)).figures()} == {Reading.SAME}


def test_a_figure_without_stated_uncertainty_is_changed_and_never_significant() -> None:
    def report(value: float) -> Report:
        return _report(_figure("accuracy.f1_macro", value, Unstated()))

    figure = _only(_diff(report(0.9), report(0.1)))
    assert (figure.reading, figure.p, figure.lower) == (Reading.CHANGED, None, None)
    assert figure.change == pytest.approx(-0.8)
    assert _only(_diff(report(0.9), report(0.9))).reading is Reading.SAME


def test_a_resampled_figure_is_tested_beyond_the_levels_that_it_states() -> None:
    old, new = (_report(_resampled("accuracy.f1_macro", value, 0.005)) for value in (0.9, 0.86))
    figure = _only(_diff(old, new))
    assert figure.reading is Reading.WORSE
    assert figure.p is not None
    assert 1e-9 < figure.p < 1e-6  # 0.04 over a standard error of 0.0071 is 5.66
    half = 1.96 * 0.005 * 2**0.5
    assert figure.lower == pytest.approx(-0.04 - half, rel=1e-3)
    assert figure.upper == pytest.approx(-0.04 + half, rel=1e-3)


def test_figures_of_the_pair_in_any_unit_are_compared_beside_one_reference_alone() -> None:
    old, new = (_report(_resampled("similarity.kappa", value, 0.005, Of.PAIR)) for value in (0.9, 0.86))
    assert _only(_diff(old, new)).reading is Reading.WORSE
    other = _report(_resampled("similarity.kappa", 0.86, 0.005, Of.PAIR), reference="1" * 64)
    figure = _only(_diff(old, other))
    assert figure.reading is Reading.INCOMPARABLE
    assert "the old report was measured beside another reference" in figure.reason


def test_times_compare_on_one_machine_and_without_an_interval() -> None:
    old = _report(_slower(0.7))
    figure = _only(_diff(old, _report(_slower(0.77))))
    assert (figure.reading, figure.relative) == (Reading.CHANGED, True)
    assert figure.change == pytest.approx(1.1)
    assert "no bounds are stated" in figure.basis
    other = _only(_diff(old, _report(_slower(0.77), processor="Other CPU")))
    assert other.reading is Reading.INCOMPARABLE
    assert other.reason == "it was timed on another machine: Example CPU then, Other CPU now"


def test_other_images_other_yardsticks_and_other_units_cannot_be_compared() -> None:
    old = _report(_right(1800))
    figure = _only(_diff(old, _report(_right(1700), data="c" * 64)))
    assert figure.reading is Reading.INCOMPARABLE
    assert "the old report was measured on other data (sha256 dddddddddddd against cccccccccccc)" in figure.reason
    apart = _report(_resampled("similarity.independence", 0.5, 0.01, Of.PAIR))
    assert "other yardsticks" in _only(_diff(apart, apart.model_copy(update={"seed": 1}))).reason
    moved = _right(1700).model_copy(update={"unit": Unit.RATIO})
    assert "in fraction, the new report in ratio" in _only(_diff(old, _report(moved))).reason


def test_a_figure_that_no_plugin_here_measures_cannot_be_compared() -> None:
    report = _report(_figure("acme.blur", 0.5, Exact()))
    assert "no plugin here measures it" in _only(_diff(report, report.model_copy(update={"seed": 1}))).reason


def test_a_run_that_stopped_early_is_named() -> None:
    stopped = Stopping(images=500, available=N, looks=3, early=True, because="decided")
    old, new = _report(_right(450, 500), data="c" * 64, stopping=stopped), _report(_right(1800))
    assert "the old report's run stopped after 500 of 2,000 images; run it without --sequential" in (
        _only(_diff(old, new)).reason
    )


def test_new_and_gone_figures_say_why() -> None:
    whole, rain = _right(1800), _right(90, 100, where=Slice(by="weather", value="rain"))
    (_, gone) = _diff(_report(whole, rain), _report(whole)).figures()
    assert (gone.reading, gone.new) == (Reading.GONE, None)
    assert gone.reason == "the new report does not hold it for weather rain: its policy asks for other slices"
    broken = (Evidence(check="quality", outcome=Outcome.ERRORED, reason="division by zero"),)
    new = _only(_diff(_report(evidence=broken), _report(whole)))
    assert (new.reading, new.old) == (Reading.NEW, None)
    assert new.reason == "the old report does not hold it: quality was errored: division by zero"
    told = _only(_diff(_report(evidence=()), _report(whole))).reason
    assert told == "the old report does not hold it: its run did not measure it, by the same policy"
    other = _report(evidence=())
    other = other.model_copy(update={"policy": other.policy.model_copy(update={"sha256": "9" * 64})})
    assert "policy does not ask" in _only(_diff(other, _report(whole))).reason


def test_rules_tell_what_became_of_them_the_worst_first() -> None:
    old = [
        _ruling("fails", Decision.PASS),
        _ruling("unsettled", Decision.PASS),
        _ruling("warns", Decision.PASS),
        _ruling("passes", Decision.FAIL),
        _ruling("gone", Decision.PASS),
        _ruling("moved", Decision.PASS, threshold=1.0),
        _ruling("said otherwise", Decision.PASS, words="before"),
        _ruling("waived", Decision.WARN),
        _ruling("same", Decision.PASS),
    ]
    new = [
        _ruling("fails", Decision.FAIL),
        _ruling("unsettled", Decision.INCONCLUSIVE),
        _ruling("warns", Decision.WARN),
        _ruling("passes", Decision.PASS),
        _ruling("new", Decision.PASS),
        _ruling("new and failing", Decision.FAIL),
        _ruling("moved", Decision.PASS, threshold=2.0),
        _ruling("said otherwise", Decision.PASS, words="now"),
        _ruling("waived", Decision.WARN, waived=Decision.FAIL),
        _ruling("same", Decision.PASS),
    ]
    found = _diff(_report(rulings=old), _report(rulings=new))
    (candidate,) = found.candidates
    assert {rule.rule: rule.readings for rule in candidate.rules} == {
        "fails": (RuleReading.FAILING,),
        "new and failing": (RuleReading.FAILING, RuleReading.NEW),
        "unsettled": (RuleReading.UNSETTLED,),
        "warns": (RuleReading.WORSE,),
        "gone": (RuleReading.GONE,),
        "waived": (RuleReading.WAIVED,),
        "moved": (RuleReading.THRESHOLD,),
        "said otherwise": (RuleReading.WORDS,),
        "new": (RuleReading.NEW,),
        "passes": (RuleReading.PASSING,),
    }
    assert [rule.rule for rule in candidate.rules][:3] == ["fails", "new and failing", "unsettled"]
    assert candidate.rules_same == 1
    assert found.worse


def test_a_finding_that_nobody_looked_for_is_not_gone() -> None:
    size, finding = _figure("footprint.size_mb", 1.0, Exact()), Finding(rule="x", severity=Severity.LOW, message="m")
    old = _report(size, findings=[finding])
    (gone,) = _diff(old, _report(size)).candidates[0].findings
    assert gone.reading is FindingReading.GONE
    (unknown,) = _diff(old, _report()).candidates[0].findings
    assert unknown.reading is FindingReading.NOT_LOOKED_FOR
    (new,) = _diff(_report(size), old).candidates[0].findings
    assert new.reading is FindingReading.NEW
    (then,) = _diff(_report(), old).candidates[0].findings
    assert then.reading is FindingReading.NOT_LOOKED_FOR_THEN


def test_what_else_differs_is_told_by_name() -> None:
    old, new = _report(packages={"torch": "2.0", "onnx": "1"}), _report(packages={"torch": "2.1"}, data="c" * 64)
    told = {(fact.of, fact.what): (fact.old, fact.new) for fact in _diff(old, new).candidates[0].facts}
    assert told == {
        ("data", "sha256"): ("d" * 64, "c" * 64),
        ("environment", "onnx"): ("1", None),
        ("environment", "torch"): ("2.0", "2.1"),
    }


def test_candidates_are_matched_by_name_and_single_ones_whatever_their_names() -> None:
    a, b, c = (_report(_right(1800), candidate=name) for name in ("a", "b", "c"))
    found = _diff([a, b], [b, c])
    assert [candidate.new for candidate in found.candidates] == ["b"]
    assert (found.gone, found.added) == (("a",), ("c",))
    assert [(each.old, each.new) for each in _diff(a, c).candidates] == [("a", "c")]
    nothing = _diff([a, b], c)
    assert not nothing.candidates
    assert not nothing.comparable


def test_reports_of_which_no_figure_compares_are_not_comparable_though_they_share_rules() -> None:
    rules = [_ruling("top1", Decision.PASS)]
    old, new = _report(_right(1800), rulings=rules), _report(_right(1800), rulings=rules, data="c" * 64)
    assert not _diff(old, new).comparable
    assert _diff(_report(rulings=rules), _report(rulings=rules, data="c" * 64)).comparable
    assert not _diff(_report(), _report(data="c" * 64)).comparable


def test_counts_that_contradict_their_figure_are_told_and_not_compared() -> None:
    wrong = _right(1800).model_copy(update={"value": 0.2})
    figure = _only(_diff(_report(_right(1800)), _report(wrong)))
    assert figure.reading is Reading.INCOMPARABLE
    assert "the new report contradicts itself" in figure.reason
    longer = _report(_right(1800), kept=[_kept([True] * 1800 + [False] * 200)])
    shorter = _report(_right(900, 1000), kept=[_kept([True] * 900 + [False] * 100)])
    assert "make no sense together" in _only(_diff(longer, shorter)).reason


def _some_report(seed: int) -> Report:
    """Return a report of figures of every kind."""
    dice = random.Random(seed)
    answers = [dice.random() < 0.9 for _ in range(N)]
    figures = [
        _right(sum(answers)),
        _resampled("accuracy.f1_macro", dice.uniform(0.8, 0.95), 0.005),
        _resampled("similarity.kappa", dice.uniform(0.8, 0.95), 0.005, Of.PAIR),
        _figure("footprint.size_mb", dice.uniform(1, 2), Exact()),
        _figure("footprint.sparsity", dice.random(), Exact()),
        *(
            _figure("accuracy.recall", k / 200, Counts(k=k, n=200), where=of_label(str(label)))
            for label, k in enumerate(dice.choices(range(120, 200), k=5))
        ),
    ]
    return _report(*figures, kept=[_kept(answers)], rulings=[_ruling("r", dice.choice(list(Decision)))])


def test_a_verdict_that_cannot_be_settled_any_more_is_worse_whatever_its_rules_are_called() -> None:
    from vetgate.wording.difference import lead

    old = _report(_right(1800), rulings=[_ruling("before", Decision.PASS)])
    new = _report(_right(1800), rulings=[_ruling("after", Decision.INCONCLUSIVE)])
    found = _diff(old, new)
    assert found.worse
    assert lead(found).startswith("Worse: the verdict, pass before and inconclusive now")
    assert not _diff(new, old).worse


MIRRORED = {Reading.WORSE: Reading.BETTER, Reading.BETTER: Reading.WORSE}


@given(seed=st.integers(0, 10_000))
@settings(max_examples=25, deadline=None)
def test_a_report_beside_itself_has_nothing_better_or_worse(seed: int) -> None:
    report = _some_report(seed)
    found = _diff(report, report.model_copy(update={"seed": 1}))
    assert {figure.reading for figure in found.figures()} <= {Reading.UNCLEAR, Reading.SAME}
    assert all(figure.p in (None, 1.0) and figure.change == 0 for figure in found.figures())
    assert not found.worse
    assert not found.candidates[0].rules
    assert found.comparable
    assert _diff(report, report).candidates[0].same


@given(first=st.integers(0, 10_000), second=st.integers(0, 10_000))
@settings(max_examples=25, deadline=None)
def test_swapping_the_two_reports_mirrors_what_is_better_and_worse(first: int, second: int) -> None:
    old, new = _some_report(first), _some_report(second)
    there, back = list(_diff(old, new).figures()), list(_diff(new, old).figures())
    for figure, mirrored in zip(there, back, strict=True):
        assert mirrored.reading is MIRRORED.get(figure.reading, figure.reading)
        assert figure.reading in COMPARED
        assert mirrored.change == pytest.approx(-(figure.change or 0.0))
        if figure.p is not None:
            assert mirrored.p == pytest.approx(figure.p, rel=1e-6)
            assert mirrored.corrected == pytest.approx(figure.corrected, rel=1e-6)
            assert mirrored.lower == pytest.approx(-(figure.upper or 0.0), abs=1e-9)
            assert mirrored.upper == pytest.approx(-(figure.lower or 0.0), abs=1e-9)


@given(seed=st.integers(0, 10_000), confidence=st.sampled_from([0.8, 0.9, 0.92, 0.95, 0.99]))
@settings(max_examples=20, deadline=None)
def test_an_interval_excludes_no_change_exactly_where_the_p_value_says_so(seed: int, confidence: float) -> None:
    for figure in _diff(_some_report(seed), _some_report(seed + 1), confidence).figures():
        if figure.p is not None and figure.lower is not None and figure.upper is not None:
            assert (figure.lower > 0 or figure.upper < 0) == (figure.p < 1 - confidence)


@given(p_values=st.lists(st.floats(0, 1), max_size=40))
@settings(max_examples=15, deadline=None)
def test_holm_is_that_of_statsmodels(p_values: list[float]) -> None:
    ours = holm(p_values)
    if p_values:
        assert ours == pytest.approx(list(multipletests(p_values, method="holm")[1]), abs=1e-12)


@pytest.mark.parametrize("wrong", [-0.1, 1.1, float("nan")])
def test_what_is_no_chance_is_refused(wrong: float) -> None:
    with pytest.raises(ValueError, match="must be in"):
        holm([0.5, wrong])


def test_of_two_equal_models_a_comparison_reads_worse_at_most_as_often_as_it_says() -> None:
    """Answers of the same images by two models that err alike; benchmarks/difference.py asks many more."""
    dice = np.random.default_rng(7)
    runs, worse, changed = 200, 0, 0
    for _ in range(runs):
        sure, labels = dice.random(N), dice.integers(0, 5, N)
        reports = []
        for _ in range(2):
            answers = np.where(sure < 0.9, True, dice.random(N) < 0.5) & (dice.random(N) < 0.98)
            slices = [
                _figure("accuracy.recall", k / n, Counts(k=k, n=n), where=of_label(str(label)))
                for label in range(5)
                for k, n in [(int(answers[labels == label].sum()), int((labels == label).sum()))]
            ]
            reports.append(_report(_right(int(answers.sum())), *slices, kept=[_kept(answers.tolist())]))
        readings = {figure.reading for figure in _diff(reports[0], reports[1]).figures()}
        worse += Reading.WORSE in readings
        changed += bool(readings & {Reading.WORSE, Reading.BETTER})
    assert worse <= 0.05 * runs
    assert changed <= 0.05 * runs
