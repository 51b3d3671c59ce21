"""Both models' maps of classes or boxes on the same images, brought back to each image's own pixels."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeVar, overload

import numpy as np

from vetgate.domain.card import Card, Output
from vetgate.domain.check import DetectionContext, SegmentationContext
from vetgate.domain.errors import CardError, DataError, UnreadableImage, WorkerFailed
from vetgate.domain.samples import BoxedSet, MaskedSet, Samples
from vetgate.domain.scene import NO_CLASS, Boxes, DetectionTable, SegmentationTable, TrueBoxes
from vetgate.domain.task import Task
from vetgate.gate.answers import Answers, Listener, Sitting
from vetgate.gate.data import Images
from vetgate.gate.entrant import Entrant
from vetgate.gate.task import require_data, task_of
from vetgate.inference.frame import Frame
from vetgate.inference.prepare import read_pixels
from vetgate.inference.rows import read_boxes, read_map
from vetgate.inference.table import class_order

if TYPE_CHECKING:
    from numpy.typing import NDArray

MOST_LOOKED_AT = 1000
"""Images whose annotations are read before a run, so that a plan takes seconds."""

ItemT = TypeVar("ItemT", covariant=True)


class Each(Sequence[ItemT]):
    """Items that are made whenever they are asked for."""

    def __init__(self, count: int, make: Callable[[int], ItemT]) -> None:
        self._count, self._make = count, make

    def __len__(self) -> int:
        return self._count

    @overload
    def __getitem__(self, index: int) -> ItemT: ...
    @overload
    def __getitem__(self, index: slice) -> list[ItemT]: ...
    def __getitem__(self, index: int | slice) -> ItemT | list[ItemT]:
        if isinstance(index, slice):
            return [self[place] for place in range(*index.indices(self._count))]
        if not -self._count <= index < self._count:
            raise IndexError(index)
        return self._make(index % self._count)


def scenes(
    candidate: Entrant, reference: Entrant, sitting: Sitting, tell: Listener
) -> SegmentationContext | DetectionContext:
    """Return what checks on maps or boxes work on; both models answer every image of the run.

    Raises:
        VetgateError: One of the models cannot be opened or run, its answers contradict its card, or the data's classes
            are not the models'.
    """
    task, base = task_of(reference), reference.require_card().card
    data = _match_data(sitting.images.samples, base.output, task)
    theirs, ours = sitting.ask(candidate, reference, tell)
    rows = sitting.shared_rows(theirs, ours)
    order = class_order(candidate.require_card().card.output, base.output)
    sides = [_Side.of(theirs, rows, order), _Side.of(ours, rows, None)]
    images = _Images(sitting, rows)
    ids = [sitting.images.samples.ids[index] for index in images.indices]
    classes, columns = base.output.classes or (), sitting.columns_of(rows)
    if task is Task.SEGMENTATION:
        maps = [side.maps(images) for side in sides]
        truth = None if data is None else Each(len(rows), lambda place: data[images.mask(place)].astype(np.uint8))
        return SegmentationContext(SegmentationTable(ids, classes, maps[0], maps[1], truth, columns))
    boxes = [[side.boxes(place, images.size(place)) for place in range(len(rows))] for side in sides]
    known = None if data is None else [_renamed(images.boxes(place), data) for place in range(len(rows))]
    return DetectionContext(DetectionTable(ids, classes, boxes[0], boxes[1], known, columns))


def find_misannotated(images: Images, reference: Entrant) -> Iterator[str]:
    """Yield what is wrong with annotated images, one sentence each, as far as the first of them show it.

    Args:
        images: Of the run.
        reference: Whose card is known.
    """
    source = images.source
    if not isinstance(source, MaskedSet | BoxedSet):
        return
    try:
        _match_data(images.samples, reference.require_card().card.output, task_of(reference))
    except DataError as error:
        yield error.sentence
        return
    looked, unreadable, wrong = images.indices[:MOST_LOOKED_AT], [], []
    for index in looked:
        try:
            source.size(index)
            _ = source.mask(index) if isinstance(source, MaskedSet) else source.boxes(index)
        except UnreadableImage:
            unreadable.append(images.samples.ids[index])
        except DataError as error:
            wrong.append(error.sentence)
    of = f"of {len(looked):,} images that were looked at"
    if wrong:
        yield f"{wrong[0]} ({len(wrong):,} {of} are annotated wrongly)" if len(wrong) > 1 else wrong[0]
    if unreadable:
        yield f"{len(unreadable):,} {of} cannot be read, such as {unreadable[0]!r}"


@dataclass(frozen=True)
class _Side:
    """One model's answers to the images of a table."""

    name: str
    card: Card
    raw: NDArray[np.float32]
    """(N, C)"""
    classes: NDArray[np.int64]
    """(K,) class of the reference by the model's own."""

    @classmethod
    def of(cls, side: Answers, rows: NDArray[np.intp], order: NDArray[np.intp] | None) -> _Side:
        card = side.entrant.require_card().card
        count = len(card.output.classes or ())
        places = np.arange(count)
        if order is not None:
            places[order] = np.arange(count)
        assert side.raw is not None  # noqa: S101  # rows that both answered have been found in it
        return cls(side.entrant.name, card, side.raw[rows], places)

    def maps(self, images: _Images) -> Sequence[NDArray[np.uint8]]:
        """Return the map of every image, made when it is asked for."""
        return Each(len(self.raw), lambda place: self.map(place, images.size(place)))

    def map(self, place: int, size: tuple[int, int]) -> NDArray[np.uint8]:
        found = _read(read_map, self.raw[place], self.name)
        return Frame(size, self.card.input).spread(_lookup(self.classes, self.name)[found])

    def boxes(self, place: int, size: tuple[int, int]) -> Boxes:
        found = _read(read_boxes, self.raw[place], self.name)
        if len(found.classes) and not 0 <= found.classes.min() <= found.classes.max() < len(self.classes):
            raise WorkerFailed(f"{self.name}: answered a class that its card does not list")
        named = replace(found, classes=self.classes[found.classes])
        return Frame(size, self.card.input).restore(named)


