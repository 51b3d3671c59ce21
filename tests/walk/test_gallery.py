"""The images that only the reference has right stand in the report; nothing is judged by them."""

from __future__ import annotations

import base64
import io
import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

LOOSE = "metric: accuracy.top1, of: delta, at_least: -99pp, confidence: 95%"
NAMED = """\
version: 1
input: {size: [4, 4], resize: none, colour: grey, scale: 1/255, mean: [0.5], std: [0.25], layout: NCHW}
output: {kind: logits, classes: [cat, "<script>alert(1)</script>", "بومة 🦉"]}
"""


def _check(world: Any, *candidates: str, card: str | None = None, more: tuple[str, ...] = ()) -> int:
    given = {} if card is None else {"card": card}
    arguments = ["--reference", world.toy("ref.toy", **given), "--policy", world.policy(LOOSE)]
    data = [] if "--data" in more else ["--data", world.data(images=200)]
    code: int = world.check(*candidates, *arguments, *data, *more)
    return code


def _gallery(world: Any, index: int = 0) -> dict[str, Any]:
    (found,) = (item for item in world.report(index)["evidence"] if item["check"] == "gallery")
    (exhibit,) = found["exhibits"]
    assert exhibit["kind"] == "gallery"
    shown: dict[str, Any] = exhibit
    return shown


def _told(world: Any) -> list[str]:
    """Return the warnings about galleries."""
    return [warning for warning in world.report()["warnings"] if warning.startswith("gallery")]


def _without(report: dict[str, Any]) -> dict[str, Any]:
    kept = [item for item in report["evidence"] if item["check"] != "gallery"]
    assert len(kept) < len(report["evidence"])
    return {**report, "evidence": kept}


def _folder(world: Any, *, form: str = "png", side: int = 4) -> Path:
    """Write 40 images in a folder a class, labelled as the reference answers."""
    pixels = np.random.default_rng(2).integers(0, 256, size=(40, 4, 4), dtype=np.uint8)
    labels = ((pixels.reshape(40, -1) / 255 - 0.5) / 0.25 @ world.weight).argmax(axis=1)
    for number, (image, label) in enumerate(zip(pixels, labels.tolist(), strict=True)):
        place = world.folder / "images" / f"class{label}" / f"{number:02}.{form}"
        place.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(image).resize((side, side), Image.Resampling.NEAREST).save(place, comment="shot at 48.2 N")
    folder: Path = world.folder / "images"
    return folder


def test_a_check_shows_what_the_candidate_lost_worst_first(world: Any) -> None:
    assert _check(world, world.toy("bad.toy", noise=1.0)) == 0, world.reasons()
    shown = _gallery(world)
    down = next(
        item["uncertainty"]["b"]
        for evidence in world.report()["evidence"]
        for item in evidence["measurements"]
        if (item["metric"], item["role"], item["slice"]) == ("accuracy.top1", "delta", None)
    )
    assert (len(shown["shots"]), shown["of"]) == (24, down)
    assert f"The worst 24 of {down} images that the reference has right" in shown["caption"]
    for shot in shown["shots"]:
        assert shot["label"] == shot["reference"]["name"] != shot["candidate"]["name"]
        opened = Image.open(io.BytesIO(base64.b64decode(shot["base64"])))
        assert (opened.size, shot["media_type"]) == ((4, 4), "image/png")
    assert shown["shots"][0]["candidate"]["probability"] > 0.5


def test_the_pictures_are_those_of_the_images_named(world: Any) -> None:
    assert _check(world, world.toy("bad.toy", noise=1.0)) == 0
    pixels = np.load(world.folder / "data.npz")["images"]
    for shot in _gallery(world)["shots"]:
        drawn = np.asarray(Image.open(io.BytesIO(base64.b64decode(shot["base64"]))))
        assert np.array_equal(drawn, pixels[int(shot["image"])])


