"""The lines under a verdict: which models, which images, how many of them, which baseline, which policy."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from vetgate.domain.report import BaselineSummary, ModelSummary, Report, Stopping
from vetgate.domain.scan import ScanState
from vetgate.domain.unit import Unit, format_quantity
from vetgate.domain.yardstick import YardstickSummary
from vetgate.wording.provenance import answered, models, promotion_words
from vetgate.wording.text import counted

WARNINGS = 5
"""Warnings that stand in the head; further ones follow the evidence."""


@dataclass(frozen=True)
class HeadLine:
    """One line; all of it may hold text of strangers."""

    label: str
    names: tuple[str, ...]
    """Of files and policies."""
    told: str = ""
    """What is said of them."""


def head_lines(report: Report) -> tuple[HeadLine, ...]:
    """Return what a reader must know before the rulings."""
    return tuple(_lines(report))


def _lines(report: Report) -> Iterator[HeadLine]:
    yield HeadLine("candidate", (report.candidate.name,), _model(report.candidate))
    yield HeadLine("reference", (report.reference.name,), _model(report.reference))
    if report.timed_reference is not None:
        told = f"{_model(report.timed_reference)} · in place of the reference"
        yield HeadLine("timed", (report.timed_reference.name,), told)
    yield from _scans(report)
    yield from _walls(report)
    if report.baseline is not None:
        yield HeadLine("baseline", (report.baseline.name,), _baseline(report.baseline))
    if report.yardstick is not None:
        yield HeadLine("yardstick", (report.yardstick.name,), _yardstick(report.yardstick))
    yield HeadLine("data", (report.data.name,), _data(report)) if report.data else HeadLine("data", (), "none")
    if report.stopping is not None:
        yield HeadLine("images", (), _stopping(report.stopping))
    if _answers_differ(report):
        yield HeadLine("answered", (), _answered(report))
    yield HeadLine("policy", _policy(report))
    yield from (HeadLine("warning", (), warning) for warning in report.warnings[:WARNINGS])


def further_warnings(report: Report) -> tuple[str, ...]:
    """Return the warnings that the head has no room for."""
    return report.warnings[WARNINGS:]


def _model(model: ModelSummary) -> str:
    """Return format and size of a model."""
    size = "size unknown" if model.size is None else format_quantity(model.size / 1e6, Unit.MEGABYTES)
    return f"{model.format or 'format unknown'} · {size}"


def _scans(report: Report) -> Iterator[HeadLine]:
    """Yield what each scan came to before its model was opened, and who read it; one line where all are clean."""
    scanned = [model.scan for _, model in models(report) if model.scan is not None]
    if len(scanned) > 1 and all(scan.state is ScanState.CLEAN and not scan.reason for scan in scanned):
        yield HeadLine("scan", (), "all models clean")
        return
    for role, model in models(report):
        if model.scan is not None:
            readers = f" · read by {', '.join(model.scan.scanners)}" if model.scan.scanners else ""
            why = f" · {model.scan.reason}" if model.scan.reason else ""
            worst = f", {model.scan.worst.name.lower()} at most" if model.scan.worst is not None else ""
            yield HeadLine("scan", (), f"{role}: {model.scan.state.value}{worst}{readers}{why}")


def _walls(report: Report) -> Iterator[HeadLine]:
    """Yield which walls stood around the processes that opened models; one line where it is the same for all."""
    told = {role: _standing(model) for role, model in models(report) if model.walls}
    if len(set(told.values())) == 1:
        yield HeadLine("walls", (), next(iter(told.values())))
    else:
        yield from (HeadLine("walls", (), f"{role}: {line}") for role, line in told.items())


def _standing(model: ModelSummary) -> str:
    stood = ", ".join(wall.name for wall in model.walls if wall.stood) or "none"
    fallen = ", ".join(wall.name for wall in model.walls if not wall.stood)
    return f"{stood}; not: {fallen}" if fallen else f"all {len(model.walls)} stood"


def _data(report: Report) -> str:
    """Return how many images the verdict rests on."""
    data = report.data
    if data is None:
        return "none"
    images = counted(data.images, "image")
    if data.images != data.available:
        images = f"{data.images:,} of {counted(data.available, 'image')}"
    labels = "labelled" if data.labelled else "without labels"
    classes = ""
    if data.classes is not None:
        classes = f" · {data.classes:,} {'class' if data.classes == 1 else 'classes'}"
    return f"{images} · {labels}{classes}"


def _stopping(stopping: Stopping) -> str:
    """Return how many images were used of those there were, and why it stopped there."""
    because = stopping.because.rstrip(".")
    if stopping.early:
        return f"stopped after {stopping.images:,} of {counted(stopping.available, 'image')}: {because}"
    if stopping.images == stopping.available:
        return f"all {counted(stopping.images, 'image')} were used: {because}"
    return f"{stopping.images:,} of {counted(stopping.available, 'image')} were used: {because}"


def _baseline(baseline: BaselineSummary) -> str:
    """Return what the baseline is, and the last act that made it one."""
    own = f"{baseline.candidate}, judged {baseline.decision.value} on {baseline.started.date().isoformat()}"
    if not baseline.promotions:
        return f"{own} · never promoted"
    return f"{own} · promoted {promotion_words(baseline.promotions[-1])}"


def _yardstick(yardstick: YardstickSummary) -> str:
    """Return how many independent models a yardstick holds, and by which distance it measures."""
    independents = counted(sum(peer.final for peer in yardstick.peers), "independent model")
    distance = yardstick.distance.value.replace("_", " ")
    return f"{independents} · {distance} · {counted(yardstick.images, 'image')}"


def _answers_differ(report: Report) -> bool:
    """Return whether some process answered other than all the images: the cache had some, or the run stopped early."""
    both = (report.candidate, report.reference)
    if report.data is None or not any(model.answered or model.from_cache for model in both):
        return False
    return any((model.answered or 0) != report.data.images for model in both)


def _answered(report: Report) -> str:
    """Return what each model's process answered in this run."""
    return " · ".join(
        f"{role}: {answered(report, model)}"
        for role, model in (("candidate", report.candidate), ("reference", report.reference))
    )


def _policy(report: Report) -> tuple[str, ...]:
    """Return the policy's name and where it stands, each once: `edge (carried)`, or `edge` and `vetgate.yaml:4`."""
    policy = report.policy
    return (policy.source,) if policy.source.startswith(policy.name) else (policy.name, policy.source)
