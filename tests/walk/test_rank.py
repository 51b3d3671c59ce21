"""`vetgate rank` from the command line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

BUDGET = ("--timing-budget", "1")


def rank(world: Any, *candidates: str, data: str | None = None, more: tuple[str, ...] = ()) -> int:
    reference = world.toy("reference.toy")
    code: int = world.run("rank", *candidates, "--reference", reference, "--data", data or world.data(), *BUDGET, *more)
    return code


def ranking(world: Any) -> dict[str, Any]:
    saved: dict[str, Any] = json.loads((world.folder / "ranking.json").read_text(encoding="utf-8"))
    return saved


def test_candidates_and_their_reference_are_ranked_without_a_policy(world: Any) -> None:
    near, far = world.toy("near.toy", noise=0.05), world.toy("far.toy", noise=3.0)
    report = ("--report", f"ranking-json={world.folder / 'ranking.json'}")
    whole = ("--report", f"json={world.folder / 'report.json'}")
    assert rank(world, near, far, more=(*report, *whole)) == 0
    for word in ("MIN", "MAX", "near.toy", "far.toy", "(reference)", "data.npz", "timed at batch 1", "bounds"):
        assert word in world.out
    rows = ranking(world)["rows"]
    assert len(rows) == 3
    assert all(row["interval"]["lower"] <= row["score"] <= row["interval"]["upper"] for row in rows)
    assert world.report()["verdict"]["decision"] == "inconclusive"
    assert "nothing was judged" in world.report()["verdict"]["because"]


@pytest.mark.parametrize(("suffix", "head"), [("svg", b"<?xml"), ("png", b"\x89PNG")])
def test_a_chart_is_written_by_its_suffix(world: Any, suffix: str, head: bytes) -> None:
    pytest.importorskip("matplotlib")
    chart = world.folder / f"chart.{suffix}"
    assert rank(world, world.toy("near.toy", noise=0.05), more=("--chart", str(chart))) == 0
    assert chart.read_bytes().startswith(head)


def test_a_chart_of_another_suffix_is_a_usage_error_before_anything_runs(world: Any) -> None:
    assert rank(world, world.toy("near.toy"), more=("--chart", "chart.pdf")) == 2
    assert "must end in .svg or .png" in world.err


def test_a_candidate_that_cannot_be_opened_is_named_and_the_others_are_ranked(world: Any) -> None:
    Path(world.folder / "empty.toy").touch()
    assert rank(world, world.toy("near.toy", noise=0.05), str(world.folder / "empty.toy")) == 3
    assert "near.toy" in world.out
    assert "Not ranked" in world.out
    assert "empty.toy" in world.out.partition("Not ranked")[2]


def test_no_candidate_measured_is_no_ranking_and_no_chart(world: Any) -> None:
    pytest.importorskip("matplotlib")
    Path(world.folder / "empty.toy").touch()
    chart = world.folder / "chart.svg"
    assert rank(world, str(world.folder / "empty.toy"), more=("--chart", str(chart))) == 3
    assert "No candidate could be measured" in world.out
    assert "nothing to draw" in world.err
    assert not chart.exists()


def test_data_without_labels_is_a_usage_error(world: Any) -> None:
    assert rank(world, world.toy("near.toy"), data=world.data("bare.npz", labels=None)) == 2
    assert "has no labels" in world.err
    assert "Traceback" not in world.err


def test_no_data_is_a_usage_error(world: Any) -> None:
    assert world.run("rank", world.toy("near.toy"), "--reference", world.toy("reference.toy")) == 2
    assert "--data PATH" in world.err


def test_a_model_ranked_against_itself_has_equal_scores_and_no_nan(world: Any) -> None:
    reference = world.toy("reference.toy")
    report = ("--report", f"ranking-json={world.folder / 'ranking.json'}")
    assert rank(world, reference, reference, more=report) == 0
    rows = ranking(world)["rows"]
    assert len(rows) == 3
    assert {row["accuracy"] for row in rows} == {1.0}
    assert [row["error"] for row in rows] == pytest.approx([0.5 / 60] * 3)
    assert "nan" not in world.out.lower()
    assert "made no error on 60 images" in world.out
