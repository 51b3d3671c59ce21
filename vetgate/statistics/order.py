"""Whether the classes of two sides stand in different orders: shifted by one, sorted as text, or in any other way.

Pure counting. An order is only ever told: nothing here puts answers right.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from vetgate.statistics.paired import mcnemar_exact_p

FEWEST = 5
"""Images of a class that must be given one other class before that counts as its name."""
FEWEST_CLASSES = 3
"""Classes that images of a named order must show: two that are confused make no order."""
CHANCE = 1e-4
"""Most chance (McNemar's test) that as many images would agree more in one of the few orders that are tried."""

Integers = NDArray[np.int64]


@dataclass(frozen=True)
class Reordered:
    """An order of the classes by which two sides agree much more than by their numbers."""

    kind: Literal["shift", "text", "names"]
    """One apart; sorted as text, so that 10 stands before 2; sorted by name."""
    by: int
    """What a shift takes off the answers: 1 where they count one too high, -1 where one too low; else 0."""
    before: int
    """Images that agree as they are."""
    after: int
    """Images that agree in this order."""


def find_order(answers: Integers, truth: Integers, names: Sequence[str]) -> Reordered | None:
    """Return the named order by which answers agree much more with what they are held against, or None.

    Much more is: at least twice as often, on images of three classes, and not by chance.

    Args:
        answers: (N,) classes of one side.
        truth: (N,) classes of the other, or labels.
        names: (C,) of the classes; numbers as text where nobody names them.
    """
    right = answers == truth
    before, best = int(np.count_nonzero(right)), None
    for kind, by, meant in _orders(answers, truth, names):
        agrees = meant == truth
        after = int(np.count_nonzero(agrees))
        if after < 2 * before or (best is not None and after <= best.after):
            continue
        won, lost = int(np.count_nonzero(agrees & ~right)), int(np.count_nonzero(right & ~agrees))
        if len(np.unique(truth[agrees])) >= FEWEST_CLASSES and won > lost and mcnemar_exact_p(lost, won) <= CHANCE:
            best = Reordered(kind, by, before, after)
    return best


def _orders(
    answers: Integers, truth: Integers, names: Sequence[str]
) -> Iterator[tuple[Literal["shift", "text", "names"], int, Integers]]:
    """Yield each order that is tried and the classes (N,) that the answers mean in it."""
    yield "shift", 1, answers - 1
    yield "shift", -1, answers + 1
    numbers = np.arange(len(names))
    for kind, words in (("text", [str(number) for number in numbers]), ("names", list(names))):
        order = np.asarray(sorted(numbers.tolist(), key=words.__getitem__), dtype=np.int64)
        if not np.array_equal(order, numbers):
            told: Literal["text", "names"] = "text" if kind == "text" else "names"
            yield told, 0, order[answers]
            yield told, 0, np.argsort(order)[answers]


def renamed(truth: Integers, answers: Integers, classes: int) -> dict[tuple[int, int], int]:
    """Return (class, other) of classes that seem to mean another one, and the images that each would turn right.

    Most images of the class are given the other, most images of the other are not, and no other class is given it more
    often: what a model merely confuses with a class that it knows is not renamed.

    Args:
        truth: (N,) labels, or another model's answers.
        answers: (N,) of a model.
        classes: C.
    """
    codes, counts = np.unique(truth * classes + answers, return_counts=True)
    found, given = codes // classes, codes % classes
    mostly = (counts >= FEWEST) & (2 * counts > np.bincount(truth, minlength=classes)[found])
    claims = list(zip(found[mostly].tolist(), given[mostly].tolist(), counts[mostly].tolist(), strict=True))
    taken = {answer for label, answer, _ in claims if label == answer}
    own = dict(zip(found[found == given].tolist(), counts[found == given].tolist(), strict=True))
    best: dict[int, tuple[int, int]] = {}
    for label, answer, count in claims:
        if answer not in taken and count > best.get(answer, (0, 0))[0]:
            best[answer] = (count, label)
    return {(label, answer): count - own.get(label, 0) for answer, (count, label) in best.items()}
