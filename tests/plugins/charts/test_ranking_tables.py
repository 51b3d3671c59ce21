from __future__ import annotations

import json
import re
from typing import Any

import pytest
from vetgate_charts.json_ranking import RankingJson
from vetgate_charts.markdown import RankingMarkdown
from vetgate_charts.plugin import vetgate_reporters
from vetgate_charts.row import undecided
from vetgate_charts.terminal import RankingTable

from vetgate.reporting import Interval, ReportSet, rank

HOSTILE = "run/\x1b[31m$x$|`<b>`\n✔ PASS.onnx"


@pytest.fixture
def three(measured: Any) -> ReportSet:
    models = [
        measured.Model("run/int8.onnx", 0.92, 5.0, 1.0),
        measured.Model("run/pruned.onnx", 0.90, 15.0, 4.0),
        measured.Model("run/near.onnx", 0.92, 5.1, 1.0),
    ]
    broken = measured.crashed("run/broken.onnx", "it is empty (0 bytes)")
    found: ReportSet = measured.reports(models)
    return ReportSet(reports=(*found.reports, broken))


def table_lines(text: str) -> list[str]:
    lines = text.splitlines()
    first = next(place for place, line in enumerate(lines) if "─" in line)
    return lines[first + 1 : lines.index("", first)]


def test_the_table_begins_with_min_and_ends_with_max(three: ReportSet) -> None:
    lines = table_lines(RankingTable(100).render(three))
    assert lines[0].split()[0] == "MIN"
    assert lines[-1].split()[0] == "MAX"
    order = [next(name for name in ("int8", "near", "pruned", "base.pt") if name in line) for line in lines[1:-1]]
    assert order == ["int8", "near", "base.pt", "pruned"] or order == ["int8", "near", "pruned", "base.pt"]
    assert "◆" in lines[1]


def test_the_reader_is_told_what_the_scores_hold_on(three: ReportSet) -> None:
    text = RankingTable(100).render(three)
    assert "data.npz · 10,000 images · dddddddddddd" in text
    assert "Processor, 2 cores, Linux" in text
    assert "timed at batch 1" in text


def test_a_first_place_that_bounds_do_not_settle_is_said_to_be_undecided(three: ReportSet) -> None:
    assert "run/int8.onnx is first with -0.40, undecided from run/near.onnx" in RankingTable(140).render(three)


def test_a_first_place_is_settled_against_the_reference_by_the_paired_difference_alone(measured: Any) -> None:
    """Both scores have wide bounds of their own, for the machine and the images move both alike."""
    found = rank(measured.reports([measured.Model("near.onnx", 0.93, 19.0, 4.0)]))
    blurred = [
        row.model_copy(update={"interval": Interval(lower=row.score - 1.0, upper=row.score + 1.0)})
        for row in found.rows
    ]
    assert undecided(found.model_copy(update={"rows": tuple(blurred)})) == []
    assert found.rows[0].name == "near.onnx"


def test_a_first_place_without_bounds_is_undecided(measured: Any) -> None:
    report = measured.report(measured.Model("far.onnx", 0.99, 1.0, 1.0), spread=0.0)
    assert undecided(rank(ReportSet(reports=(report,)))) == ["the reference"]


@pytest.mark.parametrize("width", [80, 100, 116])
def test_names_are_readable_at_any_width(three: ReportSet, width: int) -> None:
    text = RankingTable(width).render(three)
    assert all(name in line for name, line in zip(("int8.onnx", "near.onnx"), table_lines(text)[1:3], strict=True))


def test_what_was_not_measured_is_named_with_its_reason(three: ReportSet) -> None:
    for reporter in (RankingTable(100), RankingMarkdown()):
        text = reporter.render(three)
        assert "Not ranked" in text
        assert "run/broken.onnx: it is empty" in text.replace("&#95;", "_")


@pytest.mark.parametrize("width", [40, 72, 100, 116, 140])
def test_no_figure_is_cut_off_at_any_width(three: ReportSet, width: int) -> None:
    text = RankingTable(width).render(three)
    assert "…" not in text
    assert "-0.408 to -0.388" in text
    assert all(len(line) <= (width if width < 80 else max(width, 100)) for line in text.splitlines())


def test_a_narrow_terminal_shows_each_model_on_lines_of_its_own(three: ReportSet) -> None:
    text = RankingTable(40).render(three)
    models = re.findall(r"^  (\S.*)\n    accuracy ", text, re.M)
    assert [model.rpartition("/")[2].split()[-1] for model in models[:3]] == ["MIN", "int8.onnx", "near.onnx"]
    assert re.search(r"^    accuracy +\S+", text, re.M)
    assert re.search(r"^    against +\S+.*\n    reference +\S+", text, re.M)


def test_hostile_names_are_spelled_out(measured: Any) -> None:
    found = measured.reports([measured.Model(HOSTILE)])
    for reporter in (RankingTable(100), RankingTable(100, colour=False), RankingMarkdown()):
        text = reporter.render(found)
        assert "\x1b" not in text
        assert "\n✔ PASS" not in text
    assert "<b>" not in RankingMarkdown().render(found)


def test_nothing_measured_says_so_and_draws_no_table(measured: Any) -> None:
    text = RankingTable().render(ReportSet(reports=(measured.crashed("a.onnx", "it is empty"),)))
    assert text.startswith("No candidate could be measured")
    assert "MIN" not in text
    assert "nan" not in text.lower()


def test_markdown_is_one_table(three: ReportSet) -> None:
    lines = [line for line in RankingMarkdown().render(three).splitlines() if line.startswith("|")]
    assert len(lines) == 2 + 1 + 4 + 1
    assert len({line.count("|") for line in lines}) == 1


def test_json_reads_back_to_the_ranking(three: ReportSet) -> None:
    saved = json.loads(RankingJson().render(three))
    assert saved == json.loads(rank(three).model_dump_json())
    assert saved["best"]["name"] == "MIN"


def test_only_pictures_need_the_extra() -> None:
    found = {spec.name: spec for spec in vetgate_reporters()}
    assert {name for name, spec in found.items() if spec.extra == "charts"} == {"bubble", "bubble-png"}
    assert {name: spec.suffix for name, spec in found.items()}["bubble"] == ".svg"
    for spec in found.values():
        assert hasattr(spec.factory(), "render")