def test_the_user_says_how_many_by_flag_file_and_variable(world: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    bad = world.toy("bad.toy", noise=1.0)
    assert _check(world, bad, more=("--gallery", "3")) == 0
    assert len(_gallery(world)["shots"]) == 3
    (world.folder / "vetgate.yaml").write_text("gallery: 2\n", encoding="utf-8")
    assert _check(world, bad) == 0
    assert len(_gallery(world)["shots"]) == 2
    (world.folder / "vetgate.yaml").unlink()
    monkeypatch.setenv("VETGATE_GALLERY", "0")
    assert _check(world, bad) == 0
    assert not [item for item in world.report()["evidence"] if item["check"] == "gallery"]
    assert _check(world, bad, more=("--gallery", "201")) == 2


def test_images_without_labels_are_those_that_the_models_name_differently(world: Any) -> None:
    data = world.data(images=200, labels=None)
    rule = world.policy("metric: similarity.agreement, at_least: 1%, confidence: 95%")
    bad, reference = world.toy("bad.toy", noise=1.0), world.toy("ref.toy")
    assert world.check(bad, "--reference", reference, "--data", data, "--policy", rule) == 0
    shown = _gallery(world)
    assert shown["title"] == "The candidate disagrees with the reference"
    assert "total variation" in shown["caption"]
    assert "of 200 without labels" in shown["caption"]
    assert {shot["label"] for shot in shown["shots"]} == {None}


def test_a_candidate_that_lost_nothing_has_no_gallery(world: Any) -> None:
    assert _check(world, world.toy("same.toy")) == 0
    assert not [item for item in world.report()["evidence"] if item["check"] == "gallery"]
    assert _told(world) == []


def test_kept_answers_give_the_same_gallery_as_new_ones(world: Any) -> None:
    bad = world.toy("bad.toy", noise=1.0)
    assert _check(world, bad) == 0
    first = _gallery(world)
    assert _check(world, bad) == 0
    assert world.report()["candidate"]["from_cache"]
    assert _gallery(world) == first


def test_each_candidate_has_a_gallery_of_its_own(world: Any) -> None:
    assert _check(world, world.toy("bad.toy", noise=1.0), world.toy("worse.toy", noise=9.0)) in (0, 3)
    first, second = _gallery(world, 0), _gallery(world, 1)
    assert first["of"] < second["of"]
    assert [shot["image"] for shot in first["shots"]] != [shot["image"] for shot in second["shots"]]
    assert _check(world, world.toy("worse.toy", noise=9.0)) in (0, 3)
    assert _gallery(world) == second


def test_a_run_that_stops_early_shows_images_that_it_used(world: Any) -> None:
    data = world.data(images=2_000)
    assert _check(world, world.toy("bad.toy", noise=0.3), more=("--sequential", "--data", data)) == 0, world.reasons()
    report = world.report()
    assert report["stopping"]["early"]
    used = report["data"]["images"]
    assert used < 2_000
    assert f", of {used:,}." in _gallery(world)["caption"]


def test_names_come_from_the_card_and_are_escaped_by_every_format(world: Any) -> None:
    for library in ("jinja2", "matplotlib"):
        pytest.importorskip(library)
    bad = world.toy("bad.toy", noise=1.0, card=NAMED)
    reports = ("--report", "markdown=report.md", "--report", "html=report.html")
    assert _check(world, bad, card=NAMED, more=reports) == 0, world.reasons()
    names = {shot["label"] for shot in _gallery(world)["shots"]}
    assert names == {"cat", "<script>alert(1)</script>", "بومة 🦉"}
    assert "<script>" in world.out
    assert "<script>" not in (world.folder / "report.md").read_text(encoding="utf-8")
    page = (world.folder / "report.html").read_text(encoding="utf-8")
    assert page.count("<script") == 1, "its own"
    assert page.count('src="data:image/png;base64,') == len(_gallery(world)["shots"])
    assert page.count("<svg") >= 2, "charts are drawn"


def test_the_terminal_names_five_images_and_says_where_the_rest_is(world: Any) -> None:
    assert _check(world, world.toy("bad.toy", noise=1.0)) == 0
    table = world.out[world.out.index("Right by the reference, wrong by the candidate") :]
    table = table[: table.index("The worst 24 of")]
    assert "and 19 rows more, in the JSON report" in table
    assert table.count(" %  ") == 5


def test_a_photograph_becomes_small_and_what_its_file_tells_besides_is_gone(world: Any) -> None:
    card = NAMED.replace("resize: none", "resize: {to: [4, 4], interpolation: nearest, antialias: false}")
    card = card.replace(', classes: [cat, "<script>alert(1)</script>", "بومة 🦉"]', "")
    data = _folder(world, form="jpg", side=800)
    bad = world.toy("bad.toy", noise=3.0, card=card)
    assert _check(world, bad, card=card, more=("--data", str(data))) in (0, 3), world.reasons()
    shots = _gallery(world)["shots"]
    assert shots
    for shot in shots:
        content = base64.b64decode(shot["base64"])
        assert Image.open(io.BytesIO(content)).size == (160, 160)
        assert b"48.2" not in content
        assert len(content) < 20_000


def test_images_that_cannot_be_read_again_are_told_and_the_next_take_their_place(
    world: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = _folder(world)
    bad = world.toy("bad.toy", noise=3.0)
    assert _check(world, bad, more=("--data", str(data), "--gallery", "4")) in (0, 3)
    before = [shot["image"] for shot in _gallery(world)["shots"]]
    decision = world.report()["verdict"]

    from vetgate.gate import gallery, walk

    asked = gallery.show_worst

    def after_a_loss(*given: Any) -> Any:
        (data / before[0]).write_bytes(b"gone")
        return asked(*given)

    monkeypatch.setattr(walk, "show_worst", after_a_loss)
    assert _check(world, bad, more=("--data", str(data), "--gallery", "4")) in (0, 3)
    shown = _gallery(world)
    assert [shot["image"] for shot in shown["shots"]][:3] == before[1:]
    assert f"{before[0]!r} cannot be read again" in shown["caption"]
    assert before[0] in _told(world)[0]
    assert world.report()["verdict"] == decision


def test_data_that_went_away_costs_the_gallery_and_nothing_else(world: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    data = _folder(world)
    bad = world.toy("bad.toy", noise=3.0)
    code = _check(world, bad, more=("--data", str(data)))
    decision = world.report()["verdict"]

    from vetgate.gate import gallery, walk

    asked = gallery.show_worst

    def after_a_loss(*given: Any) -> Any:
        shutil.rmtree(data)
        return asked(*given)

    monkeypatch.setattr(walk, "show_worst", after_a_loss)
    assert _check(world, bad, more=("--data", str(data))) == code
    assert not [item for item in world.report()["evidence"] if item["check"] == "gallery"]
    (warning,) = _told(world)
    assert warning.startswith(f"gallery of {bad}: ")
    assert "cannot be read again" in warning
    assert world.report()["verdict"] == decision


def test_a_gallery_that_fails_is_a_warning_and_the_verdict_stands(world: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from vetgate.gate import gallery

    def broken(*_: object) -> None:
        raise MemoryError("no room for\npictures")

    bad = world.toy("bad.toy", noise=1.0)
    assert _check(world, bad) == 0
    decision = world.report()["verdict"]
    monkeypatch.setattr(gallery, "shrink", broken)
    assert _check(world, bad) == 0
    assert world.report()["verdict"] == decision
    assert _told(world) == [f"gallery of {bad}: left out, because of MemoryError: no room for pictures"]


def test_a_saved_report_is_judged_the_same_with_and_without_its_gallery(world: Any) -> None:
    assert _check(world, world.toy("bad.toy", noise=1.0)) == 0
    saved = json.loads((world.folder / "report.json").read_text(encoding="utf-8"))
    bare = {**saved, "reports": [_without(report) for report in saved["reports"]]}
    (world.folder / "bare.json").write_text(json.dumps(bare), encoding="utf-8")
    (world.folder / "whole.json").write_text(json.dumps(saved), encoding="utf-8")
    told = []
    for name in ("bare", "whole"):
        code = world.run("judge", f"{name}.json", "--policy", "policy.yaml", "--report", "json=report.json")
        told.append((code, world.report()["verdict"]))
    assert told[0] == told[1]
    assert _gallery(world)["shots"]


def test_a_report_with_a_gallery_serves_as_a_baseline(world: Any) -> None:
    bad = world.toy("bad.toy", noise=1.0)
    assert _check(world, bad) == 0
    (world.folder / "report.json").rename(world.folder / "before.json")
    assert _check(world, bad, more=("--baseline", "before.json")) == 0, world.reasons()
    assert world.report()["baseline"]["name"] == "before.json"
    assert world.run("baseline", "before.json", "--to", "b.json", "--owner", "me", "--reason", "first") == 0


def test_a_ranking_shows_no_pictures(world: Any) -> None:
    bad, reference = world.toy("bad.toy", noise=1.0), world.toy("ref.toy")
    arguments = [bad, "--reference", reference, "--data", world.data(), "--timing-budget", "0.1"]
    assert world.run("rank", *arguments, "--report", "json=report.json") in (0, 3)
    assert not [item for item in world.report()["evidence"] if item["check"] == "gallery"]
