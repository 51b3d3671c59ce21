"""Laws of the judge that hold for all evidence."""

from __future__ import annotations

import datetime
import math
from collections.abc import Mapping
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vetgate.domain.evidence import (
    Counts,
    Evidence,
    Exact,
    Measurement,
    Of,
    Outcome,
    PairedCounts,
    Pairs,
    Quantiles,
    Unstated,
)
from vetgate.domain.policy import Policy, Rule
from vetgate.domain.specs import MetricSpec
from vetgate.domain.unit import Better, Unit
from vetgate.domain.verdict import Decision
from vetgate.policy.judge import judge

TODAY = datetime.date(2027, 1, 1)
RANK = {decision: decision.rank for decision in Decision}


def policy(*rules: Rule) -> Policy:
    return Policy(name="laws", rules=rules, sha256="")


def rule(name: str, threshold: float, *, side: str = "at_least", **more: object) -> Rule:
    keys = {"name": name, "metric": name, "of": Of.DELTA, "unit": Unit.FRACTION, "words": "", side: threshold}
    return Rule.model_validate(keys | {"confidence": 0.95} | more)


@st.composite
def figures(draw: st.DrawFn, metric: str = "accuracy.top1") -> Measurement:
    n = draw(st.integers(1, 400))
    kind = draw(st.sampled_from(["paired", "counts", "exact", "quantiles", "unstated"]))
    value = draw(st.floats(-1, 1))
    if kind == "paired":
        b = draw(st.integers(0, min(n, 30)))
        c = draw(st.integers(0, min(n - b, 30)))
        value, uncertainty = (c - b) / n, PairedCounts(b=b, c=c, n=n)
    elif kind == "counts":
        k = draw(st.integers(0, n))
        value, uncertainty = k / n, Counts(k=k, n=n)  # type: ignore[assignment]  # any of the union
    elif kind == "quantiles":
        values = sorted(draw(st.tuples(st.floats(-1, 1), st.floats(-1, 1))))
        uncertainty = Quantiles(levels=(0.05, 0.95), values=tuple(values))  # type: ignore[assignment]
    else:
        uncertainty = Exact() if kind == "exact" else Unstated()  # type: ignore[assignment]
    return Measurement(
        metric=metric,
        role=Of.DELTA,
        value=value,
        unit=Unit.FRACTION,
        better=Better.HIGHER,
        n=n,
        uncertainty=uncertainty,
    )


def evidence(*found: Measurement) -> list[Evidence]:
    return [
        Evidence(check=f"check{index}", outcome=Outcome.MEASURED, measurements=(figure,))
        for index, figure in enumerate(found)
    ]


thresholds = st.floats(-1, 1)


@settings(max_examples=60, deadline=None)
@given(figure=figures(), one=thresholds, other=thresholds)
def test_asking_for_more_never_makes_a_verdict_better(
    metrics: Mapping[str, MetricSpec], figure: Measurement, one: float, other: float
) -> None:
    for side, order in (
        ("at_least", (min(one, other), max(one, other))),
        ("at_most", (max(one, other), min(one, other))),
    ):
        lax, hard = (
            judge(policy(rule(figure.metric, limit, side=side)), evidence(figure), TODAY, metrics) for limit in order
        )
        assert RANK[lax.decision] <= RANK[hard.decision]


@settings(max_examples=40, deadline=None)
@given(first=figures(), second=figures("accuracy.f1_macro"), limits=st.tuples(thresholds, thresholds))
def test_a_further_rule_never_makes_a_verdict_better(
    metrics: Mapping[str, MetricSpec], first: Measurement, second: Measurement, limits: tuple[float, float]
) -> None:
    one, two = rule(first.metric, limits[0]), rule(second.metric, limits[1])
    alone = judge(policy(one), evidence(first, second), TODAY, metrics)
    both = judge(policy(one, two), evidence(first, second), TODAY, metrics)
    assert RANK[both.decision] >= RANK[alone.decision]
    assert RANK[both.decision] == max(RANK[ruling.decision] for ruling in both.rulings)


