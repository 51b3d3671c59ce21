"""The difference of two reports as text for people: what got worse leads, then rules, figures and what else differs."""

from __future__ import annotations

from collections.abc import Sequence

from rich.cells import cell_len
from rich.text import Text

from vetgate.reporting import CandidateDifference, Difference, FindingChange, Reading
from vetgate.wording import change
from vetgate.wording import difference as words
from vetgate.wording.rulings import LEGEND
from vetgate.wording.text import counted, folded, name, sentence, stacked
from vetgate_reporters.page import Column, Page

_STYLES = {Reading.WORSE: "red", Reading.BETTER: "green", Reading.CHANGED: "yellow"}
RULES = 60
"""Rules that differ and are listed."""
ROWS = 60
"""Figures of one table that are over all images."""
SLICES = 12
"""Figures of one table that are of single slices, the surest first."""
FINDINGS = 40
FACTS = 60
LEAST_LABEL = 18
"""Columns that the name of a figure or rule keeps."""
MOST_LABEL = 46
NAMES = 28
"""Columns of names under which `before` and `now` stand in one column."""


class DiffText:
    """Draws plain or coloured text of a given width. Pure: it asks no terminal and no environment.

    Args:
        width: Columns to draw for.
        colour: Whether to write ANSI styles; every colour only repeats a word.
    """

    def __init__(self, width: int = 100, colour: bool = False) -> None:
        self.width = width
        self.colour = colour

    def styled(self, width: int, colour: bool) -> DiffText:
        """Return the drawing for a terminal of `width` columns."""
        return DiffText(width, colour)

    def draw(self, document: Difference) -> str:
        """Return the whole comparison."""
        page = Page(self.width, self.colour)
        _draw_lead(page, document)
        for number, candidate in enumerate(document.candidates, start=1):
            if len(document.candidates) > 1:
                page.line()
                title = f"═══ candidate {number} of {len(document.candidates)}: {name(candidate.new)} "
                page.line(title.ljust(page.width, "═"), style="bold")
            _draw_candidate(page, candidate)
        if document.tested or document.candidates:
            page.line()
            page.line(words.tested_words(document), style="dim")
        return page.text()


def _draw_lead(page: Page, document: Difference) -> None:
    style = "red" if document.worse else "magenta" if not document.comparable else ""
    page.line(Text(f"{words.mark(document)} {sentence(words.lead(document))}", style=f"bold {style}".strip()))
    page.line()
    rows = [(title, name(side.name, 100)) for title, side in (("old", document.old), ("new", document.new))]
    for title, names in (("candidates gone", document.gone), ("candidates new", document.added)):
        if names:
            rows.append((title, change.names([name(each) for each in names])))
    page.pairs(rows)


def _draw_candidate(page: Page, candidate: CandidateDifference) -> None:
    page.line()
    same_name = candidate.old == candidate.new
    told = name(candidate.new) if same_name else f"{name(candidate.old)}, now {name(candidate.new)}"
    rows = [("candidate", told), ("verdict", words.decisions_words(candidate))]
    rows += [("run", " and ".join(dict.fromkeys(at.date().isoformat() for at in candidate.started)))]
    page.pairs(rows)
    if candidate.same:
        page.line()
        page.line("Both reports are one and the same.", indent=2)
        return
    _draw_rules(page, candidate)
    _draw_figures(page, candidate)
    _draw_findings(page, candidate.findings)
    _draw_facts(page, candidate)


def _draw_rules(page: Page, candidate: CandidateDifference) -> None:
    page.heading("Rules", words.rules_tally(candidate))
    rows = words.rule_rows(candidate)
    if not rows:
        page.line("Every rule is as it was." if candidate.rules_same else "Neither report has a rule.", indent=2)
        return
    shown = rows[:RULES]
    told = [Text(stacked(row.told.replace(", ", ",\n"), 20), style=_style(row.worse)) for row in shown]
    taken = 2 + max(map(_width, told)) + sum(max(_wide(cells)) + 2 for cells in _pairs(shown)) + 2
    room = max(LEAST_LABEL, min(page.width - taken, MOST_LABEL))
    page.table(
        [Column("", whole=True), Column("rule", whole=True), Column("before", whole=True), Column("now", whole=True)],
        [[label, stacked(name(row.rule), room), row.old, row.new] for label, row in zip(told, shown, strict=True)],
    )
    if len(rows) > RULES:
        page.line(f"and {len(rows) - RULES:,} more; all stand in the JSON report", style="dim", indent=2)
    page.line(LEGEND, style="dim", indent=2)
    for row in shown:
        if row.because:
            page.line()
            page.line(Text.assemble((row.told, _style(row.worse)), "  ", (name(row.rule), "bold")), indent=2)
            page.line(sentence(row.because), indent=4)


def _pairs(rows: Sequence[words.RuleRow]) -> list[list[str]]:
    return [[row.old for row in rows], [row.new for row in rows]]


def _style(worse: bool | None) -> str:
    return {True: "red", False: "green", None: ""}[worse]


