"""Tables and folded parts of Markdown, from cells that are Markdown already."""

from __future__ import annotations

from collections.abc import Sequence

from vetgate.wording.text import counted


def table(head: Sequence[str], rows: Sequence[Sequence[str]], most: int, align: str, total: int | None = None) -> str:
    """Return a table of at most `most` rows, and a line that says how many were left out.

    Args:
        head: Titles.
        rows: Cells, each row as long as the head.
        most: Rows that are shown.
        align: `l` or `r` for each column; the last letter holds for all that follow.
        total: Rows that there are, where only those that are shown were made.
    """
    if not rows:
        return "None."
    rules = [{"l": "---", "r": "---:"}[side] for side in align.ljust(len(head), align[-1])[: len(head)]]
    lines = [_line(head), _line(rules), *(_line(row) for row in rows[:most])]
    left_out = (len(rows) if total is None else total) - most
    return "\n".join(lines) + (f"\n\n{_left_out(left_out, 'row')}" if left_out > 0 else "")


def listing(items: Sequence[str], most: int, total: int | None = None) -> str:
    """Return a list of at most `most` items, and a line that says how many were left out.

    Args:
        items: Markdown.
        most: Items that are shown.
        total: Items that there are, where only those that are shown were made.
    """
    left_out = (len(items) if total is None else total) - most
    shown = "\n".join(f"- {item}" for item in items[:most])
    return shown + (f"\n\n{_left_out(left_out, 'item')}" if left_out > 0 else "")


def folded(summary: str, blocks: Sequence[str]) -> str:
    """Return blocks that open on a click; the blank lines make GitHub read them as Markdown."""
    inside = "\n\n".join(blocks)
    return f"<details>\n<summary>{summary}</summary>\n\n{inside}\n\n</details>"


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _left_out(number: int, noun: str) -> str:
    return f"_{counted(number, noun)} left out for length; all stand in the JSON report._"
