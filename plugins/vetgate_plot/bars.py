"""Groups of horizontal bars, the name above each group and the value beside each bar."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from vetgate_plot.palette import GREEN, INK, RULE, VERMILION
from vetgate_plot.scale import Scale, scale_of
from vetgate_plot.series import LOOKS, legend_of
from vetgate_plot.sheet import SMALL, TEXT, WIDTH, Sheet, Side, fitted, reach

if TYPE_CHECKING:
    from matplotlib.figure import Figure

BAR, APART = 10.0, 3.0
"""Units of a bar, and between two of a group."""
ROW = 27.0
"""Units of a group beside its bars, the name above it among them."""
TOP, NOTE = 4.0, 20.0
LEAST = 1.5
"""Units of the shortest bar that is not 0."""


@dataclass(frozen=True)
class Bar:
    """One value as it is drawn."""

    value: float
    text: str
    ends: tuple[float, float] | None = None
    """Of its interval."""


@dataclass(frozen=True)
class Group:
    """One row."""

    name: str
    bars: tuple[Bar | None, ...]
    """One a series; None where the value is not known."""
    told: str = ""
    """Stands at the right end of the name's line."""
    look: int = 0
    """Of a single series: which look its bar has."""


def grouped(
    groups: Sequence[Group],
    series: Sequence[str],
    *,
    logarithmic: bool = False,
    each: bool = False,
    good_above: bool | None = None,
    legend: Sequence[str] = (),
    note: str = "",
) -> Figure:
    """Return a chart of groups of bars.

    Args:
        groups: At least one.
        series: Names of the bars of a group; of those beyond the sixth none is drawn.
        logarithmic: Whether the axis is.
        each: Whether each group has an axis of its own, from 0 to its greatest.
        good_above: Of a single series of differences, whether values above 0 are good; None to judge none.
        legend: Of a single series, what each look is.
        note: A line below.
    """
    count = min(len(series), len(LOOKS))
    room = max((reach(bar.text, SMALL) for group in groups for bar in group.bars[:count] if bar), default=0.0) + 8.0
    wide = WIDTH - room
    common = scale_of([*_values(groups, count)], zero=not logarithmic, logarithmic=logarithmic)
    looks = series[:count] if count > 1 else legend
    first = legend_of(looks, None, TOP)
    step = ROW + count * (BAR + APART)
    sheet = Sheet(first + len(groups) * step + (NOTE if note else 4.0))
    legend_of(looks, sheet, TOP)
    for place, group in enumerate(groups):
        top = first + place * step
        scale = scale_of([*_values([group], count)], zero=True) if each else common
        _names(sheet, group, top + TEXT + 2.0)
        _bars(sheet, group, count, (top + TEXT + 9.0, wide, scale), good_above if count == 1 else None)
    sheet.note(note)
    return sheet.figure


def mirrored(groups: Sequence[Group], series: Sequence[str], *, note: str = "") -> Figure:
    """Return a chart whose first series runs to the left and whose second to the right, from a common middle.

    Args:
        groups: At least one; values below 0 are drawn as none.
        series: Names of both.
        note: A line below.
    """
    pairs = [(group, list(group.bars[:2])) for group in groups]
    greatest = max((bar.value for _, bars in pairs for bar in bars if bar), default=0.0)
    scale = scale_of([greatest, 0.0], zero=True)
    room = max((reach(bar.text, SMALL) for _, bars in pairs for bar in bars if bar), default=0.0) + 6.0
    middle, wide = WIDTH / 2, WIDTH / 2 - room
    head, step = 26.0, 22.0 + BAR + 2.0
    sheet = Sheet(head + len(groups) * step + (NOTE if note else 4.0))
    sides: tuple[tuple[Side, str], ...] = (("right", f"◀ {series[0]}"), ("left", f"{series[1]} ▶"))
    for side, name in sides:
        at = middle - 8.0 if side == "right" else middle + 8.0
        sheet.words(
            at,
            TOP + TEXT,
            fitted(name, middle - 10, SMALL),
            "legend",
            size=SMALL,
            side=side,
            bold=True,
        )
    for place, (group, bars) in enumerate(pairs):
        top = head + place * step
        sheet.words(middle, top + TEXT, fitted(group.name, WIDTH), "label", side="center")
        for sign, bar, colour in zip((-1, 1), bars, (VERMILION, GREEN), strict=True):
            if bar is not None:
                _half(sheet, bar, sign, colour, (middle, top + 17.0, wide, scale))
        sheet.line([(middle, top + 15.0), (middle, top + 19.0 + BAR)], "zero", colour=INK)
    sheet.note(note)
    return sheet.figure