@settings(max_examples=40, deadline=None)
@given(
    figure=figures(),
    limit=thresholds,
    outcome=st.sampled_from([Outcome.SKIPPED, Outcome.ERRORED]),
    if_missing=st.sampled_from(["inconclusive", "fail", "warn"]),
)
def test_what_was_not_measured_is_never_a_pass(
    metrics: Mapping[str, MetricSpec], figure: Measurement, limit: float, outcome: Outcome, if_missing: str
) -> None:
    asked = policy(rule(figure.metric, limit, if_missing=if_missing))
    other = Evidence(check="contract", outcome=Outcome.MEASURED)
    broken = Evidence(check="quality", outcome=outcome, measurements=(figure,), reason="it broke")
    for items in ([], [other], [broken], [broken, other]):
        assert judge(asked, items, TODAY, metrics).decision is not Decision.PASS


@settings(max_examples=60, deadline=None)
@given(figure=st.one_of(st.none(), figures()), limit=thresholds, if_missing=st.sampled_from(["inconclusive", "fail"]))
def test_otherwise_warn_never_fails_nor_leaves_open(
    metrics: Mapping[str, MetricSpec], figure: Measurement | None, limit: float, if_missing: str
) -> None:
    soft = rule("accuracy.top1", limit, otherwise="warn", if_missing=if_missing)
    items = [*evidence(*([figure] if figure else [])), Evidence(check="contract", outcome=Outcome.MEASURED)]
    assert RANK[judge(policy(soft), items, TODAY, metrics).decision] <= RANK[Decision.WARN]


@settings(max_examples=40, deadline=None)
@given(data=st.data(), limits=st.tuples(thresholds, thresholds))
def test_the_order_of_evidence_and_a_second_look_change_nothing(
    metrics: Mapping[str, MetricSpec], data: st.DataObject, limits: tuple[float, float]
) -> None:
    asked = policy(rule("accuracy.top1", limits[0]), rule("accuracy.f1_macro", limits[1]))
    found = data.draw(st.lists(st.one_of(figures(), figures("accuracy.f1_macro")), max_size=4))
    items = [*evidence(*found), Evidence(check="x", outcome=Outcome.ERRORED, reason="it broke")]
    verdict = judge(asked, items, TODAY, metrics)
    assert judge(asked, data.draw(st.permutations(items)), TODAY, metrics) == verdict


@settings(max_examples=30, deadline=None)
@given(
    logs=st.lists(st.floats(-0.5, 0.5), min_size=1, max_size=40).map(tuple),
    limits=st.lists(st.floats(0.5, 2.0), min_size=2, max_size=4).map(sorted),
)
def test_a_laxer_latency_limit_never_makes_a_verdict_worse(
    metrics: Mapping[str, MetricSpec], logs: tuple[float, ...], limits: list[float]
) -> None:
    figure = Measurement(
        metric="latency.p50",
        role=Of.RATIO,
        value=math.exp(sorted(logs)[len(logs) // 2]),
        unit=Unit.RATIO,
        better=Better.LOWER,
        n=len(logs),
        uncertainty=Pairs(log_ratios=logs),
    )
    more = {"of": Of.RATIO, "unit": Unit.RATIO}
    ranks = [
        RANK[
            judge(policy(rule("latency.p50", limit, side="at_most", **more)), evidence(figure), TODAY, metrics).decision
        ]
        for limit in limits
    ]
    assert all(earlier >= later for earlier, later in pairwise(ranks))


@pytest.mark.parametrize("n", [50, 300, 1_000])
def test_the_decision_and_the_bounds_of_a_paired_rule_agree(metrics: Mapping[str, MetricSpec], n: int) -> None:
    for b, c in ((0, 0), (3, 1), (8, 2), (20, 19)):
        figure = Measurement(
            metric="accuracy.top1",
            role=Of.DELTA,
            value=(c - b) / n,
            unit=Unit.FRACTION,
            better=Better.HIGHER,
            n=n,
            uncertainty=PairedCounts(b=b, c=c, n=n),
        )
        ruling = judge(policy(rule("accuracy.top1", -0.01)), evidence(figure), TODAY, metrics).rulings[0]
        assert ruling.lower is not None
        assert ruling.upper is not None
        expected = (
            Decision.PASS if ruling.lower > -0.01 else Decision.FAIL if ruling.upper < -0.01 else Decision.INCONCLUSIVE
        )
        assert ruling.decision is expected
