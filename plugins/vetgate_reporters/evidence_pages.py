"""The second half of the text report: figures, findings, classes, what ran, and what pins and repeats the run."""

from __future__ import annotations

import shlex
from collections.abc import Sequence

from rich.text import Text

from vetgate.reporting import Decision, Exhibit, Of, Report, Table, Unit, format_quantity
from vetgate_reporters import figures
from vetgate_reporters.figures import Figure
from vetgate_reporters.page import Column, Page
from vetgate_reporters.text import counted, name, plain, sentence, stacked

MOST_ROWS = 12
"""Rows of an exhibit in the text report."""
_READING_FROM = 90
_BASIS_FROM = 116
"""Columns from which there is room for the column."""
_INDENTED_FROM = 90
"""Columns from which a digest and its label stand indented on one line."""
_HEADS = {"reading": ""}


def draw_evidence(page: Page, report: Report) -> None:
    """Draw everything that was measured, found, skipped and run."""
    page.heading("Evidence")
    _draw_figures(page, report)
    _draw_pair_figures(page, report)
    _draw_worst_classes(page, report)
    for exhibit in figures.exhibits(report):
        _draw_exhibit(page, exhibit)
    _draw_findings(page, report)
    _draw_gaps(page, report)
    _part(page, "What ran")
    ran = [(role, name(run, 300)) for role, run in figures.runs(report)]
    page.pairs([*ran, ("checks", sentence(figures.measured(report) or "none"))], indent=4)
    if report.warnings:
        _part(page, "Warnings")
        page.pairs([("!", sentence(warning)) for warning in report.warnings], indent=4)


def _part(page: Page, title: str) -> None:
    page.line()
    page.line(title, style="bold", indent=2)


def _draw_figures(page: Page, report: Report) -> None:
    rows = figures.figures(report)
    if not rows and not figures.pair_figures(report):
        page.line("Nothing was measured.", indent=2)
    if rows:
        page.line()
        _draw_rows(page, "of each model", [(row.metric, row) for row in rows])
    page.pairs([("note", sentence(note)) for note in figures.notes(report)], indent=4)


def _draw_rows(page: Page, title: str, labelled: Sequence[tuple[str, Figure]]) -> None:
    """Draw figures with a column for whatever any of them has and the page has room for."""
    room = {"reading": _READING_FROM, "rests on": _BASIS_FROM}
    filled = [filled for filled in figures.titles(row for _, row in labelled) if page.width >= room.get(filled, 0)]
    columns = [Column(title, least=12)]
    columns += [Column(_HEADS.get(title, title), number=title not in room, whole=title in room) for title in filled]
    rows: list[list[str | Text]] = [
        [_label(page, label), *(_styled(row.texts()[title]) for title in filled)] for label, row in labelled
    ]
    page.table(columns, rows)


def _label(page: Page, label: str) -> str:
    """Return the name of a row, on several lines where the page is narrower than four figures need."""
    return stacked(name(label), max(12, page.width - 50))


def _styled(text: str) -> Text:
    return Text(text, style={"better": "green", "worse": "red", "same": "dim"}.get(text, ""))


def _draw_pair_figures(page: Page, report: Report) -> None:
    rows = figures.pair_figures(report)
    if rows:
        page.line()
        columns = [Column("of the pair", least=12), Column("value", number=True), Column("rests on", whole=True)]
        page.table(columns, [[_label(page, row.metric), row.value, row.basis] for row in rows])


def _draw_worst_classes(page: Page, report: Report) -> None:
    for table in figures.worst_classes(report):
        by = {Of.DELTA: "difference of "}.get(table.shown_by, "")
        _part(page, f"Worst classes by {by}{name(table.metric)}: {len(table.rows)} of {table.classes:,}")
        _draw_rows(page, "class", list(table.rows))


