"""The folded half of the Markdown report: figures, classes, findings, what ran, what pins and repeats the run."""

from __future__ import annotations

import shlex
from collections.abc import Sequence

from vetgate.reporting import Exhibit, Finding, Of, Report, Table, Unit, format_quantity
from vetgate_reporters import figures
from vetgate_reporters.escape import block, code, prose
from vetgate_reporters.figures import Figure
from vetgate_reporters.markdown_table import folded, listing, table
from vetgate_reporters.text import counted, plain, shorten
from vetgate_reporters.worst_classes import WorstClasses, worst_classes

WIDEST = 12
"""Columns of an exhibit's table."""
LONGEST_COMMAND = 4_000
"""Characters."""


def evidence_blocks(report: Report, most: int) -> list[str]:
    """Return the blocks of the evidence with at most `most` rows in any table or list; none where that is 0."""
    if not most:
        return []
    blocks = [folded("Evidence: figures of both models", _figures(report, most) or ["Nothing was measured."])]
    classes = [part for entry in worst_classes(report) for part in _worst_classes(entry)]
    if classes:
        blocks.append(folded("Worst classes", classes))
    exhibits = [part for exhibit in figures.exhibits(report)[:most] for part in _exhibit(exhibit, most)]
    if exhibits:
        blocks.append(folded("Exhibits", exhibits))
    found = figures.findings(report)
    if found:
        head = f"Findings: {len(found):,}, the worst is {found[0].severity.name.lower()}"
        blocks.append(folded(head, [listing([_finding(finding) for finding in found], most)]))
    blocks += _gaps(report, most)
    blocks.append(folded("What ran, digests and the command that repeats it", _provenance(report, most)))
    return blocks


def _figures(report: Report, most: int) -> list[str]:
    blocks = []
    rows = figures.figures(report)
    if rows:
        blocks.append(_rows("figure", [(row.metric, row) for row in rows], most))
    pairs = [[code(row.metric), row.value, row.basis] for row in figures.pair_figures(report)]
    if pairs:
        blocks.append(table(["of the pair", "value", "rests on"], pairs, most, "lrl"))
    notes = [f"Note on {code(label)}: {prose(note)}" for label, note in figures.notes(report)]
    if notes:
        blocks.append(listing(notes, most))
    return blocks


def _rows(title: str, labelled: Sequence[tuple[str, Figure]], most: int) -> str:
    filled = figures.titles(row for _, row in labelled)
    rows = [[code(label), *(row.texts()[column] for column in filled)] for label, row in labelled]
    align = "l" + "".join("l" if column in ("reading", "rests on") else "r" for column in filled)
    return table([title, *("" if column == "reading" else column for column in filled)], rows, most, align)


def _worst_classes(entry: WorstClasses) -> list[str]:
    by = "difference of " if entry.shown_by is Of.DELTA else ""
    head = f"By {by}{code(entry.metric)}: {len(entry.rows)} of {entry.classes:,} classes"
    return [head, _rows("class", entry.rows, len(entry.rows))]


def _exhibit(exhibit: Exhibit, most: int) -> list[str]:
    blocks = [f"**{prose(exhibit.title, 100)}**"]
    if not isinstance(exhibit, Table):
        blocks.append("_A picture; it stands in the JSON report._")
    elif not 0 < len(exhibit.columns) <= WIDEST:
        size = f"{counted(len(exhibit.rows), 'row')} of {counted(len(exhibit.columns), 'column')}"
        blocks.append(f"_A table of {size}; it stands in the JSON report._")
    else:
        values = figures.cells(exhibit, len(exhibit.rows))
        align = "".join(
            "l" if any(isinstance(value, str) for value in column) else "r" for column in zip(*values, strict=True)
        )
        rows = [[_cell(value) for value in row] for row in values]
        blocks.append(table([prose(title, 40) for title in exhibit.columns], rows, most, align or "l"))
    if exhibit.caption:
        blocks.append(f"Caption: {prose(exhibit.caption)}")
    return blocks


def _cell(value: str | float | int | None) -> str:
    if isinstance(value, str):
        return prose(value, 40)
    return format_quantity(value, Unit.COUNT if isinstance(value, int) else Unit.SCORE)


def _finding(finding: Finding) -> str:
    place = f" ({prose(finding.location, 100)})" if finding.location else ""
    advice = f" Advice: {prose(finding.advice)}" if finding.advice else ""
    return f"**{finding.severity.name.lower()}** {code(finding.rule)}{place}: {prose(finding.message)}{advice}"


def _gaps(report: Report, most: int) -> list[str]:
    """Return what was not measured and what warns: it stays unfolded."""
    items = [
        f"{code(entry.check)} {entry.outcome.value}: {prose(entry.reason or 'no reason given')}"
        for entry in figures.not_measured(report)
    ]
    blocks = ["### Not measured", listing(items, most)] if items else []
    warnings = [f"! {prose(warning)}" for warning in report.warnings]
    if warnings:
        blocks += ["### Warnings", listing(warnings, most)]
    unreadable = report.data.unreadable if report.data else ()
    if unreadable:
        blocks += [f"### Unreadable images: {len(unreadable):,}", listing([code(image) for image in unreadable], most)]
    return blocks


def _provenance(report: Report, most: int) -> list[str]:
    environment = report.environment
    started = report.started.isoformat(sep=" ", timespec="seconds")
    lines = [f"{role} ran: {prose(run, 300)}" for role, run in figures.runs(report)]
    lines += [
        f"checks: {prose(figures.measured(report) or 'none')}",
        f"started {started}, took {report.seconds:.1f} s, seed {report.seed}",
        f"machine: {prose(environment.processor, 100)}, {counted(environment.cores, 'core')}, "
        f"{environment.memory / 1e9:.1f} GB, {prose(environment.platform, 100)}",
        prose(figures.software(report)),
    ]
    words = [f"Rule {code(ruling.rule)}: {prose(ruling.words)}" for ruling in report.verdict.rulings]
    digests = [[code(label), code(digest, 64)] for label, digest in figures.digests(report)]
    return [
        "\n".join(f"- {line}" for line in lines),
        *([listing(words, most)] if words else []),
        table(["of", "sha256"], digests, most, "l"),
        block(shorten(plain(shlex.join(figures.command(report))), LONGEST_COMMAND)),
    ]
