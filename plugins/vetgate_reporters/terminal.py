"""The report as text for people: the decision, the rulings that made it, the evidence, what repeats the run."""

from __future__ import annotations

import textwrap

from rich.text import Text

from vetgate.reporting import Decision, Report, ReportSet, Ruling
from vetgate_reporters import figures, rulings
from vetgate_reporters.evidence_pages import draw_evidence, draw_provenance
from vetgate_reporters.page import STYLES, Column, Page
from vetgate_reporters.text import common_folder, counted, name, sentence, stacked

WIDE = 120
"""Columns from which a ruling fits on one line."""
WIDE_RULE = 24
WIDE_METHOD = 22
"""Columns of the rule's name and of the method where a ruling fits on one line."""
SUMMARY_NAME = 32
SUMMARY_RULE = 14
"""Columns of a candidate and of a rule in the table of many candidates."""


class TerminalReporter:
    """Draws plain or coloured text of a given width. Pure: it asks no terminal and no environment.

    Args:
        width: Columns to draw for.
        colour: Whether to write ANSI styles; every colour only repeats a word and a mark.
    """

    def __init__(self, width: int = 100, colour: bool = False) -> None:
        self.width = width
        self.colour = colour

    def styled(self, width: int, colour: bool) -> TerminalReporter:
        """Return the reporter for a terminal of `width` columns."""
        return TerminalReporter(width, colour)

    def render(self, reports: ReportSet) -> str:
        """Return the whole report."""
        page = Page(self.width, self.colour)
        if not reports.reports:
            page.line(_verdict(Decision.INCONCLUSIVE, "no candidate was vetted"))
        if len(reports.reports) > 1:
            _draw_summary(page, reports)
        for number, report in enumerate(reports.reports, start=1):
            if len(reports.reports) > 1:
                page.line()
                page.line(f"═══ candidate {number} of {len(reports.reports)} ".ljust(page.width, "═"), style="bold")
            _draw_report(page, report)
        if reports.reports:
            page.line()
            page.line(_closing(reports))
        return page.text()


def _verdict(decision: Decision, words: str) -> Text:
    """Return the decision in bold, and what it is about."""
    return Text.assemble((rulings.headline(decision), f"bold {STYLES[decision]}"), "  ", (words, "bold"))


def _closing(reports: ReportSet) -> Text:
    """Return the last line: long reports scroll their first one away."""
    if len(reports.reports) == 1:
        report = reports.reports[0]
        words = f"{name(report.candidate.name)} under policy {name(report.policy.name)}"
        return _verdict(report.verdict.decision, words)
    tally = rulings.tally(report.verdict.decision for report in reports.reports)
    return _verdict(reports.decision, f"{counted(len(reports.reports), 'candidate')}: {tally}")


