"""Charts of a page: which there are, what they show, and that nothing in them is more than text."""

from __future__ import annotations

import random
import re
import xml.etree.ElementTree as ET
from types import ModuleType
from typing import Any

import pytest

from tests.plugins.charts import measured as scored
from vetgate.reporting import (
    Better,
    Chart,
    Decision,
    Evidence,
    Mark,
    Of,
    Outcome,
    Report,
    ReportSet,
    Ruling,
    Table,
    Unit,
)

pytest.importorskip("matplotlib")

from vetgate_html.charts import Drawn, charts, overall

SCRIPT = "<script>alert(1)</script>"
HOSTILE = (SCRIPT, "שלום \u202e right to left", "👩‍🔬 " + "emoji " * 30, "漢字" * 60, 'quote" & </text>', "\x1b[31m\n")


@pytest.fixture(scope="session")
def measured() -> ModuleType:
    """Return the module that makes reports of models that were scored."""
    return scored


def marks(drawn: Drawn, kind: str) -> list[ET.Element]:
    """Return the groups that have every class of `kind`."""
    root = ET.fromstring(drawn.svg)  # noqa: S314  # our own document
    wanted = set(kind.split())
    return [found for found in root.iter("g") if wanted <= set(found.attrib.get("class", "").split())]


def words(drawn: Drawn, kind: str) -> list[str]:
    return ["".join(found.itertext()) for found in marks(drawn, kind)]


def with_tables(report: Report, *tables: Table, check: str = "acme") -> Report:
    entry = Evidence(check=check, outcome=Outcome.MEASURED, exhibits=tables)
    verdict = report.verdict.model_copy(update={"rulings": ()})
    return report.model_copy(update={"evidence": (entry,), "verdict": verdict})


def with_rulings(report: Report, *rulings: Ruling) -> Report:
    verdict = report.verdict.model_copy(update={"rulings": rulings})
    return report.model_copy(update={"evidence": (), "verdict": verdict})


def ruling(rule: str, of: Of = Of.DELTA, decision: Decision = Decision.PASS, **more: Any) -> Ruling:
    figures: dict[str, Any] = {
        "observed": -0.004,
        "lower": -0.008,
        "upper": 0.001,
        "threshold": -0.01,
        "side": "at_least",
        "confidence": 0.95,
        "method": "Tango",
        "unit": Unit.FRACTION,
        "metric": "accuracy.top1",
    }
    return Ruling(rule=rule, words="w", decision=decision, because="b", of=of, **(figures | more))


def table(rows: Any, chart: Chart, columns: tuple[str, ...] = ("name", "value"), title: str = "A table") -> Table:
    return Table(title=title, columns=columns, rows=tuple(rows), chart=chart)


BARS = Chart(mark=Mark.BARS, label="name", values=("value",))


def test_rules_on_differences_and_ratios_stand_against_their_margins_by_kind_and_unit(canned: ReportSet) -> None:
    found = charts(canned.reports[0])
    titles = [drawn.title for drawn in found if drawn.section == "rules"]
    assert titles == [
        "Differences against their margins (percentage points)",
        "Differences against their margins (score)",
        "Ratios against their margins (×, logarithmic)",
        "Figures of the pair against their limits (per cent)",
    ]
    points = found[0]
    assert words(points, "label")[0] == "no-class-left-behind (class Shirt)"
    assert words(points, "value")[0] == "-3.70 pp  (≥ -5 pp)"
    assert len(marks(points, "point")) == len(marks(points, "threshold")) == 3
    assert "no-class-left-behind (class Shirt) is -3.70 pp (interval -5.21 to -2.28 pp)" in points.alt
    assert points.alt.endswith(".")


def test_the_worst_twenty_of_many_rules_are_drawn_and_the_others_counted(canned: ReportSet) -> None:
    rulings = [ruling(f"rule-{number}") for number in range(499)]
    rulings.append(ruling("the-one-that-fails", decision=Decision.FAIL))
    (drawn,) = charts(with_rulings(canned.reports[0], *rulings))
    assert len(marks(drawn, "point")) == 20
    assert words(drawn, "label")[0] == "the-one-that-fails"
    assert words(drawn, "note") == ["20 of 500 rules are drawn."]
    assert "; and 492 more" in drawn.alt


