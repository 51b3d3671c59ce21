"""How right the objects are that models find, and how alike; resampled over images.

Source: T.-Y. Lin et al., "Microsoft COCO: Common Objects in Context", ECCV 2014; average precision as pycocotools'
COCOeval computes it, by its own matches of boxes with objects.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import eye_array

from vetgate.api import (
    Ask,
    Boxes,
    DetectionContext,
    DetectionTable,
    Inconclusive,
    Measurement,
    Results,
    TrueBoxes,
    of_label,
)
from vetgate.statistics import Resampled, attainable_levels, bootstrap
from vetgate_scene import metrics
from vetgate_scene.exhibits import class_table
from vetgate_scene.figures import resampled_figures
from vetgate_scene.finding import SURE, FoundAgain, match_any
from vetgate_scene.matching import Evaluated, Matched, average_precision, evaluate
from vetgate_scene.order import confused, doubts, usual

WORK = 20_000_000_000
"""Boxes times overlaps times replicates that a bootstrap of average precision may take: about a minute."""
BLOCKS = 200
"""Of images, drawn by chance, that are resampled together where there are more images: each costs the jackknife one
evaluation. Drawn by their names they would be too much alike, for neighbours by name often are."""
FEWEST = 1_000
"""Replicates that are taken in any case."""
OVERLAPS = 10
ORDER = "detection.class-order"
ORDER_ADVICE = (
    "compare the names of the categories in instances.json with what is annotated, and output.classes and "
    "output.offset in the card with the model's numbers"
)

Floats = NDArray[np.float64]


class DetectionCheck:
    """Compares both models' boxes with the objects that are there and with each other."""

    def measure(self, context: DetectionContext, ask: Ask) -> Results:
        """Return average precision, recall, precision and what is found again; without objects the last alone.

        Raises:
            Inconclusive: The data shows no object.
        """
        table = context.table
        figures = list(_alike(table, ask))
        if table.truth is None:
            return Results(measurements=tuple(figures))
        shown = _shown(table.truth)
        if not shown:
            raise Inconclusive("the data shows no object", hint="is instances.json that of these images?")
        order = _order(table)
        truth = [table.truth[place] for place in order]
        models = [[side[place] for place in order] for side in (table.candidate, table.reference)]
        sides = [evaluate(found, truth, shown) for found in models]
        found = _resample(sides, len(table), ask)
        figures += _right(table, truth, shown, found)
        exhibit = class_table(
            "average precision",
            [table.classes[kind] for kind in shown],
            [_images(truth, kind) for kind in shown],
            found.estimate[12:].reshape(3, -1),
        )
        given = np.stack([_usual(found, truth, len(table.classes)) for found in models])
        return Results(
            measurements=tuple(figures),
            findings=tuple(doubts(ORDER, "of the objects that it finds", given, table.classes, ORDER_ADVICE)),
            exhibits=(exhibit,),
        )


def _order(table: DetectionTable) -> list[int]:
    """Return the images by name, so that their order in the table does not matter."""
    return sorted(range(len(table)), key=lambda place: table.ids[place])


def _shown(truth: Sequence[TrueBoxes]) -> list[int]:
    """Return the classes of which there is an object that can be found."""
    kinds = [each.classes[~each.crowd] for each in truth]
    return [int(kind) for kind in np.unique(np.concatenate([np.zeros(0, np.int64), *kinds]))]


def _images(truth: Sequence[TrueBoxes], kind: int) -> int:
    return sum(bool((each.classes[~each.crowd] == kind).any()) for each in truth)


def _usual(found: Sequence[Boxes], truth: Sequence[TrueBoxes], classes: int) -> NDArray[np.int64]:
    """Return (N, K) the class that most objects of each class are given, of those that a sure box of any class is."""
    rows = []
    for boxes, objects in zip(found, truth, strict=True):
        pairs = np.array(list(match_any(boxes, objects)), dtype=np.int64).reshape(-1, 2)
        rows.append(usual(confused(objects.classes[pairs[:, 1]], boxes.classes[pairs[:, 0]], classes)))
    return np.stack(rows)