def _draw_summary(page: Page, reports: ReportSet) -> None:
    """Draw the table of many candidates: one row each, one column a rule, the rules that hold most back first."""
    first = reports.reports[0]
    page.line(_closing(reports))
    page.line(f"against {name(first.reference.name)} under policy {name(first.policy.name)}", indent=2)
    page.line()
    folder = common_folder([report.candidate.name for report in reports.reports])
    names = {id(report): name(report.candidate.name[len(folder) :], SUMMARY_NAME) for report in reports.reports}
    rules = rulings.rules_worst_first(reports)
    fitting = max(1, (page.width - 20 - max(map(len, names.values()))) // (SUMMARY_RULE + 2))
    shown, hidden = rules[:fitting], rules[fitting:]
    columns = [Column("decision", whole=True), Column("candidate", whole=True)]
    columns += [Column(stacked(name(rule, 40), SUMMARY_RULE), number=True) for rule in shown]
    rows = []
    for report in sorted(reports.reports, key=lambda report: -report.verdict.decision.rank):
        cells = [rulings.cell(report, rule) for rule in shown]
        rows.append(
            [
                _marked(report.verdict.decision),
                Text(names[id(report)]),
                *(Text(text, style=STYLES[decision] if decision else "dim") for decision, text in cells),
            ]
        )
    page.table(columns, rows)
    page.line(rulings.LEGEND, style="dim", indent=2)
    if folder:
        page.line(f"candidates of {name(folder, 100)}", style="dim", indent=2)
    if hidden:
        page.line(f"not in this table: {', '.join(name(rule) for rule in hidden)}", style="dim", indent=2)


def _title(report: Report, width: int) -> str:
    """Return who was compared with whom, on one line; the full names stand below it."""
    room = width - len(rulings.headline(Decision.INCONCLUSIVE)) - len("   against ")
    names = [name(report.candidate.name, 100), name(report.reference.name, 100)]
    if sum(map(len, names)) > room:
        names = [name(text, room // 2) for text in names]
    return " against ".join(names)


def _draw_report(page: Page, report: Report) -> None:
    candidate, reference = name(report.candidate.name, 100), name(report.reference.name, 100)
    page.line(_verdict(report.verdict.decision, _title(report, page.width)))
    page.line(sentence(report.verdict.because), indent=2)
    page.line()
    data = "none" if report.data is None else f"{name(report.data.name, 100)} · {figures.data_line(report)}"
    page.pairs(
        [
            ("candidate", f"{candidate} · {name(figures.model_line(report.candidate))}"),
            ("reference", f"{reference} · {name(figures.model_line(report.reference))}"),
            ("data", data),
            ("policy", f"{name(report.policy.name)} · {name(report.policy.source, 100)}"),
        ]
    )
    _draw_rulings(page, report)
    draw_evidence(page, report)
    draw_provenance(page, report)


def _draw_rulings(page: Page, report: Report) -> None:
    ordered = rulings.worst_first(report.verdict.rulings)
    page.heading("Rulings", rulings.tally(ruling.decision for ruling in ordered))
    if not ordered:
        page.line("The policy has no rule that applies.", indent=2)
        return
    if page.width >= WIDE:
        titles = ["observed", "bounds", "asked", "decided by", "n"]
        columns = [Column(title, number=title in ("observed", "bounds", "asked", "n")) for title in titles]
        rows = [_wide_row(ruling) for ruling in ordered]
    else:
        columns = [Column("observed\nbounds", number=True), Column("asked\ndecided by", number=True)]
        rows = [_narrow_row(ruling, *_room(page.width)) for ruling in ordered]
    page.table([Column("decision", whole=True), Column("rule", whole=True), *columns], rows)
    for ruling in ordered:
        if ruling.decision is not Decision.PASS:
            _draw_reason(page, ruling)


def _wide_row(ruling: Ruling) -> list[str | Text]:
    return [
        _marked(ruling.decision),
        _rule(ruling, WIDE_RULE),
        rulings.observed(ruling),
        rulings.interval(ruling),
        rulings.asked(ruling),
        "\n".join(_method_lines(ruling, WIDE_METHOD)),
        f"{ruling.n:,}" if ruling.n is not None else "",
    ]


def _room(width: int) -> tuple[int, int]:
    """Return the columns of the rule's name and of the method: what the decision and the figures leave."""
    room = width - 40
    method = max(13, min(17, room - 23))
    return min(30, room - method), method


def _narrow_row(ruling: Ruling, rule: int, method: int) -> list[str | Text]:
    observed = [rulings.observed(ruling), rulings.interval(ruling)]
    return [
        _marked(ruling.decision),
        _rule(ruling, rule),
        "\n".join(filter(None, observed)),
        "\n".join([rulings.asked(ruling), *_method_lines(ruling, method)]),
    ]


def _method_lines(ruling: Ruling, width: int) -> list[str]:
    """Return the method in lines of at most `width` columns; a no-break space keeps the level with its sign."""
    words = name(rulings.decided_by(ruling)).replace(" %", "\u00a0%")
    return [line.replace("\u00a0", " ") for line in textwrap.wrap(words, width)]


def _marked(decision: Decision) -> Text:
    return Text(rulings.marked(decision), style=STYLES[decision])


def _rule(ruling: Ruling, width: int) -> Text:
    """Return the rule's name and remarks; a long name goes on below, where its parts meet."""
    remarks = "".join(f"\n{name(remark)}" for remark in rulings.remarks(ruling))
    return Text.assemble(stacked(name(ruling.rule), width), (remarks, "dim"))


def _draw_reason(page: Page, ruling: Ruling) -> None:
    page.line()
    page.line(Text.assemble(_marked(ruling.decision), "  ", (name(ruling.rule), "bold")), indent=2)
    page.line(sentence(ruling.because), indent=4)
    if rulings.settling(ruling):
        page.line(rulings.settling(ruling), indent=4)
    page.line(f"rule: {sentence(ruling.words)}", style="dim", indent=4)
