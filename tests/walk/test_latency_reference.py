"""`--latency-reference` times the build of the reference that ships, and nothing that is not a build of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

RULES = """\
version: 1
name: timed
metrics:
  - {metric: accuracy.top1, of: delta, at_least: -1pp}
  - {metric: latency.p50, of: ratio, at_most: 50}
"""


@pytest.fixture
def arguments(world: Any, tmp_path: Path) -> list[str]:
    policy = tmp_path / "timed.yaml"
    policy.write_text(RULES, encoding="utf-8")
    return [world.toy("same.toy"), "--reference", world.toy("ref.toy"), "--data", world.data(), "--policy", str(policy)]


def _decisions(world: Any) -> dict[str, str]:
    return {item["rule"]: item["decision"] for item in world.report()["verdict"]["rulings"]}


def test_the_shipped_build_is_timed_in_place_of_the_reference(world: Any, arguments: list[str]) -> None:
    slow = world.toy("shipped.toy", noise=1e-4, misbehave="slow")
    assert world.check(*arguments, "--latency-reference", slow, "--timing-budget", "4") == 0, world.reasons()
    report = world.report()
    assert report["timed_reference"]["name"] == slow
    assert report["timed_reference"]["sha256"] != report["reference"]["sha256"]
    (ratio,) = [
        figure["value"]
        for evidence in report["evidence"]
        for figure in evidence["measurements"]
        if (figure["metric"], figure["role"], figure["slice"]) == ("latency.p50", "ratio", None)
    ]
    assert ratio < 0.1


def test_a_score_of_one_file_s_size_and_another_s_time_says_so(world: Any, arguments: list[str]) -> None:
    rule = "  - {metric: opscore.inference, of: delta, at_most: 3}\n"
    Path("timed.yaml").write_text(RULES + rule, encoding="utf-8")
    shipped = world.toy("shipped.toy", noise=1e-4)
    world.check(*arguments, "--latency-reference", shipped)
    told = f"{shipped} was timed in place of the reference, whose accuracy and size are those of its own file"
    assert told in world.reasons()
    world.check(*arguments)
    assert "in place of the reference" not in world.reasons()


@pytest.mark.parametrize("misbehave", ["crash", "hang"])
@pytest.mark.parametrize("role", ["candidate", "reference"])
def test_a_model_that_fails_between_two_pairs_leaves_every_rule_on_time_inconclusive(
    role: str, misbehave: str, world: Any, arguments: list[str]
) -> None:
    broken = world.toy("broken.toy", misbehave=misbehave, when=300)
    models = [broken, *arguments[1:]] if role == "candidate" else [*arguments[:2], broken, *arguments[3:]]
    assert world.check(*models, "--timeout", "3") == 3
    assert _decisions(world)["latency.p50/ratio"] == "inconclusive"
    assert _decisions(world)["accuracy.top1/delta"] == "pass"
    assert "check latency skipped" in world.reasons()


def test_without_it_no_other_model_is_named(world: Any, arguments: list[str]) -> None:
    assert world.check(*arguments) == 0, world.reasons()
    assert world.report()["timed_reference"] is None


def test_a_build_without_a_card_is_read_by_the_reference_s(world: Any, arguments: list[str]) -> None:
    bare = world.toy("bare.toy", card=None)
    assert world.check(*arguments, "--latency-reference", bare) == 0, world.reasons()
    assert world.report()["timed_reference"]["card"].endswith("ref.toy.yaml (the reference's)")


def test_a_slow_stranger_is_not_timed(world: Any, arguments: list[str]) -> None:
    stranger = world.toy("stranger.toy", noise=30.0, misbehave="slow")
    assert world.check(*arguments, "--latency-reference", stranger) == 3
    assert _decisions(world)["latency.p50/ratio"] == "inconclusive"
    assert _decisions(world)["accuracy.top1/delta"] == "pass"
    told = world.reasons()
    assert "of 60 images as reference" in told
    assert "stranger.toy" in told
    assert "ref.toy" in told


def test_a_file_that_is_not_there_is_a_usage_error(world: Any, arguments: list[str]) -> None:
    assert world.check(*arguments, "--latency-reference", "nowhere.toy") == 2
    assert "nowhere.toy" in world.err


def test_a_malformed_card_of_it_is_a_usage_error(world: Any, arguments: list[str]) -> None:
    shipped = world.toy("shipped.toy", card="version: 1\ninput: {}\n")
    assert world.check(*arguments, "--latency-reference", shipped) == 2
    assert "shipped.toy.yaml" in world.err


def test_a_build_that_cannot_be_read_leaves_the_rules_on_time_inconclusive(world: Any, arguments: list[str]) -> None:
    empty = Path("empty.toy")
    empty.touch()
    assert world.check(*arguments, "--latency-reference", str(empty)) == 3
    assert _decisions(world) == {
        "accuracy.top1/delta": "pass",
        "latency.p50/ratio": "inconclusive",
        "findings": "pass",
    }
    assert "empty.toy" in world.reasons()


@pytest.mark.parametrize("misbehave", ["crash", "raise", "nan", "lie"])
def test_a_build_that_fails_while_it_is_compared_is_inconclusive(
    misbehave: str, world: Any, arguments: list[str]
) -> None:
    broken = world.toy("broken.toy", misbehave=misbehave)
    assert world.check(*arguments, "--latency-reference", broken) == 3
    assert _decisions(world)["latency.p50/ratio"] == "inconclusive"
    assert _decisions(world)["accuracy.top1/delta"] == "pass"


def test_every_candidate_is_timed_against_it(world: Any, arguments: list[str]) -> None:
    other = world.toy("other.toy", noise=1e-4)
    shipped = world.toy("shipped.toy", noise=1e-4, misbehave="slow")
    assert world.check(other, *arguments, "--latency-reference", shipped, "--timing-budget", "4") == 0, world.reasons()
    assert [world.report(index)["timed_reference"]["name"] for index in range(2)] == [shipped, shipped]


def test_cold_start_and_memory_are_measured_where_a_rule_asks(world: Any, arguments: list[str]) -> None:
    policy = Path("timed.yaml")
    rules = (
        "  - {metric: latency.cold_start, of: ratio, at_most: 20}\n"
        "  - {metric: footprint.peak_memory_mb, at_most: 500MB}\n"
    )
    policy.write_text(RULES + rules, encoding="utf-8")
    assert world.check(*arguments) == 0, world.reasons()
    measured = {item["check"]: item for item in world.report()["evidence"]}
    assert {"latency", "cold_start", "memory"} <= measured.keys()
    assert measured["memory"]["ran"]["candidate"]["runtime"] == "acme"
    policy.write_text(RULES, encoding="utf-8")
    world.check(*arguments)
    assert not {"cold_start", "memory"} & {item["check"] for item in world.report()["evidence"]}
