"""The answers of many models to the same images, each in its child, beside the reference's from one sitting."""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from vetgate import environment
from vetgate.domain.errors import CardError, DataError, Inconclusive, UsageError, VetgateError, WorkerFailed
from vetgate.domain.predictions import Predictions, PredictionTable
from vetgate.domain.report import DataSummary, Environment, ModelSummary
from vetgate.domain.request import RunRequest
from vetgate.gate.answers import Sitting
from vetgate.gate.entrant import Entrant
from vetgate.gate.run import Run, Watch, prepare
from vetgate.gate.scan import scan_first
from vetgate.gate.yardstick import LoadedYardstick
from vetgate.host import Host
from vetgate.inference.cache import Cache

if TYPE_CHECKING:
    from numpy.typing import NDArray


_LEFT_ASIDE = {
    "candidates": (),
    "baseline": None,
    "yardstick": None,
    "layers": False,
    "latency_reference": None,
    "latency_reference_card": None,
    "sequential": False,
}
"""What a request may say, and a collection has no use for."""


@dataclass(frozen=True)
class Answered:
    """One model and its answers to the images of a collection."""

    summary: ModelSummary
    predictions: Predictions
    """Rows as in `Collected.ids`, columns as in `Collected.classes`."""


@dataclass(frozen=True)
class Failed:
    """A model that gave no answers, and why."""

    path: str
    """As typed."""
    error: VetgateError


@dataclass(frozen=True)
class Collected:
    """What many models answered to the same N images."""

    reference: Answered
    others: tuple[Answered, ...]
    """In the order in which they were named, without those that failed."""
    ids: tuple[str, ...]
    """(N,) in the order of the data set."""
    digests: tuple[str, ...]
    """(N,) of the images."""
    labels: NDArray[np.int64] | None
    """(N,) in the reference's class order; None for data without labels."""
    classes: tuple[str, ...]
    """(C,) class names in the reference's order; indices as text where nobody names them."""
    data: DataSummary
    environment: Environment
    warnings: tuple[str, ...] = ()
    """What a reader must know besides."""
    failed: tuple[Failed, ...] = ()
    """Where those that fail are left out."""


def collect(
    request: RunRequest,
    models: Sequence[str],
    host: Host,
    *,
    now: datetime.datetime,
    watch: Watch,
    role: str = "model",
    yardstick: LoadedYardstick | None = None,
    whole: bool = True,
    cache: Cache | None = None,
) -> Collected:
    """Return what the reference and other models answer to the images of a run.

    A model's card is that of `request.cards`, else the one beside or inside its file. A file that holds weights alone,
    as the reference's does, may lack one: it is read by the reference's card.

    Args:
        request: The reference, the data, and how models are run; its policy, candidates and
            whatever judges or times them are left aside.
        models: Their files, in any number; asked one after the other.
        host: The plugins.
        now: When the run started.
        watch: Told of every step.
        role: What messages call one of the models.
        yardstick: Refused before any model runs where it is of another reference or other images.
        whole: Whether one model that fails ends it all; without, it is left out, unless none is left.
        cache: Where answers are kept; None for the user's, unless the request switches that off.

    Raises:
        UsageError: Something that the person who typed the command can mend, such as a model without a card.
        Inconclusive: A model cannot be read, opened or run, or more images than allowed cannot be read.
    """
    if not request.data:
        raise UsageError("models are compared on images, and no data set was given", hint="--data PATH")
    own = request.model_copy(update=_LEFT_ASIDE)
    with prepare(own, host, now, watch, wanted=(), cache=cache, more=models) as run:
        if run.sitting is None:
            raise UsageError("models are compared on images, and no data set was given", hint="--data PATH")
        if yardstick is not None:
            yardstick.require_images(run.sitting.images, request.limits.unreadable)
        reference = Entrant("reference", request.reference, request.reference_card, request.architecture, run.house)
        with reference:
            _make_ready(reference, run, yardstick)
            asked, called = (models, role) if models else ((request.reference,), reference.role)
            found = _answers(asked, called, reference, run.sitting, run, whole=whole)
        run.require_readable()
        run.caution(reference)
        return _collected(reference, found, run.sitting, run, alone=not models)


