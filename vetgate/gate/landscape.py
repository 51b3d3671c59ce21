"""The functional landscape of a reference, its candidates, independent models and training runs."""

from __future__ import annotations

import datetime
import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from vetgate.documents import suggest
from vetgate.domain.errors import DataError, MissingExtra, UsageError
from vetgate.domain.landscape import Landscape, Part, Point
from vetgate.domain.report import DataSummary
from vetgate.domain.request import RunRequest
from vetgate.gate.outputs import Answered, Collected, Failed, collect
from vetgate.gate.run import Watch
from vetgate.gate.yardstick import LoadedYardstick, load_yardstick
from vetgate.host import Host, Kind, Offer
from vetgate.landscape import landscape_of

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

NEIGHBOURS, SCALING, BOTH = "tsne", "mds", "both"
FEWEST = 12
"""Points from which t-SNE is drawn unasked; with fewer, classical scaling is more faithful."""


@dataclass(frozen=True)
class Group:
    """Models that belong together: a family of compressed ones, or a training run in order."""

    name: str
    files: tuple[str, ...]


@dataclass(frozen=True)
class Lineup:
    """Which models are drawn, besides the reference."""

    candidates: tuple[str, ...] = ()
    independents: tuple[str, ...] = ()
    runs: tuple[Group, ...] = ()
    """A model that is named elsewhere too keeps its part; the others are checkpoints."""
    families: tuple[Group, ...] = ()
    """A candidate that is named here too stays one; the others are compressed variants."""

    @property
    def files(self) -> tuple[str, ...]:
        """Every model once, in order."""
        groups = (file for group in (*self.families, *self.runs) for file in group.files)
        return tuple(dict.fromkeys((*self.candidates, *self.independents, *groups)))


@dataclass(frozen=True)
class Surveyed:
    """A landscape, and what a reader must know besides."""

    landscape: Landscape
    warnings: tuple[str, ...] = ()
    failed: tuple[Failed, ...] = ()
    """Models that are not in it, because they could not be read, opened or run."""


def survey(
    request: RunRequest,
    lineup: Lineup,
    host: Host,
    *,
    now: datetime.datetime,
    watch: Watch,
    method: str | None = None,
) -> Surveyed:
    """Return the landscape of models, drawn.

    Args:
        request: The reference, the data, the yardstick, and how models are run; its candidates are left aside.
        lineup: The other models. Those of the yardstick come besides, and do not run.
        host: The plugins.
        now: When the run started.
        watch: Told of every step.
        method: An embedder's name, or `both`; None chooses by the number of points.

    Raises:
        UsageError: Something that the person who typed the command can mend, such as a model named twice.
        Inconclusive: The reference or every other model cannot be read, opened or run, or there are too few points for
            the method.
    """
    loaded = load_yardstick(request.yardstick) if request.yardstick is not None else None
    places = _places(request.reference, lineup)
    known = len(loaded.content.peers) if loaded is not None else 0
    if len(places) + known < 2:
        raise UsageError("a landscape needs another model beside the reference", hint="name a candidate")
    ways(host, method, len(places) + known)
    files = [point.name for point in list(places.values())[1:]]
    collected = collect(request, files, host, now=now, watch=watch, yardstick=loaded, whole=False)
    points, matrices = _answered(list(places.values()), collected)
    if loaded is not None:
        _add_peers(loaded, collected, points, matrices)
    landscape = draw_landscape(
        points, matrices, collected.data, host=host, seed=request.seed, labels=collected.labels, method=method
    )
    return Surveyed(landscape, collected.warnings, collected.failed)


def draw_landscape(
    points: Sequence[Point],
    matrices: Sequence[NDArray[np.float64]],
    data: DataSummary,
    *,
    host: Host,
    seed: int = 0,
    labels: NDArray[np.int64] | None = None,
    method: str | None = None,
) -> Landscape:
    """Return the landscape of models whose answers are known. Pure: the same answers give the same landscape.

    Args:
        points: (P,) at least two, each with a name of its own; those without an accuracy get theirs from `labels`.
        matrices: (P,) probabilities (N, C) of each for the same images.
        data: The images.
        host: Who puts points into the plane.
        seed: Of that.
        labels: (N,) or None.
        method: An embedder's name, or `both`; None chooses by the number of points.

    Raises:
        UsageError: Nobody offers the method, or two points have one name.
        DataError: The matrices are not of one shape.
        Inconclusive: A library is missing, or there are too few points for the method.
    """
    _require_own_names(points)
    scored = [_scored(point, matrix, labels) for point, matrix in zip(points, matrices, strict=True)]
    offers = ways(host, method, len(points))
    try:
        landscape = landscape_of(scored, matrices, data, seed)
    except ValueError as error:
        raise DataError(f"these models make no landscape: {error}") from None
    return landscape.model_copy(update={"embeddings": tuple(offer.spec.factory().embed(landscape) for offer in offers)})


