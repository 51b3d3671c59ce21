"""The repeat check: a few images are asked again, of every model that ran; answers that change are worth nothing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

import numpy as np

from vetgate.domain.errors import Inconclusive, VetgateError
from vetgate.domain.evidence import Evidence, Finding, Outcome, Severity
from vetgate.domain.record import Record
from vetgate.domain.task import Task
from vetgate.gate.answers import Answers, Sitting
from vetgate.gate.run import Run
from vetgate.inference.feed import Feed, Lane
from vetgate.inference.rows import count_lost, read_boxes, read_map

if TYPE_CHECKING:
    from numpy.typing import NDArray

CHECK = "repeat"


class Steady(Record):
    """Kept with a model's answers once asking again found them unchanged; without it, kept answers are asked again."""

    images: int


IMAGES = 8
"""Of each model; of 10,000 images that is 0.08 %."""
TOLERANCES: Mapping[str, float] = {
    "float64": 1e-6,
    "float32": 1e-3,
    "float16": 2e-2,
    "bfloat16": 5e-2,
    "int16": 2e-2,
    "int8": 1e-1,
    "int4": 1e-1,
}
"""Most that answers may move, as a share of the span of all that are asked again, by the arithmetic's precision.

Another number of images takes other kernels, which add in another order: in float32 about 1e-6 of the span for each of
some 100 layers. Dynamic quantisation takes its scale from the whole batch, so that there a neighbour may move an answer
by a step (1/127) in every layer."""
_OTHERWISE = 1e-3


def ask_again(run: Run, sitting: Sitting) -> Iterator[Evidence]:
    """Yield what asking again brought to light: nothing where every answer came back to the last bit.

    Answers that come from the cache alone are asked again only where that was not done when they were new, as in a run
    that was ended before. No second answer ever comes from there, and answers that change do not stay there.

    Args:
        run: Whose seed draws the images.
        sitting: Both models have answered.
    """
    for side in sitting.sides:
        rows = _unsettled(side, sitting) if side.again is None else np.zeros(0, dtype=np.intp)
        if len(rows):
            run.tell("repeat", side.entrant.path)
            side.again = _look(side, _draw(rows, run.request.seed), sitting)
            _settle(side, sitting, len(rows))
        told = side.again
        if told is not None and (told.outcome is not Outcome.MEASURED or told.findings):
            yield told


def _unsettled(side: Answers, sitting: Sitting) -> NDArray[np.intp]:
    """Return the rows of which some are to be asked again: new ones, else all where no run did it."""
    fresh = np.flatnonzero(side.fresh[: sitting.used])
    key = side.entrant.answers_key(sitting.images.reader)
    if len(fresh) or side.entrant.cache.record(key, Steady) is not None:
        return fresh
    return np.flatnonzero(side.known[: sitting.used])


def _settle(side: Answers, sitting: Sitting, images: int) -> None:
    key, cache = side.entrant.answers_key(sitting.images.reader), side.entrant.cache
    if side.again is not None and side.again.outcome is Outcome.MEASURED:
        cache.keep_record(key, Steady(images=min(IMAGES, images)))
    else:
        cache.drop(key)


def _draw(rows: NDArray[np.intp], seed: int) -> NDArray[np.intp]:
    """Return some of the rows, in an order that puts them at other places of a batch."""
    drawn = np.random.default_rng(seed).choice(rows, size=min(IMAGES, len(rows)), replace=False)
    return drawn[::-1] if np.array_equal(drawn, np.sort(drawn)) else drawn


def _look(side: Answers, rows: NDArray[np.intp], sitting: Sitting) -> Evidence:
    """Return what the second answers of a model say of its first."""
    try:
        second = _answer(side, rows, sitting)
        first = _first(side)[rows]
        if np.array_equal(first, second):
            return Evidence(check=CHECK, outcome=Outcome.MEASURED)
        most, moved = _tolerance(side), _moved(side, first, second)
        if moved <= most:
            return Evidence(check=CHECK, outcome=Outcome.MEASURED, findings=(_rounding(side, len(rows), moved),))
        return _unstable(
            side, len(rows), moved, most, steady=_moved(side, second, _answer(side, rows, sitting)) <= most
        )
    except VetgateError as error:
        reason = f"{error.message}, when {len(rows)} images were asked again"
        return Evidence(check=CHECK, outcome=Outcome.ERRORED, reason=reason)


