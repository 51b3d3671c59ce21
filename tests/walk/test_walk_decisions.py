"""The walk, from argv to exit code, on models small enough to know the answer."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

CARD = """\
version: 1
input: {size: [4, 4], resize: none, colour: grey, scale: 1/255, mean: [0.5], std: [0.25], layout: NCHW}
output: {kind: logits}
"""
POINT = "version: 1\nname: point\nmetrics:\n  - {metric: accuracy.top1, of: delta, at_least: -1pp}\n"


@pytest.fixture
def policy(tmp_path: Path) -> str:
    path = tmp_path / "point.yaml"
    path.write_text(POINT, encoding="utf-8")
    return str(path)


def test_an_identical_copy_passes(world: Any, policy: str) -> None:
    code = world.check(
        world.toy("same.toy"), "--reference", world.toy("ref.toy"), "--data", world.data(), "--policy", policy
    )
    assert code == 0, world.reasons()
    assert world.report()["verdict"]["decision"] == "pass"
    assert "PASS" in world.out


def test_a_damaged_copy_fails_with_the_numbers(world: Any, policy: str) -> None:
    bad = world.toy("bad.toy", noise=3.0)
    code = world.check(bad, "--reference", world.toy("ref.toy"), "--data", world.data(), "--policy", policy)
    assert code == 1
    (ruling,) = [item for item in world.report()["verdict"]["rulings"] if item["metric"] == "accuracy.top1"]
    assert ruling["decision"] == "fail"
    assert ruling["observed"] < -0.01
    assert "pp" in ruling["because"]


def test_forty_images_are_too_few_for_a_confident_answer(world: Any) -> None:
    same, reference, data = world.toy("same.toy"), world.toy("ref.toy"), world.data(images=40)
    assert world.check(same, "--reference", reference, "--data", data, "--policy", "smoke") == 3
    assert world.report()["verdict"]["decision"] == "inconclusive"


def test_without_data_nothing_passes(world: Any, policy: str) -> None:
    code = world.check(world.toy("same.toy"), "--reference", world.toy("ref.toy"), "--policy", policy)
    assert code == 3
    assert "--data" in world.reasons()


def test_without_labels_rules_on_accuracy_are_inconclusive_and_others_run(world: Any, tmp_path: Path) -> None:
    both = tmp_path / "both.yaml"
    both.write_text(POINT + "  - {metric: similarity.agreement, at_least: 90%}\n", encoding="utf-8")
    data = world.data(labels=None)
    code = world.check(
        world.toy("same.toy"), "--reference", world.toy("ref.toy"), "--data", data, "--policy", str(both)
    )
    assert code == 3
    decisions = {item["rule"]: item["decision"] for item in world.report()["verdict"]["rulings"]}
    assert decisions["accuracy.top1/delta"] == "inconclusive"
    assert decisions["similarity.agreement"] == "pass"


def test_several_candidates_get_a_report_each_and_the_worst_decides(world: Any, policy: str) -> None:
    good, bad, broken = world.toy("good.toy"), world.toy("bad.toy", noise=3.0), str(world.folder / "empty.toy")
    Path(broken).touch()
    code = world.check(
        good, bad, broken, "--reference", world.toy("ref.toy"), "--data", world.data(), "--policy", policy
    )
    assert code == 1
    assert [world.report(index)["verdict"]["decision"] for index in range(3)] == ["pass", "fail", "inconclusive"]
    assert "empty" in world.reasons(2)


def test_a_second_run_answers_from_the_cache_alike(world: Any, policy: str) -> None:
    arguments = [world.toy("same.toy"), "--reference", world.toy("ref.toy"), "--data", world.data(), "--policy", policy]
    world.check(*arguments)
    first = world.report()
    world.check(*arguments)
    second = world.report()
    assert not first["candidate"]["from_cache"]
    assert second["candidate"]["from_cache"]
    assert second["reference"]["from_cache"]

    def measured(report: dict[str, Any]) -> list[Any]:
        return [item["measurements"] for item in report["evidence"]]

    assert measured(first) == measured(second)


def test_the_cache_answers_only_for_the_images_it_knows(world: Any, policy: str) -> None:
    models = [world.toy("same.toy"), "--reference", world.toy("ref.toy"), "--policy", policy]
    data = world.data()
    world.check(*models, "--data", data, "--limit", "20")
    assert world.report()["data"]["images"] == 20
    world.check(*models, "--data", data)
    assert world.report()["data"]["images"] == 60
    assert not world.report()["candidate"]["from_cache"]
    world.check(*models, "--data", data, "--limit", "30", "--seed", "9")
    assert world.report()["candidate"]["from_cache"]


def test_another_card_is_another_cache_entry(world: Any, policy: str) -> None:
    arguments = [world.toy("same.toy"), "--reference", world.toy("ref.toy"), "--data", world.data(), "--policy", policy]
    world.check(*arguments)
    card = world.folder / "same.toy.yaml"
    card.write_text(card.read_text(encoding="utf-8").replace("std: [0.25]", "std: [0.5]"), encoding="utf-8")
    world.check(*arguments)
    assert not world.report()["candidate"]["from_cache"]


def test_a_card_inside_the_file_is_found(world: Any, policy: str) -> None:
    inside = world.toy("inside.toy", card=None)
    assert world.check(inside, "--reference", world.toy("ref.toy"), "--data", world.data(), "--policy", policy) == 2
    assert "has no card" in world.err
    inside = world.toy("inside.toy", card=None, metadata=True)
    assert world.check(inside, "--reference", world.toy("ref.toy"), "--data", world.data(), "--policy", policy) == 0


def test_a_saved_report_is_judged_by_another_policy_without_models(world: Any, policy: str) -> None:
    bad = world.toy("bad.toy", noise=3.0)
    world.check(bad, "--reference", world.toy("ref.toy"), "--data", world.data(), "--policy", policy)
    Path(bad).unlink()
    lenient = world.folder / "lenient.yaml"
    lenient.write_text(POINT.replace("-1pp", "-99pp"), encoding="utf-8")
    assert world.run("judge", "report.json", "--policy", str(lenient)) == 0
    strict = world.folder / "other.yaml"
    strict.write_text(POINT + "  - {metric: latency.p50, of: ratio, at_most: 2}\n", encoding="utf-8")
    assert world.run("judge", "report.json", "--policy", str(strict)) == 1


def test_an_observer_that_fails_is_a_warning_and_no_verdict(world: Any, policy: str) -> None:
    code = world.check(
        world.toy("same.toy"), "--reference", world.toy("ref.toy"), "--data", world.data(), "--policy", policy
    )
    assert code == 0
    warnings = "\n".join(world.report()["warnings"])
    assert "acme cannot watch" in warnings
    assert "acme-broken" in warnings


def test_a_warning_counts_as_fail_when_strict(world: Any) -> None:
    soft = world.folder / "soft.yaml"
    soft.write_text(POINT.replace("-1pp", "-1pp, otherwise: warn"), encoding="utf-8")
    bad = world.toy("bad.toy", noise=3.0)
    arguments = [bad, "--reference", world.toy("ref.toy"), "--data", world.data(), "--policy", str(soft)]
    assert world.check(*arguments) == 0
    assert world.report()["verdict"]["decision"] == "warn"
    assert world.check(*arguments, "--strict") == 1


def test_latency_is_measured_on_live_models_and_opscore_from_evidence(world: Any) -> None:
    timed = world.folder / "timed.yaml"
    rules = (
        "  - {metric: latency.p50, of: ratio, at_most: 50}\n  - {metric: opscore.inference, of: delta, at_most: 5}\n"
    )
    timed.write_text(POINT + rules, encoding="utf-8")
    arguments = [
        world.toy("same.toy"),
        "--reference",
        world.toy("ref.toy"),
        "--data",
        world.data(),
        "--policy",
        str(timed),
    ]
    assert world.check(*arguments) == 0, world.reasons()
    figures = {item["metric"] for evidence in world.report()["evidence"] for item in evidence["measurements"]}
    assert {"latency.p50", "latency.throughput", "footprint.size_mb", "opscore.inference"} <= figures
    assert world.report()["candidate"]["execution"]["runtime"] == "acme"


def test_the_plan_opens_no_model_and_says_what_is_missing(world: Any) -> None:
    crash, reference, data = world.toy("crash.toy", misbehave="crash"), world.toy("ref.toy"), world.data(images=40)
    assert world.run("check", crash, "--reference", reference, "--data", data, "--policy", "smoke", "--plan") == 0
    assert "quality" in world.out
    assert "CANNOT BE SETTLED" in world.out
    assert "40 images to run" in world.out


def test_configuration_gives_what_flags_do_not(world: Any, policy: str, monkeypatch: pytest.MonkeyPatch) -> None:
    world.toy("ref.toy")
    config = {"reference": "ref.toy", "data": Path(world.data()).name, "policy": Path(policy).name}
    (world.folder / "vetgate.yaml").write_text(json.dumps(config), encoding="utf-8")
    below = world.folder / "below"
    below.mkdir()
    same = world.toy("below/same.toy")
    monkeypatch.chdir(below)
    assert world.check(same) == 0, world.err
    monkeypatch.setenv("VETGATE_LIMIT", "10")
    assert world.check(same) == 0
    assert world.report()["data"]["images"] == 10


def test_labels_matched_by_index_are_told_where_only_one_side_names_its_classes(world: Any, policy: str) -> None:
    named = CARD.replace("kind: logits", "kind: logits, classes: [a, b, c]")
    arguments = ["--reference", world.toy("ref.toy", card=named), "--data", world.data(), "--policy", policy]
    assert world.check(world.toy("same.toy"), *arguments) == 0
    assert any("matched by index" in warning for warning in world.report()["warnings"])
