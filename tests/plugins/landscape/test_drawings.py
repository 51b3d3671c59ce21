from __future__ import annotations

import io
import itertools
import re
import warnings
import xml.etree.ElementTree as ET
from typing import Any

import numpy as np
import pytest
from vetgate_landscape.crowd import crowds_of
from vetgate_landscape.embed import ClassicalScaling, Neighbours
from vetgate_landscape.json_landscape import LandscapeJson
from vetgate_landscape.mark import marks_of
from vetgate_landscape.panel import panels_of
from vetgate_landscape.terminal import LandscapeTable
from vetgate_landscape.words import names_of

from vetgate.reporting import Inconclusive, Landscape, Part

pytest.importorskip("matplotlib")

from vetgate_landscape.picture import LandscapePicture, draw


def scaled(landscape: Landscape, *, both: bool = False) -> Landscape:
    embedders = (Neighbours(), ClassicalScaling()) if both else (ClassicalScaling(),)
    return landscape.model_copy(update={"embeddings": tuple(one.embed(landscape) for one in embedders)})


def texts(landscape: Landscape) -> list[str]:
    """Return everything that is written in a picture."""
    chart = draw(landscape)
    legend = [text.get_text() for text in chart.legends[0].get_texts()]
    return (
        [text.get_text() for axes in chart.axes for text in axes.texts] + [t.get_text() for t in chart.texts] + legend
    )


def test_the_same_landscape_gives_the_same_bytes_without_a_date(make: Any) -> None:
    landscape = scaled(make())
    for form in ("svg", "png"):
        one, other = (LandscapePicture(form).draw(landscape) for _ in range(2))
        assert one == other
        assert b"dc:date" not in one


def test_an_svg_parses_and_a_png_opens(make: Any) -> None:
    from PIL import Image

    landscape = scaled(make())
    assert ET.fromstring(LandscapePicture("svg").draw(landscape)).tag.endswith("svg")  # noqa: S314  # our own document
    with Image.open(io.BytesIO(LandscapePicture("png").draw(landscape))) as image:
        image.load()
        assert image.width > 1000


def test_json_reads_back_to_an_equal_landscape(make: Any) -> None:
    landscape = scaled(make())
    assert Landscape.model_validate_json(LandscapeJson().draw(landscape)) == landscape


@pytest.mark.filterwarnings("ignore:Glyph")  # texts() draws without a reporter
def test_hostile_names_stay_names(make: Any, hostile: tuple[str, ...]) -> None:
    landscape = scaled(make(8, names=hostile))
    svg = LandscapePicture("svg").draw(landscape)
    root = ET.fromstring(svg)  # noqa: S314  # our own document
    assert not [node for node in root.iter() if str(node.tag).endswith(("script", "}b"))]
    assert b"<script>" not in svg
    written = "\n".join(texts(landscape))
    assert "$x^2$" in written
    text = LandscapeTable().draw(landscape)
    assert "\x1b" not in text
    assert "\\x1b[31mred" in text
    assert "$x^2$" in text
    assert Landscape.model_validate_json(LandscapeJson().draw(landscape)).points[0].name == hostile[0]


def test_what_was_drawn_its_truth_and_the_warning_are_on_the_picture_and_in_the_text(make: Any) -> None:
    pytest.importorskip("openTSNE")
    landscape = scaled(make(), both=True)
    written = "\n".join(texts(landscape))
    table = " ".join(LandscapeTable(140).draw(landscape).split())
    for embedding in landscape.embeddings:
        for told in (written, table):
            assert embedding.method in told
            assert embedding.of in told
            assert f"rank correlation with the true distances {embedding.rank_correlation:.2f}" in told
    for told in (written, table):
        assert "Pictures of two runs are not comparable" in told
        assert "t-SNE exaggerates gaps" in told


def test_both_ways_are_two_squares_before_the_magnified_ones(make: Any) -> None:
    pytest.importorskip("openTSNE")
    titles = [panel.title for panel in panels_of(scaled(make(), both=True))]
    assert titles[:2] == ["t-SNE", "classical scaling"]
    assert all("near the reference" in title for title in titles[2:])


def test_every_model_but_checkpoints_is_named_and_no_name_covers_another(make: Any) -> None:
    landscape = scaled(make(20))
    chart = draw(landscape)
    written = "\n".join(text.get_text() for axes in chart.axes for text in axes.texts)
    for point, name in zip(landscape.points, names_of(landscape), strict=True):
        assert point.part is Part.CHECKPOINT or name in written
    canvas: Any = chart.canvas
    for axes in chart.axes:
        boxes = [
            t.get_window_extent(canvas.get_renderer())
            for t in axes.texts
            if t.get_zorder() == 6 and len(t.get_text()) > 1
        ]
        assert not any(one.overlaps(other) for one, other in itertools.combinations(boxes, 2))


