"""Which box is which object: COCO's matching, by pycocotools."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval
from scipy.sparse import csr_array

from vetgate.api import Boxes, Inconclusive, TrueBoxes

OVERLAPS = np.linspace(0.5, 0.95, 10)
"""As COCOeval's own."""
RECALLS = np.linspace(0.0, 1.0, 101)
"""Likewise."""
MOST = 100
"""Boxes of one class in an image that count, the best first."""
TOGETHER = 1 << 18
"""Numbers that are worked on at a time, so that they stay near the processor."""
ROUNDING = 1e-9


@dataclass(frozen=True)
class Matched:
    """The boxes of one class, the surest first, over all images."""

    image: NDArray[np.int64]
    """(D,) position of the image."""
    scores: NDArray[np.float64]
    """(D,) descending."""
    right: NDArray[np.bool_]
    """(T, D) whether it is an object, by overlap."""
    ignored: NDArray[np.bool_]
    """(T, D) whether it counts neither way, for it lies in a crowd."""
    objects: NDArray[np.int64]
    """(N,) objects of each image that can be found."""

    def together(self, block: NDArray[np.int64], blocks: int) -> Matched:
        """Return the same where images of one block are one image.

        Args:
            block: (N,) of each image.
            blocks: How many there are.
        """
        objects = np.bincount(block, self.objects, minlength=blocks).astype(np.int64)
        return replace(self, image=block[self.image], objects=objects)


@dataclass(frozen=True)
class Evaluated:
    """What one model finds of what is there."""

    classes: tuple[Matched, ...]
    """(S,) of the classes that the data shows."""
    precision: NDArray[np.float64]
    """(S, T) average precision as COCOeval says it."""


def evaluate(found: Sequence[Boxes], truth: Sequence[TrueBoxes], shown: Sequence[int]) -> Evaluated:
    """Return which boxes are objects.

    Args:
        found: (N,) of one model.
        truth: (N,) of the same images.
        shown: (S,) the classes that the data shows.

    Raises:
        Inconclusive: pycocotools' own figures are not those of these matches.
    """
    with contextlib.redirect_stdout(io.StringIO()):  # it speaks while it works
        judge = COCOeval(_dataset(truth, shown), _results(found, shown), "bbox")
        judge.params.imgIds, judge.params.catIds = list(range(len(found))), list(shown)
        judge.params.areaRng, judge.params.areaRngLbl = [[0, 1e10]], ["all"]
        judge.params.maxDets = [MOST]
        judge.evaluate()
        judge.accumulate()
    told = judge.eval["precision"][:, :, :, 0, 0].mean(axis=1).T
    parts = [judge.evalImgs[place * len(found) : (place + 1) * len(found)] for place in range(len(shown))]
    classes = tuple(_matched(part) for part in parts)
    own = np.stack([average_precision(each, np.ones((len(found), 1)))[:, 0] for each in classes])
    if not np.allclose(own, told, atol=ROUNDING):
        raise Inconclusive(f"pycocotools' average precision is not that of its matches: {told.max()} and {own.max()}")
    return Evaluated(classes, told)


def _dataset(truth: Sequence[TrueBoxes], shown: Sequence[int]) -> COCO:
    told = [
        _annotation(image, corners, kind) | {"iscrowd": int(crowd)}
        for image, objects in enumerate(truth)
        for corners, kind, crowd in zip(objects.corners.tolist(), objects.classes, objects.crowd, strict=True)
    ]
    return _loaded(len(truth), shown, told)


def _results(found: Sequence[Boxes], shown: Sequence[int]) -> COCO:
    told = [
        _annotation(image, corners, kind) | {"iscrowd": 0, "score": float(score)}
        for image, boxes in enumerate(found)
        for corners, score, kind in zip(boxes.corners.tolist(), boxes.scores, boxes.classes, strict=True)
    ]
    return _loaded(len(found), shown, told)


def _annotation(image: int, corners: Sequence[float], kind: int) -> dict[str, object]:
    x1, y1, x2, y2 = corners
    width, height = x2 - x1, y2 - y1
    return {"image_id": image, "category_id": int(kind), "bbox": [x1, y1, width, height], "area": width * height}


