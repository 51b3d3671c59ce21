from __future__ import annotations

import datetime
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
import yaml

from vetgate.domain.evidence import Evidence, Measurement, Of, Outcome, PairedCounts
from vetgate.domain.specs import MetricSpec, PolicySpec
from vetgate.domain.unit import Better, Unit
from vetgate.domain.verdict import Decision
from vetgate.policy.judge import judge
from vetgate.policy.language import schema
from vetgate.policy.lint import lint
from vetgate.policy.load import load
from vetgate.policy.sizes import SampleCounts, unsettled

TODAY = datetime.date(2027, 1, 1)


@pytest.fixture
def lines(
    write: Callable[..., Path], carried: Mapping[str, PolicySpec], metrics: Mapping[str, MetricSpec]
) -> Callable[..., list[str]]:
    def _lines(body: str, counts: SampleCounts | None = None, today: datetime.date = TODAY) -> list[str]:
        found = lint(str(write(body)), carried, metrics, today=today, counts=counts)
        return [f"{severity}: {mistake}" for severity, mistake in found]

    return _lines


def test_a_sound_policy_has_nothing_to_say(lines: Callable[..., list[str]]) -> None:
    assert lines("extends: base\n") == []


def test_mistakes_are_errors(lines: Callable[..., list[str]]) -> None:
    found = lines("metrics: [{metric: accuracy.top1}]\ncolour: red\n")
    assert [line.partition(":")[0] for line in found] == ["error", "error"]


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        (
            "metric: accuracy.top1, of: delta, at_least: 1pp, confidence: 95%",
            "better than the reference by 1 pp; to allow that loss write -1 pp",
        ),
        (
            "metric: opscore.inference, of: delta, at_most: -0.5",
            "better than the reference by -0.5; to allow that loss write 0.5",
        ),
        ("metric: accuracy.top1, at_most: 90%, confidence: 95%", "better higher, and this rule only limits how high"),
        (
            "metric: latency.p50, of: ratio, at_least: 0.5, confidence: 95%",
            "better lower, and this rule only limits how low",
        ),
        ("metric: accuracy.top1, of: delta, at_least: -0.5, confidence: 95%", "the limit is -50 pp, which is a lot"),
        (
            "metric: similarity.negative_flips, at_most: 1, confidence: 95%",
            "can never fail: similarity.negative_flips is always at most 100 %",
        ),
        ("metric: similarity.agreement, at_least: 100%, confidence: 95%", "can never pass"),
        (
            "metric: latency.p50, of: ratio, at_most: 1, confidence: 95%, otherwise: warn, if_missing: fail",
            "is a warning too",
        ),
    ],
)
def test_doubtful_rules_are_warnings_at_their_line(lines: Callable[..., list[str]], rule: str, said: str) -> None:
    found = lines(f"metrics:\n  - {{{rule}}}\n")
    assert len(found) == 1
    assert found[0].startswith("warning: ")
    assert "mine.yaml:4: " in found[0]
    assert said in found[0]


def test_a_waiver_is_expired_the_day_after_its_last(lines: Callable[..., list[str]]) -> None:
    assert lines("extends: base\n", today=datetime.date(2027, 3, 31)) == []
    found = lines("extends: base\n", today=datetime.date(2027, 4, 1))
    assert found == ["warning: base (carried):7: latency.p50/ratio: the waiver of team expired on 2027-03-31"]


def test_a_policy_without_rules_is_warned_of(lines: Callable[..., list[str]]) -> None:
    assert "never a pass" in lines("")[0]


def test_rules_that_too_few_images_cannot_settle_are_said_with_the_number(lines: Callable[..., list[str]]) -> None:
    body = "metrics:\n  - {metric: accuracy.top1, of: delta, at_least: -1pp, confidence: 95%}\n"
    body += "  - {metric: similarity.agreement, at_least: 97.5%, confidence: 95%}\n"
    body += "  - {metric: accuracy.recall, of: delta, slice: each label, at_least: -5pp, confidence: 95%}\n"
    found = lines(body, SampleCounts(118, {"cat": 59, "dog": 58}))
    assert "118 images are too few: at least -1 pp at 95 % takes at least 299" in found[0]
    assert "takes at least 119" in found[1]
    assert "too few images of 'dog': at least -5 pp" in found[2]
    assert lines(body, SampleCounts(1000, {"cat": 500, "dog": 500})) == []


