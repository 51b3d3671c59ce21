"""What every page shares: names that break where they may, and figures that stay with their units."""

from __future__ import annotations

import html

import pytest
from jinja2 import UndefinedError
from vetgate_html.page import filled, glued, page, parted


def test_a_long_name_breaks_where_its_parts_meet_and_keeps_its_ending() -> None:
    assert parted("accuracy.worst_slice/delta") == "accuracy.<wbr>worst_<wbr>slice/<wbr>delta"
    assert parted("int8.onnx") == "int8.onnx"


def test_parts_of_a_name_are_escaped() -> None:
    assert parted("a/<b>/'c") == "a/<wbr>&lt;b&gt;/<wbr>&#39;c"


@pytest.mark.parametrize(
    ("told", "kept"),
    [
        ("is -0.72 pp (95 % bounds", "is -0.72\u00a0pp (95\u00a0% bounds"),
        ("≥ 97.5 %", "≥\u00a097.5\u00a0%"),
        ("n = 10,000", "n\u00a0=\u00a010,000"),
        ("12 most images", "12 most images"),
    ],
)
def test_no_line_ends_between_a_figure_and_its_unit(told: str, kept: str) -> None:
    assert glued(told) == kept


def test_a_value_that_nobody_gave_is_an_error_and_never_an_empty_place() -> None:
    with pytest.raises(UndefinedError):
        filled("candidate.html", {})


def test_any_page_has_the_frame_and_the_policy() -> None:
    drawn = page("base.html", {"title": "a < b", "decision": "warn"})
    assert "<title>a &lt; b · vetgate</title>" in drawn
    assert "default-src 'none'; script-src 'sha256-" in html.unescape(drawn)
    assert '<header class="band warn">' in drawn
