"""What checks that train are given besides the models of a run: images to train on, annotations, and a labeller."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from vetgate.domain.card import Card
from vetgate.domain.errors import Inconclusive, UsageError
from vetgate.domain.request import RunRequest
from vetgate.domain.samples import Samples, SampleSet
from vetgate.domain.structure import Structure
from vetgate.domain.trainer import Labeller
from vetgate.gate.annotation import Annotations
from vetgate.gate.answers import Sitting
from vetgate.gate.data import Images
from vetgate.gate.house import House
from vetgate.gate.material import labels_of, open_apart
from vetgate.host import Host, Kind
from vetgate.inference.assignment import DRAWN, Names
from vetgate.inference.commission import Material
from vetgate.inference.layout import lay_out

if TYPE_CHECKING:
    from numpy.typing import NDArray

Tell = Callable[[str, int, int], None]


@dataclass(frozen=True)
class Laid:
    """N images in files, fitted to the reference's card."""

    images: Images
    """The list that they are of."""
    indices: tuple[int, ...]
    """(N,) samples of its source."""
    material: Material
    card: Card
    """Of the reference."""
    names: str
    """Path of their ids and digests."""
    concepts: str | None = None
    """Path of their annotations."""

    @property
    def ids(self) -> list[str]:
        """(N,) ids."""
        return [self.images.samples.ids[index] for index in self.indices]

    @property
    def digests(self) -> list[str]:
        """(N,) digests."""
        return [self.images.samples.digests[index] for index in self.indices]


@dataclass
class Supplies:
    """Opened at once, and laid out when a check first needs them; one run's.

    Args:
        request: What the user asks.
        vetted: The images of the run.
        house: What the run shares.

    Raises:
        UsageError: The training data shares images with those of the run, or a name means nothing.
        DataError: A file cannot be read.
        MissingExtra: The labeller lacks a library.
    """

    request: RunRequest
    vetted: Images
    house: House
    training: Images | None = field(init=False)
    annotations: Annotations | None = field(init=False)
    labeller: Labeller | None = field(init=False)
    folder: Path = field(init=False)
    """Private."""
    sitting: Sitting | None = field(init=False, default=None)
    """Of the training images; the candidates answer them."""
    _laid_training: Laid | None = field(init=False, default=None)
    _laid_vetted: Laid | None = field(init=False, default=None)

    def __post_init__(self) -> None:
        request, host = self.request, self.house.host
        self.training = open_apart(request.train_data, "--train-data", self.vetted, host, "candidates")
        self.annotations = Annotations(request.concepts) if request.concepts is not None else None
        if self.annotations is not None:
            self.annotations.match(self.vetted.ids)
        self.labeller = _labeller(request, host)
        self.folder = self.house.vault.folder / "supplies"
        self.folder.mkdir(mode=0o700)
        if self.training is not None:
            self.sitting = Sitting(self.training, self.house)

    def lay_out_training(self, card: Card, structure: Structure | None, tell: Tell) -> Laid | None:
        """Return the training images in files; done once.

        Raises:
            DataError: An image cannot be read or does not fit the card, or labels do not fit the reference.
        """
        if self.training is not None and self._laid_training is None:
            labels = labels_of(self.training, card, structure)
            indices = tuple(self.training.indices)
            self._laid_training = self._lay_out(self.training, indices, labels, card, "training", tell)
        return self._laid_training

    def lay_out_vetted(
        self,
        ids: Sequence[str],
        labels: NDArray[np.int64] | None,
        card: Card,
        classes: Sequence[str],
        tell: Tell,
    ) -> Laid:
        """Return the images of a prediction table in files, in its order, with their annotations; done once for all.

        Args:
            ids: (N,) of the table.
            labels: (N,) of the table.
            card: Of the reference.
            classes: (C,) of the table.
            tell: Told (what, done, total).

        Raises:
            DataError: An image does not fit the card or its annotations.
        """
        if self._laid_vetted is None or self._laid_vetted.ids != list(ids):
            place = {name: index for index, name in enumerate(self.vetted.samples.ids)}
            indices = tuple(place[name] for name in ids)
            self._laid_vetted = self._lay_out(self.vetted, indices, labels, card, "vetted", tell, classes)
        return self._laid_vetted

    def _lay_out(
        self,
        images: Images,
        indices: tuple[int, ...],
        labels: NDArray[np.int64] | None,
        card: Card,
        stem: str,
        tell: Tell,
        classes: Sequence[str] = (),
    ) -> Laid:
        source = _Measured(images.source)
        what = f"reading {images.name}"
        material = lay_out(
            source, indices, labels, card.input, self.folder / stem, lambda done, total: tell(what, done, total)
        )
        samples = images.samples
        ids = tuple(samples.ids[index] for index in indices)
        names = Names(ids=ids, digests=tuple(samples.digests[index] for index in indices))
        path = write(self.folder / f"{stem}.names.json", names.model_dump_json().encode())
        if self.annotations is None or stem != "vetted":
            return Laid(images, indices, material, card, path)
        drawn = tuple(self.annotations.drawn(ids, source.sizes, classes))
        concepts = write(self.folder / f"{stem}.concepts.json", DRAWN.dump_json(drawn))
        return Laid(images, indices, material, card, path, concepts)


class _Measured:
    """A source that notes how large its images are. Implements SampleSet."""

    def __init__(self, source: SampleSet) -> None:
        self._source = source
        self.sizes: dict[str, tuple[int, int]] = {}
        """(height, width) by id."""

    @property
    def samples(self) -> Samples:
        """The source's."""
        return self._source.samples

    def read(self, index: int) -> NDArray[np.uint8]:
        """Return an image as the source does."""
        pixels = self._source.read(index)
        if isinstance(pixels, np.ndarray) and pixels.ndim >= 2:
            self.sizes[self.samples.ids[index]] = (pixels.shape[0], pixels.shape[1])
        return pixels


def write(path: Path, content: bytes) -> str:
    """Write a private file; return its path.

    Raises:
        Inconclusive: There is no room for it.
    """
    try:
        path.write_bytes(content)
    except OSError as error:
        raise Inconclusive(f"no room for {path.name}: {error}", hint="set TMPDIR to a folder with room") from None
    return str(path)


def _labeller(request: RunRequest, host: Host) -> Labeller | None:
    """Return who names parts that nobody annotated; nobody is asked yet."""
    if request.labeller is None:
        if request.labeller_settings:
            raise UsageError("settings of a labeller are given, but none is named", hint="--labeller NAME")
        return None
    offer = host.offer(Kind.LABELLER, request.labeller)
    if offer is None:
        known = ", ".join(host.names(Kind.LABELLER)) or "none"
        raise UsageError(f"there is no labeller {request.labeller!r} (known: {known})")
    offer.require()
    labeller: Labeller = offer.spec.factory(request.labeller_settings)
    return labeller
