"""What a run would do, told without opening any model (`check --plan`)."""

from __future__ import annotations

import datetime
from collections import Counter
from dataclasses import dataclass

from vetgate.domain.errors import Inconclusive
from vetgate.domain.policy import Policy
from vetgate.domain.request import RunRequest
from vetgate.gate.data import Images, open_images
from vetgate.gate.entrant import Entrant
from vetgate.gate.run import prepare
from vetgate.host import Host
from vetgate.inference.columns import column_of_metadata, count_values
from vetgate.measure import Plan
from vetgate.policy import SampleCounts, Size, sizes


@dataclass(frozen=True)
class Outlook:
    """What `check --plan` tells."""

    policy: Policy
    plan: Plan
    images: int | None
    labelled: bool
    sizes: tuple[Size, ...]
    """What each rule with a confidence needs, and why what there is cannot settle it."""
    sequential: bool
    """Whether the run may stop early."""
    cached: dict[str, int]
    """Images whose answers are in the cache, by model."""
    problems: tuple[str, ...]
    """What keeps a model from being opened, one sentence each."""


def foresee(request: RunRequest, host: Host, *, now: datetime.datetime) -> Outlook:
    """Return what a run would do, without opening any model.

    Raises:
        UsageError: As for `vet`.
    """
    with prepare(request, host, now, lambda event: None) as run:
        problems, cached = [], {}
        for role, path in [*(("candidate", path) for path in request.candidates), ("reference", request.reference)]:
            explicit = request.reference_card if role == "reference" else request.cards.get(path, request.cards.get(""))
            entrant = Entrant(role, path, explicit, request.architecture, run.house)
            with entrant:
                try:
                    entrant.admit()
                except Inconclusive as error:
                    problems.append(f"{error.message}: {error.hint}" if error.hint else error.message)
                    continue
                if run.sitting is not None:
                    cached[path] = run.sitting.cached(entrant)
        images = run.sitting.images if run.sitting else None
        counts = _counts(images) if images else None
        return Outlook(
            policy=run.policy.policy,
            plan=run.plan,
            images=len(images.indices) if images else None,
            labelled=images is not None and images.samples.labels is not None,
            sizes=sizes(run.policy.policy, host.metrics(), counts, sequential=request.sequential),
            sequential=request.sequential,
            cached=cached,
            problems=tuple(problems),
        )


def count_images(path: str, host: Host) -> SampleCounts:
    """Return how many images a data set holds, in all and by class; decodes nothing.

    Raises:
        UsageError: It cannot be opened.
    """
    return _counts(open_images(path, host, None, 0))


def _counts(images: Images) -> SampleCounts:
    samples, indices = images.samples, list(images.indices)
    columns = {
        name: count_values(column_of_metadata(name, [values[index] for index in indices]))
        for name, values in samples.columns.items()
    }
    if samples.labels is None:
        return SampleCounts(len(indices), by_column=columns)
    names = samples.classes
    labels = samples.labels[indices].tolist()
    found = Counter(names[label] if names and 0 <= label < len(names) else str(label) for label in labels)
    return SampleCounts(len(indices), dict(found), columns)