def ways(host: Host, method: str | None, points: int) -> tuple[Offer, ...]:
    """Return who puts so many points into the plane, the first as it is asked for or becomes their number.

    Raises:
        UsageError: Nobody offers the method.
        MissingExtra: Its library is missing.
    """
    usual = NEIGHBOURS if points >= FEWEST else SCALING
    other = SCALING if usual == NEIGHBOURS else NEIGHBOURS
    names = (usual, other) if method == BOTH else (method or usual,)
    known = host.names(Kind.EMBEDDER)
    offers = []
    for name in names:
        offer = host.offer(Kind.EMBEDDER, name)
        if offer is None and method is None:
            raise MissingExtra(f"no plugin offers {name}", hint="vetgate plugins shows what is out of order")
        if offer is None:
            told = ", ".join((*known, BOTH))
            raise UsageError(f"unknown method {name!r}{suggest(name, [*known, BOTH])} (known: {told})")
        offer.require()
        offers.append(offer)
    return tuple(offers)


def _places(reference: str, lineup: Lineup) -> dict[str, Point]:
    """Return the points of all models that run, the reference first, by the file that each is.

    Raises:
        UsageError: A model is named twice, or is in two families or two runs.
    """
    places: dict[str, Point] = {}
    alone = [(reference, Part.REFERENCE), *((path, Part.CANDIDATE) for path in lineup.candidates)]
    for path, part in (*alone, *((path, Part.INDEPENDENT) for path in lineup.independents)):
        file = os.path.realpath(path)
        if file in places:
            raise UsageError(f"{path} is named twice: as {places[file].part} and as {part}", hint="name it once")
        places[file] = Point(name=path, part=part)
    for group in lineup.families:
        for path in group.files:
            _join(places, Point(name=path, part=Part.VARIANT, family=group.name), ("family",))
    for group in lineup.runs:
        for step, path in enumerate(group.files, 1):
            _join(places, Point(name=path, part=Part.CHECKPOINT, run=group.name, step=step), ("run", "step"))
    return places


def _join(places: dict[str, Point], point: Point, fields: Sequence[str]) -> None:
    """Add a member of a group, or let a model that is there already join it.

    Raises:
        UsageError: It is in another group of the kind, or twice in this one.
    """
    file, kind = os.path.realpath(point.name), fields[0]
    there = places.get(file)
    if there is not None and getattr(there, kind):
        told = f"{getattr(there, kind)!r} and {getattr(point, kind)!r}"
        raise UsageError(f"{point.name} is named twice in --{kind}: {told}", hint="name it in one, once")
    update = {field: getattr(point, field) for field in fields}
    places[file] = point if there is None else there.model_copy(update=update)


def _answered(points: Sequence[Point], collected: Collected) -> tuple[list[Point], list[NDArray[np.float64]]]:
    """Return the points that answered with digest and accuracy, and their probabilities."""
    answered, failed = (collected.reference, *collected.others), {each.path for each in collected.failed}
    placed = [point for point in points if point.name not in failed]
    told = [_told(point, each, collected.labels) for point, each in zip(placed, answered, strict=True)]
    return told, [each.predictions.probabilities for each in answered]


def _told(point: Point, answered: Answered, labels: NDArray[np.int64] | None) -> Point:
    accuracy = None if labels is None else float((answered.predictions.answers == labels).mean())
    return point.model_copy(update={"sha256": answered.summary.sha256, "accuracy": accuracy})


def _add_peers(
    loaded: LoadedYardstick, collected: Collected, points: list[Point], matrices: list[NDArray[np.float64]]
) -> None:
    """Add the models of a yardstick; one that ran as well joins its training run and is not drawn twice."""
    ran = {point.sha256: place for place, point in enumerate(points)}
    for peer, matrix in loaded.peers_on(collected.digests, collected.ids):
        place = ran.get(peer.sha256)
        if place is not None:
            if not points[place].run:
                points[place] = points[place].model_copy(update={"run": peer.run, "step": peer.step})
            continue
        part = Part.INDEPENDENT if peer.final else Part.CHECKPOINT
        points.append(Point(name=peer.name, part=part, run=peer.run, step=peer.step, sha256=peer.sha256))
        matrices.append(matrix)


def _require_own_names(points: Sequence[Point]) -> None:
    seen: dict[str, Point] = {}
    for point in points:
        if point.name in seen:
            raise UsageError(
                f"two models are called {point.name}: {seen[point.name].part} and {point.part}",
                hint="a model of the yardstick has the name that it was built with; name the other by another path",
            )
        seen[point.name] = point


def _scored(point: Point, matrix: NDArray[np.float64], labels: NDArray[np.int64] | None) -> Point:
    if point.accuracy is not None or labels is None:
        return point
    return point.model_copy(update={"accuracy": float((matrix.argmax(axis=1) == labels).mean())})
