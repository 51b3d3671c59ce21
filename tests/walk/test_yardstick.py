"""Building a yardstick and checking with it, on toy models and on the example's real ones."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

FASHION = Path(__file__).parent.parent.parent / "examples" / "fashion"
INDEPENDENCE = "similarity.independence"
NOISES = (0.3, 0.4, 0.5)
RULE = f"metric: {INDEPENDENCE}, at_most: 0.5"


def toys(world: Any, *noises: float) -> list[str]:
    """Write independents at some distances; return their paths."""
    return [world.toy(f"u{place}.toy", noise=noise) for place, noise in enumerate(noises, 1)]


_BUILT: list[bytes] = []
"""The plain yardstick, which is the same whenever it is built."""


def given(world: Any) -> None:
    """Put the plain yardstick and everything it was built of into the world; it is built once."""
    file = world.folder / "base.yardstick"
    if not _BUILT:
        assert build(world) == 0, world.err
        _BUILT.append(file.read_bytes())
        return
    world.toy("reference.toy")
    toys(world, *NOISES)
    world.data()
    file.write_bytes(_BUILT[0])


def build(world: Any, *more: str, data: str | None = None, noises: tuple[float, ...] = NOISES) -> int:
    """Build `base.yardstick` of the toy reference; return the exit code."""
    reference, others = world.toy("reference.toy"), toys(world, *noises)
    images = data or world.data()
    command = ("yardstick", "build", "--reference", reference, "--independent", *others, "--data", images)
    code: int = world.run(*command, "-o", "base.yardstick", *more)
    return code


def figure(report: dict[str, Any], metric: str = INDEPENDENCE) -> dict[str, Any] | None:
    """Return the figure of all images, or None."""
    found = [item for evidence in report["evidence"] for item in evidence["measurements"] if item["metric"] == metric]
    return found[0] if found else None


def check(world: Any, *more: str, candidate: float = 0.05, yardstick: str = "base.yardstick") -> int:
    """Check a candidate with the yardstick under a rule on independence; return the exit code."""
    policy = world.policy(RULE)
    path = world.toy("candidate.toy", noise=candidate)
    command = (path, "--reference", str(world.folder / "reference.toy"), "--data", str(world.folder / "data.npz"))
    code: int = world.check(*command, "--policy", policy, "--yardstick", yardstick, *more)
    return code


def test_a_near_copy_passes_and_a_distant_one_fails(world: Any) -> None:
    assert build(world) == 0, world.err
    assert check(world, candidate=0.02) == 0, world.out
    near = figure(world.report())
    assert check(world, candidate=0.4) == 1
    far = figure(world.report())
    assert near is not None
    assert far is not None
    assert near["value"] < 0.2 < 0.9 < far["value"]


def test_the_report_says_which_yardstick_it_used(world: Any) -> None:
    given(world)
    check(world)
    told = world.report()["yardstick"]
    assert told["name"] == "base.yardstick"
    assert told["distance"] == "js_divergence"
    assert told["images"] == 60
    assert [Path(peer["name"]).name for peer in told["peers"]] == ["u1.toy", "u2.toy", "u3.toy"]


def test_the_models_are_not_needed_any_more(world: Any) -> None:
    given(world)
    for name in ("u1.toy", "u2.toy", "u3.toy"):
        (world.folder / name).unlink()
    assert check(world, candidate=0.02) == 0
    assert world.run("yardstick", "show", "base.yardstick") == 0
    assert "u3.toy" in world.out


def test_without_a_rule_that_names_it_the_yardstick_is_used_all_the_same(world: Any) -> None:
    given(world)
    policy = world.policy("metric: accuracy.top1, at_least: 0.1")
    candidate = world.toy("candidate.toy", noise=0.1)
    arguments = (candidate, "--reference", "reference.toy", "--data", "data.npz", "--policy", policy)
    world.check(*arguments, "--yardstick", "base.yardstick")
    assert figure(world.report()) is not None
    world.check(*arguments)
    assert figure(world.report()) is None
    assert world.report()["yardstick"] is None


def test_a_rule_that_needs_a_yardstick_is_inconclusive_without_and_the_plan_says_so(world: Any) -> None:
    policy, reference, data = world.policy(RULE), world.toy("reference.toy"), world.data()
    candidate = world.toy("candidate.toy", noise=0.1)
    arguments = (candidate, "--reference", reference, "--data", data, "--policy", policy)
    assert world.run("check", *arguments, "--plan") == 0
    assert "no yardstick was given, and this rule needs one: similarity.independence: --yardstick FILE" in world.out
    assert world.check(*arguments) == 3
    (told,) = [ruling["because"] for ruling in world.report()["verdict"]["rulings"] if ruling["metric"] == INDEPENDENCE]
    assert told.startswith("similarity.independence is not known: no yardstick was given: ")
    assert world.report()["verdict"]["because"].count(INDEPENDENCE) == 1


def test_the_plan_shows_the_yardstick_and_that_its_reference_is_another(world: Any) -> None:
    given(world)
    candidate, other = world.toy("candidate.toy", noise=0.1), world.toy("other.toy", noise=0.2)
    arguments = (candidate, "--data", "data.npz", "--policy", world.policy(RULE), "--yardstick", "base.yardstick")
    assert world.run("check", *arguments, "--reference", "reference.toy", "--plan") == 0
    assert "base.yardstick: 3 independent models on 60 images, by js_divergence" in world.out
    assert "no yardstick" not in world.out
    assert world.run("check", *arguments, "--reference", other, "--plan") == 0
    assert "was built for another reference" in world.out


def test_another_reference_is_refused(world: Any) -> None:
    given(world)
    other = world.toy("other.toy", noise=0.2)
    candidate = world.toy("candidate.toy", noise=0.1)
    arguments = (candidate, "--reference", other, "--data", "data.npz", "--policy", world.policy(RULE))
    assert world.run("check", *arguments, "--yardstick", "base.yardstick") == 2
    assert "was built for another reference" in world.err
    assert "is another file" in world.err


def test_a_reference_that_is_fed_in_another_way_is_refused(world: Any) -> None:
    given(world)
    card = world.folder / "reference.toy.yaml"
    card.write_text(card.read_text().replace("mean: [0.5]", "mean: [0.4]"))
    assert check(world) == 2
    assert "has another card" in world.err


def test_another_reference_is_refused_for_several_candidates_too(world: Any) -> None:
    given(world)
    world.toy("reference.toy", card=None)
    world.toy("reference.toy", noise=0.3)
    models = [world.toy(name, noise=0.1) for name in ("one.toy", "two.toy")]
    arguments = (*models, "--reference", "reference.toy", "--data", "data.npz", "--policy", world.policy(RULE))
    assert world.run("check", *arguments, "--yardstick", "base.yardstick") == 2


def test_other_data_is_refused_before_any_model_runs(world: Any) -> None:
    given(world)
    pixels = np.random.default_rng(9).integers(0, 256, size=(40, 4, 4), dtype=np.uint8)
    np.savez(world.folder / "new.npz", images=pixels, labels=np.zeros(40, dtype=np.int64))
    crashing = world.toy("candidate.toy", misbehave="crash")
    arguments = (crashing, "--reference", "reference.toy", "--data", "new.npz", "--policy", world.policy(RULE))
    assert world.run("check", *arguments, "--yardstick", "base.yardstick") == 2
    assert "was built on other data: 40 of 40 images" in world.err


def test_a_part_of_the_images_is_enough_but_not_more_than_it_has(world: Any) -> None:
    assert build(world) == 0
    assert check(world, "--limit", "40") == 0, world.out
    found = figure(world.report())
    assert found is not None
    assert found["n"] == 40
    assert build(world, "--limit", "40", "--force") == 0
    assert check(world, "--limit", "40") == 0
    assert check(world) == 2
    assert "20 of 60 images are not among its 40" in world.err


def test_an_image_that_cannot_be_decoded_is_in_no_yardstick_and_need_not_be(world: Any) -> None:
    from PIL import Image

    rng = np.random.default_rng(4)
    for place in range(50):
        folder = world.folder / "images" / f"class {place % 3}"
        folder.mkdir(parents=True, exist_ok=True)
        Image.fromarray(rng.integers(0, 256, size=(4, 4), dtype=np.uint8)).save(folder / f"{place}.png")
    damaged = world.folder / "images" / "class 0" / "0.png"
    damaged.write_bytes(damaged.read_bytes()[:40])
    data = str(world.folder / "images")
    assert build(world, data=data) == 3
    assert "1 of 50 images cannot be read" in world.err
    assert build(world, "--max-unreadable", "0.05", data=data) == 0, world.err
    assert "49 images" in world.out
    candidate, policy = world.toy("candidate.toy", noise=0.02), world.policy(RULE)
    arguments = (candidate, "--reference", str(world.folder / "reference.toy"), "--data", data, "--policy", policy)
    assert world.check(*arguments, "--yardstick", "base.yardstick") == 2
    assert world.check(*arguments, "--yardstick", "base.yardstick", "--max-unreadable", "0.05") == 0, world.out
    found = figure(world.report())
    assert found is not None
    assert found["n"] == 49


def test_a_file_that_is_no_yardstick_is_refused_before_any_model_runs(world: Any) -> None:
    given(world)
    Path("base.yardstick").write_bytes(Path("base.yardstick").read_bytes()[:-100])
    assert check(world) == 2
    assert "its end is missing" in world.err
    assert check(world, yardstick="nowhere.yardstick") == 2
    assert "the yardstick nowhere.yardstick: there is no such file" in world.err


def test_a_copy_of_the_reference_makes_no_yardstick_unless_forced(world: Any) -> None:
    assert build(world, noises=(0.001, 0.4, 0.5)) == 2
    assert "u1.toy is at " in world.err
    assert "of the median distance of the others, so it was hardly trained independently" in world.err
    assert not (world.folder / "base.yardstick").exists()
    assert build(world, "--force", noises=(0.001, 0.4, 0.5)) == 0
    assert "was it trained independently of the reference, or made from it?" in world.err


def test_a_candidate_that_is_one_of_the_independents_is_warned_of(world: Any) -> None:
    given(world)
    policy, reference = world.policy(RULE), str(world.folder / "reference.toy")
    candidates = (str(world.folder / "u2.toy"), world.toy("candidate.toy", noise=0.1))
    data = str(world.folder / "data.npz")
    world.check(
        *candidates, "--reference", reference, "--data", data, "--policy", policy, "--yardstick", "base.yardstick"
    )
    (told,) = [line for line in world.report(0)["warnings"] if "yardstick" in line]
    assert "u2.toy, an independent model of the yardstick base.yardstick" in told
    assert not [line for line in world.report(1)["warnings"] if "yardstick" in line]
    found = figure(world.report(0))
    assert found is not None
    assert found["value"] == pytest.approx(1.0, abs=1e-5)


def test_checkpoints_are_kept_and_measure_nothing(world: Any) -> None:
    early, late = (world.toy(f"u1-{name}.toy", noise=noise) for name, noise in (("early", 0.9), ("late", 0.6)))
    reference, others = world.toy("reference.toy"), toys(world, 0.3, 0.4)
    command = ("yardstick", "build", "--reference", reference, "--independent", others[0], "--independent", others[1])
    more = ("--checkpoints", f"{others[0]}={early},{late}", "--data", world.data(), "-o", "base.yardstick")
    assert world.run(*command, *more) == 0, world.err
    from vetgate.gate import load_yardstick

    peers = load_yardstick("base.yardstick").content.peers
    assert [(Path(peer.name).name, peer.step, peer.final) for peer in peers] == [
        ("u1-early.toy", 1, False),
        ("u1-late.toy", 2, False),
        ("u1.toy", 3, True),
        ("u2.toy", 1, True),
    ]
    assert {peer.run for peer in peers} == set(others)
    check(world)
    assert [Path(row[0]).name for row in _bracket_rows(world.report())] == ["candidate", "u1.toy", "u2.toy"]


def _bracket_rows(report: dict[str, Any]) -> list[list[Any]]:
    tables = [exhibit for evidence in report["evidence"] for exhibit in evidence["exhibits"]]
    (rows,) = [table["rows"] for table in tables if "independent models" in table.get("title", "")]
    return list(rows)


def test_a_stopped_run_measures_on_the_images_it_used(world: Any) -> None:
    """Independence follows from no counts: its rule is held open to the last image, another that fails is not."""
    data = world.data(images=640)
    assert build(world, data=data) == 0, world.err
    assert check(world, "--sequential", candidate=0.02) == 0, world.out
    assert world.report()["stopping"]["because"] == f"cannot stop early because of rule {INDEPENDENCE}"
    policy = world.policy(RULE, "metric: similarity.agreement, at_least: 0.99, confidence: 95%")
    bad = world.toy("bad.toy", noise=3.0)
    arguments = (bad, "--reference", str(world.folder / "reference.toy"), "--data", data, "--policy", policy)
    assert world.check(*arguments, "--yardstick", "base.yardstick", "--sequential") == 1
    report = world.report()
    assert report["stopping"]["early"]
    found = figure(report)
    assert found is not None
    assert found["n"] == report["stopping"]["images"] < 640
    assert found["uncertainty"]["kind"] == "none"


def test_a_saved_report_is_judged_again_with_its_independence(world: Any) -> None:
    given(world)
    assert check(world, candidate=0.02) == 0
    strict = world.policy(f"metric: {INDEPENDENCE}, at_most: 0.0001", name="strict.yaml")
    assert world.run("judge", str(world.folder / "report.json"), "--policy", strict) == 1


def test_a_report_of_before_there_were_yardsticks_is_still_read(world: Any) -> None:
    given(world)
    check(world)
    file = world.folder / "report.json"
    saved = json.loads(file.read_text())
    for report in saved["reports"]:
        del report["yardstick"]
    file.write_text(json.dumps(saved))
    assert world.run("judge", str(file), "--policy", world.policy(RULE)) == 0


def test_the_yardstick_may_stand_in_the_configuration_beside_it(world: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    given(world)
    (world.folder / "vetgate.yaml").write_text("yardstick: base.yardstick\nreference: reference.toy\n")
    below = world.folder / "below"
    below.mkdir()
    monkeypatch.chdir(below)
    candidate, policy = world.toy("candidate.toy", noise=0.02), world.policy(RULE)
    arguments = (candidate, "--data", str(world.folder / "data.npz"), "--policy", policy)
    assert world.check(*arguments) == 0, world.err
    assert world.report()["yardstick"]["name"] == "../base.yardstick"
    assert world.run("rank", *arguments[:3], "--timing-budget", "0.1") in (0, 3)


def test_a_report_is_not_written_over_the_yardstick(world: Any) -> None:
    given(world)
    before = Path("base.yardstick").read_bytes()
    assert check(world, "--report", "markdown=base.yardstick") == 2
    assert "which this run reads" in world.err
    assert Path("base.yardstick").read_bytes() == before


def test_another_distance_measures_too(world: Any) -> None:
    for distance in ("total_variation", "l2", "disagreement"):
        assert build(world, "--distance", distance, "--force", data=world.data(images=400)) == 0, world.err
        assert check(world, candidate=0.4) == 1, distance
        assert world.report()["yardstick"]["distance"] == distance


def test_a_reference_that_answers_otherwise_than_before_is_told(world: Any) -> None:
    """The file is the same, so what runs it is not: here the yardstick's copy of its answers is another."""
    from dataclasses import replace

    from vetgate.gate import load_yardstick
    from vetgate.yardstick import dump

    given(world)
    content = load_yardstick("base.yardstick").content
    moved = replace(content, reference=np.roll(content.reference, 1, axis=0))
    Path("base.yardstick").write_bytes(dump(moved))
    check(world)
    assert any("answers otherwise than when the yardstick" in line for line in world.report()["warnings"])


