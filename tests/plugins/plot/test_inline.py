from __future__ import annotations

import re
from typing import Any

import pytest

pytest.importorskip("matplotlib")

from vetgate_plot.inline import inline_svg
from vetgate_plot.palette import BLUE, DARK, INK, VARIABLES
from vetgate_plot.sheet import Sheet
from vetgate_plot.style import styled


def some_sheet() -> Sheet:
    sheet = Sheet(100.0)
    sheet.words(10.0, 20.0, "<script>alert('&')</script>")
    sheet.words(10.0, 40.0, "שלום 👩 $x_1$")
    sheet.bar(10.0, 50.0, 60.0, 60.0, "bar candidate", colour=BLUE)
    sheet.mark(30.0, 70.0, "D", colour=INK)
    sheet.mark(40.0, 70.0, "o", colour=INK, hollow=True)
    return sheet


def test_an_element_has_no_prolog_no_script_and_nothing_from_outside(drawing: Any) -> None:
    svg = drawing(some_sheet().figure).text
    assert svg.startswith("<svg ")
    assert "<?xml" not in svg
    assert "<!DOCTYPE" not in svg
    assert "<script" not in svg
    assert "<style" not in svg
    assert "http" not in svg
    assert "metadata" not in svg
    assert all(target.startswith("#c1-") for target in re.findall(r'href="([^"]*)"', svg))


def test_text_stays_text_whatever_it_says(drawing: Any) -> None:
    found = drawing(some_sheet().figure)
    assert found.words("label") == ["<script>alert('&')</script>", "שלום 👩 $x_1$"]
    assert "&lt;script&gt;alert('&amp;')&lt;/script&gt;" in found.text


def test_title_and_description_are_escaped_and_label_the_image(drawing: Any) -> None:
    found = drawing(some_sheet().figure, id="x7", title="a <b> & c", description='say "hi" </desc><script>')
    assert found.root.attrib["role"] == "img"
    assert found.root.attrib["aria-labelledby"] == "x7-title x7-desc"
    assert [(child.tag, child.attrib["id"], child.text) for child in found.root[:2]] == [
        ("title", "x7-title", "a <b> & c"),
        ("desc", "x7-desc", 'say "hi" </desc><script>'),
    ]


def test_ids_begin_with_that_of_the_chart_so_that_many_stand_in_one_page(drawing: Any) -> None:
    one, other = (drawing(some_sheet().figure, id=name).text for name in ("c1", "c2"))
    ids = [re.findall(r'\bid="([^"]*)"', text) for text in (one, other)]
    assert len({*ids[0], *ids[1]}) == len(ids[0]) + len(ids[1])
    assert all(name.startswith("c1") for name in ids[0])
    for text in (one, other):
        referred = set(re.findall(r'(?:href="#|url\(#)([^")]*)', text))
        assert referred <= set(re.findall(r'\bid="([^"]*)"', text))


def test_colours_of_the_palette_are_variables_of_the_page_and_no_other_colour_is_drawn(drawing: Any) -> None:
    svg = drawing(some_sheet().figure).text
    assert f"fill:var(--candidate,{BLUE.lower()})" in svg
    assert not re.search(r"(?<!,)#[0-9a-f]{6}", re.sub(r'href="#[^"]*"|url\([^)]*\)', "", svg))


def test_black_that_nobody_asked_for_is_ink(drawing: Any) -> None:
    from matplotlib.figure import Figure

    figure = Figure()
    figure.add_axes((0.1, 0.1, 0.8, 0.8))
    svg = drawing(figure).text
    assert "stroke:var(--ink,#000000)" in svg
    assert "stroke:#" not in svg


def test_it_fills_the_width_that_it_is_given_by_its_view_box(drawing: Any) -> None:
    root = drawing(some_sheet().figure).root
    assert root.attrib["viewBox"] == "0 0 380 100"
    assert "width:100%" in root.attrib["style"]
    assert "width" not in root.attrib
    assert "system-ui" in root.attrib["style"]
    assert "DejaVu" not in drawing(some_sheet().figure).text


def test_the_same_figure_gives_the_same_element(drawing: Any) -> None:
    assert drawing(some_sheet().figure).text == drawing(some_sheet().figure).text


def test_settings_of_the_user_change_nothing() -> None:
    import matplotlib

    def element() -> str:
        with styled():
            return inline_svg(some_sheet().figure, id="c", title="t", description="d")

    plain = element()
    with matplotlib.rc_context({"svg.fonttype": "path", "font.size": 30, "lines.linewidth": 9, "savefig.dpi": 300}):
        assert element() == plain


def test_a_font_as_older_versions_of_matplotlib_write_it_keeps_its_size_and_weight() -> None:
    from vetgate_plot.inline import _declarations

    old = "font: 700 9.5px 'DejaVu Sans', sans-serif; text-anchor: middle; fill: #222222"
    assert list(_declarations(old)) == [
        "font-size:9.5px",
        "font-weight:700",
        "text-anchor:middle",
        "fill:var(--ink,#222222)",
    ]


def luminance(colour: str) -> float:
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@pytest.mark.parametrize("palette", [VARIABLES, DARK], ids=["light", "dark"])
def test_text_stands_out_from_the_paper_and_from_what_lies_behind_it(palette: dict[str, str]) -> None:
    for ink in ("ink", "pale"):
        for behind in ("paper", "band") if ink == "ink" else ("paper",):
            light, dark = sorted((luminance(palette[ink]), luminance(palette[behind])), reverse=True)
            assert (light + 0.05) / (dark + 0.05) >= 4.5, (ink, behind)


def test_every_colour_has_one_for_dark_pages_and_no_two_are_alike() -> None:
    assert VARIABLES.keys() == DARK.keys()
    assert len({*VARIABLES.values()}) == len(VARIABLES)
