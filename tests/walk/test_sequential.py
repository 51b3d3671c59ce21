"""`--sequential`: no more images are asked for than the verdict needs, and never a pass for want of them."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

COUNTED = "metric: accuracy.top1, of: delta, at_least: -1pp, confidence: 95%"
AGREES = "metric: similarity.agreement, at_least: 90%, confidence: 95%"
POINT = "name: point, metric: accuracy.f1_macro, of: delta, at_least: -1pp"


def _check(world: Any, *candidates: str, rules: tuple[str, ...] = (COUNTED,), more: tuple[str, ...] = ()) -> int:
    """Run the gate with early stopping on 2,000 images, unless other data is named."""
    data = () if "--data" in more else ("--data", world.data(images=2000))
    arguments = [*candidates, "--reference", world.toy("ref.toy"), "--policy", world.policy(*rules), *data, *more]
    code: int = world.check(*arguments, "--sequential")
    return code


def _answered(world: Any, index: int = 0) -> tuple[int | None, int | None]:
    report = world.report(index)
    return report["candidate"]["answered"], report["reference"]["answered"]


def _figures(world: Any, index: int = 0) -> dict[tuple[str, str, str | None], dict[str, Any]]:
    return {
        (figure["metric"], figure["role"], figure["slice"] and figure["slice"]["value"]): figure
        for evidence in world.report(index)["evidence"]
        for figure in evidence["measurements"]
    }


def test_an_identical_candidate_passes_on_a_part_of_the_images_and_the_report_says_how_many(world: Any) -> None:
    assert _check(world, world.toy("same.toy")) == 0, world.reasons()
    stopping, data = world.report()["stopping"], world.report()["data"]
    assert stopping["early"]
    assert stopping["because"] == "every rule on images is decided"
    assert (stopping["available"], stopping["images"]) == (2000, data["images"])
    assert _answered(world) == (stopping["images"], stopping["images"])
    assert stopping["images"] <= 600
    looks = _figures(world)["accuracy.top1", "delta", None]["uncertainty"]
    assert looks["kind"] == "looks"
    assert looks["n"][-1] == stopping["images"]
    assert len(looks["n"]) == stopping["looks"]


def test_a_strangers_check_that_counts_images_stops_early_too(world: Any) -> None:
    sure = "metric: acme.sure, at_least: 1%, confidence: 95%"
    assert _check(world, world.toy("same.toy"), rules=(sure,)) == 0, world.reasons()
    assert world.report()["stopping"]["early"]
    assert _figures(world)["acme.sure", "candidate", None]["uncertainty"]["kind"] == "looks"


def test_a_far_worse_candidate_fails_at_the_first_look(world: Any) -> None:
    assert _check(world, world.toy("bad.toy", noise=3.0)) == 1
    assert _answered(world) == (64, 64)
    assert "rule accuracy.top1/delta fails" in world.report()["stopping"]["because"]


def test_a_later_full_run_asks_only_for_what_was_left_and_a_repeated_one_for_nothing(world: Any) -> None:
    same = world.toy("same.toy")
    assert _check(world, same) == 0
    first, used = world.report(), world.report()["stopping"]["images"]
    assert _check(world, same) == 0
    again = world.report()
    assert _answered(world) == (None, None)
    assert again["candidate"]["from_cache"]
    assert [item["measurements"] for item in again["evidence"]] == [item["measurements"] for item in first["evidence"]]
    assert again["verdict"] == first["verdict"]
    arguments = ["--reference", world.toy("ref.toy"), "--data", world.data(images=2000), "--policy", "policy.yaml"]
    assert world.check(same, *arguments) == 0
    assert _answered(world) == (2000 - used, 2000 - used)
    assert world.report()["stopping"] is None


def test_the_reference_goes_on_from_what_it_answered_for_the_candidate_before(world: Any) -> None:
    bad, same, worse = (world.toy(f"{noise}.toy", noise=noise) for noise in (3.0, 1e-7, 5.0))
    assert _check(world, bad, same, worse) == 1
    used = [world.report(index)["stopping"]["images"] for index in range(3)]
    assert used[0] == used[2] == 64 < used[1]
    assert [_answered(world, index) for index in range(3)] == [(64, 64), (used[1], used[1]), (64, used[1])]
    assert [world.report(index)["data"]["images"] for index in range(3)] == used


def test_a_rule_that_only_warns_is_decided_too_but_settles_nothing_alone(world: Any) -> None:
    bad = world.toy("bad.toy", noise=3.0)
    soft = f"{COUNTED}, otherwise: warn"
    loose = "metric: similarity.agreement, at_least: 5%, confidence: 95%"
    assert _check(world, bad, rules=(soft, loose)) == 0, world.reasons()
    assert world.report()["verdict"]["decision"] == "warn"
    assert world.report()["stopping"]["because"] == "every rule on images is decided"


def test_a_rule_on_each_class_waits_until_every_class_was_assessed(world: Any) -> None:
    rare = np.zeros(2000, dtype=np.int64)
    rare[:40] = 1
    rare[40:45] = 2
    data = world.data(images=2000, labels=rare)
    each = "metric: accuracy.recall, slice: each label, of: delta, at_least: -99pp, confidence: 95%"
    assert _check(world, world.toy("same.toy"), rules=(each,), more=("--data", data)) in (0, 3)
    names = {where for metric, _, where in _figures(world) if metric == "accuracy.recall" and where is not None}
    counts = {where: _figures(world)["accuracy.recall", "delta", where]["n"] for where in names}
    assert counts["1"] >= 10
    (ruling,) = [item for item in world.report()["verdict"]["rulings"] if item["metric"] == "accuracy.recall"]
    assert ruling["decision"] == "pass"
    assert world.report()["stopping"]["images"] > 64


def test_a_policy_of_point_rules_cannot_stop_early_and_says_so(world: Any) -> None:
    assert _check(world, world.toy("same.toy"), rules=(POINT, COUNTED)) == 0, world.reasons()
    stopping = world.report()["stopping"]
    assert (stopping["images"], stopping["early"]) == (2000, False)
    assert stopping["because"] == "cannot stop early because of rule point"
    assert _figures(world)["accuracy.top1", "delta", None]["uncertainty"]["kind"] == "looks"
    same, reference, data = world.toy("same.toy"), world.toy("ref.toy"), world.data(images=2000)
    arguments = [same, "--reference", reference, "--data", data, "--policy", "policy.yaml", "--sequential", "--plan"]
    assert world.run("check", *arguments) == 0
    assert "cannot stop early because of rule point\n" in world.out


def test_a_run_that_waits_for_all_images_still_stops_at_a_failure_and_then_bounds_nothing_else(world: Any) -> None:
    gap = "name: held, metric: accuracy.f1_macro, of: delta, at_least: -1pp, confidence: 95%"
    assert _check(world, world.toy("bad.toy", noise=3.0), rules=(COUNTED, gap)) == 1
    assert world.report()["stopping"]["images"] == 64
    figure = _figures(world)["accuracy.f1_macro", "delta", None]
    assert figure["uncertainty"]["kind"] == "none"
    assert "stopped early" in figure["note"]
    decisions = {item["rule"]: item["decision"] for item in world.report()["verdict"]["rulings"]}
    assert decisions["held"] == "inconclusive"


def _judge_again(world: Any, *rules: str) -> dict[str, str]:
    saved, policy = str(world.folder / "report.json"), world.policy(*rules, name="other.yaml")
    code = world.run("judge", saved, "--policy", policy, "--report", f"json={world.folder / 'judged.json'}")
    verdict = json.loads((world.folder / "judged.json").read_text(encoding="utf-8"))["reports"][0]["verdict"]
    assert code == {"pass": 0, "warn": 0, "fail": 1, "inconclusive": 3}[verdict["decision"]]
    return {item["rule"]: item["decision"] for item in verdict["rulings"]}


def test_another_policy_passes_no_point_rule_on_the_images_that_a_run_stopped_at(world: Any) -> None:
    assert _check(world, world.toy("same.toy"), rules=(COUNTED, AGREES)) == 0
    looser = "name: looser, metric: accuracy.top1, of: delta, at_least: -2pp, confidence: 95%"
    decisions = _judge_again(world, POINT, looser, AGREES)
    assert decisions == {"point": "inconclusive", "looser": "pass", "similarity.agreement": "pass", "findings": "pass"}
    full = [world.toy("same.toy"), "--reference", world.toy("ref.toy"), "--data", world.data(images=2000)]
    assert world.check(*full, "--policy", world.policy(COUNTED, AGREES)) == 0
    assert _judge_again(world, POINT)["point"] == "pass"


def test_another_policy_passes_no_rule_on_classes_that_the_run_had_not_assessed_when_it_stopped(world: Any) -> None:
    rare = np.zeros(2000, dtype=np.int64)
    rare[:40] = 1
    data = world.data(images=2000, labels=rare)
    size = "metric: footprint.size_mb, of: ratio, at_most: 0.1"
    each = "metric: accuracy.recall, slice: each label, of: delta, at_least: -99pp, confidence: 95%"
    assert _check(world, world.toy("same.toy"), rules=(size, each), more=("--data", data)) == 1
    assert world.report()["stopping"]["images"] == 64
    assert _judge_again(world, each)["accuracy.recall/delta/each label"] == "inconclusive"
    assert _check(world, world.toy("same.toy"), rules=(each,), more=("--data", data)) == 0
    assert world.report()["stopping"]["early"]
    assert _judge_again(world, each.replace("-99pp", "-99.5pp"))["accuracy.recall/delta/each label"] == "pass"


def test_a_rule_on_the_file_that_fails_leaves_nothing_to_settle_after_the_first_look(world: Any) -> None:
    size = "metric: footprint.size_mb, of: ratio, at_most: 0.1"
    assert _check(world, world.toy("same.toy"), rules=(size, POINT, COUNTED)) == 1
    assert world.report()["stopping"]["images"] == 64


@pytest.mark.parametrize("misbehave", ["crash", "nan", "lie", "raise"])
def test_a_model_that_breaks_at_a_later_look_is_inconclusive(world: Any, misbehave: str) -> None:
    broken = world.toy("broken.toy", misbehave=misbehave, when=3)
    assert _check(world, broken, world.toy("same.toy")) == 3
    assert world.report(0)["verdict"]["decision"] == "inconclusive"
    stopping = world.report(0)["stopping"]
    assert (stopping["early"], stopping["looks"]) == (False, 3)
    assert "broken.toy" in stopping["because"]
    assert world.report(1)["verdict"]["decision"] == "pass"


def test_without_data_nothing_stops_and_nothing_passes(world: Any) -> None:
    arguments = ["--reference", world.toy("ref.toy"), "--policy", world.policy(COUNTED), "--sequential"]
    assert world.check(world.toy("same.toy"), *arguments) == 3
    assert world.report()["stopping"] is None
    assert "--data" in world.reasons()


def test_one_image_settles_nothing(world: Any) -> None:
    assert _check(world, world.toy("same.toy"), more=("--data", world.data(images=1))) == 3
    assert (world.report()["stopping"]["images"], world.report()["stopping"]["early"]) == (1, False)


def test_without_labels_rules_on_accuracy_stay_open_to_the_last_image(world: Any) -> None:
    data = world.data(images=300, labels=None)
    assert _check(world, world.toy("same.toy"), rules=(COUNTED, AGREES), more=("--data", data)) == 3
    assert world.report()["stopping"]["images"] == 300
    decisions = {item["metric"]: item["decision"] for item in world.report()["verdict"]["rulings"]}
    assert decisions["accuracy.top1"] == "inconclusive"
    assert decisions["similarity.agreement"] == "pass"


def test_a_limit_is_all_there_is_to_stop_within(world: Any) -> None:
    assert _check(world, world.toy("same.toy"), more=("--limit", "100")) == 3
    stopping = world.report()["stopping"]
    assert (stopping["images"], stopping["available"], stopping["early"]) == (100, 100, False)
    assert stopping["because"] == "no look before the last settled the verdict"


def test_the_seed_draws_the_order(world: Any) -> None:
    used = []
    for seed in ("1", "2", "1"):
        assert _check(world, world.toy("same.toy"), more=("--seed", seed, "--no-cache")) == 0
        used.append(world.report()["data"]["sha256"])
    assert used[0] == used[2] != used[1]


def test_images_that_cannot_be_read_keep_a_run_from_passing(world: Any) -> None:
    from PIL import Image

    fed = np.random.default_rng(2).integers(0, 256, size=(700, 4, 4), dtype=np.uint8)
    answers = (((fed.reshape(700, -1) / 255 - 0.5) / 0.25) @ world.weight).argmax(axis=1)
    with zipfile.ZipFile(world.folder / "set.zip", "w") as archive:
        for index, (pixels, answer) in enumerate(zip(fed, answers.tolist(), strict=True)):
            file = world.folder / "image.png"
            Image.fromarray(pixels).save(file)
            archive.writestr(f"{answer}/{index:03}.png", file.read_bytes()[: 40 if index % 50 == 0 else None])
    more = ("--data", str(world.folder / "set.zip"))
    assert _check(world, world.toy("same.toy"), more=more) == 3
    assert world.report()["stopping"]["images"] == 700
    assert "14 of 700 images cannot be read" in world.reasons()
    assert _check(world, world.toy("same.toy"), more=(*more, "--max-unreadable", "0.1")) == 0, world.reasons()
    data, stopping = world.report()["data"], world.report()["stopping"]
    assert stopping["images"] < 700
    assert data["images"] + len(data["unreadable"]) == stopping["images"]


def test_a_run_that_was_interrupted_goes_on_where_it_was(world: Any) -> None:
    slow, reference = world.toy("slow.toy", misbehave="slow"), world.toy("ref.toy")
    arguments = [slow, "--reference", reference, "--data", world.data(images=1000), "--policy", world.policy(POINT)]
    arguments += ["--sequential", "--batch-size", "4"]
    command = [sys.executable, "-m", "vetgate", "check", *arguments, "--verbose"]
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's `&` has it ignored, and a child inherits that
    process = subprocess.Popen(command, cwd=world.folder, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None
    for line in process.stderr:
        if line.startswith("check: contract"):
            break
    time.sleep(4)  # all answers take more than three times as long
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=60)
    assert process.returncode == 130
    assert world.check(*arguments) == 0, world.reasons()
    candidate, answered = _answered(world)
    assert candidate is not None
    assert answered is not None
    assert candidate < 1000
    assert answered < 1000
    assert world.report()["stopping"]["images"] == 1000


def test_configuration_and_environment_ask_for_it_too(world: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    arguments = ["--reference", world.toy("ref.toy"), "--data", world.data(images=2000), "--policy"]
    arguments.append(world.policy(COUNTED))
    Path("vetgate.yaml").write_text("sequential: true\n", encoding="utf-8")
    assert world.check(world.toy("same.toy"), *arguments) == 0
    assert world.report()["stopping"]["early"]
    Path("vetgate.yaml").unlink()
    monkeypatch.setenv("VETGATE_SEQUENTIAL", "true")
    assert world.check(world.toy("same.toy"), *arguments) == 0
    assert world.report()["stopping"]["early"]
    monkeypatch.setenv("VETGATE_SEQUENTIAL", "perhaps")
    assert world.check(world.toy("same.toy"), *arguments) == 2
    assert "VETGATE_SEQUENTIAL" in world.err
