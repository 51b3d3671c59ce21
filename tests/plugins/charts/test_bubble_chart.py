from __future__ import annotations

import math
import subprocess
import sys
import xml.etree.ElementTree as ET
from itertools import combinations, product
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from vetgate.reporting import Inconclusive, Ranking, ReportSet, Standing, rank

pytest.importorskip("matplotlib")

from vetgate_charts.bubble import BubbleChart
from vetgate_plot.bubble import FRONT, LARGEST, draw


@pytest.fixture
def five(measured: Any) -> ReportSet:
    made: ReportSet = measured.reports(
        [
            measured.Model("int8.onnx", 0.929, 5.0, 1.0),
            measured.Model("float16.onnx", 0.930, 5.2, 2.0),
            measured.Model("distilled.onnx", 0.931, 5.1, 4.0),
            measured.Model("pruned95.onnx", 0.17, 5.1, 4.0),
        ]
    )
    return made


def test_the_same_reports_give_the_same_bytes_without_a_date(five: ReportSet) -> None:
    one, other = (BubbleChart("svg").render(five) for _ in range(2))
    assert one == other
    assert b"dc:date" not in one
    assert ET.fromstring(one).tag.endswith("svg")  # noqa: S314  # our own document


def test_a_png_is_a_png(five: ReportSet) -> None:
    assert BubbleChart("png").render(five).startswith(b"\x89PNG")


def largest_first(ranking: Ranking) -> list[Standing]:
    """Return the rows in the order in which they are drawn, so that none hides a smaller one."""
    return sorted(ranking.rows, key=lambda row: -row.megabytes)


def bubbles(axes: Any) -> list[Any]:
    return [drawn for drawn in axes.collections if drawn.get_gid() != "reference"]


def test_there_is_one_bubble_a_model_with_its_size_as_area(five: ReportSet) -> None:
    ranking = rank(five)
    (axes,) = draw(ranking).axes
    assert len(bubbles(axes)) == len(ranking.rows) == 5
    for row, bubble in zip(largest_first(ranking), bubbles(axes), strict=True):
        ((x, y),) = bubble.get_offsets().tolist()
        assert (10**x, 1 - 10**-y) == pytest.approx((row.seconds, row.accuracy))
        (area,) = bubble.get_sizes()
        assert area == pytest.approx(LARGEST * row.megabytes / 4.0)


def test_the_front_is_filled_and_joined_and_the_others_are_hollow(five: ReportSet) -> None:
    from matplotlib.colors import same_color

    ranking = rank(five)
    (axes,) = draw(ranking).axes
    for row, bubble in zip(largest_first(ranking), bubbles(axes), strict=True):
        filled = len(bubble.get_facecolor()) > 0
        assert filled == row.front
    dotted = [line for line in axes.lines if line.get_linestyle() == ":"]
    (joined,) = dotted
    assert same_color(joined.get_color(), FRONT)
    assert len(joined.get_xdata()) == sum(row.front for row in ranking.rows)  # type: ignore[arg-type]


def test_every_model_has_a_label_and_no_label_covers_another(five: ReportSet) -> None:
    chart = draw(rank(five))
    (axes,) = chart.axes
    canvas: Any = chart.canvas
    renderer = canvas.get_renderer()
    texts = [text for text in axes.texts if text.get_text()]
    named = [text.get_text().splitlines()[0] for text in texts]
    assert sorted(named) == ["base.pt (reference)", "distilled.onnx", "float16.onnx", "int8.onnx", "pruned95.onnx"]
    boxes = [text.get_window_extent(renderer) for text in texts]
    inside = axes.get_window_extent()
    assert not any(one.overlaps(other) for one, other in combinations(boxes, 2))
    assert all(inside.x0 <= box.x0 and box.x1 <= inside.x1 for box in boxes)
    assert all(inside.y0 <= box.y0 and box.y1 <= inside.y1 for box in boxes)


