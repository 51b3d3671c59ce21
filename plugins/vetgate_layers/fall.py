"""Where the signal-to-noise ratio falls: noise that a layer adds, against noise that it was handed."""

from __future__ import annotations

from collections.abc import Sequence

from vetgate_layers.power import Power

CLEAN = 60.0
"""Decibels above which more or less noise is rounding and no fall."""
USUAL = 30.0
"""Decibels that the first layer is held against, for it is handed none: what 8-bit arithmetic keeps with ease."""
BRANCHES = 2
"""Layers before it whose outputs a layer may take, as at the end of a residual block."""


def falls(powers: Sequence[Power]) -> list[float]:
    """Return by how many decibels each tensor lies below the worst of what it may have been made of, 0 or more.

    That is the tensor before it in its own layer, and the last ones of the two layers before; the wiring is not known.

    Args:
        powers: In the order in which the candidate computes them.
    """
    found: list[float] = []
    ends: list[float] = []
    """Ratio of the last tensor of each layer that is done."""
    for place, power in enumerate(powers):
        layer = power.pair.candidate.layer
        before = powers[place - 1] if place else None
        same = before is not None and before.pair.candidate.layer == layer
        if before is not None and not same:
            ends.append(before.ratio)
        given = [*ends[-BRANCHES:], *([before.ratio] if same and before is not None else [])]
        level = min(CLEAN, *given) if given else USUAL
        found.append(max(0.0, level - power.ratio))
    return found
