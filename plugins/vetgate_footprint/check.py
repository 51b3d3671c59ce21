"""The figures of both models, their difference and their ratio; all exact."""

from __future__ import annotations

from collections.abc import Iterator

from vetgate.api import Ask, Exact, Inconclusive, Measurement, MetricSpec, Of, Results, StructureContext, Unit
from vetgate_footprint import exhibits
from vetgate_footprint.count import Figures, count
from vetgate_footprint.metrics import METRICS


class FootprintCheck:
    """Counts bytes, learned values and arithmetic of both models."""

    def measure(self, context: StructureContext, ask: Ask) -> Results:
        """Return every figure that both files tell; what is missing is named in the first exhibit.

        Raises:
            Inconclusive: The candidate is a service, of which nothing can be counted.
        """
        if context.candidate.artifact.service is not None:
            raise Inconclusive(f"{context.candidate.artifact.name} is a service: a service hands out no file")
        gzip_asked = "footprint.gzip_mb" in ask.metrics
        ours, lacking = count(context.candidate, gzip_asked=gzip_asked)
        theirs, also_lacking = count(context.reference, gzip_asked=gzip_asked)
        measurements = [figure for spec in METRICS for figure in _measurements(spec, ours, theirs)]
        candidate, reference = context.candidate.structure, context.reference.structure
        return Results(
            measurements=tuple(measurements),
            exhibits=(
                exhibits.parameters(candidate, reference, {"candidate": lacking, "reference": also_lacking}),
                exhibits.operators(candidate, reference),
                exhibits.layers(candidate, reference),
            ),
        )


def _measurements(spec: MetricSpec, candidate: Figures, reference: Figures) -> Iterator[Measurement]:
    """Yield one metric in each role that can be told; a ratio to zero cannot."""
    ours, theirs = candidate.get(spec.id), reference.get(spec.id)
    values: dict[Of, float | None] = {Of.CANDIDATE: ours, Of.REFERENCE: theirs}
    if ours is not None and theirs is not None:
        values[Of.DELTA] = ours - theirs
        values[Of.RATIO] = ours / theirs if theirs else None
    for role in spec.roles:
        value = values.get(role)
        if value is not None:
            yield Measurement(
                metric=spec.id,
                role=role,
                value=value,
                unit=Unit.RATIO if role is Of.RATIO else spec.unit,
                better=spec.better,
                n=1,
                uncertainty=Exact(),
            )
