from __future__ import annotations

from typing import Any

import pytest

pytest.importorskip("matplotlib")

from vetgate_plot.bars import Bar, Group, grouped, mirrored
from vetgate_plot.forest import Estimate, Ticks, forest, scale_for
from vetgate_plot.lines import Curve, lines
from vetgate_plot.matrix import Cell, matrix
from vetgate_plot.points import Spot, points
from vetgate_plot.sheet import WIDTH


def bar(value: float) -> Bar:
    return Bar(value, f"{value:g}")


def test_bars_are_as_long_as_their_values(drawing: Any) -> None:
    groups = [Group("a", (bar(10.0), bar(5.0))), Group("b", (bar(2.5), None))]
    found = drawing(grouped(groups, ("candidate", "reference")))
    one, other = found.extents("series-1")
    assert (one[2] - one[0]) / (other[2] - other[0]) == pytest.approx(4.0, rel=0.01)
    (hollow,) = found.extents("series-2")
    assert hollow[2] - hollow[0] == pytest.approx((one[2] - one[0]) / 2, abs=2.0)
    assert found.words("value") == ["10", "5", "2.5", "–"]
    assert found.words("legend") == ["candidate", "reference"]


def test_bars_of_both_signs_start_at_zero_and_bad_ones_are_filled_good_ones_hollow(drawing: Any) -> None:
    groups = [Group("worse", (bar(-4.0),)), Group("better", (bar(2.0),))]
    found = drawing(grouped(groups, ("difference",), good_above=True))
    (bad,), (good,) = found.extents("bad"), found.extents("good")
    assert bad[2] == pytest.approx(good[0], abs=1.0)
    assert (bad[2] - bad[0]) == pytest.approx(2 * (good[2] - good[0]), rel=0.03)
    assert "var(--paper" in next(found.of("good")[0].iter("path")).attrib["style"]
    assert "var(--bad" in next(found.of("bad")[0].iter("path")).attrib["style"]


def test_each_group_may_have_a_scale_of_its_own(drawing: Any) -> None:
    groups = [Group("bytes", (bar(1e9), bar(2e9))), Group("share", (bar(0.5), bar(1.0)))]
    one, other = drawing(grouped(groups, ("candidate", "reference"), each=True)).extents("series-1")
    assert (one[0], one[2]) == (other[0], other[2])


def test_an_interval_is_drawn_over_its_bar(drawing: Any) -> None:
    found = drawing(grouped([Group("a", (Bar(0.5, "50 %", (0.25, 1.0)),))], ("share",)))
    (drawn,), (span,) = found.extents("series-1"), found.extents("interval")
    assert (span[0], span[2]) == (pytest.approx(drawn[2] / 2, abs=0.1), pytest.approx(2 * drawn[2], abs=0.1))


def test_bars_of_a_mirror_grow_from_the_middle_on_one_scale(drawing: Any) -> None:
    found = drawing(
        mirrored([Group("cat", (bar(30.0), bar(10.0))), Group("dog", (bar(0.0), bar(0.0)))], ("lost", "won"))
    )
    (down,), (up,) = found.extents("down"), found.extents("up")
    assert down[2] == pytest.approx(WIDTH / 2)
    assert up[0] == pytest.approx(WIDTH / 2, abs=1.0)
    assert down[2] - down[0] == pytest.approx(3 * (up[2] - up[0]), rel=0.05)
    assert found.words("value") == ["30", "10", "0", "0"]


def estimate(name: str, value: float, lower: float | None, upper: float | None, state: Any, **more: Any) -> Estimate:
    return Estimate(
        name, f"{value:g}", value, lower, upper, **({"threshold": -1.0, "at_least": True} | more), state=state
    )


def drawn_forest(rows: list[Estimate], drawing: Any, **more: Any) -> Any:
    scale = scale_for(rows, logarithmic=False, neutral=0.0)
    return scale, drawing(
        forest(rows, scale, Ticks(scale.ticks, [f"{tick:g}" for tick in scale.ticks]), neutral=0.0, **more)
    )


def test_a_forest_has_every_estimate_interval_threshold_and_failing_side_where_the_figures_say(drawing: Any) -> None:
    rows = [estimate("a", -0.5, -0.8, -0.2, "pass"), estimate("b", -3.0, -4.0, -2.0, "fail")]
    scale, found = drawn_forest(rows, drawing)

    def across(value: float) -> Any:
        return pytest.approx(10.0 + scale.at(value) * (WIDTH - 20.0), abs=0.02)

    assert [spot[0] for spot in found.spots("point pass")] == [across(-0.5)]
    assert [spot[0] for spot in found.spots("point fail")] == [across(-3.0)]
    assert [(span[0], span[2]) for span in found.extents("interval")] == [
        (across(-0.8), across(-0.2)),
        (across(-4.0), across(-2.0)),
    ]
    assert [line[0] for line in found.extents("threshold")] == [across(-1.0)] * 2
    assert [(side[0], side[2]) for side in found.extents("failing")] == [(0.0, across(-1.0))] * 2
    assert found.words("label") == ["a", "b"]


