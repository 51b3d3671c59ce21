"""What a run would do, told without opening any model (`check --plan`)."""

from __future__ import annotations

import datetime
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from vetgate.artifacts import missing_card
from vetgate.domain.deployment import Asked
from vetgate.domain.errors import CardError, DataError, Inconclusive, VetgateError, YardstickError
from vetgate.domain.policy import Policy
from vetgate.domain.request import RunRequest
from vetgate.domain.task import Task
from vetgate.domain.yardstick import YardstickSummary
from vetgate.gate.answers import Sitting
from vetgate.gate.data import Images, open_images
from vetgate.gate.entrant import Entrant
from vetgate.gate.run import Run, prepare
from vetgate.gate.scenes import find_misannotated
from vetgate.gate.task import find_misfits, task_of
from vetgate.gate.yardstick import LoadedYardstick
from vetgate.host import Host
from vetgate.inference.columns import column_of_metadata, count_values
from vetgate.inference.table import class_order
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
    cached: tuple[tuple[str, int], ...]
    """Images whose answers are in the cache, by model."""
    asked: tuple[tuple[str, tuple[Asked, ...]], ...]
    """What cards and run ask of how models are run, by model, as far as cards are known."""
    yardstick: YardstickSummary | None
    """What functional distances would be held against."""
    problems: tuple[str, ...]
    """What keeps a model from being opened or compared, as far as that shows without opening it, one sentence each."""


def foresee(request: RunRequest, host: Host, *, now: datetime.datetime) -> Outlook:
    """Return what a run would do, without opening any model.

    Raises:
        UsageError: As for `vet`.
    """
    with prepare(request, host, now, lambda event: None) as run:
        reference = _entrant("reference", request.reference, request.reference_card, run)
        candidates = [
            _entrant("candidate", path, request.cards.get(path, request.cards.get("")), run)
            for path in request.candidates
        ]
        problems = [told for entrant in (*candidates, reference) for told in _admit(entrant)]
        problems += [told for candidate in candidates for told in _unservable(candidate)]
        if run.timed is not None:
            problems += _admit(run.timed, needs_card=False)
        if run.yardstick is not None and reference.failure is None:
            problems += _told_by(run.yardstick, reference)
        problems += _misfits(candidates, reference, run.sitting)
        problems += find_misfits(
            candidates, reference, run.plan, run.policy.policy, host, sequential=request.sequential
        )
        known = [entrant for entrant in (*candidates, reference) if entrant.failure is None]
        images = run.sitting.images if run.sitting else None
        counts = _counts(images) if images else None
        return Outlook(
            policy=run.policy.policy,
            plan=run.plan,
            images=len(images.indices) if images else None,
            labelled=images is not None and images.labelled,
            sizes=sizes(run.policy.policy, host.metrics(), counts, sequential=request.sequential),
            sequential=request.sequential,
            cached=tuple((entrant.name, run.sitting.cached(entrant)) for entrant in known) if run.sitting else (),
            asked=tuple((entrant.name, entrant.asked) for entrant in known),
            yardstick=run.yardstick.summary if run.yardstick else None,
            problems=tuple(problems),
        )


def _entrant(role: str, path: str, card: str | None, run: Run) -> Entrant:
    return Entrant(role, path, card, run.request.architecture, run.house)


def _admit(entrant: Entrant, *, needs_card: bool = True) -> Iterator[str]:
    """Identify a model and find its card; yield what will keep it from being opened."""
    try:
        entrant.admit()
        entrant.recall(start=False)
        unscanned = entrant.foresee_scan()
    except Inconclusive as error:
        yield error.sentence
        return
    if unscanned:
        yield unscanned
    if entrant.card is None and needs_card:
        if entrant.structure is not None:
            yield missing_card(entrant.path).sentence
            return
        yield f"{entrant.name} has no card beside it, and whether it carries one inside shows when it is opened"
    if entrant.lacks_architecture:
        unless = " unless a card inside the file does" if entrant.card is None else ""
        yield (
            f"{entrant.name} holds weights alone, and nothing names their architecture{unless}: "
            "pass --architecture, or write `architecture: torchvision/NAME` or `timm/NAME` in its card"
        )


def _unservable(candidate: Entrant) -> Iterator[str]:
    if candidate.failure is None:
        try:
            candidate.require_servable()
        except VetgateError as error:
            yield error.sentence


def _misfits(candidates: Sequence[Entrant], reference: Entrant, sitting: Sitting | None) -> Iterator[str]:
    """Yield where labels and cards tell different classes apart, as far as cards are known."""
    if reference.card is None or reference.failure is not None:
        return
    if sitting is not None:
        try:
            if task_of(reference) is Task.CLASSIFICATION:
                sitting.require_labels_fit(reference)
            else:
                yield from find_misannotated(sitting.images, reference)
        except DataError as error:
            yield error.sentence
    for candidate in candidates:
        if candidate.card is not None and candidate.failure is None:
            try:
                class_order(candidate.card.card.output, reference.card.card.output)
            except CardError as error:
                yield f"{candidate.name}: {error.sentence}"


def _told_by(yardstick: LoadedYardstick, reference: Entrant) -> list[str]:
    try:
        yardstick.require_reference(reference)
    except YardstickError as error:
        return [error.sentence]
    return []


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
        return SampleCounts(len(indices), by_column=columns, annotated=samples.annotated is not None)
    names = samples.classes
    labels = samples.labels[indices].tolist()
    found = Counter(names[label] if names and 0 <= label < len(names) else str(label) for label in labels)
    return SampleCounts(len(indices), dict(found), columns)