def _draw_exhibit(page: Page, exhibit: Exhibit) -> None:
    _part(page, name(exhibit.title, 100))
    if not isinstance(exhibit, Table):
        page.line("A picture; it stands in the JSON report.", style="dim", indent=2)
    elif sum(_widths(exhibit)) + 2 * len(exhibit.columns) > page.width - 2:
        size = f"{counted(len(exhibit.rows), 'row')} of {counted(len(exhibit.columns), 'column')}"
        page.line(f"A table of {size}, too wide for this page; it stands in the JSON report.", style="dim", indent=2)
    else:
        rows = figures.cells(exhibit, MOST_ROWS)
        columns = [
            Column(name(title, 30), number=not any(isinstance(row[index], str) for row in rows))
            for index, title in enumerate(exhibit.columns)
        ]
        page.table(columns, [[_cell(value) for value in row] for row in rows])
        if len(exhibit.rows) > MOST_ROWS:
            page.line(f"and {counted(len(exhibit.rows) - MOST_ROWS, 'row')} more", style="dim", indent=2)
    if exhibit.caption:
        page.line(sentence(exhibit.caption), style="dim", indent=2)


def _widths(table: Table) -> list[int]:
    """Return the columns of text that each column needs."""
    lines = [[name(title, 30) for title in table.columns]]
    lines += [[_cell(value) for value in row] for row in figures.cells(table, MOST_ROWS)]
    return [max(Text(text).cell_len for text in column) for column in zip(*lines, strict=True)]


def _cell(value: str | float | int | None) -> str:
    if isinstance(value, str):
        return name(value, 30)
    return format_quantity(value, Unit.COUNT if isinstance(value, int) else Unit.SCORE)


def _draw_findings(page: Page, report: Report) -> None:
    found = figures.findings(report)
    if found:
        _part(page, f"Findings: {len(found)}")
    for finding in found:
        place = f" ({name(finding.location, 100)})" if finding.location else ""
        head = Text.assemble((finding.severity.name.lower(), "bold"), f"  {name(finding.rule)}{place}")
        page.line(head, indent=4)
        page.line(sentence(finding.message), indent=6)
        if finding.advice:
            page.line(f"advice: {sentence(finding.advice)}", style="dim", indent=6)


def _draw_gaps(page: Page, report: Report) -> None:
    """Draw what was not measured: the checks, and the images that could not be read."""
    missing = figures.not_measured(report)
    if missing:
        _part(page, "Not measured")
        page.pairs(
            [
                (name(entry.check), f"{entry.outcome.value}: {sentence(entry.reason or 'no reason given')}")
                for entry in missing
            ],
            indent=4,
        )
    unreadable = report.data.unreadable if report.data else ()
    if unreadable:
        _part(page, f"Unreadable images: {len(unreadable):,}")
        page.line(", ".join(name(image) for image in unreadable[:MOST_ROWS]), indent=4)
        if len(unreadable) > MOST_ROWS:
            page.line(f"and {len(unreadable) - MOST_ROWS:,} more, named in the JSON report", style="dim", indent=4)


def draw_provenance(page: Page, report: Report) -> None:
    """Draw the rules in words, the digests, where it ran and the command that repeats it."""
    page.heading("To repeat it")
    environment = report.environment
    machine = f"{environment.processor}, {counted(environment.cores, 'core')}, {environment.memory / 1e9:.1f} GB"
    packages = ", ".join(f"{package} {version}" for package, version in sorted(environment.packages.items()))
    kept = [ruling for ruling in report.verdict.rulings if ruling.decision is Decision.PASS]
    if kept:
        page.line("The rules that passed, in words", style="bold", indent=2)
        page.pairs([(name(ruling.rule, 36), sentence(ruling.words)) for ruling in kept], indent=4)
        page.line()
    page.line("Digests (sha256)", style="bold", indent=2)
    for label, digest in figures.digests(report):
        page.unbroken(f"{name(digest, 64)}  {name(label)}", indent=4 if page.width >= _INDENTED_FROM else 0)
    _part(page, "Where and when")
    started = report.started.isoformat(sep=" ", timespec="seconds")
    page.pairs(
        [
            ("started", f"{started}, took {report.seconds:.1f} s, seed {report.seed}"),
            ("machine", name(f"{machine} · {environment.platform}", 300)),
            ("software", sentence(f"vetgate {environment.vetgate}, Python {environment.python}, {packages}")),
        ],
        indent=4,
    )
    _part(page, "Command")
    page.unbroken(plain(shlex.join(report.command)), indent=4)