@pytest.fixture
def fashion(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a folder with the example's reference, three other sets of weights for it without cards, and images."""
    torch = pytest.importorskip("torch")
    folder = tmp_path / "fashion"
    folder.mkdir()
    for name in ("architecture.py", "reference.pt", "reference.pt.yaml", "test.npz"):
        shutil.copy(FASHION / name, folder)
    weights = torch.load(folder / "reference.pt", weights_only=True)
    for place in (1, 2, 3):
        torch.manual_seed(place)
        other = {
            name: value + 0.1 * value.std() * torch.randn_like(value) if value.dtype.is_floating_point else value
            for name, value in weights.items()
            if value.numel() > 1 or not value.dtype.is_floating_point
        }
        torch.save({**weights, **other}, folder / f"seed{place}.pt")
    monkeypatch.chdir(folder)
    return folder


def test_weights_without_a_card_are_read_by_that_of_the_reference_and_nothing_is_copied(
    fashion: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from vetgate.cli.app import run
    from vetgate.gate import load_yardstick

    command = ["yardstick", "build", "--reference", "reference.pt", "--independent", "seed1.pt", "seed2.pt", "seed3.pt"]
    more = ["--data", "test.npz", "-o", "fashion.yardstick", "--limit", "300", "--no-cache"]
    code = run([*command, *more, "--architecture", "architecture.py:fashion_resnet"])
    told = capsys.readouterr()
    assert code == 0, told.err
    assert "bracket" in told.out
    header = load_yardstick("fashion.yardstick").content.header
    assert {peer.card_sha256 for peer in header.peers} == {header.reference.card_sha256}
    assert header.images == 300
    assert not (fashion / "seed1.pt.yaml").exists()


def test_a_model_of_another_format_without_a_card_is_named(world: Any) -> None:
    reference, bare = world.toy("reference.toy"), world.toy("bare.toy", noise=0.2, card=None)
    command = ("yardstick", "build", "--reference", reference, "--independent", bare, world.toy("u2.toy", noise=0.3))
    assert world.run(*command, "--data", world.data(), "-o", "base.yardstick") == 2
    assert "bare.toy has no card" in world.err
    assert not Path("base.yardstick").exists()