def test_a_rule_without_a_figure_and_one_on_a_single_model_has_no_place(canned: ReportSet) -> None:
    assert not charts(with_rulings(canned.reports[0], ruling("a", observed=None), ruling("b", of=Of.CANDIDATE)))


def test_a_ratio_whose_interval_begins_at_zero_runs_to_the_edge(canned: ReportSet) -> None:
    bound: dict[str, Any] = {
        "lower": 0.0,
        "upper": None,
        "observed": 0.7,
        "threshold": 1.1,
        "side": "at_most",
        "unit": Unit.RATIO,
    }
    (drawn,) = charts(with_rulings(canned.reports[0], ruling("latency", of=Of.RATIO, **bound)))
    assert len(marks(drawn, "interval")) == 1
    assert not marks(drawn, "cap")
    assert "too few" in drawn.alt


def test_the_footprint_of_both_models_stands_side_by_side_with_their_ratio(canned: ReportSet) -> None:
    (drawn,) = [drawn for drawn in charts(canned.reports[0]) if drawn.section == "footprint"]
    count = len(words(drawn, "label"))
    assert len(marks(drawn, "series-1")) == len(marks(drawn, "series-2")) == count > 3
    at = words(drawn, "label").index("size_mb")
    assert words(drawn, "told")[at] == "0.2906 ×"
    assert words(drawn, "value")[2 * at : 2 * at + 2] == ["0.1802 MB", "0.6201 MB"]


def test_models_that_were_scored_are_bubbles_with_the_front_and_the_reference_marked(measured: Any) -> None:
    reports = measured.reports(
        [measured.Model("int8.onnx", 0.929, 5.0, 1.0), measured.Model("bad.onnx", 0.2, 9.0, 5.0)]
    )
    (drawn,) = overall(reports)
    assert len(marks(drawn, "point")) == 3
    assert len(marks(drawn, "point behind")) == 1
    assert len(marks(drawn, "reference")) == 2
    assert "int8.onnx: OpScore" in drawn.alt
    assert drawn.alt.count("on the Pareto front") == 2


def test_one_candidate_is_drawn_beside_its_reference(measured: Any) -> None:
    (drawn,) = overall(measured.reports([measured.Model("int8.onnx", 0.929, 5.0, 1.0)]))
    assert len(marks(drawn, "point")) == 2


def test_of_many_models_the_best_are_named_and_all_are_drawn(measured: Any) -> None:
    models = [measured.Model(f"out/m{number}.onnx", 0.8 + number / 500, 5.0 + number, 1.0) for number in range(40)]
    (drawn,) = overall(measured.reports(models))
    assert len(marks(drawn, "point")) == 41
    texts = "".join(ET.fromstring(drawn.svg).itertext())  # noqa: S314  # our own document
    assert "base.pt (reference)" in texts
    assert "Only the best 8 and the reference are named." in drawn.caption


def test_there_is_no_bubble_where_nothing_was_scored_and_none_of_reports_that_cannot_be_compared(
    canned: ReportSet, measured: Any
) -> None:
    bare = canned.reports[0].model_copy(update={"evidence": ()})
    assert overall(ReportSet(reports=(bare,))) == ()
    one = measured.reports([measured.Model("a.onnx", 0.9, 5.0, 1.0)]).reports[0]
    other = one.model_copy(update={"environment": one.environment.model_copy(update={"processor": "another"})})
    assert overall(ReportSet(reports=(one, other))) == ()


def test_tables_of_any_check_are_drawn_as_they_say(canned: ReportSet) -> None:
    numbered = [("a", 1.0), ("b", 3.0)]
    pairs = [("a", "b", 4), ("b", "a", -2)]
    tables = (
        table(numbered, BARS),
        table([("a", 3, 1)], Chart(mark=Mark.MIRRORED, label="name", values=("down", "up")), ("name", "down", "up")),
        table([(1, 2.0), (2, 4.0)], Chart(mark=Mark.LINES, label="name", values=("value",))),
        table(pairs, Chart(mark=Mark.MATRIX, label="one", across="two", values=("n",)), ("one", "two", "n")),
        table([("a", 1.0, 2.0)], Chart(mark=Mark.POINTS, label="name", values=("x", "y")), ("name", "x", "y")),
        Table(title="read me", columns=("a",), rows=(("b",),)),
    )
    found = charts(with_tables(canned.reports[0], *tables))
    assert [drawn.section for drawn in found] == ["acme"] * 5
    bars, mirror, line, matrix, points = found
    assert len(marks(bars, "bar series-1")) == 2
    assert (len(marks(mirror, "bar down")), len(marks(mirror, "bar up"))) == (1, 1)
    assert (len(marks(line, "curve")), len(marks(line, "point"))) == (1, 2)
    assert (len(marks(matrix, "cell more")), len(marks(matrix, "cell fewer"))) == (1, 1)
    assert words(points, "name") == ["a"]
    assert bars.alt == "A table: value. a: 1; b: 3."