@pytest.mark.parametrize("points", ["0.5pp", "1pp", "5pp"])
@pytest.mark.parametrize("confidence", ["90%", "95%", "99%"])
def test_the_judge_agrees_about_how_many_images_identical_models_need(
    rule_policy: Callable[[str], object],
    metrics: Mapping[str, MetricSpec],
    points: str,
    confidence: str,
    tmp_path: Path,
) -> None:
    path = tmp_path / "p.yaml"
    rule = f"{{metric: accuracy.top1, of: delta, at_least: -{points}, confidence: {confidence}}}"
    path.write_text(f"version: 1\nname: p\nmetrics: [{rule}]\n")
    policy = load(str(path), {}, metrics).policy
    (found,) = unsettled(policy, metrics, SampleCounts(1))

    def decision(n: int) -> Decision:
        figure = Measurement(
            metric="accuracy.top1",
            role=Of.DELTA,
            value=0.0,
            unit=Unit.FRACTION,
            better=Better.HIGHER,
            n=n,
            uncertainty=PairedCounts(b=0, c=0, n=n),
        )
        evidence = Evidence(check="quality", outcome=Outcome.MEASURED, measurements=(figure,))
        return judge(policy, (evidence,), TODAY, metrics).decision

    assert decision(found.needed - 1) is Decision.INCONCLUSIVE
    assert decision(found.needed) is Decision.PASS


TOP1 = "metric: accuracy.top1, of: delta, at_least: -1pp"


@pytest.mark.parametrize(
    ("rule", "counts", "said"),
    [
        (TOP1, None, "the estimate alone decides, and chance moves it; write `confidence: 95%`"),
        (
            TOP1,
            SampleCounts(1_000),
            "on 1,000 images chance moves it by 1.4 points either way, where the models differ on 5% of them",
        ),
        (
            "metric: accuracy.top1, at_least: 90%",
            SampleCounts(1_000),
            "on 1,000 images chance moves it by 1.9 points either way; write `confidence: 95%`",
        ),
        ("metric: latency.p50, of: ratio, at_most: 1.1", None, "the estimate alone decides"),
        ("metric: accuracy.top1, versus: baseline, at_least: -1pp", None, "the estimate alone decides"),
        (
            "metric: accuracy.recall, at_least: 60%, confidence: 95%",
            None,
            "is a figure of single classes, and nothing measures it of all; add `slice: each label`",
        ),
        (
            "metric: accuracy.top1, of: delta, at_least: 0pp, confidence: 95%",
            None,
            "an equal candidate can never pass: 95 % confidence that nothing at all was lost takes a gain",
        ),
        (
            "metric: accuracy.top1, slice: each weather, at_least: 60%, confidence: 95%",
            SampleCounts(900, {"cat": 900}, {"light": {"day": 900}}),
            "the data has no column 'weather'; there are label, light, brightness, contrast, size",
        ),
        (
            "metric: accuracy.top1, slice: light=dusk, at_least: 60%, confidence: 95%",
            SampleCounts(900, {"cat": 900}, {"light": {"day": 500, "night": 400}}),
            "the data has no light dusk; light has 'day', 'night'",
        ),
    ],
)
def test_what_a_rule_lacks_is_recommended(
    lines: Callable[..., list[str]], rule: str, counts: SampleCounts | None, said: str
) -> None:
    found = lines(f"metrics:\n  - {{{rule}}}\n", counts)
    assert any(said in line for line in found)
    assert all(line.startswith("warning: ") for line in found)


def test_exact_figures_and_figures_without_bounds_need_no_confidence(lines: Callable[..., list[str]]) -> None:
    rules = ("footprint.size_mb, of: ratio, at_most: 0.5", "footprint.params, at_least: 1", "latency.p95, at_most: 9ms")
    assert lines("metrics:\n" + "".join(f"  - {{metric: {rule}}}\n" for rule in rules)) == []


