"""How far an independently trained model is from the reference: the yardstick of functional distances.

Source: I. F. Mason-Williams, "Bro changed :( Compression: A Functional Perspective", sections 2.4 and 3.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from pydantic import PositiveInt

from vetgate.domain.record import Record

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


class Distance(StrEnum):
    """What a yardstick measures with; all are 0 for equal answers, means over images."""

    JS_DIVERGENCE = "js_divergence"
    """Jensen-Shannon divergence of the rows, bits."""
    TOTAL_VARIATION = "total_variation"
    """Half the L1 distance of the rows."""
    L2 = "l2"
    """Euclidean distance of the rows."""
    DISAGREEMENT = "disagreement"
    """Share of images with another top-1 class."""


class Peer(Record):
    """A model trained independently of the reference on the same data, or a checkpoint of its training."""

    name: str
    """The path as typed when the yardstick was built."""
    sha256: str
    """Of the artifact."""
    card_sha256: str
    run: str
    """Training run; the checkpoints of one run and its last model share it."""
    step: PositiveInt
    """Place in its run, from 1."""
    final: bool
    """Whether it is the trained model; only those are measured with, checkpoints are for the landscape."""


class YardstickSummary(Record):
    """What a report says of the yardstick that it used."""

    name: str
    """The path as typed."""
    sha256: str
    """Of the file."""
    distance: Distance
    peers: tuple[Peer, ...]
    images: PositiveInt
    """Images that it was built on."""


@dataclass(frozen=True)
class Yardstick:
    """The answers of independent models to the images of one table."""

    summary: YardstickSummary
    peers: tuple[Peer, ...]
    """(U,) the independents: every peer that is final, at least two."""
    probabilities: tuple[NDArray[np.float64], ...]
    """(U,) matrices (N, C): rows and classes stand as in the table, rows sum to 1."""
