"""A JUnit report, which nearly every CI shows: one test suite a candidate, one test case a rule.

| in vetgate | in JUnit |
|---|---|
| a candidate | `testsuite`; its time is the run's, its properties the verdict, digests and figures |
| a rule | `testcase`, `classname` the policy and `name` the rule; of several candidates each is in the class |
| pass | a case that passes; `system-out` has the sentence |
| warn | a case that passes, for so does the gate; `system-out` begins with `warn`, or `warn: waived, else fail` |
| fail | `failure`, its message the sentence, below it what was asked and observed |
| inconclusive | `error`: unknown is never a pass, and never measured and not good enough either |
| a verdict worse than every rule | a case `verdict` of its own, for a suite without cases reads as a pass |
| findings | `system-err` of the suite, the worst first; the rule `findings` is a case like any other |

Under `--strict` a warning fails the command, while its case passes here: the exit code is what counts.

It keeps to the schema of Jenkins' xUnit plugin (junit-10.xsd), as Jenkins, GitLab and Azure read it. Written with the
standard library: junit-xml was last released in 2020, and junitparser, which is alive, reads and merges reports; what
it would save here are some ten lines.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from vetgate.reporting import Decision, Measurement, Of, Report, ReportSet, Ruling
from vetgate.wording import figures, provenance, rulings, sections
from vetgate.wording.text import name, plain, sentence, shorten
from vetgate_ci.alert import told_rulings

MOST_PROPERTIES = 500
"""Figures among the properties of a candidate."""
MOST_FINDINGS = 1_000
"""Lines of findings of a candidate."""
LONGEST_NAME = 255
_TAGS = {Decision.FAIL: "failure", Decision.INCONCLUSIVE: "error"}


class JunitReporter:
    """Writes XML in UTF-8; what XML cannot hold is spelled out, such as `\\x1b`."""

    def render(self, reports: ReportSet) -> bytes:
        """Return the document."""
        root = Element("testsuites", name="vetgate")
        many = len(reports.reports) > 1
        suites = [_suite(root, report, many) for report in reports.reports]
        for count in ("tests", "failures", "errors"):
            root.set(count, str(sum(int(suite.get(count, "0")) for suite in suites)))
        root.set("time", _seconds(sum(report.seconds for report in reports.reports)))
        indent(root)
        return bytes(tostring(root, encoding="utf-8", xml_declaration=True)) + b"\n"


def _suite(root: Element, report: Report, many: bool) -> Element:
    told = rulings.worst_first(told_rulings(report))
    decisions = [ruling.decision for ruling in told]
    suite = SubElement(
        root,
        "testsuite",
        name=_name(report.candidate.name),
        tests=str(len(told)),
        failures=str(decisions.count(Decision.FAIL)),
        errors=str(decisions.count(Decision.INCONCLUSIVE)),
        skipped="0",
        time=_seconds(report.seconds),
        timestamp=report.started.strftime("%Y-%m-%dT%H:%M:%S"),
    )
    properties = SubElement(suite, "properties")
    for label, value in _properties(report):
        SubElement(properties, "property", name=_name(label), value=sentence(value))
    policy = _name(report.policy.name)
    group = f"{policy}: {_name(report.candidate.name)}" if many else policy
    for ruling in told:
        _case(suite, group, ruling)
    found = sections.findings(report)
    if found:
        SubElement(suite, "system-err").text = "\n".join(_findings(report))
    return suite


def _case(suite: Element, group: str, ruling: Ruling) -> None:
    case = SubElement(suite, "testcase", classname=group, name=_name(ruling.rule), time="0")
    because = sentence(ruling.because)
    tag = _TAGS.get(ruling.decision)
    if tag is not None:
        outcome = SubElement(case, tag, type=ruling.decision.value, message=because)
        outcome.text = "\n".join([because, *_details(ruling)])
    else:
        waived = f": waived, else {ruling.waived.value}" if ruling.waived is not None else ""
        lines = [f"{ruling.decision.value}{waived}: {because}", *_details(ruling)]
        SubElement(case, "system-out").text = "\n".join(lines)


def _details(ruling: Ruling) -> Iterator[str]:
    yield f"rule: {sentence(ruling.words)}"
    told = {
        "observed": rulings.observed(ruling),
        "bounds": rulings.interval(ruling),
        "asked": rulings.asked(ruling),
        "decided by": name(rulings.decided_by(ruling)),
    }
    if ruling.observed is not None:
        yield from (f"{label}: {value}" for label, value in told.items() if value)
    yield from map(sentence, rulings.remarks(ruling))


def _properties(report: Report) -> Iterator[tuple[str, str]]:
    yield "vetgate.decision", report.verdict.decision.value
    yield "vetgate.because", report.verdict.because
    yield "vetgate.version", report.environment.vetgate
    yield "vetgate.command", shorten(plain(shlex.join(provenance.command(report))), 1_000)
    yield "vetgate.policy", report.policy.name
    yield "vetgate.policy.source", report.policy.source
    for role, model in provenance.models(report):
        yield f"vetgate.{role}", model.name
    if report.data is not None:
        yield "vetgate.data", report.data.name
        yield "vetgate.images", str(report.data.images)
    yield "vetgate.seed", str(report.seed)
    for label, digest in provenance.digests(report)[:MOST_PROPERTIES]:
        yield f"sha256.{label}", digest
    measured = (figure for evidence in report.evidence for figure in evidence.measurements if figure.slice is None)
    for _, figure in zip(range(MOST_PROPERTIES), measured, strict=False):
        yield f"figure.{figure.metric}.{_role(figure)}", figures.figure_text(figure)


def _role(figure: Measurement) -> str:
    versus = "" if figure.versus == "reference" or figure.role is Of.CANDIDATE else f".{figure.versus.value}"
    return f"{figure.role.value}{versus}"


def _findings(report: Report) -> Iterator[str]:
    found = sections.findings(report)
    for finding in found[:MOST_FINDINGS]:
        place = f" ({sentence(finding.location)})" if finding.location else ""
        yield f"{finding.severity.name.lower()} {_name(finding.rule)}{place}: {sentence(finding.message)}"
    if len(found) > MOST_FINDINGS:
        yield f"{len(found) - MOST_FINDINGS:,} more findings were left out for length; all stand in the JSON report"


def _name(text: str) -> str:
    return name(text, LONGEST_NAME)


def _seconds(seconds: float) -> str:
    """Return seconds as the schema wants them: three decimals, no sign, no separator."""
    return f"{min(max(seconds, 0.0), 1e9):.3f}"