def test_a_waiver_of_a_rule_that_only_warns_is_said_to_do_nothing(lines: Callable[..., list[str]]) -> None:
    body = f"metrics:\n  - {{name: soft, {TOP1}, confidence: 95%, otherwise: warn}}\n"
    body += "waivers:\n  - {rule: soft, reason: r, owner: o, expires: 2027-03-31}\n"
    (found,) = lines(body)
    assert "mine.yaml:6: soft: a waiver of a rule that only warns does nothing" in found


def test_the_schema_takes_good_policies_and_refuses_bad_ones(metrics: Mapping[str, MetricSpec]) -> None:
    jsonschema = pytest.importorskip("jsonschema")
    document = schema(metrics)
    jsonschema.Draft202012Validator.check_schema(document)
    validator = jsonschema.Draft202012Validator(document)
    good = {"version": 1, "name": "x", "metrics": [{"metric": "accuracy.top1", "of": "delta", "at_least": "-1pp"}]}
    assert validator.is_valid(good)
    assert validator.is_valid(good | {"metrics": [{"metric": "latency.p50", "of": "ratio", "at_most": 1.1}]})
    assert not validator.is_valid(good | {"metrics": [{"metric": "accuracy.topl", "at_least": 1}]})
    assert not validator.is_valid(good | {"metrics": [{"metric": "accuracy.top1", "at_least": "much"}]})
    assert not validator.is_valid(good | {"colour": "red"})
    metric = document["$defs"]["RuleText"]["properties"]["metric"]
    assert dict(zip(metric["enum"], metric["enumDescriptions"], strict=True))["latency.p50"] == "Median time. (s)"
    assert yaml.safe_load(yaml.safe_dump(document)) == document


def test_loading_and_linting_import_no_numpy() -> None:
    code = "import sys, vetgate.policy.lint, vetgate.policy.load, vetgate.policy.words, vetgate.policy.judge\n"
    code += "sys.exit(sorted({'numpy', 'scipy'} & set(sys.modules)) or 0)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        ("metric: accuracy.f1_macro, of: delta, at_least: -1pp, confidence: 99.95%", True),
        ("metric: accuracy.f1_macro, of: delta, at_least: -1pp, confidence: 99.9%", False),
        ("metric: accuracy.top1, of: delta, at_least: -1pp, confidence: 99.95%", False),
        ("metric: accuracy.worst_slice, slice: each label, at_least: 60%, confidence: 99.95%", False),
        ("metric: latency.p99, at_most: 9ms, confidence: 99.95%", False),
        ("metric: footprint.size_mb, at_most: 9MB, confidence: 99.95%", False),
    ],
)
def test_a_level_that_resampling_does_not_reach_is_doubtful(
    lines: Callable[..., list[str]], rule: str, said: bool
) -> None:
    told = "can never be settled at 99.95 %: its bounds rest on resampling, which reaches 99.9 % at most"
    assert any(told in line for line in lines(f"metrics:\n  - {{{rule}}}\n")) is said


def test_live_figures_of_two_runs_with_a_confidence_are_said_never_to_be_settled(
    lines: Callable[..., list[str]],
) -> None:
    rule = "metric: latency.p50, versus: baseline, of: ratio, at_most: 1.2"
    (found,) = lines(f"metrics:\n  - {{{rule}, confidence: 95%}}\n")
    assert "can never be settled: latency.p50 is taken of live models" in found
    assert "--latency-reference FILE" in found
    assert lines(f"metrics:\n  - {{{rule}}}\n") == []


def test_a_value_that_the_data_lacks_is_warned_of_once(lines: Callable[..., list[str]]) -> None:
    body = "metrics:\n  - {metric: accuracy.top1, of: delta, slice: weather=hail, at_least: -5pp, confidence: 95%}\n"
    (found,) = lines(body, SampleCounts(90, {}, {"weather": {"rain": 40, "sun": 50}}))
    assert found.endswith("the data has no weather hail; weather has 'rain', 'sun'")
