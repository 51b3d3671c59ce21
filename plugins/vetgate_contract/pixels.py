"""Whether the pixels that a card makes fit what the model's input takes: doubts, never a correction."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from vetgate.api import Card, Finding, Port, Severity, Subject

CLIPPED = 0.1
"""Share of the 256 pixel values that may lie beyond a quantised input's range."""
USED = 0.125
"""Share of a quantised input's range that pixels should at least span."""
FLAT = 0.1
"""Span of what reaches the first layer below which a picture is next to nothing; nobody trains on that."""
_RAW = "for a model that scales its input itself write scale: 1, mean: [0], std: [1] in the card"


def input_doubts(subject: Subject) -> Iterator[Finding]:
    """Yield why what the card makes of pixels may not be what the model was made for."""
    structure = subject.structure
    if len(structure.inputs) != 1:
        return
    values, port = _values(subject.card), structure.inputs[0]
    yield from _quantised(values, port, subject.artifact.name)
    own = structure.own_scaling
    span = float(np.ptp(values, axis=1).max())
    if own is not None and own.factor < 1 and span * own.factor < FLAT:
        yield Finding(
            rule="contract.scaled-twice",
            severity=Severity.MEDIUM,
            message=f"{subject.artifact.name} scales its input itself ({', '.join(own.operators)}, by "
            f"{own.factor:.4g}), and its card does so before: pixels of 0 to 255 span {span * own.factor:.4g} where "
            "its first layer is.",
            location=f"input {port.name}",
            advice=f"Pixels seem to be scaled twice; {_RAW}.",
        )


def _values(card: Card) -> NDArray[np.float64]:
    """Return what the card makes of the pixels 0 to 255, by channel (channels or 1, 256)."""
    mean, std = (np.asarray(part, np.float64)[:, np.newaxis] for part in (card.input.mean, card.input.std))
    return np.asarray((np.arange(256) * card.input.scale - mean) / std)


def _quantised(values: NDArray[np.float64], port: Port, name: str) -> Iterator[Finding]:
    """Yield that a quantised input clips the card's values, or is hardly used by them."""
    if port.scale is None or port.dtype not in ("uint8", "int8", "uint16", "int16"):
        return
    limits, zero = np.iinfo(port.dtype), port.zero_point or 0
    low, high = (limits.min - zero) * port.scale, (limits.max - zero) * port.scale
    clipped = float(((values < low - port.scale) | (values > high + port.scale)).mean())
    made = f"{values.min():.4g} to {values.max():.4g}"
    if clipped > CLIPPED:
        told = f"{clipped:.0%} of them are clipped"
    elif port.dtype.endswith("int8") and np.ptp(values) < USED * (high - low):
        told = f"they use {np.ptp(values) / (high - low):.2%} of it"
    else:
        return
    yield Finding(
        rule="contract.input-range",
        severity=Severity.MEDIUM,
        message=f"The card of {name} makes pixels {made}, and its input {port.name!r} holds {low:.4g} to {high:.4g}: "
        f"{told}.",
        location=f"input {port.name}",
        advice="State scale, mean and std of the real values that the model was trained on in the card.",
    )
