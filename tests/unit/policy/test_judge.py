from __future__ import annotations

import datetime
import math
from collections.abc import Callable, Mapping

import pytest

from vetgate.domain.check import Ask
from vetgate.domain.evidence import (
    Counts,
    Evidence,
    Exact,
    Finding,
    Looks,
    Measurement,
    Of,
    Outcome,
    PairedCounts,
    Pairs,
    Quantiles,
    Ran,
    Severity,
    Slice,
    SliceSize,
    Uncertainty,
    Unstated,
    Versus,
    of_label,
)
from vetgate.domain.model import Execution
from vetgate.domain.policy import Policy, Waiver
from vetgate.domain.specs import MetricSpec
from vetgate.domain.unit import Better, Unit, format_about
from vetgate.domain.verdict import Decision, Ruling, Verdict
from vetgate.policy.compare import RESAMPLED
from vetgate.policy.gathered import Part
from vetgate.policy.judge import judge, open_rules
from vetgate.policy.slices import holm
from vetgate.policy.waivers import tell_waivers, without_waivers
from vetgate.statistics import replicates_needed

TODAY = datetime.date(2027, 1, 1)
TOP1 = "{metric: accuracy.top1, of: delta, at_least: -1pp, confidence: 95%}"
RECALL = "{metric: accuracy.recall, of: delta, slice: each label, at_least: -5pp, confidence: 95%}"
P50 = "{metric: latency.p50, of: ratio, at_most: 1.10, confidence: 95%}"

Rules = Callable[[str], Policy]
Judge = Callable[..., Verdict]


def figure(
    metric: str, role: Of, value: float, unit: Unit, uncertainty: Uncertainty, n: int = 1, slice_name: str | None = None
) -> Measurement:
    return Measurement(
        metric=metric,
        role=role,
        value=value,
        unit=unit,
        better=Better.HIGHER,
        n=n,
        uncertainty=uncertainty,
        slice=of_label(slice_name) if slice_name else None,
    )


def flips(b: int, c: int, n: int, metric: str = "accuracy.top1", slice_name: str | None = None) -> Measurement:
    return figure(metric, Of.DELTA, (c - b) / n, Unit.FRACTION, PairedCounts(b=b, c=c, n=n), n, slice_name)


