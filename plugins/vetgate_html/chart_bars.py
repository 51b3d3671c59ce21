"""Tables drawn as bars."""

from __future__ import annotations

from collections.abc import Sequence

from vetgate_plot.bars import Bar, Group, grouped, mirrored

from vetgate.reporting import Better, Mark
from vetgate_html.chart_drawn import MOST_ROWS, TOLD, Picture, joined, left_out, named, told_in_words
from vetgate_html.chart_rows import Row, Rows, is_number, numbers

MOST_KINDS = 6
"""Kinds of rows that are told apart."""


def bars_picture(rows: Rows) -> Picture | None:
    """Return a table as bars, a group a row; None where no row has a number."""
    chart, worth = rows.chart, _worth_drawing(rows)
    if not worth:
        return None
    kinds = _kinds(rows, worth)
    groups = [_group(rows, row, kinds) for row in worth[:MOST_ROWS]]
    none = len(rows.all) - len(worth)
    more = f"{none:,} more {'is' if none == 1 else 'are'} 0 or unknown." if none else ""
    note = joined(left_out(len(worth) + rows.unread), more, rows.columns_left_out)
    words = told_in_words(
        [f"{named(group.name)}: {_listed(rows, group)}" for group in groups[:TOLD]], len(worth) + rows.unread
    )
    if chart.mark is Mark.MIRRORED and len(chart.values) == 2:
        return Picture(mirrored(groups, chart.values, note=note), words)
    judged = chart.signed and chart.better is not Better.NEITHER
    figure = grouped(
        groups,
        chart.values,
        logarithmic=chart.logarithmic,
        good_above=chart.better is Better.HIGHER if judged else None,
        legend=kinds,
        note=note,
    )
    return Picture(figure, words)


def _worth_drawing(rows: Rows) -> list[Row]:
    """Return the rows with values: all of them and not all 0, where there are any such."""
    known = [row for row in rows.all if numbers(rows.values(row))]
    whole = [row for row in known if len(numbers(rows.values(row))) == len(rows.chart.values)] or known
    return [row for row in whole if any(numbers(rows.values(row)))] or whole


def _group(rows: Rows, row: Row, kinds: Sequence[str]) -> Group:
    ends = _ends(rows, row)
    bars = tuple(Bar(value, rows.figure(value), ends) if is_number(value) else None for value in rows.values(row))
    group = rows.chart.group
    return Group(
        rows.text(row, rows.chart.label), bars, look=kinds.index(rows.text(row, group)) if group and kinds else 0
    )


def _kinds(rows: Rows, shown: Sequence[Row]) -> list[str]:
    """Return what kinds of rows there are, the candidate first: as many as can be told apart, or none."""
    group = rows.chart.group
    if group is None or len(rows.chart.values) != 1:
        return []
    kinds = list(dict.fromkeys(rows.text(row, group) for row in shown))
    kinds.sort(key=lambda kind: ("candidate", "reference", kind).index(kind))
    return kinds if len(kinds) <= MOST_KINDS else []


def _ends(rows: Rows, row: Row) -> tuple[float, float] | None:
    if rows.chart.interval is None or len(rows.chart.values) != 1:
        return None
    found = numbers(rows.cell(row, title) for title in rows.chart.interval)
    return (found[0], found[1]) if len(found) == len(rows.chart.interval) else None


def _listed(rows: Rows, group: Group) -> str:
    texts = ["unknown" if bar is None else bar.text for bar in group.bars]
    if len(texts) == 1:
        return texts[0]
    return ", ".join(f"{named(title)} {text}" for title, text in zip(rows.chart.values, texts, strict=True))
