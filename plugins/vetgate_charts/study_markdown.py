"""The study in GitHub-flavoured Markdown."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from vetgate.reporting import Deviations, Study, deviations
from vetgate_charts.markdown import escaped, line
from vetgate_charts.study_findings import Claim, claims
from vetgate_charts.study_row import (
    DEVIATION,
    FUNCTION,
    READING,
    Cell,
    Column,
    Row,
    by_family,
    filled,
    rows,
)
from vetgate_charts.study_words import FATES, NOTHING_TOLD, headline, left_out, legend, notes, setting


class StudyMarkdown:
    """Writes the table, what of the paper's findings holds, and what must be known to read them."""

    def draw(self, document: Study) -> str:
        """Return the document."""
        return "\n\n".join(_blocks(document, deviations(document))) + "\n"


def _blocks(study: Study, table: Deviations) -> Iterator[str]:
    yield f"**{escaped(headline(table))}**"
    yield _list(f"{label}: {escaped(told)}" for label, told in setting(study, table))
    if table.measured:
        yield "### What became of each family"
        yield _list(f"**{escaped(family)}**: {escaped(told)}" for family, told in by_family(table))
        yield "### Deviation and function"
        yield _table(table)
        yield escaped(legend(table))
        yield escaped(FATES)
        yield "### What of the paper's findings holds here"
        found = [_claim(claim) for claim in claims(table)]
        yield _list(found) if found else NOTHING_TOLD
    absent = [f"{escaped(name)}: {escaped(why)}" for name, why in left_out(study)]
    for title, items in (("Without figures", absent), ("To know", [escaped(note) for note in notes(study, table)])):
        if items:
            yield f"### {title}"
            yield _list(items)


def _claim(claim: Claim) -> str:
    told = f"{escaped(claim.words)}: {escaped(claim.because)}"
    return f"**{claim.holds.value}**: {told} (asked: {escaped(claim.rule)})"


def _table(table: Deviations) -> str:
    columns = filled((*DEVIATION, *FUNCTION, *READING), table)
    sides = ["---", *("---" if column.words else "---:" for column in columns)]
    head = line(["", *(escaped(column.title) for column in columns)])
    return "\n".join([head, line(sides), *(_row(row, columns) for row in rows(table))])


def _row(row: Row, columns: tuple[Column, ...]) -> str:
    if row.deviation is None:
        return line([f"**{escaped(row.label)}**", *("" for _ in columns)])
    return line([escaped(row.label), *(_cell(column.cell(row.deviation)) for column in columns)])


def _cell(cell: Cell) -> str:
    return f"{cell.text}<br>{cell.bounds}" if cell.bounds else cell.text


def _list(items: Iterable[str]) -> str:
    return "\n".join(f"- {item}" for item in items)
