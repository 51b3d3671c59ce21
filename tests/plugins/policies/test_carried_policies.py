from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping

import pluggy
import pytest
import vetgate_policies.plugin
import yaml
from vetgate_scene.metrics import DETECTION, SEGMENTATION

from vetgate.domain.evidence import Of, Severity, Slice
from vetgate.domain.policy import Policy
from vetgate.domain.specs import MetricSpec, PolicySpec
from vetgate.domain.unit import Better, Unit
from vetgate.hookspecs import Hooks
from vetgate.policy.lint import lint
from vetgate.policy.load import load

BOTH = (Of.CANDIDATE, Of.REFERENCE)
DELTAS, RATIOS, PAIR = (*BOTH, Of.DELTA), (*BOTH, Of.RATIO), (Of.PAIR,)
UP, DOWN = Better.HIGHER, Better.LOWER
SPECS = (
    MetricSpec("accuracy.top1", "", Unit.FRACTION, UP, DELTAS, 0, 1, bounded=DELTAS),
    MetricSpec("accuracy.recall", "", Unit.FRACTION, UP, DELTAS, 0, 1, sliced=True, columns=("label",), bounded=DELTAS),
    MetricSpec("similarity.agreement", "", Unit.FRACTION, UP, PAIR, 0, 1, bounded=PAIR),
    MetricSpec("similarity.negative_flips", "", Unit.FRACTION, DOWN, PAIR, 0, 1, bounded=PAIR),
    MetricSpec("similarity.js_divergence", "", Unit.BITS, DOWN, PAIR, 0, 1, bounded=PAIR),
    MetricSpec("footprint.size_mb", "", Unit.MEGABYTES, DOWN, RATIOS, 0, bounded=RATIOS, exact=True),
    MetricSpec("latency.p50", "", Unit.SECONDS, DOWN, RATIOS, 0, bounded=RATIOS, live=True),
    MetricSpec("latency.p95", "", Unit.SECONDS, DOWN, RATIOS, 0, bounded=RATIOS, live=True),
    MetricSpec("latency.throughput", "", Unit.PER_SECOND, UP, RATIOS, 0, bounded=RATIOS, live=True),
    MetricSpec("opscore.inference", "", Unit.SCORE, DOWN, DELTAS, bounded=DELTAS),
)
METRICS: Mapping[str, MetricSpec] = {spec.id: spec for spec in (*SPECS, *DETECTION, *SEGMENTATION)}


@pytest.fixture(scope="module")
def carried() -> Mapping[str, PolicySpec]:
    manager = pluggy.PluginManager("vetgate")
    manager.add_hookspecs(Hooks)
    manager.register(vetgate_policies.plugin)
    return {spec.name: spec for specs in manager.hook.vetgate_policies() for spec in specs}


def limits(policy: Policy) -> dict[str, tuple[float | None, float | None, float | None, str]]:
    return {rule.name: (rule.at_least, rule.at_most, rule.confidence, rule.otherwise) for rule in policy.rules}


def test_six_policies_are_carried(carried: Mapping[str, PolicySpec]) -> None:
    assert sorted(carried) == ["detection", "edge", "segmentation", "server", "smoke", "strict"]


@pytest.mark.parametrize("name", ["detection", "edge", "segmentation", "server", "smoke", "strict"])
def test_a_carried_policy_is_free_of_mistakes_and_doubts_and_says_what_it_is_for(
    carried: Mapping[str, PolicySpec], name: str
) -> None:
    assert lint(name, carried, METRICS) == []
    policy = load(name, carried, METRICS).policy
    assert (policy.name, policy.summary) == (name, carried[name].summary)
    assert yaml.safe_load(carried[name].read())["version"] == 1


def test_smoke_allows_five_points(carried: Mapping[str, PolicySpec]) -> None:
    policy = load("smoke", carried, METRICS).policy
    assert limits(policy) == {"accuracy.top1/delta": (-0.05, None, 0.95, "fail")}
    assert policy.halt_at is Severity.HIGH


def test_edge_keeps_a_point_and_asks_for_smaller_and_no_slower(carried: Mapping[str, PolicySpec]) -> None:
    policy = load("edge", carried, METRICS).policy
    assert limits(policy) == {
        "accuracy.top1/delta": (-0.01, None, 0.95, "fail"),
        "similarity.agreement": (0.975, None, 0.95, "fail"),
        "no-class-left-behind": (-0.05, None, 0.95, "warn"),
        "latency.p50/ratio": (None, 1.1, 0.95, "fail"),
        "footprint.size_mb/ratio": (None, 0.75, None, "warn"),
        "opscore.inference/delta": (None, 0.0, 0.95, "warn"),
    }
    assert [rule.slice for rule in policy.rules if rule.slice] == [Slice(by="label")]


def test_strict_is_nowhere_laxer_than_edge(carried: Mapping[str, PolicySpec]) -> None:
    policy = load("strict", carried, METRICS).policy
    assert limits(policy) == {
        "accuracy.top1/delta": (-0.005, None, 0.95, "fail"),
        "similarity.agreement": (0.99, None, 0.95, "fail"),
        "no-class-left-behind": (-0.05, None, 0.95, "fail"),
        "latency.p50/ratio": (None, 1.05, 0.95, "fail"),
        "footprint.size_mb/ratio": (None, 0.5, None, "fail"),
        "opscore.inference/delta": (None, 0.0, 0.95, "warn"),
        "similarity.negative_flips": (None, 0.005, 0.95, "fail"),
        "similarity.js_divergence": (None, 0.005, 0.95, "fail"),
    }
    assert policy.halt_at is Severity.MEDIUM
    edge = limits(load("edge", carried, METRICS).policy)
    for name, (at_least, at_most, confidence, _) in limits(policy).items():
        if name in edge:
            assert at_least is None or at_least >= (edge[name][0] or -1)
            assert at_most is None or at_most <= (edge[name][1] or 0)
            assert confidence == edge[name][2]


def test_server_asks_for_throughput_and_has_no_size_rule(carried: Mapping[str, PolicySpec]) -> None:
    assert limits(load("server", carried, METRICS).policy) == {
        "accuracy.top1/delta": (-0.005, None, 0.95, "fail"),
        "similarity.agreement": (0.985, None, 0.95, "fail"),
        "latency.p95/ratio": (None, 1.1, 0.95, "fail"),
        "latency.throughput/ratio": (1.0, None, 0.95, "fail"),
    }


@pytest.mark.parametrize("name", ["edge", "server", "smoke", "strict"])
def test_every_carried_policy_requires_a_scan(carried: Mapping[str, PolicySpec], name: str) -> None:
    assert load(name, carried, METRICS).policy.scan == "required"


def test_declaring_the_policies_imports_no_numpy() -> None:
    code = "import sys, vetgate_policies.plugin as plugin\n[spec.read() for spec in plugin.vetgate_policies()]\n"
    code += "sys.exit('numpy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0
