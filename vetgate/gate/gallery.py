"""The gallery: images that only the reference has right, worst first, as small pictures in the report.

It is there to be looked at. Nothing is judged by it, and whatever goes wrong with it is a warning.
"""

from __future__ import annotations

import base64
import io
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from vetgate.domain.errors import UnreadableImage
from vetgate.domain.evidence import Evidence, Outcome
from vetgate.domain.exhibit import Answer, Gallery, Shot
from vetgate.inference.prepare import read_pixels

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from PIL.Image import Image

    from vetgate.domain.predictions import Predictions, PredictionTable
    from vetgate.gate.data import Images
    from vetgate.gate.entrant import Entrant
    from vetgate.gate.run import Run

CHECK = "gallery"
SIDE = 160
"""Pixels of a thumbnail's longer side at most; no image is enlarged."""
LOSSLESS = 64
"""Pixels of the longer side up to which an image is kept as it is: enlarged on a page, JPEG's blocks would be taken for
what the models saw."""
QUALITY = 80
"""Of JPEG, in Pillow's scale up to 95."""
SECONDS = 10.0
"""Longest time for the images of one candidate; one more is finished after it."""
_TRUE = "Right by the reference, wrong by the candidate"
_APART = "The candidate disagrees with the reference"


@dataclass(frozen=True)
class Thumbnail:
    """One image, made small."""

    media_type: Literal["image/png", "image/jpeg"]
    base64: str


class Thumbnails:
    """Thumbnails of the images of a run, each made when it is first asked for: candidates fail on the same ones.

    Args:
        images: What they are of.
    """

    def __init__(self, images: Images) -> None:
        self._images = images
        self._made: dict[str, Thumbnail | UnreadableImage] = {}

    def find(self, ids: list[str]) -> dict[str, int]:
        """Return where images stand in the data source, by id."""
        wanted, samples = set(ids), self._images.samples
        return {samples.ids[index]: index for index in self._images.indices if samples.ids[index] in wanted}

    def of(self, image: str, index: int) -> Thumbnail:
        """Return one.

        Args:
            image: Its id.
            index: Where it stands in the data source.

        Raises:
            UnreadableImage: It cannot be decoded again.
        """
        if image not in self._made:
            try:
                self._made[image] = shrink(read_pixels(self._images.source, index))
            except UnreadableImage as error:
                self._made[image] = error
        found = self._made[image]
        if isinstance(found, UnreadableImage):
            raise found
        return found


@dataclass(frozen=True)
class Choice:
    """The images that tell two models apart, the worst first."""

    rows: NDArray[np.intp]
    """(M,) of the table."""
    title: str
    told: str
    """What the M images are, and what orders them."""


def show_worst(table: PredictionTable, candidate: Entrant, run: Run) -> Iterator[Evidence]:
    """Yield the gallery of one candidate; nothing where none is wanted or no image tells the two models apart.

    Args:
        table: Both models' answers to the images used.
        candidate: Whose warnings they are.
        run: How many images it shows, and where they are read from.
    """
    if run.thumbnails is None or not run.request.gallery:
        return
    start = time.perf_counter()
    run.tell("gallery", candidate.path)
    try:
        choice = choose(table)
        shots, lost = _shots(table, choice, run.thumbnails, run.request.gallery)
        if lost:
            run.warn(f"gallery of {candidate.path}: {lost}")
        if not shots:
            return
        exhibit = Gallery(
            title=choice.title,
            shots=tuple(shots),
            of=len(choice.rows),
            caption=_caption(table, choice, len(shots), lost),
        )
    except Exception as error:  # pictures to look at: whatever is wrong with them, the verdict stands
        told = " ".join(f"{type(error).__name__}: {error}".split())[:400]
        run.warn(f"gallery of {candidate.path}: left out, because of {told}")
        return
    seconds = time.perf_counter() - start
    yield Evidence(check=CHECK, outcome=Outcome.MEASURED, exhibits=(exhibit,), seconds=seconds)


