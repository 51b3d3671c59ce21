"""Whether names and numbers of the classes belong together: told where another order fits much better, never applied.

Pixels of one image are alike, and so are its objects. So each class that an image shows counts once: as the class that
most of its pixels or objects are given.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from vetgate.api import Finding, Severity
from vetgate.statistics import Reordered, find_order, renamed

LEAST_GAIN = 0.05
"""Share of all cases that other names must turn right, where no order of theirs has a name."""
MOST_NAMED = 3
"""Classes that the message names."""
UNKNOWN = -1
"""Where an image does not show a class, or nothing of it is given any."""


def confused(truth: NDArray[np.int64], answers: NDArray[np.int64], classes: int) -> NDArray[np.int64]:
    """Return (K, K) how many pixels or objects of one image of each class (rows) are given each class (columns).

    Args:
        truth: (M,) their class.
        answers: (M,) the class that they are given.
        classes: K.
    """
    return np.bincount(truth * classes + answers, minlength=classes**2).reshape(classes, classes)


def usual(confusion: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return (K,) the class that most of each class are given, UNKNOWN where there are none.

    Args:
        confusion: (K, K) of one image, as `confused` returns it.
    """
    return np.where(confusion.any(axis=1), confusion.argmax(axis=1), UNKNOWN)


def doubts(rule: str, what: str, given: NDArray[np.int64], names: Sequence[str], advice: str) -> Iterator[Finding]:
    """Yield where other names of the classes fit much better; low, for a rule on the figures decides.

    Args:
        rule: Of the finding.
        what: What classes are given to: pixels or objects.
        given: (2, N, K) what `usual` says of each image, by the candidate and by the reference.
        names: (K,) of the classes.
        advice: What to compare.
    """
    for who, side in zip(("candidate", "reference"), given, strict=True):
        truth, answers = np.nonzero(side != UNKNOWN)[1], side[side != UNKNOWN]
        found = _order(truth, answers, names)
        if found is None and who == "reference":  # a candidate's own confusions are what the rules are about
            found = _names(truth, answers, names)
        if found is not None:
            before, after, how = found
            yield Finding(
                rule=rule,
                severity=Severity.LOW,
                message=f"classes seem to be in different orders: of {len(truth):,} cases of a class in an image the "
                f"{who} gives most {what} that class in {before / len(truth):.1%}, and would in "
                f"{after / len(truth):.1%} if {how}; nothing was changed",
                advice=advice,
            )


def _order(truth: NDArray[np.int64], answers: NDArray[np.int64], names: Sequence[str]) -> tuple[int, int, str] | None:
    found = find_order(answers, truth, names)
    return None if found is None else (found.before, found.after, _order_words(found))


def _order_words(order: Reordered) -> str:
    if order.by:
        return f"its classes were counted one {'lower' if order.by > 0 else 'higher'}"
    how = "as text (10 before 2)" if order.kind == "text" else "by their names"
    return f"its classes, or the data's, were sorted {how}"


def _names(truth: NDArray[np.int64], answers: NDArray[np.int64], names: Sequence[str]) -> tuple[int, int, str] | None:
    other = renamed(truth, answers, len(names))
    before, gain = int(np.count_nonzero(truth == answers)), sum(other.values())
    if len(other) < 2 or gain < LEAST_GAIN * len(truth):
        return None
    first = sorted(other, key=lambda pair: (-other[pair], pair))[:MOST_NAMED]
    told = ", ".join(f"what is called {names[label]!r} is its {names[answer]!r}" for label, answer in first)
    more = f" and {len(other) - len(first)} more" if len(other) > len(first) else ""
    return before, before + gain, f"the data's were renamed ({told}{more})"
