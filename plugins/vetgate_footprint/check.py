"""The footprint check: both models, their difference and their ratio, without uncertainty."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from vetgate.api import Ask, Exact, Measurement, MetricSpec, Of, Results, StructureContext, Subject, Table, Tensor, Unit
from vetgate_footprint.count import CHEAP, figures, weights
from vetgate_footprint.plugin import METRICS

ROWS = 50


class FootprintCheck:
    """Implements Check on structures."""

    def measure(self, context: StructureContext, ask: Ask) -> Results:
        """Return every figure that both files tell, and tables of operators and layers."""
        sizes = (context.candidate.artifact.size, context.reference.artifact.size)
        compress = "footprint.gzip_mb" in ask.metrics or max(sizes) <= CHEAP
        candidate = figures(context.candidate, compress=compress)
        reference = figures(context.reference, compress=compress)
        measured = tuple(figure for metric in METRICS for figure in _roles(metric, candidate, reference))
        exhibits = (_operators(context), _layers(context), _notes(context))
        return Results(measurements=measured, exhibits=tuple(table for table in exhibits if table.rows))


def _roles(metric: MetricSpec, candidate: Mapping[str, float], reference: Mapping[str, float]) -> Iterator[Measurement]:
    what = metric.id.removeprefix("footprint.")
    mine, theirs = candidate.get(what), reference.get(what)
    values = {
        Of.CANDIDATE: mine,
        Of.REFERENCE: theirs,
        Of.DELTA: mine - theirs if mine is not None and theirs is not None else None,
        Of.RATIO: mine / theirs if mine is not None and theirs else None,
    }
    for role in metric.roles:
        value = values[role]
        if value is not None:
            yield Measurement(
                metric=metric.id,
                role=role,
                value=value,
                unit=Unit.RATIO if role is Of.RATIO else metric.unit,
                better=metric.better,
                n=1,
                uncertainty=Exact(),
            )


def _operators(context: StructureContext) -> Table:
    """Return operators by type, with their multiply-accumulates."""
    sides = [{item.type: item for item in subject.structure.operators} for subject in _subjects(context)]
    rows = []
    for kind in sorted(sides[0].keys() | sides[1].keys()):
        mine, theirs = sides[0].get(kind), sides[1].get(kind)
        counts = (mine.count if mine else 0, theirs.count if theirs else 0)
        macs = (mine.macs if mine else 0, theirs.macs if theirs else 0)
        rows.append((kind, *counts, *macs))
    columns = ("operator", "candidate", "reference", "MACs candidate", "MACs reference")
    return Table(title="Operators", columns=columns, rows=tuple(rows), caption="MACs of one image; – where not known")


def _layers(context: StructureContext) -> Table:
    """Return the candidate's weight tensors, largest first, beside the reference's of the same name."""
    mine = sorted(weights(context.candidate.structure), key=lambda tensor: -tensor.elements)
    by_name = {tensor.name: tensor for tensor in weights(context.reference.structure)}
    rows = tuple(_layer(tensor, by_name.get(tensor.name)) for tensor in mine[:ROWS])
    columns = (
        "weight",
        "shape",
        "stored as",
        "elements",
        "zero",
        "distinct",
        "zero in reference",
        "distinct in reference",
    )
    left = len(mine) - len(rows)
    caption = "largest first" + (f"; {left} smaller ones left out" if left else "")
    return Table(title="Weights of the candidate", columns=columns, rows=rows, caption=caption)


def _layer(tensor: Tensor, same: Tensor | None) -> tuple[str | int | None, ...]:
    shape = " x ".join(map(str, tensor.shape))
    zeros = tensor.elements - tensor.nonzero
    theirs = (same.elements - same.nonzero, same.distinct) if same else (None, None)
    return (tensor.name, shape, tensor.dtype, tensor.elements, zeros, tensor.distinct, *theirs)


def _notes(context: StructureContext) -> Table:
    """Return what could not be told, and how much of the parameters is normalisation, which exporters fold away."""
    rows: list[tuple[str, str]] = []
    for role, subject in zip(("candidate", "reference"), _subjects(context), strict=True):
        folded = sum(tensor.elements for tensor in subject.structure.tensors if tensor.kind == "normalisation")
        if folded:
            rows.append((role, f"{folded:,} of the parameters are scale and shift of normalisation"))
        rows += [(role, note) for note in subject.structure.notes]
    return Table(title="Footprint notes", columns=("model", "note"), rows=tuple(rows))


def _subjects(context: StructureContext) -> tuple[Subject, Subject]:
    return context.candidate, context.reference
