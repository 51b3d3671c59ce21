"""Writing a yardstick: a .npz that `numpy.load` reads, with the header as JSON, nothing compressed, nothing pickled."""

from __future__ import annotations

import io
import zipfile

import numpy as np
from numpy.typing import NDArray

from vetgate.domain.errors import YardstickError
from vetgate.yardstick.content import Content

HEADER, DIGESTS, LABELS, REFERENCE = "header", "digests", "labels", "reference"
LARGEST = 4_000_000_000
"""Bytes: offsets of a zip without 64-bit fields end a little later."""
_EPOCH = (1980, 1, 1, 0, 0, 0)
"""The same content gives the same bytes."""


def peer_member(place: int) -> str:
    """Return the name of a peer's matrix by its place in the header, from 0."""
    return f"peer{place + 1:04d}"


def dump(content: Content) -> bytes:
    """Return the file of a yardstick that holds all its peers.

    Members: `header` (JSON in UTF-8, as bytes), `digests` (N,) of the images, `labels` (N,) where there are any,
    `reference` and `peer0001`, ... in the header's order (N, C).

    Raises:
        YardstickError: It would be too large.
    """
    size = content.reference.nbytes * (1 + len(content.matrices))
    if size > LARGEST * 0.95:
        raise YardstickError(
            f"it would take {size / 1e9:.3g} GB, and a yardstick takes {LARGEST / 1e9:.3g} GB at most",
            hint="use fewer images (--limit N) or fewer checkpoints",
        )
    arrays: dict[str, NDArray[np.generic]] = {
        HEADER: np.frombuffer(content.header.model_dump_json().encode(), dtype=np.uint8),
        DIGESTS: np.asarray(content.digests, dtype="S"),
        REFERENCE: content.reference,
    }
    if content.labels is not None:
        arrays[LABELS] = content.labels
    arrays |= {peer_member(place): matrix for place, matrix in enumerate(content.matrices)}
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED, allowZip64=False) as archive:
        for name, array in arrays.items():
            with archive.open(zipfile.ZipInfo(f"{name}.npy", _EPOCH), "w") as member:
                np.lib.format.write_array(member, np.ascontiguousarray(array), version=(1, 0), allow_pickle=False)
    return buffer.getvalue()
