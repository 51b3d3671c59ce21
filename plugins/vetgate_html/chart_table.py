"""Tables that say how they may be drawn, drawn so; whoever's check made them."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from vetgate_plot.lines import Curve, lines
from vetgate_plot.matrix import Cell, matrix
from vetgate_plot.points import Spot, points

from vetgate.reporting import Mark, Table, Unit, format_quantity
from vetgate_html.chart_bars import bars_picture
from vetgate_html.chart_drawn import TOLD, Drawn, Picture, drawn, named, told_in_words
from vetgate_html.chart_rows import Rows, is_number

MOST_CELLS = 20
"""Rows, and columns, of a matrix."""
MOST_POINTS = 200


def table_drawn(table: Table, key: str, section: str) -> Drawn | None:
    """Return a table as the chart that it names; None where it names none, or where no row has a number.

    Args:
        table: Of any check.
        key: Id of the chart.
        section: What the check is about.
    """
    if table.chart is None:
        return None
    rows = Rows(table, table.chart)
    picture = _DRAWING[table.chart.mark](rows)
    if picture is None:
        return None
    title = _title(rows)
    return drawn(picture.figure, key, title, f"{title}. {picture.words}", caption=table.caption, section=section)


def _title(rows: Rows) -> str:
    """Return the chart's own title, else the table's, with the name of a single value that it does not tell."""
    title, values = rows.table.title, rows.chart.values
    if rows.chart.title:
        return rows.chart.title
    told = rows.chart.mark is not Mark.BARS or len(values) > 1 or values[0].lower() in title.lower()
    return title if told else f"{title}: {values[0]}"


def _lines(rows: Rows) -> Picture | None:
    chart, curves = rows.chart, []
    for title in chart.values:
        pairs = [(rows.cell(row, chart.label), rows.cell(row, title)) for row in rows.all]
        spots = sorted((x, y) for x, y in pairs if is_number(x) and is_number(y))
        if spots:
            curves.append(Curve(title, tuple(spots)))
    if not curves:
        return None
    figure = lines(
        curves, across=chart.label, along=_tick(rows), logarithmic=chart.logarithmic, note=rows.columns_left_out
    )
    return Picture(figure, told_in_words([f"{named(curve.name)}: {_course(rows, curve)}" for curve in curves]))


def _course(rows: Rows, curve: Curve) -> str:
    """Return where a line begins, is half-way, and ends."""
    spots = curve.points
    told = dict.fromkeys((spots[0], spots[len(spots) // 2], spots[-1]))
    return ", ".join(f"{rows.figure(y)} at {x:g}" for x, y in told)


def _matrix(rows: Rows) -> Picture | None:
    chart = rows.chart
    if chart.across is None:
        return None
    found = [
        (rows.text(row, chart.label), rows.text(row, chart.across), value)
        for row in rows.all
        if is_number(value := rows.cell(row, chart.values[0]))
    ]
    if not found:
        return None
    found.sort(key=lambda one: -abs(one[2]))
    names = list(dict.fromkeys([*(one[0] for one in found), *(one[1] for one in found)]))
    down, across = _largest([one for one, _, _ in found], names), _largest([other for _, other, _ in found], names)
    cells = [
        Cell(down.index(one), across.index(other), value, rows.figure(value))
        for one, other, value in found
        if one in down and other in across
    ]
    note = (
        f"{len(cells):,} of {len(found) + rows.unread:,} pairs are drawn."
        if len(cells) < len(found) + rows.unread
        else ""
    )
    figure = matrix(cells, down, across, axes=(chart.label, chart.across), note=note)
    words = [f"{named(one)}, {named(other)}: {rows.figure(value)}" for one, other, value in found[:TOLD]]
    return Picture(figure, told_in_words(words, len(found)))


def _largest(ranked: Sequence[str], order: Sequence[str]) -> list[str]:
    """Return the first names of a ranking, in an order that both sides share."""
    kept = set(list(dict.fromkeys(ranked))[:MOST_CELLS])
    return [name for name in order if name in kept]


def _points(rows: Rows) -> Picture | None:
    chart = rows.chart
    if len(chart.values) < 2:
        return None
    across, up = chart.values[:2]
    spots = [
        Spot(rows.text(row, chart.label), x, y, rows.text(row, chart.group) if chart.group else "")
        for row in rows.all[:MOST_POINTS]
        if is_number(x := rows.cell(row, across)) and is_number(y := rows.cell(row, up))
    ]
    if not spots:
        return None
    count = len(rows.table.rows)
    note = f"{MOST_POINTS} of {count:,} points are drawn." if count > MOST_POINTS else ""
    figure = points(spots, titles=(across, up), along=_tick(rows), plane=chart.plane, note=note)
    words = [
        f"{named(spot.name)}{f' ({named(spot.group)})' if spot.group else ''} at {rows.figure(spot.across)}, "
        f"{rows.figure(spot.up)}"
        for spot in spots[:TOLD]
    ]
    return Picture(figure, told_in_words(words, len(spots)))


def _tick(rows: Rows) -> Callable[[float], str]:
    unit = Unit.SCORE if rows.chart.unit is Unit.COUNT else rows.chart.unit
    return lambda value: format_quantity(value, unit, signed=rows.chart.signed)


_DRAWING: dict[Mark, Callable[[Rows], Picture | None]] = {
    Mark.BARS: bars_picture,
    Mark.MIRRORED: bars_picture,
    Mark.LINES: _lines,
    Mark.MATRIX: _matrix,
    Mark.POINTS: _points,
}
