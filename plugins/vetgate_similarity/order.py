"""Whether the two models' classes stand in the same order: told where another one fits much better, never applied."""

from __future__ import annotations

import numpy as np

from vetgate.api import Ask, Finding, Results, Severity
from vetgate.statistics import Reordered, find_order, renamed
from vetgate_similarity.compared import Compared

RULE = "similarity.class-order"
LEAST_GAIN = 0.25
"""Share of all images that other names of classes must make agree, where no order of theirs has a name."""
MOST_NAMED = 3
"""Classes that the message names."""


def measure(compared: Compared, ask: Ask) -> Results:
    """Return a finding where the models would agree much more in another order of the candidate's classes."""
    table = compared.table
    if ask.glance or compared.constant:
        return Results()
    ours, theirs = table.candidate.answers, table.reference.answers
    order = find_order(ours, theirs, table.classes)
    if order is not None:
        return _told(order.before, order.after, len(table), _words(order), _advice(order))
    other = renamed(theirs, ours, len(table.classes))
    before, gain = int(np.count_nonzero(ours == theirs)), sum(other.values())
    if len(other) < 2 or gain < LEAST_GAIN * len(table):
        return Results()
    first = sorted(other, key=lambda pair: (-other[pair], pair))[:MOST_NAMED]
    named = ", ".join(f"{table.classes[theirs]!r} is its {table.classes[ours]!r}" for theirs, ours in first)
    more = f" and {len(other) - len(first)} more" if len(other) > len(first) else ""
    return _told(before, before + gain, len(table), f"its classes were renamed ({named}{more})", _ORDER)


_ORDER = "list each model's own order of classes in its card (output.classes): classes are then matched by name"


def _told(before: int, after: int, images: int, words: str, advice: str) -> Results:
    message = (
        f"the classes of the two models seem to be in different orders: the candidate names the reference's class on "
        f"{before / images:.1%} of {images:,} images, and would on {after / images:.1%} if {words}; nothing was changed"
    )
    return Results(findings=(Finding(rule=RULE, severity=Severity.LOW, message=message, advice=advice),))


def _words(order: Reordered) -> str:
    if order.by:
        return f"its classes were counted one {'lower' if order.by > 0 else 'higher'}"
    how = "as text (10 before 2)" if order.kind == "text" else "by their names"
    return f"the classes of one of them were sorted {how}"


def _advice(order: Reordered) -> str:
    if not order.by:
        return _ORDER
    more, less = ("candidate", "reference") if order.by > 0 else ("reference", "candidate")
    return (
        f"the {more} seems to have a leading output that is no class: raise output.offset by 1 in its card, or lower "
        f"it in the {less}'s, where that is so"
    )
