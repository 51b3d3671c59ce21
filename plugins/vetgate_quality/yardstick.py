"""Whether the reference can be a yardstick: right more often than chance, its classes in the order of the labels."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from vetgate.api import Finding, PredictionTable, Severity
from vetgate.statistics import Reordered, find_order, renamed

RULE = "quality.reference"
LEAST_GAIN = 0.05
"""Share of all images that renaming must turn right; of a good model, that is two classes of 30 swapped."""
MOST_NAMED = 3
"""Labels that the message names."""
DEVIATIONS = 2.0
"""Standard deviations above chance that are still chance: 1 in 44 models that guess lies beyond them."""
ORDER = "quality.class-order"
OFFSETS = {
    1: "a leading output seems to be no class of the data: raise output.offset by 1 in the card of the {}, where that "
    "is so",
    -1: "the card seems to skip an output that is a class, or labels to count from 1: lower output.offset by 1 in the "
    "card of the {}, or mend the labels",
}
"""What to do, by what is taken off the answers."""
ADVICE = (
    "compare the labels with output.classes in the reference's card; labels of image folders follow their names, "
    "unless classes.txt gives the model's order (`INDEX<TAB>FOLDER` a line)"
)


def doubts(table: PredictionTable, labels: NDArray[np.int64]) -> Iterator[Finding]:
    """Yield why the reference's answers may not mean what the labels mean; low, for a rule on accuracy decides.

    Args:
        table: Both models' answers.
        labels: (N,) of its images, N at least 1.
    """
    yield from _disordered(table, labels)
    answers = table.reference.answers
    right = int(np.count_nonzero(answers == labels))
    if find_order(answers, labels, table.classes) is not None:
        return
    other = renamed(labels, answers, len(table.classes))
    gain = sum(other.values())
    if len(other) > 1 and gain >= LEAST_GAIN * len(labels):
        yield _finding(_order_words(table.classes, other, right, gain, len(labels)))
    elif _is_chance(labels, answers, right, len(table.classes)):
        yield _finding(
            f"the reference is right on {right:,} of {len(labels):,} images, which is no better than chance: what is "
            "measured against it says little"
        )


def _disordered(table: PredictionTable, labels: NDArray[np.int64]) -> Iterator[Finding]:
    """Yield which models' classes seem to be shifted or sorted otherwise than the labels."""
    for name, model in (("candidate", table.candidate), ("reference", table.reference)):
        order = find_order(model.answers, labels, table.classes)
        if order is not None:
            yield Finding(
                rule=ORDER,
                severity=Severity.LOW,
                message=f"the {name} is right on {order.before / len(labels):.1%} of the {len(labels):,} images, and "
                f"would be on {order.after / len(labels):.1%} if {_order_of(order)}; nothing was changed",
                advice=OFFSETS[order.by].format(name) if order.by else ADVICE,
            )


def _order_of(order: Reordered) -> str:
    if order.by:
        return f"its classes were counted one {'lower' if order.by > 0 else 'higher'}"
    how = "as text (10 before 2)" if order.kind == "text" else "by their names"
    return f"its classes, or the labels, were sorted {how}"


def _finding(message: str) -> Finding:
    return Finding(rule=RULE, severity=Severity.LOW, message=message, advice=ADVICE)


def _order_words(
    classes: tuple[str, ...], renamed: dict[tuple[int, int], int], right: int, gain: int, images: int
) -> str:
    first = sorted(renamed, key=lambda pair: (-renamed[pair], pair))[:MOST_NAMED]
    named = ", ".join(f"{classes[label]!r} is called {classes[answer]!r}" for label, answer in first)
    more = f" and {len(renamed) - len(first)} more" if len(renamed) > len(first) else ""
    return (
        f"labels and classes seem to be in different orders: the reference is right on {right / images:.1%} of the "
        f"images, and would be on {(right + gain) / images:.1%} if labels were renamed ({named}{more})"
    )


def _is_chance(labels: NDArray[np.int64], answers: NDArray[np.int64], right: int, classes: int) -> bool:
    """Return whether answers that have nothing to do with the labels, each class as often, might be right as often."""
    images = len(labels)
    if right == images or len(np.unique(labels)) < 2:  # images of one label tell nothing
        return False
    shares = [np.bincount(codes, minlength=classes) / images for codes in (labels, answers)]
    chance = float(shares[0] @ shares[1])
    return bool(right / images <= chance + DEVIATIONS * np.sqrt(chance * (1.0 - chance) / images))