def _half(sheet: Sheet, bar: Bar, sign: int, colour: str, where: tuple[float, float, float, Scale]) -> None:
    middle, top, wide, scale = where
    far = scale.at(bar.value) * wide if bar.value > 0 else 0.0
    end = middle + sign * max(far, LEAST if bar.value > 0 else 0.0)
    if bar.value > 0:
        kind = "bar down" if sign < 0 else "bar up"
        sheet.bar(min(middle, end), top, max(middle, end), top + BAR, kind, colour=colour, hollow=sign > 0)
    side: Side = "right" if sign < 0 else "left"
    sheet.words(end + sign * 4.0, top + BAR - 1.0, bar.text, "value", size=SMALL, side=side)


def _values(groups: Sequence[Group], count: int) -> list[float]:
    bars = [bar for group in groups for bar in group.bars[:count] if bar is not None]
    return [value for bar in bars for value in (bar.value, *(bar.ends or ()))]


def _names(sheet: Sheet, group: Group, base: float) -> None:
    told = reach(group.told, SMALL) + 8.0 if group.told else 0.0
    sheet.words(0.0, base, fitted(group.name, WIDTH - told), "label")
    if group.told:
        sheet.words(WIDTH, base, group.told, "told", size=SMALL, side="right")


def _bars(sheet: Sheet, group: Group, count: int, where: tuple[float, float, Scale], good_above: bool | None) -> None:
    top, wide, scale = where
    bars, looks = group.bars[:count], LOOKS if count > 1 else LOOKS[group.look % len(LOOKS) :]
    zero = scale.at(0.0) * wide if not scale.logarithmic else 0.0
    below = top + len(bars) * (BAR + APART) - APART
    for place, (bar, look) in enumerate(zip(bars, looks, strict=False)):
        edge = top + place * (BAR + APART)
        sheet.bar(0.0, edge, wide, edge + BAR, "track", colour=RULE)
        if bar is None:
            sheet.words(WIDTH, edge + BAR - 1.0, "–", "value", size=SMALL, side="right")
            continue
        end = scale.at(bar.value) * wide
        if bar.value:
            end = max(end, zero + LEAST) if bar.value > 0 else min(end, zero - LEAST)
        colour, hollow, told = look.colour, look.hollow, f"bar series-{place + 1}"
        if good_above is not None and bar.value:
            good = (bar.value > 0) == good_above
            colour, hollow, told = (GREEN, True, "bar good") if good else (VERMILION, False, "bar bad")
        if bar.value or scale.logarithmic:
            sheet.bar(min(zero, end), edge, max(zero, end), edge + BAR, told, colour=colour, hollow=hollow)
        if bar.ends is not None:
            _interval(sheet, [scale.at(value) * wide for value in bar.ends], edge + BAR / 2)
        sheet.words(WIDTH, edge + BAR - 1.0, bar.text, "value", size=SMALL, side="right")
    sheet.line([(zero, top - 2.0), (zero, below + 2.0)], "zero", colour=INK)


def _interval(sheet: Sheet, ends: Sequence[float], along: float) -> None:
    low, high = ends
    sheet.line([(low, along), (high, along)], "interval", colour=INK, width=1.4)
    for end in ends:
        sheet.line([(end, along - 3.5), (end, along + 3.5)], "cap", colour=INK, width=1.4)
