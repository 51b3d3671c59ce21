"""The ranking's rows as text, the same for every format that is a table."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from vetgate_plot.words import figure, marked, number

from vetgate.reporting import Extreme, Interval, Ranking, Standing, Unit, format_quantity, plain, short_names

TITLES = ("", "model", "accuracy", "s / 10,000", "MB", "OpScore", "bounds", "against reference", "0 to 1")
"""Of the columns; the first marks the Pareto front."""
FRONT = "◆"
LEGEND = (
    f"{FRONT} on the Pareto front: no other model is at least as accurate, fast and small and better in one of them, "
    "by the figures shown. OpScore = log10(error rate × seconds for 10,000 images × MB); lower is better. MIN and MAX "
    "have the best and the worst of every column; 0 to 1 is the score between theirs."
)
NO_SCORES = "No candidate could be measured, so there is no ranking."


@dataclass(frozen=True)
class Row:
    """One row."""

    cells: tuple[str, ...]
    """As TITLES."""
    reference: bool = False
    fictitious: bool = False


def rows(ranking: Ranking) -> Iterator[Row]:
    """Yield MIN, the models by score, and MAX."""
    names = short_names([row.name for row in ranking.rows])
    if ranking.best is not None:
        yield _fictitious(ranking.best, ranking)
    for row, name in zip(ranking.rows, names, strict=True):
        yield Row(_cells(row, marked(row, name)), reference=row.reference)
    if ranking.worst is not None:
        yield _fictitious(ranking.worst, ranking)


def headline(ranking: Ranking) -> str:
    """Return what is first, and of how many."""
    if not ranking.rows:
        return NO_SCORES
    first = ranking.rows[0]
    count = len(ranking.rows) - 1
    which = "the reference" if first.reference else short_names([row.name for row in ranking.rows])[0]
    tied = f", undecided from {_listed(rivals)}" if (rivals := undecided(ranking)) else ""
    models = "1 candidate and its reference" if count == 1 else f"{count} candidates and their reference"
    return f"{models} by OpScore: {which} is first with {number(first.score)}{tied}"


def undecided(ranking: Ranking) -> list[str]:
    """Return the models whose difference from the reference has bounds that meet those of the first, or has none.

    The differences are of the same images and of interleaved pairs; that of the reference from itself is 0.
    """
    names = short_names([row.name for row in ranking.rows])
    first = _against_reference(ranking.rows[0])
    rest = zip(ranking.rows[1:], names[1:], strict=True)
    return ["the reference" if row.reference else name for row, name in rest if _meet(first, _against_reference(row))]


def _against_reference(row: Standing) -> Interval | None:
    return Interval(lower=0.0, upper=0.0) if row.reference else row.delta_interval


def _meet(one: Interval | None, other: Interval | None) -> bool:
    """Return whether two intervals leave open which is less; one that is not known leaves everything open."""
    return one is None or other is None or (other.lower <= one.upper and one.lower <= other.upper)


def setting(ranking: Ranking) -> tuple[tuple[str, str], ...]:
    """Return what the scores hold on."""
    return (
        ("data", f"{plain(ranking.data)} · {ranking.images:,} images · {ranking.data_sha256[:12]}"),
        ("machine", plain(ranking.machine)),
        ("bounds", f"one-sided, {100 * ranking.confidence:g} % each"),
    )


def left_out(ranking: Ranking) -> list[str]:
    """Return the candidates that could not be measured, with the reason."""
    return [f"{plain(item.name)}: {plain(item.reason)}" for item in ranking.unranked]


def _listed(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def _cells(row: Standing, name: str) -> tuple[str, ...]:
    delta = "" if row.reference else _difference(row)
    return (
        FRONT if row.front else "",
        name,
        format_quantity(row.accuracy, Unit.FRACTION),
        figure(row.seconds),
        figure(row.megabytes),
        number(row.score),
        _bounds(row.interval, ".3f") or "–",
        delta,
        "–" if row.normalised is None else f"{row.normalised:.2f}",
    )


def _difference(row: Standing) -> str:
    bounds = _bounds(row.delta_interval, "+.3f")
    return f"{row.delta:+.3f} ({bounds})" if bounds else f"{row.delta:+.3f}"


def _bounds(interval: Interval | None, form: str) -> str:
    return f"{interval.lower:{form}} to {interval.upper:{form}}" if interval else ""


def _fictitious(extreme: Extreme, ranking: Ranking) -> Row:
    level = "" if all(row.normalised is None for row in ranking.rows) else "0" if extreme.name == "MIN" else "1"
    accuracy = format_quantity(extreme.accuracy, Unit.FRACTION)
    figures = (accuracy, figure(extreme.seconds), figure(extreme.megabytes), number(extreme.score))
    return Row(("", extreme.name, *figures, "", "", level), fictitious=True)
