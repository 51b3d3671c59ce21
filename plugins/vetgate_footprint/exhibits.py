"""Tables of the footprint: what was counted, by operator and by layer."""

from __future__ import annotations

from collections.abc import Mapping

from vetgate.api import Chart, Mark, Structure, Table, Tensor, Unit
from vetgate_footprint.count import learned

MOST_LAYERS = 50
MOST_OPERATORS = 100

Reasons = Mapping[str, str]
"""Why a figure is missing, by metric id."""


def parameters(candidate: Structure, reference: Structure, missing: Mapping[str, Reasons]) -> Table:
    """Return learned values by kind; the caption says which figures are missing and why.

    Args:
        candidate: The candidate's file.
        reference: The reference's file.
        missing: Reasons by role (`candidate`, `reference`), then by metric id.
    """
    sides = [_kinds(structure) for structure in (candidate, reference)]
    rows = tuple((name, sides[0][name], sides[1][name]) for name in sides[0])
    told = [f"{role}: no {metric}, for {why}." for role, reasons in missing.items() for metric, why in reasons.items()]
    notes = [
        f"{role}: {note}"
        for role, structure in (("candidate", candidate), ("reference", reference))
        for note in structure.notes
    ]
    caption = "Exports that fold batch normalisation into weights have fewer normalisation values."
    return Table(
        title="Learned values",
        columns=("values", "candidate", "reference"),
        rows=rows,
        caption=" ".join([caption, *told, *notes]),
    )


def _kinds(structure: Structure) -> dict[str, int | float]:
    tensors = learned(structure)
    norms = [tensor for tensor in tensors if tensor.kind == "normalisation"]
    weights = [tensor for tensor in tensors if tensor.kind == "parameter"]
    return {
        "weights and biases": sum(tensor.elements for tensor in weights),
        "of which not zero": sum(tensor.nonzero for tensor in weights),
        "normalisation scale and shift": sum(tensor.elements for tensor in norms),
        "stored bytes": sum(tensor.bits * tensor.elements for tensor in tensors) / 8,
    }


def operators(candidate: Structure, reference: Structure) -> Table:
    """Return operators by type, those with most multiply-accumulates first; at most `MOST_OPERATORS` rows."""
    ours = {operator.type: operator for operator in candidate.operators}
    theirs = {operator.type: operator for operator in reference.operators}

    def weight(name: str) -> tuple[int, str]:
        macs = [side[name].macs or 0 for side in (ours, theirs) if name in side]
        return -max(macs), name

    names = sorted(ours.keys() | theirs.keys(), key=weight)[:MOST_OPERATORS]
    rows = []
    for name in names:
        mine, base = ours.get(name), theirs.get(name)
        rows.append(
            (
                name,
                mine.count if mine else 0,
                base.count if base else 0,
                mine.macs if mine else None,
                base.macs if base else None,
            )
        )
    return Table(
        title="Operators",
        columns=("type", "count, candidate", "count, reference", "MACs, candidate", "MACs, reference"),
        rows=tuple(rows),
        caption="Multiply-accumulates of one image; a dash where they cannot be told, or where the type is absent.",
    )


def layers(candidate: Structure, reference: Structure) -> Table:
    """Return learned tensors, matched by name, the largest difference first; at most `MOST_LAYERS` rows.

    The difference is in the bits of values that are not zero (which pruning and quantisation lower), then in distinct
    values (which clustering lowers).
    """
    ours = {tensor.name: tensor for tensor in learned(candidate)}
    theirs = {tensor.name: tensor for tensor in learned(reference)}

    def difference(name: str) -> tuple[float, int, str]:
        mine, base = ours.get(name), theirs.get(name)
        return -abs(_live_bits(mine) - _live_bits(base)), -abs(_distinct(mine) - _distinct(base)), name

    names = sorted(ours.keys() | theirs.keys(), key=difference)
    rows = tuple(_layer(name, ours.get(name), theirs.get(name)) for name in names[:MOST_LAYERS])
    cut = f" The first {MOST_LAYERS} of {len(names)}." if len(names) > MOST_LAYERS else ""
    figures = ("values", "not zero", "distinct", "bits")
    return Table(
        title="Layers",
        columns=("tensor", *(f"{figure}, {role}" for figure in figures for role in ("candidate", "reference"))),
        rows=rows,
        caption=f"Largest difference in stored bits that are not zero first; matched by name.{cut}",
        chart=Chart(
            mark=Mark.BARS,
            label="tensor",
            values=("not zero, candidate", "not zero, reference"),
            unit=Unit.COUNT,
            title="Values that are not zero, by layer",
        ),
    )


def _layer(name: str, mine: Tensor | None, base: Tensor | None) -> tuple[str | float | int | None, ...]:
    sides = [
        (tensor.elements, tensor.nonzero, tensor.distinct, tensor.bits) if tensor else (None,) * 4
        for tensor in (mine, base)
    ]
    return (name, *(figure for pair in zip(*sides, strict=True) for figure in pair))


def _live_bits(tensor: Tensor | None) -> float:
    return tensor.nonzero * tensor.bits if tensor else 0.0


def _distinct(tensor: Tensor | None) -> int:
    return tensor.distinct if tensor else 0
