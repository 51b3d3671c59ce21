"""Live models for the checks that time them: the candidate, and the reference or the build of it that ships."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from vetgate import environment
from vetgate.domain.check import Need, SessionContext
from vetgate.domain.errors import Inconclusive, VetgateError
from vetgate.domain.evidence import Evidence
from vetgate.gate.entrant import Entrant
from vetgate.gate.run import Run
from vetgate.inference.feed import Feed, Lane
from vetgate.inference.inner import LiveInner, Probes
from vetgate.inference.session import LiveSession, load_batches
from vetgate.inference.table import class_order, make_predictions
from vetgate.measure import run_check, skip

if TYPE_CHECKING:
    from vetgate.domain.predictions import PredictionTable
    from vetgate.gate.answers import Sitting

COMPARED_IMAGES = 64
"""Images on which the build that is timed must answer as the reference does."""
LEAST_AGREEMENT = 0.9
"""Share of them. It tells a wrong file from a build of other precision, not the reference from another model that was
trained to the same accuracy: reports name the file that was timed."""


def time_models(candidate: Entrant, reference: Entrant, table: PredictionTable | None, run: Run) -> Iterator[Evidence]:
    """Yield the evidence of every check on live models.

    Args:
        candidate: Described.
        reference: Described; the run may name another build of it that is timed in its place.
        table: Both models' answers, which that build is held against; None where they are no class scores.
        run: The plan, the images and what is shared.

    Raises:
        VetgateError: The candidate or the reference cannot be opened.
    """
    checks, sitting = run.plan.by_need(Need.SESSION), run.sitting
    if sitting is None or not any(check.missing is None for check in checks):
        yield from (run_check(check, None) for check in checks)
        return
    timed = reference
    if run.timed is not None and any(check.spec.times for check in checks):
        reference.close()  # one child less beside those that are timed; it is started again where it must answer more
        refusal = _refusal(run.timed, reference, table, sitting)
        if refusal:
            yield from (skip(check, refusal) for check in checks if check.spec.times)
            checks = tuple(check for check in checks if not check.spec.times)
        timed = reference if refusal else run.timed
    if not checks:
        return
    context = _live(candidate, timed, reference, sitting)
    for check in checks:
        run.tell("check", check.spec.name)
        yield run_check(check, context)


def _refusal(timed: Entrant, reference: Entrant, table: PredictionTable | None, sitting: Sitting) -> str:
    """Return why a build cannot be timed in place of the reference; empty where it can."""
    if table is None:
        return "only classifiers can be held against their reference, so no other build is timed in its place"
    try:
        _stand_in(timed, reference, table, sitting)
    except VetgateError as error:
        return f"{error.message}; {error.hint}" if error.hint else error.message
    return ""


def _live(candidate: Entrant, timed: Entrant, reference: Entrant, sitting: Sitting) -> SessionContext:
    entrants = (candidate, timed)
    cards = [entrant.require_card().card for entrant in entrants]
    workers = [entrant.open() for entrant in entrants]
    images = sitting.images
    blocks = load_batches(sitting.house.images, images.source, list(images.indices), cards)
    sessions = [
        LiveSession(worker, block, entrant.rehearse)
        for entrant, worker, block in zip(entrants, workers, blocks, strict=True)
    ]
    machine = f"{environment.processor()}, {environment.cores()} cores"
    taken = max(block.offset + block.size for block in blocks)
    inner = _inner((candidate, reference), sitting, taken)
    return SessionContext(sessions[0], sessions[1], machine, *inner)


def _inner(entrants: tuple[Entrant, Entrant], sitting: Sitting, taken: int) -> tuple[LiveInner, LiveInner]:
    """Return the inner tensors of candidate and reference; nothing runs before a check asks for them.

    Args:
        entrants: The candidate, and the reference itself, also where another build of it is timed.
        sitting: The images of the run.
        taken: Bytes at the start of the images' buffer that hold what is timed.
    """
    images, cards = sitting.images, [entrant.require_card().card for entrant in entrants]
    probes = Probes(sitting.house.images, images.source, images.indices, cards, taken)
    first, second = (LiveInner(entrant.open, probes, place, entrant.batch) for place, entrant in enumerate(entrants))
    return first, second


def _stand_in(timed: Entrant, reference: Entrant, table: PredictionTable, sitting: Sitting) -> None:
    """Make sure that the build that is timed answers as the reference does; it may read as the reference's card says.

    Raises:
        VetgateError: It cannot be opened, or it is another model.
    """
    timed.admit()
    timed.recall()
    timed.describe(needs_card=False)
    if timed.card is None:
        timed.borrow_card(reference)
    agreed, compared = _agreement(timed, reference, table, sitting)
    if agreed < LEAST_AGREEMENT * compared:
        raise Inconclusive(
            f"{timed.name} answers {agreed} of {compared} images as {reference.name} does, so it is no build of it "
            "and was not timed",
            hint="name the build of the reference that ships with --latency-reference",
        )


def _agreement(timed: Entrant, reference: Entrant, table: PredictionTable, sitting: Sitting) -> tuple[int, int]:
    """Return on how many images the two give the same class, and how many were looked at: the first of the table."""
    rows = {identity: row for row, identity in enumerate(table.ids[:COMPARED_IMAGES])}
    images = sitting.images
    indices = [index for index in images.indices if images.samples.ids[index] in rows]
    card = timed.require_card().card
    lane = Lane(timed.open(), card, np.ones(len(indices), dtype=np.bool_))
    feed = Feed(sitting.house.images, images.source, indices, [lane], timed.batch)
    feed.run(lambda done, total: None)
    if lane.error is not None:
        raise lane.error
    answered = np.flatnonzero(~lane.wanted)
    if lane.raw is None or not len(answered):
        raise Inconclusive(f"{timed.name}: no image could be read to compare it with {reference.name}")
    order = class_order(card.output, reference.require_card().card.output)
    theirs = make_predictions(lane.raw[answered], card.output, order, timed.name).answers
    place = [rows[images.samples.ids[indices[row]]] for row in answered.tolist()]
    ours = table.reference.answers[place]
    return int(np.count_nonzero(theirs == ours)), len(answered)
