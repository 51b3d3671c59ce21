"""Both models' answers on the same images, from the cache or from their children."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from vetgate.domain.errors import Inconclusive, VetgateError
from vetgate.domain.predictions import PredictionTable
from vetgate.gate.data import Images
from vetgate.gate.entrant import Entrant, House, Listener
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
        ours = self._reference or self._known(reference)
        self._ask([ours, theirs], tell)
        self._reference = ours
        for answers in (theirs, ours):
            if answers.error is not None:
                raise answers.error
        return self._pair(theirs, ours)

    def _require_labels_fit(self, reference: Entrant) -> None:
        """Refuse labels that no output stands for before anything runs, where the file tells its outputs."""
        output, structure = reference.require_card().card.output, reference.structure
        ports = [port for port in (structure.outputs if structure else ()) if output.name in (None, port.name)]
        columns = ports[0].shape[-1] if len(ports) == 1 and ports[0].shape else None
        if columns is not None:
            match_labels(self.images.samples, output, columns - output.offset)

    def cached(self, entrant: Entrant) -> int:
        """Return how many of the images the cache holds this model's answers to."""
        return int(self._known(entrant).known.sum())

    def _known(self, entrant: Entrant) -> Answers:
        raw, known = self.house.cache.answers(entrant.answers_key(), self.images.digests)
        return Answers(entrant, raw, known)

    def _ask(self, sides: list[Answers], tell: Listener) -> None:
        """Let every model that has images left answer them; keep what was answered, also when a run is interrupted."""
        asked = [side for side in sides if side.error is None and not self._complete(side)]
        for side in asked:
            side.entrant.start()
        lanes: list[tuple[Answers, Lane]] = []
        for side in asked:
            try:
                card = side.entrant.require_card().card
                lanes.append((side, Lane(side.entrant.open(), card, ~side.known)))
            except VetgateError as error:
                side.error = error
        for side in sides:
            side.entrant.from_cache = side not in asked
        if not lanes:
            return
        before = {id(side): side.known.copy() for side, _ in lanes}
        batch = min(side.entrant.batch for side, _ in lanes)
        feed = Feed(self.house.images, self.images.source, self.images.indices, [lane for _, lane in lanes], batch)
        names = ", ".join(side.entrant.path for side, _ in lanes)
        try:
            feed.run(lambda done, total: tell("infer", names, done, total))
        finally:
            for side, lane in lanes:
                self._take_in(side, lane, before[id(side)])
        self.unreadable |= feed.unreadable

    def _take_in(self, side: Answers, lane: Lane, before: NDArray[np.bool_]) -> None:
        side.error = lane.error
        if lane.raw is None:
            return
        new = ~lane.wanted & ~before
        if side.raw is None or side.raw.shape != lane.raw.shape:
            side.raw = lane.raw
        else:
            side.raw[new] = lane.raw[new]
        side.known = ~lane.wanted
        digests = self.images.digests
        rows = np.flatnonzero(new)
        self.house.cache.keep_answers(
            side.entrant.answers_key(), [digests[row] for row in rows.tolist()], side.raw[rows]
        )

    def _complete(self, side: Answers) -> bool:
        """Whether nothing is left to ask; an image known to be unreadable is not asked again."""
        missing = np.flatnonzero(~side.known).tolist()
        return all(row in self.unreadable for row in missing)

    def _pair(self, candidate: Answers, reference: Answers) -> PredictionTable:
        kept = np.flatnonzero(candidate.known & reference.known)
        if not len(kept) or candidate.raw is None or reference.raw is None:
            raise Inconclusive("no image could be read, so nothing was compared")
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
