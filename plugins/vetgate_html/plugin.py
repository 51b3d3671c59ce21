"""Declares the page; what draws is imported when it is asked for."""

from __future__ import annotations

from typing import Any

from vetgate.api import Difference, Drawing, DrawingSpec, Reporter, ReporterSpec, hookimpl


def _html() -> Reporter:
    from vetgate_html.report import HtmlReporter

    return HtmlReporter()


def _diff() -> Drawing[Any]:
    from vetgate_html.difference import DiffPage

    return DiffPage()


@hookimpl
def vetgate_reporters() -> tuple[ReporterSpec, ...]:
    """Declare the page."""
    return (ReporterSpec("html", "one page with charts and images, for people", ".html", _html, extra="html"),)


@hookimpl
def vetgate_drawings() -> tuple[DrawingSpec, ...]:
    """Declare the page of `vetgate diff`."""
    told = "what got better, worse, new and gone between two reports, as one page"
    return (DrawingSpec("diff-html", told, Difference, ".html", _diff, extra="html"),)
