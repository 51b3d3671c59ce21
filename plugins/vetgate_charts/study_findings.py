"""Which findings of the paper hold in a study, decided from its figures by rules that are told with them.

Source: I. F. Mason-Williams, "Bro changed :( Compression: A Functional Perspective", sections 1 and 5.2.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

from vetgate.reporting import FAR, ONE_POINT, Bracket, Deviation, Deviations, Fate, Of, bounds
from vetgate_charts.study_row import listed, multiple, name_of

LIGHT = 0.695
"""Share of weights that are not zero from which on pruning is light: the paper's 10 and 30 %, as rounding leaves it."""
_FAMILIES = {
    "Uncompressed": "plain",
    "Quantisation": "quantised",
    "L1 pruning": "pruned",
    "Distillation": "distilled",
}
"""What the paper speaks of, by the family of a recipe."""
INDEPENDENCE = ("similarity.independence", Of.PAIR)
NONZERO = "footprint.nonzero_params"
STUDENT = "distil"
"""The compressor that makes students."""
NO_YARDSTICK = "there is no yardstick of two independent models or more"


class Holds(StrEnum):
    """Whether a finding of the paper holds here."""

    YES = "holds"
    PARTLY = "holds in part"
    NO = "does not hold"
    OPEN = "cannot be told"


@dataclass(frozen=True)
class Claim:
    """One finding of the paper, and what this study says of it."""

    words: str
    rule: str
    """What was asked of the figures."""
    holds: Holds
    because: str


def claims(table: Deviations) -> tuple[Claim, ...]:
    """Return the paper's findings with what became of them; none where nothing can be told of any."""
    found = tuple(_claims(table))
    return found if any(claim.holds is not Holds.OPEN for claim in found) else ()


def _claims(table: Deviations) -> Iterator[Claim]:
    yield _copies(table)
    yield _best(table)
    yield _students(table)
    yield _alphas(table)
    yield _blind(table)
    yield _damage(table)


def technique(row: Deviation) -> str:
    """Return `quantised`, `pruned` (L1), `distilled` or `plain` as the variant's family says, else nothing.

    A student that is compressed further is a student still.
    """
    if row.variant is None:
        return ""
    recipe = row.variant.recipe
    if any(step.compressor == STUDENT for step in recipe.steps):
        return "distilled"
    return _FAMILIES.get(recipe.family, "")


def _is_light(row: Deviation) -> bool:
    """Return whether a variant is a quantised copy, or one pruned lightly."""
    kind, left = technique(row), row.value(NONZERO, Of.RATIO)
    return kind == "quantised" or (kind == "pruned" and left is not None and left >= LIGHT)


def _told(rows: Sequence[Deviation]) -> list[tuple[Deviation, float]]:
    return [(row, row.independence) for row in rows if row.independence is not None]


def _copies(table: Deviations) -> Claim:
    words = "Quantised and lightly L1-pruned copies are nearer to the reference than any independent model"
    rule = "independence, with its upper bound, below the nearest independent's; pruning up to 30 % is light"
    found = _told([row for row in table.measured if _is_light(row)])
    if table.bracket is None or not found:
        return Claim(words, rule, Holds.OPEN, NO_YARDSTICK if table.bracket is None else "there is no such copy")
    far = [row for row, _ in found if _upper(row) >= table.bracket.low]
    worst, value = max(found, key=lambda item: item[1])
    because = (
        f"the farthest of {len(found)} is {name_of(worst)} with {multiple(value)}; the nearest independent has "
        f"{multiple(table.bracket.low)}"
    )
    return Claim(words, rule, _share(len(found) - len(far), len(found)), because)


def _best(table: Deviations) -> Claim:
    words = "Quantisation preserves the function best of all methods"
    rule = "the farthest quantised copy is nearer than the farthest variant of every other family"
    farthest: dict[str, tuple[float, Deviation]] = {}
    for row, value in _told([row for row in table.measured if technique(row) != "plain"]):
        family = "quantised" if technique(row) == "quantised" else row.family
        if family not in farthest or value > farthest[family][0]:
            farthest[family] = (value, row)
    mine = farthest.pop("quantised", None)
    if mine is None or not farthest:
        return Claim(words, rule, Holds.OPEN, "it takes a quantised copy, another family and a yardstick")
    value, other = min(farthest.values(), key=lambda item: item[0])
    because = f"the farthest quantised copy, {name_of(mine[1])}, has {multiple(mine[0])}; {name_of(other)} has "
    because += f"{multiple(value)}, the least of the other families' farthest"
    return Claim(words, rule, Holds.YES if mine[0] < value else Holds.NO, because)