def _answer(side: Answers, rows: NDArray[np.intp], sitting: Sitting) -> NDArray[np.float32]:
    """Return new answers (M, C) to images that were answered before.

    Raises:
        VetgateError: The model does not answer them.
    """
    worker = side.entrant.open()
    lane = Lane(worker, side.entrant.require_card().card, np.ones(len(rows), dtype=np.bool_), repeats=True)
    images = sitting.images
    indices = [images.indices[row] for row in rows.tolist()]
    feed = Feed(sitting.house.images, images.source, indices, [lane], side.entrant.batch)
    feed.run(lambda done, total: None)
    if lane.error is not None:
        raise lane.error
    if lane.raw is None or not lane.answered.all() or lane.raw.shape[1] != _first(side).shape[1]:
        raise Inconclusive(f"{side.entrant.name}: did not answer every image, or not with as many outputs as before")
    return lane.raw


def _first(side: Answers) -> NDArray[np.float32]:
    if side.raw is None:
        raise Inconclusive(f"{side.entrant.name}: answered nothing before")
    return side.raw


def _moved(side: Answers, first: NDArray[np.float32], second: NDArray[np.float32]) -> float:
    """Return the largest difference of two answers (M, C), as a share of the span of the first; 0 is none.

    Of maps it is the share of places that change their class, of boxes that of boxes that are not found again.
    """
    if side.entrant.require_card().card.output.task is Task.SEGMENTATION:
        pairs = [(read_map(before), read_map(after)) for before, after in zip(first, second, strict=True)]
        if any(before.shape != after.shape for before, after in pairs):
            return np.inf
        return float(np.mean([(before != after).mean() for before, after in pairs]))
    if side.entrant.require_card().card.output.task is Task.DETECTION:
        boxes = [(read_boxes(before), read_boxes(after)) for before, after in zip(first, second, strict=True)]
        lost = sum(count_lost(before, after) + count_lost(after, before) for before, after in boxes)
        return lost / max(1, sum(len(before.scores) + len(after.scores) for before, after in boxes))
    before, after = first.astype(np.float64), second.astype(np.float64)
    largest = float(np.abs(before - after).max())
    span = float(before.max() - before.min()) or float(np.abs(before).max())
    return largest / span if span else (np.inf if largest else 0.0)


def _tolerance(side: Answers) -> float:
    execution = side.entrant.execution
    words = execution.precision.split() if execution is not None else ()  # such as `int16 by int8`
    return max((TOLERANCES[word] for word in words if word in TOLERANCES), default=_OTHERWISE)


def _rounding(side: Answers, images: int, moved: float) -> Finding:
    return Finding(
        rule=f"{CHECK}.rounding",
        severity=Severity.INFO,
        message=f"asked again about {images} images in another batch, its answers move by {moved:.2g} of their span, "
        "which rounding explains",
        location=side.entrant.name,
    )


def _unstable(side: Answers, images: int, moved: float, most: float, *, steady: bool) -> Evidence:
    how = "depend on the images beside them in a batch, or on what was asked before" if steady else "change by the call"
    message = (
        f"non-deterministic output: asked again about {images} images, {side.entrant.name} moves by {moved:.2g} of the "
        f"span of its answers, where its precision explains {most:.2g}; its answers {how}"
    )
    advice = (
        "put dropout and normalisation layers into inference mode before exporting, and seed what is random; "
        "where a batch is quantised as a whole, vet with --batch-size 1"
    )
    found = Finding(
        rule=f"{CHECK}.differs", severity=Severity.MEDIUM, message=message, location=side.entrant.name, advice=advice
    )
    return Evidence(check=CHECK, outcome=Outcome.ERRORED, findings=(found,), reason=f"{message}; {advice}")