def _draw_figures(page: Page, candidate: CandidateDifference) -> None:
    page.heading("Figures", counted(len(candidate.figures), "figure"))
    if not candidate.figures:
        page.line("Neither report holds a figure.", indent=2)
    for part in change.parts(candidate):
        page.part(f"{part.title} ({part.figures:,})")
        _draw_rows(page, (*part.rows[:ROWS], *part.sliced[:SLICES]), _STYLES.get(part.reading, ""))
        _draw_left_out(page, part)
    same = change.unchanged(candidate)
    if same:
        page.part(f"No change ({len(same):,})")
        page.line(change.names([name(each) for each in same]), indent=2)
    for reading, title in change.SINGLES.items():
        _draw_reasons(page, title, change.singles(candidate, reading))
    _draw_reasons(page, "How they were compared", change.notes(candidate))


def _draw_left_out(page: Page, part: change.Part) -> None:
    sliced = max(0, len(part.sliced) - SLICES) + part.quiet
    left = [(max(0, len(part.rows) - ROWS), ""), (sliced, " of single slices")]
    told = " and ".join(f"{counted(number, 'figure')}{of}" for number, of in left if number)
    if told:
        page.line(f"and {told}; all stand in the JSON report", style="dim", indent=2)


def _draw_rows(page: Page, rows: Sequence[change.FigureRow], style: str) -> None:
    """Draw figures with their interval under the change; where space is short, also with `now` under `before`."""
    if not rows:
        return
    titles, cells = _laid_out(rows, stack=False)
    if _room(page, titles, cells) < NAMES:
        titles, cells = _laid_out(rows, stack=True)
    room = max(LEAST_LABEL, min(_room(page, titles, cells), MOST_LABEL))
    columns = [Column("figure", whole=True), *(Column(title, number=True) for title in titles)]
    page.table(columns, [[_named(row, room, style), *each] for row, each in zip(rows, cells, strict=True)])


def _laid_out(rows: Sequence[change.FigureRow], *, stack: bool) -> tuple[list[str], list[list[str]]]:
    """Return titles and cells beside the names."""
    both = ["before\nnow"] if stack else ["before", "now"]
    tested = any(row.p for row in rows)
    titles = [*both, "change", *(["p\ncorrected"] if tested else [])]
    cells = []
    for row in rows:
        values = [f"{row.old}\n{row.new}"] if stack else [row.old, row.new]
        chances = [f"{row.p}\n{row.corrected}".strip()] if tested else []
        cells.append([*values, f"{row.change}\n{row.interval}".strip(), *chances])
    return titles, cells


def _room(page: Page, titles: Sequence[str], cells: Sequence[Sequence[str]]) -> int:
    """Return the columns that are left for the names."""
    widths = [max(_wide([title, *column])) for title, *column in zip(titles, *cells, strict=True)]
    return page.width - 2 - sum(width + 2 for width in widths)


def _named(row: change.FigureRow, room: int, style: str) -> Text:
    below = "".join(f"\n{line}" for text in (row.where, row.remark) for line in _folded(text, room))
    return Text.assemble((stacked(name(row.metric), room), style), (below, "dim"))


def _folded(text: str, room: int) -> list[str]:
    return folded(sentence(text), room).split("\n") if text else []


def _draw_reasons(page: Page, title: str, reasons: Sequence[tuple[str, str]]) -> None:
    if reasons:
        page.part(title)
        for labels, reason in reasons:
            page.line(Text.assemble(sentence(labels), (f": {sentence(reason)}", "dim")), indent=2)


def _draw_findings(page: Page, findings: Sequence[FindingChange]) -> None:
    if not findings:
        return
    page.heading("Findings", counted(len(findings), "difference"))
    for each in findings[:FINDINGS]:
        found = each.finding
        where = f" ({name(found.location)})" if found.location else ""
        told = f"{each.reading.value}: {found.severity.name.lower()} {name(found.rule)}{where}"
        page.line(Text.assemble((told, "bold"), f"  {sentence(found.message)}"), indent=2)
    if len(findings) > FINDINGS:
        page.line(f"and {len(findings) - FINDINGS:,} more; all stand in the JSON report", style="dim", indent=2)


def _draw_facts(page: Page, candidate: CandidateDifference) -> None:
    rows = words.fact_rows(candidate)
    page.heading("What else differs", "" if rows else "nothing")
    if not rows:
        page.line("Models, data, policy and environment are the same.", indent=2)
        return
    cells = [[name(each, 40) for each in row] for row in rows[:FACTS]]
    page.table([Column(""), Column("before"), Column("now")], cells)
    if len(rows) > FACTS:
        page.line(f"and {len(rows) - FACTS:,} more; all stand in the JSON report", style="dim", indent=2)


def _wide(cells: Sequence[str]) -> list[int]:
    return [cell_len(line) for cell in cells for line in cell.split("\n")]


def _width(text: Text) -> int:
    return max(_wide([text.plain]))
