"""Data hygiene through the whole walk: rules that forbid overlap, and data that cannot tell."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

OFF = ("--disable", "latency", "--no-cache")
NO_OVERLAP = ("metric: data.overlap_exact, at_most: 0", "metric: data.overlap_near, at_most: 0")


def _write(world: Any, name: str, *, first: int = 0, shared: int = 0) -> str:
    """Write 20 images of the world's shape, `shared` of them vetted ones."""
    pixels = np.random.default_rng(77).integers(0, 256, (20, 4, 4), dtype=np.uint8)
    if shared:
        with np.load(world.folder / "data.npz") as arrays:
            pixels[:shared] = arrays["images"][first : first + shared]
    np.savez(world.folder / name, images=pixels, y=np.zeros(20, dtype=np.int64))
    return name


def _given(world: Any, *rules: str) -> tuple[str, ...]:
    world.toy("ref.acme")
    world.toy("cand.acme")
    world.data("data.npz")
    return ("cand.acme", "--reference", "ref.acme", "--data", "data.npz", "--policy", world.policy(*rules), *OFF)


def _figures(world: Any) -> dict[str, float]:
    checks = [item for item in world.report()["evidence"] if item["check"] == "hygiene"]
    return {figure["metric"]: figure["value"] for figure in checks[0]["measurements"]}


def test_a_rule_forbids_that_candidates_are_vetted_on_calibration_images(world: Any) -> None:
    given = _given(world, *NO_OVERLAP)
    assert world.check(*given, "--calibration-data", _write(world, "apart.npz")) == 0, world.err + world.reasons()
    assert world.check(*given, "--calibration-data", _write(world, "mixed.npz", shared=3)) == 1
    assert _figures(world)["data.overlap_exact"] == pytest.approx(3 / 60)
    assert "3 of 60" in str(world.report()["evidence"])


def test_the_vetting_data_as_calibration_data_is_overlap_in_every_image(world: Any) -> None:
    given = _given(world, NO_OVERLAP[0])
    assert world.check(*given, "--calibration-data", "data.npz") == 1
    assert _figures(world)["data.overlap_exact"] == 1


def test_a_rule_on_overlap_without_other_images_is_inconclusive_and_says_what_to_give(world: Any) -> None:
    given = _given(world, NO_OVERLAP[0])
    assert world.check(*given) == 3
    assert "--calibration-data PATH" in world.reasons()
    assert world.run("check", *given, "--plan") == 0
    assert "no calibration data was named" in world.out


def test_training_data_counts_where_only_that_is_named(world: Any) -> None:
    given = _given(world, NO_OVERLAP[0])
    assert world.check(*given, "--train-data", _write(world, "mixed.npz", shared=2)) == 1
    assert "no calibration data was named" in str(world.report()["evidence"])


def test_naming_calibration_data_is_asking_for_the_figures(world: Any) -> None:
    given = _given(world, "metric: similarity.agreement, at_least: 0")
    assert world.check(*given, "--calibration-data", _write(world, "apart.npz")) == 0, world.err + world.reasons()
    assert _figures(world)["data.overlap_exact"] == 0


def test_the_configuration_names_calibration_data_relative_to_itself(world: Any, monkeypatch: Any) -> None:
    given = _given(world, NO_OVERLAP[0])
    _write(world, "mixed.npz", shared=1)
    (world.folder / "vetgate.yaml").write_text("calibration_data: mixed.npz\n", encoding="utf-8")
    assert world.check(*given) == 1


def test_a_run_that_stops_early_looks_at_all_images_for_overlap(world: Any) -> None:
    given = _given(world, NO_OVERLAP[0], "metric: similarity.agreement, at_least: 10%, confidence: 90%")
    assert world.check(*given, "--sequential", "--calibration-data", _write(world, "m.npz", first=57, shared=3)) == 1
    assert _figures(world)["data.overlap_exact"] == pytest.approx(3 / 60)


def test_an_empty_or_missing_calibration_set_is_a_mistake_in_the_command(world: Any) -> None:
    given = _given(world, NO_OVERLAP[0])
    assert world.check(*given, "--calibration-data", "nowhere") == 2
    (world.folder / "empty").mkdir()
    assert world.check(*given, "--calibration-data", "empty") == 2
    assert "empty" in world.err


def test_files_that_cannot_be_decoded_make_overlap_unknown(world: Any) -> None:
    given = _given(world, NO_OVERLAP[0])
    folder = world.folder / "calibration" / "x"
    folder.mkdir(parents=True)
    Image.new("CMYK", (30, 20), (9, 80, 7, 0)).save(folder / "cmyk.jpg")
    frames = [Image.new("RGB", (8, 8), (value, 0, 0)) for value in (0, 90)]
    frames[0].save(folder / "moving.gif", save_all=True, append_images=frames[1:])
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.new("L", (9, 5), 7).save(folder / "turned.jpg", exif=exif)
    assert world.check(*given, "--calibration-data", "calibration") == 0, world.err + world.reasons()
    (folder / "cut.jpg").write_bytes((folder / "cmyk.jpg").read_bytes()[:200])
    assert world.check(*given, "--calibration-data", "calibration") == 3
    assert "1 of 4 images of the calibration data calibration cannot be read" in world.reasons()
    assert world.check(*given, "--calibration-data", "calibration", "--max-unreadable", "0.3") == 0


def test_sketches_are_kept_and_images_decoded_once(world: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    from vetgate.inference.prepare import read_pixels

    decoded: list[object] = []

    def watched(source: Any, at: int) -> Any:
        decoded.append(at)
        return read_pixels(source, at)

    monkeypatch.setattr("vetgate.gate.sketches.read_pixels", watched)
    given = tuple(flag for flag in _given(world, *NO_OVERLAP) if flag != "--no-cache")
    other = _write(world, "apart.npz")
    assert world.check(*given, "--calibration-data", other) == 0, world.reasons()
    assert len(decoded) == 20, "those of the vetting data were seen on their way to the models"
    assert world.check(*given, "--calibration-data", other) == 0
    assert len(decoded) == 20, "the cache knows the others"
