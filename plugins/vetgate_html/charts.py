"""Charts of a report: SVG elements that stand in the page, take its colours, and say in words what they show."""

from __future__ import annotations

from collections.abc import Iterator

from vetgate.reporting import Report, ReportSet, Table
from vetgate_html.chart_drawn import Drawn
from vetgate_html.chart_models import concepts_drawn, footprint_drawn, opscore_drawn
from vetgate_html.chart_rules import rules_drawn
from vetgate_html.chart_table import table_drawn

__all__ = ["Drawn", "charts", "overall"]

MOST = 40
"""Charts of one report; strangers' checks may hand on any number of tables."""
_ABOUT = {"quality": "accuracy"}
"""What checks are about, where their names do not say it."""


def charts(report: Report, prefix: str = "chart") -> tuple[Drawn, ...]:
    """Return the charts of one candidate: rules against their margins, then cost, then tables that can be drawn.

    Args:
        report: Of one candidate.
        prefix: Begins all ids; another one for every report of a page.
    """
    from vetgate_plot.style import styled

    with styled():
        return tuple(_charts(report, prefix))[:MOST]


def _charts(report: Report, prefix: str) -> Iterator[Drawn]:
    yield from rules_drawn(report, prefix)
    footprint = footprint_drawn(report, prefix)
    if footprint is not None:
        yield footprint
    tables = [
        (evidence.check, exhibit)
        for evidence in report.evidence
        for exhibit in evidence.exhibits
        if isinstance(exhibit, Table) and exhibit.chart is not None
    ]
    for place, (check, table) in enumerate(tables[:MOST]):
        chart = table_drawn(table, f"{prefix}-table-{place}", _ABOUT.get(check, check))
        if chart is not None:
            yield chart


def overall(reports: ReportSet) -> tuple[Drawn, ...]:
    """Return the charts of all candidates beside their reference; none of what was not measured."""
    from vetgate_plot.bubble import SPINES
    from vetgate_plot.style import styled

    with styled(SPINES):
        return tuple(chart for chart in (opscore_drawn(reports), concepts_drawn(reports)) if chart is not None)
