"""What kind of answers a run is about: told by the reference's card, and kept by everything else or refused."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from vetgate.domain.errors import CardError, DataError, Inconclusive, PolicyError, VetgateError
from vetgate.domain.policy import Policy
from vetgate.domain.samples import Samples
from vetgate.domain.specs import BackendSpec
from vetgate.domain.task import Task
from vetgate.gate.entrant import Entrant
from vetgate.host import Host, Kind
from vetgate.measure import Plan

_WRITTEN = {
    Task.CLASSIFICATION: "logits or probabilities",
    Task.SEGMENTATION: "segmentation",
    Task.DETECTION: "detection",
}
"""What a card says as `output.kind` of a model for each."""


def task_of(entrant: Entrant) -> Task:
    """Return what a model is asked of an image, as its card says.

    Raises:
        CardError: It has none.
    """
    return entrant.require_card().card.output.task


def require_fit(reference: Entrant, plan: Plan, policy: Policy, *, sequential: bool) -> None:
    """Make sure that what is planned can be measured of such models.

    Raises:
        PolicyError: A check that is planned, or a rule that it is planned for, is of other models.
    """
    task = task_of(reference)
    strange = [check.spec for check in plan.checks if task not in check.spec.tasks]
    if strange:
        owned = {metric.id for spec in strange for metric in spec.metrics}
        rules = [rule.name for rule in policy.rules if rule.metric in owned]
        asked = f"rules {', '.join(rules)} need" if rules else "the run needs"
        kinds = sorted({kind for spec in strange for kind in spec.tasks})
        names = ", ".join(spec.name for spec in strange)
        raise PolicyError(
            f"{asked} the checks {names}, which are of models for {' and '.join(kinds)}, but the card of "
            f"{reference.name} says output.kind: {reference.require_card().card.output.kind}",
            hint=_advice(task, kinds),
        )
    if sequential and task is not Task.CLASSIFICATION:
        raise PolicyError(
            f"--sequential stops early on counts of images, which there are none of in {task}",
            hint="vet on all images, or on fewer with --limit",
        )


def _advice(task: Task, kinds: Sequence[Task]) -> str:
    carried = "edge" if task is Task.CLASSIFICATION else task
    written = " or ".join(_WRITTEN[kind] for kind in kinds)
    return (
        f"give a policy for {task}, such as --policy {carried}; or, where the model answers otherwise, write "
        f"output.kind: {written} in the card"
    )


def require_task(entrant: Entrant, reference: Entrant, host: Host) -> None:
    """Make sure that a model answers what the reference answers, and that its backend can hand that over.

    Raises:
        CardError: Its card says another task than the reference's.
        Inconclusive: Its backend reads class scores alone.
    """
    own, asked = task_of(entrant), task_of(reference)
    if own is not asked:
        raise CardError(
            f"the card of {entrant.name} says {own}, and that of {reference.name} {asked}: there is nothing to compare",
            hint=f"write output.kind: {_WRITTEN[asked]} in the card of {entrant.name}, or {_WRITTEN[own]} in that of "
            f"{reference.name}, whichever is true of the model",
        )
    offer = host.offer(Kind.BACKEND, entrant.answers_by)
    spec: BackendSpec | None = offer.spec if offer is not None else None
    if spec is not None and asked not in spec.tasks:
        able = ", ".join(sorted(other.name for other in host.backends() if asked in other.tasks)) or "none"
        raise Inconclusive(
            f"{entrant.name}: backend {spec.name!r} reads class scores alone, and the card says {asked}",
            hint=f"vet this model in the format of a backend that can read it: {able}",
        )


def require_data(samples: Samples, task: Task) -> None:
    """Make sure that what is annotated in the images is what the models are for; unannotated images fit all.

    Raises:
        DataError: It is something else.
    """
    if samples.annotated in (None, task):
        return
    if task is Task.CLASSIFICATION:
        hint = "name data with a class for each image with --data, or mend output.kind in the card"
    else:
        hint = "name data of the models' kind with --data; without annotations only the two models are compared"
    raise DataError(f"the data is annotated for {samples.annotated}, and the models are for {task}", hint=hint)


def require_classes(entrant: Entrant, what: str) -> None:
    """Make sure that a model is a classifier, for what is done with class scores alone.

    Raises:
        CardError: It is another.
    """
    if (task := task_of(entrant)) is not Task.CLASSIFICATION:
        raise CardError(f"{what} is done with classifiers, and the card of {entrant.name} says {task}")


def find_misfits(
    candidates: list[Entrant], reference: Entrant, plan: Plan, policy: Policy, host: Host, *, sequential: bool
) -> Iterator[str]:
    """Yield what of all this would refuse a run, one sentence each, as far as cards are known."""
    if reference.card is None or reference.failure is not None:
        return
    try:
        require_fit(reference, plan, policy, sequential=sequential)
    except VetgateError as error:
        yield error.sentence
    for entrant in (reference, *candidates):
        if entrant.card is not None and entrant.failure is None:
            try:
                require_task(entrant, reference, host)
            except VetgateError as error:
                yield error.sentence
