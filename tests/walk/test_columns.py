"""Slices by what is known of images, and by how they look, from argv to ruling."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

WEATHER = [["rain", "sun", "fog"][row % 3] for row in range(300)]
BY_WEATHER = "metric: accuracy.top1, slice: each weather, of: delta, at_least: -10pp, confidence: 95%"
BY_LOOKS = "metric: accuracy.top1, slice: each brightness, of: delta, at_least: -10pp, confidence: 95%"


def _check(world: Any, *rules: str, candidate: float = 0.0, more: tuple[str, ...] = ()) -> int:
    speed = [str(row) for row in range(300)]
    data = world.data(images=300, columns={"weather": WEATHER, "speed": speed, "road": ["", *speed[1:]]})
    models = [world.toy("candidate.toy", noise=candidate), "--reference", world.toy("ref.toy")]
    code: int = world.check(*models, "--data", data, "--policy", world.policy(*rules), *more)
    return code


def _slices(world: Any, by: str) -> dict[str, int]:
    """Return the images of each slice of a column that accuracy was measured on."""
    return {
        figure["slice"]["value"]: figure["n"]
        for evidence in world.report()["evidence"]
        for figure in evidence["measurements"]
        if figure["metric"] == "accuracy.top1" and figure["role"] == "delta" and (figure["slice"] or {}).get("by") == by
    }


def test_a_metadata_column_slices_accuracy(world: Any) -> None:
    assert _check(world, BY_WEATHER) == 0, world.reasons()
    assert _slices(world, "weather") == {"fog": 100, "rain": 100, "sun": 100}


def test_a_limit_leaves_each_value_with_its_own_images(world: Any) -> None:
    assert _check(world, BY_WEATHER, more=("--limit", "90")) in (0, 3)
    assert sum(_slices(world, "weather").values()) == 90


def test_many_numbers_come_in_quarters(world: Any) -> None:
    rule = "metric: accuracy.top1, slice: speed=lowest quarter, of: delta, at_least: -10pp, confidence: 95%"
    assert _check(world, rule) == 0, world.reasons()
    assert set(_slices(world, "speed").values()) == {75}


def test_brightness_is_computed_where_a_rule_names_it_and_then_comes_from_the_cache(
    world: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from vetgate.inference.prepare import read_pixels

    assert _check(world, BY_WEATHER) == 0
    decoded: list[int] = []

    def count(source: Any, index: int) -> Any:
        decoded.append(index)
        return read_pixels(source, index)

    monkeypatch.setattr("vetgate.gate.appearance.read_pixels", count)
    assert _check(world, BY_LOOKS) == 0, world.reasons()
    assert world.report()["candidate"]["from_cache"]
    assert len(decoded) == 300  # the answers were known, how the images look was not
    first = _slices(world, "brightness")
    assert sum(first.values()) == 300
    assert _check(world, BY_LOOKS) == 0
    assert len(decoded) == 300
    assert _slices(world, "brightness") == first


def test_a_column_that_the_data_lacks_is_named_by_the_plan_and_the_run_is_inconclusive(world: Any) -> None:
    rule = BY_WEATHER.replace("weather", "wether")
    assert _check(world, rule, BY_WEATHER) == 3
    decisions = {item["rule"]: item["decision"] for item in world.report()["verdict"]["rulings"]}
    assert sorted(decisions.values()) == ["inconclusive", "pass", "pass"]
    assert "the data has no column 'wether', or the run was not asked for it" in world.reasons()
    assert "check quality has figures by label, weather;" in world.reasons()
    arguments = ["candidate.toy", "--reference", "ref.toy", "--data", "data.npz", "--policy", "policy.yaml"]
    assert world.run("check", *arguments, "--plan") == 0
    assert "no column 'wether'" in world.out
    assert "weather" in world.out.partition("no column 'wether'")[2]


def test_images_of_different_sizes_are_told_apart_by_size(world: Any) -> None:
    from PIL import Image

    card = Path(world.toy("candidate.toy") + ".yaml").read_text(encoding="utf-8")
    sized = card.replace("resize: none", "resize: {to: [4, 4], interpolation: nearest}")
    with zipfile.ZipFile(world.folder / "set.zip", "w") as archive:
        for index, pixels in enumerate(np.random.default_rng(2).integers(0, 256, (200, 4, 4), dtype=np.uint8)):
            file = world.folder / "image.png"
            Image.fromarray(np.tile(pixels, (1 + index % 4, 1))).save(file)
            archive.write(file, f"{index % 3}/{index:03}.png")
    rule = "metric: accuracy.top1, slice: each size, of: delta, at_least: -20pp, confidence: 95%"
    models = [world.toy("candidate.toy", card=sized), "--reference", world.toy("ref.toy", card=sized)]
    data = str(world.folder / "set.zip")
    assert world.check(*models, "--data", data, "--policy", world.policy(rule)) == 0, world.reasons()
    names = ("lowest quarter", "second quarter", "third quarter", "highest quarter")
    assert _slices(world, "size") == dict.fromkeys(names, 50)


def test_how_images_look_holds_a_run_that_might_stop_early_and_metadata_does_not(world: Any) -> None:
    assert _check(world, BY_WEATHER.replace("-10pp", "-20pp"), more=("--sequential",)) == 0, world.reasons()
    assert world.report()["stopping"]["images"] < 300
    assert _check(world, BY_LOOKS, more=("--sequential",)) == 0, world.reasons()
    assert world.report()["stopping"]["images"] == 300
    assert "cannot stop early because of rule accuracy.top1" in world.report()["stopping"]["because"]
    assert sum(_slices(world, "brightness").values()) == 300


def test_a_class_without_a_kappa_is_unknown_and_no_pass(world: Any) -> None:
    pixels = np.random.default_rng(2).integers(0, 256, size=(90, 4, 4), dtype=np.uint8)
    answers = (((pixels.reshape(90, -1) / 255 - 0.5) / 0.25) @ world.weight).argmax(axis=1)
    mixed = np.random.default_rng(3).integers(1, 3, size=90)
    arguments = [world.toy("same.toy"), "--reference", world.toy("ref.toy")]
    arguments += ["--data", world.data(images=90, labels=np.where(answers == 0, 0, mixed))]
    policy = world.policy("metric: similarity.kappa, slice: each label, at_least: 0.5")
    assert world.check(*arguments, "--policy", policy) == 3
    because = world.report()["verdict"]["rulings"][0]["because"]
    assert because.startswith(
        "similarity.kappa for each label is not known for '0': similarity.kappa has no value: both"
    )
    assert because.endswith("all others hold")
