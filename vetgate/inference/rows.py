"""Maps of classes and boxes as rows of one width, so that they travel and are kept as rows of class scores are.

A map is its height, its width, then three classes to a number: a float32 holds integers of 24 bits exactly. Boxes are
their number, then x1, y1, x2, y2 (in pixels of the model's input), score and class of each, best first, then zeros.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from vetgate.domain.card import Card, Detection, Output, Segmentation
from vetgate.domain.errors import CardError, WorkerFailed
from vetgate.domain.scene import NO_CLASS, Boxes

if TYPE_CHECKING:
    from numpy.typing import NDArray

TOGETHER = 3
"""Classes of a map in one number."""
FIGURES = 6
"""Of a box."""
SLACK = 0.02
"""How far a score may lie outside [0, 1] for its rounding, as for quantised probabilities."""


def names_of(output: Output) -> tuple[str | None, ...]:
    """Return the outputs that are read of a model, as the card names them."""
    how = output.detection
    if how is None:
        return (output.name,)
    return (how.boxes, how.scores, how.labels, *(() if how.count is None else (how.count,)))


def columns_of(card: Card) -> int:
    """Return how many numbers an answer takes at most, for a model whose map is no larger than its input."""
    if card.output.detection is not None:
        return 1 + FIGURES * card.output.detection.most
    return 2 + -(-card.input.size[0] * card.input.size[1] // TOGETHER)


def pack_maps(raw: NDArray[np.float32], output: Output, how: Segmentation) -> NDArray[np.float32]:
    """Return rows (N, 2 + ceil(h w / 3)) of the classes at each place; ties go to the first.

    Args:
        raw: As the model gave it.
        output: The output part of its card.
        how: Its section for maps.

    Raises:
        CardError: The output has another shape than the card says, or classes that the card does not list.
        WorkerFailed: It holds NaN or infinity.
    """
    classes, offset = _count(output), output.offset
    dimensions = 3 if how.layout == "NHW" else 4
    if raw.ndim != dimensions:
        raise CardError(f"the card says segmentation in {how.layout}, but its output is {_by(raw.shape)}")
    if not np.isfinite(raw).all():
        raise WorkerFailed("answered NaN or infinity")
    if how.layout == "NHW":
        found = raw
        if (found != np.round(found)).any() or found.min() < 0 or found.max() >= classes + offset:
            raise CardError(
                f"the card says that its output holds classes from 0 to {classes + offset - 1}, and it holds values "
                f"from {float(found.min()):.4g} to {float(found.max()):.4g}",
                hint="list every class in output.classes, or set output.segmentation.layout to that of the scores",
            )
    else:
        axis = 1 if how.layout == "NCHW" else 3
        if raw.shape[axis] != classes + offset:
            skipped = f" and skips {offset}" if offset else ""
            raise CardError(
                f"the card lists {classes} classes{skipped}, but its output {_by(raw.shape)} has {raw.shape[axis]} in "
                f"{how.layout}",
                hint="mend output.classes, output.offset or output.segmentation.layout in the card",
            )
        found = raw.argmax(axis=axis)
    labels = found.astype(np.int64) - offset
    return _packed(np.where(labels < 0, NO_CLASS, labels))


def _packed(labels: NDArray[np.int64]) -> NDArray[np.float32]:
    count, height, width = labels.shape
    flat = np.zeros((count, -(-height * width // TOGETHER) * TOGETHER), dtype=np.int64)
    flat[:, : height * width] = labels.reshape(count, -1)
    together = flat.reshape(count, -1, TOGETHER) @ np.array([1, 1 << 8, 1 << 16])
    head = np.tile([height, width], (count, 1))
    return np.concatenate([head, together], axis=1).astype(np.float32)


def read_map(row: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Return the map (h, w) that a row holds.

    Raises:
        WorkerFailed: It holds none.
    """
    height, width = (int(length) for length in row[:2])
    numbers = row[2:].astype(np.int64)
    whole = height > 0 and width > 0 and len(numbers) == -(-height * width // TOGETHER)
    if not whole or numbers.min() < 0 or numbers.max() >= 1 << 24:
        raise WorkerFailed("answered no map of classes")
    bytes_of = numbers.astype("<u4").view(np.uint8).reshape(-1, 4)[:, :TOGETHER]
    labels: NDArray[np.uint8] = bytes_of.reshape(-1)[: height * width].reshape(height, width)
    return labels


def pack_boxes(given: Sequence[NDArray[np.float32]], card: Card, how: Detection) -> NDArray[np.float32]:
    """Return one row (1 + 6 most,) of the boxes in one image.

    Args:
        given: Outputs of that image alone, as `names_of` names them.
        card: The model's card.
        how: Its section for boxes.

    Raises:
        CardError: An output has another shape than the card says, or a class that the card does not list.
        WorkerFailed: A number is not finite, a score lies outside [0, 1], or a box is turned inside out or lies outside
            the image.
    """
    corners, scores, labels = _entries(given, how)
    if not all(np.isfinite(part).all() for part in (corners, scores, labels)):
        raise WorkerFailed("answered NaN or infinity")
    if len(scores) and (scores.min() < -SLACK or scores.max() > 1 + SLACK):
        raise WorkerFailed(
            f"answered scores from {float(scores.min()):.4g} to {float(scores.max()):.4g}; they must lie in [0, 1]"
        )
    scores = np.clip(scores, 0.0, 1.0)
    meant = scores > float(np.float32(how.threshold))  # scores come in float32, in which 0.4 is a little more than 0.4
    classes = _classes(labels, meant, card.output)
    kept = np.flatnonzero(meant & (classes >= 0))
    kept = kept[np.argsort(-scores[kept], kind="stable")][: how.most]
    placed = _placed(corners[kept], card, how)
    row = np.zeros(1 + FIGURES * how.most, dtype=np.float32)
    row[0] = len(kept)
    figures = np.concatenate([placed, scores[kept, np.newaxis], classes[kept, np.newaxis]], axis=1)
    row[1 : 1 + figures.size] = figures.reshape(-1)
    return row


def _entries(given: Sequence[NDArray[np.float32]], how: Detection) -> list[NDArray[np.float64]]:
    """Return corners (D, 4), scores (D,) and labels (D,) of one image."""
    shapes = ((-1, 4), (-1,), (-1,))
    parts = []
    for values, shape, name in zip(given, shapes, (how.boxes, how.scores, how.labels), strict=False):
        own = values[0] if values.ndim == len(shape) + 1 and len(values) == 1 else values
        if own.ndim != len(shape) or own.shape[1:] != shape[1:]:
            wanted = "(1, D, 4) or (D, 4)" if len(shape) == 2 else "(1, D) or (D,)"
            raise CardError(f"its output {name!r} is {_by(values.shape)} for one image; {wanted} is needed")
        parts.append(own.astype(np.float64))
    if len({len(part) for part in parts}) > 1:
        told = ", ".join(str(len(part)) for part in parts)
        raise CardError(f"its outputs {how.boxes!r}, {how.scores!r} and {how.labels!r} have {told} entries")
    if how.count is None:
        return parts
    counted = given[3].reshape(-1)
    if counted.size != 1 or counted[0] != np.round(counted[0]) or not 0 <= counted[0] <= len(parts[1]):
        raise WorkerFailed(f"its output {how.count!r} says {counted.tolist()[:3]} of {len(parts[1])} boxes")
    return [part[: int(counted[0])] for part in parts]


def _classes(labels: NDArray[np.float64], meant: NDArray[np.bool_], output: Output) -> NDArray[np.int64]:
    """Return classes (D,) in the card's order, negative for what is no class; padding (`meant` false) may say anything.

    Raises:
        CardError: A box has a class that the card does not list.
    """
    told, most = labels[meant], _count(output) + output.offset
    if len(told) and ((told != np.round(told)).any() or told.min() < 0 or told.max() >= most):
        raise CardError(
            f"it names classes from {float(told.min()):.4g} to {float(told.max()):.4g}, but the card lists "
            f"{_count(output)}{f' and skips {output.offset}' if output.offset else ''}",
            hint="list every class in output.classes; set output.offset: 1 where the first class is number 1",
        )
    return np.where(meant, labels, 0.0).astype(np.int64) - output.offset


def _placed(corners: NDArray[np.float64], card: Card, how: Detection) -> NDArray[np.float64]:
    """Return x1, y1, x2, y2 (D, 4) in pixels of the input, cut off at its edges.

    Raises:
        WorkerFailed: One is turned inside out, or lies outside the image.
    """
    first, second, third, fourth = corners.T
    if how.format == "xyxy":
        edges = (first, second, third, fourth)
    elif how.format == "yxyx":
        edges = (second, first, fourth, third)
    elif how.format == "xywh":
        edges = (first, second, first + third, second + fourth)
    else:
        edges = (first - third / 2, second - fourth / 2, first + third / 2, second + fourth / 2)
    height, width = card.input.size
    limits = np.array([width, height, width, height], dtype=np.float64)
    placed = np.stack(edges, axis=1) * (limits if how.units == "fraction" else 1.0)
    _require_boxes(placed, limits, how)
    return np.clip(placed, 0.0, limits)


def _require_boxes(placed: NDArray[np.float64], limits: NDArray[np.float64], how: Detection) -> None:
    inverted = (placed[:, :2] > placed[:, 2:]).any(axis=1)
    outside = (placed[:, 2:] < 0).any(axis=1) | (placed[:, :2] > limits[:2]).any(axis=1)
    for bad, what in ((inverted, "ends before it begins"), (outside, "lies outside the image")):
        if bad.any():
            box = ", ".join(f"{value:.4g}" for value in placed[int(np.flatnonzero(bad)[0])].tolist())
            raise WorkerFailed(
                f"answered a box that {what}: x1, y1, x2, y2 of {box} in an input of {limits[0]:.0f} x {limits[1]:.0f} "
                f"pixels ({int(bad.sum())} such boxes), read as {how.format} in {how.units}",
                hint="mend output.detection in the card: format, units or threshold",
            )


def read_boxes(row: NDArray[np.float32]) -> Boxes:
    """Return the boxes that a row holds, in pixels of the model's input.

    Raises:
        WorkerFailed: It holds none.
    """
    count = int(row[0])
    if row[0] != count or not 0 <= count <= (len(row) - 1) // FIGURES or (len(row) - 1) % FIGURES:
        raise WorkerFailed("answered no boxes")
    figures = row[1 : 1 + FIGURES * count].reshape(count, FIGURES).astype(np.float64)
    return Boxes(figures[:, :4], figures[:, 4], figures[:, 5].astype(np.int64))


def count_lost(boxes: Boxes, others: Boxes) -> int:
    """Return how many boxes have no counterpart among others: of their class, overlapping by 0.9, as sure within 0.05.

    The overlap is intersection over union.
    """
    first, second = boxes.corners[:, np.newaxis], others.corners[np.newaxis]
    sides = np.minimum(first[..., 2:], second[..., 2:]) - np.maximum(first[..., :2], second[..., :2])
    shared = np.clip(sides, 0.0, None).prod(axis=2)
    areas = [(each[..., 2:] - each[..., :2]).prod(axis=2) for each in (first, second)]
    alike = (
        (shared >= 0.9 * (areas[0] + areas[1] - shared))
        & (boxes.classes[:, np.newaxis] == others.classes)
        & (np.abs(boxes.scores[:, np.newaxis] - others.scores) <= 0.05)
    )
    return int(np.count_nonzero(~alike.any(axis=1)))


def _count(output: Output) -> int:
    """Return how many classes a card lists.

    Raises:
        CardError: More than a map can hold.
    """
    count = len(output.classes or ())
    if output.segmentation is not None and count > NO_CLASS:
        raise CardError(f"the card lists {count} classes; maps of up to {NO_CLASS} are read")
    return count


def _by(shape: Sequence[int]) -> str:
    return " x ".join(map(str, shape))
