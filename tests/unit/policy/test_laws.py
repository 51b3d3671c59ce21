"""Laws of the judge: to improve a measurement never worsens a verdict, and nothing unknown ever passes."""

from __future__ import annotations

import datetime
import math
from collections.abc import Mapping, Sequence

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

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
    Quantiles,
    Ran,
    Slice,
    Uncertainty,
    Unstated,
    Versus,
)
from vetgate.domain.model import Execution
from vetgate.domain.policy import Policy, Requires, Rule, Waiver
from vetgate.domain.specs import MetricSpec
from vetgate.domain.unit import Better, Unit
from vetgate.domain.verdict import Decision
from vetgate.policy.judge import judge

TODAY = datetime.date(2027, 1, 1)
levels = st.sampled_from([None, 0.8, 0.9, 0.95, 0.99])
margins = st.sampled_from([-0.2, -0.05, -0.01, -0.002, 0.0, 0.01, 0.1])
shares = st.sampled_from([0.0, 0.05, 0.5, 0.9, 0.975, 1.0])


def rule(name: str = "accuracy.top1", **more: object) -> Rule:
    keys: dict[str, object] = {"name": name, "metric": name, "of": Of.DELTA, "unit": Unit.FRACTION, "words": ""}
    return Rule.model_validate(keys | more)


def figure(value: float, uncertainty: Uncertainty, n: int = 1, **more: object) -> Measurement:
    keys: dict[str, object] = {"metric": "accuracy.top1", "role": Of.DELTA, "unit": Unit.FRACTION}
    keys |= {"value": value, "better": Better.HIGHER, "n": n, "uncertainty": uncertainty}
    return Measurement.model_validate(keys | more)


def rank(metrics: Mapping[str, MetricSpec], found: Measurement, asked: Rule) -> int:
    evidence = (Evidence(check="check", outcome=Outcome.MEASURED, measurements=(found,)),)
    return judge(Policy(name="laws", rules=(asked,), sha256=""), evidence, TODAY, metrics).decision.rank


def flips(b: int, c: int, n: int) -> Measurement:
    return figure((c - b) / n, PairedCounts(b=b, c=c, n=n), n)


@st.composite
def counts_of_pairs(draw: st.DrawFn, most: int = 70) -> tuple[int, int, int]:
    """Draw b, c and n, also with every image or none discordant."""
    n = draw(st.integers(1, 3_000))
    b = draw(st.integers(0, min(n, most)))
    return b, draw(st.integers(0, min(n - b, most))), n


@settings(max_examples=80, deadline=None)
@given(counts=counts_of_pairs(), step=st.sampled_from(["loss fewer", "gain more", "both"]), limit=margins, level=levels)
def test_a_loss_fewer_or_a_gain_more_never_worsens_a_paired_verdict(
    metrics: Mapping[str, MetricSpec], counts: tuple[int, int, int], step: str, limit: float, level: float | None
) -> None:
    b, c, n = counts
    fewer, more = b - (step != "gain more"), c + (step != "loss fewer")
    assume(fewer >= 0 and fewer + more <= n)
    asked = rule(at_least=limit, confidence=level)
    assert rank(metrics, flips(fewer, more, n), asked) <= rank(metrics, flips(b, c, n), asked)


@pytest.mark.parametrize("n", [100, 150, 2_000])
@pytest.mark.parametrize("confidence", [0.95, 0.99])
@pytest.mark.parametrize("b", [20, 30, 40])
def test_where_the_exact_test_takes_over_from_the_score_a_loss_fewer_still_helps(
    n: int, confidence: float, b: int
) -> None:
    from vetgate.statistics import paired_bounds

    score, exact = paired_bounds(b, 60 - b, n, confidence), paired_bounds(b - 1, 60 - b, n, confidence)
    assert (score.method == "Tango score", exact.method == "exact paired") == (True, True)
    assert exact.lower >= score.lower
    assert exact.upper >= score.upper


@settings(max_examples=150, deadline=None)
@given(n=st.integers(1, 3_000), data=st.data(), limit=shares, level=levels)
def test_an_image_more_that_counts_never_worsens_a_share(
    metrics: Mapping[str, MetricSpec], n: int, data: st.DataObject, limit: float, level: float | None
) -> None:
    k = data.draw(st.integers(0, n - 1))
    asked = rule(of=Of.CANDIDATE, at_least=limit, confidence=level)
    few, more = (figure(count / n, Counts(k=count, n=n), n, role=Of.CANDIDATE) for count in (k, k + 1))
    assert rank(metrics, more, asked) <= rank(metrics, few, asked)


