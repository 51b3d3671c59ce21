"""What a yardstick file holds, and what must be true of it."""

from __future__ import annotations

import datetime
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Literal

import numpy as np
from pydantic import PositiveInt

from vetgate.domain.errors import YardstickError
from vetgate.domain.record import Record
from vetgate.domain.yardstick import Distance, Peer

if TYPE_CHECKING:
    from numpy.typing import NDArray

FEWEST_INDEPENDENTS = 2
"""One alone has no median, and nothing tells whether it is a usual one."""
FEWEST_IMAGES = 30
"""With fewer, a bootstrap does not tell how far the median strays."""
MOST_PEERS = 1000
"""Independents and checkpoints together."""
SLACK = 1e-4
"""How far the sum of a row may be from 1: a thousand probabilities in single precision stay within 1e-6."""


class Origin(Record):
    """The reference that a yardstick was built for."""

    name: str
    """The path as typed."""
    sha256: str
    """Of the artifact."""
    card_sha256: str
    """Of its card's content: another way of feeding it makes other answers."""


class Header(Record):
    """Everything in the file but numbers."""

    kind: Literal["vetgate yardstick"] = "vetgate yardstick"
    schema_version: Literal[1] = 1
    vetgate: str
    """Version that wrote it."""
    created: datetime.datetime
    reference: Origin
    data: str
    """The data set as typed."""
    data_sha256: str
    """Of its frozen list of images."""
    images: PositiveInt
    """N."""
    ids: tuple[str, ...]
    """(N,) names of the images."""
    classes: tuple[str, ...]
    """(C,) in the reference's order; indices as text where nobody named them."""
    labelled: bool
    distance: Distance
    peers: tuple[Peer, ...]
    """Independents and their checkpoints."""


@dataclass(frozen=True)
class Content:
    """A yardstick in memory: matrices (N, C) of probabilities in single precision, as in the file."""

    header: Header
    digests: tuple[str, ...]
    """(N,) of the images."""
    labels: NDArray[np.int32] | None
    """(N,) in the reference's class order."""
    reference: NDArray[np.float32]
    peers: tuple[Peer, ...]
    """Those of the header that were read: all of them, or the independents alone."""
    matrices: tuple[NDArray[np.float32], ...]
    """One for each of `peers`."""

    def __len__(self) -> int:
        return self.header.images

    @property
    def finals(self) -> tuple[tuple[Peer, NDArray[np.float32]], ...]:
        """The independents, at least two."""
        return tuple(pair for pair in zip(self.peers, self.matrices, strict=True) if pair[0].final)

    @cached_property
    def _rows(self) -> dict[str, int]:
        return {digest: row for row, digest in reversed(list(enumerate(self.digests)))}

    def rows(self, digests: Sequence[str], ids: Sequence[str]) -> NDArray[np.intp]:
        """Return (M,) the row of each of M images, told by digest.

        Args:
            digests: Of the images.
            ids: Their names, for the refusal.

        Raises:
            YardstickError: Some are not in it.
        """
        strange = [name for digest, name in zip(digests, ids, strict=True) if digest not in self._rows]
        if strange:
            raise YardstickError(
                f"it was built on other data: {len(strange):,} of {len(ids):,} images are not among its "
                f"{len(self):,} of {self.header.data}, the first {strange[0]!r}",
                hint="build it on all images that checks will use: vetgate yardstick build --data PATH",
            )
        return np.asarray([self._rows[digest] for digest in digests], dtype=np.intp)

    def accuracy(self, matrix: NDArray[np.float32]) -> float | None:
        """Return the share of images on which a matrix (N, C) has the label at the top; None without labels."""
        return None if self.labels is None else float(np.mean(matrix.argmax(axis=1) == self.labels))


