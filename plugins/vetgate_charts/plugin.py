"""Declares the reporters; what draws is imported when it is asked for."""

from __future__ import annotations

from vetgate.api import Reporter, ReporterSpec, hookimpl


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