@settings(max_examples=100, deadline=None)
@given(value=st.floats(0, 10), less=st.floats(0, 10), limit=st.floats(0, 10), level=levels, sure=st.booleans())
def test_a_smaller_file_never_worsens_a_verdict(
    metrics: Mapping[str, MetricSpec], value: float, less: float, limit: float, level: float | None, sure: bool
) -> None:
    asked = rule("footprint.size_mb", of=Of.CANDIDATE, unit=Unit.MEGABYTES, at_most=limit, confidence=level)
    large, small = (
        figure(size, Exact() if sure else Unstated(), metric=asked.metric, role=Of.CANDIDATE, unit=Unit.MEGABYTES)
        for size in (max(value, less), min(value, less))
    )
    assert rank(metrics, small, asked) <= rank(metrics, large, asked)


@settings(max_examples=100, deadline=None)
@given(
    at=st.lists(st.floats(-0.5, 0.5), min_size=4, max_size=4).map(sorted),
    shift=st.floats(0, 0.3),
    limit=margins,
    level=levels,
)
def test_a_shifted_distribution_never_worsens_a_verdict(
    metrics: Mapping[str, MetricSpec], at: Sequence[float], shift: float, limit: float, level: float | None
) -> None:
    def shifted(by: float) -> Measurement:
        values = tuple(value + by for value in at)
        return figure(values[1], Quantiles(levels=(0.05, 0.1, 0.9, 0.95), values=values), 500)

    asked = rule(at_least=limit, confidence=level)
    assert rank(metrics, shifted(shift), asked) <= rank(metrics, shifted(0.0), asked)


@st.composite
def terms(draw: st.DrawFn) -> tuple[list[int], list[int]]:
    """Draw image by image what both models' answers differ by, and the same with some images improved."""
    worse = draw(st.lists(st.sampled_from([-1, 0, 0, 0, 1]), min_size=1, max_size=400))
    better = [min(1, term + draw(st.sampled_from([0, 0, 0, 1, 2]))) for term in worse]
    return worse, better


def looked(images: Sequence[int], step: int) -> Measurement:
    ends = [*range(step, len(images), step), len(images)]
    down = tuple(sum(term == -1 for term in images[:end]) for end in ends)
    up = tuple(sum(term == 1 for term in images[:end]) for end in ends)
    return figure(sum(images) / len(images), Looks(down=down, up=up, n=tuple(ends)), len(images))


@settings(max_examples=50, deadline=None)
@given(images=terms(), step=st.integers(1, 100), limit=margins, level=levels)
def test_images_answered_better_at_every_look_never_worsen_a_verdict(
    metrics: Mapping[str, MetricSpec],
    images: tuple[list[int], list[int]],
    step: int,
    limit: float,
    level: float | None,
) -> None:
    worse, better = (looked(each, step) for each in images)
    asked = rule(at_least=limit, confidence=level)
    assert rank(metrics, better, asked) <= rank(metrics, worse, asked)