def choose(table: PredictionTable) -> Choice:
    """Return the images that tell the models apart, the worst first; equals stay in the order of the data set.

    With labels these are what the reference has right and the candidate wrong, by how much probability the true class
    lost; without, what they name differently, by the total variation distance of their probabilities.
    """
    ours, theirs, labels = table.reference, table.candidate, table.labels
    if labels is None:
        rows = np.flatnonzero(ours.answers != theirs.answers)
        apart = np.abs(ours.probabilities[rows] - theirs.probabilities[rows]).sum(axis=1) / 2
        told = "that the two models name differently, by the total variation distance of their probabilities"
        return Choice(rows[np.argsort(-apart, kind="stable")], _APART, told)
    rows = np.flatnonzero((ours.answers == labels) & (theirs.answers != labels))
    true = labels[rows]
    loss = ours.probabilities[rows, true] - theirs.probabilities[rows, true]
    told = "that the reference has right and the candidate wrong, by how much probability the true class lost"
    return Choice(rows[np.argsort(-loss, kind="stable")], _TRUE, told)


def shrink(pixels: NDArray[np.uint8]) -> Thumbnail:
    """Return an image at most `SIDE` pixels long and wide, as PNG or JPEG, without any metadata of its file.

    Args:
        pixels: (H, W) grey or (H, W, 3) RGB.
    """
    from PIL import Image

    image = Image.fromarray(np.ascontiguousarray(pixels))
    if max(image.size) > SIDE:
        image.thumbnail((SIDE, SIDE), Image.Resampling.LANCZOS, reducing_gap=3.0)
    png = _encoded(image, "PNG", optimize=True)
    if max(image.size) <= LOSSLESS:
        return Thumbnail("image/png", png)
    jpeg = _encoded(image, "JPEG", quality=QUALITY, optimize=True)
    return Thumbnail("image/png", png) if len(png) <= len(jpeg) else Thumbnail("image/jpeg", jpeg)


def _encoded(image: Image, form: str, **options: object) -> str:
    stream = io.BytesIO()
    image.save(stream, form, **options)
    return base64.b64encode(stream.getvalue()).decode("ascii")


def _shots(table: PredictionTable, choice: Choice, thumbnails: Thumbnails, most: int) -> tuple[list[Shot], str]:
    """Return the worst images that can be read again, and a word on those that cannot."""
    tried = choice.rows[: 2 * most].tolist()
    places = thumbnails.find([table.ids[row] for row in tried])
    shots: list[Shot] = []
    unread: list[str] = []
    until = time.monotonic() + SECONDS
    for row in tried:
        if len(shots) == most:
            break
        if time.monotonic() > until:
            unread.append(f"no more than {len(shots)} images could be read in {SECONDS:g} s")
            break
        image = table.ids[row]
        try:
            shots.append(_shot(table, row, thumbnails.of(image, places[image])))
        except UnreadableImage as error:
            unread.append(f"{image!r} cannot be read again: {error}")
    return shots, "; ".join([*unread[:3], *([f"and {len(unread) - 3} more"] if len(unread) > 3 else [])])


def _shot(table: PredictionTable, row: int, thumbnail: Thumbnail) -> Shot:
    return Shot(
        image=_text(table.ids[row]),
        label=None if table.labels is None else _text(table.classes[table.labels[row]]),
        reference=_answer(table, table.reference, row),
        candidate=_answer(table, table.candidate, row),
        media_type=thumbnail.media_type,
        base64=thumbnail.base64,
    )


def _answer(table: PredictionTable, said: Predictions, row: int) -> Answer:
    named = int(said.answers[row])
    return Answer(name=_text(table.classes[named]), probability=min(1.0, float(said.probabilities[row, named])))


def _text(name: str) -> str:
    """Return a name that a report can hold: names of files need not be Unicode."""
    return name.encode("utf-8", "backslashreplace").decode("utf-8")


def _caption(table: PredictionTable, choice: Choice, shown: int, lost: str) -> str:
    which = (
        f"The worst {shown:,} of {len(choice.rows):,} images" if shown < len(choice.rows) else f"All {shown:,} images"
    )
    if len(choice.rows) == 1:
        which = "The one image"
    labels = "" if table.labels is not None else " without labels"
    more = f" Left out: {lost}." if lost else ""
    return f"{which} {choice.told}, of {len(table):,}{labels}.{more}"
