"""What a run would do, told without opening any model (`check --plan`)."""

from __future__ import annotations

import datetime
from dataclasses import dataclass

from vetgate.domain.errors import Inconclusive
from vetgate.domain.policy import Policy
from vetgate.domain.request import RunRequest
from vetgate.gate.data import Images, open_images
from vetgate.gate.entrant import Entrant
from vetgate.gate.run import prepare
from vetgate.host import Host
from vetgate.measure import Plan
from vetgate.policy import SampleCounts, Unsettled, unsettled


@dataclass(frozen=True)
class Outlook:
    """What `check --plan` tells."""

    policy: Policy
    plan: Plan
    images: int | None
    labelled: bool
    unsettled: tuple[Unsettled, ...]
    """Rules that so few images cannot settle."""
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
            unsettled=unsettled(run.policy.policy, host.metrics(), counts) if counts else (),
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
    if images.samples.labels is None:
        return SampleCounts(len(images.indices))
    names = images.samples.classes
    found: dict[str, int] = {}
    for label in images.samples.labels[list(images.indices)].tolist():
        name = names[label] if names and 0 <= label < len(names) else str(label)
        found[name] = found.get(name, 0) + 1
    return SampleCounts(len(images.indices), found)