def test_the_ring_of_the_reference_lies_over_every_bubble_even_a_larger_one_in_its_place(measured: Any) -> None:
    found = measured.reports([measured.Model("larger.onnx", 0.94, 19.9, 8.0)])
    (axes,) = draw(rank(found)).axes
    rings = [drawn for drawn in axes.collections if drawn.get_gid() == "reference"]
    (own,) = [drawn for row, drawn in zip(largest_first(rank(found)), bubbles(axes), strict=True) if row.reference]
    assert rings
    for ring in rings:
        assert ring.get_zorder() > max(drawn.get_zorder() for drawn in bubbles(axes))
        assert ring.get_offsets().tolist() == own.get_offsets().tolist()  # type: ignore[union-attr]
        assert ring.get_sizes() > own.get_sizes()  # type: ignore[attr-defined]


def test_no_line_of_the_papers_models_runs_through_a_label(measured: Any) -> None:
    text = (Path(__file__).parents[1] / "opscore" / "table5.tsv").read_text(encoding="utf-8")
    lines = [line.split("\t") for line in text.replace(",", ".").splitlines()[1:]]
    models = [
        measured.Model(name, float(accuracy), float(seconds), float(megabytes))
        for name, accuracy, megabytes, _, seconds, _ in lines
        if name not in ("MIN", "MAX")
    ]
    chart = draw(rank(measured.reports(models[1:], models[0])))
    (axes,) = chart.axes
    canvas: Any = chart.canvas
    boxes = [text.get_window_extent(canvas.get_renderer()) for text in axes.texts]
    assert len(boxes) == 30
    assert not any(one.overlaps(other) for one, other in combinations(boxes, 2))
    joining = [line for line in axes.lines if line.get_linestyle() == "-" and np.shape(line.get_xydata()) == (2, 2)]
    assert len(joining) == 30
    for line, own in product(joining, boxes):
        start, end = axes.transData.transform(line.get_xydata())
        way = start + (end - start) * 0.02  # the end at the label touches its own
        assert not any(own.contains(*(way + (end - way) * share)) for share in np.linspace(0, 1, 500)), line


def test_a_candidate_that_is_the_references_file_is_marked_so(measured: Any) -> None:
    found = measured.report(measured.Model("copy.pt", 0.93, 20.0, 4.0))
    same = found.candidate.model_copy(update={"sha256": found.reference.sha256})
    (axes,) = draw(rank(ReportSet(reports=(found.model_copy(update={"candidate": same}),)))).axes
    assert sorted(text.get_text().splitlines()[0] for text in axes.texts) == [
        "base.pt (reference)",
        "copy.pt (same file as the reference)",
    ]


@pytest.mark.parametrize("name", ["$\\frac{a", "a\x1b[31m\nb.onnx", "<svg onload=x>--&.onnx", "x" * 300])
def test_a_hostile_name_is_drawn_as_it_is_spelled(measured: Any, name: str) -> None:
    drawn = BubbleChart("svg").render(measured.reports([measured.Model(name)]))
    assert b"\x1b" not in drawn
    assert not [element for element in ET.fromstring(drawn).iter() if "onload" in element.attrib]  # noqa: S314


def test_equal_and_faultless_models_are_drawn(measured: Any) -> None:
    twins = [measured.Model("a", 1.0, 20.0, 4.0), measured.Model("b", 1.0, 20.0, 4.0)]
    found = measured.reports(twins, measured.Model("base.pt", 1.0, 20.0, 4.0))
    (axes,) = draw(rank(found)).axes
    assert all(math.isfinite(value) for value in (*axes.get_xlim(), *axes.get_ylim()))


def test_nothing_measured_is_nothing_to_draw(measured: Any) -> None:
    with pytest.raises(Inconclusive, match="nothing to draw"):
        BubbleChart("svg").render(ReportSet(reports=(measured.crashed("a.onnx", "it is empty"),)))


def test_the_drawing_leaves_no_state_behind(five: ReportSet) -> None:
    import matplotlib as mpl

    before = dict(mpl.rcParams)
    BubbleChart("svg").render(five)
    assert dict(mpl.rcParams) == before
    code = "import sys, vetgate_charts.bubble, vetgate_charts.plugin; sys.exit('matplotlib' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
