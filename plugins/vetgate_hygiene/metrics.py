"""What is measured of the images themselves."""

from __future__ import annotations

from vetgate.api import Better, MetricSpec, Of, Unit

NEAR = "an exact copy, or one that was saved anew, resized, made brighter, mirrored or cropped by up to a tenth a side"
CONFIDENT = (
    "Northcutt, Jiang, Chuang, Confident Learning: Estimating Uncertainty in Dataset Labels, JAIR 2021, eq. 1 and 2"
)


def _share(name: str, summary: str, *, others: bool = False, labels: bool = False, source: str = "") -> MetricSpec:
    return MetricSpec(
        id=f"data.{name}",
        summary=summary,
        unit=Unit.FRACTION,
        better=Better.LOWER,
        roles=(Of.PAIR,),
        low=0.0,
        high=1.0,
        bounded=(Of.PAIR,),
        exact=True,
        needs_labels=labels,
        needs_other_images=others,
        source=source,
    )


OVERLAP_EXACT = _share(
    "overlap_exact", "share of vetted images whose pixels are also in the calibration or training data", others=True
)
OVERLAP_NEAR = _share(
    "overlap_near", f"share of vetted images with a copy in the calibration or training data: {NEAR}", others=True
)
DUPLICATES_EXACT = _share("duplicates_exact", "share of vetted images whose pixels come more than once among them")
DUPLICATES_NEAR = _share("duplicates_near", f"share of vetted images with a copy among them: {NEAR}")
CONFLICTS = _share(
    "conflicting_labels", "share of vetted images whose pixels come again under another label", labels=True
)
DOUBTS = _share(
    "label_doubts",
    "share of vetted images that both models put into the same other class, each as surely as its images usually are",
    labels=True,
    source=CONFIDENT,
)

OF_IMAGES = (OVERLAP_EXACT, OVERLAP_NEAR, DUPLICATES_EXACT, DUPLICATES_NEAR, CONFLICTS)
OF_ANSWERS = (DOUBTS,)
