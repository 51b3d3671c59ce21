"""Rules `versus: baseline`: not worse than the last release, from argv to exit code."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

FASHION = Path(__file__).parent.parent.parent / "examples" / "fashion"
RULE = "{metric: accuracy.top1, of: delta, versus: baseline, at_least: -0.5pp, confidence: 95%}"
SIZE = "{metric: footprint.size_mb, of: ratio, versus: baseline, at_most: 1}"
POINT = "{metric: accuracy.top1, of: delta, at_least: -1pp}"
FIRST = (POINT, "{metric: similarity.agreement, at_least: 90%}", "{metric: footprint.size_mb, at_most: 1GB}")


def _policy(folder: Path, *rules: str, name: str = "beside") -> str:
    path = folder / f"{name}.yaml"
    path.write_text(f"version: 1\nname: {name}\nmetrics:\n" + "".join(f"  - {rule}\n" for rule in rules), "utf-8")
    return str(path)


def _rulings(report: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {ruling["rule"]: ruling for ruling in report["verdict"]["rulings"]}


@pytest.fixture
def released(world: Any) -> str:
    """Vet the first release and keep its report; every test compares with it."""
    data = world.data(images=2000)
    code = world.check(
        world.toy("one.toy"),
        "--reference",
        world.toy("ref.toy"),
        "--data",
        data,
        "--policy",
        _policy(world.folder, *FIRST),
    )
    assert code == 0, world.reasons()
    Path(world.folder / "report.json").rename(world.folder / "one.json")
    return str(world.folder / "one.json")


def _check(world: Any, candidate: str, *more: str, policy: str) -> int:
    reference, data = str(world.folder / "ref.toy"), str(world.folder / "data.npz")
    code: int = world.check(candidate, "--reference", reference, "--data", data, "--policy", policy, *more)
    return code


def test_the_same_candidate_is_not_worse_than_itself(world: Any, released: str) -> None:
    code = _check(world, world.toy("one.toy"), "--baseline", released, policy=_policy(world.folder, RULE, SIZE))
    assert code == 0, world.reasons()
    ruling = _rulings(world.report())["accuracy.top1/baseline"]
    assert (ruling["observed"], ruling["versus"]) == (0, "baseline")
    assert "0 flips down, 0 up, n = 2,000" in ruling["because"]
    baseline = world.report()["baseline"]
    assert (baseline["name"], baseline["decision"], baseline["promotions"]) == (released, "pass", [])
    told = "\n".join(world.report()["warnings"])
    assert "the baseline: vetgate baseline REPORT.json --to" in told
    assert "it was compared with itself" in told


def test_a_baseline_that_failed_is_doubted_in_every_report_that_compares_with_it(world: Any, released: str) -> None:
    failed = world.toy("failed.toy", noise=1.0)
    assert _check(world, failed, policy=_policy(world.folder, POINT)) == 1
    (world.folder / "report.json").rename(world.folder / "failed#1.json")
    saved = str(world.folder / "failed#1.json")
    assert _check(world, world.toy("one.toy"), "--baseline", saved, policy=_policy(world.folder, RULE)) == 0
    assert any("itself is fail" in warning for warning in world.report()["warnings"])
    assert _check(world, world.toy("one.toy"), "--baseline", saved, policy=_policy(world.folder, POINT)) == 0
    assert not any("baseline" in warning for warning in world.report()["warnings"])


@pytest.mark.parametrize("name", ["a.json", "a#1.json"])
def test_a_report_is_not_written_over_the_baseline_whatever_its_name(world: Any, released: str, name: str) -> None:
    saved, policy = str(Path(released).rename(world.folder / name)), _policy(world.folder, RULE)
    more = ("--baseline", saved, "--report", f"markdown={saved}")
    assert _check(world, world.toy("one.toy"), *more, policy=policy) == 2
    assert "which this run reads" in world.err


def test_a_worse_candidate_fails_with_the_images_that_changed(world: Any, released: str) -> None:
    bad = world.toy("bad.toy", noise=1.0)
    assert _check(world, bad, "--baseline", released, policy=_policy(world.folder, RULE)) == 1
    ruling = _rulings(world.report())["accuracy.top1/baseline"]
    assert ruling["observed"] < -0.01
    assert ruling["method"] in ("Tango score", "exact paired")


def test_without_a_baseline_the_rule_is_inconclusive_and_the_plan_says_so(world: Any, released: str) -> None:
    policy = _policy(world.folder, RULE, POINT)
    assert _check(world, world.toy("one.toy"), policy=policy) == 3
    assert "--baseline REPORT.json" in _rulings(world.report())["accuracy.top1/baseline"]["because"]

    assert _check(world, world.toy("one.toy"), "--plan", policy=policy) == 0
    assert "no baseline was given, and these rules need one: accuracy.top1/baseline" in " ".join(world.out.split())
    assert _check(world, world.toy("one.toy"), "--plan", "--baseline", released, policy=policy) == 0
    assert "baseline was" not in world.out


def test_other_images_are_named_and_the_plan_says_so(world: Any, released: str) -> None:
    policy = _policy(world.folder, RULE, SIZE)
    more = ("--baseline", released, "--limit", "1000")
    assert _check(world, world.toy("one.toy"), *more, policy=policy) == 3
    rulings = _rulings(world.report())
    assert "the baseline was measured on other data (sha256 " in rulings["accuracy.top1/baseline"]["because"]
    assert rulings["footprint.size_mb/ratio/baseline"]["decision"] == "pass"

    _check(world, world.toy("one.toy"), "--plan", *more, policy=policy)
    assert "the baseline was measured on other images" in " ".join(world.out.split())


def test_another_reference_leaves_accuracy_comparable_and_agreement_not(world: Any, released: str) -> None:
    agreement = "{metric: similarity.agreement, versus: baseline, at_least: -0.5pp, confidence: 95%}"
    world.toy("ref.toy", noise=0.01)
    policy = _policy(world.folder, RULE, agreement)
    assert _check(world, world.toy("one.toy"), "--baseline", released, policy=policy) == 3
    rulings = _rulings(world.report())
    assert rulings["accuracy.top1/baseline"]["decision"] == "pass"
    assert "beside another reference" in rulings["similarity.agreement/baseline"]["because"]


def test_a_run_that_might_have_stopped_and_took_all_images_is_paired_as_any_other(world: Any, released: str) -> None:
    rulings = []
    for more in ([], ["--sequential"]):
        policy = _policy(world.folder, RULE)
        assert _check(world, world.toy("one.toy", noise=0.3), *more, "--baseline", released, policy=policy) in (0, 1, 3)
        rulings.append(_rulings(world.report())["accuracy.top1/baseline"])
    assert world.report()["stopping"]["early"] is False
    assert rulings[0]["observed"] != 0
    assert rulings[0]["n"] == 2000
    assert rulings[1] == rulings[0]


def test_a_baseline_whose_run_stopped_early_says_what_to_do(world: Any, released: str) -> None:
    early = _policy(world.folder, "{metric: accuracy.top1, of: delta, at_least: -10pp, confidence: 95%}", name="early")
    assert _check(world, world.toy("one.toy"), "--sequential", policy=early) == 0
    stopped = world.report()["stopping"]
    assert stopped["early"] is True
    saved = str(Path(world.folder / "report.json").rename(world.folder / "early.json"))
    assert _check(world, world.toy("one.toy"), "--baseline", saved, policy=_policy(world.folder, RULE)) == 3
    told = _rulings(world.report())["accuracy.top1/baseline"]["because"]
    assert f"the baseline's run stopped after {stopped['images']} of 2,000 images; run it without --sequential" in told


def test_a_report_keeps_what_it_compared_so_that_it_can_be_judged_again(world: Any, released: str) -> None:
    bad = world.toy("bad.toy", noise=1.0)
    _check(world, bad, "--baseline", released, policy=_policy(world.folder, RULE))
    saved = str(world.folder / "report.json")
    again = f"json={world.folder / 'again.json'}"

    assert world.run("judge", saved, "--policy", _policy(world.folder, RULE), "--report", again) == 1
    judged = json.loads((world.folder / "again.json").read_text("utf-8"))["reports"][0]
    assert judged["verdict"] == world.report()["verdict"]
    assert judged["baseline"] == world.report()["baseline"]
    lax = RULE.replace("-0.5pp", "-99pp").replace("95%", "99%")
    assert world.run("judge", saved, "--policy", _policy(world.folder, lax, name="lax")) == 0
    sliced = RULE[:-1] + ", slice: each label}"
    assert world.run("judge", saved, "--policy", _policy(world.folder, sliced, name="sliced")) == 3


def test_a_promoted_baseline_is_told_in_the_report(world: Any, released: str) -> None:
    baseline = str(world.folder / "baseline.json")
    assert world.run("baseline", released, "--to", baseline, "--owner", "edge-team", "--reason", "release 1") == 0
    policy = _policy(world.folder, RULE)
    assert _check(world, world.toy("one.toy"), "--baseline", baseline, policy=policy) == 0
    (act,) = world.report()["baseline"]["promotions"]
    assert (act["owner"], act["reason"]) == ("edge-team", "release 1")
    told = " ".join(world.out.split())
    assert "edge-team" in told
    assert "release 1" in told


def test_slices_of_both_runs_are_compared_where_a_rule_asks(world: Any, released: str) -> None:
    sliced = (
        "{metric: accuracy.recall, of: delta, versus: baseline, slice: each label, at_least: -20pp, confidence: 95%}"
    )
    code = _check(world, world.toy("one.toy"), "--baseline", released, policy=_policy(world.folder, sliced))
    assert code == 0, world.reasons()
    assert _rulings(world.report())["accuracy.recall/each label/baseline"]["versus"] == "baseline"


def test_a_candidate_that_cannot_be_read_is_told_once_and_not_a_pass(world: Any, released: str) -> None:
    broken = world.folder / "broken.toy"
    broken.touch()
    assert _check(world, str(broken), "--baseline", released, policy=_policy(world.folder, RULE)) == 3
    assert "empty" in world.reasons()


@pytest.mark.parametrize(
    ("damage", "code"),
    [
        (lambda text: text[: len(text) // 2], 2),
        (lambda text: "", 2),
        (lambda text: text.replace('"schema_version": 1', '"schema_version": 9'), 2),
        (lambda text: _with_bits(text, "!!!!"), 3),
        (lambda text: _with_bits(text, "AAAA"), 3),
    ],
)
def test_a_damaged_baseline_never_passes(world: Any, released: str, damage: Any, code: int) -> None:
    path = Path(released)
    path.write_text(damage(path.read_text("utf-8")), "utf-8")
    assert _check(world, world.toy("one.toy"), "--baseline", released, policy=_policy(world.folder, RULE)) == code
    assert "Traceback" not in world.err
    if code == 3:
        assert "the baseline is damaged" in _rulings(world.report())["accuracy.top1/baseline"]["because"]


def _with_bits(text: str, bits: str) -> str:
    saved = json.loads(text)
    for evidence in saved["reports"][0]["evidence"]:
        for kept in evidence["per_image"]:
            kept["bits"] = bits
    return json.dumps(saved)


def test_the_baseline_is_not_written_over(world: Any, released: str) -> None:
    reference, data = str(world.folder / "ref.toy"), str(world.folder / "data.npz")
    arguments = ("--reference", reference, "--data", data, "--baseline", released, "--report", f"json={released}")
    assert world.run("check", world.toy("one.toy"), *arguments) == 2
    assert "which this run reads" in world.err


def test_metadata_slices_reach_from_the_data_to_the_ruling(world: Any) -> None:
    data = world.data(images=600)
    with np.load(data) as archive:
        arrays = dict(archive)
    np.savez(data, **arrays, weather=np.resize(np.array(["rain", "fog", ""]), 600))
    rule = "{metric: accuracy.top1, of: delta, slice: each weather, at_least: -5pp, confidence: 95%}"
    world.toy("ref.toy")
    assert _check(world, world.toy("one.toy"), policy=_policy(world.folder, rule)) == 0, world.reasons()
    ruling = _rulings(world.report())["accuracy.top1/delta/each weather"]
    assert "2 values of weather" in ruling["because"]


@pytest.fixture(scope="module")
def fashion(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Vet the int8 model of the example and make it the baseline; return the folder that holds both."""
    for library in ("torch", "onnxruntime"):
        pytest.importorskip(library)
    folder = tmp_path_factory.mktemp("released")
    assert _vet(folder, "int8.onnx", *FIRST) == 0
    from vetgate.cli.app import run

    named = ("--owner", "edge-team", "--reason", "first release")
    assert run(["baseline", str(folder / "int8.onnx.json"), "--to", str(folder / "baseline.json"), *named]) == 0
    return folder


