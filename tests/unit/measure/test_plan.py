"""The plan holds what the policy needs, in the order of the walk, and everything that is missing at once."""

from __future__ import annotations

from typing import Any

import pytest

from vetgate.domain.check import Check, Need
from vetgate.domain.errors import MissingExtra
from vetgate.domain.evidence import Of
from vetgate.domain.policy import Policy
from vetgate.domain.specs import CheckSpec, MetricSpec, PolicySpec
from vetgate.domain.unit import Better, Unit
from vetgate.measure import Given, Plan, make_plan
from vetgate.policy import load


def _metric(name: str, **more: Any) -> MetricSpec:
    roles = (Of.CANDIDATE, Of.RATIO, Of.DELTA)
    return MetricSpec(name, name, Unit.SCORE, Better.HIGHER, roles, bounded=roles, **more)


def _factory() -> Check[Any]:
    raise AssertionError("planning makes no check")


def _check(name: str, need: Need, *metrics: MetricSpec, **more: Any) -> CheckSpec[Any]:
    return CheckSpec(name, name, need, metrics, _factory, **more)


SPECS = (
    _check("contract", Need.STRUCTURE, always=True),
    _check("opscore", Need.EVIDENCE, _metric("toy.score"), after=("quality", "size")),
    _check(
        "quality",
        Need.TABLE,
        _metric("toy.accuracy", needs_labels=True, sliced=True, counted=(Of.CANDIDATE, Of.DELTA)),
        _metric("toy.gap", over_slices=True),
    ),
    _check("size", Need.STRUCTURE, _metric("toy.size")),
    _check("speed", Need.SESSION, _metric("toy.speed")),
)
METRICS = {metric.id: metric for spec in SPECS for metric in spec.metrics}


def _policy(*rules: str) -> Policy:
    listing = "".join(f"  - {{{rule}}}\n" for rule in rules)
    text = f"version: 1\nname: toy\nmetrics:\n{listing}"
    return load("toy", {"toy": PolicySpec("toy", "toy", lambda: text)}, METRICS).policy


def _plan(*rules: str, missing: dict[str, MissingExtra] | None = None, **given: Any) -> Plan:
    return make_plan(_policy(*rules), SPECS, missing or {}, Given(**{"data": True, "labels": True, "seed": 7} | given))


def _names(plan: Plan) -> list[str]:
    return [check.spec.name for check in plan.checks]


def test_only_what_a_rule_needs_runs_and_the_contract_always() -> None:
    assert _names(_plan("metric: toy.speed, at_most: 2")) == ["contract", "speed"]


def test_what_a_check_reads_runs_before_it() -> None:
    assert _names(_plan("metric: toy.score, at_least: 2")) == ["contract", "size", "quality", "opscore"]


def test_what_a_check_reads_is_bounded_at_the_levels_that_rules_on_it_name() -> None:
    plan = _plan("metric: toy.score, at_least: 2, confidence: 99.5%", "metric: toy.size, at_most: 2, confidence: 90%")
    levels = {check.spec.name: check.ask.confidences for check in plan.checks}
    assert levels == {"contract": (), "size": (0.9, 0.995), "quality": (0.995,), "opscore": (0.995,)}


def test_a_check_is_asked_for_the_metrics_and_slices_that_rules_name_and_for_nothing_else() -> None:
    plan = _plan("metric: toy.accuracy, slice: each label, at_least: 0.5", "metric: toy.size, at_most: 2")
    asks = {check.spec.name: check.ask for check in plan.checks}
    assert asks["quality"].metrics == frozenset({"toy.accuracy"})
    assert asks["quality"].columns("toy.accuracy") == ("label",)
    assert asks["size"].metrics == frozenset({"toy.size"})
    assert not asks["size"].columns("toy.size")
    assert {ask.seed for ask in asks.values()} == {7}


