"""Evidence, ready to be asked by rules: which figures there are, what ran for them, and why some are missing."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from vetgate.domain.evidence import Evidence, Finding, Measurement, Of, Outcome, Ran, Versus
from vetgate.domain.policy import FEWEST, Rule
from vetgate.domain.specs import MetricSpec
from vetgate.policy.where import counts_images

BASELINE = Versus.BASELINE.value
"""Name of the evidence that compares this run with a saved report."""
NO_BASELINE = "no baseline was given; --baseline REPORT.json"
NO_YARDSTICK = "no yardstick was given; --yardstick FILE"
UNSAID = "no figure was given for them, nor a reason"

Key = tuple[str, Of, Versus]
"""Metric, whose figure, and what it is compared with."""


@dataclass(frozen=True)
class Part:
    """What is known of images of which only a part was taken, at a look of a run or where one stopped early."""

    images: Mapping[str, Mapping[str, int]]
    """How many there are in all, by column and value; a column that is not here has unknown values."""
    holding: Collection[str] = ()
    """Rules that nothing but all images can settle."""


@dataclass(frozen=True)
class Gathered:
    """The evidence, ready to be asked."""

    measured: Mapping[Key, tuple[Measurement, ...]]
    """Of checks whose outcome is `measured`; equal ones once."""
    ran: Mapping[str, tuple[Ran | None, ...]]
    """By check: what ran for its figures."""
    failures: Mapping[str, str]
    """By check: `latency errored: the child crashed`."""
    reasons: Mapping[str, str]
    """By check: what it says of itself, also where it measured."""
    metrics: Mapping[str, MetricSpec]
    owners: Mapping[str, str]
    """Check by metric, where it is known."""
    findings: Mapping[str, tuple[Finding, ...]]
    """By check that measured, in one order."""
    part: Part | None = None
    """None where all images were taken."""
    sizes: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    """Images by column and value, of the columns by which checks gave figures."""

    @staticmethod
    def of(
        evidence: Iterable[Evidence],
        metrics: Mapping[str, MetricSpec],
        owners: Mapping[str, str],
        part: Part | None = None,
    ) -> Gathered:
        """Return the evidence by metric, role and what it is compared with."""
        measured: dict[Key, dict[Measurement, None]] = {}
        ran: dict[str, list[Ran | None]] = {}
        failures, reasons = dict[str, str](), dict[str, str]()
        findings: dict[str, set[Finding]] = {}
        sizes: dict[str, dict[str, int]] = {}
        for item in sorted(evidence, key=lambda item: (item.check, item.reason)):
            reason = item.reason.rstrip(".")
            reasons[item.check] = reason
            if item.outcome is not Outcome.MEASURED:
                failures[item.check] = f"check {item.check} {item.outcome.value}: {reason or 'no reason was given'}"
                continue
            ran.setdefault(item.check, []).append(item.ran)
            findings.setdefault(item.check, set()).update(item.findings)
            for size in item.sizes:
                sizes.setdefault(size.slice.by, {})[size.slice.value or ""] = size.n
            for figure in item.measurements:
                measured.setdefault((figure.metric, figure.role, figure.versus), {})[figure] = None
        figures = {key: tuple(found) for key, found in measured.items()}
        runs = {name: tuple(each) for name, each in ran.items()}
        told = {name: tuple(sorted(each, key=lambda found: found.message)) for name, each in findings.items()}
        return Gathered(figures, runs, failures, reasons, metrics, owners, told, part, sizes)

    def figures(self, rule: Rule) -> tuple[Measurement, ...]:
        """Return the figures of a rule's metric and role, of all slices."""
        return self.measured.get((rule.metric, rule.of, rule.versus), ())

    def unknown(self, rule: Rule) -> tuple[str, ...]:
        """Return the values of the column of a rule on each of them that have images enough and no such figure.

        The values are those that the images have and those by which the same check gave another figure.
        """
        if rule.slice is None:
            return ()
        by, owner = rule.slice.by, self.owners.get(rule.metric)
        known = dict(self.sizes.get(by, {}))
        for (metric, role, _), figures in self.measured.items():
            if role is rule.of and owner is not None and self.owners.get(metric) == owner:
                for figure in figures:
                    if figure.slice is not None and figure.slice.by == by and figure.slice.value is not None:
                        known.setdefault(figure.slice.value, figure.n)
        given = set(self._values(rule, by))
        fewest = rule.fewest if counts_images(rule.slice) else 1
        return tuple(sorted(value for value, n in known.items() if value not in given and n >= fewest))

    def why_unknown(self, rule: Rule) -> str:
        """Return why some slices have no figure, though others have."""
        if rule.versus is Versus.BASELINE:
            return self._why_not_beside_baseline()
        return "; ".join(self._said(rule)) or UNSAID

    def over_slices(self, metric: str) -> bool:
        """Return whether a metric is one figure over all slices of a column."""
        return metric in self.metrics and self.metrics[metric].over_slices

    def is_live(self, metric: str) -> bool:
        """Return whether a metric is taken of live models, and not of their answers to the images."""
        return metric in self.metrics and self.metrics[metric].live

    def why_missing(self, rule: Rule) -> str:
        """Return why there is no figure for a rule."""
        if rule.metric not in self.metrics:
            return f"no installed check declares {rule.metric}"
        owner = self.owners.get(rule.metric)
        if owner is not None and owner in self.failures:
            return self.failures[owner]
        if rule.versus is Versus.BASELINE:
            return self._why_not_beside_baseline()
        if rule.slice is not None and rule.slice.value is not None:
            values = self._values(rule, rule.slice.by)
            if values:
                return f"there is no {rule.slice.name}; {rule.slice.by} has {listing(values)}"
        if owner is not None and owner in self.reasons:
            return self._why_not_given(rule, owner)
        told = f" ({'; '.join(self.failures.values())})" if self.failures and owner is None else ""
        return f"no check measured it{told}"

    def _why_not_given(self, rule: Rule, owner: str) -> str:
        """Return why a check that measured lacks a figure: what it says of that itself, or by what it came instead."""
        said = self._said(rule)
        if said:
            return "; ".join(each.removeprefix(f"{rule.metric} has no value: ") for each in said)
        if self.metrics[rule.metric].needs_yardstick:
            return NO_YARDSTICK
        columns = sorted(set(self._columns(owner)))
        if rule.slice is None:
            return f"check {owner} ran, but did not give it"
        if rule.slice.by in columns or not counts_images(rule.slice):
            return f"check {owner} ran, but did not give it for {rule.slice.name}"
        there = f"by {', '.join(columns)}" if columns else "of all images alone"
        few = f", no value of it has {FEWEST} images" if self.over_slices(rule.metric) else ""
        return (
            f"the data has no column {rule.slice.by!r}{few}, or the run was not asked for it: check {owner} has "
            f"figures {there}; vetgate policy lint POLICY --data PATH names the columns"
        )

    def _said(self, rule: Rule) -> list[str]:
        """Return what the check that owns a rule's metric says of its lack."""
        found = self.findings.get(self.owners.get(rule.metric, ""), ())
        return [_finding_words(each) for each in found if each.message.startswith(f"{rule.metric} ")]

    def _columns(self, owner: str) -> Iterator[str]:
        """Yield the columns by which a check gave figures."""
        for (metric, _, _), figures in self.measured.items():
            if self.owners.get(metric) == owner:
                yield from (figure.slice.by for figure in figures if figure.slice is not None)

    def _why_not_beside_baseline(self) -> str:
        if BASELINE in self.reasons:
            return self.reasons[BASELINE] or "the baseline has no such figure"
        if any(versus is Versus.BASELINE for _, _, versus in self.measured):
            return "the baseline has no such figure"
        return NO_BASELINE

    def _values(self, rule: Rule, column: str) -> list[str]:
        slices = (figure.slice for figure in self.figures(rule))
        return sorted({where.value for where in slices if where and where.by == column and where.value is not None})


def _finding_words(found: Finding) -> str:
    """Return a finding and its advice as the end of a sentence."""
    message, advice = found.message.rstrip("."), found.advice.rstrip(".")
    return f"{message}: {advice[0].lower()}{advice[1:]}" if advice else message


def listing(names: Iterable[str], most: int = 10) -> str:
    """Return quoted names, with the number of those beyond the tenth."""
    known = list(names)
    more = f" and {len(known) - most:,} more" if len(known) > most else ""
    return ", ".join(repr(name) for name in known[:most]) + more