def test_no_row_no_chart(canned: ReportSet) -> None:
    of_two = ("name", "value", "other")
    shapes = (
        (BARS, ("name", "value")),
        (Chart(mark=Mark.LINES, label="name", values=("value",)), ("name", "value")),
        (Chart(mark=Mark.MATRIX, label="name", across="other", values=("value",)), of_two),
        (Chart(mark=Mark.POINTS, label="name", values=("value", "other")), of_two),
    )
    for chart, columns in shapes:
        for rows in ((), (("a",) + (None,) * (len(columns) - 1),), (("a",),)):
            assert charts(with_tables(canned.reports[0], table(rows, chart, columns))) == ()


def test_rows_that_are_all_zero_or_lack_a_figure_give_way_and_are_counted(canned: ReportSet) -> None:
    chart = Chart(mark=Mark.BARS, label="name", values=("one", "two"), unit=Unit.COUNT)
    rows = [("a", 1, 2), ("b", 0, 0), ("c", None, 5), ("d", 3, 0)]
    (drawn,) = charts(with_tables(canned.reports[0], table(rows, chart, ("name", "one", "two"))))
    assert words(drawn, "label") == ["a", "d"]
    assert words(drawn, "note") == ["2 more are 0 or unknown."]


def test_a_thousand_classes_stay_small_and_the_table_leads(canned: ReportSet) -> None:
    draw = random.Random(0)
    rows = [(f"class {number}", draw.uniform(-0.5, 0.1)) for number in range(1000)]
    rows.sort(key=lambda row: row[1])
    chart = Chart(
        mark=Mark.BARS, label="name", values=("value",), unit=Unit.FRACTION, signed=True, better=Better.HIGHER
    )
    (drawn,) = charts(with_tables(canned.reports[0], table(rows, chart)))
    assert words(drawn, "label") == [name for name, _ in rows[:20]]
    assert words(drawn, "note") == ["20 of 1,000 rows are drawn."]
    assert len(marks(drawn, "bar bad")) == 20
    assert "; and 992 more." in drawn.alt
    assert len(drawn.svg) < 20_000


def test_a_table_of_very_many_rows_is_read_as_far_as_is_drawn_and_all_rows_are_counted(canned: ReportSet) -> None:
    (drawn,) = charts(with_tables(canned.reports[0], table([("a", 1.0)] * 50_000, BARS)))
    assert words(drawn, "note") == ["20 of 50,000 rows are drawn."]
    assert drawn.alt.endswith("; and 49,992 more.")


@pytest.mark.parametrize("mark", [Mark.BARS, Mark.LINES])
def test_of_more_columns_than_can_be_told_apart_six_are_drawn(canned: ReportSet, mark: Mark) -> None:
    titles = tuple(f"c{number}" for number in range(9))
    chart = Chart(mark=mark, label="name", values=titles)
    (drawn,) = charts(with_tables(canned.reports[0], table([(1, *range(1, 10))], chart, ("name", *titles))))
    assert words(drawn, "legend") == list(titles[:6])
    assert words(drawn, "note") == ["6 of 9 columns are drawn."]


def test_of_a_large_matrix_the_pairs_that_differ_most_are_drawn(canned: ReportSet) -> None:
    rows = [(f"a{number}", f"b{number}", number) for number in range(1, 101)]
    chart = Chart(mark=Mark.MATRIX, label="one", across="two", values=("n",))
    (drawn,) = charts(with_tables(canned.reports[0], table(rows, chart, ("one", "two", "n"))))
    assert len(marks(drawn, "cell")) == 20
    assert set(words(drawn, "row")) == {f"a{number}" for number in range(81, 101)}
    assert words(drawn, "note") == ["20 of 100 pairs are drawn."]


