"""Whether the reference can be a yardstick: right more often than chance, its classes in the order of the labels."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from vetgate.api import Finding, PredictionTable, Severity

RULE = "quality.reference"
FEWEST = 5
"""Images of a label that must be given one other class before that counts as its name."""
LEAST_GAIN = 0.05
"""Share of all images that renaming must turn right; of a good model, that is two classes of 30 swapped."""
MOST_NAMED = 3
"""Labels that the message names."""
DEVIATIONS = 2.0
"""Standard deviations above chance that are still chance: 1 in 44 models that guess lies beyond them."""
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
    answers = table.reference.answers
    right = int(np.count_nonzero(answers == labels))
    renamed = _renamed(labels, answers, len(table.classes))
    gain = sum(renamed.values())
    if len(renamed) > 1 and gain >= LEAST_GAIN * len(labels):
        yield _finding(_order_words(table.classes, renamed, right, gain, len(labels)))
    elif _is_chance(labels, answers, right, len(table.classes)):
        yield _finding(
            f"the reference is right on {right:,} of {len(labels):,} images, which is no better than chance: what is "
            "measured against it says little"
        )


def _finding(message: str) -> Finding:
    return Finding(rule=RULE, severity=Severity.LOW, message=message, advice=ADVICE)


def _renamed(labels: NDArray[np.int64], answers: NDArray[np.int64], classes: int) -> dict[tuple[int, int], int]:
    """Return (label, class) of labels that seem to mean another class, and the images that each would turn right.

    Most images of the label are given that class, most images of the class's own label are not, and no other label is
    given it more often: what a model merely confuses with a class that it knows is not renamed.
    """
    codes, counts = np.unique(labels * classes + answers, return_counts=True)
    found, given = codes // classes, codes % classes
    mostly = (counts >= FEWEST) & (2 * counts > np.bincount(labels, minlength=classes)[found])
    claims = list(zip(found[mostly].tolist(), given[mostly].tolist(), counts[mostly].tolist(), strict=True))
    taken = {answer for label, answer, _ in claims if label == answer}
    own = dict(zip(found[found == given].tolist(), counts[found == given].tolist(), strict=True))
    best: dict[int, tuple[int, int]] = {}
    for label, answer, count in claims:
        if answer not in taken and count > best.get(answer, (0, 0))[0]:
            best[answer] = (count, label)
    return {(label, answer): count - own.get(label, 0) for answer, (count, label) in best.items()}


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
