from __future__ import annotations

import datetime
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from vetgate.domain.errors import PolicyError
from vetgate.domain.evidence import Of, Severity, Slice, Versus, of_label
from vetgate.domain.policy import Requires
from vetgate.domain.specs import MetricSpec, PolicySpec
from vetgate.domain.unit import Unit
from vetgate.policy.load import LoadedPolicy, load
from vetgate.policy.where import read_slice, slice_text
from vetgate.policy.words import render_policy

Resolved = Callable[[str], LoadedPolicy]


def mistakes(resolved: Resolved, body: str) -> str:
    with pytest.raises(PolicyError) as caught:
        resolved(body)
    return caught.value.message


def only_rule(rule: str) -> str:
    return f"metrics:\n  - {{{rule}}}\n"


def test_a_rule_resolves_its_role_unit_name_and_words(resolved: Resolved) -> None:
    rule = resolved(only_rule("metric: accuracy.top1, of: delta, at_least: -1pp, confidence: 95%")).policy.rules[0]
    assert (rule.name, rule.of, rule.unit, rule.at_least, rule.confidence) == (
        "accuracy.top1/delta",
        Of.DELTA,
        Unit.FRACTION,
        -0.01,
        0.95,
    )
    assert rule.words == "accuracy.top1 of candidate minus reference is at least -1 pp, at 95 % confidence"


def test_a_ratio_is_in_ratio_units_and_a_size_in_megabytes(resolved: Resolved) -> None:
    body = (
        "metrics:\n  - {metric: latency.p50, of: ratio, at_most: 1.10}\n  - {metric: footprint.size_mb, at_most: 3MB}\n"
    )
    ratio, size = resolved(body).policy.rules
    assert (ratio.name, ratio.unit, ratio.at_most) == ("latency.p50/ratio", Unit.RATIO, 1.1)
    assert (size.name, size.of, size.unit, size.at_most) == ("footprint.size_mb", Of.CANDIDATE, Unit.MEGABYTES, 3.0)


@pytest.mark.parametrize("written", ["0.57", '"0.57"', "57%", '" 57 % "'])
def test_numbers_and_texts_mean_the_same_figure_and_the_same_digest(resolved: Resolved, written: str) -> None:
    policy = resolved(only_rule(f"metric: similarity.agreement, at_least: {written}")).policy
    assert policy.rules[0].at_least == 0.57
    assert policy.sha256 == resolved(only_rule("metric: similarity.agreement, at_least: 0.57")).policy.sha256


def test_the_usual_role_stays_out_of_the_name_and_the_slice_goes_into_it(resolved: Resolved) -> None:
    body = "metrics:\n  - {metric: accuracy.top1, of: candidate, at_least: 70%}\n"
    body += "  - {metric: accuracy.recall, of: delta, slice: each label, at_least: -5pp}\n"
    assert [rule.name for rule in resolved(body).policy.rules] == ["accuracy.top1", "accuracy.recall/delta/each label"]


def test_a_later_rule_replaces_the_inherited_one_in_its_place_and_entirely(resolved: Resolved) -> None:
    policy = resolved("extends: base\n" + only_rule("metric: accuracy.top1, of: delta, at_least: -1pp")).policy
    assert [rule.name for rule in policy.rules] == ["accuracy.top1/delta", "latency.p50/ratio"]
    assert policy.rules[0].at_least == -0.01
    assert policy.rules[0].confidence is None


def test_remove_drops_an_inherited_rule_and_its_waiver(resolved: Resolved) -> None:
    policy = resolved("extends: base\n" + only_rule("metric: latency.p50, of: ratio, remove: true")).policy
    assert [rule.name for rule in policy.rules] == ["accuracy.top1/delta"]
    assert policy.waivers == ()


def test_a_replaced_rule_loses_the_waiver_of_the_rule_it_replaces(resolved: Resolved) -> None:
    assert len(resolved("extends: base\n").policy.waivers) == 1
    policy = resolved("extends: base\n" + only_rule("metric: latency.p50, of: ratio, at_most: 1.0")).policy
    assert policy.waivers == ()


