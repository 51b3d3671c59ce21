"""The squares of a picture: every embedding of all points, then the crowds around the reference, each fitted alone.

A crowd is not cut out of the picture of all points and blown up: the plane of all points is chosen by those that are
far, and shows little of how near ones lie to each other.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vetgate.reporting import Embedding, Landscape, plain, principal_coordinates, rank_correlation
from vetgate_landscape.crowd import crowds_of
from vetgate_landscape.embed import ROOT_JS
from vetgate_landscape.words import SCALING, below, correlation, counted, reference_of

Array = NDArray[np.float64]

_ROOM = 1.28
"""Half a square, in halves of what it shows: room for labels."""


@dataclass(frozen=True)
class Panel:
    """One square."""

    title: str
    caption: str
    """Which way was drawn, of which distances, and how true."""
    members: tuple[int, ...]
    """(M,) points that it shows."""
    points: Array
    """(M, 2) where."""
    next: tuple[int, ...] = ()
    """Points that a later square shows magnified, the reference among them."""
    later: int = 0
    """Which square that is, from 0."""
    shown: float | None = None
    """Share in [0, 1] of the squared distances that classical scaling shows; None where another way was drawn."""

    again: bool = False
    """Whether another square shows all of these points, and names them."""

    @property
    def true(self) -> bool:
        """Whether its distances are those of classical scaling, so that those of `next` lie around the reference."""
        return self.shown is not None

    @property
    def window(self) -> tuple[float, float, float]:
        """Middle and half the side of the square."""
        low, high = self.points.min(axis=0), self.points.max(axis=0)
        x, y = ((low + high) / 2).tolist()
        half = float((high - low).max()) / 2
        return x, y, _ROOM * half if half > 0 else 1.0


def panels_of(landscape: Landscape) -> list[Panel]:
    """Return the squares in order."""
    reference = reference_of(landscape)
    true = np.sqrt(np.asarray(landscape.divergence, dtype=np.float64))
    crowds = crowds_of(true[reference], reference) if reference is not None else []
    everyone = tuple(range(len(landscape.points)))
    panels = [
        Panel(
            title=plain(embedding.method),
            caption=below(embedding),
            members=everyone,
            points=np.asarray(embedding.coordinates, dtype=np.float64),
            next=tuple(crowds[0]) if crowds else (),
            later=len(landscape.embeddings),
            shown=_shown(embedding),
            again=_shown(embedding) is None and any(_shown(other) is not None for other in landscape.embeddings),
        )
        for embedding in landscape.embeddings
    ]
    for index, crowd in enumerate(crowds):
        inner = tuple(crowds[index + 1]) if index + 1 < len(crowds) else ()
        panels.append(_crowded(crowd, inner, len(panels) + 1, true))
    return panels


def _crowded(crowd: list[int], inner: tuple[int, ...], later: int, true: Array) -> Panel:
    """Return the square of a crowd, by classical scaling of its own distances."""
    own = true[np.ix_(crowd, crowd)]
    principal = principal_coordinates(own)
    points = principal.coordinates[:, :2]
    return Panel(
        title=f"{counted(len(crowd), 'model')} near the reference: {SCALING} of them alone",
        caption=f"of {ROOT_JS}; {correlation(rank_correlation(points, own))}",
        members=tuple(crowd),
        points=points,
        next=inner,
        later=later,
        shown=principal.shown,
    )


def _shown(embedding: Embedding) -> float | None:
    found = embedding.settings.get("shown")
    return float(found) if embedding.method == SCALING and isinstance(found, int | float) else None
