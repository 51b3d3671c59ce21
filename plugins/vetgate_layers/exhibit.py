"""The table of inner tensors."""

from __future__ import annotations

from collections.abc import Sequence

from vetgate.api import Chart, Mark, Table, Unit
from vetgate_layers.fall import CLEAN, USUAL
from vetgate_layers.layer import Layer
from vetgate_layers.power import Power

MOST_ROWS = 60
LONGEST = 40
"""Characters of a tensor's name; converters write whole paths of modules."""
PLAIN = 3.0
"""Decibels up to which a fall says nothing."""


def short(name: str) -> str:
    """Return a tensor's name for a table: of the tensors that a converter fused, the first; of a long path, its end."""
    first = name.split(";")[0] or name
    return first if len(first) <= LONGEST else f"…{first[1 - LONGEST :]}"


def table(powers: Sequence[Power], falling: Sequence[float], notes: Sequence[str], unmatched: int) -> Table:
    """Return tensors that correspond, worst first.

    Args:
        powers: In the order in which the candidate computes them.
        falling: Decibels by which each falls.
        notes: What a reader must know of how they were read.
        unmatched: Tensors of matched layers that correspond to none.
    """
    rows = sorted(zip(powers, falling, strict=True), key=lambda row: row[0].ratio)
    return Table(
        title="Inner tensors, worst first",
        columns=("layer", "SNR, dB", "fall, dB", "candidate", "reference", "shape", "by"),
        rows=tuple(_row(power, fall) for power, fall in rows[:MOST_ROWS]),
        caption=" ".join(_caption(powers, falling, notes, unmatched)),
        chart=Chart(
            mark=Mark.LINES,
            label="layer",
            values=("SNR, dB",),
            unit=Unit.DECIBELS,
            title="Signal-to-noise ratio of inner tensors by layer",
        ),
    )


def _row(power: Power, fall: float) -> tuple[str | float | int | None, ...]:
    ours, theirs = power.pair.candidate, power.pair.reference
    shape = "x".join(map(str, ours.shape))
    return (
        ours.layer,
        round(power.ratio, 2),
        round(fall, 2),
        short(ours.name),
        short(theirs.name),
        shape,
        power.pair.how,
    )


def _caption(powers: Sequence[Power], falling: Sequence[float], notes: Sequence[str], unmatched: int) -> list[str]:
    worst = max(falling)
    where = powers[falling.index(worst)].pair.candidate
    told = [
        f"{len(powers)} pairs of tensors on {len(powers[0].signal)} images; SNR is 10 log10 of the reference's power "
        "over that of the difference, 200 dB where there is none."
    ]
    if len(powers) > MOST_ROWS:
        told.append(f"The best {len(powers) - MOST_ROWS} are left out.")
    if worst > PLAIN:
        told.append(f"It falls most at {short(where.name)} (layer {where.layer}), by {worst:.1f} dB.")
    told.append(
        "A fall is counted from the worst of the tensor before it in its layer and the ends of the two layers before, "
        f"from {CLEAN:g} dB at most; the first layer's from {USUAL:g} dB."
    )
    if unmatched:
        told.append(f"{unmatched} tensors of these layers have no counterpart (folded, fused or views).")
    return [*told, *(f"{note[:1].upper()}{note[1:]}." for note in notes)]


def leftover(candidate: Sequence[Layer], reference: Sequence[Layer]) -> Table:
    """Return the layers without a partner."""
    rows = [
        (role, layer.number, short((layer.weighted or layer.taps[0]).name), " x ".join(map(str, layer.key[1])))
        for role, layers in (("candidate", candidate), ("reference", reference))
        for layer in layers
    ]
    return Table(
        title="Layers without a partner",
        columns=("model", "layer", "tensor", "shape"),
        rows=tuple(rows[:MOST_ROWS]),
        caption=f"{len(rows)} in all; they are not compared, and the figure of the worst layer is not of them.",
    )
