"""What candidates lost, in GitHub-flavoured Markdown."""

from __future__ import annotations

from vetgate.reporting import ReportSet
from vetgate.wording.head import head_lines
from vetgate_reporters.escape import code, prose
from vetgate_reporters.explanation import ADVICE, comparisons, leads, title, without_form
from vetgate_reporters.markdown_evidence import evidence_blocks, exhibit_blocks

LONGEST = 60_000
"""Characters of the document; GitHub takes 65,536."""
ROWS = (200, 60, 20, 8, 0)
"""Rows of one table, fewer until the document fits; with none the evidence is left out."""


class ExplanationMarkdownReporter:
    """Writes at most `LONGEST` characters where figures alone do not take more."""

    def render(self, reports: ReportSet) -> str:
        """Return the document that shows most and fits."""
        text = ""
        for rows in ROWS:
            text = "\n\n".join(_blocks(reports, rows)) + "\n"
            if len(text) <= LONGEST:
                break
        return text


def _blocks(reports: ReportSet, rows: int) -> list[str]:
    blocks = [block for table in comparisons(reports) for block in exhibit_blocks(table, most=ROWS[0])]
    for report in reports.reports:
        blocks.append(f"## {title(report, lambda text: code(text, 100))}")
        blocks += [prose(lead) for lead in leads(report)]
        blocks.append(
            "\n".join(
                f"- {line.label}: {', '.join([*(code(each, 100) for each in line.names), prose(line.told)])}"
                for line in head_lines(report)
                if line.label != "policy"
            )
        )
        blocks += evidence_blocks(without_form(report), rows) or [
            "_All evidence was left out; it stands in the JSON report._"
        ]
    return [*blocks, ADVICE]
