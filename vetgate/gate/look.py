"""Looking at one model: what the file holds, and what it would be fed (`vetgate inspect`)."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from vetgate import environment
from vetgate.artifacts import CardSource, Vault, draft_card
from vetgate.domain.artifact import Artifact
from vetgate.domain.card import Card
from vetgate.domain.deployment import ExecutionOptions
from vetgate.domain.errors import DataError
from vetgate.domain.request import Limits
from vetgate.domain.scan import Scanned
from vetgate.domain.structure import Structure
from vetgate.gate.deployment import offered_words
from vetgate.gate.entrant import Entrant
from vetgate.gate.house import House
from vetgate.gate.sources import Sources
from vetgate.host import Host
from vetgate.inference.cache import Cache, cache_folder
from vetgate.inference.memory import SharedBuffer
from vetgate.inference.prepare import fit, normalise

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True)
class Look:
    """What `vetgate inspect` shows."""

    artifact: Artifact
    structure: Structure
    card: CardSource | None
    card_problem: str
    """Why the card that is there cannot be read; empty where it can or there is none."""
    scanned: Scanned | None
    """What was found in the file before it was described."""
    offers: str
    """What may be asked of how it is run, in words."""
    draft: str
    """A card to start from, in YAML."""


def inspect_model(
    path: str,
    host: Host,
    *,
    card: str | None,
    architecture: str | None,
    seconds: float,
    execution: ExecutionOptions | None = None,
) -> Look:
    """Return what a model file holds; nothing of it runs.

    Args:
        path: The model file.
        host: The plugins.
        card: Its card, where the user names one.
        architecture: Code for a file that holds only weights.
        seconds: Patience with the child that parses the file.
        execution: How it is to be run, over its card.

    Raises:
        VetgateError: It cannot be read.
    """
    with Vault() as vault, SharedBuffer(sole=True) as images:
        house = House(
            host=host,
            vault=vault,
            sources=Sources(host, vault, Limits(seconds=seconds)),
            cache=Cache(cache_folder()),
            images=images,
            threads=1,
            execution=execution or ExecutionOptions(),
            batch=1,
            seconds=seconds,
            memory=environment.memory() * 3 // 4,
        )
        entrant = Entrant("model", path, card, architecture, house, card_matters=False)
        try:
            entrant.admit()
            entrant.recall()
            structure = entrant.describe(needs_card=False)
        finally:
            entrant.close()
        if entrant.artifact is None:
            raise DataError(f"{path} was not read")
        draft = draft_card(structure, path)
        offers = offered_words(entrant.artifact, host)
        return Look(entrant.artifact, structure, entrant.card, entrant.card_problem, entrant.scanned, offers, draft)


@dataclass(frozen=True)
class Fed:
    """One image as a model would be fed it."""

    pixels: NDArray[np.uint8]
    """(height, width, 1 or 3) after resizing and cropping, RGB."""
    values: NDArray[np.float32]
    """(1, C, H, W) or (1, H, W, C) as the model takes it."""


def preview(image: str, card: Card) -> Fed:
    """Return what a model with this card would be fed for an image file.

    Raises:
        DataError: The image cannot be read.
        CardError: It does not fit the card.
    """
    import numpy as np
    from PIL import Image, UnidentifiedImageError

    try:
        with Image.open(Path(image)) as opened:
            pixels = np.asarray(opened.convert("L" if opened.mode in ("1", "L") else "RGB"))
    except (OSError, UnidentifiedImageError, Image.DecompressionBombError) as error:
        raise DataError(f"the image {image} cannot be read: {error}") from None
    fitted = fit(pixels, card.input, image)
    return Fed(fitted, normalise(fitted[np.newaxis], card.input))
