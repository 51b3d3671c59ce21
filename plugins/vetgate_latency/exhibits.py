"""What was timed, as a table."""

from __future__ import annotations

from vetgate.api import Session, SessionContext, Table
from vetgate_latency.figures import Phase


def table(context: SessionContext, phase: Phase) -> Table:
    """Return what ran in one phase of the timing, and how much of it."""
    timings = phase.timings

    def column(session: Session, batch: int) -> tuple[str, ...]:
        run = session.execution
        return (
            f"{run.runtime} {run.version}",
            run.provider,
            str(run.threads),
            run.precision,
            str(batch),
            str(timings.pairs),
            str(timings.calls),
        )

    names = ("runtime", "provider", "threads", "precision", "batch", "pairs", "calls a block")
    columns = column(context.candidate, phase.batches.candidate), column(context.reference, phase.batches.reference)
    left_out = ", ".join(f"{spec.id} needs {needed} calls" for spec, needed in phase.too_few())
    return Table(
        title=f"What was timed at batch {_size(phase)}",
        columns=("", "candidate", "reference"),
        rows=tuple(zip(names, *columns, strict=True)),
        caption=(
            "A pair is a block of calls of each model, in an order drawn at random. Times are taken inside the "
            f"model's own process, after a warm-up and without preparing images. {timings.pairs} pairs were taken, "
            f"then {timings.end}; percentiles rest on the first {timings.fixed}."
            + (f" Left out: {left_out}." if left_out else "")
        ),
    )


def _size(phase: Phase) -> str:
    one, other = phase.batches.candidate, phase.batches.reference
    return str(one) if one == other else f"{one} against {other}"
