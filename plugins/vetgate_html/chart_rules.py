"""Rules on differences and ratios as forest plots: each figure with its interval against its margin."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from vetgate.reporting import Of, Report, Ruling, Unit, Versus, format_limit
from vetgate.wording.rulings import asked, interval, observed, worst_first
from vetgate_html.chart_drawn import MOST_ROWS, TOLD, Drawn, drawn, left_out, named, told_in_words

if TYPE_CHECKING:
    from vetgate_plot.forest import Estimate

SECTION = "rules"
_TITLES = {
    Of.DELTA: "Differences against their margins",
    Of.RATIO: "Ratios against their margins",
    Of.PAIR: "Figures of the pair against their limits",
}
_NEUTRAL = {Of.DELTA: 0.0, Of.RATIO: 1.0}


def rules_drawn(report: Report, prefix: str) -> Iterator[Drawn]:
    """Yield a plot for the rulings of each kind and unit that rest on a bound."""
    groups: dict[tuple[Of, Unit], list[Ruling]] = {}
    for ruling in report.verdict.rulings:
        key = _kind(ruling)
        if key is not None:
            groups.setdefault(key, []).append(ruling)
    for of in _TITLES:
        for place, (unit, rulings) in enumerate((unit, found) for (kind, unit), found in groups.items() if kind is of):
            yield _forest(of, unit, worst_first(rulings), f"{prefix}-{of.value}-{place}")


def _kind(ruling: Ruling) -> tuple[Of, Unit] | None:
    if ruling.of not in _TITLES or ruling.observed is None or ruling.threshold is None or ruling.side is None:
        return None
    if ruling.of is Of.PAIR and ruling.confidence is None:
        return None
    return ruling.of, Unit.RATIO if ruling.of is Of.RATIO else ruling.unit or Unit.SCORE


def _forest(of: Of, unit: Unit, rulings: Sequence[Ruling], key: str) -> Drawn:
    from vetgate_plot.forest import Ticks, forest, scale_for

    shown = rulings[:MOST_ROWS]
    rows = [_estimate(ruling) for ruling in shown]
    neutral = _NEUTRAL.get(of)
    scale = scale_for(rows, logarithmic=of is Of.RATIO, neutral=neutral)
    ticks = Ticks(scale.ticks, [format_limit(tick, unit, signed=of is Of.DELTA) for tick in scale.ticks])
    note = left_out(len(rulings), "rules")
    levels = sorted({f"{100 * ruling.confidence:g} %" for ruling in shown if ruling.confidence is not None})
    bars = f"Bars span the one-sided bounds at {' or '.join(levels)}." if levels else ""
    return drawn(
        forest(rows, scale, ticks, neutral=neutral, note=note),
        key,
        f"{_TITLES[of]} ({_units(of, unit)})",
        told_in_words([_words(ruling) for ruling in rulings[:TOLD]], len(rulings)),
        caption=bars,
        section=SECTION,
    )


def _units(of: Of, unit: Unit) -> str:
    if unit is Unit.FRACTION:
        return "percentage points" if of is Of.DELTA else "per cent"
    names = {
        Unit.RATIO: "×, logarithmic" if of is Of.RATIO else "×",
        Unit.SECONDS: "time",
        Unit.PER_SECOND: "per second",
    }
    return names.get(unit, unit.value)


def _estimate(ruling: Ruling) -> Estimate:
    from vetgate_plot.forest import Estimate

    value = ruling.observed if ruling.observed is not None else 0.0
    exact = ruling.confidence is None and ruling.lower is None and ruling.upper is None
    lower = value if exact else ruling.lower
    if lower is not None and lower <= 0 and ruling.of is Of.RATIO:
        lower = None  # a logarithm has no place for it
    return Estimate(
        name=_name(ruling),
        told=f"{observed(ruling)}  ({asked(ruling)})",
        value=value,
        lower=lower,
        upper=value if exact else ruling.upper,
        threshold=ruling.threshold if ruling.threshold is not None else 0.0,
        at_least=ruling.side == "at_least",
        state=ruling.decision.value,
    )


def _name(ruling: Ruling) -> str:
    name = ruling.rule
    if ruling.slice is not None and not name.endswith((ruling.slice.name, str(ruling.slice.value))):
        name = f"{name} ({ruling.slice.name})"
    return f"{name} vs. baseline" if ruling.versus is Versus.BASELINE and "baseline" not in name else name


def _words(ruling: Ruling) -> str:
    bounds = interval(ruling)
    between = f" (interval {bounds})" if bounds not in ("", "–") else ""
    return f"{named(_name(ruling))} is {observed(ruling)}{between}, asked {asked(ruling)}: {ruling.decision.value}"
