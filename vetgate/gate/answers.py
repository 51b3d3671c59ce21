"""Both models' answers on the same images, from the cache or from their children."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from vetgate.domain.card import Output
from vetgate.domain.errors import CardError, DataError, Inconclusive, VetgateError
from vetgate.domain.evidence import LABEL, LOOKS_OF_IMAGES, Evidence
from vetgate.domain.predictions import Column, PredictionTable
from vetgate.domain.report import DataSummary, Stopping
from vetgate.domain.task import Task
from vetgate.gate.appearance import Appearance
from vetgate.gate.data import Images
from vetgate.gate.entrant import Entrant
from vetgate.gate.house import House
from vetgate.gate.sketches import Sketches
from vetgate.gate.task import require_data
from vetgate.inference.child import Worker
from vetgate.inference.columns import column_of_metadata, count_values, pick
from vetgate.inference.feed import Feed, Lane
from vetgate.inference.table import class_order, make_predictions, match_labels, pair

if TYPE_CHECKING:
    from numpy.typing import NDArray

Listener = Callable[[str, str, int, int], None]
"""Told (stage, detail, done, total)."""


@dataclass
class Answers:
    """One model's raw outputs on the images of a run."""

    entrant: Entrant
    raw: NDArray[np.float32] | None
    """(N, C)"""
    known: NDArray[np.bool_]
    """(N,)"""
    kept: NDArray[np.bool_]
    """(N,) which of them the cache holds."""
    error: VetgateError | None = None
    ran: bool = False
    """Whether any of them had to be asked for in this run."""
    fresh: NDArray[np.bool_] = field(init=False)
    """(N,) which of them were answered in this run."""
    again: Evidence | None = None
    """What came of asking some of them again; None where that was not done yet."""

    def __post_init__(self) -> None:
        self.fresh = np.zeros_like(self.known)


