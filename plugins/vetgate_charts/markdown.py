"""The ranking in GitHub-flavoured Markdown."""

from __future__ import annotations

import re

from vetgate.reporting import ReportSet, plain, rank
from vetgate_charts.row import LEGEND, TITLES, headline, left_out, rows, setting

_STRUCTURE = re.compile(r"[&<>|\\`*_~\[\]$#@]|:(?=//)")


class RankingMarkdown:
    """Writes one table and what must be known to read it."""

    def render(self, reports: ReportSet) -> str:
        """Return the document.

        Raises:
            ValueError: The reports are not comparable.
        """
        ranking = rank(reports)
        blocks = [f"**{escaped(headline(ranking))}**"]
        blocks.append("\n".join(f"- {label}: {escaped(content)}" for label, content in setting(ranking)))
        if ranking.rows:
            sides = ["---" if place < 2 else "---:" for place in range(len(TITLES))]
            lines = [line(TITLES), line(sides)]
            lines += [line([escaped(cell) for cell in row.cells]) for row in rows(ranking)]
            blocks += ["\n".join(lines), LEGEND]
        for title, items in (("Not ranked", left_out(ranking)), ("To know", [plain(note) for note in ranking.notes])):
            if items:
                blocks.append(f"{title}:\n\n" + "\n".join(f"- {escaped(item)}" for item in items))
        return "\n\n".join(blocks) + "\n"


def line(cells: tuple[str, ...] | list[str]) -> str:
    """Return one row of a table, from cells that are Markdown already."""
    return f"| {' | '.join(cells)} |"


def escaped(text: str) -> str:
    """Return untrusted text as numeric entities wherever it could mean something to Markdown."""
    return _STRUCTURE.sub(lambda match: f"&#{ord(match[0])};", text)
