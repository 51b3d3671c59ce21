"""The folded half of the Markdown report: figures, slices, findings, what ran, what pins and repeats the run."""

from __future__ import annotations

import shlex
from collections.abc import Sequence

from vetgate.reporting import Exhibit, Finding, Gallery, Report, Table, Unit, format_quantity
from vetgate.wording import figures, provenance, sections
from vetgate.wording.figures import Cell, Figure
from vetgate.wording.gallery import as_table
from vetgate.wording.head import further_warnings
from vetgate.wording.provenance import RunTable
from vetgate.wording.slices import further_slices, slice_tables
from vetgate.wording.text import counted, plain, shorten
from vetgate_reporters.escape import block, code, prose
from vetgate_reporters.markdown_table import folded, listing, table

WIDEST = 12
"""Columns of an exhibit's table."""
MOST_SHOTS = 12
"""Images of a gallery."""
LONGEST_COMMAND = 4_000
"""Characters."""


def evidence_blocks(report: Report, most: int) -> list[str]:
    """Return the blocks of the evidence with at most `most` rows in any table or list; none where that is 0."""
    if not most:
        return []
    blocks = [folded("Evidence: figures of both models", _figures(report, most) or ["Nothing was measured."])]
    slices = [
        part
        for entry in slice_tables(report)
        for part in (entry.title(code), _rows(prose(entry.of, 40), entry.rows, most))
    ]
    if slices:
        more = further_slices(report)
        blocks.append(folded("Slices", [*slices, *([prose(more)] if more else [])]))
    groups = sections.grouped(sections.exhibits(report))[:most]
    exhibits = [part for group in groups for part in exhibit_blocks(*group, most=most)]
    if exhibits:
        blocks.append(folded("Exhibits", exhibits))
    found = sections.findings(report)
    if found:
        head = f"Findings: {len(found):,}, the worst is {found[0].severity.name.lower()}"
        blocks.append(folded(head, [listing([_finding(finding) for finding in found[:most]], most, len(found))]))
    blocks += _gaps(report, most)
    blocks.append(folded("What ran, digests and the command that repeats it", _provenance(report, most)))
    return blocks


def _figures(report: Report, most: int) -> list[str]:
    blocks = []
    shown = sections.sections(report)
    for section in shown:
        blocks.append(_rows(prose(section.of, 40), section.rows, most))
        if section.notes:
            blocks.append(listing([prose(note) for note in section.notes], most))
        if section.of == sections.PAIR and sections.lacks_yardstick(report):
            blocks.append(prose(sections.NO_YARDSTICK))
        if section.of == sections.OPSCORE:
            blocks += [
                part
                for exhibit in sections.parts_of_scores(report)[:most]
                for part in exhibit_blocks(exhibit, most=most)
            ]
    if any(row.telling for section in shown for _, row in section.rows):
        blocks.append(figures.BOUNDS_TOLD)
    return blocks


def _rows(title: str, labelled: Sequence[tuple[str, Figure]], most: int) -> str:
    """Return a table of figures; `title` is Markdown already."""
    figured = [row for _, row in labelled]
    filled = figures.titles(figured)
    read = any(row.reading for row in figured)
    based = any(row.basis not in ("", "exact") for row in figured)
    rows = [
        [
            code(label),
            *(_figure(row.cells.get(column)) for column in filled),
            *([row.reading] if read else []),
            *([row.basis] if based else []),
        ]
        for label, row in labelled
    ]
    head = [title, *filled, *([""] if read else []), *(["rests on"] if based else [])]
    return table(head, rows, most, "l" + "r" * len(filled) + "l")


def _figure(cell: Cell | None) -> str:
    if cell is None:
        return ""
    return f"{cell.text}<br>{cell.bounds}" if cell.bounds else cell.text


def exhibit_blocks(exhibit: Exhibit, *more: Exhibit, most: int) -> list[str]:
    """Return a table with at most `most` rows, or a line that says where pictures under one title stand."""
    if isinstance(exhibit, Gallery):
        return exhibit_blocks(as_table(exhibit), most=min(most, MOST_SHOTS))
    blocks = [f"**{prose(exhibit.title, 100)}**"]
    if not isinstance(exhibit, Table):
        told = f"{len(more) + 1} pictures; they stand" if more else "A picture; it stands"
        blocks.append(f"_{told} in the JSON report._")
    elif not 0 < len(exhibit.columns) <= WIDEST:
        size = f"{counted(len(exhibit.rows), 'row')} of {counted(len(exhibit.columns), 'column')}"
        blocks.append(f"_A table of {size}; it stands in the JSON report._")
    else:
        values = sections.cells(exhibit, len(exhibit.rows))
        align = "".join(
            "l" if any(isinstance(value, str) for value in column) else "r" for column in zip(*values, strict=True)
        )
        rows = [[_cell(value) for value in row] for row in values]
        blocks.append(table([prose(title, 40) for title in exhibit.columns], rows, most, align or "l"))
    return blocks + [f"Caption: {prose(each.caption)}" for each in (exhibit, *more) if each.caption]


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
        for entry in sections.not_measured(report)
    ]
    blocks = ["### Not measured", listing(items, most)] if items else []
    warnings = [f"! {prose(warning)}" for warning in further_warnings(report)]
    if warnings:
        blocks += ["### Further warnings", listing(warnings, most)]
    unreadable = report.data.unreadable if report.data else ()
    if unreadable:
        blocks += [f"### Unreadable images: {len(unreadable):,}", listing([code(image) for image in unreadable], most)]
    return blocks


def _provenance(report: Report, most: int) -> list[str]:
    environment = report.environment
    started = report.started.isoformat(sep=" ", timespec="seconds")
    lines = [
        f"checks: {prose(provenance.measured(report) or 'none')}",
        f"started {started}, took {report.seconds:.1f} s, seed {report.seed}",
        f"machine: {prose(environment.processor, 100)}, {counted(environment.cores, 'core')}, "
        f"{environment.memory / 1e9:.1f} GB, {prose(environment.platform, 100)}",
        prose(provenance.software(report)),
    ]
    rulings = report.verdict.rulings
    words = [f"Rule {code(ruling.rule)}: {prose(ruling.words)}" for ruling in rulings[:most]]
    digests = [[code(label), code(digest, 64)] for label, digest in provenance.digests(report)]
    lines += [f"{role} fetched by {prose(words)}" for role, words in provenance.origins(report)]
    acts = report.baseline.promotions if report.baseline is not None else ()
    lines += [f"baseline: promoted {prose(provenance.promotion_words(act))}" for act in acts[-most:]]
    return [
        *(part for ran in provenance.run_tables(report) for part in _ran(ran, most)),
        "\n".join(f"- {line}" for line in lines),
        *([listing(words, most, len(rulings))] if words else []),
        table(["of", "sha256"], digests, most, "l"),
        block(shorten(plain(shlex.join(provenance.command(report))), LONGEST_COMMAND)),
    ]


def _ran(ran: RunTable, most: int) -> list[str]:
    """Return what ran of both models, what differs in bold."""
    rows = [
        [trait, prose(one, 100), prose(other, 100), f"**{provenance.DIFFERS}**" if differs else ""]
        for trait, one, other, differs in ran.rows
    ]
    head = f"What ran: {', '.join(prose(of, 40) for of in ran.of)}"
    return [head, table(["", "candidate", ran.other, ""], rows, most, "l")]
