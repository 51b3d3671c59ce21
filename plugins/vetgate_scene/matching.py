"""Which box is which object: COCO's matching, by pycocotools."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from vetgate.api import Boxes, Inconclusive, TrueBoxes

OVERLAPS = np.linspace(0.5, 0.95, 10)
"""As COCOeval's own."""
MOST = 100
"""Boxes of an image that count, the best first."""
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
        judge = COCOeval(_dataset(truth, shown), _results(found, truth, shown), "bbox")
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
    annotations: list[dict[str, object]] = []
    for image, objects in enumerate(truth):
        for corners, kind, crowd in zip(objects.corners.tolist(), objects.classes, objects.crowd, strict=True):
            x1, y1, x2, y2 = corners
            box = [x1, y1, x2 - x1, y2 - y1]
            annotations.append(
                {
                    "id": len(annotations) + 1,
                    "image_id": image,
                    "category_id": int(kind),
                    "bbox": box,
                    "area": box[2] * box[3],
                    "iscrowd": int(crowd),
                }
            )
    return _loaded(len(truth), shown, annotations)


def _results(found: Sequence[Boxes], truth: Sequence[TrueBoxes], shown: Sequence[int]) -> COCO:
    annotations: list[dict[str, object]] = []
    for image, boxes in enumerate(found):
        for corners, score, kind in zip(boxes.corners.tolist(), boxes.scores, boxes.classes, strict=True):
            x1, y1, x2, y2 = corners
            box = [x1, y1, x2 - x1, y2 - y1]
            annotations.append(
                {
                    "id": len(annotations) + 1,
                    "image_id": image,
                    "category_id": int(kind),
                    "bbox": box,
                    "area": box[2] * box[3],
                    "iscrowd": 0,
                    "score": float(score),
                }
            )
    return _loaded(len(truth), shown, annotations)


def _loaded(images: int, shown: Sequence[int], annotations: list[dict[str, object]]) -> COCO:
    coco = COCO()
    coco.dataset = {
        "images": [{"id": image} for image in range(images)],
        "categories": [{"id": kind} for kind in shown],
        "annotations": annotations,
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

    It is the mean over recall from 0 to 1 in steps of 0.01 of the greatest precision at that recall or beyond.

    Args:
        matched: One class.
        weights: (N, R), at least 0.
    """
    objects = matched.objects @ weights
    out = np.zeros((len(matched.right), weights.shape[1]))
    if not len(matched.scores):
        return out
    each = weights[matched.image]
    recalls = np.linspace(0.0, 1.0, 101)
    for step, (right, ignored) in enumerate(zip(matched.right, matched.ignored, strict=True)):
        hits = np.cumsum(each * (right & ~ignored)[:, np.newaxis], axis=0)
        given = hits + np.cumsum(each * (~right & ~ignored)[:, np.newaxis], axis=0)
        precision = np.divide(hits, given, out=np.zeros_like(hits), where=given > 0)
        best = np.maximum.accumulate(precision[::-1], axis=0)[::-1]
        recall = np.divide(hits, objects, out=np.zeros_like(hits), where=objects > 0)
        reached = np.searchsorted(recalls, recall, side="right")
        steps = np.diff(reached, axis=0, prepend=0)
        out[step] = (best * steps).sum(axis=0) / len(recalls)
    out[:, objects <= 0] = 0.0
    return out