def _lookup(classes: NDArray[np.int64], name: str) -> NDArray[np.uint8]:
    """Return (256,) the class by the byte in a map; what no card lists stays no class."""
    if len(classes) > NO_CLASS:
        raise CardError(f"the card of {name} lists {len(classes)} classes; maps of up to {NO_CLASS} are read")
    table = np.full(NO_CLASS + 1, NO_CLASS, dtype=np.uint8)
    table[: len(classes)] = classes
    return table


def _read(read: Callable[[NDArray[np.float32]], ItemT], row: NDArray[np.float32], name: str) -> ItemT:
    try:
        return read(row)
    except WorkerFailed as error:
        raise WorkerFailed(f"{name}: {error.message}") from None


class _Images:
    """The images of a table: how large they are, and what is annotated of them."""

    def __init__(self, sitting: Sitting, rows: NDArray[np.intp]) -> None:
        self._source = sitting.images.source
        self.indices = [sitting.images.indices[row] for row in rows.tolist()]
        self._sizes: dict[int, tuple[int, int]] = {}

    def size(self, place: int) -> tuple[int, int]:
        """Return (height, width) of an image."""
        if place not in self._sizes:
            self._sizes[place] = self._measure(self.indices[place])
        return self._sizes[place]

    def _measure(self, index: int) -> tuple[int, int]:
        try:
            if isinstance(self._source, MaskedSet | BoxedSet):
                return self._source.size(index)
            height, width = read_pixels(self._source, index).shape[:2]
        except UnreadableImage as error:
            raise DataError(f"image {self._source.samples.ids[index]!r} cannot be read: {error}") from None
        return height, width

    def mask(self, place: int) -> NDArray[np.uint8]:
        assert isinstance(self._source, MaskedSet)  # noqa: S101  # the samples say so
        return self._source.mask(self.indices[place])

    def boxes(self, place: int) -> TrueBoxes:
        assert isinstance(self._source, BoxedSet)  # noqa: S101  # as above
        return self._source.boxes(self.indices[place])


def _renamed(found: TrueBoxes, classes: NDArray[np.int64]) -> TrueBoxes:
    return replace(found, classes=classes[found.classes])


def _match_data(samples: Samples, output: Output, task: Task) -> NDArray[np.int64] | None:
    """Return the reference's class by the data's own, (256,) or longer; None where nothing of the task is annotated.

    Raises:
        DataError: The data is annotated for another task, names a class that the card does not list, or names none.
    """
    require_data(samples, task)
    if samples.annotated is None:
        return None
    named, classes = samples.classes, output.classes or ()
    if named is None:
        raise DataError(f"the data is annotated for {task} but names no classes", hint="list them in classes.txt")
    lacking = [name for name in named if name not in classes]
    if lacking:
        raise DataError(
            f"the data names {len(lacking)} classes that the reference's card lacks, such as {lacking[0]!r}",
            hint="name them alike in output.classes",
        )
    table = np.full(max(NO_CLASS + 1, len(named)), NO_CLASS, dtype=np.int64)
    table[: len(named)] = [classes.index(name) for name in named]
    return table