def test_both_directions_have_one_scale_and_no_ticks(make: Any) -> None:
    for axes in draw(scaled(make())).axes:
        assert axes.get_aspect() == 1.0
        assert not [*axes.get_xticks(), *axes.get_yticks()]
        across, along = np.ptp(axes.get_xlim()), np.ptp(axes.get_ylim())
        assert across == pytest.approx(along)


def test_families_differ_in_colour_and_in_shape(make: Any) -> None:
    marks = set(marks_of(make(14)))
    assert len({mark.shape + mark.fill for mark in marks}) == len(marks)
    families = [mark for mark in marks if mark.words.startswith("family")]
    assert len({mark.fill for mark in families}) == len({mark.shape for mark in families}) == 2


def test_training_runs_are_lines_in_the_order_of_their_steps(make: Any) -> None:
    landscape = scaled(make())
    first = draw(landscape).axes[0]
    runs = [line for line in first.lines if line.get_linewidth() == 1.1]
    drawn = {tuple(map(tuple, np.asarray(line.get_xydata()).tolist())) for line in runs}
    for index, point in enumerate(landscape.points):
        later = [o for o, other in enumerate(landscape.points) if other.run == point.run and other.step == 2]
        if point.part is Part.CHECKPOINT and later:
            assert (landscape.embeddings[0].coordinates[index], landscape.embeddings[0].coordinates[later[0]]) in drawn


def test_a_landscape_without_coordinates_is_no_picture_but_a_table(make: Any) -> None:
    landscape = make()
    with pytest.raises(Inconclusive, match="no coordinates"):
        LandscapePicture("svg").draw(landscape)
    assert "reference-0.onnx" in LandscapeTable().draw(landscape)


def test_how_much_a_plane_leaves_out_is_said_of_every_plane(make: Any) -> None:
    landscape = scaled(make())
    panels = panels_of(landscape)
    written = "\n".join(texts(landscape))
    assert len(panels) > 1
    for letter, panel in zip("abc", panels, strict=False):
        assert panel.shown is not None
        assert f"{letter} {round(100 * panel.shown)} %" in written
    share = landscape.embeddings[0].settings["shown"]
    assert isinstance(share, float)
    assert f"classical scaling {round(100 * share)} %" in LandscapeTable(140).draw(landscape)


@pytest.mark.parametrize("points", [2, 3, 60])
def test_few_and_many_models_are_drawn_without_warnings(make: Any, points: int) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert LandscapePicture("svg").draw(scaled(make(points)))
        assert LandscapePicture("svg").draw(scaled(make(points, apart=0.0, accuracy=False)))


def test_the_table_begins_with_the_reference_and_goes_on_by_distance(make: Any) -> None:
    landscape = make()
    lines = LandscapeTable(140).draw(landscape).splitlines()
    rows = [line for line in lines if ".onnx" in line]
    assert "reference-0.onnx" in rows[0]
    away = [float(re.findall(r"%\s+([\d.e+-]+)", row)[0]) for row in rows[1:]]
    assert away == sorted(away)
    assert len(rows) == len(landscape.points)


def test_colours_are_written_only_where_they_are_wanted(make: Any) -> None:
    landscape = scaled(make())
    assert "\x1b[" not in LandscapeTable().draw(landscape)
    assert "\x1b[" in LandscapeTable().styled(100, colour=True).draw(landscape)
    assert all(len(line) <= 70 for line in LandscapeTable().styled(70, colour=False).draw(landscape).splitlines())


def test_names_keep_as_few_folders_as_tell_them_apart(make: Any) -> None:
    landscape = make(4, names=("/far/away/reference.pt", "one/int8.onnx", "two/int8.onnx", "float16.onnx"))
    assert names_of(landscape) == ["reference.pt", "one/int8.onnx", "two/int8.onnx", "float16.onnx"]


def test_a_crowd_ends_at_the_outermost_wide_gap() -> None:
    away = np.asarray([0.0, 0.001, 0.01, 0.02, 0.1, 0.11, 0.12, 0.9])
    assert crowds_of(away, 0) == [[0, 1, 2, 3, 4, 5, 6], [0, 1, 2, 3]]


def test_models_at_like_distances_are_no_crowd() -> None:
    assert crowds_of(np.asarray([0.0, 0.4, 0.5, 0.6, 0.7]), 0) == []
    assert crowds_of(np.zeros(9), 0) == []
