"""A model that answers what no model may is inconclusive with the reason, and never a pass."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

POINT = "version: 1\nname: point\nmetrics:\n  - {metric: accuracy.top1, at_least: 1%}\n"
"""A rule that no answer fails: what is inconclusive here is so for another reason."""


@pytest.fixture
def vet(world: Any) -> Any:
    """Return a function that vets one candidate in small batches, and gives the exit code."""
    policy = world.folder / "point.yaml"
    policy.write_text(POINT, encoding="utf-8")

    def run(candidate: str, *more: str, batch: str = "16") -> int:
        arguments = ["--reference", world.toy("ref.toy"), "--data", world.data(), "--policy", str(policy)]
        return int(world.check(candidate, *arguments, "--batch-size", batch, *more))

    return run


@pytest.mark.parametrize(
    ("how", "why"),
    [
        ("inf", "NaN or infinity"),
        ("flat", "(N, classes) is needed"),
        ("deep", "(N, classes) is needed"),
        ("short", "(N, classes) is needed"),
        ("none", "(N, classes) is needed"),
        ("no-classes", "answered"),
        ("text", "could not convert"),
        ("nothing", "failed with AttributeError"),
        ("gone", "ended with exit code 0"),
    ],
)
def test_an_answer_of_the_wrong_shape_or_kind_is_inconclusive(world: Any, vet: Any, how: str, why: str) -> None:
    assert vet(world.toy("bad.toy", misbehave=how), "--no-cache") == 3
    assert why in world.reasons()


@pytest.mark.parametrize(
    ("how", "why"),
    [
        ("count", "says it answered 1032 images and was asked 32"),
        ("rows", "for 16 images"),
        ("fewer-rows", "for 16 images"),
        ("no-rows", "for 16 images"),
        ("columns", "answered 4 outputs after 3"),
        ("no-columns", "for 16 images"),
        ("negative-columns", "for 16 images"),
        ("vast-columns", "for which there is no room"),
        ("kind", "what vetgate does not understand"),
        ("unasked", "says it answered 32 images and was asked 48"),
        ("widening", "answered 4 outputs after 3"),
    ],
)
def test_a_process_that_lies_about_its_answers_is_not_believed(world: Any, vet: Any, how: str, why: str) -> None:
    """Each takes its own process over in the first call that misbehaves, and lies from the second batch on."""
    assert vet(world.toy("bad.toy", misbehave=how, when=int(how == "widening")), "--no-cache") == 3
    assert why in world.reasons()


def test_a_model_that_begins_to_lie_after_the_last_image_is_found_out_by_asking_again(world: Any, vet: Any) -> None:
    assert vet(world.toy("bad.toy", misbehave="nan", when=4)) == 3
    assert "NaN or infinity" in world.reasons()
    assert "when 8 images were asked again" in world.reasons()


def test_a_model_whose_answers_change_by_the_call_is_inconclusive(world: Any, vet: Any) -> None:
    assert vet(world.toy("bad.toy", misbehave="noisy")) == 3
    assert "non-deterministic output" in world.reasons()
    assert "change by the call" in world.reasons()
    (found,) = [item for item in world.report()["evidence"] if item["check"] == "repeat"]
    assert found["findings"][0]["rule"] == "repeat.differs"
    assert found["findings"][0]["location"].startswith("candidate")


def test_a_reference_whose_answers_change_spoils_the_reports_of_all_its_candidates(world: Any) -> None:
    policy = world.folder / "point.yaml"
    policy.write_text(POINT, encoding="utf-8")
    reference = world.toy("ref.toy", misbehave="noisy")
    arguments = ["--reference", reference, "--data", world.data(), "--policy", str(policy)]
    assert world.check(world.toy("a.toy"), world.toy("b.toy"), *arguments) == 3
    for index in range(2):
        assert "non-deterministic output" in world.reasons(index)
        assert "reference" in world.reasons(index)


def test_a_model_whose_answers_depend_on_their_neighbours_is_inconclusive(world: Any, vet: Any) -> None:
    assert vet(world.toy("bad.toy", misbehave="neighbours")) == 3
    assert "depend on the images beside them in a batch" in world.reasons()
    assert "--batch-size 1" in world.reasons()


def test_rounding_that_the_precision_explains_is_told_and_spoils_nothing(world: Any, vet: Any) -> None:
    assert vet(world.toy("fine.toy", misbehave="rounded")) == 0, world.reasons()
    (found,) = [item for item in world.report()["evidence"] if item["check"] == "repeat"]
    assert [finding["rule"] for finding in found["findings"]] == ["repeat.rounding"]
    assert [finding["severity"] for finding in found["findings"]] == [0]


def test_a_model_that_repeats_itself_to_the_last_bit_has_nothing_to_tell(world: Any, vet: Any) -> None:
    assert vet(world.toy("same.toy")) == 0
    assert not [item for item in world.report()["evidence"] if item["check"] == "repeat"]
    assert world.report()["candidate"]["answered"] == 60


def test_answers_that_change_do_not_stay_in_the_cache_for_a_second_run_to_pass_on(world: Any, vet: Any) -> None:
    noisy = world.toy("bad.toy", misbehave="noisy")
    assert vet(noisy) == 3
    assert vet(noisy) == 3
    assert not world.report()["candidate"]["from_cache"]
    assert "non-deterministic output" in world.reasons()


def test_a_sequential_run_asks_again_too(world: Any, vet: Any) -> None:
    assert vet(world.toy("bad.toy", misbehave="noisy"), "--sequential") == 3
    assert "non-deterministic output" in world.reasons()


def test_the_files_of_a_liar_leave_no_answer_in_the_cache_for_the_next_run(
    world: Any, vet: Any, own_cache: Path
) -> None:
    assert vet(world.toy("bad.toy", misbehave="columns")) == 3
    assert vet(world.toy("good.toy")) == 0, world.reasons()
