"""The end of the text report: what ran, what pins the run and what repeats it."""

from __future__ import annotations

import shlex

from rich.text import Text

from vetgate.reporting import Report
from vetgate.wording import provenance
from vetgate.wording.provenance import RunTable
from vetgate.wording.text import counted, folded, name, plain, sentence
from vetgate_reporters.page import Column, Page

_INDENTED_FROM = 90
"""Columns from which a digest and its label stand indented on one line."""
MOST_WORDS = 200
"""Rules in words."""
PROMOTIONS = 12
"""The latest acts that made a report the baseline."""


def draw_ran(page: Page, report: Report) -> None:
    """Draw what really ran, candidate beside reference, and the checks that ran."""
    for ran in provenance.run_tables(report):
        page.part(f"What ran: {', '.join(name(of, 40) for of in ran.of)}")
        _draw_run(page, ran)
    page.part("Checks that ran")
    page.line(sentence(provenance.measured(report) or "none"), indent=4)


def _draw_run(page: Page, ran: RunTable) -> None:
    columns = [Column(title, whole=True) for title in ("", "candidate", ran.other, "")]
    room = page.width - 16 if page.narrow else (page.width - 2 - 9 - 7 - 6) // 2
    page.table(
        columns,
        [
            [
                Text(trait, style="dim"),
                folded(name(one, 300), room),
                folded(name(other, 300), room),
                Text(provenance.DIFFERS if differs else "", style="yellow"),
            ]
            for trait, one, other, differs in ran.rows
        ],
    )


def draw_provenance(page: Page, report: Report) -> None:
    """Draw the rules in words, the digests, where it ran and the command that repeats it."""
    page.heading("To repeat it")
    if report.verdict.rulings:
        page.line("The rules in words", style="bold", indent=2)
        shown = report.verdict.rulings[:MOST_WORDS]
        page.pairs([(name(ruling.rule, 36), sentence(ruling.words)) for ruling in shown], indent=4)
        if len(report.verdict.rulings) > len(shown):
            told = counted(len(report.verdict.rulings) - len(shown), "rule")
            page.line(f"and {told} more, in the JSON report", style="dim", indent=4)
        page.line()
    page.line("Digests (sha256)", style="bold", indent=2)
    for label, digest in provenance.digests(report):
        if page.narrow:
            page.line(name(label), indent=4)
            page.unbroken(name(digest, 64))
        else:
            page.unbroken(f"{name(digest, 64)}  {name(label)}", indent=4 if page.width >= _INDENTED_FROM else 0)
    _draw_origins(page, report)
    _draw_promotions(page, report)
    _draw_place(page, report)
    page.part("Command")
    page.unbroken(plain(shlex.join(provenance.command(report))), indent=4)


def _draw_origins(page: Page, report: Report) -> None:
    fetched = [(name(role), sentence(words)) for role, words in provenance.origins(report)]
    if fetched:
        page.part("Fetched")
        page.pairs(fetched, indent=4)


def _draw_promotions(page: Page, report: Report) -> None:
    acts = report.baseline.promotions if report.baseline is not None else ()
    if not acts:
        return
    page.part("Promotions of the baseline")
    for act in acts[-PROMOTIONS:]:
        page.line(sentence(provenance.promotion_words(act)), indent=4)
    if len(acts) > PROMOTIONS:
        page.line(f"after {counted(len(acts) - PROMOTIONS, 'promotion')} more", style="dim", indent=4)


def _draw_place(page: Page, report: Report) -> None:
    environment = report.environment
    machine = f"{environment.processor}, {counted(environment.cores, 'core')}, {environment.memory / 1e9:.1f} GB"
    started = report.started.isoformat(sep=" ", timespec="seconds")
    page.part("Where and when")
    page.pairs(
        [
            ("started", f"{started}, took {report.seconds:.1f} s, seed {report.seed}"),
            ("machine", name(f"{machine} · {environment.platform}", 300)),
            ("software", sentence(provenance.software(report))),
        ],
        indent=4,
    )