def test_halt_at_and_waivers_are_read_and_inherited(resolved: Resolved, write: Callable[..., Path]) -> None:
    write("extends: base\nfindings: {halt_at: low}\n", "below.yaml")
    policy = resolved("extends: below.yaml\n").policy
    assert policy.halt_at is Severity.LOW
    assert policy.waivers[0].expires == datetime.date(2027, 3, 31)


def test_how_models_are_scanned_and_isolated_is_preferred_unless_somebody_requires_it(resolved: Resolved) -> None:
    policy = resolved("extends: base\n").policy
    assert (policy.scan, policy.isolation) == ("preferred", "preferred")
    policy = resolved("scan: required\nisolation: required\n").policy
    assert (policy.scan, policy.isolation) == ("required", "required")


def test_the_later_of_two_policies_says_how_models_are_scanned(resolved: Resolved, write: Callable[..., Path]) -> None:
    write("scan: required\nisolation: required\n", "below.yaml")
    inherited = resolved("extends: below.yaml\n").policy
    assert (inherited.scan, inherited.isolation) == ("required", "required")
    laxer = resolved("extends: below.yaml\nscan: preferred\n").policy
    assert (laxer.scan, laxer.isolation) == ("preferred", "required")


def test_a_policy_is_shown_with_how_models_are_scanned_in_words_and_loads_to_the_same_digest(
    resolved: Resolved,
) -> None:
    policy = resolved("scan: required\n" + only_rule("metric: accuracy.top1, of: delta, at_least: -1pp")).policy
    shown = render_policy(policy)
    assert "# a model that nobody could scan is not opened, and the run is inconclusive\nscan: required\n" in shown
    body = shown.partition("name: mine\n")[2]
    assert resolved(body).policy.sha256 == policy.sha256


@pytest.mark.parametrize("name", ["scan", "isolation", "findings"])
def test_a_rule_takes_no_name_of_a_ruling_of_the_gate(resolved: Resolved, name: str) -> None:
    with pytest.raises(PolicyError, match="choose another name"):
        resolved(only_rule(f"name: {name}, metric: accuracy.top1, of: delta, at_least: -1pp"))


def test_a_scan_is_required_or_preferred_and_nothing_else(resolved: Resolved) -> None:
    with pytest.raises(PolicyError, match="scan"):
        resolved("scan: never\n")


