"""The walk keeps its answers in their rows and its exit codes right when something beside it goes wrong."""

from __future__ import annotations

import json
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

FASHION = Path(__file__).parent.parent.parent / "examples" / "fashion"
POINT = (
    "version: 1\nname: point\nmetrics:\n  - {metric: accuracy.top1, of: delta, at_least: -1pp}\n"
    "  - {metric: similarity.agreement, at_least: 99%}\n"
)


@pytest.fixture
def policy(tmp_path: Path) -> str:
    path = tmp_path / "point.yaml"
    path.write_text(POINT, encoding="utf-8")
    return str(path)


def _figures(report: dict[str, Any]) -> dict[tuple[str, str], float]:
    return {
        (figure["metric"], figure["role"]): figure["value"]
        for evidence in report["evidence"]
        for figure in evidence["measurements"]
        if figure["slice"] is None
    }


def _decisions(world: Any, count: int) -> list[str]:
    return [world.report(index)["verdict"]["decision"] for index in range(count)]


def test_a_candidate_whose_card_does_not_fit_the_images_spoils_no_answer_of_the_reference(
    world: Any, policy: str
) -> None:
    """The reference is asked about the same images again by the next candidate, from a clean connection."""
    from PIL import Image

    with zipfile.ZipFile(world.folder / "set.zip", "w") as archive:
        fed = np.random.default_rng(2).integers(0, 256, size=(30, 4, 4), dtype=np.uint8)
        answers = (((fed.reshape(30, -1) / 255 - 0.5) / 0.25) @ world.weight).argmax(axis=1)
        for index, (pixels, answer) in enumerate(zip(fed, answers.tolist(), strict=True)):
            file = world.folder / "image.png"
            Image.fromarray(pixels if index != 20 else np.tile(pixels, (2, 2))).save(file)
            archive.write(file, f"{answer}/{index:02}.png")
    wide = Path(world.toy("x.toy") + ".yaml").read_text(encoding="utf-8")
    sized = wide.replace("resize: none", "resize: {to: [4, 4], interpolation: nearest}")
    odd, good = world.toy("odd.toy"), world.toy("good.toy", card=sized)
    reference = world.toy("ref.toy", card=sized)
    arguments = ["--reference", reference, "--data", str(world.folder / "set.zip"), "--policy", policy]
    code = world.check(odd, good, *arguments, "--batch-size", "3", "--no-cache")
    assert code == 3
    assert _decisions(world, 2) == ["inconclusive", "pass"]
    assert "8 x 8" in world.reasons(0)
    assert _figures(world.report(1))["similarity.agreement", "pair"] == 1


def test_labels_stay_with_their_images_when_some_cannot_be_read(world: Any, policy: str) -> None:
    from PIL import Image

    fed = np.random.default_rng(2).integers(0, 256, size=(30, 4, 4), dtype=np.uint8)
    answers = (((fed.reshape(30, -1) / 255 - 0.5) / 0.25) @ world.weight).argmax(axis=1)
    with zipfile.ZipFile(world.folder / "set.zip", "w") as archive:
        for index, (pixels, answer) in enumerate(zip(fed, answers.tolist(), strict=True)):
            file = world.folder / "image.png"
            Image.fromarray(pixels).save(file)
            content = file.read_bytes()
            archive.writestr(f"{answer}/{index:02}.png", content if index % 7 else content[:40])
    arguments = ["--reference", world.toy("ref.toy"), "--data", str(world.folder / "set.zip"), "--policy", policy]
    code = world.check(world.toy("same.toy"), *arguments, "--batch-size", "4", "--max-unreadable", "0.5")
    assert code == 0, world.reasons()
    assert world.report()["data"]["images"] == 25
    assert _figures(world.report())["accuracy.top1", "reference"] == 1


