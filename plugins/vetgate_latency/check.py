"""How fast the two models answer, one beside the other."""

from __future__ import annotations

from vetgate.api import Ask, Finding, Results, Session, SessionContext, Severity, Table
from vetgate_latency.collect import Timings, collect
from vetgate_latency.figures import absolute, compared, throughput_ratio, too_few


class LatencyCheck:
    """Times both models and hands on percentiles, throughput and the pairs that bound their ratio."""

    def measure(self, context: SessionContext, ask: Ask) -> Results:
        """Return absolute figures of each model, and their ratios.

        Models of different deployment batches have no ratio of the times of one call: a call of eight images is no
        slower model. Their ratio of images per second stands.
        """
        timings = collect(context, ask.seed)
        batches = (context.candidate.batch, context.reference.batch)
        note = _note(context, timings)
        alike = batches[0] == batches[1]
        measurements = [
            *absolute(timings, batches),
            *(compared(timings, note) if alike else ()),
            throughput_ratio(timings, batches, note),
        ]
        findings = () if alike else (_batches_differ(batches),)
        return Results(measurements=tuple(measurements), findings=findings, exhibits=(_table(context, timings),))


def _note(context: SessionContext, timings: Timings) -> str:
    """Return what was counted, and in what the runs differ: a ratio across runtimes tells more than the model."""
    candidate, reference = context.candidate.execution, context.reference.execution
    traits = {
        "runtime": (candidate.runtime, reference.runtime),
        "provider": (candidate.provider, reference.provider),
        "threads": (candidate.threads, reference.threads),
        "precision": (candidate.precision, reference.precision),
        "batch": (context.candidate.batch, context.reference.batch),
    }
    differ = [f"{name} ({one} against {other})" for name, (one, other) in traits.items() if one != other]
    counted = f"{timings.pairs} pairs of blocks of {timings.calls} calls"
    return f"{counted}; the runs differ in {', '.join(differ)}" if differ else counted


def _batches_differ(batches: tuple[int, int]) -> Finding:
    return Finding(
        rule="latency.batch",
        severity=Severity.LOW,
        message=(
            f"The deployment batch of the candidate is {batches[0]} and that of the reference {batches[1]}, so the "
            "times of one call are not compared; images per second are."
        ),
        advice="Set the same `batch` in both cards.",
    )


def _table(context: SessionContext, timings: Timings) -> Table:
    def column(session: Session, warm: int) -> tuple[str, ...]:
        run = session.execution
        return (
            f"{run.runtime} {run.version}",
            run.provider,
            str(run.threads),
            run.precision,
            str(session.batch),
            str(warm),
            str(timings.pairs),
            str(timings.calls),
        )

    names = ("runtime", "provider", "threads", "precision", "batch", "calls to warm up", "pairs", "calls a block")
    columns = column(context.candidate, timings.warm_candidate), column(context.reference, timings.warm_reference)
    left_out = ", ".join(f"{spec.id} needs {needed} calls" for spec, needed in too_few(timings.pairs * timings.calls))
    return Table(
        title="What was timed",
        columns=("", "candidate", "reference"),
        rows=tuple(zip(names, *columns, strict=True)),
        caption=(
            "A pair is a block of calls of each model, in an order drawn at random. Times are taken inside the "
            "model's own process, without preparing images." + (f" Left out: {left_out}." if left_out else "")
        ),
    )