def test_a_file_extends_a_file_relative_to_itself(
    tmp_path: Path,
    carried: Mapping[str, PolicySpec],
    metrics: Mapping[str, MetricSpec],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    (tmp_path / "team").mkdir()
    (tmp_path / "root.yml").write_text("version: 1\nname: root\nextends: base\n")
    (tmp_path / "team" / "mine.yaml").write_text("version: 1\nname: mine\nextends: ../root.yml\n")
    monkeypatch.chdir(tmp_path)
    loaded = load("team/mine.yaml", carried, metrics)
    assert loaded.source == "team/mine.yaml"
    assert loaded.policy.name == "mine"
    assert loaded.where["accuracy.top1/delta"] == "base (carried):4"


def test_an_unknown_policy_gets_a_suggestion_and_the_list(
    carried: Mapping[str, PolicySpec], metrics: Mapping[str, MetricSpec]
) -> None:
    with pytest.raises(PolicyError) as caught:
        load("bas", carried, metrics)
    assert "did you mean 'base'?" in caught.value.message
    assert "base, loop" in caught.value.message
    assert caught.value.hint == "vetgate policy list"


def test_a_file_that_does_not_exist_is_named(
    carried: Mapping[str, PolicySpec], metrics: Mapping[str, MetricSpec]
) -> None:
    with pytest.raises(PolicyError, match=r"'nowhere\.yaml' does not exist"):
        load("nowhere.yaml", carried, metrics)


def test_a_carried_policy_wins_over_a_file_of_its_name_unless_a_path_is_given(
    tmp_path: Path,
    carried: Mapping[str, PolicySpec],
    metrics: Mapping[str, MetricSpec],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    (tmp_path / "base").write_text("version: 1\nname: other\n")
    monkeypatch.chdir(tmp_path)
    assert load("base", carried, metrics).policy.name == "base"
    assert load("./base", carried, metrics).policy.name == "other"


def test_a_file_that_is_no_text_is_a_policy_error(
    tmp_path: Path, carried: Mapping[str, PolicySpec], metrics: Mapping[str, MetricSpec]
) -> None:
    path = tmp_path / "binary.yaml"
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(PolicyError, match="cannot be read"):
        load(str(path), carried, metrics)


def test_policies_that_extend_each_other_are_an_error_that_shows_the_circle(
    resolved: Resolved, write: Callable[..., Path], carried: Mapping[str, PolicySpec], metrics: Mapping[str, MetricSpec]
) -> None:
    write("extends: mine.yaml\n", "below.yaml")
    message = mistakes(resolved, "extends: below.yaml\n")
    assert "extends itself" in message
    assert message.count("mine.yaml ->") == 1
    with pytest.raises(PolicyError, match="extends itself"):
        load("loop", carried, metrics)


def test_extending_what_is_not_there_is_said_at_its_line_without_false_alarms(resolved: Resolved) -> None:
    body = "extends: bsae\nmetrics:\n  - {name: x, remove: true}\nwaivers:\n"
    body += "  - {rule: y, reason: r, owner: o, expires: 2027-01-01}\n"
    message = mistakes(resolved, body)
    assert "mine.yaml:3: extends: unknown policy 'bsae'; did you mean 'base'?" in message
    assert "has 1 mistake:" in message


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        (
            "metric: accuracy.topl, at_least: 70%",
            "metric: unknown metric 'accuracy.topl'; did you mean 'accuracy.top1'?",
        ),
        (
            "metric: latency.joules_drawn, at_least: 1",
            "known are latency.p50, latency.p95, latency.p99, latency.throughput",
        ),
        ("metric: similarity.agreement, of: delta, at_least: 1pp", "a figure of the pair as such; drop `of`"),
        ("metric: accuracy.top1, of: ratio, at_least: 1", "comes as candidate, reference, delta, not as ratio"),
        ("metric: footprint.size_mb, at_most: 3pp", "at_most: '3pp': expected 'MB', 'kB', 'GB', 'B'"),
        ("metric: footprint.size_mb, at_most: 3", "expected 'MB'"),
        ("metric: accuracy.top1, at_least: 97.5", "write 97.5%"),
        ("metric: accuracy.top1, of: delta, at_least: -1", "without a unit means -100 pp; write -1pp"),
        ("metric: accuracy.top1, of: delta, at_least: -1%", "could be points or a share; write -1pp"),
        ("metric: accuracy.top1, of: delta, at_least: -150pp", "lies between -100pp and 100pp"),
        ("metric: accuracy.top1, at_least: 101%", "lies between 0% and 100%"),
        ("metric: footprint.size_mb, at_most: -3MB", "is at least 0MB"),
        ("metric: latency.p50, of: ratio, at_most: -10%", "is no ratio"),
        ("metric: accuracy.top1", "metrics[0]: has no limit; write `at_least` or `at_most`"),
        ("metric: accuracy.top1, at_least: 90%, at_most: 80%", "nothing can satisfy both"),
        ("metric: accuracy.top1, at_least: 90%, confidence: 95", "means 9500 %; write 95%"),
        ("metric: accuracy.top1, at_least: 90%, confidence: 50%", "over 50% and under 100%"),
        ("metric: accuracy.top1, at_least: 90%, confidence: 100%", "over 50% and under 100%"),
        ("metric: latency.p95, of: ratio, at_most: 1.1, confidence: 95%", "drop `confidence` to compare the point"),
        ("metric: accuracy.f1_macro, slice: cat, at_least: 90%", "slice: accuracy.f1_macro does not come per slice"),
        ("metric: accuracy.top1, at_least: 90%, confidence: abc", "'abc' is not a number with a unit"),
        ("metric: accuracy.top1, at_least: 90%, confidence: 0", "over 50% and under 100%"),
        ("metric: accuracy.top1, at_least: 90%, confidence: -95%", "over 50% and under 100%"),
        ("metric: accuracy.top1, at_least: 90%, confidence: .inf", "is not a number with a unit"),
        ("metric: accuracy.recall, slice: each weather, at_least: 90%", "is sliced by label, not by weather"),
        ("metric: latency.p50, slice: cat, at_most: 9ms", "is sliced by batch, not by label; write `each batch`"),
        ("metric: accuracy.recall, slice: each-label, at_least: 90%", "did you mean 'each label'?"),
        ("metric: accuracy.top1, slice: each, at_least: 90%", "slice: 'each' is no slice; write `each label`"),
        ("metric: accuracy.top1, slice: weather=, at_least: 90%", "slice: 'weather=' is no slice"),
        ("metric: accuracy.top1, slice: each, at_least: 90%", "or `label=each` for a class of that name"),
        ("metric: accuracy.top1, slice: each weather=rain, at_least: 90%", "write `weather=rain` for the one"),
        ("metric: accuracy.recall, slice: a=b, at_least: 90%", "or `label=a=b` for the class of that name"),
        ("metric: accuracy.recall, slice: 3, at_least: 90%", 'write names such as "3" or "no" in quotes (got 3)'),
        ("metric: accuracy.recall, slice: no, at_least: 90%", 'write names such as "3" or "no" in quotes (got False)'),
        ("metric: accuracy.worst_slice, at_least: 60%", "slice: accuracy.worst_slice is a figure over slices"),
        ("metric: accuracy.worst_slice, slice: weather=rain, at_least: 60%", "write `each weather`"),
        ("metric: accuracy.top1, fewest: 30, at_least: 60%", "fewest: is for slices; drop `fewest`"),
        ("metric: accuracy.top1, slice: each label, fewest: 0, at_least: 60%", "fewest: "),
        ("metric: latency.p50, slice: each batch, fewest: 9, at_most: 9ms", "fewest: does not reach latency.p50"),
        (
            "metric: latency.p50, versus: baseline, at_most: 1ms",
            "versus: times of another run are not comparable; use `of: ratio`",
        ),
        ("metric: latency.p50, of: delta, versus: baseline, at_most: 1ms", "of: times of another run"),
        ("metric: accuracy.top1, of: ratio, versus: baseline, at_least: 1", "does not come as ratio; use `of: delta`"),
        ("metric: accuracy.top1, of: candidate, versus: baseline, at_least: 90%", "compares two figures"),
        (
            "metric: accuracy.top1, versus: bsaeline, at_least: 90%",
            "versus: Input should be 'reference' or 'baseline'",
        ),
        (
            "metric: similarity.js_divergence, versus: baseline, at_most: 0.1, confidence: 95%",
            "drop `confidence` to compare the point",
        ),
        ("metric: accuracy.top1, at_least: 90%, same_runtime: required", "same_runtime: accuracy.top1 does not depend"),
        ("metric: accuracy.top1, at_least: 90%, requires: {threads: 1}", "requires: accuracy.top1 does not depend"),
        ("metric: latency.p50, at_most: 9ms, requires: {threads: 0}", "threads: "),
        ("metric: latency.p50, at_most: 9ms, requires: {thraeds: 1}", "unknown key; did you mean 'threads'?"),
        ("metric: latency.p50, at_most: 9ms, same_runtime: yes", "same_runtime: Input should be 'required'"),
        ("metric: accuracy.top1, at_least: yes", "expected a number with its unit"),
        ("metric: accuracy.top1, at_least: .nan", "is not a number with a unit"),
        ("metric: accuracy.top1, at_lest: 90%", "at_lest: unknown key; did you mean 'at_least'?"),
        ("metric: accuracy.top1, at_least: 90%, otherwise: wran", "Input should be 'fail' or 'warn' (got 'wran')"),
        ("at_least: 90%", "metric: is missing"),
        ("name: findings, metric: accuracy.top1, at_least: 90%", "choose another name"),
        ("name: x, remove: true", "there is no rule 'x' to remove (there are no rules)"),
        ("remove: true", "names no rule to remove"),
        ("name: x, remove: true, at_least: 1", "means nothing beside `remove: true`"),
    ],
)
def test_each_mistake_in_a_rule_is_said_once_with_file_and_line(resolved: Resolved, rule: str, said: str) -> None:
    message = mistakes(resolved, only_rule(rule))
    assert said in message
    assert "mine.yaml:4: metrics[0]" in message
    assert "has 1 mistake:" in message


