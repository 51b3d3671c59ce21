"""Independent models in the candidate's place, and the landscape of everything that a study looked at."""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from vetgate.domain.check import Need, TableContext
from vetgate.domain.errors import Inconclusive
from vetgate.domain.landscape import Landscape, Part, Point
from vetgate.domain.predictions import Predictions, PredictionTable
from vetgate.domain.request import StudyRequest
from vetgate.domain.study import Comparison, Variant
from vetgate.domain.yardstick import Peer, Yardstick
from vetgate.gate.landscape import BOTH, SCALING, draw_landscape
from vetgate.gate.outputs import Collected, collect
from vetgate.gate.run import Run
from vetgate.gate.yardstick import LoadedYardstick, load_yardstick
from vetgate.landscape import landscape_of
from vetgate.measure import run_check

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Answers = tuple[Peer, NDArray[np.float64]]


def set_beside(
    request: StudyRequest, variants: Sequence[Variant], run: Run, now: datetime.datetime
) -> tuple[tuple[Comparison, ...], Landscape | None]:
    """Return the independent models beside the reference, and the landscape of all models, not drawn yet.

    Args:
        request: The study.
        variants: Vetted; those that could not be measured are left out.
        run: That they were vetted in.
        now: When it started.

    Raises:
        VetgateError: The yardstick cannot be used.
    """
    measured = [variant for variant in variants if variant.report is not None and not variant.problem]
    files = [str(Path(request.folder) / variant.file) for variant in measured if variant.file is not None]
    if run.request.yardstick is None and not (request.landscape and files):
        return (), None
    kept = run.house.cache
    collected = collect(run.request, files, run.host, now=now, watch=run.watch, role="variant", cache=kept)
    loaded = load_yardstick(run.request.yardstick) if run.request.yardstick is not None else None
    peers = loaded.peers_on(collected.digests, collected.ids) if loaded is not None else ()
    independents = _compare(peers, loaded, collected, run)
    return independents, _landscape(measured, peers, collected, run) if request.landscape else None


def _compare(
    peers: Sequence[Answers], loaded: LoadedYardstick | None, collected: Collected, run: Run
) -> tuple[Comparison, ...]:
    """Return what the checks on the prediction table find with each independent in the candidate's place."""
    finals = [(peer, matrix) for peer, matrix in peers if peer.final]
    if loaded is None:
        return ()
    yardstick = Yardstick(loaded.summary, *zip(*finals, strict=True))
    table = PredictionTable(
        collected.ids,
        collected.labels,
        collected.classes,
        collected.reference.predictions,
        collected.reference.predictions,
    )
    found = []
    for peer, matrix in finals:
        run.tell("compare", peer.name)
        context = TableContext(replace(table, candidate=_predictions(matrix)), yardstick)
        evidence = tuple(run_check(check, context) for check in run.plan.by_need(Need.TABLE))
        found.append(Comparison(peer=peer, evidence=evidence))
    return tuple(found)


def _predictions(probabilities: NDArray[np.float64]) -> Predictions:
    """Return what a yardstick keeps of a model as its answers; its raw outputs are its probabilities."""
    answers = probabilities.argmax(axis=1).astype(np.int64)
    return Predictions(probabilities.astype(np.float32), probabilities, answers)


def _landscape(
    variants: Sequence[Variant], peers: Sequence[Answers], collected: Collected, run: Run
) -> Landscape | None:
    """Return the landscape; None where there is nothing beside the reference."""
    own = collected.reference
    points = [Point(name=own.summary.name, part=Part.REFERENCE, sha256=own.summary.sha256)]
    matrices = [own.predictions.probabilities]
    for variant, answered in zip(variants, collected.others, strict=True):
        recipe = variant.recipe
        points.append(Point(name=recipe.name, part=Part.VARIANT, family=recipe.family, sha256=answered.summary.sha256))
        matrices.append(answered.predictions.probabilities)
    for peer, matrix in peers:
        part = Part.INDEPENDENT if peer.final else Part.CHECKPOINT
        points.append(Point(name=peer.name, part=part, run=peer.run, step=peer.step, sha256=peer.sha256))
        matrices.append(matrix)
    if len(points) < 2:
        return None
    run.tell("landscape", f"{len(points)} models")
    own_labels, seed = collected.labels, run.request.seed
    for method in (BOTH, SCALING):
        with suppress(Inconclusive):  # t-SNE has a library of its own, and takes some points
            return draw_landscape(
                points, matrices, collected.data, host=run.host, seed=seed, labels=own_labels, method=method
            )
    return landscape_of(points, matrices, collected.data, seed)