def _make_ready(entrant: Entrant, run: Run, yardstick: LoadedYardstick | None = None) -> None:
    """Identify and describe a model; the reference of a yardstick that was built for another is refused as it shows."""
    run.tell("identify", entrant.path)
    entrant.admit()
    if yardstick is not None:
        yardstick.require_reference(entrant)
    scan_first(entrant, run)
    entrant.recall()
    run.tell("describe", entrant.path)
    entrant.describe()
    if yardstick is not None:
        yardstick.require_reference(entrant)  # a card inside the file is known by now


@dataclass(frozen=True)
class _Found:
    """What came of asking the models."""

    answered: Sequence[tuple[Entrant, PredictionTable]]
    """At least one."""
    failed: Sequence[Failed]


def _answers(
    models: Sequence[str], role: str, reference: Entrant, sitting: Sitting, run: Run, *, whole: bool
) -> _Found:
    """Ask one model after the other.

    Raises:
        VetgateError: One failed and all are wanted, none answered, or what fails concerns them all.
    """
    answered, failed = list[tuple[Entrant, PredictionTable]](), list[Failed]()
    for path in models:
        try:
            answered.append(_answer(path, role, reference, sitting, run))
        except VetgateError as error:
            of_reference = error is reference.failure or any(error is each.error for each in failed)  # told once more
            if whole or of_reference or isinstance(error, DataError):
                raise
            failed.append(Failed(path, error))
    if len(failed) > 1 and not answered:
        told = "; ".join(f"{each.path}: {each.error.message}" for each in failed)
        raise Inconclusive(f"none of {len(failed)} models answered: {told}", hint=failed[0].error.hint)
    if not answered:
        raise failed[0].error
    return _Found(answered, failed)


def _answer(path: str, role: str, reference: Entrant, sitting: Sitting, run: Run) -> tuple[Entrant, PredictionTable]:
    """Return one model, its process ended, and its answers beside the reference's."""
    request = run.request
    card = request.cards.get(path, request.cards.get(""))
    entrant = Entrant(role, path, card, request.architecture, run.house, lender=reference)
    sitting.begin()
    with entrant:
        _make_ready(entrant, run)
        try:
            return entrant, sitting.table(entrant, reference, run.tell)
        except (CardError, WorkerFailed) as error:  # those of comparing two models' answers call it the candidate
            if entrant.path in error.message or reference.path in error.message:
                raise
            raise type(error)(f"{entrant.name}: {error.message}", hint=error.hint) from None
        finally:
            sitting.keep()


def _collected(reference: Entrant, found: _Found, sitting: Sitting, run: Run, *, alone: bool) -> Collected:
    """Put the answers side by side, on the images that every model answered.

    Args:
        reference: Whose answers stand beside each of the others.
        found: The others; the reference itself where there are none.
        sitting: The images.
        run: What readers must know.
        alone: Whether there are none.
    """
    tables = [table for _, table in found.answered]
    first, versions = tables[0], reference.versions
    for entrant, _ in found.answered:
        versions = versions | entrant.versions
    common = set(tables[0].ids).intersection(*(table.ids for table in tables[1:]))
    if not common:
        raise Inconclusive("there is no image that every model answered")
    kept = [np.flatnonzero([image in common for image in table.ids]) for table in tables]
    ids = tuple(first.ids[row] for row in kept[0].tolist())
    digest_of = dict(zip(sitting.images.ids, sitting.images.digests, strict=True))
    return Collected(
        reference=Answered(reference.summary(), _pick(first.reference, kept[0])),
        others=tuple(
            Answered(entrant.summary(), _pick(table.candidate, rows))
            for (entrant, table), rows in zip(() if alone else found.answered, kept, strict=False)
        ),
        ids=ids,
        digests=tuple(digest_of[image] for image in ids),
        labels=None if first.labels is None else first.labels[kept[0]],
        classes=first.classes,
        data=sitting.summary().model_copy(update={"images": len(ids)}),
        environment=environment.describe(versions),
        warnings=tuple(run.warnings),
        failed=tuple(found.failed),
    )


def _pick(predictions: Predictions, rows: NDArray[np.intp]) -> Predictions:
    """Return the answers to some of the images; all of them are not copied."""
    if len(rows) == len(predictions.answers):
        return predictions
    return replace(
        predictions,
        raw=predictions.raw[rows],
        probabilities=predictions.probabilities[rows],
        answers=predictions.answers[rows],
    )