def test_every_lack_is_told_at_once() -> None:
    missing = {"size": MissingExtra("check 'size' needs toys>=1", hint="pip install toys")}
    plan = _plan(
        "metric: toy.size, at_most: 2", "metric: toy.speed, at_most: 2", missing=missing, data=False, labels=False
    )
    assert plan.lacks[0] == "check 'size' needs toys>=1: pip install toys"
    assert "speed need images" in plan.lacks[1]
    assert not plan.needs(Need.STRUCTURE) or _names(plan)[0] == "contract"


def test_rules_that_need_labels_are_named_where_there_are_none_also_as_a_ratio() -> None:
    plan = _plan("metric: toy.accuracy, of: ratio, at_least: 0.5", "metric: toy.speed, at_most: 2", labels=False)
    assert plan.lacks == ("the data has no labels, and these rules need them: toy.accuracy/ratio",)


def test_a_plan_without_lacks_has_none() -> None:
    assert not _plan("metric: toy.accuracy, at_least: 0.5").lacks


def test_checks_are_told_levels_weights_and_the_time_that_timing_may_take() -> None:
    plan = _plan("metric: toy.accuracy, at_least: 0.5, confidence: 95%", seconds=3.5)
    (ask,) = [check.ask for check in plan.checks if check.spec.name == "quality"]
    assert ask.confidences == (0.95,)
    assert ask.seconds == 3.5
    assert not ask.glance


def test_only_columns_that_rules_name_are_made() -> None:
    rules = ("metric: toy.accuracy, slice: each weather, at_least: 0.5", "metric: toy.accuracy, at_least: 0.5")
    plan = _plan(*rules, "metric: toy.gap, slice: each size, at_least: 0.5", columns=("weather", "road"))
    assert plan.columns == ("size", "weather")
    assert not plan.lacks


def test_a_column_that_the_data_lacks_is_named_with_those_that_are_there() -> None:
    plan = _plan("metric: toy.accuracy, slice: wether=rain, at_least: 0.5", columns=("weather",))
    (lack,) = plan.lacks
    assert "no column 'wether'" in lack
    assert "toy.accuracy[wether=rain]" in lack or "toy.accuracy" in lack
    assert "label, weather, brightness, contrast, size" in lack


COUNTED = "metric: toy.accuracy, of: delta, at_least: -0.01, confidence: 95%"


@pytest.mark.parametrize(
    "rule",
    [
        pytest.param("metric: toy.accuracy, of: delta, at_least: -0.01", id="on the estimate alone"),
        pytest.param("metric: toy.accuracy, of: ratio, at_least: 0.9, confidence: 95%", id="no mean of terms"),
        pytest.param("metric: toy.gap, slice: each label, at_least: 0.1, confidence: 95%", id="over slices"),
        pytest.param(f"{COUNTED}, slice: each brightness", id="quarters known at the end"),
        pytest.param(f"{COUNTED}, versus: baseline", id="beside a saved report"),
        pytest.param("metric: toy.score, at_least: 2, confidence: 95%", id="made of such a figure"),
    ],
)
def test_what_no_look_can_settle_holds_a_run_that_might_stop_early(rule: str) -> None:
    counted = f"name: counted, {COUNTED}"
    assert _plan(counted, f"name: late, {rule}", sequential=True).holding == ("late",)
    assert not _plan(counted, f"name: late, {rule}").holding


@pytest.mark.parametrize(
    ("rule", "given"),
    [
        pytest.param(COUNTED, {"labels": False}, id="labels"),
        pytest.param(f"{COUNTED}, slice: each weather", {}, id="a column"),
    ],
)
def test_a_rule_that_can_never_be_measured_holds_a_run_that_might_stop_early(rule: str, given: dict[str, Any]) -> None:
    assert _plan(f"name: starved, {rule}", sequential=True, **given).holding == ("starved",)


def test_what_needs_no_images_and_what_is_counted_holds_nothing() -> None:
    rules = (
        COUNTED,
        f"{COUNTED}, slice: each weather",
        "metric: toy.speed, at_most: 2",
        "metric: toy.size, at_most: 2",
    )
    assert not _plan(*rules, sequential=True, columns=("weather",)).holding