@dataclass
class Sitting:
    """The images of a run and what is known about answers to them; the reference sits once for all candidates."""

    images: Images
    house: House
    columns: tuple[str, ...] = ()
    """Columns besides the label that the table shall have."""
    unreadable: dict[int, str] = field(default_factory=dict)
    """Position in the list of images -> why it cannot be decoded."""
    used: int = field(init=False)
    """Images that the present candidate's table rests on, unreadable ones among them: the first of the list."""
    stopping: Stopping | None = None
    """How the present candidate's run went, where it might stop early."""
    sketches: Sketches | None = None
    """Shown every image that is decoded, where a check is about the images themselves."""
    _reference: Answers | None = None
    _candidate: Answers | None = None
    _metadata: dict[str, Column] | None = None
    _appearance: Appearance | None = None

    def __post_init__(self) -> None:
        self.begin()

    def begin(self) -> None:
        """Make ready for another candidate."""
        self.used, self.stopping, self._candidate = len(self.images.indices), None, None

    def table(
        self, candidate: Entrant, reference: Entrant, tell: Listener, *, most: int | None = None, whole: bool = True
    ) -> PredictionTable:
        """Return the prediction table of a candidate and the reference, in the order of the data set.

        Args:
            candidate: Asked what neither the cache nor an earlier call knows.
            reference: Likewise.
            tell: Told of progress.
            most: Only the first so many images; None takes all. Answers are in the cache after `keep`.
            whole: Whether the columns are needed that tell how images look.

        Raises:
            VetgateError: One of the models cannot be opened or run, or its answers contradict its card.
        """
        for entrant in (reference, candidate):
            _require_classifier(entrant)
        self.require_labels_fit(reference)
        return self._pair(*self.ask(candidate, reference, tell, most=most), whole)

    def ask(
        self, candidate: Entrant, reference: Entrant, tell: Listener, *, most: int | None = None
    ) -> tuple[Answers, Answers]:
        """Return what candidate and reference answer, whatever kind of answers these are; otherwise as `table`."""
        if self._candidate is None or self._candidate.entrant is not candidate:
            self._candidate = self._known(candidate)
        theirs = self._candidate
        ours = self._reference = self._reference or self._known(reference)
        self.used = len(self.images.indices) if most is None else most
        self._ask([ours, theirs], tell)
        for answers in (theirs, ours):
            if answers.error is not None:
                raise answers.error
        return theirs, ours

    def answer(self, entrant: Entrant, tell: Listener) -> NDArray[np.float32]:
        """Return the raw outputs (N, offset + C) of one model alone, to images that can all be read.

        Raises:
            VetgateError: It cannot be opened or run, or an image cannot be read.
        """
        before = entrant.from_cache
        side = self._candidate = self._known(entrant)
        try:
            self._ask([side], tell)
        finally:
            self.keep()
            entrant.from_cache = before and not side.ran
        if side.error is not None:
            raise side.error
        for row, why in self.unreadable.items():
            raise DataError(f"image {self.images.ids[row]!r} cannot be read: {why}", hint="mend or remove it")
        if side.raw is None:
            raise Inconclusive(f"{entrant.name} answered no image")
        return side.raw

    def raw_answers(
        self, candidate: Entrant, reference: Entrant, tell: Listener, *, most: int
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Return both models' raw outputs to the first images that can be read, though their classes do not fit.

        Raises:
            VetgateError: One of them cannot be opened or run.
        """
        theirs = self._candidate = self._known(candidate)
        ours = self._reference = self._reference or self._known(reference)
        self.used = min(most, len(self.images.indices))
        try:
            self._ask([theirs, ours], tell)
        finally:
            self.keep()
            rows = np.flatnonzero((theirs.known & ours.known)[: self.used])
            self.begin()
        for side in (theirs, ours):
            if side.error is not None:
                raise side.error
        if not len(rows) or theirs.raw is None or ours.raw is None:
            raise Inconclusive("no image could be read")
        return theirs.raw[rows], ours.raw[rows]

    def keep(self) -> None:
        """Put into the cache what was answered since, also when a run is interrupted."""
        digests = self.images.digests
        for side in filter(None, (self._candidate, self._reference)):
            new = np.flatnonzero(side.known & ~side.kept)
            if side.raw is not None and len(new):
                key = side.entrant.answers_key(self.images.reader)
                side.entrant.cache.keep_answers(key, [digests[row] for row in new.tolist()], side.raw[new])
                side.kept[new] = True
        if self._appearance is not None:
            self._appearance.keep()

    @property
    def sides(self) -> tuple[Answers, ...]:
        """What the reference and the present candidate answered, as far as they were asked."""
        return tuple(filter(None, (self._reference, self._candidate)))

    @property
    def sha256(self) -> str:
        """Digest of the images that the present candidate's table rests on."""
        return self.images.sha256_of(self.used)

    @property
    def unread(self) -> list[int]:
        """Positions of the images that cannot be decoded, of those used, ascending."""
        return sorted(row for row in self.unreadable if row < self.used)

    def summary(self) -> DataSummary:
        """Return what a report says of the images that the present candidate's table rests on."""
        images = self.images
        unreadable = tuple(images.ids[row] for row in self.unread)
        return DataSummary(
            name=images.name,
            sha256=self.sha256,
            images=self.used - len(unreadable),
            available=len(images.samples),
            labelled=images.labelled,
            classes=len(images.samples.classes) if images.samples.classes else None,
            unreadable=unreadable,
        )

    def population(self, table: PredictionTable) -> Mapping[str, Mapping[str, int]]:
        """Return how many images there are in all, by column and value; not how images look, for that is not known.

        Args:
            table: Any table of this run, which tells the class names.
        """
        counts = {name: count_values(column) for name, column in self._given().items()}
        if self._reference is None:
            return counts
        labels = match_labels(self.images.samples, _output(self._reference), len(table.classes))
        if labels is not None:
            of_all = np.bincount(labels[self._indices], minlength=len(table.classes)).tolist()
            counts[LABEL] = dict(zip(table.classes, of_all, strict=True))
        return counts

    def cached(self, entrant: Entrant) -> int:
        """Return how many of the images the cache holds this model's answers to."""
        return int(self._known(entrant).known.sum())

    def _given(self) -> dict[str, Column]:
        """Return the metadata columns that are wanted and there, of all images of the run."""
        if self._metadata is None:
            found = self.images.samples.columns
            self._metadata = {
                name: column_of_metadata(name, [found[name][index] for index in self.images.indices])
                for name in self.columns
                if name in found and name not in LOOKS_OF_IMAGES
            }
        return self._metadata

    def _looking(self) -> Appearance | None:
        """Return how the images look, where a rule names a column of it."""
        if self._appearance is None and set(self.columns) & set(LOOKS_OF_IMAGES):
            self._appearance = Appearance(self.images, self.house.cache)
        return self._appearance

    @cached_property
    def _indices(self) -> NDArray[np.intp]:
        return np.asarray(self.images.indices, dtype=np.intp)

    def require_labels_fit(self, reference: Entrant) -> None:
        """Refuse labels that no output stands for before anything runs, where file or card tell the outputs.

        Raises:
            DataError: They do not fit.
        """
        output, structure = reference.require_card().card.output, reference.structure
        require_data(self.images.samples, output.task)
        ports = [port for port in (structure.outputs if structure else ()) if output.name in (None, port.name)]
        columns = ports[0].shape[-1] if len(ports) == 1 and len(ports[0].shape) == 2 else None
        if columns is not None:
            match_labels(self.images.samples, output, columns - output.offset)
        elif output.classes is not None:
            match_labels(self.images.samples, output, len(output.classes))

    def _known(self, entrant: Entrant) -> Answers:
        raw, known = entrant.cache.answers(entrant.answers_key(self.images.reader), self.images.digests)
        return Answers(entrant, raw, known, known.copy())

    def _ask(self, sides: list[Answers], tell: Listener) -> None:
        """Let every model that has images left answer them.

        Nothing runs where one of the models cannot be opened, for there would be nothing to compare.
        """
        if any(side.error for side in sides):
            return
        asked = [side for side in sides if self._left(side).any()]
        lanes = self._open(asked)
        for side in sides:
            side.ran = side.ran or side in asked
            side.entrant.from_cache = not side.ran
            side.entrant.recalled = int(np.count_nonzero((side.known & ~side.fresh)[: self.used]))
        if not lanes or any(side.error for side in sides):
            return
        batch = min(side.entrant.batch for side, _ in lanes)
        looking = self._looking()
        feed = Feed(
            self.house.images,
            self.images.source,
            self.images.indices,
            [lane for _, lane in lanes],
            batch,
            seen=self._show if looking or self.sketches else None,
        )
        names = ", ".join(side.entrant.path for side, _ in lanes)
        rest = len(self.images.indices) - self.used  # nothing is left of them where all are asked for at once
        try:
            feed.run(lambda done, total: tell("infer", names, done, total + rest))
        finally:
            for side, lane in lanes:
                _take_in(side, lane)
            self.unreadable |= feed.unreadable

    def _show(self, row: int, pixels: NDArray[np.uint8]) -> None:
        looking = self._looking()
        for watcher in (looking, self.sketches):
            if watcher is not None:
                watcher.see(row, pixels)

    def _left(self, side: Answers) -> NDArray[np.bool_]:
        """Return (N,) which images a model has yet to answer; one known to be unreadable is not asked again."""
        left = ~side.known
        left[self.used :] = False
        left[list(self.unreadable)] = False
        return left

    def _open(self, asked: list[Answers]) -> list[tuple[Answers, Lane]]:
        """Open the models, in children that start side by side; one that cannot be opened gets its error noted."""
        for side in asked:
            _attempt(side, side.entrant.start)
        lanes = []
        for side in asked:
            worker = _attempt(side, side.entrant.open) if side.error is None else None
            if worker is not None:
                lanes.append((side, Lane(worker, side.entrant.require_card().card, self._left(side), side.raw)))
        return lanes

    def shared_rows(self, candidate: Answers, reference: Answers) -> NDArray[np.intp]:
        """Return the positions of the images that both answered, in the order of the data set.

        Raises:
            Inconclusive: There is none.
        """
        rows = np.flatnonzero((candidate.known & reference.known)[: self.used])
        if not len(rows) or candidate.raw is None or reference.raw is None:
            why = next(iter(self.unreadable.values()), "no reason was given")
            raise Inconclusive(f"no image could be read, so nothing was compared; the first: {why}")
        return rows[np.argsort(self._indices[rows])]

    def _pair(self, candidate: Answers, reference: Answers, whole: bool) -> PredictionTable:
        rows = self.shared_rows(candidate, reference)
        assert candidate.raw is not None and reference.raw is not None  # noqa: S101, PT018  # there are such rows
        mine, base = _output(candidate), _output(reference)
        order = class_order(mine, base)
        theirs = make_predictions(candidate.raw[rows], mine, order, candidate.entrant.name)
        ours = make_predictions(reference.raw[rows], base, None, reference.entrant.name)
        labels = match_labels(self.images.samples, base, ours.raw.shape[1])
        if labels is not None:
            labels = labels[self._indices[rows]]
        names = base.classes or self.images.samples.classes
        if names is not None and len(names) != ours.raw.shape[1]:
            names = None
        columns = self.columns_of(rows, whole=whole)
        ids = [self.images.samples.ids[index] for index in self._indices[rows].tolist()]
        return pair(ids, labels, names, theirs, ours, columns)

    def columns_of(self, rows: NDArray[np.intp], *, whole: bool = True) -> dict[str, Column]:
        """Return the columns of some of the images, those of how they look only where `whole`."""
        columns = {name: pick(column, rows) for name, column in self._given().items()}
        looking = self._looking() if whole else None
        if looking is not None:
            looking.complete(rows)
            columns |= {name: looking.column(name, rows) for name in self.columns if name in LOOKS_OF_IMAGES}
        return columns


def _require_classifier(entrant: Entrant) -> None:
    if (task := entrant.require_card().card.output.task) is not Task.CLASSIFICATION:
        raise CardError(f"class by class only classifiers are compared, and the card of {entrant.name} says {task}")


def _output(side: Answers) -> Output:
    return side.entrant.require_card().card.output


def _take_in(side: Answers, lane: Lane) -> None:
    side.error = lane.error
    if lane.raw is not None:
        side.raw = lane.raw
        side.known |= lane.answered
        side.fresh |= lane.answered


def _attempt(side: Answers, step: Callable[[], Worker]) -> Worker | None:
    try:
        return step()
    except VetgateError as error:
        side.error = error
        return None
