"""The noise floor of an explanation: what was found of a retrained copy of the reference, set beside a candidate."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from vetgate.domain.errors import UsageError
from vetgate.domain.evidence import Evidence, Finding, Measurement, Outcome, Severity
from vetgate.domain.exhibit import Table
from vetgate.domain.report import Report
from vetgate.domain.unit import format_quantity
from vetgate.gate.saved import read_reports

CHECK = "noise-floor"


@dataclass(frozen=True)
class Floor:
    """The explanation of a retrained copy."""

    name: str
    """Of its file."""
    report: Report

    def beside(self, report: Report, checks: Sequence[str]) -> Report:
        """Return a candidate's report with the floor's figures beside its own.

        Args:
            report: Of one candidate.
            checks: Whose figures are compared.
        """
        trouble = self._strange(report)
        if trouble:
            finding = Finding(rule=f"{CHECK}.other", severity=Severity.LOW, message=trouble)
        else:
            message = f"{self.report.candidate.name}, a copy of the reference that was trained anew, is the noise floor"
            finding = Finding(rule=f"{CHECK}.cited", severity=Severity.INFO, message=message)
        tables = () if trouble else (self._table(report, checks),)
        told = Evidence(check=CHECK, outcome=Outcome.MEASURED, findings=(finding,), exhibits=tables)
        return report.model_copy(update={"evidence": (*report.evidence, told)})

    def _strange(self, report: Report) -> str:
        """Return why the floor is none of a report's reference and images; empty where it is."""
        if self.report.reference.sha256 != report.reference.sha256:
            return f"{self.name} was measured against another reference, so it is no noise floor here"
        mine, theirs = report.data, self.report.data
        if mine is None or theirs is None or (mine.sha256, mine.images) != (theirs.sha256, theirs.images):
            return f"{self.name} was measured on other images, so it is no noise floor here"
        return ""

    def _table(self, report: Report, checks: Sequence[str]) -> Table:
        own, floor = dict(_figures(report, checks)), dict(_figures(self.report, checks))
        names = [name for name in dict.fromkeys((*own, *floor)) if own.get(name) != floor.get(name)]
        copy = self.report.candidate.name
        return Table(
            title="Beside the noise floor",
            columns=("figure", "this candidate", "retrained copy"),
            rows=tuple((name, own.get(name), floor.get(name)) for name in names),
            caption=(
                f"The noise floor is what the same steps found of {copy}, a copy of the reference trained anew "
                f"({self.name}, seed {self.report.seed}): two trainings of one network differ by that much, and only "
                "what goes beyond it says something of the candidate. Budget and training images must be the same. "
                "Figures that are equal are left out."
            ),
        )


def load_floor(path: str) -> Floor:
    """Return the noise floor in a report that `vetgate explain --format json` wrote.

    Raises:
        UsageError: It cannot be read, is no report, or holds several candidates or none that was explained.
    """
    reports = read_reports(Path(path), "the noise floor").reports.reports
    if len(reports) != 1:
        raise UsageError(
            f"the noise floor {path} holds {len(reports)} candidates",
            hint="explain the retrained copy of the reference alone, with --format json",
        )
    return Floor(Path(path).name, reports[0])


def _figures(report: Report, checks: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Yield the name and the value of each figure over all images, under its name within its check."""
    for figure in _measurements(report, checks):
        if figure.slice is None:
            yield figure.metric.partition(".")[2], format_quantity(figure.value, figure.unit)


def _measurements(report: Report, checks: Sequence[str]) -> Iterator[Measurement]:
    for item in report.evidence:
        if item.check in checks:
            yield from item.measurements