def _students(table: Deviations) -> Claim:
    words = "Distilled students are as far from their teacher as independent models are"
    rule = "independence, with its upper bound, reaches the nearest independent's"
    found = _told([row for row in table.measured if technique(row) == "distilled"])
    if table.bracket is None or not found:
        return Claim(words, rule, Holds.OPEN, NO_YARDSTICK if table.bracket is None else "there is no student")
    as_far = [row for row, _ in found if _upper(row) >= table.bracket.low]
    values = ", ".join(f"{name_of(row)}: {multiple(value)}" for row, value in found)
    because = f"{values}; independents {_span(table.bracket)}"
    return Claim(words, rule, _share(len(as_far), len(found)), because)


def _alphas(table: Deviations) -> Claim:
    words = "How much the teacher weighs in distillation does not matter for the distance"
    rule = "the bounds of all students' independence have a value in common"
    rows = [row for row in table.measured if technique(row) == "distilled"]
    ends = [ends for row in rows if (figure := row.figures.get(INDEPENDENCE)) and (ends := bounds(figure))]
    if len(ends) < 2:
        return Claim(words, rule, Holds.OPEN, "it takes two students and bounds of their independence")
    lowest, highest = max(low for low, _ in ends), min(high for _, high in ends)
    because = f"the largest lower bound is {multiple(lowest)}, the smallest upper bound {multiple(highest)}"
    return Claim(words, rule, Holds.YES if lowest <= highest else Holds.NO, because)


def _blind(table: Deviations) -> Claim:
    words = "Accuracy is blind to it: models as accurate as the reference are other functions"
    rule = (
        f"a model within 1 pp, and no more than noise below, has at least {FAR:g} of the nearest independent's distance"
    )
    if table.bracket is None:
        return Claim(words, rule, Holds.OPEN, NO_YARDSTICK)
    accurate = [row for row in (*table.measured, *table.independents) if _is_as_accurate(row)]
    if not accurate:
        return Claim(words, rule, Holds.OPEN, "the data has no labels, or no model is as accurate")
    far = [row for row in accurate if row.fate is Fate.FAR]
    independent = sum(row.variant is None for row in far)
    parts = [f"{independent} independent models"] if independent else []
    parts += [name_of(row) for row in far if row.variant is not None]
    because = f"{len(far)} of the {len(accurate)} models as accurate are so far"
    because += f": {listed(parts)}" if parts else ""
    return Claim(words, rule, Holds.YES if far else Holds.NO, because)


def _damage(table: Deviations) -> Claim:
    words = "L1 pruning keeps the function near even where it costs accuracy"
    rule = "pruned copies that lost accuracy are below the nearest independent; farther is damage, no other function"
    rows = _told([row for row in table.of(Fate.DAMAGED) if technique(row) == "pruned"])
    if table.bracket is None or not rows:
        return Claim(words, rule, Holds.OPEN, NO_YARDSTICK if table.bracket is None else "no pruned copy lost accuracy")
    near = [row for row, value in rows if value < table.bracket.low]
    values = ", ".join(f"{name_of(row)}: {multiple(value)}" for row, value in rows)
    return Claim(words, rule, _share(len(near), len(rows)), f"{values}; independents {_span(table.bracket)}")


def _is_as_accurate(row: Deviation) -> bool:
    """Return whether a model is within a point of the reference, and not below it by more than noise."""
    delta = row.figures.get(("accuracy.top1", Of.DELTA))
    if delta is None or abs(delta.value) > ONE_POINT or row.independence is None:
        return False
    ends = bounds(delta)
    return ends is None or ends[1] >= 0.0


def _upper(row: Deviation) -> float:
    """Return the upper bound of a model's independence, or the figure itself where it has none."""
    figure = row.figures[INDEPENDENCE]
    ends = bounds(figure)
    return figure.value if ends is None else ends[1]


def _share(count: int, total: int) -> Holds:
    return Holds.YES if count == total else Holds.NO if count == 0 else Holds.PARTLY


def _span(bracket: Bracket) -> str:
    return f"{multiple(bracket.low)} to {multiple(bracket.high)}"