def test_a_side_that_nothing_bounds_runs_to_the_edge_and_has_no_cap(drawing: Any) -> None:
    _, found = drawn_forest([estimate("a", 0.5, None, 1.0, "inconclusive")], drawing)
    (span,) = found.extents("interval")
    assert span[0] == 0.0
    assert len(found.of("cap")) == 1


def test_above_fails_where_the_rule_asks_for_at_most(drawing: Any) -> None:
    _, found = drawn_forest([estimate("a", 0.5, 0.4, 0.6, "pass", threshold=1.0, at_least=False)], drawing)
    ((left, _, right, _),) = found.extents("failing")
    ((limit, *_),) = found.extents("threshold")
    assert (left, right) == (limit, WIDTH)


def test_decisions_differ_in_shape_and_in_colour(drawing: Any) -> None:
    states = ("pass", "warn", "inconclusive", "fail")
    _, found = drawn_forest([estimate(state, -0.5, -0.6, -0.4, state) for state in states], drawing)
    shapes = {next(found.of(f"point {state}")[0].iter("path")).attrib["d"] for state in states}
    colours = {next(found.of(f"point {state}")[0].iter("use")).attrib["style"] for state in states}
    assert len(shapes) == len(colours) == len(states)


def test_lines_pass_through_their_points_in_order(drawing: Any) -> None:
    curve = Curve("candidate", ((0.0, 1.0), (50.0, 2.0), (100.0, 4.0)))
    found = drawing(lines([curve, Curve("reference", ((0.0, 4.0), (100.0, 4.0)))], across="share", along=str))
    (x0, y0), (x1, y1), (x2, y2) = found.spots("point")[:3]
    assert x1 - x0 == pytest.approx(x2 - x1, abs=0.05)
    assert (y0 - y1) / (y1 - y2) == pytest.approx(0.5, rel=0.01)
    assert len(found.of("curve")) == 2
    assert len(found.spots("point")) == 5
    dashes = [next(group.iter("path")).attrib["style"] for group in found.of("curve")]
    assert "stroke-dasharray" in dashes[1]
    assert "stroke-dasharray" not in dashes[0]


def test_a_line_of_one_point_is_a_point(drawing: Any) -> None:
    found = drawing(lines([Curve("only", ((3.0, 5.0),))], across="n", along=str))
    assert not found.of("curve")
    assert len(found.spots("point")) == 1


def test_cells_are_as_large_as_their_numbers_filled_above_0_and_hollow_below(drawing: Any) -> None:
    cells = [Cell(0, 1, 16.0, "+16"), Cell(1, 0, -4.0, "-4"), Cell(1, 1, 0.0, "0")]
    found = drawing(matrix(cells, ("cat", "dog"), ("cat", "dog"), axes=("label", "answer")))
    (more,), (fewer,) = found.extents("cell more"), found.extents("cell fewer")
    assert (more[2] - more[0]) / (fewer[2] - fewer[0] + 1.5) == pytest.approx(2.0, rel=0.02)
    assert more[0] > fewer[0]
    assert more[1] < fewer[1]
    assert "var(--paper" in next(found.of("cell fewer")[0].iter("path")).attrib["style"]
    assert found.words("row") == found.words("column") == ["cat", "dog"]


def test_a_plane_keeps_ratios_of_distances_in_both_directions(drawing: Any) -> None:
    spots = [Spot("r", 0.0, 0.0, "reference"), Spot("c", 3.0, 0.0, "candidate"), Spot("i", 0.0, 4.0, "independent")]
    found = drawing(points(spots, titles=("x", "y"), along=str, plane=True))
    (reference,), (candidate,), (other,) = (
        found.spots(f"point {part}") for part in ("reference", "candidate", "independent")
    )
    assert candidate[0] - reference[0] == pytest.approx(0.75 * (reference[1] - other[1]), rel=0.01)
    assert sorted(found.words("name")) == ["c", "i", "r"]
    assert not found.of("tick")


def test_points_over_axes_have_ticks(drawing: Any) -> None:
    spots = [Spot("a", 1.0, 100.0), Spot("b", 2.0, 300.0)]
    found = drawing(points(spots, titles=("size", "time"), along=lambda value: f"{value:g}", plane=False))
    (one, other) = found.spots("point")
    assert one[0] < other[0]
    assert one[1] > other[1]
    assert found.words("axis") == ["across: size · up: time"]
    assert "200" in found.words("tick")


def test_no_text_is_smaller_than_can_be_read_on_a_telephone(drawing: Any) -> None:
    """A sheet is 380 units wide; in a page on a telephone of 390 pixels a unit is a little less than a pixel."""
    groups = [Group("a" * 200, (bar(1.0), bar(2.0)), told="×")]
    found = drawing(grouped(groups, ("candidate", "reference"), note="a note"))
    sizes = [style for group in found.root.iter("text") for style in [group.attrib["style"]]]
    assert all(float(style.split("font-size:")[1].split("px")[0]) >= 11.0 for style in sizes)
