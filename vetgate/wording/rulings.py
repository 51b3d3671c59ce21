"""What a report says of its rulings: marks, figures and the order to read them in."""

from __future__ import annotations

from collections.abc import Iterable

from vetgate.domain.evidence import Of, Slice, Versus
from vetgate.domain.report import Report, ReportSet
from vetgate.domain.unit import Unit, format_about, format_beside, format_limit
from vetgate.domain.verdict import Decision, Ruling
from vetgate.wording.figures import UNBOUNDED, span

MARKS = {Decision.PASS: "✔", Decision.WARN: "!", Decision.INCONCLUSIVE: "?", Decision.FAIL: "✘"}
LEGEND = ", ".join(f"{mark} {decision.value}" for decision, mark in MARKS.items())
UNDECIDED = (Decision.INCONCLUSIVE, Decision.WARN)
"""Decisions of rules that more images might settle."""
_SIDES = {"at_least": "≥ ", "at_most": "≤ ", None: ""}
_METHODS = {"point": "point estimate"}
"""Methods that a reader who writes no policies would not understand."""


def marked(decision: Decision) -> str:
    """Return the decision as mark and word; neither stands alone."""
    return f"{MARKS[decision]} {decision.value}"


def headline(decision: Decision) -> str:
    """Return the decision as it leads a report."""
    return f"{MARKS[decision]} {decision.value.upper()}"


def worst_first(rulings: Iterable[Ruling]) -> list[Ruling]:
    """Return the rulings from fail to pass; equals keep the order of the policy."""
    return sorted(rulings, key=lambda ruling: -ruling.decision.rank)


def candidates_worst_first(reports: Iterable[Report]) -> list[Report]:
    """Return the reports from fail to pass, of equals those first that miss more rules; else they keep their order."""

    def misses(report: Report) -> tuple[int, ...]:
        decisions = [ruling.decision for ruling in report.verdict.rulings]
        return report.verdict.decision.rank, *map(
            decisions.count, (Decision.FAIL, Decision.INCONCLUSIVE, Decision.WARN)
        )

    return sorted(reports, key=misses, reverse=True)


def tally(decisions: Iterable[Decision]) -> str:
    """Return how many there are of each, worst first: `1 fail, 4 pass`."""
    listed = list(decisions)
    counts = [(listed.count(decision), decision.value) for decision in reversed(Decision)]
    return ", ".join(f"{count} {word}" for count, word in counts if count) or "none"


def observed(ruling: Ruling) -> str:
    """Return the figure that was judged, a dash where it is not known; for findings, how many there are."""
    if ruling.metric is None and ruling.n is not None:
        return f"{ruling.n:,} found" if ruling.n else "none"
    return _figure(ruling, ruling.observed)


def interval(ruling: Ruling) -> str:
    """Return the two one-sided bounds as `96.45 to 97.03 %`; nothing where the figure is its own bound.

    A side that the data do not bound is `-∞` or `∞`; of a figure that they bound on no side, a dash stands alone, and
    of a ratio, whose least is 0, that there are too few pairs.
    """
    if ruling.lower is None and ruling.upper is None:
        return "–" if ruling.confidence is not None and ruling.observed is not None else ""
    if ruling.lower == ruling.upper == ruling.observed:
        return ""
    if ruling.lower == 0 and ruling.upper is None and ruling.of is Of.RATIO:
        return UNBOUNDED
    lower = "-∞" if ruling.lower is None else _figure(ruling, ruling.lower)
    upper = "∞" if ruling.upper is None else _figure(ruling, ruling.upper)
    return span(lower, upper)


def asked(ruling: Ruling) -> str:
    """Return the threshold with its direction, such as `≥ 97.5 %`: exactly as the policy has it."""
    if ruling.threshold is None:
        return ""
    return _SIDES[ruling.side] + format_limit(ruling.threshold, _unit(ruling), signed=_is_difference(ruling))


def decided_by(ruling: Ruling) -> str:
    """Return the method with its confidence, such as `Clopper-Pearson 95 %`; nothing where nothing was decided."""
    if not ruling.method:
        return ""
    method = _METHODS.get(ruling.method, ruling.method)
    confidence = f" {ruling.confidence * 100:.4g} %" if ruling.confidence is not None else ""
    return f"{method}{confidence}"


def remarks(ruling: Ruling) -> list[str]:
    """Return what belongs under the rule's name: slice, baseline, waiver, and what would settle it."""
    lines = [ruling.slice.name] if ruling.slice is not None and not _named(ruling.slice, ruling.rule) else []
    if ruling.versus is Versus.BASELINE:
        lines.append("against the baseline")
    if ruling.waived is not None:
        lines.append(f"waived, else {ruling.waived.value}")
    if ruling.needed is not None and ruling.decision in UNDECIDED:
        lines.append(f"needs about {format_about(ruling.needed)} {_settled_by(ruling)}")
    return lines


def _named(where: Slice, rule: str) -> bool:
    """Return whether the rule's own name ends in the slice already."""
    ends = (f"/{where.name}", f"/{where.value}", f"/{where.by}={where.value}")
    return rule.endswith(ends)


def _settled_by(ruling: Ruling) -> str:
    """Return what a rule rests on: images, or pairs of timed blocks."""
    timed = ruling.metric is not None and ruling.metric.startswith("latency.")
    if timed:
        return "pairs" if ruling.of is Of.RATIO else "calls"
    return "images" if ruling.slice is None or ruling.slice.value is None else "images of it"


def _figure(ruling: Ruling, value: float | None) -> str:
    return format_beside(value, ruling.threshold, _unit(ruling), signed=_is_difference(ruling))


def _unit(ruling: Ruling) -> Unit:
    return Unit.SCORE if ruling.unit is None else ruling.unit


def _is_difference(ruling: Ruling) -> bool:
    return ruling.of is Of.DELTA


def rules_worst_first(reports: ReportSet) -> list[str]:
    """Return the names of all rules of all candidates, those first that some candidate fares worst on."""
    worst: dict[str, int] = {}
    for report in reports.reports:
        for ruling in report.verdict.rulings:
            worst[ruling.rule] = max(worst.get(ruling.rule, 0), ruling.decision.rank)
    return sorted(worst, key=lambda rule: -worst[rule])


def cell(report: Report, rule: str) -> tuple[Decision | None, str]:
    """Return one candidate's ruling under one rule as decision and short text, for the table of many candidates."""
    for ruling in report.verdict.rulings:
        if ruling.rule == rule:
            text = ruling.decision.value if ruling.observed is None else observed(ruling)
            return ruling.decision, f"{MARKS[ruling.decision]} {text}"
    return None, "–"
