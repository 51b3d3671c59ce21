"""The yardstick of a run: held to its reference and its images, and laid beside the answers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from vetgate.domain.errors import YardstickError
from vetgate.domain.predictions import PredictionTable
from vetgate.domain.yardstick import Peer, Yardstick, YardstickSummary
from vetgate.gate.data import Images
from vetgate.gate.entrant import Entrant
from vetgate.statistics import row_distances
from vetgate.yardstick import Content, Reading, probabilities, read

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

MOVED = 0.01
"""Of the median distance: the reference that answers this much otherwise than when the yardstick was built has another
runtime, and readers are told."""


@dataclass(frozen=True)
class LoadedYardstick:
    """A yardstick from a file, to be laid beside the answers of runs."""

    name: str
    """The path as typed."""
    reading: Reading

    @property
    def content(self) -> Content:
        """What it holds."""
        return self.reading.content

    @property
    def summary(self) -> YardstickSummary:
        """What a report says of it."""
        header = self.content.header
        return YardstickSummary(
            name=self.name,
            sha256=self.reading.sha256,
            distance=header.distance,
            peers=header.peers,
            images=header.images,
        )

    def require_images(self, images: Images, unreadable: float) -> None:
        """Refuse the images of a run that are not all in it, before any is decoded.

        Args:
            images: Of the run.
            unreadable: Share that may be missing, in [0, 1]: an image that cannot be decoded is in no yardstick.

        Raises:
            YardstickError: More are.
        """
        known, digests = set(self.content.digests), images.digests
        if sum(digest not in known for digest in digests) > unreadable * len(digests):
            self._rows(digests, images.ids)

    def require_reference(self, reference: Entrant) -> None:
        """Refuse a reference that it was not built for, as far as that is known.

        Args:
            reference: Admitted; a card inside the file is known once it is described.

        Raises:
            YardstickError: It is another file, or is fed or read in another way.
        """
        origin = self.content.header.reference
        summary = reference.summary()
        known = (
            ("is another file", origin.sha256, summary.sha256),
            ("has another card", origin.card_sha256, summary.card_sha256),
        )
        for what, wanted, found in known:
            if found is not None and wanted != found:
                raise YardstickError(
                    f"the yardstick {self.name} was built for another reference: {summary.name} {what} (sha256 "
                    f"{found[:12]}) than that of {origin.name} ({wanted[:12]})",
                    hint=f"build one for it: vetgate yardstick build --reference {summary.name} --independent ...",
                )

    def beside(self, table: PredictionTable, images: Images) -> Yardstick:
        """Return the answers of the independents to the images of a table.

        Args:
            table: Of a reference that it was built for.
            images: Those of the run, which tell the digests.

        Raises:
            YardstickError: An image is not in it, or the models tell another number of classes apart.
        """
        header = self.content.header
        if len(table.classes) != len(header.classes):
            raise YardstickError(
                f"the yardstick {self.name} tells {len(header.classes)} classes apart, and the models "
                f"{len(table.classes)}"
            )
        rows, finals = self._rows_of(table, images), self.content.finals
        return Yardstick(
            summary=self.summary,
            peers=tuple(peer for peer, _ in finals),
            probabilities=tuple(probabilities(matrix, rows) for _, matrix in finals),
        )

    def peers_on(self, digests: Sequence[str], ids: Sequence[str]) -> tuple[tuple[Peer, NDArray[np.float64]], ...]:
        """Return every model in it and its probabilities (M, C) for M images, checkpoints too where they were read.

        Args:
            digests: (M,) of the images.
            ids: (M,) their names, for the refusal.

        Raises:
            YardstickError: An image is not in it.
        """
        rows = self._rows(digests, ids)
        pairs = zip(self.content.peers, self.content.matrices, strict=True)
        return tuple((peer, probabilities(matrix, rows)) for peer, matrix in pairs)

    def doubts(self, candidate: str | None) -> Iterator[str]:
        """Yield what a reader must know before trusting a candidate's figures that rest on it.

        Args:
            candidate: Digest of the candidate, where it is known.
        """
        for peer in self.content.header.peers:
            if candidate is not None and peer.sha256 == candidate:
                what = "an independent model" if peer.final else "a checkpoint of an independent model"
                yield f"the candidate is {peer.name}, {what} of the yardstick {self.name}: it was measured with itself"

    def reference_moved(self, table: PredictionTable, images: Images) -> str:
        """Return a warning where the reference answers otherwise than when this was built; else nothing.

        Args:
            table: Both models' answers.
            images: Those of the run.
        """
        then = probabilities(self.content.reference, self._rows_of(table, images))
        measured = self.reading.gauge
        moved = float(row_distances(measured.distance, table.reference.probabilities, then).mean()) / measured.median
        if moved <= MOVED:
            return ""
        return (
            f"the reference answers otherwise than when the yardstick {self.name} was built, by {moved:.2g} of its "
            "median distance; if another runtime or machine does that, build it anew where checks run"
        )

    def _rows_of(self, table: PredictionTable, images: Images) -> NDArray[np.intp]:
        digests = dict(zip(images.ids, images.digests, strict=True))
        return self._rows([digests[name] for name in table.ids], table.ids)

    def _rows(self, digests: Sequence[str], ids: Sequence[str]) -> NDArray[np.intp]:
        try:
            return self.content.rows(digests, ids)
        except YardstickError as error:
            raise YardstickError(f"the yardstick {self.name}: {error.message}", hint=error.hint) from None


def load_yardstick(path: str, *, checkpoints: bool = True) -> LoadedYardstick:
    """Return the yardstick that a file holds.

    Args:
        path: As typed.
        checkpoints: Whether checkpoints are needed too; a check measures with independents alone.

    Raises:
        YardstickError: It cannot be read or measured with.
    """
    return LoadedYardstick(path, read(path, checkpoints=checkpoints))
