"""Declares the reporters and drawings; what draws is imported when it is asked for."""

from __future__ import annotations

from typing import Any

from vetgate.api import Drawing, DrawingSpec, Reporter, ReporterSpec, Study, hookimpl


def _table() -> Reporter:
    from vetgate_charts.terminal import RankingTable

    return RankingTable()


def _markdown() -> Reporter:
    from vetgate_charts.markdown import RankingMarkdown

    return RankingMarkdown()


def _json() -> Reporter:
    from vetgate_charts.json_ranking import RankingJson

    return RankingJson()


def _svg() -> Reporter:
    from vetgate_charts.bubble import BubbleChart

    return BubbleChart("svg")


def _png() -> Reporter:
    from vetgate_charts.bubble import BubbleChart

    return BubbleChart("png")


def _study() -> Drawing[Any]:
    from vetgate_charts.study_terminal import StudyTable

    return StudyTable()


def _study_markdown() -> Drawing[Any]:
    from vetgate_charts.study_markdown import StudyMarkdown

    return StudyMarkdown()


def _study_json() -> Drawing[Any]:
    from vetgate_charts.study_json import StudyJson

    return StudyJson()


def _study_svg() -> Drawing[Any]:
    from vetgate_charts.study_picture import StudyPicture

    return StudyPicture("svg")


def _study_png() -> Drawing[Any]:
    from vetgate_charts.study_picture import StudyPicture

    return StudyPicture("png")


@hookimpl
def vetgate_reporters() -> tuple[ReporterSpec, ...]:
    """Declare the ranking's formats."""
    return (
        ReporterSpec("ranking", "candidates by OpScore, with MIN, MAX and the Pareto front, as text", ".txt", _table),
        ReporterSpec("ranking-markdown", "the same for comments and job summaries", ".md", _markdown),
        ReporterSpec("ranking-json", "the same for machines", ".json", _json),
        ReporterSpec("bubble", "chart of accuracy, time and size of every model, SVG", ".svg", _svg, extra="charts"),
        ReporterSpec("bubble-png", "the same chart as PNG", ".png", _png, extra="charts"),
    )


@hookimpl
def vetgate_drawings() -> tuple[DrawingSpec, ...]:
    """Declare the study's formats."""
    told = "a study's deviation table beside functional distances, and what it found, as text"
    return (
        DrawingSpec("study", told, Study, ".txt", _study),
        DrawingSpec("study-markdown", "the same for comments and READMEs", Study, ".md", _study_markdown),
        DrawingSpec("study-json", "everything, for machines and for `policy init`", Study, ".json", _study_json),
        DrawingSpec(
            "study-svg", "lost accuracy beside functional distance, SVG", Study, ".svg", _study_svg, extra="charts"
        ),
        DrawingSpec("study-png", "the same picture as PNG", Study, ".png", _study_png, extra="charts"),
    )
