"""What a reader must know before the rulings stands above them."""

from __future__ import annotations

import pytest
from vetgate_reporters.markdown import MarkdownReporter
from vetgate_reporters.terminal import TerminalReporter

from vetgate.reporting import Reporter, ReportSet

BY_INDEX = "the data set names its classes and the reference's card does not: labels were matched by index"


@pytest.mark.parametrize(
    ("reporter", "rules"), [(TerminalReporter(width=200), "── Rules"), (MarkdownReporter(), "### Rules")]
)
def test_warnings_stand_above_the_rulings_and_what_is_too_much_after_the_evidence(
    reporter: Reporter, rules: str, canned: ReportSet
) -> None:
    others = tuple(f"warning number {number}" for number in range(9))
    report = canned.reports[0].model_copy(update={"warnings": (BY_INDEX, *others)})
    head, _, rest = str(reporter.render(ReportSet(reports=(report,)))).partition(rules)
    assert BY_INDEX in head
    assert "Further warnings" in rest
    text = head + rest
    assert all(text.count(warning) == 1 for warning in report.warnings)
