"""Building a yardstick: what models that were trained independently of the reference answer."""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import metadata
from typing import TYPE_CHECKING

import numpy as np

from vetgate.domain.errors import UsageError, YardstickError
from vetgate.domain.report import ModelSummary
from vetgate.domain.request import RunRequest
from vetgate.domain.yardstick import Distance, Peer
from vetgate.gate.outputs import Answered, Collected, collect
from vetgate.gate.run import Watch
from vetgate.host import Host
from vetgate.yardstick import (
    FEWEST_INDEPENDENTS,
    Content,
    Gauge,
    Header,
    Origin,
    doubts,
    gauge,
    require_independent,
    require_signal,
    require_sound,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True)
class Training:
    """One training run that is independent of the reference's."""

    final: str
    """The trained model's file."""
    checkpoints: tuple[str, ...] = ()
    """Files of models on the way there, in order."""


@dataclass(frozen=True)
class Built:
    """A yardstick that was not written yet."""

    content: Content
    gauge: Gauge
    warnings: tuple[str, ...]
    """What a reader must know besides."""


def build_yardstick(
    request: RunRequest,
    trainings: Sequence[Training],
    host: Host,
    *,
    distance: Distance,
    now: datetime.datetime,
    watch: Watch,
    force: bool = False,
) -> Built:
    """Return a yardstick of what the reference and independent models answer.

    Args:
        request: The reference, the data, and how models are run; see `collect` for their cards.
        trainings: At least two.
        host: The plugins.
        distance: What it measures with.
        now: When the run started.
        watch: Told of every step.
        force: Whether a model that is hardly independent is only warned of.

    Raises:
        UsageError: A model or the data cannot be used, or what was built would be no yardstick.
        Inconclusive: A model cannot be read, opened or run.
    """
    if len(trainings) < FEWEST_INDEPENDENTS:
        raise UsageError(
            f"a yardstick takes {FEWEST_INDEPENDENTS} independent models at least, three as a rule, and "
            f"{len(trainings)} {'is' if len(trainings) == 1 else 'are'} named",
            hint="--independent MODEL for each",
        )
    models = [path for training in trainings for path in (*training.checkpoints, training.final)]
    collected = collect(request, models, host, now=now, watch=watch, role="independent")
    content = _content(collected, trainings, distance, now)
    try:
        require_sound(content)
        measured = gauge(content)
        require_signal(measured, len(content))
        if not force:
            require_independent(measured)
    except YardstickError as error:
        raise YardstickError(f"these models make no yardstick: {error.message}", hint=error.hint) from None
    return Built(content, measured, (*collected.warnings, *doubts(content, measured)))


def _content(
    collected: Collected, trainings: Sequence[Training], distance: Distance, now: datetime.datetime
) -> Content:
    places = [(training, step) for training in trainings for step in range(1, len(training.checkpoints) + 2)]
    peers = tuple(
        _peer(answered.summary, training, step)
        for answered, (training, step) in zip(collected.others, places, strict=True)
    )
    name, sha256, card_sha256 = _identity(collected.reference.summary)
    header = Header(
        vetgate=metadata.version("vetgate"),
        created=now,
        reference=Origin(name=name, sha256=sha256, card_sha256=card_sha256),
        data=collected.data.name,
        data_sha256=collected.data.sha256,
        images=len(collected.ids),
        ids=collected.ids,
        classes=collected.classes,
        labelled=collected.labels is not None,
        distance=distance,
        peers=peers,
    )
    return Content(
        header=header,
        digests=collected.digests,
        labels=None if collected.labels is None else collected.labels.astype(np.int32),
        reference=_single(collected.reference),
        peers=peers,
        matrices=tuple(map(_single, collected.others)),
    )


def _peer(summary: ModelSummary, training: Training, step: int) -> Peer:
    name, sha256, card_sha256 = _identity(summary)
    final = step == len(training.checkpoints) + 1
    return Peer(name=name, sha256=sha256, card_sha256=card_sha256, run=training.final, step=step, final=final)


def _identity(summary: ModelSummary) -> tuple[str, str, str]:
    """Return a model's name and the digests of its file and its card."""
    if summary.sha256 is None or summary.card_sha256 is None:
        raise YardstickError(f"{summary.name} has no digest, so a yardstick of it could not be told from another")
    return summary.name, summary.sha256, summary.card_sha256


def _single(answered: Answered) -> NDArray[np.float32]:
    return answered.predictions.probabilities.astype(np.float32)
