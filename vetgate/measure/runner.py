"""One planned check becomes one piece of evidence, whatever happens in it."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator
from typing import Any

from pydantic import ValidationError

from vetgate.domain.check import Results, TableContext
from vetgate.domain.errors import UsageError, VetgateError
from vetgate.domain.evidence import Evidence, Of, Outcome, Slice, SliceSize
from vetgate.domain.unit import Unit
from vetgate.measure.plan import PlannedCheck

LONGEST = 400
"""Characters of a reason that a stranger's check gives."""


def run_check(planned: PlannedCheck, context: Any) -> Evidence:  # noqa: ANN401  # what the check's need says
    """Return the evidence of one check; a check that fails in any way never counts as measured.

    Args:
        planned: The check and what is asked of it.
        context: The context that the check's need names.

    Raises:
        UsageError: What the check works on contradicts itself, such as a card its model.
    """
    if planned.missing is not None:
        return skip(planned, f"{planned.missing.message}; {planned.missing.hint}")
    start = time.perf_counter()
    try:
        results = planned.spec.factory().measure(context, planned.ask)
        _require_declared(planned, results)
    except UsageError:
        raise
    except VetgateError as error:
        reason = f"{error.message}; {error.hint}" if error.hint else error.message
        return skip(planned, reason, seconds=time.perf_counter() - start)
    except (Exception, SystemExit) as error:  # a stranger's check may raise anything, also exit code 0; never a pass
        told = _of_record(error) if isinstance(error, ValidationError) else f"{type(error).__name__}: {error}"
        reason = " ".join(told.split())[:LONGEST]
        seconds = time.perf_counter() - start
        return Evidence(check=planned.spec.name, outcome=Outcome.ERRORED, reason=reason, seconds=seconds)
    return Evidence(
        check=planned.spec.name,
        outcome=Outcome.MEASURED,
        measurements=results.measurements,
        findings=results.findings,
        exhibits=results.exhibits,
        ran=results.ran,
        per_image=results.per_image,
        sizes=tuple(_sizes(planned, context, results)),
        seconds=time.perf_counter() - start,
    )


def skip(planned: PlannedCheck, reason: str, *, seconds: float = 0.0) -> Evidence:
    """Return the evidence of a check that could not measure."""
    return Evidence(check=planned.spec.name, outcome=Outcome.SKIPPED, reason=reason, seconds=seconds)


def _sizes(planned: PlannedCheck, context: Any, results: Results) -> Iterator[SliceSize]:  # noqa: ANN401  # as above
    """Yield how many images each value has of the columns that figures come by, or that rules want them by."""
    if not isinstance(context, TableContext):
        return
    given = {figure.slice.by for figure in results.measurements if figure.slice is not None}
    wanted = {asked.slice.by for asked in planned.ask.questions if asked.slice is not None}
    for by in sorted(given | wanted):
        column = context.table.column(by)
        if column is not None:
            images = Counter(column.codes.tolist())
            for code, value in enumerate(column.values):
                if images[code]:
                    yield SliceSize(slice=Slice(by=by, value=value), n=images[code])


def _of_record(error: ValidationError) -> str:
    """Return what is wrong with a record that a check made, by its first mistake."""
    first = error.errors(include_url=False, include_input=False, include_context=False)[0]
    place = ".".join(map(str, first["loc"]))
    return f"it made a {error.title} that cannot be: {f'{place}: ' if place else ''}" + first["msg"].removeprefix(
        "Value error, "
    )


def _require_declared(planned: PlannedCheck, results: Results) -> None:
    """Refuse figures that the spec does not declare: a rule could otherwise be met by another number than it means."""
    declared = {metric.id: metric for metric in planned.spec.metrics}
    for figure in results.measurements:
        metric = declared.get(figure.metric)
        if metric is None:
            raise ValueError(f"it measured {figure.metric}, which it does not declare")
        if figure.role not in metric.roles:
            raise ValueError(f"it measured {figure.metric} of {figure.role}, which it does not declare")
        if figure.unit is not (Unit.RATIO if figure.role is Of.RATIO else metric.unit):
            raise ValueError(f"it measured {figure.metric} of {figure.role} in {figure.unit}")
    seen = [(figure.metric, figure.role, figure.slice) for figure in results.measurements]
    if len(set(seen)) != len(seen):
        raise ValueError("it gave one figure twice")