@pytest.mark.parametrize(
    ("waiver", "said"),
    [
        ("rule: accuracy.top1/dleta, reason: r, owner: o, expires: 2027-01-01", "did you mean 'accuracy.top1/delta'?"),
        ("rule: accuracy.top1/delta, reason: r, expires: 2027-01-01", "waivers[0].owner: is missing"),
        ("rule: accuracy.top1/delta, reason: ' ', owner: o, expires: 2027-01-01", "waivers[0].reason"),
        ("rule: accuracy.top1/delta, reason: r, owner: o", "waivers[0].expires: is missing"),
        ("rule: accuracy.top1/delta, reason: r, owner: o, expires: 20270101", "expected a day"),
        ("rule: findings, reason: r, owner: o, expires: 2027-01-01", "findings cannot be waived"),
    ],
)
def test_a_waiver_needs_a_known_rule_a_reason_an_owner_and_a_day(resolved: Resolved, waiver: str, said: str) -> None:
    assert said in mistakes(resolved, f"extends: base\nwaivers:\n  - {{{waiver}}}\n")


def test_two_rules_of_one_name_are_a_mistake_that_names_the_first_line(resolved: Resolved) -> None:
    body = "metrics:\n  - {metric: accuracy.top1, at_least: 90%}\n  - {metric: accuracy.top1, at_least: 80%}\n"
    assert "mine.yaml:5: metrics[1]: a second rule 'accuracy.top1' (the first is on line 4)" in mistakes(resolved, body)


