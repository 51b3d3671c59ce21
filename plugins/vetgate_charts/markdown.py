"""The ranking in GitHub-flavoured Markdown."""

from __future__ import annotations

import re

from vetgate.reporting import ReportSet, rank
from vetgate_charts.row import LEGEND, TITLES, headline, left_out, plain, rows, setting

_STRUCTURE = re.compile(r"[&<>|\\`*_~\[\]$#@]|:(?=//)")


class RankingMarkdown:
    """Writes one table and what must be known to read it."""

    def render(self, reports: ReportSet) -> str:
        """Return the document.

        Raises:
            ValueError: The reports are not comparable.
        """
        ranking = rank(reports)
        blocks = [f"**{_escaped(headline(ranking))}**"]
        blocks.append("\n".join(f"- {label}: {_escaped(content)}" for label, content in setting(ranking)))
        if ranking.rows:
            sides = ["---" if place < 2 else "---:" for place in range(len(TITLES))]
            lines = [_line(TITLES), _line(sides)]
            lines += [_line([_escaped(cell) for cell in row.cells]) for row in rows(ranking)]
            blocks += ["\n".join(lines), LEGEND]
        for title, items in (("Not ranked", left_out(ranking)), ("To know", [plain(note) for note in ranking.notes])):
            if items:
                blocks.append(f"{title}:\n\n" + "\n".join(f"- {_escaped(item)}" for item in items))
        return "\n\n".join(blocks) + "\n"


def _line(cells: tuple[str, ...] | list[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _escaped(text: str) -> str:
    """Return untrusted text as numeric entities wherever it could mean something to Markdown."""
    return _STRUCTURE.sub(lambda match: f"&#{ord(match[0])};", text)
