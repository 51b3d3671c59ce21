"""What differs around the figures of two saved reports: models, data, policy, environment. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from vetgate.domain.difference import Fact
from vetgate.domain.report import BaselineSummary, Environment, ModelSummary, Report
from vetgate.domain.yardstick import YardstickSummary

_Found = Iterator[tuple[str, object]]
_Facts = Mapping[tuple[str, str], object]
"""Value by what it is of, and what it is."""


def facts(old: Report, new: Report) -> tuple[Fact, ...]:
    """Return what differs, as text; times of day, seconds and the command line are left out."""
    then, now = dict(_known(old)), dict(_known(new))
    return tuple(
        Fact(of=key[0], what=key[1], old=_text(then, key), new=_text(now, key))
        for key in {**then, **now}
        if _text(then, key) != _text(now, key)
    )


def _text(known: _Facts, key: tuple[str, str]) -> str | None:
    value = known.get(key)
    return None if value is None else f"{value:,}" if type(value) is int else str(value)


def _known(report: Report) -> Iterator[tuple[tuple[str, str], object]]:
    for of, found in (
        ("candidate", _of_model(report.candidate)),
        ("reference", _of_model(report.reference)),
        ("timed reference", _of_model(report.timed_reference)),
        ("data", _of_data(report)),
        ("policy", iter([("name", report.policy.name), ("sha256", report.policy.sha256)])),
        ("run", iter([("seed", str(report.seed))])),
        ("yardstick", _digest(report.yardstick)),
        ("baseline", _digest(report.baseline)),
        ("environment", _of_environment(report.environment)),
    ):
        yield from (((of, what), value) for what, value in found)


def _digest(summary: YardstickSummary | BaselineSummary | None) -> _Found:
    if summary is not None:
        yield "sha256", summary.sha256


def _of_data(report: Report) -> _Found:
    if report.data is not None:
        for what in ("name", "sha256", "images", "available", "labelled", "classes"):
            yield what, getattr(report.data, what)
        yield "unreadable", len(report.data.unreadable)
    if report.stopping is not None:
        yield "images used before it stopped", report.stopping.images


def _of_environment(environment: Environment) -> _Found:
    for what in ("vetgate", "python", "platform", "processor", "cores"):
        yield what, getattr(environment, what)
    yield from sorted(environment.packages.items())


def _of_model(model: ModelSummary | None) -> _Found:
    if model is None:
        return
    for what in ("name", "format", "sha256", "size"):
        yield what, getattr(model, what)
    yield "card", model.card_sha256
    if model.scan is not None:
        yield "scan", model.scan.state.value
    if model.execution is not None:
        for what in ("runtime", "version", "provider", "threads", "precision"):
            yield what, getattr(model.execution, what)
        if model.execution.placed:
            yield "operators", ", ".join(f"{place.operators:,} on {place.provider}" for place in model.execution.placed)