def test_a_wrong_slice_does_not_make_its_rule_a_second_one(resolved: Resolved) -> None:
    rule = "{{metric: accuracy.recall, slice: {}, of: delta, at_least: -5pp}}"
    body = f"metrics:\n  - {rule.format(3)}\n  - {rule.format(4)}\n"
    message = mistakes(resolved, body)
    assert message.count("in quotes") == 2
    assert "a second rule" not in message


def test_all_mistakes_of_a_file_come_at_once_in_the_order_of_lines(resolved: Resolved) -> None:
    body = """\
metrics:
  - {metric: accuracy.top1, at_least: 97.5, colour: red}
  - {metric: latency.p5O, at_most: 3ms}
findings: {halt_at: hihg}
waivers:
  - {rule: x, reason: r, expires: 2027-01-01}
extnds: base
"""
    lines = mistakes(resolved, body).splitlines()[1:]
    assert [int(line.split("mine.yaml:")[1].split(":")[0]) for line in lines] == [4, 4, 5, 6, 8, 9]


def test_mistakes_of_the_base_come_with_its_own_lines(resolved: Resolved, write: Callable[..., Path]) -> None:
    write(only_rule("metric: nope, at_least: 1"), "below.yaml")
    message = mistakes(resolved, "extends: below.yaml\n" + only_rule("metric: accuracy.top1"))
    assert "below.yaml:4: metrics[0].metric" in message
    assert "mine.yaml:5: metrics[0]: has no limit" in message


@pytest.mark.parametrize("text", ["", "- a\n", "just words\n", "a: [\n", "a: &x 1\nb: *x\n", "1: 2\n"])
def test_a_document_of_another_shape_is_a_policy_error(
    tmp_path: Path, text: str, carried: Mapping[str, PolicySpec], metrics: Mapping[str, MetricSpec]
) -> None:
    path = tmp_path / "odd.yaml"
    path.write_text(text)
    with pytest.raises(PolicyError, match=r"odd\.yaml"):
        load(str(path), carried, metrics)


def test_the_digest_tells_policies_that_judge_otherwise_apart(resolved: Resolved) -> None:
    bodies = [
        "extends: base\n",
        "extends: base\nfindings: {halt_at: low}\n",
        "extends: base\nscan: required\n",
        "extends: base\nisolation: required\n",
        "extends: base\n" + only_rule("metric: latency.p50, of: ratio, at_most: 1.2"),
        "extends: base\n" + only_rule("metric: latency.p50, of: ratio, at_most: 1.2, otherwise: warn"),
        "extends: base\nwaivers: [{rule: accuracy.top1/delta, reason: r, owner: o, expires: 2027-01-01}]\n",
    ]
    digests = [resolved(body).policy.sha256 for body in bodies]
    assert len(set(digests)) == len(bodies)
    assert resolved("summary: other words\n" + bodies[0]).policy.sha256 == digests[0]