def test_classes_in_another_order_are_matched_by_their_names(world: Any, policy: str) -> None:
    from acme_vetgate.backend import write_toy

    reference = world.toy("ref.toy")
    card = Path(f"{reference}.yaml").read_text(encoding="utf-8")
    named = card.replace("{kind: logits}", "{kind: logits, classes: [%s]}")
    Path(f"{reference}.yaml").write_text(named % "ant, bee, cow", encoding="utf-8")
    turned = write_toy(world.folder / "turned.toy", world.weight[:, [2, 0, 1]])
    Path(f"{turned}.yaml").write_text(named % "cow, ant, bee", encoding="utf-8")
    arguments = ["--reference", reference, "--data", world.data(), "--policy", policy]
    assert world.check(str(turned), *arguments) == 0, world.reasons()
    Path(f"{turned}.yaml").write_text(named % "ant, bee, cow", encoding="utf-8")
    assert world.check(str(turned), *arguments) == 1


def test_a_card_that_lists_too_few_classes_is_a_usage_error_and_no_bug(world: Any, policy: str) -> None:
    candidate = world.toy("same.toy")
    card = Path(f"{candidate}.yaml")
    text = card.read_text(encoding="utf-8").replace("logits}", "logits, classes: [a, b]}")
    card.write_text(text, encoding="utf-8")
    code = world.check(candidate, "--reference", world.toy("ref.toy"), "--data", world.data(), "--policy", policy)
    assert code in (1, 2), world.err


def test_a_reference_without_a_card_is_a_usage_error_for_several_candidates_too(world: Any, policy: str) -> None:
    arguments = ["--reference", world.toy("ref.toy", card=None), "--data", world.data(), "--policy", policy]
    assert world.check(world.toy("a.toy"), world.toy("b.toy"), *arguments) == 2
    assert "ref.toy has no card" in world.err


def test_a_reference_that_cannot_be_described_is_told_by_every_report_without_asking_again(
    world: Any, policy: str
) -> None:
    reference = Path(world.toy("ref.toy"))
    reference.write_bytes(reference.read_bytes()[:-10])
    arguments = ["--reference", str(reference), "--data", world.data(), "--policy", policy]
    assert world.check(world.toy("a.toy"), world.toy("b.toy"), *arguments) == 3
    assert all("ref.toy" in world.reasons(index) for index in range(2))
    assert all("truncated" in world.reasons(index) for index in range(2))


def test_labels_out_of_range_are_a_usage_error_for_several_candidates_too(world: Any, policy: str) -> None:
    arguments = ["--reference", world.toy("ref.toy"), "--data", world.data(labels=[7] * 60), "--policy", policy]
    assert world.check(world.toy("a.toy"), world.toy("b.toy"), *arguments) == 2
    assert "label 7" in world.err


def test_a_model_may_stand_twice_and_against_itself(world: Any, policy: str) -> None:
    reference = world.toy("ref.toy")
    arguments = ["--reference", reference, "--data", world.data(), "--policy", policy]
    assert world.check(reference, reference, *arguments) == 0
    assert _decisions(world, 2) == ["pass", "pass"]


def test_only_what_came_from_the_cache_says_so(world: Any, policy: str) -> None:
    arguments = ["--reference", world.toy("ref.toy"), "--data", world.data(), "--policy", policy]
    world.check(world.toy("a.toy"), world.toy("b.toy", noise=0.001), *arguments)
    assert not world.report(0)["reference"]["from_cache"]
    assert not world.report(1)["reference"]["from_cache"]


def test_a_path_may_hold_spaces_signs_and_an_equals_sign(world: Any, policy: str) -> None:
    odd = world.folder / "ein Ordner é=1"
    odd.mkdir()
    candidate = world.toy("ein Ordner é=1/a b=c.toy", card=None)
    card = odd / "the card=1.yaml"
    card.write_bytes(Path(world.toy("x.toy") + ".yaml").read_bytes())
    arguments = ["--reference", world.toy("ref.toy"), "--data", world.data("é 1=2.npz"), "--policy", policy]
    assert world.check(candidate, *arguments, "--card", f"{candidate}={card}") == 0, world.err
    assert world.report()["candidate"]["name"] == candidate
    assert world.report()["candidate"]["card"] == str(card)