@pytest.mark.parametrize("mark", list(Mark))
@pytest.mark.parametrize("logarithmic", [False, True])
def test_the_greatest_and_the_least_numbers_are_drawn(canned: ReportSet, mark: Mark, logarithmic: bool) -> None:
    values = (5e-324, 1e-200, 1.0, 1e308, -1e308, 0.0)
    rows = [(f"{value:g}" if mark is not Mark.LINES else value, value, -value, "x") for value in values]
    chart = Chart(mark=mark, label="name", values=("one", "two"), across="three", logarithmic=logarithmic)
    (drawn,) = charts(with_tables(canned.reports[0], table(rows, chart, ("name", "one", "two", "three"))))
    assert not re.search(r"\b(nan|inf)\b", drawn.svg)


@pytest.mark.parametrize("mark", list(Mark))
def test_one_row_is_a_chart(canned: ReportSet, mark: Mark) -> None:
    label: Any = 1 if mark is Mark.LINES else "a"
    chart = Chart(mark=mark, label="name", values=("one", "two"), across="three")
    (drawn,) = charts(
        with_tables(canned.reports[0], table([(label, 2.0, 3.0, "b")], chart, ("name", "one", "two", "three")))
    )
    assert drawn.svg.startswith("<svg")


@pytest.mark.parametrize("mark", list(Mark))
def test_text_of_strangers_stays_text(canned: ReportSet, mark: Mark) -> None:
    columns = (SCRIPT, f"one {SCRIPT}", "two", "three")
    rows = [(number if mark is Mark.LINES else name, 1.0 + number, 2.0, name) for number, name in enumerate(HOSTILE)]
    chart = Chart(mark=mark, label=columns[0], values=columns[1:3], across="three", group="three")
    (drawn,) = charts(with_tables(canned.reports[0], table(rows, chart, columns, SCRIPT), check=SCRIPT))
    tags = {element.tag for element in ET.fromstring(drawn.svg).iter()}  # noqa: S314  # our own document
    assert tags <= {"svg", "title", "desc", "g", "defs", "path", "use", "text", "tspan"}
    assert "<script" not in drawn.svg
    assert not any(re.search(r"\son\w+=", tag) for tag in re.findall(r"<[^>]*>", drawn.svg))
    shown = "".join(ET.fromstring(drawn.svg).itertext())  # noqa: S314  # our own document
    assert "\u202e" not in shown
    assert "\x1b" not in shown
    assert "\u202e" not in drawn.alt


def test_ids_are_unique_in_a_page_of_several_reports(canned: ReportSet, measured: Any) -> None:
    report = canned.reports[0]
    found = [*charts(report, "c1"), *charts(report, "c2"), *overall(measured.reports([measured.Model("a")]))]
    ids = [name for drawn in found for name in re.findall(r'\bid="([^"]*)"', drawn.svg)]
    assert len(ids) == len(set(ids))
    assert len({drawn.id for drawn in found}) == len(found)
    for drawn in found:
        assert all(
            name == drawn.id or name.startswith(f"{drawn.id}-") for name in re.findall(r'\bid="([^"]*)"', drawn.svg)
        )


def test_the_same_report_gives_the_same_charts(canned: ReportSet, measured: Any) -> None:
    report = canned.reports[0]
    assert charts(report) == charts(report)
    reports = measured.reports([measured.Model("a.onnx", 0.9, 5.0, 1.0)])
    assert overall(reports) == overall(reports)


def test_what_a_chart_shows_is_told_in_words_of_a_few_lines(canned: ReportSet) -> None:
    for drawn in charts(canned.reports[0]):
        assert 20 < len(drawn.alt) <= 2000
        assert f'<desc id="{drawn.id}-desc">' in drawn.svg


def test_tables_of_one_check_are_not_drawn_without_end(canned: ReportSet) -> None:
    many = with_tables(canned.reports[0], *(table([("a", 1.0)], BARS) for _ in range(500)))
    assert len(charts(many)) == 40


def test_drawing_leaves_the_windows_and_settings_of_matplotlib_alone(canned: ReportSet) -> None:
    import matplotlib

    before = dict(matplotlib.rcParams)
    charts(canned.reports[0])
    assert dict(matplotlib.rcParams) == before
