"""Both models beside each other, and all models of a run: footprint, OpScore, missed concepts."""

from __future__ import annotations

from collections.abc import Iterator

from vetgate.reporting import (
    CONCEPT,
    Counts,
    Measurement,
    Of,
    Outcome,
    Ranking,
    Report,
    ReportSet,
    Unit,
    Versus,
    format_quantity,
    rank,
    short_names,
    side_by_side,
)
from vetgate_html.chart_drawn import Drawn, drawn, joined, named, told_in_words
from vetgate_html.chart_table import table_drawn

FOOTPRINT = "footprint."
MODELS = "models"
"""What charts of all models are about."""


def footprint_drawn(report: Report, prefix: str) -> Drawn | None:
    """Return the footprint of both models as bars, each figure with an axis of its own."""
    from vetgate_plot.bars import Bar, Group, grouped

    found: dict[str, dict[Of, Measurement]] = {}
    for evidence in report.evidence:
        for figure in evidence.measurements if evidence.outcome is Outcome.MEASURED else ():
            if figure.metric.startswith(FOOTPRINT) and figure.slice is None and figure.versus is Versus.REFERENCE:
                found.setdefault(figure.metric, {})[figure.role] = figure
    groups = []
    for metric, roles in found.items():
        if Of.CANDIDATE in roles and Of.REFERENCE in roles:
            bars = tuple(
                Bar(roles[role].value, format_quantity(roles[role].value, roles[role].unit))
                for role in (Of.CANDIDATE, Of.REFERENCE)
            )
            groups.append(Group(metric.removeprefix(FOOTPRINT), bars, _ratio(roles)))
    if not groups:
        return None
    words = [
        f"{named(group.name)}: candidate {group.bars[0].text}, reference {group.bars[1].text}"  # type: ignore[union-attr]
        + (f" ({group.told})" if group.told else "")
        for group in groups
    ]
    return drawn(
        grouped(groups, ("candidate", "reference"), each=True),
        f"{prefix}-footprint",
        "Footprint, candidate beside reference",
        told_in_words(words),
        caption="Each figure has a scale of its own, from 0; × is the candidate's over the reference's.",
        section="footprint",
    )


def _ratio(roles: dict[Of, Measurement]) -> str:
    if Of.RATIO in roles:
        return format_quantity(roles[Of.RATIO].value, Unit.RATIO)
    base = roles[Of.REFERENCE].value
    return format_quantity(roles[Of.CANDIDATE].value / base, Unit.RATIO) if base > 0 else ""


def opscore_drawn(reports: ReportSet) -> Drawn | None:
    """Return the bubble chart of all models; None where none was measured or where scores say nothing of each other."""
    from vetgate_plot.bubble import PAGE, draw

    try:
        ranking = rank(reports)
    except ValueError:  # reports of several machines or data sets
        return None
    if not ranking.rows:
        return None
    shown = PAGE.most
    named_only = f"Only the best {shown} and the reference are named." if len(ranking.rows) > shown else ""
    return drawn(
        draw(ranking, PAGE),
        "opscore",
        "Accuracy, time and size",
        _told(ranking),
        caption=joined(
            "Area of a bubble: size. Filled, dotted line: Pareto front. Dashed ring: reference. Both axes are "
            "logarithmic, that of accuracy in the error rate, so that equal steps are equal steps of the OpScore.",
            named_only,
            f"Not measured: {len(ranking.unranked)}." if ranking.unranked else "",
        ),
        section=MODELS,
    )


def _told(ranking: Ranking) -> str:
    from vetgate_plot.words import figure, marked, number

    names = short_names([row.name for row in ranking.rows])
    return "Best first: " + told_in_words(
        [
            f"{named(marked(row, name))}: OpScore {number(row.score)}, accuracy "
            f"{format_quantity(row.accuracy, Unit.FRACTION)}, {figure(row.seconds)} s for 10,000 images, "
            f"{figure(row.megabytes)} MB{', on the Pareto front' if row.front else ''}"
            for row, name in zip(ranking.rows, names, strict=True)
        ]
    )


def concepts_drawn(reports: ReportSet) -> Drawn | None:
    """Return which concepts each of several candidates missed."""
    names = short_names([report.candidate.name for report in reports.reports])
    counted = {name: dict(_concepts(report)) for name, report in zip(names, reports.reports, strict=True)}
    if len(counted) < 2 or len(counted) < len(names) or not any(counted.values()):
        return None
    return table_drawn(side_by_side(counted), "concepts", MODELS)


def _concepts(report: Report) -> Iterator[tuple[str, tuple[int, int]]]:
    for evidence in report.evidence:
        for figure in evidence.measurements:
            where, counts = figure.slice, figure.uncertainty
            if where is not None and where.by == CONCEPT and where.value and isinstance(counts, Counts):
                yield where.value, (counts.k, counts.n)
