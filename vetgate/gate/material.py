"""What variants are made of besides the reference: images to train and calibrate on, none of them vetted on."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from vetgate.domain.card import Card
from vetgate.domain.errors import DataError, UsageError
from vetgate.domain.request import StudyRequest
from vetgate.domain.structure import Structure
from vetgate.gate.data import Images, open_images
from vetgate.host import Host
from vetgate.inference.commission import Material
from vetgate.inference.layout import lay_out
from vetgate.inference.table import match_labels

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

CALIBRATION_IMAGES = 1000
"""Drawn from the training data where no calibration data is named."""

Tell = Callable[[str, int, int], None]


class Stock:
    """Images to train and calibrate on, opened at once and laid out when a variant first needs them.

    Args:
        request: The study.
        vetted: The images that variants are vetted on.
        host: Who reads data sets.
        folder: A private folder for the files.

    Raises:
        UsageError: A data set is the vetting data, or shares images with it.
        DataError: It cannot be read.
    """

    def __init__(self, request: StudyRequest, vetted: Images, host: Host, folder: Path) -> None:
        self._folder, self._laid = folder, dict[str, Material]()
        self.training = open_apart(request.train_data, "--train-data", vetted, host, "variants")
        self.calibration = open_apart(request.calibration_data, "--calibration-data", vetted, host, "variants")
        if self.calibration is None and request.train_data is not None:
            self.calibration = open_images(request.train_data, host, CALIBRATION_IMAGES, request.run.seed)

    @property
    def labelled(self) -> bool:
        """Whether there are images to train on, with labels."""
        return self.training is not None and self.training.samples.labels is not None

    def require_labels_fit(self, card: Card, structure: Structure | None) -> None:
        """Refuse labels to train on that no output of the reference stands for.

        Raises:
            DataError: They do not fit.
        """
        if self.training is not None:
            labels_of(self.training, card, structure)

    def lay_out(self, which: str, card: Card, structure: Structure | None, tell: Tell) -> Material | None:
        """Return the images laid out in files; done once.

        Args:
            which: `training` or `calibration`.
            card: Of the reference.
            structure: Of the reference.
            tell: Told (what, done, total).

        Raises:
            DataError: An image cannot be read or does not fit the card.
        """
        images = self.training if which == "training" else self.calibration
        if images is None:
            return None
        if which not in self._laid:
            labels = labels_of(images, card, structure) if which == "training" else None
            stem = self._folder / which
            self._laid[which] = lay_out(
                images.source,
                images.indices,
                labels,
                card.input,
                stem,
                lambda done, total: tell(f"reading {images.name}", done, total),
            )
        return self._laid[which]


def open_apart(path: str | None, flag: str, vetted: Images, host: Host, who: str) -> Images | None:
    """Open a data set, made sure to share nothing with the images that are vetted on; None where none is named.

    Args:
        path: As typed.
        flag: That names it.
        vetted: The images of the run.
        host: Who reads data sets.
        who: What is vetted on those, for messages.

    Raises:
        UsageError: It is the vetting data, or shares images with it.
        DataError: It cannot be read.
    """
    if path is None:
        return None
    what = "what a model was made on says nothing of how it does on other images"
    if os.path.realpath(path) == os.path.realpath(vetted.name):
        raise UsageError(f"{flag} {path} is the data that {who} are vetted on; {what}")
    images = open_images(path, host, None, 0)
    shared = set(images.digests) & set(vetted.digests)
    if shared:
        raise UsageError(
            f"{flag} {path} shares {len(shared):,} of its {len(images.indices):,} images with {vetted.name}, which "
            f"{who} are vetted on; {what}",
            hint="take these images out of one of the two",
        )
    return images


def labels_of(images: Images, card: Card, structure: Structure | None) -> NDArray[np.int64] | None:
    """Return (N,) labels in the reference's class order; None for data without labels.

    Raises:
        DataError: They do not fit the reference's classes.
    """
    import numpy as np

    known = _classes(card, structure)
    if known is None and images.samples.labels is not None:
        raise DataError(
            f"how many classes the reference tells apart is not known, so the labels of {images.name} mean nothing",
            hint="list them in its card: output.classes",
        )
    labels = match_labels(images.samples, card.output, known or 0)
    return None if labels is None else labels[np.asarray(images.indices, dtype=np.intp)]


def _classes(card: Card, structure: Structure | None) -> int | None:
    """Return how many classes the reference tells apart, where its card or its file says."""
    output = card.output
    if output.classes is not None:
        return len(output.classes)
    ports = [port for port in (structure.outputs if structure else ()) if output.name in (None, port.name)]
    columns = ports[0].shape[-1] if len(ports) == 1 and len(ports[0].shape) == 2 else None
    return None if columns is None else columns - output.offset
