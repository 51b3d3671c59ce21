"""Both models' answers on the same images, from the cache or from their children."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from vetgate.domain.errors import Inconclusive, VetgateError
from vetgate.domain.predictions import PredictionTable
from vetgate.gate.data import Images
from vetgate.gate.entrant import Entrant, House, Listener
from vetgate.inference.child import Worker
from vetgate.inference.feed import Feed, Lane
from vetgate.inference.table import class_order, make_predictions, match_labels, pair

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass
class Answers:
    """One model's raw outputs on the images of a run."""

    entrant: Entrant
    raw: NDArray[np.float32] | None
    """(N, C)"""
    known: NDArray[np.bool_]
    """(N,)"""
    error: VetgateError | None = None
    ran: bool = False
    """Whether any of them had to be asked for in this run."""


@dataclass
class Sitting:
    """The images of a run and what is known about answers to them; the reference sits once for all candidates."""

    images: Images
    house: House
    unreadable: dict[int, str] = field(default_factory=dict)
    """Position in the list of images -> why it cannot be decoded."""
    _reference: Answers | None = None

    def table(self, candidate: Entrant, reference: Entrant, tell: Listener) -> PredictionTable:
        """Return the prediction table of a candidate and the reference.

        Raises:
            VetgateError: One of the models cannot be opened or run, or its answers contradict its card.
        """
        self._require_labels_fit(reference)
        theirs = self._known(candidate)
        ours = self._reference = self._reference or self._known(reference)
        self._ask([ours, theirs], tell)
        for answers in (theirs, ours):
            if answers.error is not None:
                raise answers.error
        return self._pair(theirs, ours)

    def _require_labels_fit(self, reference: Entrant) -> None:
        """Refuse labels that no output stands for before anything runs, where the file tells its outputs."""
        output, structure = reference.require_card().card.output, reference.structure
        ports = [port for port in (structure.outputs if structure else ()) if output.name in (None, port.name)]
        columns = ports[0].shape[-1] if len(ports) == 1 and len(ports[0].shape) == 2 else None
        if columns is not None:
            match_labels(self.images.samples, output, columns - output.offset)

    def cached(self, entrant: Entrant) -> int:
        """Return how many of the images the cache holds this model's answers to."""
        return int(self._known(entrant).known.sum())

    def _known(self, entrant: Entrant) -> Answers:
        raw, known = entrant.cache.answers(entrant.answers_key(self.images.reader), self.images.digests)
        return Answers(entrant, raw, known)

    def _ask(self, sides: list[Answers], tell: Listener) -> None:
        """Let every model that has images left answer them; keep what was answered, also when a run is interrupted.

        Nothing runs where one of the models cannot be opened, for there would be nothing to compare.
        """
        if any(side.error for side in sides):
            return
        asked = [side for side in sides if not self._complete(side)]
        lanes = _open(asked)
        for side in sides:
            side.ran = side.ran or side in asked
            side.entrant.from_cache = not side.ran
        if not lanes or any(side.error for side in sides):
            return
        batch = min(side.entrant.batch for side, _ in lanes)
        feed = Feed(self.house.images, self.images.source, self.images.indices, [lane for _, lane in lanes], batch)
        names = ", ".join(side.entrant.path for side, _ in lanes)
        try:
            feed.run(lambda done, total: tell("infer", names, done, total))
        finally:
            for side, lane in lanes:
                self._take_in(side, lane)
            self.unreadable |= feed.unreadable

    def _take_in(self, side: Answers, lane: Lane) -> None:
        side.error = lane.error
        if lane.raw is None:
            return
        new = np.flatnonzero(~lane.wanted & ~side.known)
        side.raw, side.known = lane.raw, ~lane.wanted
        digests = self.images.digests
        key = side.entrant.answers_key(self.images.reader)
        side.entrant.cache.keep_answers(key, [digests[row] for row in new.tolist()], lane.raw[new])

    def _complete(self, side: Answers) -> bool:
        """Whether nothing is left to ask; an image known to be unreadable is not asked again."""
        missing = np.flatnonzero(~side.known).tolist()
        return all(row in self.unreadable for row in missing)

    def _pair(self, candidate: Answers, reference: Answers) -> PredictionTable:
        kept = np.flatnonzero(candidate.known & reference.known)
        if not len(kept) or candidate.raw is None or reference.raw is None:
            why = next(iter(self.unreadable.values()), "no reason was given")
            raise Inconclusive(f"no image could be read, so nothing was compared; the first: {why}")
        mine, base = candidate.entrant.require_card().card.output, reference.entrant.require_card().card.output
        order = class_order(mine, base)
        theirs = make_predictions(candidate.raw[kept], mine, order, candidate.entrant.name)
        ours = make_predictions(reference.raw[kept], base, None, reference.entrant.name)
        labels = match_labels(self.images.samples, base, ours.raw.shape[1])
        if labels is not None:
            labels = labels[np.asarray(self.images.indices, dtype=np.intp)][kept]
        ids = self.images.ids
        names = base.classes or self.images.samples.classes
        if names is not None and len(names) != ours.raw.shape[1]:
            names = None
        return pair([ids[row] for row in kept.tolist()], labels, names, theirs, ours)


def _open(asked: list[Answers]) -> list[tuple[Answers, Lane]]:
    """Open the models, in children that start side by side; one that cannot be opened gets its error noted."""
    for side in asked:
        _attempt(side, side.entrant.start)
    lanes = []
    for side in asked:
        worker = _attempt(side, side.entrant.open) if side.error is None else None
        if worker is not None:
            lanes.append((side, Lane(worker, side.entrant.require_card().card, ~side.known, side.raw)))
    return lanes


def _attempt(side: Answers, step: Callable[[], Worker]) -> Worker | None:
    try:
        return step()
    except VetgateError as error:
        side.error = error
        return None
