"""What two runs must share for their figures to be comparable."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from vetgate.domain.check import Need
from vetgate.domain.evidence import BATCH, Evidence, Measurement, Of, Outcome, PerImage, Ran, Slice, Versus
from vetgate.domain.policy import Rule
from vetgate.domain.report import DataSummary, Environment, ModelSummary, Report, Stopping
from vetgate.domain.specs import CheckSpec, MetricSpec
from vetgate.domain.unit import Unit

TIMES = (Unit.SECONDS, Unit.PER_SECOND)
_TRAITS = ("runtime", "version", "provider", "threads", "precision")
_SHOWN = 12
"""Hex digits of a digest in a sentence."""


class IncomparableError(Exception):
    """Two runs do not share what a figure needs to be compared."""


@dataclass(frozen=True)
class Setting:
    """What a run's figures rest on besides its candidate."""

    data: DataSummary | None
    reference: ModelSummary
    timed: ModelSummary
    """What was timed beside the candidate: the reference, unless another build of it was named."""
    stopping: Stopping | None
    environment: Environment

    @staticmethod
    def of(report: Report) -> Setting:
        """Return that of a saved report."""
        timed = report.timed_reference or report.reference
        return Setting(report.data, report.reference, timed, report.stopping, report.environment)


@dataclass(frozen=True)
class Owner:
    """Who measures a figure, and on what."""

    check: str
    need: Need
    metric: MetricSpec


def owners_of(specs: Sequence[CheckSpec[Any]]) -> dict[str, Owner]:
    """Return the owner of each metric by id."""
    return {metric.id: Owner(spec.name, spec.needs, metric) for spec in specs for metric in spec.metrics}


Key = tuple[str, Of, Slice | None]
"""What tells one figure of a run from the others."""


@dataclass(frozen=True)
class Run:
    """One of the two runs, ready to be asked."""

    setting: Setting
    figures: Mapping[Key, Measurement]
    per_image: Mapping[tuple[str, Of], PerImage]
    ran: Ran | None
    """What ran for its figures of live models; None where there are none."""
    named: str
    """What sentences call it."""

    @property
    def told(self) -> str:
        """Return what sentences call the run itself, where `named` is a report of one."""
        return self.named if self.named.endswith("run") else f"{self.named}'s run"

    @staticmethod
    def of(evidence: Iterable[Evidence], setting: Setting, named: str) -> Run:
        """Return a run by its evidence; figures beside a baseline of its own are left out."""
        measured = [item for item in evidence if item.outcome is Outcome.MEASURED]
        figures = (figure for item in measured for figure in item.measurements if figure.versus is Versus.REFERENCE)
        return Run(
            setting,
            {(figure.metric, figure.role, figure.slice): figure for figure in figures},
            {(kept.metric, kept.role): kept for item in measured for kept in item.per_image},
            next((item.ran for item in measured if item.ran is not None), None),
            named,
        )


@dataclass(frozen=True)
class Runs:
    """Two runs: this one and the baseline's, or those of two saved reports."""

    now: Run
    then: Run
    owners: Mapping[str, Owner]
    asked: tuple[Rule, ...]
    """The rules that compare the two."""
    levels: tuple[float, ...] = ()
    """Levels in (0.5, 1) whose bounds are stated besides the usual ones, where the figures tell them."""
    again: str = "run it without --sequential and make that the baseline"
    """What to do about a run that stopped early."""

    def confidences(self, metric: str) -> tuple[float, ...]:
        """Return the levels at which rules ask for bounds."""
        return tuple(sorted({rule.confidence for rule in self.asked if rule.metric == metric and rule.confidence}))

    def wants(self, figure: Measurement) -> bool:
        """Return whether a figure is compared: one of no single slice of images, or of a slice that a rule names."""
        where = figure.slice
        if where is None or where.value is None or where.by == BATCH:
            return True
        named = [rule.slice for rule in self.asked if rule.metric == figure.metric and rule.slice is not None]
        return any(asked.by == where.by and asked.value in (None, where.value) for asked in named)


def require_same_data(owner: Owner, runs: Runs) -> None:
    """Refuse to compare figures of answers to different images.

    Raises:
        IncomparableError: The images differ, or a run has none.
    """
    if owner.need not in (Need.TABLE, Need.IMAGES, Need.TRAINER, Need.EVIDENCE):
        return
    now, then = runs.now.setting.data, runs.then.setting.data
    if then is None:
        raise IncomparableError(f"{runs.then.named} was measured without images")
    if now is None:
        raise IncomparableError(f"{runs.now.named} has no images")
    if now.sha256 != then.sha256:
        stopped = runs.then.setting.stopping
        if stopped is not None and stopped.early:
            raise IncomparableError(
                f"{runs.then.told} stopped after {stopped.images:,} of {stopped.available:,} images; {runs.again}"
            )
        raise IncomparableError(
            f"{runs.then.named} was measured on other data "
            f"(sha256 {then.sha256[:_SHOWN]} against {now.sha256[:_SHOWN]})"
        )


def require_same_yardstick(now: Measurement, runs: Runs) -> None:
    """Refuse to compare what was taken beside another reference, or beside one that ran in another way.

    Raises:
        IncomparableError: The references differ in their files, their cards, or in what ran.
    """
    metric = runs.owners[now.metric].metric
    mine, other = runs.now.setting, runs.then.setting
    if now.role is Of.PAIR or metric.unit is Unit.SCORE:
        _require_same_model(mine.reference, other.reference, runs.then.named)
    if metric.live or metric.unit is Unit.SCORE:
        _require_same_model(mine.timed, other.timed, runs.then.named)
        _require_same_execution(metric, runs)


def _require_same_model(now: ModelSummary, then: ModelSummary, whose: str) -> None:
    if now.sha256 is None or now.sha256 != then.sha256:
        raise IncomparableError(
            f"{whose} was measured beside another reference ({then.name}, sha256 {_digest(then)}, "
            f"against {now.name}, {_digest(now)})"
        )
    if now.card_sha256 != then.card_sha256:
        raise IncomparableError(f"the card of {now.name} is another than when {whose} was measured")


def _require_same_execution(metric: MetricSpec, runs: Runs) -> None:
    now, then = runs.now.ran, runs.then.ran
    if now is None or then is None:
        if metric.live:
            raise IncomparableError("it is not known what really ran in both runs")
        return
    for trait in _TRAITS:
        was, is_now = getattr(then.reference, trait), getattr(now.reference, trait)
        if was != is_now:
            raise IncomparableError(
                f"the reference ran with {trait} {was} for {runs.then.named}, and with {is_now} now"
            )
    told, now_told = then.reference.placed, now.reference.placed
    if told and now_told and told != now_told:
        raise IncomparableError(f"the reference's operators ran in other places for {runs.then.named} than now")


def _digest(model: ModelSummary) -> str:
    return model.sha256[:_SHOWN] if model.sha256 else "unknown"
