"""What a study says in sentences: what it found, what it rests on, and what it cannot say."""

from __future__ import annotations

import re
from collections.abc import Iterator

from vetgate.reporting import (
    FAR,
    NEAR,
    Deviations,
    Distance,
    Fate,
    Study,
    Unit,
    Variant,
    format_quantity,
    plain,
    shorten,
)
from vetgate_charts.study_row import DEVIATION, FUNCTION, READING, TITLES, filled, label_of, listed, multiple

LONGEST = 300
"""Characters of a reason."""
FEW_INDEPENDENTS = 3
FEW_IMAGES = 30
"""With fewer, neither a figure nor its bounds say anything."""
FATES = (
    "Reads as: damaged, where accuracy is more than 1 pp and more than noise below the reference's; else by its "
    f"distance: the same function up to {NEAR:g} of the nearest independent's, far from {FAR:g} of it on, changed "
    "between. Far is another function, or damage that accuracy does not show; with lost accuracy it is damage. The "
    "distance is read by its estimate alone, whatever its bounds."
)
_NUMBER = re.compile(r"\d[\d,.]*")
NOTHING_TOLD = "Nothing can be told of them without a yardstick and variants that it reaches."
_DISTANCES = {
    Distance.JS_DIVERGENCE: ("Jensen-Shannon divergence", Unit.BITS),
    Distance.TOTAL_VARIATION: ("total variation", Unit.SCORE),
    Distance.L2: ("L2 distance", Unit.SCORE),
    Distance.DISAGREEMENT: ("disagreement", Unit.FRACTION),
}


def legend(table: Deviations) -> str:
    """Return what the titles of the columns stand for, of those that are there."""
    shown = {column.title for column in filled((*DEVIATION, *FUNCTION, *READING), table)}
    told = [f"{title} = {words}" for title, words in TITLES.items() if title in shown]
    return "; ".join([*told, "below a figure stand its one-sided 95 % bounds"]) + "."


def headline(table: Deviations) -> str:
    """Return what the study found, in one sentence."""
    total = len(table.measured)
    if not total:
        return "No variant could be measured, so the study says nothing of this model."
    parts = [_counted(table, fate) for fate in Fate if fate is not Fate.OPEN and table.of(fate)]
    kept = sum(row.delta is not None for row in table.of(Fate.OPEN)) if table.bracket is None else 0
    many = f"{total} variants" if total > 1 else "the one variant"
    if not parts and not kept:
        return f"Of {many} nothing can be told: there are neither labels nor a yardstick."
    doubt = f"kept the accuracy, and without a yardstick nothing says whether {'it' if kept == 1 else 'they'} kept the"
    if not parts:
        whole = kept == total
        return f"{_all_of(total) if whole else f'Of {many} {kept}'} {doubt} function."
    told = f"Of {many} {listed(parts)}"
    return f"{told}; {kept} {doubt} function." if kept else f"{told}."


def _all_of(total: int) -> str:
    return {1: "The one variant", 2: "Both variants"}.get(total, f"All {total} variants")


def _counted(table: Deviations, fate: Fate) -> str:
    count = len(table.of(fate))
    one = count == 1
    words = {
        Fate.SAME: "is the same function as the reference" if one else "are the same function as the reference",
        Fate.CHANGED: "has changed" if one else "have changed",
        Fate.FAR: "is as far from it as an independent model" if one else "are as far from it as independent models",
        Fate.DAMAGED: "lost accuracy",
    }
    return f"{count} {words[fate]}"


def setting(study: Study, table: Deviations) -> tuple[tuple[str, str], ...]:
    """Return what the study rests on."""
    return tuple(_setting(study, table))