def test_a_card_inside_that_contradicts_the_one_beside_is_an_error_naming_both(world: Any, policy: str) -> None:
    candidate = world.toy("two.toy", metadata=True)
    card = Path(f"{candidate}.yaml")
    card.write_text(card.read_text(encoding="utf-8").replace("0.25", "0.5"), encoding="utf-8")
    arguments = [candidate, "--reference", world.toy("ref.toy"), "--data", world.data(), "--policy", policy]
    for _ in range(2):  # also when the structure comes from the cache
        assert world.check(*arguments) == 2
        assert "two.toy.yaml and metadata of" in world.err
    assert world.check(*arguments, "--card", str(card)) == 0
    assert world.report()["candidate"]["card"] == str(card)


def test_a_card_inside_may_name_a_deployment_batch_larger_than_any_other(world: Any) -> None:
    timed = world.folder / "timed.yaml"
    timed.write_text(POINT + "  - {metric: latency.p50, of: ratio, at_most: 1000}\n", encoding="utf-8")
    from acme_vetgate.backend import write_toy

    card = Path(world.toy("x.toy") + ".yaml").read_text(encoding="utf-8") + "batch: 100\n"
    inside = write_toy(world.folder / "inside.toy", world.weight, card=card)
    arguments = ["--reference", world.toy("ref.toy", card=card), "--data", world.data(), "--policy", str(timed)]
    assert world.check(str(inside), *arguments, "--batch-size", "8") == 0, world.reasons() + world.err


@pytest.mark.parametrize("flag", [["--timeout", "0"], ["--timeout", "nan"], ["--seed", "-1"], ["--limit", "0"]])
def test_a_flag_out_of_range_is_a_usage_error(world: Any, flag: list[str]) -> None:
    assert world.run("check", world.toy("a.toy"), "--reference", world.toy("b.toy"), *flag) == 2
    assert flag[0] in world.err


def test_a_limit_over_the_number_of_images_takes_all(world: Any, policy: str) -> None:
    arguments = ["--reference", world.toy("ref.toy"), "--data", world.data(), "--policy", policy]
    assert world.check(world.toy("same.toy"), *arguments, "--limit", "6000") == 0
    assert world.report()["data"]["images"] == 60


def test_a_report_to_stdout_is_all_that_stands_there(world: Any, policy: str) -> None:
    arguments = ["--reference", world.toy("ref.toy"), "--data", world.data(), "--policy", policy]
    assert world.run("check", world.toy("same.toy"), *arguments, "--report", "json=-") == 0
    assert json.loads(world.out)["reports"][0]["verdict"]["decision"] == "pass"


