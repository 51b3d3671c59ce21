"""The classes that fare worst by each metric that comes by class."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from vetgate.reporting import (
    LABEL,
    Better,
    Evidence,
    Measurement,
    Of,
    Report,
)
from vetgate_reporters.figures import TELLING, Figure, basis_of, figure_of, figure_text

WORST = 5
"""Classes listed of each metric."""


@dataclass(frozen=True)
class WorstClasses:
    """The classes that fare worst by one metric."""

    metric: str
    shown_by: Of
    """Whose figure orders them."""
    classes: int
    rows: tuple[tuple[str, Figure], ...]
    """Class name and its figures, worst first."""


def worst_classes(report: Report) -> tuple[WorstClasses, ...]:
    """Return the worst classes of every metric that was measured by class."""
    return tuple(table for evidence in report.evidence for table in _worst_classes(evidence))


def _worst_classes(evidence: Evidence) -> Iterator[WorstClasses]:
    metrics: dict[str, dict[str, dict[Of, Measurement]]] = {}
    for measurement in evidence.measurements:
        if measurement.slice is not None and measurement.slice.value is not None and measurement.slice.by == LABEL:
            classes = metrics.setdefault(measurement.metric, {})
            classes.setdefault(measurement.slice.value, {})[measurement.role] = measurement
    for metric, classes in metrics.items():
        for role in (Of.DELTA, Of.PAIR, *TELLING):
            ordered = [(roles[role], label) for label, roles in classes.items() if role in roles]
            if ordered:
                ordered.sort(key=lambda entry: _badness(entry[0]), reverse=True)
                rows = tuple((label, _sliced(metric, classes[label])) for _, label in ordered[:WORST])
                if role is Of.DELTA:
                    rows = tuple((label, row) for label, row in rows if row.reading in ("worse", ""))
                if rows:
                    yield WorstClasses(metric, role, len(classes), rows)
                break


def _sliced(metric: str, roles: dict[Of, Measurement]) -> Figure:
    if Of.PAIR in roles and len(roles) == 1:
        pair = roles[Of.PAIR]
        return Figure(metric, value=figure_text(pair), basis=basis_of(pair))
    return figure_of(metric, roles)


def _badness(measurement: Measurement) -> float:
    signs = {Better.HIGHER: -measurement.value, Better.LOWER: measurement.value}
    return signs.get(measurement.better, abs(measurement.value))