def _vet(folder: Path, candidate: str, *rules: str, more: tuple[str, ...] = ()) -> int:
    from vetgate.cli.app import run

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(folder))
        patch.chdir(FASHION)
        report = f"json={folder / candidate}.json"
        return run(["check", candidate, "--policy", _policy(folder, *rules), "--report", report, *more])


def test_a_pruned_model_is_judged_against_the_quantised_release(fashion: Path) -> None:
    code = _vet(fashion, "pruned50.onnx", RULE, more=("--baseline", str(fashion / "baseline.json")))
    report = json.loads((fashion / "pruned50.onnx.json").read_text("utf-8"))["reports"][0]
    ruling = _rulings(report)["accuracy.top1/baseline"]
    kept = {path: _right(fashion / f"{path}.json") for path in ("pruned50.onnx", "int8.onnx")}
    lost = int(np.count_nonzero(kept["int8.onnx"] & ~kept["pruned50.onnx"]))
    won = int(np.count_nonzero(kept["pruned50.onnx"] & ~kept["int8.onnx"]))
    assert f"{lost} flips down, {won} up, n = 10,000" in ruling["because"]
    assert ruling["observed"] == pytest.approx((won - lost) / 10_000)
    assert (code, ruling["decision"]) == (3, "inconclusive")
    assert report["baseline"]["promotions"][0]["reason"] == "first release"


def test_the_release_holds_against_itself(fashion: Path) -> None:
    code = _vet(fashion, "int8.onnx", RULE, SIZE, more=("--baseline", str(fashion / "baseline.json")))
    assert code == 0


def _right(path: Path) -> np.ndarray:
    """Return whether the candidate of a report is right, image by image, read as the report's documentation says."""
    import base64

    evidence = json.loads(path.read_text("utf-8"))["reports"][0]["evidence"]
    (kept,) = [
        each
        for item in evidence
        for each in item["per_image"]
        if (each["metric"], each["role"]) == ("accuracy.top1", "candidate")
    ]
    return np.unpackbits(np.frombuffer(base64.b64decode(kept["bits"]), np.uint8))[: kept["n"]].astype(bool)