def test_a_reader_that_goes_away_loses_neither_the_decision_nor_other_reports(world: Any, policy: str) -> None:
    bad, reference = world.toy("bad.toy", noise=3.0), world.toy("ref.toy")
    command = [sys.executable, "-m", "vetgate", "check", bad, "--reference", reference, "--data", world.data()]
    process = subprocess.Popen(
        [*command, "--policy", policy, "--report", "json=report.json"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    process.stdout.close()
    assert process.stderr is not None
    err = process.stderr.read()
    assert process.wait(timeout=60) == 1, err
    assert world.report()["verdict"]["decision"] == "fail"
    assert "Traceback" not in err
    assert "Exception ignored" not in err


def test_a_reader_of_another_command_that_goes_away_is_no_bug(world: Any) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "vetgate", "policy", "list", "--metrics"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    process.stdout.close()
    assert process.stderr is not None
    assert process.stderr.read() == ""
    assert process.wait(timeout=60) == 141


def test_the_plan_says_which_package_is_missing_and_how_to_get_it(world: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from vetgate.host import registry
    from vetgate.host.extras import lacking as original

    def lacking(distribution: str, extra: str) -> tuple[str, ...]:
        return ("onnxruntime>=99",) if extra == "onnx" else original(distribution, extra)

    monkeypatch.setattr(registry, "lacking", lacking)
    model = str(FASHION / "int8.onnx")
    assert world.run("check", model, "--reference", model, "--policy", "smoke", "--plan") == 0
    assert "backend 'onnx' needs onnxruntime>=99: pip install 'vetgate[onnx]'" in world.out
    assert world.check(model, "--reference", model, "--data", str(FASHION / "test.npz"), "--policy", "smoke") == 3
    assert "pip install 'vetgate[onnx]'" in world.reasons()


@pytest.mark.parametrize("read", ["same.toy", "ref.toy", "data.npz", "point.yaml", "same.toy.yaml"])
def test_a_report_is_never_written_over_what_the_run_reads(world: Any, read: str) -> None:
    policy = world.folder / "point.yaml"
    policy.write_text("version: 1\nname: p\nmetrics:\n  - {metric: accuracy.top1, at_least: 1%}\n", encoding="utf-8")
    arguments = ["check", world.toy("same.toy"), "--reference", world.toy("ref.toy"), "--data", world.data()]
    before = (world.folder / read).read_bytes()
    assert world.run(*arguments, "--policy", "point.yaml", "--report", f"json={read}") == 2
    assert "which this run reads" in world.err
    assert (world.folder / read).read_bytes() == before


def test_a_candidate_that_is_the_reference_itself_is_told(world: Any) -> None:
    reference = world.toy("ref.toy")
    world.check(reference, "--reference", reference, "--data", world.data(), "--policy", "smoke")
    assert any("the same file" in warning for warning in world.report()["warnings"])


def test_a_layout_the_wrong_way_round_is_the_cards_mistake(world: Any) -> None:
    card = Path(world.toy("ref.toy") + ".yaml").read_text(encoding="utf-8").replace("NCHW", "NHWC")
    candidate = world.toy("turned.toy", card=card)
    arguments = ["--reference", str(world.folder / "ref.toy"), "--data", world.data(), "--policy", "smoke"]
    assert world.check(candidate, *arguments) == 2
    assert "set layout: NCHW" in world.err


def test_class_names_of_another_number_are_never_matched_by_index(world: Any) -> None:
    data = world.folder / "named.npz"
    images = np.zeros((6, 4, 4), dtype=np.uint8)
    np.savez(data, images=images, labels=np.arange(6) % 2, classes=np.array(["cat", "dog"]))
    arguments = ["--reference", world.toy("ref.toy"), "--data", str(data), "--policy", "smoke"]
    assert world.check(world.toy("same.toy"), *arguments) == 2
    assert "names 2 classes and the models tell 3 apart" in world.err


def test_a_plugin_that_is_not_there_cannot_be_switched_off(world: Any) -> None:
    assert world.run("check", world.toy("a.toy"), "--reference", world.toy("b.toy"), "--disable", "nope") == 2
    assert "there is no plugin 'nope'" in world.err


def test_the_cause_of_an_unreadable_candidate_comes_first(world: Any) -> None:
    (world.folder / "empty.toy").touch()
    world.check("empty.toy", "--reference", world.toy("ref.toy"), "--data", world.data(), "--policy", "edge")
    assert world.report()["verdict"]["because"].startswith("check models errored: empty.toy is empty")


def test_a_drafted_card_says_what_is_still_to_be_filled_in(world: Any) -> None:
    path = world.toy("draft.toy", card=None)
    assert world.run("inspect", path, "--write-card") == 0
    assert world.run("check", path, "--reference", world.toy("ref.toy"), "--policy", "smoke") == 2
    assert "input.mean: is still FILL-IN" in world.err
    assert world.run("inspect", path) == 0
    assert "input.mean: is still FILL-IN" in world.out
    assert world.run("inspect", path, "--write-card") == 2
    assert "exists already" in world.err
