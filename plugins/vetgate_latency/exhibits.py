"""What was timed, as a table."""

from __future__ import annotations

import math

import numpy as np

from vetgate.api import Chart, Mark, ServedSession, Session, SessionContext, Table, Unit
from vetgate_latency.figures import Phase

SHARES = (1, 5, 10, 20, 30, 40, 50, 60, 70, 80, 90, 95, 98, 99)
"""Per cent of the calls, of the drawn distribution."""
FEWEST_BEYOND = 2
"""Calls that must have taken longer than the last time that is drawn."""


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


def served(context: SessionContext) -> tuple[Table, ...]:
    """Return where the time of requests went, by what servers counted of them; nothing where no server answered."""
    rows = []
    for role, session in (("candidate", context.candidate), ("reference", context.reference)):
        times = session.server_times if isinstance(session, ServedSession) else None
        if times is not None and times.requests and times.sent:
            whole = times.seconds * 1e3 / times.sent
            queue, compute = (seconds * 1e3 / times.requests for seconds in (times.queue, times.compute))
            rest = max(0.0, whole - queue - compute)
            rows.append((role, times.sent, whole, times.requests, queue, compute, rest))
    if not rows:
        return ()
    caption = (
        "Means of all timed requests, at every batch, the warm-up among them: what one took where it was sent from, "
        "over a connection that was there already, and what the server counted itself, of all that asked it meanwhile. "
        "The rest is packing, sending and unpacking. A timed call whose batch is more than the server takes at once is "
        "several requests."
    )
    columns = ("", "sent", "sent and answered, ms", "counted there", "queue, ms", "compute, ms", "the rest, ms")
    return (Table(title="Where the time of a request went", columns=columns, rows=tuple(rows), caption=caption),)


def _size(phase: Phase) -> str:
    one, other = phase.batches.candidate, phase.batches.reference
    return str(one) if one == other else f"{one} against {other}"


def distribution(phase: Phase) -> Table:
    """Return the times of one call of both models by the share of calls that took no longer, to be drawn."""
    sides = [np.sort(side, axis=None) for side in (phase.candidate, phase.reference)]
    rows = tuple(
        (share, *(float(side[max(math.ceil(len(side) * share / 100) - 1, 0)]) for side in sides))
        for share in SHARES
        if all(len(side) >= FEWEST_BEYOND * 100 / max(100 - share, 1) for side in sides)
    )
    return Table(
        title=f"How long calls take at batch {_size(phase)}",
        columns=("% of calls that took no longer", "candidate", "reference"),
        rows=rows,
        caption=f"Times of one call, of {phase.calls:,} calls of each model.",
        chart=Chart(
            mark=Mark.LINES,
            label="% of calls that took no longer",
            values=("candidate", "reference"),
            unit=Unit.SECONDS,
            logarithmic=True,
            only=True,
        ),
    )