def speed(*ratios: float) -> Measurement:
    logs = tuple(math.log(ratio) for ratio in ratios)
    middle = sorted(ratios)[len(ratios) // 2]
    return figure("latency.p50", Of.RATIO, middle, Unit.RATIO, Pairs(log_ratios=logs), len(logs))


def measured(*figures: Measurement, check: str = "quality", findings: tuple[Finding, ...] = ()) -> Evidence:
    return Evidence(check=check, outcome=Outcome.MEASURED, measurements=figures, findings=findings)


def errored(check: str, reason: str = "the child crashed.") -> Evidence:
    return Evidence(check=check, outcome=Outcome.ERRORED, reason=reason)


@pytest.fixture
def judged(rule_policy: Rules, metrics: Mapping[str, MetricSpec]) -> Judge:
    """Judges evidence by rules in flow style; owners, checks that always run and policy keys may be given."""

    def _judged(
        rules: str,
        *evidence: Evidence,
        owners: Mapping[str, str] | None = None,
        always: tuple[str, ...] = (),
        unwalled: tuple[str, ...] = (),
        **keys: object,
    ) -> Verdict:
        policy = rule_policy(rules).model_copy(update=keys)
        return judge(policy, evidence, TODAY, metrics, owners=owners, always=always, unwalled=unwalled)

    return _judged


def first(verdict: Verdict) -> Ruling:
    return verdict.rulings[0]


def test_the_worked_example_passes_with_its_bounds_in_the_sentence(judged: Judge) -> None:
    ruling = first(judged(TOP1, measured(flips(60, 40, 10_000))))
    assert ruling.decision is Decision.PASS
    assert ruling.because == (
        "accuracy.top1 of candidate minus reference is -0.20 pp; at least -1 pp was asked "
        "(95 % bounds -0.37 to -0.04 pp, Tango score, 60 flips down, 40 up, n = 10,000, McNemar's exact p = 0.057)"
    )
    assert (ruling.observed, ruling.threshold, ruling.n, ruling.needed) == (-0.002, -0.01, 10_000, None)
    assert ruling.lower == pytest.approx(-0.00367, abs=5e-5)
    assert ruling.upper == pytest.approx(-0.00036, abs=5e-5)


def test_too_few_images_are_inconclusive_and_say_how_many_would_settle_it(judged: Judge) -> None:
    ruling = first(judged(TOP1, measured(flips(9, 7, 500))))
    assert ruling.decision is Decision.INCONCLUSIVE
    assert ruling.needed is not None
    assert ruling.needed > 500
    assert f"about {format_about(ruling.needed)} images would probably settle it" in ruling.because


def test_a_loss_over_the_margin_fails(judged: Judge) -> None:
    verdict = judged(TOP1, measured(flips(400, 100, 10_000)))
    assert verdict.decision is Decision.FAIL
    assert verdict.because == "1 of 2 rules fails: accuracy.top1/delta is -3.00 pp (at least -1 pp asked)"


def test_the_verdict_names_what_fails_and_counts_what_else_does_not_pass(judged: Judge) -> None:
    soft = RECALL.replace("}", ", otherwise: warn}")
    recall = flips(60, 0, 200, metric="accuracy.recall", slice_name="dog")
    verdict = judged(f"{TOP1}, {soft}, {P50}", measured(flips(400, 100, 10_000), recall))
    assert verdict.because == (
        "1 of 4 rules fails: accuracy.top1/delta is -3.00 pp (at least -1 pp asked); 1 more is not settled; "
        "1 more warns"
    )


def test_an_open_verdict_says_what_would_settle_it(judged: Judge) -> None:
    verdict = judged(TOP1, measured(flips(9, 7, 500)))
    needed = format_about(first(verdict).needed or 0)
    assert verdict.because == (
        f"1 of 2 rules is not settled: accuracy.top1/delta is -0.40 pp (at least -1 pp asked, needs about {needed} "
        "images)"
    )


def test_a_note_that_names_the_pairs_is_not_told_twice(judged: Judge) -> None:
    ratio = speed(*(1.2 + index / 1000 for index in range(40))).model_copy(
        update={"note": "40 pairs of blocks of 161 calls; the runs differ in precision (int8 against float32)"}
    )
    because = first(judged(P50, measured(ratio, check="latency"))).because
    assert because.count("40 pairs") == 1
    assert because.count("differ in precision") == 1


@pytest.mark.parametrize(
    ("k", "decision"), [(9_850, Decision.PASS), (9_750, Decision.INCONCLUSIVE), (9_600, Decision.FAIL)]
)
def test_a_share_is_bounded_by_its_counts(judged: Judge, k: int, decision: Decision) -> None:
    share = figure("similarity.agreement", Of.PAIR, k / 10_000, Unit.FRACTION, Counts(k=k, n=10_000), 10_000)
    ruling = first(judged("{metric: similarity.agreement, at_least: 97.5%, confidence: 95%}", measured(share)))
    assert ruling.decision is decision
    assert f"{k:,} of 10,000" in ruling.because


@pytest.mark.parametrize(
    ("ratio", "decision"), [(1.0, Decision.PASS), (1.2, Decision.FAIL), (1.1, Decision.INCONCLUSIVE)]
)
def test_a_latency_ratio_is_bounded_by_its_pairs(judged: Judge, ratio: float, decision: Decision) -> None:
    pairs = [ratio * (1 + 0.001 * step) for step in sorted(range(-10, 11), key=abs)]
    ruling = first(judged(P50, measured(speed(*pairs))))
    assert ruling.decision is decision
    assert "21 pairs" in ruling.because
    assert ruling.lower is not None
    assert ruling.lower < ratio


def test_too_few_pairs_have_no_bound_and_no_infinity_in_the_ruling(judged: Judge) -> None:
    ruling = first(judged(P50, measured(speed(1.0, 1.0, 1.0))))
    assert ruling.decision is Decision.INCONCLUSIVE
    assert (ruling.lower, ruling.upper) == (0.0, None)
    assert "unbounded" in ruling.because
    assert ruling.needed is not None
    assert ruling.needed >= 5


def test_an_exact_figure_compares_inclusively_also_with_a_confidence(judged: Judge) -> None:
    rule = "{metric: footprint.size_mb, of: ratio, at_most: 0.75, confidence: 95%}"
    for value, decision in ((0.75, Decision.PASS), (0.7500001, Decision.FAIL)):
        ruling = first(judged(rule, measured(figure("footprint.size_mb", Of.RATIO, value, Unit.RATIO, Exact()))))
        assert (ruling.decision, ruling.method, ruling.lower) == (decision, "exact", value)


def test_a_rule_without_a_confidence_compares_the_point_and_says_so(judged: Judge) -> None:
    rule = "{metric: accuracy.top1, of: delta, at_least: -1pp}"
    ruling = first(judged(rule, measured(flips(9, 7, 500))))
    assert (ruling.decision, ruling.method, ruling.lower) == (Decision.PASS, "point", None)
    assert "point estimate" in ruling.because
    # 0.90 - 0.91 is -0.010000000000000009 in floating point, and still a loss of one point.
    edge = figure("accuracy.top1", Of.DELTA, 0.90 - 0.91, Unit.FRACTION, Unstated(), 100)
    assert first(judged(rule, measured(edge))).decision is Decision.PASS


def test_a_confidence_on_an_unstated_uncertainty_is_inconclusive(judged: Judge) -> None:
    sure = figure("accuracy.top1", Of.DELTA, 0.3, Unit.FRACTION, Unstated(), 100)
    ruling = first(judged(TOP1, measured(sure)))
    assert ruling.decision is Decision.INCONCLUSIVE
    assert "uncertainty was not measured" in ruling.because


def test_quantiles_serve_only_the_levels_they_hold(judged: Judge) -> None:
    held = Quantiles(levels=(0.05, 0.5, 0.95), values=(-0.008, -0.004, 0.001))
    f1 = figure("accuracy.f1_macro", Of.DELTA, -0.004, Unit.FRACTION, held, 2_000)
    rule = "{{metric: accuracy.f1_macro, of: delta, at_least: {0}, confidence: {1}}}"
    assert first(judged(rule.format("-1pp", "95%"), measured(f1))).decision is Decision.PASS
    assert first(judged(rule.format("0.2pp", "95%"), measured(f1))).decision is Decision.FAIL
    open_ = first(judged(rule.format("-0.6pp", "95%"), measured(f1)))
    assert (open_.decision, open_.method) == (Decision.INCONCLUSIVE, "quantiles")
    assert open_.needed is not None
    assert open_.needed > 2_000
    lacking = first(judged(rule.format("-1pp", "99%"), measured(f1)))
    assert lacking.decision is Decision.INCONCLUSIVE
    assert "no bounds at 99 % confidence; run check again" in lacking.because


@pytest.mark.parametrize("method", ["BCa bootstrap", "percentile bootstrap", "images not seen", "MOVER of two runs"])
def test_a_level_that_resampling_does_not_reach_is_said_with_the_one_that_it_does(judged: Judge, method: str) -> None:
    held = Quantiles(levels=(0.005, 0.05, 0.95, 0.995), values=(-0.006, -0.005, 0.001, 0.002), method=method)
    f1 = figure("accuracy.f1_macro", Of.DELTA, -0.004, Unit.FRACTION, held, 2_000)
    rule = "{{metric: accuracy.f1_macro, of: delta, at_least: -1pp, confidence: {0}}}"
    ruling = first(judged(rule.format("99.95%"), measured(f1)))
    assert ruling.decision is Decision.INCONCLUSIVE
    assert "no bounds at 99.95 % confidence; resampling reaches 99.9 % at most, so lower the rule's" in ruling.because
    assert "run check again" in first(judged(rule.format("99.9%"), measured(f1))).because


def test_the_highest_level_of_resampling_is_what_its_replicates_reach() -> None:
    assert replicates_needed(1.0 - RESAMPLED) == Ask().replicates


def test_too_few_calls_for_any_bound_are_said(judged: Judge) -> None:
    held = Quantiles(levels=(0.5,), values=(0.004,), method="order statistics")
    slow = figure("latency.p99", Of.CANDIDATE, 0.004, Unit.SECONDS, held, 3)
    ruling = first(judged("{metric: latency.p99, of: candidate, at_most: 5ms, confidence: 95%}", measured(slow)))
    assert ruling.decision is Decision.INCONCLUSIVE
    assert "too few measurements for any; a larger --timing-budget takes more" in ruling.because


def test_no_number_of_images_is_named_for_what_rests_on_calls(judged: Judge) -> None:
    held = Quantiles(levels=(0.05, 0.5, 0.95), values=(0.003, 0.004, 0.006), method="order statistics")
    slow = figure("latency.p99", Of.CANDIDATE, 0.004, Unit.SECONDS, held, 900)
    verdict = judged("{metric: latency.p99, of: candidate, at_most: 5ms, confidence: 95%}", measured(slow))
    ruling = first(verdict)
    assert (ruling.decision, ruling.needed) == (Decision.INCONCLUSIVE, None)
    assert "images" not in ruling.because + verdict.because


@pytest.mark.parametrize(
    ("levels", "values", "why"),
    [
        ((0.05, 0.95), (0.2, 0.1), "a lower bound of 0.2 over an upper one of 0.1"),
        ((0.95, 0.05), (0.1, 0.2), "a lower bound of 0.2 over an upper one of 0.1"),
        ((0.05, 0.95), (0.2,), "1 values at 2 levels"),
    ],
)
def test_quantiles_that_contradict_themselves_bound_nothing(
    judged: Judge, levels: tuple[float, ...], values: tuple[float, ...], why: str
) -> None:
    f1 = figure("accuracy.f1_macro", Of.DELTA, 0.15, Unit.FRACTION, Quantiles(levels=levels, values=values), 9)
    rule = "{metric: accuracy.f1_macro, of: delta, at_least: -1pp, confidence: 95%}"
    ruling = first(judged(rule, measured(f1)))
    assert ruling.decision is Decision.INCONCLUSIVE
    assert why in ruling.because


def test_bounds_too_far_apart_for_any_number_name_none(judged: Judge) -> None:
    held = Quantiles(levels=(0.05, 0.95), values=(-1e300, 1e300))
    f1 = figure("accuracy.f1_macro", Of.DELTA, 0.15, Unit.FRACTION, held, 9)
    ruling = first(judged("{metric: accuracy.f1_macro, of: delta, at_least: -1pp, confidence: 95%}", measured(f1)))
    assert (ruling.decision, ruling.needed) == (Decision.INCONCLUSIVE, None)


def test_no_pairs_at_all_are_inconclusive_without_a_traceback(judged: Judge) -> None:
    nothing = figure("latency.p50", Of.RATIO, 1.0, Unit.RATIO, Pairs(log_ratios=()), 1)
    ruling = first(judged(P50, measured(nothing)))
    assert ruling.decision is Decision.INCONCLUSIVE
    assert "gives no pairs" in ruling.because


@pytest.mark.parametrize("turned", [False, True])
def test_looks_that_prove_both_sides_of_a_limit_fail(judged: Judge, turned: bool) -> None:
    early, late = ((60, 0, 300), (60, 3_000, 100_000))
    if turned:
        early, late = ((0, 60, 300), (3_000, 60, 100_000))
    both = Looks(down=(early[0], late[0]), up=(early[1], late[1]), n=(early[2], late[2]))
    value = (late[1] - late[0]) / late[2]
    ruling = first(judged(TOP1, measured(figure("accuracy.top1", Of.DELTA, value, Unit.FRACTION, both, late[2]))))
    assert ruling.decision is Decision.FAIL
    assert ruling.upper is not None
    assert ruling.lower is not None
    assert ruling.upper < -0.01 < ruling.lower


def test_pairs_that_prove_both_sides_of_a_limit_fail(judged: Judge) -> None:
    ruling = first(judged(P50, measured(speed(*[1.5] * 20, *[0.9] * 200))))
    assert ruling.decision is Decision.FAIL
    assert first(judged(P50, measured(speed(*[0.9] * 20, *[1.5] * 200)))).decision is Decision.FAIL


def looks(b: int, c: int, n: int, metric: str = "accuracy.top1", slice_name: str | None = None) -> Measurement:
    counts = Looks(down=(0, b), up=(0, c), n=(1, n))
    return figure(metric, Of.DELTA, (c - b) / n, Unit.FRACTION, counts, n, slice_name)


@pytest.mark.parametrize(
    ("b", "c", "n", "decision"),
    [(0, 0, 500, Decision.PASS), (0, 0, 200, Decision.INCONCLUSIVE), (60, 5, 400, Decision.FAIL)],
)
def test_looks_are_judged_by_betting_with_bounds_that_agree(
    judged: Judge, b: int, c: int, n: int, decision: Decision
) -> None:
    ruling = first(judged(TOP1, measured(looks(b, c, n))))
    assert (ruling.decision, ruling.method) == (decision, "betting")
    assert ruling.lower is not None
    assert ruling.upper is not None
    assert (ruling.lower > -0.01, ruling.upper < -0.01) == (decision is Decision.PASS, decision is Decision.FAIL)
    assert f"{b} flips down, {c} up, n = {n} after 2 looks" in ruling.because


def test_looks_are_never_judged_as_if_their_number_had_been_fixed(judged: Judge) -> None:
    # 7 losses in 2,000 pass `at_least -0.7pp` when that number was fixed; having looked on the way costs certainty.
    rule = TOP1.replace("-1pp", "-0.7pp")
    assert first(judged(rule, measured(flips(7, 0, 2_000)))).decision is Decision.PASS
    looked = Looks(down=(7,), up=(0,), n=(2_000,))
    once = figure("accuracy.top1", Of.DELTA, -0.0035, Unit.FRACTION, looked, 2_000)
    ruling = first(judged(rule, measured(once)))
    assert ruling.decision is Decision.INCONCLUSIVE
    assert ruling.needed is not None
    assert ruling.needed > 2_000


def test_an_open_rule_says_how_many_images_a_bettor_would_need(judged: Judge) -> None:
    few, more = (first(judged(TOP1, measured(looks(b, b, 500)))).needed for b in (3, 10))
    assert few is not None
    assert more is not None
    assert 500 < few < more
    at_the_limit = first(judged(TOP1, measured(looks(15, 10, 500))))
    assert (at_the_limit.decision, at_the_limit.needed) == (Decision.INCONCLUSIVE, None)
    counts = Looks(up=(0, 490), n=(1, 500))
    share = figure("similarity.agreement", Of.PAIR, 0.98, Unit.FRACTION, counts, 500)
    ruling = first(judged("{metric: similarity.agreement, at_least: 97.5%, confidence: 95%}", measured(share)))
    assert ruling.needed is not None
    assert ruling.needed > 500


@pytest.mark.parametrize(("late", "decision"), [(12, Decision.PASS), (20, Decision.FAIL)])
def test_what_an_earlier_look_passed_stays_passed_until_later_ones_prove_the_opposite(
    judged: Judge, late: int, decision: Decision
) -> None:
    passed_once = Looks(down=(0, late), up=(0, 0), n=(500, 1_000))
    lost = figure("accuracy.top1", Of.DELTA, -late / 1_000, Unit.FRACTION, passed_once, 1_000)
    assert first(judged(TOP1, measured(lost))).decision is decision


def test_what_an_earlier_look_failed_stays_failed(judged: Judge) -> None:
    failed_once = Looks(down=(60, 60), up=(0, 60), n=(300, 1_000))
    ruling = first(judged(TOP1, measured(figure("accuracy.top1", Of.DELTA, 0.0, Unit.FRACTION, failed_once, 1_000))))
    assert ruling.decision is Decision.FAIL


def test_looks_at_a_share_are_judged_by_their_counts(judged: Judge) -> None:
    rule = "{metric: similarity.agreement, at_least: 97.5%, confidence: 95%}"
    for k, decision in ((400, Decision.PASS), (392, Decision.INCONCLUSIVE), (360, Decision.FAIL)):
        counts = Looks(up=(1, k), n=(1, 400))
        share = figure("similarity.agreement", Of.PAIR, k / 400, Unit.FRACTION, counts, 400)
        ruling = first(judged(rule, measured(share)))
        assert ruling.decision is decision
        assert f"{k} of 400 after 2 looks" in ruling.because


def test_looks_that_contradict_their_figure_are_inconclusive(judged: Judge) -> None:
    wrong = looks(0, 0, 400).model_copy(update={"value": 0.01})
    assert "its counts make 0" in first(judged(TOP1, measured(wrong))).because


def test_pairs_that_were_looked_at_need_more_of_one_sign_than_a_fixed_number_would(judged: Judge) -> None:
    # Of 20 pairs 15 under the limit are enough for the sign test at 95 % (p = 0.021), not for a bettor.
    fifteen = [ratio + 0.001 * step for step in range(5) for ratio in (1.2, 1.0, 1.01, 1.02)]
    ruling = first(judged(P50, measured(speed(*fifteen))))
    assert (ruling.decision, ruling.method) == (Decision.INCONCLUSIVE, "betting on signs")
    assert ruling.needed is not None
    assert "pairs would probably settle it" in ruling.because


def test_a_range_passes_inside_and_fails_on_either_side(judged: Judge) -> None:
    rule = "{metric: footprint.params, of: ratio, at_least: 0.4, at_most: 0.6}"

    def ruling(value: float) -> Ruling:
        return first(judged(rule, measured(figure("footprint.params", Of.RATIO, value, Unit.RATIO, Exact()))))

    assert ruling(0.5).decision is Decision.PASS
    assert (ruling(0.3).decision, ruling(0.3).threshold) == (Decision.FAIL, 0.4)
    assert (ruling(0.7).decision, ruling(0.7).threshold) == (Decision.FAIL, 0.6)
    assert "at least 0.4 × and at most 0.6 × were asked" in ruling(0.7).because


RAINY = "{metric: accuracy.top1, of: delta, slice: weather=rain, at_least: -5pp, confidence: 95%}"


def by_weather(**counts: tuple[int, int, int]) -> Evidence:
    figures = [
        flips(*count).model_copy(update={"slice": Slice(by="weather", value=value)}) for value, count in counts.items()
    ]
    return measured(*figures)


def test_a_rule_on_a_value_of_a_column_reads_that_slice_alone(judged: Judge) -> None:
    ruling = first(judged(RAINY, by_weather(rain=(0, 0, 200), sun=(60, 0, 200))))
    assert (ruling.decision, ruling.slice) == (Decision.PASS, Slice(by="weather", value="rain"))
    assert "for weather 'rain'" in ruling.because


def test_a_slice_that_does_not_exist_is_inconclusive_and_the_values_there_are_are_named(judged: Judge) -> None:
    evidence = by_weather(fog=(0, 0, 200), sun=(0, 0, 200))
    ruling = first(judged(RAINY, evidence, owners=OWNERS))
    assert ruling.decision is Decision.INCONCLUSIVE
    assert ruling.because.endswith("there is no weather rain; weather has 'fog', 'sun'")


def test_a_slice_with_fewer_images_than_the_rule_wants_is_told_with_its_count(judged: Judge) -> None:
    wanted = RAINY.replace("}", ", fewest: 300}")
    ruling = first(judged(wanted, by_weather(rain=(0, 0, 200))))
    assert ruling.decision is Decision.INCONCLUSIVE
    assert ruling.because.endswith("is not assessed: it has 200 images, and 300 are the fewest")
    every = wanted.replace("weather=rain", "each weather")
    some = first(judged(every, by_weather(rain=(60, 0, 200), sun=(0, 0, 400))))
    assert some.decision is Decision.PASS
    assert some.because.endswith("not assessed for want of images (under 300 images): 'rain'")
    none = first(judged(every, by_weather(rain=(0, 0, 200), sun=(0, 0, 210))))
    assert none.decision is Decision.INCONCLUSIVE
    assert none.because.endswith("could not be assessed: none has 300 images, at most 210")


def test_a_slice_that_is_large_enough_but_has_no_bounds_keeps_the_rule_from_passing(judged: Judge) -> None:
    unstated = figure("accuracy.recall", Of.DELTA, 0.0, Unit.FRACTION, Unstated(), 50, "dog")
    ruling = first(judged(RECALL, measured(*classes(cat=(0, 0, 200)).measurements, unstated)))
    assert ruling.decision is Decision.INCONCLUSIVE
    assert "uncertainty was not measured" in ruling.because


def test_timed_calls_of_one_batch_size_are_never_too_few_to_count(judged: Judge) -> None:
    slow = speed(*[1.5] * 8).model_copy(update={"slice": Slice(by="batch", value="1")})
    fast = speed(*[0.9] * 40).model_copy(update={"slice": Slice(by="batch", value="8")})
    each = P50.replace("at_most", "slice: each batch, at_most")
    assert first(judged(each, measured(slow, fast, check="latency"))).decision is Decision.FAIL


def test_a_figure_over_slices_is_one_figure_with_its_column(judged: Judge) -> None:
    held = Quantiles(levels=(0.05, 0.95), values=(0.62, 0.71))
    worst = figure("accuracy.worst_slice", Of.CANDIDATE, 0.66, Unit.FRACTION, held, 2_000)
    evidence = measured(worst.model_copy(update={"slice": Slice(by="weather")}))
    rule = "{metric: accuracy.worst_slice, slice: each weather, at_least: 60%, confidence: 95%}"
    ruling = first(judged(rule, evidence))
    assert (ruling.decision, ruling.slice) == (Decision.PASS, Slice(by="weather"))
    other = rule.replace("weather", "label")
    assert first(judged(other, evidence)).decision is Decision.INCONCLUSIVE


@pytest.mark.parametrize(("kind", "doubtful"), [("looks", 22), ("quantiles", 26)])
def test_each_fails_after_correction_whatever_bounds_its_slices_have(judged: Judge, kind: str, doubtful: int) -> None:
    def of_class(name: str, loss: int) -> Measurement:
        if kind == "looks":
            return looks(loss, 0, 200, "accuracy.recall", name)
        held = Quantiles(
            levels=(0.001, 0.05, 0.95, 0.999), values=tuple(-loss / 200 + at for at in (-0.1, -0.04, 0.02, 0.1))
        )
        return figure("accuracy.recall", Of.DELTA, -loss / 200, Unit.FRACTION, held, 200, name)

    good = [of_class(f"class{index}", 0) for index in range(30)]
    for loss, alone, among in ((80, Decision.FAIL, Decision.FAIL), (doubtful, Decision.FAIL, Decision.INCONCLUSIVE)):
        assert first(judged(RECALL, measured(of_class("dog", loss)))).decision is alone
        assert first(judged(RECALL, measured(of_class("dog", loss), *good))).decision is among
    assert first(judged(RECALL, measured(*good))).decision is Decision.PASS


VERSUS = "{metric: accuracy.top1, versus: baseline, at_least: -1pp, confidence: 95%}"


def beside_baseline(figure: Measurement) -> Measurement:
    return figure.model_copy(update={"versus": Versus.BASELINE})


def test_a_rule_beside_the_baseline_reads_no_figure_beside_the_reference(judged: Judge) -> None:
    now = measured(flips(900, 0, 9_000))
    ruling = first(judged(VERSUS, now, measured(beside_baseline(flips(0, 0, 9_000)), check="baseline")))
    assert (ruling.decision, ruling.versus) == (Decision.PASS, Versus.BASELINE)
    assert ruling.because.startswith("accuracy.top1 of candidate minus baseline is 0.00 pp")
    assert first(judged(TOP1, measured(beside_baseline(flips(0, 0, 9_000))))).decision is Decision.INCONCLUSIVE


def test_without_a_baseline_the_option_that_names_one_is_told(judged: Judge) -> None:
    ruling = first(judged(VERSUS, measured(flips(0, 0, 9_000)), owners=OWNERS))
    assert ruling.decision is Decision.INCONCLUSIVE
    assert ruling.because.endswith("is not known: no baseline was given; --baseline REPORT.json")


def test_why_a_baseline_does_not_serve_is_told_by_the_rule_and_makes_no_ruling_of_its_own(judged: Judge) -> None:
    reason = "the baseline was taken on other images."
    broken = Evidence(check="baseline", outcome=Outcome.SKIPPED, reason=reason)
    verdict = judged(VERSUS, measured(flips(0, 0, 9_000)), broken, owners=OWNERS)
    assert first(verdict).because.endswith("is not known: the baseline was taken on other images")
    assert [ruling.rule for ruling in verdict.rulings] == ["accuracy.top1/baseline", "findings"]
    partly = measured(check="baseline").model_copy(update={"reason": "accuracy.top1: it has no answers by image."})
    assert "it has no answers by image" in first(judged(VERSUS, measured(), partly, owners=OWNERS)).because


def ran(candidate: Mapping[str, object], reference: Mapping[str, object]) -> Evidence:
    usual = {"runtime": "onnxruntime", "version": "1", "provider": "CPU", "threads": 2, "precision": "float32"}
    told = Ran(
        candidate=Execution.model_validate(usual | dict(candidate)),
        reference=Execution.model_validate(usual | dict(reference)),
    )
    return measured(speed(*[1.0] * 40), check="latency").model_copy(update={"ran": told})


SAME = P50.replace("}", ", same_runtime: required}")
OURS = P50.replace("}", ", requires: {runtime: OnnxRuntime, threads: 2, precision: int8}}")


@pytest.mark.parametrize(
    ("trait", "value", "told"),
    [("runtime", "torch", "in torch"), ("provider", "CUDA", "on CUDA"), ("threads", 4, "with 4 threads")],
)
def test_models_that_ran_otherwise_are_inconclusive_where_one_runtime_is_required(
    judged: Judge, trait: str, value: object, told: str
) -> None:
    assert first(judged(SAME, ran({}, {}), owners=OWNERS)).decision is Decision.PASS
    ruling = first(judged(SAME, ran({}, {trait: value}), owners=OWNERS))
    assert ruling.decision is Decision.INCONCLUSIVE
    assert f"the reference {told}" in ruling.because
    assert "--latency-reference FILE" in ruling.because
    assert first(judged(P50, ran({}, {trait: value}), owners=OWNERS)).decision is Decision.PASS


def test_lower_precision_is_what_compression_is_for_and_no_other_runtime(judged: Judge) -> None:
    assert first(judged(SAME, ran({"precision": "int8"}, {}), owners=OWNERS)).decision is Decision.PASS


def test_what_the_candidate_must_have_run_on_is_required_and_what_ran_is_named(judged: Judge) -> None:
    assert first(judged(OURS, ran({"precision": "int8"}, {}), owners=OWNERS)).decision is Decision.PASS
    ruling = first(judged(OURS, ran({"threads": 8}, {}), owners=OWNERS))
    assert ruling.decision is Decision.INCONCLUSIVE
    assert "requires the candidate with 2 threads in int8, and it ran with 8 threads in float32" in ruling.because


@pytest.mark.parametrize("rule", [SAME, OURS])
def test_what_ran_must_be_known_where_it_is_required(judged: Judge, rule: str) -> None:
    for owners in (OWNERS, {}):
        ruling = first(judged(rule, measured(speed(*[1.0] * 40), check="latency"), owners=owners))
        assert ruling.decision is Decision.INCONCLUSIVE
        assert "what ran for it is not known" in ruling.because


OWNERS = {"accuracy.top1": "quality", "latency.p50": "latency", "opscore.inference": "opscore"}


def test_a_check_that_crashed_is_named_where_its_figure_is_missing(judged: Judge) -> None:
    verdict = judged(f"{TOP1}, {P50}", measured(flips(0, 0, 9_000)), errored("latency"), owners=OWNERS)
    assert [ruling.decision for ruling in verdict.rulings] == [Decision.PASS, Decision.INCONCLUSIVE, Decision.PASS]
    assert "is not known: check latency errored: the child crashed" in verdict.because


def test_a_check_that_ran_but_gave_nothing_is_not_a_pass(judged: Judge) -> None:
    verdict = judged(TOP1, measured(), owners=OWNERS)
    assert verdict.decision is Decision.INCONCLUSIVE
    assert "check quality ran, but did not give it" in verdict.because


def test_a_figure_that_no_installed_check_declares_is_said_to_be_so(rule_policy: Rules) -> None:
    verdict = judge(rule_policy(TOP1), [measured()], TODAY, {})
    assert "no installed check declares accuracy.top1" in verdict.because


def test_figures_of_a_check_that_errored_do_not_count(judged: Judge) -> None:
    broken = errored("quality").model_copy(update={"measurements": (flips(0, 0, 9_000),)})
    assert first(judged(TOP1, broken)).decision is Decision.INCONCLUSIVE


@pytest.mark.parametrize("decision", ["inconclusive", "fail", "warn"])
def test_if_missing_decides_what_an_unmeasured_rule_is(judged: Judge, decision: str) -> None:
    rule = f"{{metric: accuracy.top1, of: delta, at_least: -1pp, if_missing: {decision}}}"
    ruling = first(judged(rule, measured()))
    assert ruling.decision == decision
    assert "no check measured it" in ruling.because


def test_another_unit_or_counts_that_contradict_the_figure_are_inconclusive(judged: Judge) -> None:
    wrong_unit = figure("latency.p50", Of.RATIO, 0.9, Unit.SECONDS, Exact())
    assert "measured in s, but the rule is in ratio" in first(judged(P50, measured(wrong_unit))).because
    swapped = flips(400, 100, 10_000).model_copy(update={"value": 0.03})
    ruling = first(judged(TOP1, measured(swapped)))
    assert ruling.decision is Decision.INCONCLUSIVE
    assert "its counts make -0.03" in ruling.because


def test_two_checks_that_disagree_about_one_figure_are_inconclusive(judged: Judge) -> None:
    good, bad = flips(0, 0, 9_000), flips(900, 0, 9_000)
    assert first(judged(TOP1, measured(good), measured(good, check="again"))).decision is Decision.PASS
    ruling = first(judged(TOP1, measured(good), measured(bad, check="again")))
    assert ruling.decision is Decision.INCONCLUSIVE
    assert "measured twice" in ruling.because


def test_otherwise_warn_caps_failing_open_and_missing_rules(judged: Judge) -> None:
    soft = TOP1.replace("}", ", otherwise: warn}")
    for evidence, said in (
        (measured(flips(900, 0, 9_000)), "not met, but this rule only warns"),
        (measured(flips(9, 7, 500)), "not settled, but this rule only warns"),
        (measured(), "not settled, but this rule only warns"),
    ):
        verdict = judged(soft, evidence)
        assert verdict.decision is Decision.WARN
        assert said in first(verdict).because


def waiver(expires: datetime.date) -> Waiver:
    return Waiver(rule="accuracy.top1/delta", reason="new data in March", owner="edge-team", expires=expires)


def test_a_waiver_holds_through_its_last_day_and_keeps_the_true_decision(judged: Judge) -> None:
    verdict = judged(TOP1, measured(flips(900, 0, 9_000)), waivers=(waiver(TODAY),))
    assert verdict.decision is Decision.WARN
    assert first(verdict).waived is Decision.FAIL
    assert "waived by edge-team until 2027-01-01: new data in March" in first(verdict).because


def test_an_expired_waiver_changes_nothing_and_is_told(judged: Judge) -> None:
    verdict = judged(TOP1, measured(flips(900, 0, 9_000)), waivers=(waiver(TODAY - datetime.timedelta(1)),))
    assert verdict.decision is Decision.FAIL
    assert first(verdict).waived is None
    assert first(verdict).because.endswith("the waiver of edge-team expired on 2026-12-31")


def test_a_waiver_of_a_rule_that_passes_leaves_no_mark(judged: Judge) -> None:
    verdict = judged(TOP1, measured(flips(0, 0, 9_000)), waivers=(waiver(TODAY),))
    assert verdict.decision is Decision.PASS
    assert first(verdict).waived is None


def test_expired_and_unused_waivers_are_findings_beside_the_verdict(judged: Judge) -> None:
    late = waiver(TODAY - datetime.timedelta(1))
    failed, passed = measured(flips(900, 0, 9_000)), measured(flips(0, 0, 9_000))
    for evidence, each, rule, severity in (
        (failed, late, "waiver.expired", Severity.MEDIUM),
        (passed, late, "waiver.expired", Severity.MEDIUM),
        (passed, waiver(TODAY), "waiver.unused", Severity.LOW),
    ):
        verdict = judged(TOP1, evidence, waivers=(each,))
        policy = Policy(name="p", rules=(), waivers=(each,), halt_at=Severity.LOW, sha256="")
        (told,) = tell_waivers(policy, verdict, TODAY)
        (finding,) = told.findings
        assert (finding.rule, finding.severity, finding.location) == (rule, severity, "accuracy.top1/delta")
        assert without_waivers((evidence, told)) == (evidence,)
    used = Policy(name="p", rules=(), waivers=(waiver(TODAY),), sha256="")
    assert tell_waivers(used, judged(TOP1, failed, waivers=used.waivers), TODAY) == ()


def classes(**counts: tuple[int, int, int]) -> Evidence:
    figures = [flips(*count, metric="accuracy.recall", slice_name=name) for name, count in counts.items()]
    return measured(*figures)


def test_each_label_passes_when_every_class_does(judged: Judge) -> None:
    ruling = first(judged(RECALL, classes(cat=(0, 0, 200), dog=(1, 0, 200))))
    assert (ruling.decision, ruling.slice) == (Decision.PASS, of_label("dog"))
    assert ruling.because.startswith(
        "all 2 classes hold; at worst, accuracy.recall of candidate minus reference for class 'dog'"
    )


def test_each_label_fails_when_one_class_fails_after_correction(judged: Judge) -> None:
    ruling = first(judged(RECALL, classes(cat=(0, 0, 200), dog=(60, 0, 200))))
    assert (ruling.decision, ruling.slice) == (Decision.FAIL, of_label("dog"))
    assert ruling.because.startswith("1 of 2 classes fails after Holm's correction: accuracy.recall of")


def test_a_class_that_fails_alone_but_not_among_many_is_inconclusive(judged: Judge) -> None:
    alone = first(judged(RECALL, classes(dog=(17, 0, 200))))
    assert alone.decision is Decision.FAIL
    many = {f"class{index}": (0, 0, 200) for index in range(30)}
    among = first(judged(RECALL, classes(dog=(17, 0, 200), **many)))
    assert among.decision is Decision.INCONCLUSIVE
    assert among.because.startswith("1 of 31 classes is undecided: accuracy.recall of")


def sized(evidence: Evidence, by: str = "label", **images: int) -> Evidence:
    sizes = tuple(SliceSize(slice=Slice(by=by, value=value), n=n) for value, n in images.items())
    return evidence.model_copy(update={"sizes": sizes})


def test_a_class_whose_figure_is_undefined_keeps_the_others_from_passing_and_is_named_with_the_reason(
    judged: Judge,
) -> None:
    why = Finding(
        rule="quality.undefined", severity=Severity.INFO, message="accuracy.recall has no value: nothing to divide by"
    )
    known = classes(cat=(0, 0, 200), dog=(0, 0, 200)).model_copy(update={"findings": (why,)})
    ruling = first(judged(RECALL, sized(known, cat=200, dog=200, owl=50), owners={"accuracy.recall": "quality"}))
    assert ruling.decision is Decision.INCONCLUSIVE
    assert ruling.because == (
        "accuracy.recall of candidate minus reference for each label is not known for 'owl': accuracy.recall has no "
        "value: nothing to divide by; all others hold"
    )
    assert (ruling.observed, ruling.slice) == (None, None)


def test_an_undefined_class_with_fewer_images_than_the_rule_wants_is_no_matter(judged: Judge) -> None:
    evidence = sized(classes(cat=(0, 0, 200)), cat=200, owl=9)
    assert first(judged(RECALL, evidence)).decision is Decision.PASS
    wanted = RECALL.replace("}", ", fewest: 5}")
    assert first(judged(wanted, evidence)).decision is Decision.INCONCLUSIVE


@pytest.mark.parametrize("decision", ["warn", "inconclusive", "fail"])
def test_if_missing_decides_what_an_undefined_class_is(judged: Judge, decision: str) -> None:
    rule = RECALL.replace("}", f", if_missing: {decision}}}")
    ruling = first(judged(rule, sized(classes(cat=(0, 0, 200)), cat=200, owl=50)))
    assert ruling.decision is Decision(decision)
    assert "not known for 'owl': no figure was given for them, nor a reason" in ruling.because


def test_an_undefined_class_does_not_hide_one_that_fails(judged: Judge) -> None:
    ruling = first(judged(RECALL, sized(classes(cat=(0, 0, 200), dog=(60, 0, 200)), cat=200, dog=200, owl=50)))
    assert (ruling.decision, ruling.slice) == (Decision.FAIL, of_label("dog"))
    assert ruling.because.endswith("; not known for 'owl': no figure was given for them, nor a reason")


def test_a_batch_that_one_figure_was_taken_at_and_another_was_not_is_unknown(judged: Judge) -> None:
    p50 = figure("latency.p50", Of.RATIO, 0.5, Unit.RATIO, Exact(), 40)
    p99 = figure("latency.p99", Of.RATIO, 0.5, Unit.RATIO, Exact(), 40)
    at = {size: Slice(by="batch", value=size) for size in ("1", "8")}
    both = [p50.model_copy(update={"slice": where}) for where in at.values()]
    taken = measured(*both, p99.model_copy(update={"slice": at["8"]}), check="latency")
    rule = "{metric: latency.p50, of: ratio, slice: each batch, at_most: 1.1}"
    owners = {"latency.p50": "latency", "latency.p99": "latency"}
    assert first(judged(rule, taken, owners=owners)).decision is Decision.PASS
    lacking = measured(*both[1:], p99.model_copy(update={"slice": at["1"]}), check="latency")
    ruling = first(judged(rule, lacking, owners=owners))
    assert ruling.decision is Decision.INCONCLUSIVE
    assert "is not known for '1'" in ruling.because


def test_classes_that_are_not_assessed_are_listed_and_a_rule_that_names_one_is_inconclusive(judged: Judge) -> None:
    rare = figure("accuracy.recall", Of.DELTA, -1.0, Unit.FRACTION, Unstated(), 2, "axolotl")
    evidence = classes(cat=(0, 0, 200))
    evidence = evidence.model_copy(update={"measurements": (*evidence.measurements, rare)})
    ruling = first(judged(RECALL, evidence))
    assert ruling.decision is Decision.PASS
    assert ruling.because.endswith("not assessed for want of images (under 10 images): 'axolotl'")
    named = first(judged(RECALL.replace("each label", "axolotl"), evidence))
    assert named.decision is Decision.INCONCLUSIVE
    assert first(judged(RECALL, measured(rare))).decision is Decision.INCONCLUSIVE


def test_a_rule_on_all_images_does_not_read_a_class_and_the_reverse(judged: Judge) -> None:
    assert first(judged(RECALL, measured(flips(0, 0, 200, "accuracy.recall")))).decision is Decision.INCONCLUSIVE
    whole = "{metric: accuracy.recall, of: delta, at_least: -5pp}"
    assert first(judged(whole, classes(cat=(0, 0, 200)))).decision is Decision.INCONCLUSIVE


def test_holm_rejects_what_the_step_down_procedure_rejects() -> None:
    ps = {"a": 0.01, "b": 0.02, "c": 0.03, "d": 0.2}

    def rejects(name: str, level: float) -> bool:
        return ps[name] <= level

    assert holm(list(ps), rejects, 0.05) == ("a",)
    ps["b"] = 0.016
    assert holm(list(ps), rejects, 0.05) == ("a", "b")
    ps["c"] = 0.025
    assert holm(list(ps), rejects, 0.05) == ("a", "b", "c")
    assert holm([], rejects, 0.05) == ()


def finding(severity: Severity, message: str = "class 3 has no row.") -> Finding:
    return Finding(rule="contract.classes", severity=severity, message=message, location="candidate.onnx")


def test_a_finding_at_the_limit_fails_and_one_below_is_counted(judged: Judge) -> None:
    good = measured(flips(0, 0, 9_000))
    below = judged(TOP1, good, measured(check="contract", findings=(finding(Severity.MEDIUM),)))
    assert below.decision is Decision.PASS
    assert below.rulings[-1].because == "no finding at or over high; 1 below"
    grave = judged(TOP1, good, measured(check="contract", findings=(finding(Severity.HIGH),)))
    assert grave.decision is Decision.FAIL
    assert grave.because == "1 of 2 rules fails: findings: high: class 3 has no row (candidate.onnx)"
    strict = judged(TOP1, good, measured(findings=(finding(Severity.LOW),), check="c"), halt_at=Severity.LOW)
    assert strict.decision is Decision.FAIL


def test_a_finding_of_a_check_that_then_crashed_still_counts(judged: Judge) -> None:
    broken = errored("scan").model_copy(update={"findings": (finding(Severity.CRITICAL),)})
    assert judged(TOP1, measured(flips(0, 0, 9_000)), broken).decision is Decision.FAIL


def test_a_failed_check_that_no_rule_speaks_for_is_inconclusive(judged: Judge) -> None:
    good = measured(flips(0, 0, 9_000))
    skipped = Evidence(check="contract", outcome=Outcome.SKIPPED, reason="no card")
    for broken in (errored("contract"), skipped):
        verdict = judged(TOP1, good, broken, owners=OWNERS)
        assert verdict.decision is Decision.INCONCLUSIVE
        assert verdict.rulings[-1].rule == "contract"
    assert judged(TOP1, good, errored("unheard-of")).decision is Decision.INCONCLUSIVE


def test_a_check_that_always_runs_must_have_measured_also_where_it_owns_a_figure(judged: Judge) -> None:
    good, always = measured(flips(0, 0, 9_000)), ("latency",)
    assert judged(TOP1, good, measured(check="latency"), owners=OWNERS, always=always).decision is Decision.PASS
    assert judged(TOP1, good, errored("latency"), owners=OWNERS, always=always).decision is Decision.INCONCLUSIVE
    absent = judged(TOP1, good, owners=OWNERS, always=always)
    assert absent.because == "check latency skipped: it did not run"


def test_a_dependency_that_failed_leaves_it_to_the_rule_that_needed_it(judged: Judge) -> None:
    rule = "{metric: opscore.inference, of: delta, at_most: 0, otherwise: warn}"
    items = (errored("latency"), errored("opscore", "needs latency"), measured(check="contract"))
    assert judged(rule, *items, owners=OWNERS).decision is Decision.WARN


def test_a_ruling_carries_what_a_reporter_prints(judged: Judge) -> None:
    ruling = first(judged(P50, measured(speed(1.0, 1.0, 1.0))))
    assert (ruling.metric, ruling.of, ruling.unit) == ("latency.p50", Of.RATIO, Unit.RATIO)
    assert (ruling.side, ruling.threshold, ruling.confidence) == ("at_most", 1.1, 0.95)


def test_a_bound_just_beyond_the_limit_reads_unlike_it(judged: Judge) -> None:
    quantiles = Quantiles(levels=(0.05, 0.95), values=(-0.01004, 0.001))
    f1 = figure("accuracy.f1_macro", Of.DELTA, -0.004, Unit.FRACTION, quantiles, 2_000)
    rule = "{metric: accuracy.f1_macro, of: delta, at_least: -1pp, confidence: 95%}"
    assert "95 % bounds -1.004 to +0.10 pp" in first(judged(rule, measured(f1))).because


def test_a_waiver_of_a_ruling_that_only_warns_says_that_it_lifts_nothing(judged: Judge) -> None:
    soft = TOP1.replace("}", ", otherwise: warn}")
    ruling = first(judged(soft, measured(flips(900, 0, 9_000)), waivers=(waiver(TODAY),)))
    assert (ruling.decision, ruling.waived) == (Decision.WARN, None)
    assert ruling.because.endswith(
        "the waiver of edge-team until 2027-01-01 lifts nothing, for this is a warning already"
    )


def test_open_rules_see_through_what_softens_a_ruling(
    judged: Judge, rule_policy: Rules, metrics: Mapping[str, MetricSpec]
) -> None:
    def still_open(rules: str, *evidence: Evidence, cats: int = 500, dogs: int = 500) -> tuple[str, ...]:
        images = {"label": {"cat": cats, "dog": dogs}}
        return open_rules(rule_policy(rules), evidence, metrics, OWNERS, Part(images))

    soft = TOP1.replace("}", ", otherwise: warn, if_missing: fail}")
    assert still_open(soft, measured(looks(0, 0, 100))) == ("accuracy.top1/delta",)
    assert still_open(soft, measured()) == ("accuracy.top1/delta",)
    assert still_open(soft, measured(looks(0, 0, 500))) == ()
    cat, dog = (looks(0, 0, 200, "accuracy.recall", name) for name in ("cat", "dog"))
    few = looks(0, 0, 9, "accuracy.recall", "dog")
    assert still_open(RECALL, measured(cat, dog)) == ()
    for seen in ((cat,), (cat, few)):  # the dogs have images enough, and have not been asked for yet
        assert still_open(RECALL, measured(*seen)) == ("accuracy.recall/delta/each label",)
        assert still_open(RECALL, measured(*seen), dogs=9) == ()
    weather = RECALL.replace("accuracy.recall", "accuracy.top1").replace("label", "weather")
    assert still_open(weather, by_weather(rain=(0, 0, 500))) == ("accuracy.top1/delta/each weather",)
    # A loss in one class settles nothing before all are seen: the correction is for their number.
    lost = looks(90, 0, 200, "accuracy.recall", "cat")
    assert still_open(RECALL, measured(lost)) == ("accuracy.recall/delta/each label",)
    assert still_open(RECALL, measured(lost, dog)) == ()


ODD = (
    (TOP1, flips(0, 0, 1)),
    (TOP1, flips(1, 0, 1)),
    (TOP1, flips(0, 1, 1)),
    (TOP1, flips(300, 0, 300)),
    (TOP1, flips(150, 150, 300)),
    (TOP1.replace("-1pp", "0pp"), flips(0, 0, 10_000)),
    (TOP1.replace("-1pp", "0pp"), looks(0, 0, 10_000)),
    (TOP1.replace("95%", "99.999999%"), flips(0, 0, 10_000)),
    (TOP1.replace("95%", "50.000001%"), flips(1, 1, 10)),
    (TOP1, looks(1, 0, 2)),
    (P50, speed(1.0)),
    (P50, speed(*[1.1] * 50)),
    (P50, speed(*[1e-300] * 3)),
    (
        "{metric: accuracy.f1_macro, of: delta, at_least: -1pp, confidence: 95%}",
        figure("accuracy.f1_macro", Of.DELTA, 0.0, Unit.FRACTION, Quantiles(levels=(), values=()), 1),
    ),
    (
        "{metric: accuracy.f1_macro, of: delta, at_least: 0pp, confidence: 95%}",
        figure("accuracy.f1_macro", Of.DELTA, 0.0, Unit.FRACTION, Quantiles(levels=(0.05, 0.95), values=(0.0, 0.0)), 9),
    ),
)


@pytest.mark.parametrize(("rule", "odd"), ODD)
def test_bad_input_is_never_a_pass_and_makes_no_number_that_is_none(judged: Judge, rule: str, odd: Measurement) -> None:
    ruling = first(judged(rule, measured(odd)))
    assert ruling.decision in (Decision.INCONCLUSIVE, Decision.FAIL)
    for number in (ruling.observed, ruling.lower, ruling.upper):
        assert number is None or math.isfinite(number)
    assert "nan" not in ruling.because


def test_equal_candidates_never_pass_a_rule_that_allows_no_loss(judged: Judge) -> None:
    ruling = first(judged(TOP1.replace("-1pp", "0pp"), measured(flips(0, 0, 10**6))))
    assert (ruling.decision, ruling.needed) == (Decision.INCONCLUSIVE, None)


def test_no_rules_no_evidence_or_nothing_measured_is_never_a_pass(judged: Judge) -> None:
    soft = "{metric: accuracy.top1, of: delta, at_least: -1pp, if_missing: warn}"
    assert judged("", measured(flips(0, 0, 9_000))).decision is Decision.INCONCLUSIVE
    assert judged("").decision is Decision.INCONCLUSIVE
    assert judged("").rulings == ()
    assert judged(soft).decision is Decision.INCONCLUSIVE
    assert judged(TOP1).decision is Decision.INCONCLUSIVE
    assert judged("", measured(findings=(finding(Severity.HIGH),))).decision is Decision.FAIL


def test_a_pass_says_how_many_rulings_passed(judged: Judge) -> None:
    assert judged(TOP1, measured(flips(0, 0, 9_000))).because == "all 2 rules pass"


def test_a_check_says_itself_why_a_figure_is_missing(judged: Judge) -> None:
    said = Finding(
        rule="latency.calls",
        severity=Severity.INFO,
        message="latency.p99 needs 459 calls; the time budget allowed 10 at batch 1.",
        advice="Give timing more time with --timing-budget SECONDS.",
    )
    other = said.model_copy(update={"message": "latency.p999 needs 4,595 calls, and latency.p99 fewer."})
    rule = "{metric: latency.p99, of: ratio, at_most: 1.1, confidence: 95%}"
    evidence = measured(check="latency", findings=(said, other))
    assert first(judged(rule, evidence, owners={"latency.p99": "latency"})).because == (
        "latency.p99 of candidate over reference is not known: latency.p99 needs 459 calls; the time budget allowed 10 "
        "at batch 1: give timing more time with --timing-budget SECONDS"
    )


def test_a_column_that_is_not_there_is_named_with_those_by_which_there_are_figures(judged: Judge) -> None:
    rule = "{metric: accuracy.top1, of: delta, slice: each height, at_least: -5pp, confidence: 95%}"
    owners = {"accuracy.top1": "quality", "accuracy.recall": "quality"}
    recall = flips(0, 0, 200, metric="accuracy.recall", slice_name="dog")
    for figures, there in (((flips(0, 0, 900), recall), "by label"), ((flips(0, 0, 900),), "of all images alone")):
        ruling = first(judged(rule, measured(*figures), owners=owners))
        assert ruling.decision is Decision.INCONCLUSIVE
        assert "the data has no column 'height', or the run was not asked for it" in ruling.because
        assert f"check quality has figures {there}; vetgate policy lint" in ruling.because


def test_a_worst_slice_that_is_missing_may_lack_images_and_not_the_column(judged: Judge) -> None:
    rule = "{metric: accuracy.worst_slice, slice: each weather, at_least: 5%, confidence: 95%}"
    ruling = first(judged(rule, measured(flips(0, 0, 9)), owners={"accuracy.worst_slice": "quality"}))
    assert "the data has no column 'weather', no value of it has 10 images, or" in ruling.because


def test_a_slice_of_timed_calls_is_no_column_of_the_data(judged: Judge) -> None:
    rule = "{metric: latency.p50, of: ratio, slice: batch=8, at_most: 1.1, confidence: 95%}"
    ruling = first(judged(rule, measured(speed(1.0), check="latency"), owners=OWNERS))
    assert "check latency ran, but did not give it for batch 8" in ruling.because


def test_bounds_of_two_runs_promise_no_number_of_images(judged: Judge) -> None:
    rule = "{metric: accuracy.f1_macro, of: delta, versus: baseline, at_least: -1pp, confidence: 95%}"
    wide = Quantiles(levels=(0.05, 0.95), values=(-0.03, 0.03), method="MOVER of two runs")
    macro = figure("accuracy.f1_macro", Of.DELTA, 0.0, Unit.FRACTION, wide, 1000)
    ruling = first(judged(rule, measured(beside_baseline(macro), check="baseline")))
    assert (ruling.decision, ruling.needed) == (Decision.INCONCLUSIVE, None)
    assert "would probably settle it" not in ruling.because
    paired = beside_baseline(flips(2, 2, 200))
    ruling = first(judged(rule.replace("f1_macro", "top1"), measured(paired, check="baseline")))
    assert ruling.needed is not None


@pytest.mark.parametrize(
    ("value", "images", "least", "method", "needed"),
    [
        (0.0, 48, "-1pp", "BCa bootstrap", 299),
        (0.0, 60, "-2pp", "BCa bootstrap", 149),
        (-0.004, 60, "-1pp", "BCa bootstrap", 498),
        (0.0, 48, "-1pp", "images not seen", 299),
    ],
)
def test_bounds_of_what_no_image_shows_shrink_with_their_number_and_not_with_its_root(
    judged: Judge, value: float, images: int, least: str, method: str, needed: int
) -> None:
    rule = f"{{metric: segmentation.miou, of: delta, at_least: {least}, confidence: 95%}}"
    unseen = 1.0 - 0.05 ** (1.0 / images)
    held = Quantiles(levels=(0.05, 0.95), values=(value - unseen, value + unseen), method=method)
    ruling = first(judged(rule, measured(figure("segmentation.miou", Of.DELTA, value, Unit.FRACTION, held, images))))
    assert (ruling.decision, ruling.needed) == (Decision.INCONCLUSIVE, needed)


def test_bounds_that_resamples_set_shrink_with_the_root_of_the_number_of_images(judged: Judge) -> None:
    rule = "{metric: segmentation.miou, of: delta, at_least: -1pp, confidence: 95%}"
    held = Quantiles(levels=(0.05, 0.95), values=(-0.04, 0.04), method="BCa bootstrap")
    ruling = first(judged(rule, measured(figure("segmentation.miou", Of.DELTA, 0.0, Unit.FRACTION, held, 400))))
    # 400 (4 (1.645 + 0.842) / 1.645)^2
    assert ruling.needed == pytest.approx(14_625, abs=5)


def test_the_worst_slice_asks_for_images_of_the_smallest_slices_and_not_for_more_in_all(judged: Judge) -> None:
    rule = "{metric: accuracy.worst_slice, of: delta, slice: each weather, at_least: -1pp, confidence: 95%}"
    wide = Quantiles(levels=(0.05, 0.95), values=(-0.07, 0.07), method="counts of slices")
    worst = figure("accuracy.worst_slice", Of.DELTA, 0.0, Unit.FRACTION, wide, 900)
    worst = worst.model_copy(update={"slice": Slice(by="weather")})
    ruling = first(judged(rule, measured(worst)))
    assert (ruling.decision, ruling.needed) == (Decision.INCONCLUSIVE, None)
    assert ruling.because.endswith("; more images of the smallest slices help most")
    narrow = worst.model_copy(update={"uncertainty": wide.model_copy(update={"values": (-0.005, 0.005)})})
    passed = first(judged(rule, measured(narrow)))
    assert passed.decision is Decision.PASS
    assert "smallest" not in passed.because


def test_a_p_value_too_small_for_floating_point_is_not_called_zero(judged: Judge) -> None:
    because = first(judged(TOP1, measured(flips(7622, 16, 10_000)))).because
    assert "McNemar's exact p < 1e-300" in because
    assert "McNemar's exact p = 0.057" in first(judged(TOP1, measured(flips(60, 40, 10_000)))).because


def test_one_rule_more_is_told_in_the_singular(judged: Judge) -> None:
    verdict = judged(TOP1, errored("contract"), always=("contract",))
    assert verdict.because.endswith("; so 1 rule is not settled")


def unscanned(model: str = "candidate a.toy") -> Finding:
    return Finding(rule="VG0002", severity=Severity.MEDIUM, message=f"{model} was not scanned", location=model)


def scan_ruling(verdict: Verdict) -> Ruling:
    return next(ruling for ruling in verdict.rulings if ruling.rule == "scan")


def test_where_a_scan_is_required_scanned_models_pass(judged: Judge) -> None:
    verdict = judged(TOP1, measured(flips(60, 40, 10_000)), measured(check="scan"), scan="required")
    assert verdict.decision is Decision.PASS
    assert scan_ruling(verdict).because == "every model was scanned before it was opened"


def test_where_a_scan_is_required_a_model_that_was_not_scanned_is_inconclusive(judged: Judge) -> None:
    evidence = (measured(flips(60, 40, 10_000)), measured(check="scan", findings=(unscanned(),)))
    verdict = judged(TOP1, *evidence, scan="required")
    assert verdict.decision is Decision.INCONCLUSIVE
    assert scan_ruling(verdict).because == "candidate a.toy was not scanned"
    assert judged(TOP1, *evidence).decision is Decision.PASS


def test_where_a_scan_is_required_a_report_from_before_there_was_one_is_inconclusive(judged: Judge) -> None:
    verdict = judged(TOP1, measured(flips(60, 40, 10_000)), scan="required")
    assert (verdict.decision, scan_ruling(verdict).because) == (Decision.INCONCLUSIVE, "no model was scanned")


@pytest.mark.parametrize("asked", ["required", "preferred"])
def test_a_scan_that_failed_is_told_once_and_never_passes(judged: Judge, asked: str) -> None:
    verdict = judged(TOP1, measured(flips(60, 40, 10_000)), errored("scan", "its scanner crashed"), scan=asked)
    assert verdict.decision is Decision.INCONCLUSIVE
    assert [ruling.rule for ruling in verdict.rulings].count("scan") == 1
    assert "its scanner crashed" in scan_ruling(verdict).because


def test_a_scan_alone_measures_nothing_that_a_verdict_could_rest_on(judged: Judge) -> None:
    soft = TOP1.replace("}", ", if_missing: warn}")
    assert judged(soft, measured(check="scan"), scan="required").decision is Decision.INCONCLUSIVE


def test_where_isolation_is_required_a_missing_wall_is_inconclusive_and_told_once(judged: Judge) -> None:
    lacking = ("not all walls stood around the process of candidate a.toy: network (darwin offers none)",)
    verdict = judged(TOP1, measured(flips(60, 40, 10_000)), unwalled=lacking, isolation="required")
    assert verdict.decision is Decision.INCONCLUSIVE
    assert "network (darwin offers none)" in verdict.because
    stopped = judged(TOP1, errored("isolation", "no network wall"), unwalled=lacking, isolation="required")
    assert [ruling.rule for ruling in stopped.rulings].count("isolation") == 1
    assert judged(TOP1, measured(flips(60, 40, 10_000)), unwalled=lacking).decision is Decision.PASS