def _setting(study: Study, table: Deviations) -> Iterator[tuple[str, str]]:
    data = study.data
    labels = "labelled" if data.labelled else "without labels"
    yield "reference", plain(shorten(study.reference.name, 100))
    yield "data", f"{plain(shorten(data.name, 100))} · {data.images:,} images · {labels} · {data.sha256[:12]}"
    yield "policy", "none" if study.policy is None else plain(shorten(study.policy.name, 60))
    yardstick = study.yardstick
    if yardstick is None:
        yield "yardstick", "none: --yardstick FILE tells how far an independent model is"
        return
    name = plain(shorten(yardstick.name, 100))
    yield "yardstick", f"{name} · {len(table.independents)} independent models · {yardstick.sha256[:12]}"
    if table.bracket is not None:
        what, unit = _DISTANCES[table.bracket.distance]
        middle = format_quantity(table.bracket.median, unit)
        span = f"{multiple(table.bracket.low)} to {multiple(table.bracket.high)}"
        yield "independents", f"median {what} {middle}; they span {span} of it"


def left_out(study: Study) -> list[tuple[str, str]]:
    """Return the variants without figures, each with the reason: could not be made, skipped, or not measured."""
    return [
        (f"{label_of(variant.recipe.family)} {label_of(variant.recipe.label)}", why)
        for variant in study.variants
        if (why := _why_absent(variant))
    ]


def _why_absent(variant: Variant) -> str:
    if variant.report is not None and any(entry.measurements for entry in variant.report.evidence):
        return ""
    said = variant.problem or (variant.report.verdict.because if variant.report is not None else "")
    reason = plain(shorten(said, LONGEST)) or "no reason given"
    if variant.skipped:
        return f"skipped: {reason}"
    if variant.refused:
        return f"cannot be made of this model: {reason}"
    return f"{'not made' if variant.file is None else 'not measured'}: {reason}"


def notes(study: Study, table: Deviations) -> list[str]:
    """Return what this study cannot say, and what a reader must know."""
    return list(_notes(study, table))


def _notes(study: Study, table: Deviations) -> Iterator[str]:
    if study.data.images < FEW_IMAGES:
        images = f"{study.data.images} image{'' if study.data.images == 1 else 's'}"
        yield f"The study rests on {images}, and takes {FEW_IMAGES} at least to say anything."
    if study.yardstick is None:
        yield (
            "There is no yardstick, so nothing says how far a distance is: build one of models trained independently "
            "(vetgate yardstick build) and give it with --yardstick FILE."
        )
    elif table.bracket is None:
        yield "The yardstick has too few independent models that differ from the reference, so it spans no bracket."
    elif table.bracket.count < FEW_INDEPENDENTS:
        yield f"The bracket rests on {table.bracket.count} independent models; the paper uses three."
    if not study.data.labelled:
        yield "The data has no labels, so nothing is said of accuracy, and damage cannot be told from distance."
    if any(variant.made is not None and variant.made.training_seconds is not None for variant in study.variants):
        yield "Every trained variant is one training run; another seed would give another model."
    yield from _warnings(study)
    if study.landscape is not None and study.landscape.embeddings:
        drawn = study.landscape.embeddings[0]
        faith = drawn.rank_correlation
        told = "" if faith is None else f"; its distances rank as the true ones with {faith:.3f}"
        yield (
            f"Landscape: {plain(shorten(drawn.method, 60))} of {len(study.landscape.points)} models{told}. "
            "Distances in pictures of two runs are not comparable."
        )


def _warnings(study: Study) -> Iterator[str]:
    """Yield what compressors say of their variants; notes that differ in numbers alone once."""
    said: dict[str, list[tuple[str, str]]] = {}
    for variant in study.variants:
        for note in variant.made.notes if variant.made is not None else ():
            name = f"{label_of(variant.recipe.family)} {label_of(variant.recipe.label)}"
            said.setdefault(_NUMBER.sub("#", note), []).append((name, note))
    for told in said.values():
        name, note = told[0]
        more = "" if len(told) == 1 else f" and {len(told) - 1} more"
        yield f"{name}{more}: {plain(shorten(note, LONGEST))}"
