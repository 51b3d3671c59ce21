"""The figures that these checks declare."""

from __future__ import annotations

from dataclasses import replace

from vetgate.api import LABEL, Better, MetricSpec, Of, Unit

EACH = (Of.CANDIDATE, Of.REFERENCE, Of.DELTA)
_COCO = "Lin et al.: Microsoft COCO (ECCV 2014), as pycocotools' COCOeval computes it; iscrowd is ignored"
_LONG = "Long, Shelhamer, Darrell: Fully Convolutional Networks for Semantic Segmentation (CVPR 2015), section 5"


def _right(name: str, summary: str, *, by_class: bool = False, source: str = "") -> MetricSpec:
    return MetricSpec(
        id=name,
        summary=summary,
        unit=Unit.FRACTION,
        better=Better.HIGHER,
        roles=EACH,
        low=0.0,
        high=1.0,
        sliced=by_class,
        columns=(LABEL,) if by_class else (),
        needs_labels=True,
        bounded=EACH,
        unseen=EACH,
        source=source,
    )


def _alike(name: str, summary: str) -> MetricSpec:
    return MetricSpec(
        id=name,
        summary=summary,
        unit=Unit.FRACTION,
        better=Better.HIGHER,
        roles=(Of.PAIR,),
        low=0.0,
        high=1.0,
        bounded=(Of.PAIR,),
        unseen=(Of.PAIR,),
    )


MIOU = _right(
    "segmentation.miou",
    "mean over the classes that the masks show of intersection over union, summed over all images",
    source=_LONG,
)
IOU = _right("segmentation.iou", "intersection over union of one class, summed over all images", by_class=True)
PIXEL_ACCURACY = _right(
    "segmentation.pixel_accuracy", "share of labelled pixels that are given their class", source=_LONG
)
AGREEMENT = _alike(
    "segmentation.agreement", "mean over images of the share of pixels that both models give the same class"
)

MAP = _right(
    "detection.map",
    "average precision, mean over intersection over union from 0.5 to 0.95 in steps of 0.05 and over the classes that "
    "the data shows; of up to 100 boxes an image",
    source=_COCO,
)
AP50 = _right("detection.ap50", "the same at an intersection over union of 0.5 alone", source=_COCO)
AP = _right("detection.ap", "average precision of one class, mean over the same ten", by_class=True, source=_COCO)
RECALL = _right(
    "detection.recall",
    "share of the objects that are found: by a box of their class with a score of 0.5 or more that overlaps by 0.5 or "
    "more",
)
PRECISION = _right(
    "detection.precision",
    "share of the boxes with a score of 0.5 or more that are an object of their class, overlapping by 0.5 or more; 0 "
    "where there is no such box",
)
FOUND_AGAIN = _alike(
    "detection.found_again",
    "share of the reference's boxes with a score of 0.5 or more that the candidate finds again, so sure, of the same "
    "class and overlapping by 0.5 or more",
)
MADE_UP = replace(
    _alike(
        "detection.made_up",
        "share of the candidate's boxes with a score of 0.5 or more that are none of the reference's",
    ),
    better=Better.LOWER,
)
BOX_IOU = _alike("detection.box_iou", "mean intersection over union of the boxes that are found again")

DETECTION = (MAP, AP50, AP, RECALL, PRECISION, FOUND_AGAIN, MADE_UP, BOX_IOU)
SEGMENTATION = (MIOU, IOU, PIXEL_ACCURACY, AGREEMENT)
