"""What the candidate missed on the images that the reference gets right and it gets wrong.

Z. Wang, "Characterizing Disparity Between Edge Models and High-Accuracy Base Models for Vision Tasks" (XDELTA),
sections 6.2 and 6.3. A category rests on thresholds that nothing dictates; shares are therefore told at three of them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vetgate.api import Chart, ConceptCount, Finding, Mark, Picture, Quantiles, Severity, Table, TrainerContext, Unit
from vetgate.statistics import bootstrap_images
from vetgate_delta.category import DISJOINT, ON_OBJECT, QUARTER, THRESHOLDS, Category, categorise
from vetgate_delta.concepts import Annotated, count_missed, object_of
from vetgate_delta.examples import Scene, groups, show
from vetgate_delta.ground import Ground
from vetgate_delta.naming import name_concepts, table_of
from vetgate_delta.regions import LEAST_AREA, overlap

FEWEST = 2
"""Images from which on a mean overlap has an interval."""


@dataclass(frozen=True)
class Overlap:
    """Mean overlap score of the images with a category."""

    mean: float
    """In [0, 1]"""
    images: int
    uncertainty: Quantiles | None
    """By the bootstrap over images; None for a single image."""


@dataclass(frozen=True)
class Explanation:
    """What is told of all explained images."""

    images: int
    """Explained: the reference gets them right and the candidate wrong."""
    categories: Mapping[float, Mapping[Category, int]]
    """Images of each category (all seven) at each threshold, the one that the user set among them."""
    overlap: Overlap | None
    """None where no image has a category."""
    concepts: tuple[ConceptCount, ...]
    """The most missed first; empty where none were named."""
    concept_images: int
    """Images whose missed concept could be told; what shares of concepts are of."""
    exhibits: tuple[Table | Picture, ...]
    findings: tuple[Finding, ...]


def explain(
    context: TrainerContext,
    rows: NDArray[np.intp],
    fused_right: NDArray[np.bool_],
    delta: NDArray[np.float32],
    candidate: NDArray[np.float32],
    *,
    answers: NDArray[np.int64] | None = None,
    complements: bool = True,
    method: str = "",
    loss: NDArray[np.float64] | None = None,
) -> Explanation:
    """Return regions, categories and missed concepts of the explained images.

    Args:
        context: Of the check.
        rows: (n,) images of context.vetted that the reference gets right and the candidate wrong.
        fused_right: (n,) whether the fused model gets them right.
        delta: (n, H, W) DELTA's maps in [0, 1].
        candidate: (n, H, W) the candidate's likewise.
        answers: (n,) the reference's classes; None for the labels, which they equal where there are labels.
        complements: Whether DELTA passed its controls and brings something back: if not, its maps do not show what the
            candidate lacks, and no concept is named and no labeller asked.
        method: How the candidate's maps were made, for captions.
        loss: (n,) what the right class lost in probability from the reference to the candidate; None where not known.

    Raises:
        Inconclusive: A concept's mask does not fit its image.
    """
    if answers is None:
        if context.vetted.labels is None:
            raise ValueError("images without labels need the reference's answers")
        answers = context.vetted.labels[rows]
    ground = Ground(context, rows, answers, fused_right, delta, candidate)
    thresholds = sorted({*THRESHOLDS, context.tuning.threshold})
    scenes, annotated, categories = _look(ground, thresholds)
    scenes, shown, findings = name_concepts(ground, scenes, annotated) if complements else (scenes, {}, ())
    missed = {index: scene.missed for index, scene in enumerate(scenes) if scene.missed is not None}
    concepts = count_missed(missed, {index: names for index, names in shown.items() if names})
    table = _category_table(scenes, categories, context.tuning.threshold, method, local=_how_local(annotated))
    exhibits: list[Table | Picture] = [table]
    if concepts:
        exhibits.append(table_of(concepts, len(shown), context, scenes))
    worst = None if loss is None else loss.tolist()
    chosen = groups(scenes, [count.name for count in concepts])
    exhibits += show(chosen, scenes, context.tuning.examples, context.seed, ground.pixels, ground.regions, worst)
    return Explanation(
        images=len(rows),
        categories=categories,
        overlap=_mean_overlap(scenes, context.seed),
        concepts=concepts,
        concept_images=len(shown) if concepts else 0,
        exhibits=tuple(exhibits),
        findings=(*findings, *_unsteady(categories)),
    )


def _look(
    ground: Ground, thresholds: Sequence[float]
) -> tuple[list[Scene], list[tuple[Annotated, ...]], dict[float, dict[Category, int]]]:
    """Return every image's category and overlap at the user's threshold, its parts, and categories at every one."""
    context = ground.context
    found: dict[float, Counter[Category]] = {threshold: Counter() for threshold in thresholds}
    scenes, annotated = [], []
    taken_for = context.vetted.candidate.probabilities[ground.rows].argmax(axis=1)
    for index, row in enumerate(ground.rows):
        context.tell("explain", index, len(ground.rows))
        parts = ground.parts(index)
        whole = object_of(parts, ground.label(index))
        for threshold in thresholds:
            regions = ground.regions(index, threshold)
            category = categorise(*regions, corrected=bool(ground.fused_right[index]), whole=whole)
            found[threshold][category] += 1
            if threshold == context.tuning.threshold:
                taken = context.classes[taken_for[index]]
                scenes.append(Scene(context.vetted.ids[row], ground.label(index), taken, category, overlap(*regions)))
        annotated.append(parts)
    context.tell("explain", len(ground.rows), len(ground.rows))
    counts = {at: {category: counted[category] for category in Category} for at, counted in found.items()}
    return scenes, annotated, counts


def _mean_overlap(scenes: Sequence[Scene], seed: int) -> Overlap | None:
    scores = [scene.overlap for scene in scenes if scene.category is not Category.NONE and scene.overlap is not None]
    if not scores:
        return None
    mean = float(np.mean(scores))
    if len(scores) < FEWEST:
        return Overlap(mean, len(scores), None)
    design = np.stack([np.array(scores), np.ones(len(scores))])
    found = bootstrap_images(lambda sums: sums[:1] / sums[1:2], design, seed=seed)
    values = tuple(float(value) for value in np.clip(found.values[0], 0.0, 1.0))
    return Overlap(mean, len(scores), Quantiles(levels=found.levels, values=values, method=found.method(0)))


def _how_local(annotated: Sequence[tuple[Annotated, ...]]) -> str:
    """Say what `local` rests on."""
    known = sum(1 for parts in annotated if any(part.whole for part in parts))
    close = f"at most two regions whose common box covers at most {QUARTER:.0%} of the image"
    on_it = f"every region with at least {ON_OBJECT:.0%} of itself on the annotated object"
    if not known:
        return f"local: {close}, for no object is annotated"
    if known == len(annotated):
        return f"local: {on_it}"
    return f"local: {on_it} ({known:,} of {len(annotated):,} images), else {close}"


def _category_table(
    scenes: Sequence[Scene],
    categories: Mapping[float, Mapping[Category, int]],
    threshold: float,
    method: str,
    *,
    local: str,
) -> Table:
    rows = []
    for category in Category:
        scores = [scene.overlap for scene in scenes if scene.category is category and scene.overlap is not None]
        shares = [counts[category] / max(1, len(scenes)) for counts in categories.values()]
        mean = float(np.mean(scores)) if scores and category is not Category.NONE else None
        rows.append((category.value, categories[threshold][category], *shares, mean))
    how = f" The candidate's maps: {method}." if method else ""
    return Table(
        title="How DELTA's regions lie to the candidate's",
        columns=("category", f"images at {threshold:g}", *(f"share at {at:g}" for at in categories), "mean overlap"),
        rows=tuple(rows),
        caption=(
            f"Of {len(scenes):,} images; shares move with the threshold, which is a share of each map's maximum. "
            f"complement: of every DELTA region under {DISJOINT:.0%} lies in the candidate's regions (missing "
            f"information); enhance: of every one at least {DISJOINT:.0%} (noise suppressed); mix: some so, some so. "
            f"{local[0].upper()}{local[1:]}. none: no region of at least {LEAST_AREA:.0%} of the image, or the fused "
            f"model does not correct it. Overlap: share of DELTA's regions within the candidate's.{how}"
        ),
        chart=Chart(
            mark=Mark.BARS, label="category", values=tuple(f"share at {at:g}" for at in categories), unit=Unit.FRACTION
        ),
    )


def _unsteady(categories: Mapping[float, Mapping[Category, int]]) -> tuple[Finding, ...]:
    """Say so where the most frequent category is another one at another threshold."""
    leaders = {at: max(counts, key=lambda category: counts[category]) for at, counts in categories.items()}
    if len(set(leaders.values())) < 2 or not any(sum(counts.values()) for counts in categories.values()):
        return ()
    told = ", ".join(f"{leader.value!r} at {at:g}" for at, leader in leaders.items())
    message = f"the most frequent category depends on the threshold: {told}"
    return (Finding(rule="disparity.threshold", severity=Severity.LOW, message=message),)