def _resample(sides: list[Evaluated], images: int, ask: Ask) -> Resampled:
    """Return the figures of `_figures`, resampled over images where a rule asks for a confidence."""
    boxes = sum(len(each.scores) for side in sides for each in side.classes)
    replicates = min(ask.replicates, max(FEWEST, WORK // max(1, boxes * OVERLAPS)))
    levels = attainable_levels(ask.confidences, replicates) if ask.confidences else ()
    blocks = min(images, BLOCKS)
    block = np.random.default_rng(ask.seed).permutation(images) % blocks
    return bootstrap(
        _figures([[each.together(block, blocks) for each in side.classes] for side in sides]),
        eye_array(blocks, format="csr"),
        np.ones(blocks, dtype=np.int64),
        replicates=replicates,
        seed=ask.seed,
        levels=levels,
    )


def _figures(sides: list[list[Matched]]) -> Callable[[Floats], Floats]:
    """Return what maps weights (N, R) of images to figures (12 + 3 S, R).

    They are average precision, that at an overlap of 0.5, recall and precision, each of the candidate, of the reference
    and the difference; then the average precision of each class likewise.
    """
    counts = [_counts(side) for side in sides]
    objects = np.stack([each.objects for each in sides[0]])

    def figures(weights: Floats) -> Floats:
        there = objects @ weights > 0
        classes = np.maximum(there.sum(axis=0), 1)
        each = [np.stack([average_precision(one, weights) for one in side]) for side in sides]
        by_class = [part.mean(axis=1) for part in each]
        means = [(part * there).sum(axis=0) / classes for part in by_class]
        at_half = [(part[:, 0] * there).sum(axis=0) / classes for part in each]
        recall, precision = ([_share(count[0], count[which], weights) for count in counts] for which in (2, 1))
        pairs = (means, at_half, recall, precision)
        rows = [np.stack([*pair, pair[0] - pair[1]]) for pair in pairs]
        return np.concatenate([*rows, by_class[0], by_class[1], by_class[0] - by_class[1]])

    return figures


def _counts(classes: list[Matched]) -> tuple[Floats, Floats, Floats]:
    """Return of each image (N,) the objects found, the boxes given and the objects there, at a score of SURE."""
    images = len(classes[0].objects)
    found, given, there = np.zeros(images), np.zeros(images), np.zeros(images)
    for each in classes:
        sure = (each.scores >= SURE) & ~each.ignored[0]
        found += np.bincount(each.image[sure & each.right[0]], minlength=images)
        given += np.bincount(each.image[sure], minlength=images)
        there += each.objects
    return found, given, there


def _share(part: Floats, whole: Floats, weights: Floats) -> Floats:
    """Return (R,) shares of sums over images; 0 of nothing."""
    above, below = part @ weights, whole @ weights
    return np.divide(above, below, out=np.zeros_like(above), where=below > 0)


def _right(
    table: DetectionTable, truth: Sequence[TrueBoxes], shown: list[int], found: Resampled
) -> Iterator[Measurement]:
    count, classes = len(table), len(shown)
    lacking = len(table.classes) - classes
    note = f"over the {classes} of {len(table.classes)} classes that the data shows" if lacking else ""
    for place, spec in enumerate((metrics.MAP, metrics.AP50, metrics.RECALL, metrics.PRECISION)):
        rows = range(3 * place, 3 * place + 3)
        yield from resampled_figures(spec, found, rows, count, note=note if place < 2 else "")
    for place, kind in enumerate(shown):
        rows_of_class = [12 + part * classes + place for part in range(3)]
        where = of_label(table.classes[kind])
        yield from resampled_figures(metrics.AP, found, rows_of_class, _images(truth, kind), where=where)


def _alike(table: DetectionTable, ask: Ask) -> Iterator[Measurement]:
    """Yield what is found again, made up, and how well boxes lie; what has no box to be of is left out."""
    again = FoundAgain.of(table)
    sums = np.stack([again.wanted, again.given, again.found, again.overlap])
    sums = sums[:, np.lexsort(sums)]
    levels = attainable_levels(ask.confidences, ask.replicates)
    alone = np.ones(len(table), dtype=np.int64)
    found = bootstrap(_shares, sums, alone, replicates=ask.replicates, seed=ask.seed, levels=levels)
    wanted, given, matched, _ = sums.sum(axis=1).tolist()
    for row, (spec, whole) in enumerate(
        ((metrics.FOUND_AGAIN, wanted), (metrics.MADE_UP, given), (metrics.BOX_IOU, matched))
    ):
        if whole:
            yield from resampled_figures(spec, found, [row], len(table), note=f"of {whole:,.0f} boxes")


def _shares(sums: Floats) -> Floats:
    """Return (3, R): found again, made up, and overlap; of nothing, the worst."""
    wanted, given, found, overlap = sums
    worst = np.zeros_like(wanted)
    return np.stack(
        [
            np.divide(found, wanted, out=worst.copy(), where=wanted > 1e-9),
            np.divide(given - found, given, out=worst + 1.0, where=given > 1e-9),
            np.clip(np.divide(overlap, found, out=worst.copy(), where=found > 1e-9), 0.0, 1.0),
        ]
    )
