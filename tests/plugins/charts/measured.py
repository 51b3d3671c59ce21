"""Reports of models whose accuracy, time and size are given, as a run of `vetgate rank` makes them."""

from __future__ import annotations

import datetime
import math
from collections.abc import Iterable
from dataclasses import dataclass, replace

from vetgate.reporting import (
    Better,
    Counts,
    DataSummary,
    Decision,
    Environment,
    Evidence,
    Exact,
    Measurement,
    ModelSummary,
    Of,
    Outcome,
    PolicySummary,
    Quantiles,
    Report,
    ReportSet,
    Uncertainty,
    Unit,
    Unstated,
    Verdict,
)

N = 10_000
UNITS = {
    "accuracy.top1": Unit.FRACTION,
    "footprint.size_mb": Unit.MEGABYTES,
    "latency.throughput": Unit.PER_SECOND,
    "opscore.inference": Unit.SCORE,
}


@dataclass(frozen=True)
class Model:
    """What one model measured."""

    name: str
    accuracy: float = 0.9
    seconds: float = 10.0
    """For 10,000 images, relative to a reference that always takes its own."""
    megabytes: float = 1.0

    @property
    def score(self) -> float:
        return math.log10(max(1 - self.accuracy, 0.5 / N) * self.seconds * self.megabytes)


REFERENCE = Model("base.pt", 0.93, 20.0, 4.0)


def report(candidate: Model, reference: Model = REFERENCE, *, drift: float = 1.0, spread: float = 0.01) -> Report:
    """Return the report of one candidate.

    Args:
        candidate: The candidate.
        reference: The reference.
        drift: Factor by which the machine was slower while this pair was timed.
        spread: Half-width of the scores' intervals; 0 leaves them unstated.
    """
    sides = ((Of.CANDIDATE, candidate), (Of.REFERENCE, reference))
    accuracy = [
        _figure("accuracy.top1", role, model.accuracy, Counts(k=round(model.accuracy * N), n=N))
        for role, model in sides
    ]
    size = [_figure("footprint.size_mb", role, model.megabytes, Exact()) for role, model in sides]
    speed = [_figure("latency.throughput", role, N / model.seconds / drift, Unstated()) for role, model in sides]
    speed.append(_figure("latency.throughput", Of.RATIO, reference.seconds / candidate.seconds, Unstated()))
    values = [(role, model.score + math.log10(drift)) for role, model in sides]
    values.append((Of.DELTA, candidate.score - reference.score))
    scores = [_figure("opscore.inference", role, value, _spread(value, spread)) for role, value in values]
    families = {"quality": accuracy, "footprint": size, "latency": speed, "opscore": scores}
    return Report(
        candidate=ModelSummary(name=candidate.name, format="onnx", sha256="c" * 64, size=1),
        reference=ModelSummary(name=reference.name, format="torch", sha256="e" * 64, size=1, card_sha256="f" * 64),
        data=DataSummary(name="data.npz", sha256="d" * 64, images=N, available=N, labelled=True, classes=10),
        policy=PolicySummary(name="none", sha256="0" * 64, source="none"),
        verdict=Verdict(decision=Decision.INCONCLUSIVE, because="nothing was judged", rulings=()),
        evidence=tuple(
            Evidence(check=check, outcome=Outcome.MEASURED, measurements=tuple(figures))
            for check, figures in families.items()
        ),
        environment=Environment(
            vetgate="0.1.0", python="3.11", platform="Linux", processor="Processor", cores=2, memory=1, packages={}
        ),
        seed=0,
        command=("vetgate", "rank"),
        started=datetime.datetime(2027, 1, 2, tzinfo=datetime.UTC),
        seconds=1.0,
    )


def reports(models: Iterable[Model], reference: Model = REFERENCE) -> ReportSet:
    """Return the reports of several candidates against one reference."""
    return ReportSet(reports=tuple(report(model, reference) for model in models))


def crashed(name: str, reason: str) -> Report:
    """Return the report of a candidate that could not be opened."""
    whole = report(replace(REFERENCE, name=name))
    skipped = tuple(
        Evidence(check=entry.check, outcome=Outcome.SKIPPED, reason="the models could not be compared")
        for entry in whole.evidence
    )
    stopped = Evidence(check="models", outcome=Outcome.ERRORED, reason=reason)
    return whole.model_copy(update={"evidence": (*skipped, stopped)})


def _spread(value: float, spread: float) -> Uncertainty:
    if not spread:
        return Unstated()
    return Quantiles(levels=(0.05, 0.5, 0.95), values=(value - spread, value, value + spread))


def _figure(metric: str, role: Of, value: float, uncertainty: Uncertainty) -> Measurement:
    return Measurement(
        metric=metric,
        role=role,
        value=value,
        unit=Unit.RATIO if role is Of.RATIO else UNITS[metric],
        better=Better.NEITHER,
        n=N,
        uncertainty=uncertainty,
        note="timed at batch 1" if metric == "opscore.inference" else "",
    )
