"""Metadata columns: a text for every image, by which a policy can slice; an empty text is a missing value."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from vetgate.api import BATCH, LABEL, LOOKS_OF_IMAGES, DataError

if TYPE_CHECKING:
    from numpy.typing import NDArray

MOST = 64
"""Columns of one data set; more are hardly meant for slicing."""
RESERVED = (LABEL, *LOOKS_OF_IMAGES, BATCH)
"""Names that a policy's slices use for something else, in small letters."""
_WHOLE = 1e15
"""Numbers under this print in full where they are whole."""


def require_names(names: Sequence[str], where: str) -> None:
    """Refuse names of columns that a policy could not tell apart.

    Args:
        names: Stripped; the columns of paths, images and labels are not among them.
        where: The file (and line), for messages.

    Raises:
        DataError: A name comes twice or is taken, or there are too many.
    """
    if len(names) > MOST:
        raise DataError(
            f"{where}: {len(names)} columns of metadata, but at most {MOST} are read",
            hint="leave out what no rule needs",
        )
    twice = [name for name, count in Counter(names).items() if count > 1]
    if twice:
        raise DataError(f"{where}: two columns are named {twice[0]!r}", hint="rename or remove one of them")
    taken = [name for name in names if name.lower() in RESERVED]
    if taken:
        raise DataError(
            f"{where}: the column {taken[0]!r} has a name that slices use otherwise ({', '.join(RESERVED)})",
            hint=f"rename it, such as to {taken[0]}_of_scene, or remove it",
        )


def require_lengths(columns: Mapping[str, Sequence[str]], count: int, where: str) -> None:
    """Refuse a column that has not one value for each of `count` images.

    Raises:
        DataError: A column is longer or shorter.
    """
    for name, values in columns.items():
        if len(values) != count:
            raise DataError(f"the data set {where} holds {count} images, but {len(values)} values of {name!r}")


def texts_of(values: NDArray[Any]) -> list[str]:
    """Return numbers, truth values or strings as people write them: 3, 0.1, true; empty where a number is none.

    Args:
        values: (N,) of a kind in `biufSU`.
    """
    if values.dtype.kind == "S":
        return [value.decode("utf-8", "replace").strip() for value in values.tolist()]
    if values.dtype.kind == "U":
        return [value.strip() for value in values.tolist()]
    if values.dtype.kind == "f":
        return [number_text(value) for value in values]
    return [str(value).lower() for value in values.tolist()]


def number_text(value: Any) -> str:  # noqa: ANN401  # a numpy float of any width, which prints in its own precision
    """Return a float as people write it: the fewest digits that tell it, `3` for 3.0, and nothing for NaN."""
    if math.isnan(value):
        return ""
    plain = float(value)  # half precision knows no number as great as the limit
    return str(int(plain)) if abs(plain) < _WHOLE and plain == int(plain) else str(value)