@settings(max_examples=80, deadline=None)
@given(
    logs=st.lists(st.floats(-0.5, 0.5), min_size=1, max_size=60),
    gains=st.lists(st.floats(0, 0.3), min_size=60, max_size=60),
    limit=st.sampled_from([0.8, 1.0, 1.1]),
    level=levels,
)
def test_faster_pairs_never_worsen_a_verdict(
    metrics: Mapping[str, MetricSpec], logs: list[float], gains: list[float], limit: float, level: float | None
) -> None:
    def timed(values: Sequence[float]) -> Measurement:
        ratio = math.exp(sorted(values)[len(values) // 2])
        pairs = Pairs(log_ratios=tuple(values))
        return figure(ratio, pairs, len(values), metric="latency.p50", role=Of.RATIO, unit=Unit.RATIO)

    asked = rule("latency.p50", of=Of.RATIO, unit=Unit.RATIO, at_most=limit, confidence=level)
    faster = [log - gain for log, gain in zip(logs, gains, strict=False)]
    assert rank(metrics, timed(faster), asked) <= rank(metrics, timed(logs), asked)


@st.composite
def measurements(draw: st.DrawFn) -> Measurement:
    """Draw a figure of any kind, slice and comparison."""
    n = draw(st.integers(1, 300))
    b = draw(st.integers(0, min(n, 20)))
    c = draw(st.integers(0, min(n - b, 20)))
    value = draw(st.floats(-1, 1))
    kinds: dict[str, tuple[float, Uncertainty]] = {
        "paired": ((c - b) / n, PairedCounts(b=b, c=c, n=n)),
        "looks": ((c - b) / n, Looks(down=(b,), up=(c,), n=(n,))),
        "exact": (value, Exact()),
        "unstated": (value, Unstated()),
        "quantiles": (value, Quantiles(levels=(0.05, 0.95), values=(value - 0.1, value + 0.1))),
    }
    chosen, uncertainty = kinds[draw(st.sampled_from(sorted(kinds)))]
    where = draw(st.sampled_from([None, Slice(by="label", value="cat"), Slice(by="weather", value="rain")]))
    metric = draw(st.sampled_from(["accuracy.top1", "accuracy.f1_macro"]))
    versus = draw(st.sampled_from(list(Versus)))
    return figure(chosen, uncertainty, n, slice=where, metric=metric, versus=versus)


@st.composite
def rules(draw: st.DrawFn, name: str) -> Rule:
    """Draw a rule on one of those figures."""
    where = draw(st.sampled_from([None, Slice(by="label"), Slice(by="weather", value="rain")]))
    return rule(
        draw(st.sampled_from(["accuracy.top1", "accuracy.f1_macro"])),
        at_least=draw(margins),
        confidence=draw(levels),
        slice=where,
        fewest=draw(st.sampled_from([1, 10, 100])),
        versus=draw(st.sampled_from(list(Versus))),
        requires=draw(st.sampled_from([None, Requires(same_runtime=True)])),
        otherwise=draw(st.sampled_from(["fail", "warn"])),
    ).model_copy(update={"name": name})


EXECUTION = Execution(runtime="toy", version="1", provider="CPU", threads=1, precision="float32")


@st.composite
def cases(draw: st.DrawFn) -> tuple[Policy, list[Evidence]]:
    """Draw a policy and evidence for some of it."""
    found = draw(st.lists(measurements(), max_size=6))
    ran = draw(st.sampled_from([None, Ran(candidate=EXECUTION, reference=EXECUTION)]))
    items = [
        Evidence(check=f"check{index}", outcome=Outcome.MEASURED, measurements=(each,), ran=ran)
        for index, each in enumerate(found)
    ]
    asked = tuple(draw(rules(f"rule{index}")) for index in range(draw(st.integers(1, 3))))
    waiver = Waiver(rule="rule0", reason="new", owner="team", expires=TODAY)
    waivers = draw(st.sampled_from([(), (waiver,)]))
    policy = Policy(name="laws", rules=asked, waivers=waivers, weights={"opscore.inference": 0.7}, sha256="")
    return policy, items


OWNERS = {"accuracy.top1": "check0", "accuracy.f1_macro": "check1"}


@settings(max_examples=100, deadline=None)
@given(case=cases(), data=st.data())
def test_the_order_of_evidence_and_of_rules_does_not_matter(
    metrics: Mapping[str, MetricSpec], case: tuple[Policy, list[Evidence]], data: st.DataObject
) -> None:
    policy, items = case
    verdict = judge(policy, items, TODAY, metrics, owners=OWNERS)
    assert judge(policy, data.draw(st.permutations(items)), TODAY, metrics, owners=OWNERS) == verdict
    shuffled = policy.model_copy(update={"rules": tuple(data.draw(st.permutations(policy.rules)))})
    other = judge(shuffled, items, TODAY, metrics, owners=OWNERS)
    assert other.decision is verdict.decision
    assert sorted(other.rulings, key=lambda each: each.rule) == sorted(verdict.rulings, key=lambda each: each.rule)


@settings(max_examples=100, deadline=None)
@given(case=cases())
def test_a_rule_without_its_figure_never_passes(
    metrics: Mapping[str, MetricSpec], case: tuple[Policy, list[Evidence]]
) -> None:
    policy, items = case
    for asked in policy.rules:
        without = [
            item.model_copy(
                update={
                    "measurements": tuple(
                        each for each in item.measurements if (each.metric, each.versus) != (asked.metric, asked.versus)
                    )
                }
            )
            for item in items
        ]
        verdict = judge(policy, without, TODAY, metrics, owners=OWNERS)
        ruling = next(each for each in verdict.rulings if each.rule == asked.name)
        assert ruling.decision is not Decision.PASS
        assert verdict.decision is not Decision.PASS


@settings(max_examples=100, deadline=None)
@given(case=cases())
def test_saved_evidence_and_policy_give_the_same_verdict(
    metrics: Mapping[str, MetricSpec], case: tuple[Policy, list[Evidence]]
) -> None:
    policy, items = case
    saved = [Evidence.model_validate_json(item.model_dump_json()) for item in items]
    read = Policy.model_validate_json(policy.model_dump_json())
    assert (saved, read) == (items, policy)
    again = judge(read, saved, TODAY, metrics, owners=OWNERS)
    assert again == judge(policy, items, TODAY, metrics, owners=OWNERS)


@settings(max_examples=150, deadline=None)
@given(case=cases(), count=st.sampled_from([1, 2, 50]))
def test_no_count_however_odd_makes_a_number_that_is_none(
    metrics: Mapping[str, MetricSpec], case: tuple[Policy, list[Evidence]], count: int
) -> None:
    """One image, every image discordant, none discordant: rulings hold finite numbers or none."""
    policy, items = case
    odd = [flips(count, 0, count), flips(0, count, count), flips(0, 0, count)]
    extreme = [Evidence(check="odd", outcome=Outcome.MEASURED, measurements=(each,)) for each in odd]
    for evidence in (items, *([each] for each in extreme)):
        for ruling in judge(policy, evidence, TODAY, metrics, owners=OWNERS).rulings:
            numbers = (ruling.observed, ruling.lower, ruling.upper, ruling.threshold)
            assert all(number is None or math.isfinite(number) for number in numbers)
            assert "nan" not in ruling.because.split()
