"""The report as text for people: the decision, the rulings that made it, the evidence, what repeats the run."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Sequence

from rich.text import Text

from vetgate.reporting import Decision, Report, ReportSet, Ruling
from vetgate.wording import rulings
from vetgate.wording.head import head_lines
from vetgate.wording.provenance import promotion_words
from vetgate.wording.text import common_folder, counted, name, sentence, stacked
from vetgate_reporters.evidence_pages import draw_evidence
from vetgate_reporters.page import STYLES, Column, Page
from vetgate_reporters.provenance_pages import draw_provenance

LEAST_RULE = 17
"""Columns that the rule's name keeps on one line with its figures; with fewer each ruling takes two lines."""
STACKED_METHOD = 21
"""Columns of the method where a ruling takes two lines."""
MOST_RULE = 40
"""Columns of a rule's name before it goes on below."""
SUMMARY_NAME = 32
SUMMARY_RULE = 14
"""Columns of a candidate and of a rule in the table of many candidates."""
SUMMARY_NARROW = 3
"""Rules shown of each candidate where the page is narrow."""
MOST_RULINGS = 200
"""Rulings of one candidate, the worst first."""
MOST_REASONS = 50
"""Reasons, likewise."""
IMAGES = 9
"""Columns of the images that a candidate was judged on."""


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
        if len(reports.reports) > 1:
            _draw_summary(page, reports)
        for number, report in enumerate(reports.reports, start=1):
            if len(reports.reports) > 1:
                page.line()
                page.line(f"═══ candidate {number} of {len(reports.reports)} ".ljust(page.width, "═"), style="bold")
            _draw_report(page, report, alone=len(reports.reports) == 1)
        if reports.reports:
            page.line()
            for promotion in reports.promotions:
                page.line(f"named a baseline {sentence(promotion_words(promotion))}")
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
    fitting = max(1, (page.width - 20 - IMAGES - max(map(len, names.values()))) // (SUMMARY_RULE + 2))
    fitting = SUMMARY_NARROW if page.narrow else fitting
    shown, hidden = rules[:fitting], rules[fitting:]
    columns = [
        Column("decision", whole=True, leads=True),
        Column("candidate", whole=True, leads=True),
        Column("images", number=True),
    ]
    columns += [Column(stacked(name(rule, 40), SUMMARY_RULE), number=True) for rule in shown]
    rows: list[list[str | Text]] = []
    for report in rulings.candidates_worst_first(reports.reports):
        cells = [rulings.cell(report, rule) for rule in shown]
        rows.append(
            [
                _marked(report.verdict.decision),
                Text(names[id(report)]),
                f"{report.data.images:,}" if report.data is not None else "–",
                *(Text(text, style=STYLES[decision] if decision else "dim") for decision, text in cells),
            ]
        )
    page.table(columns, rows)
    page.line(rulings.LEGEND, style="dim", indent=2)
    if folder:
        page.line(f"candidates of {name(folder, 100)}", style="dim", indent=2)
    if hidden:
        page.line(f"not in this table: {', '.join(name(rule) for rule in hidden)}", style="dim", indent=2)


def _title(report: Report, page: Page) -> str:
    """Return who was compared with whom, on one line where it is wide; the full names stand below it."""
    room = page.width - len(rulings.headline(Decision.INCONCLUSIVE)) - len("   against ")
    names = [name(report.candidate.name, 100), name(report.reference.name, 100)]
    if not page.narrow and sum(map(len, names)) > room:
        names = [name(text, room // 2) for text in names]
    return " against ".join(names)


def _draw_report(page: Page, report: Report, *, alone: bool) -> None:
    page.line(_verdict(report.verdict.decision, _title(report, page)))
    page.line(sentence(report.verdict.because), indent=2)
    page.line()
    page.pairs(
        [
            (line.label, " · ".join([*(name(each, 100) for each in line.names), *filter(None, [sentence(line.told)])]))
            for line in head_lines(report)
        ]
    )
    _draw_rulings(page, report)
    draw_evidence(page, report, exhibits=alone)
    draw_provenance(page, report)


def _draw_rulings(page: Page, report: Report) -> None:
    ordered = rulings.worst_first(report.verdict.rulings)
    page.heading("Rules", rulings.tally(ruling.decision for ruling in ordered))
    if not ordered:
        page.line("The policy has no rule that applies.", indent=2)
        return
    _draw_table(page, ordered[:MOST_RULINGS])
    _draw_more(page, ordered[MOST_RULINGS:])
    held = [ruling for ruling in ordered if ruling.decision is not Decision.PASS]
    for ruling in held[:MOST_REASONS]:
        _draw_reason(page, ruling)
    if len(held) > MOST_REASONS:
        page.line()
        _draw_more(page, held[MOST_REASONS:], "the reasons of ")


def _draw_more(page: Page, left: Sequence[Ruling], what: str = "") -> None:
    """Say how many rulings were left out, and what they came to."""
    if left:
        told = rulings.tally(ruling.decision for ruling in left)
        page.line(f"and {what}{counted(len(left), 'rule')} more, in the JSON report: {told}", style="dim", indent=2)


def _draw_table(page: Page, ordered: Sequence[Ruling]) -> None:
    """Draw the rulings in the layout that takes the fewest lines, of equals the one that tells most."""
    layouts = _LAYOUTS[:1] if page.narrow else _LAYOUTS
    tables = [_laid_out(page, ordered, *layout) for layout in layouts]
    columns, rows = min(filter(None, tables), key=lambda table: sum(max(map(_height, row)) for row in table[1]))
    page.table(columns, rows)


_Laid = tuple[list[Column], list[list[str | Text]]]


def _laid_out(
    page: Page, ordered: Sequence[Ruling], titles: Sequence[str], draw: Callable[[Ruling, int], list[str]]
) -> _Laid | None:
    """Return the table in one layout; None where it leaves too little room for the rules' names."""
    decisions = [_marked(ruling.decision) for ruling in ordered]
    cells = [draw(ruling, page.width) for ruling in ordered]
    widths = [max(map(_width, column)) for column in zip(titles, *cells, strict=True)]
    taken = 4 + max(len("decision"), *(text.cell_len for text in decisions)) + sum(widths) + 2 * len(widths)
    room = page.width - (len("  ? inconclusive  ") if page.narrow else taken)
    if not page.narrow and room < LEAST_RULE and titles is not _LAYOUTS[-1][0]:
        return None
    columns = [Column(title, number=title != "decided by", whole=title == "decided by") for title in titles]
    names = [_rule(ruling, max(LEAST_RULE, min(room, MOST_RULE))) for ruling in ordered]
    return (
        [Column("decision", whole=True, leads=True), Column("rule", whole=True, leads=True), *columns],
        [[decision, rule, *row] for decision, rule, row in zip(decisions, names, cells, strict=True)],
    )


def _height(cell: str | Text) -> int:
    return str(cell).count("\n") + 1


def _width(cell: str) -> int:
    return max(Text(line).cell_len for line in f"{cell}\n".split("\n"))


def _one_line(ruling: Ruling, width: int) -> list[str]:
    method = name(rulings.decided_by(ruling), max(STACKED_METHOD, width // 2))
    return [rulings.observed(ruling), rulings.interval(ruling), rulings.asked(ruling), method]


def _one_line_with_n(ruling: Ruling, width: int) -> list[str]:
    return [*_one_line(ruling, width), f"{ruling.n:,}" if ruling.n is not None and ruling.metric is not None else ""]


def _two_lines(ruling: Ruling, width: int) -> list[str]:
    """Return the figure over its bounds, and what was asked over the method."""
    method = max(13, min(STACKED_METHOD, width - 57))
    asked = [rulings.asked(ruling), *_method_lines(ruling, method)]
    return ["\n".join(filter(None, (rulings.observed(ruling), rulings.interval(ruling)))), "\n".join(asked)]


_LAYOUTS: tuple[tuple[tuple[str, ...], Callable[[Ruling, int], list[str]]], ...] = (
    (("observed", "bounds", "asked", "decided by", "n"), _one_line_with_n),
    (("observed", "bounds", "asked", "decided by"), _one_line),
    (("observed\nbounds", "asked\ndecided by"), _two_lines),
)
"""From the one that needs most room on; the last one is taken where none fits."""


def _method_lines(ruling: Ruling, width: int) -> list[str]:
    """Return the method in lines of at most `width` columns; a no-break space keeps the level with its sign."""
    words = name(rulings.decided_by(ruling)).replace(" %", "\u00a0%")
    return [line.replace("\u00a0", " ") for line in textwrap.wrap(words, width)]


def _marked(decision: Decision) -> Text:
    return Text(rulings.marked(decision), style=STYLES[decision])


def _rule(ruling: Ruling, width: int) -> Text:
    """Return the rule's name and remarks; a long name goes on below, where its parts meet."""
    told = [line for remark in rulings.remarks(ruling) for line in textwrap.wrap(name(remark), width)]
    remarks = "".join(f"\n{line}" for line in told)
    return Text.assemble(stacked(name(ruling.rule), width), (remarks, "dim"))


def _draw_reason(page: Page, ruling: Ruling) -> None:
    page.line()
    page.line(Text.assemble(_marked(ruling.decision), "  ", (name(ruling.rule), "bold")), indent=2)
    page.line(sentence(ruling.because), indent=4)
    if ruling.observed is None:
        page.line(f"rule: {sentence(ruling.words)}", style="dim", indent=4)
