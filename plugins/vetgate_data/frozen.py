"""Freezing a list of images: every source comes through here, so that every list obeys the same rules."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, overload

import numpy as np

from vetgate.api import DataError, Samples, Task
from vetgate_data.column import require_lengths, require_names

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray


class Digests(Sequence[str]):
    """Digests that are computed when they are first asked for: a drawn sample of a large set costs only its own.

    Args:
        count: N, images of the list.
        digest: Returns the digest of one image in hex.
    """

    def __init__(self, count: int, digest: Callable[[int], str]) -> None:
        self._known: list[str | None] = [None] * count
        self._digest = digest

    def __len__(self) -> int:
        return len(self._known)

    @overload
    def __getitem__(self, index: int) -> str: ...
    @overload
    def __getitem__(self, index: slice) -> list[str]: ...
    def __getitem__(self, index: int | slice) -> str | list[str]:
        if isinstance(index, slice):
            return [self[place] for place in range(*index.indices(len(self)))]
        known = self._known[index]
        if known is None:
            known = self._known[index] = self._digest(index % len(self._known))
        return known


def freeze(
    ids: Sequence[str],
    digests: Sequence[str],
    labels: ArrayLike | None,
    classes: Sequence[str] | None,
    where: str,
    columns: Mapping[str, Sequence[str]] | None = None,
    *,
    annotated: Task | None = None,
    annotations: Sequence[str] = (),
) -> Samples:
    """Return the frozen list of N images.

    Args:
        ids: (N,) names within the data set.
        digests: (N,) in hex.
        labels: (N,) integers from 0, or None.
        classes: Class names by label, or None.
        where: The data set as the user named it, for messages.
        columns: (N,) texts by metadata column.
        annotated: What the images are annotated for, where that is more than a label.
        annotations: (N,) digests of what is annotated, in hex.

    Raises:
        DataError: There is no image, an id, a class name or a column comes twice, a column's name is taken, or a label
            is negative or has no class.
    """
    if not ids:
        raise DataError(f"the data set {where} holds no images")
    _require_distinct(ids, f"the data set {where} holds two images named")
    if classes is not None:
        _require_distinct(classes, f"the data set {where} lists twice the class")
    columns = columns or {}
    require_names(list(columns), where)
    require_lengths(columns, len(ids), where)
    names = None if classes is None else tuple(classes)
    return Samples(ids, digests, _labels(ids, labels, classes, where), names, columns, annotated, annotations)


def _require_distinct(names: Sequence[str], message: str) -> None:
    if len(set(names)) == len(names):
        return
    twice = next(name for name, count in Counter(names).items() if count > 1)
    raise DataError(f"{message} {twice!r}", hint="rename or remove one of them")


def _labels(
    ids: Sequence[str], labels: ArrayLike | None, classes: Sequence[str] | None, where: str
) -> NDArray[np.int64] | None:
    if labels is None:
        return None
    try:
        values = np.asarray(labels).astype(np.int64)
    except OverflowError:
        raise DataError(f"the data set {where} has a label beyond 64 bits", hint="labels count from 0") from None
    if values.shape != (len(ids),):
        raise DataError(f"the data set {where} holds {len(ids)} images, but labels of shape {values.shape}")
    least, most = int(values.argmin()), int(values.argmax())
    if values[least] < 0:
        raise DataError(
            f"the data set {where} has the negative label {values[least]} at image {ids[least]!r}",
            hint="labels count from 0; drop the labels if -1 stands for unlabelled",
        )
    if classes is not None and values[most] >= len(classes):
        raise DataError(
            f"the data set {where} has the label {values[most]} at image {ids[most]!r}, "
            f"but names {len(classes)} classes",
            hint="labels count from 0; name every class in label order",
        )
    values.flags.writeable = False
    return values