def _loaded(images: int, shown: Sequence[int], annotations: list[dict[str, object]]) -> COCO:
    coco = COCO()
    coco.dataset = {
        "images": [{"id": image} for image in range(images)],
        "categories": [{"id": kind} for kind in shown],
        "annotations": [annotation | {"id": place} for place, annotation in enumerate(annotations, start=1)],
    }
    coco.createIndex()
    return coco


def _matched(entries: Sequence[dict[str, NDArray[np.float64]] | None]) -> Matched:
    """Return one class's boxes, in the order in which COCOeval takes them."""
    steps = len(OVERLAPS)
    there = [(image, entry) for image, entry in enumerate(entries) if entry is not None]
    scores = np.concatenate([np.asarray(entry["dtScores"]) for _, entry in there] or [np.zeros(0)])
    right, ignored = (
        np.concatenate(
            [np.asarray(entry[key]).reshape(steps, -1) for _, entry in there] or [np.zeros((steps, 0))], axis=1
        )
        for key in ("dtMatches", "dtIgnore")
    )
    image = np.concatenate([np.full(len(entry["dtScores"]), place) for place, entry in there] or [np.zeros(0)])
    order = np.argsort(-scores, kind="mergesort")
    objects = np.zeros(len(entries), dtype=np.int64)
    for place, entry in there:
        objects[place] = int(np.count_nonzero(np.asarray(entry["gtIgnore"]) == 0))
    return Matched(
        image=image[order].astype(np.int64),
        scores=scores[order],
        right=right[:, order] != 0,
        ignored=ignored[:, order] != 0,
        objects=objects,
    )


def average_precision(matched: Matched, weights: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return (T, R) average precision where image n counts weights[n, r] times, as COCOeval computes it.

    It is the mean over recall from 0 to 1 in steps of 0.01 of the greatest precision at that recall or beyond. Only
    boxes that are objects are looked at, for between two of them recall stays and precision falls.

    Args:
        matched: One class.
        weights: (N, R), at least 0.
    """
    right = matched.right & ~matched.ignored
    hits = np.flatnonzero(right.any(axis=0))
    out = np.zeros((len(right), weights.shape[1]))
    width = max(1, TOGETHER // max(1, len(hits)))
    for start in range(0, weights.shape[1] if len(hits) else 0, width):
        part = weights[:, start : start + width]
        objects, given = matched.objects @ part, np.zeros(0)
        for step, counted in enumerate(~matched.ignored):
            if not step or (matched.ignored[step] != matched.ignored[step - 1]).any():
                given = _given(matched.image, counted, hits, part)
            found = np.flatnonzero(right[step, hits])
            out[step, start : start + width] = _area(part[matched.image[hits[found]]], given[found], objects)
    return out


def _given(
    image: NDArray[np.int64], counted: NDArray[np.bool_], hits: NDArray[np.intp], weights: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return (H, R) how many boxes that count there are up to each of some."""
    boxes = np.flatnonzero(counted[: hits[-1] + 1])
    rows = np.searchsorted(hits, boxes)
    each = csr_array((np.ones(len(boxes)), (rows, image[boxes])), shape=(len(hits), len(weights)))
    added: NDArray[np.float64] = each @ weights
    return np.cumsum(added, axis=0, out=added)


def _area(right: NDArray[np.float64], given: NDArray[np.float64], objects: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return (R,) average precision.

    Args:
        right: (H, R) what each box that is an object counts, the surest first.
        given: (H, R) boxes up to each.
        objects: (R,) that there are; without any it is 0.
    """
    right = np.cumsum(right, axis=0)
    precision = np.divide(right, given, out=np.zeros_like(right), where=given > 0)
    best = np.maximum.accumulate(precision[::-1], axis=0)[::-1]
    recall = np.divide(right, objects, out=np.zeros_like(right), where=objects > 0)
    nearest = np.minimum(np.rint(recall * 100.0), 100.0).astype(np.intp)
    reached = nearest + (RECALLS[nearest] <= recall)
    steps = np.diff(reached, axis=0, prepend=0)
    area: NDArray[np.float64] = (best * steps).sum(axis=0) / len(RECALLS)
    return np.where(objects > 0, area, 0.0)