@pytest.mark.parametrize(
    ("text", "where"),
    [
        ("each weather", Slice(by="weather")),
        ("weather=rain", Slice(by="weather", value="rain")),
        ("weather = light rain", Slice(by="weather", value="light rain")),
        ("cat", Slice(by="label", value="cat")),
        ("label=a=b", Slice(by="label", value="a=b")),
        ("label=each label", Slice(by="label", value="each label")),
        ("label=each", Slice(by="label", value="each")),
    ],
)
def test_a_slice_is_each_value_of_a_column_one_value_or_a_class(resolved: Resolved, text: str, where: Slice) -> None:
    rule = resolved(only_rule(f'metric: accuracy.top1, slice: "{text}", at_least: 90%')).policy.rules[0]
    assert rule.slice == where
    assert read_slice(slice_text(where)) == where


def test_a_rule_beside_the_baseline_is_on_the_difference_and_says_so_in_its_name(resolved: Resolved) -> None:
    body = """\
metrics:
  - {metric: accuracy.top1, versus: baseline, at_least: -1pp, confidence: 95%}
  - {metric: similarity.agreement, versus: baseline, at_least: -1pp, confidence: 95%}
  - {metric: latency.p50, of: ratio, versus: baseline, at_most: 1.1, confidence: 95%}
  - {metric: footprint.size_mb, versus: baseline, at_most: 1MB}
  - {metric: accuracy.top1, slice: each label, versus: baseline, at_least: -1pp}
"""
    rules = resolved(body).policy.rules
    assert [(rule.name, rule.of, rule.versus) for rule in rules] == [
        ("accuracy.top1/baseline", Of.DELTA, Versus.BASELINE),
        ("similarity.agreement/baseline", Of.DELTA, Versus.BASELINE),
        ("latency.p50/ratio/baseline", Of.RATIO, Versus.BASELINE),
        ("footprint.size_mb/baseline", Of.DELTA, Versus.BASELINE),
        ("accuracy.top1/each label/baseline", Of.DELTA, Versus.BASELINE),
    ]
    assert rules[0].words == "accuracy.top1 of candidate minus baseline is at least -1 pp, at 95 % confidence"


def test_what_must_have_run_is_resolved_and_told(resolved: Resolved) -> None:
    asked = "same_runtime: required, requires: {runtime: onnxruntime, threads: 4}"
    rule = resolved(only_rule(f"metric: latency.p50, of: ratio, at_most: 1.1, {asked}")).policy.rules[0]
    assert rule.requires == Requires(same_runtime=True, runtime="onnxruntime", threads=4)
    assert rule.words.endswith(
        "; measured with both models in one runtime and the candidate in onnxruntime with 4 threads"
    )


def test_weights_are_merged_by_metric_and_tell_policies_apart(resolved: Resolved, write: Callable[..., Path]) -> None:
    base = write("extends: base\nweights: {opscore.inference: 0.7, opscore.training: 0.3}\n", "below.yaml")
    policy = resolved("extends: below.yaml\nweights: {opscore.inference: 2}\n").policy
    assert policy.weights == {"opscore.inference": 2.0, "opscore.training": 0.3}
    assert base.exists()
    assert policy.sha256 != resolved("extends: below.yaml\n").policy.sha256


@pytest.mark.parametrize(
    ("weights", "said"),
    [
        ("{opscore.inferense: 1}", "unknown metric 'opscore.inferense'; did you mean 'opscore.inference'?"),
        ("{opscore.inference: 0}", "greater than 0"),
        ("{opscore.inference: -1}", "greater than 0"),
        ("{opscore.inference: .nan}", "weights.opscore.inference"),
        ("{opscore.inference: .inf}", "finite"),
        ("{opscore.inference: yes}", "expected a number over 0"),
        ("{opscore.inference: '1'}", "expected a number over 0"),
        ("7", "weights: "),
    ],
)
def test_a_weight_is_a_number_over_0_of_a_known_metric(resolved: Resolved, weights: str, said: str) -> None:
    message = mistakes(resolved, f"extends: base\nweights: {weights}\n")
    assert said in message
    assert "has 1 mistake:" in message


