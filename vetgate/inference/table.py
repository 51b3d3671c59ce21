"""From raw outputs to the prediction table: offset off, classes in one order, logits to probabilities."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from vetgate.domain.card import Output
from vetgate.domain.errors import CardError, DataError, WorkerFailed
from vetgate.domain.predictions import Column, Predictions, PredictionTable
from vetgate.domain.samples import Samples

if TYPE_CHECKING:
    from numpy.typing import NDArray


FEWEST = 8
"""Answers from which those that nearly sum to 1 are taken for quantised probabilities."""


def make_predictions(
    raw: NDArray[np.float32], output: Output, order: NDArray[np.intp] | None, name: str
) -> Predictions:
    """Read one model's raw outputs as its card says.

    Args:
        raw: (N, offset + C), finite.
        output: The output part of its card.
        order: (C,) column of this model for each class of the reference, or None where they stand in the same order.
        name: The model, for messages.

    Raises:
        CardError: The outputs contradict the card's kind, offset or class names.
        WorkerFailed: An answer holds no information at all.
    """
    kept = raw[:, output.offset :]
    _require_columns(kept.shape[1], output, name)
    raw_ordered = np.ascontiguousarray(kept if order is None else kept[:, order])
    values = raw_ordered.astype(np.float64)
    if output.kind == "logits":
        _require_logits(values, name)
        values -= values.max(axis=1, keepdims=True)
        np.exp(values, out=values)
    else:
        _require_probabilities(values, name)
        np.clip(values, 0.0, None, out=values)
    values /= values.sum(axis=1, keepdims=True)
    return Predictions(raw_ordered, values, raw_ordered.argmax(axis=1).astype(np.int64))


def _require_columns(columns: int, output: Output, name: str) -> None:
    if columns < 1:
        raise CardError(f"the card of {name} skips {output.offset} leading outputs, and no other is left")
    if output.classes is not None and len(output.classes) != columns:
        raise CardError(
            f"the card of {name} lists {_classes(len(output.classes))}, but the model answers {columns}",
            hint="list every class in output.classes, and set output.offset if some outputs are no class",
        )


def _require_logits(values: NDArray[np.float64], name: str) -> None:
    """Refuse probabilities that a card calls logits: a second softmax would flatten them.

    Quantised ones miss a sum of 1 by their rounding; one answer or two could be such numbers by chance.
    """
    if values.shape[1] < 2 or values.min() < 0 or values.max() > 1.02:
        return
    off = np.abs(values.sum(axis=1) - 1)
    if off.max() < 1e-3 or (len(off) >= FEWEST and np.median(off) <= 0.05 and off.max() <= 0.5):
        raise CardError(
            f"the card of {name} says logits, but every answer is a probability vector: they lie between "
            f"{values.min():.4g} and {values.max():.4g}, and sum to 1 within {off.max():.2g}",
            hint="set output.kind: probabilities in the card",
        )


def _require_probabilities(values: NDArray[np.float64], name: str) -> None:
    """Refuse what cannot be probabilities. Quantised ones miss a sum of 1 by their rounding, so the median is asked."""
    sums = values.sum(axis=1)
    low, high = float(values.min()), float(values.max())
    if low < -0.02 or high > 1.02 or not 0.5 <= float(np.median(sums)) <= 1.5:
        raise CardError(
            f"the card of {name} says probabilities, but answers range from {low:.4g} to {high:.4g} "
            f"and sum to {float(np.median(sums)):.4g}",
            hint="set output.kind: logits in the card, or output.offset if an output is no class",
        )
    if (empty := int(np.count_nonzero(sums <= 0))) > 0:
        raise WorkerFailed(f"{name}: {empty} answers are zero for every class")


def class_order(candidate: Output, reference: Output) -> NDArray[np.intp] | None:
    """Return (C,) the candidate's column for each class of the reference, or None where the order is the same.

    Matched by name when both cards list names, else by index.

    Raises:
        CardError: Both list names, and they are not the same set.
    """
    if candidate.classes is None or reference.classes is None or candidate.classes == reference.classes:
        return None
    column = {name: index for index, name in enumerate(candidate.classes)}
    lacking = [name for name in reference.classes if name not in column]
    if lacking or len(candidate.classes) != len(reference.classes):
        known = set(reference.classes)
        more = [name for name in candidate.classes if name not in known]
        whose, names = ("candidate's", lacking) if lacking else ("reference's", more)
        raise CardError(f"the cards list different classes: the {whose} lacks {', '.join(map(repr, names[:3]))}")
    return np.asarray([column[name] for name in reference.classes], dtype=np.intp)


def match_labels(samples: Samples, reference: Output, classes: int) -> NDArray[np.int64] | None:
    """Return (N,) labels in the reference's class order, or None where the data has none.

    Args:
        samples: All samples of the data set.
        reference: The output part of the reference's card.
        classes: C, how many classes the reference tells apart.

    Raises:
        DataError: The data names classes that the card does not list, or another number of them than the models have
            where the card lists none; or a label lies outside the models' classes.
    """
    if samples.labels is None:
        return None
    labels = samples.labels
    if samples.classes is not None and reference.classes is not None:
        index = {name: place for place, name in enumerate(reference.classes)}
        lacking = [name for name in samples.classes if name not in index]
        if lacking:
            raise DataError(
                f"the data names {_classes(len(lacking))} that the reference's card lacks, such as {lacking[0]!r}",
                hint="name them alike; or drop output.classes from the card to match by index, and put the data's "
                "classes in the model's order (folders are sorted by name, unless classes.txt says `INDEX<TAB>FOLDER` "
                "a line)",
            )
        places = np.asarray([index[name] for name in samples.classes], dtype=np.int64)
        _require_range(labels, len(places), samples, "the data set names")
        labels = places[labels]
    elif samples.classes is not None and len(samples.classes) != classes:
        raise DataError(
            f"the data names {_classes(len(samples.classes))} and the models tell {classes} apart, so labels cannot be "
            "matched by index",
            hint="list the models' classes in the reference's card (output.classes), or all classes in classes.txt",
        )
    _require_range(labels, classes, samples, "the models have")
    return labels


def _classes(number: int) -> str:
    return "1 class" if number == 1 else f"{number:,} classes"


def _require_range(labels: NDArray[np.int64], classes: int, samples: Samples, who: str) -> None:
    bad = np.flatnonzero((labels < 0) | (labels >= classes))
    if len(bad):
        first = int(bad[0])
        raise DataError(
            f"label {int(labels[first])} of image {samples.ids[first]!r} is out of range: {who} {_classes(classes)} "
            f"({len(bad)} such labels)",
            hint="is this the data set that the models were made for? labels count from 0",
        )


def pair(
    ids: Sequence[str],
    labels: NDArray[np.int64] | None,
    names: tuple[str, ...] | None,
    candidate: Predictions,
    reference: Predictions,
    columns: Mapping[str, Column],
) -> PredictionTable:
    """Put both models' answers into one table.

    Raises:
        WorkerFailed: They do not have the same shape, which the contract check should have told before.
    """
    if candidate.raw.shape != reference.raw.shape:
        told = f"{_classes(candidate.raw.shape[1])} on {len(candidate.raw):,} images"
        raise WorkerFailed(f"it answers {told}, and the reference {reference.raw.shape[1]} on {len(reference.raw):,}")
    classes = names or tuple(map(str, range(reference.raw.shape[1])))
    return PredictionTable(ids, labels, classes, candidate, reference, columns)