def probabilities(matrix: NDArray[np.float32], rows: NDArray[np.intp] | None = None) -> NDArray[np.float64]:
    """Return rows of a matrix in double precision, each with the sum 1 again.

    Single precision keeps each probability to 6e-8 of itself, and none below 1e-45.

    Args:
        matrix: (N, C) as in the file.
        rows: (M,) which, in which order; None for all.
    """
    values = (matrix if rows is None else matrix[rows]).astype(np.float64)
    values /= values.sum(axis=1, keepdims=True)
    return values


def require_sound(content: Content) -> None:
    """Refuse a yardstick that cannot be one.

    Raises:
        YardstickError: It has fewer than two independents or too few images, one model twice, or rows that are no
            probabilities.
    """
    require_sound_header(content.header)
    for name, matrix in ((content.header.reference.name, content.reference), *_named(content)):
        _require_probabilities(name, matrix)
    _require_different(content)


def require_sound_header(header: Header) -> None:
    """Refuse a yardstick whose header alone shows that it cannot be one.

    Raises:
        YardstickError: As said there.
    """
    for why in _faults(header):
        raise YardstickError(why)


def _faults(header: Header) -> Iterator[str]:
    """Yield what is wrong with a header."""
    finals = [peer for peer in header.peers if peer.final]
    if len(finals) < FEWEST_INDEPENDENTS:
        told = "1 independent model" if finals else "no independent model"
        yield f"it has {told}, and takes {FEWEST_INDEPENDENTS} at least"
    if len(header.peers) > MOST_PEERS:
        yield f"it has {len(header.peers):,} models, and takes {MOST_PEERS:,} at most"
    if header.images < FEWEST_IMAGES:
        yield f"it has {header.images} images, and takes {FEWEST_IMAGES} at least"
    if len(header.ids) != header.images or len(set(header.ids)) != header.images:
        yield f"it names {len(set(header.ids))} images and says {header.images}"
    if len(header.classes) < 2:
        yield "the models tell fewer than two classes apart"
    names = {header.reference.sha256: f"the reference {header.reference.name}"}
    for peer in header.peers:
        if peer.sha256 in names:
            yield f"{peer.name} is the same file as {names[peer.sha256]}, and was not trained independently of it"
        names.setdefault(peer.sha256, peer.name)
    yield from _run_faults(header.peers)


def _run_faults(peers: Sequence[Peer]) -> Iterator[str]:
    """Yield where training runs make no sense."""
    ends = Counter(peer.run for peer in peers if peer.final)
    for peer in peers:
        later = [other for other in peers if other.run == peer.run and other.step > peer.step]
        twice = [other for other in peers if other.run == peer.run and other.step == peer.step]
        if ends[peer.run] != 1 or (peer.final and later) or len(twice) > 1:
            yield f"the training run {peer.run!r} has no order with one last model"
            return


def _named(content: Content) -> Iterator[tuple[str, NDArray[np.float32]]]:
    for peer, matrix in zip(content.peers, content.matrices, strict=True):
        yield peer.name, matrix


def _require_probabilities(name: str, matrix: NDArray[np.float32]) -> None:
    bad = np.flatnonzero(~np.isfinite(matrix).all(axis=1))
    if len(bad):
        raise YardstickError(f"the answers of {name} are NaN or infinite on {len(bad):,} of {len(matrix):,} images")
    sums = matrix.sum(axis=1, dtype=np.float64)
    if matrix.min() < 0 or np.abs(sums - 1.0).max() > SLACK:
        raise YardstickError(f"the answers of {name} are no probabilities: rows must be positive and sum to 1")


def _require_different(content: Content) -> None:
    """Refuse independents that answer every image alike: another file may hold the same weights."""
    seen = [(f"the reference {content.header.reference.name}", content.reference)]
    for peer, matrix in content.finals:
        for name, other in seen:
            if np.array_equal(matrix, other):
                raise YardstickError(f"{peer.name} answers every image exactly as {name} does: it is the same model")
        seen.append((peer.name, matrix))