def test_a_shown_policy_loads_to_the_same_digest(
    resolved: Resolved, tmp_path: Path, carried: Mapping[str, PolicySpec], metrics: Mapping[str, MetricSpec]
) -> None:
    body = """\
summary: "With: a colon"
extends: base
metrics:
  - {metric: latency.p95, at_most: 12.5ms}
  - {metric: footprint.size_mb, at_most: 3400kB, at_least: 1MB, if_missing: fail}
  - {metric: footprint.params, at_most: 2.5M}
  - {metric: similarity.agreement, at_least: 97.5%, confidence: 99.9%}
  - {metric: similarity.js_divergence, at_most: 0.005 bit}
  - {metric: latency.throughput, at_least: 30/s}
  - {metric: opscore.inference, of: delta, at_most: 0, otherwise: warn}
  - {name: tail, metric: accuracy.recall, of: delta, slice: each label, at_least: -5pp, confidence: 95%}
  - {metric: accuracy.top1, of: delta, slice: weather=rain, fewest: 30, at_least: -5pp, confidence: 95%}
  - {metric: accuracy.top1, slice: "label=each=x", at_least: 5%}
  - {metric: accuracy.worst_slice, slice: each brightness, at_least: 50%, confidence: 95%}
  - {metric: accuracy.top1, versus: baseline, at_least: -1pp, confidence: 95%}
  - {metric: latency.p50, slice: batch=1, at_most: 9ms, same_runtime: required, requires: {threads: 2, precision: int8}}
weights: {opscore.inference: 0.7, opscore.training: 0.3}
"""
    policy = resolved(body).policy
    shown = tmp_path / "shown.yaml"
    shown.write_text(render_policy(policy), encoding="utf-8")
    again = load(str(shown), carried, metrics).policy
    assert again == policy
    assert "# accuracy.recall of candidate minus reference for each label is at least -5 pp" in shown.read_text()


@pytest.mark.parametrize(
    ("metric", "of", "suffix"),
    [
        ("accuracy.top1", "delta", ""),
        ("footprint.size_mb", "ratio", ""),
        ("footprint.size_mb", "candidate", "MB"),
        ("footprint.params", "candidate", ""),
        ("latency.p50", "candidate", "ms"),
        ("latency.p50", "ratio", ""),
    ],
)
@given(limit=st.floats(1e-12, 0.999), scale=st.sampled_from([1, 1e6]), level=st.floats(0.51, 0.999999))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=25, deadline=None)
def test_any_limit_and_level_are_shown_with_all_their_digits(
    resolved: Resolved,
    carried: Mapping[str, PolicySpec],
    metrics: Mapping[str, MetricSpec],
    tmp_path: Path,
    metric: str,
    of: str,
    suffix: str,
    limit: float,
    scale: float,
    level: float,
) -> None:
    most = limit if metric == "accuracy.top1" else limit * scale
    sure = "" if of == "candidate" else f', confidence: "{level!r}"'
    policy = resolved(only_rule(f'metric: {metric}, of: {of}, at_most: "{most!r}{suffix}"{sure}')).policy
    shown = tmp_path / "shown.yaml"
    shown.write_text(render_policy(policy), encoding="utf-8")
    assert load(str(shown), carried, metrics).policy == policy


@pytest.mark.parametrize(
    "name", ["each", "a=b", "each label", "3", "no", "null", "~", "naïve 日本", "cat # dog", "a: b"]
)
def test_a_class_of_any_name_is_shown_as_it_is_read(
    resolved: Resolved, carried: Mapping[str, PolicySpec], metrics: Mapping[str, MetricSpec], tmp_path: Path, name: str
) -> None:
    policy = resolved(only_rule(f'metric: accuracy.recall, slice: "label={name}", at_least: 5%')).policy
    assert policy.rules[0].slice == of_label(name)
    shown = tmp_path / "shown.yaml"
    shown.write_text(render_policy(policy), encoding="utf-8")
    assert load(str(shown), carried, metrics).policy.sha256 == policy.sha256


def test_a_name_of_two_lines_does_not_break_the_shown_policy(
    resolved: Resolved, carried: Mapping[str, PolicySpec], metrics: Mapping[str, MetricSpec], tmp_path: Path
) -> None:
    rule = 'metric: latency.p50, of: ratio, at_most: 1.1, requires: {runtime: "one\\ntwo: ["}'
    policy = resolved(only_rule(rule)).policy
    shown = tmp_path / "shown.yaml"
    shown.write_text(render_policy(policy), encoding="utf-8")
    assert load(str(shown), carried, metrics).policy == policy
