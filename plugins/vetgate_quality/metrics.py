"""The figures that this check declares."""

from __future__ import annotations

from vetgate.api import LABEL, Better, MetricSpec, Of, Unit

_EACH = (Of.CANDIDATE, Of.REFERENCE, Of.DELTA)


def _share(
    name: str,
    summary: str,
    *,
    better: Better = Better.HIGHER,
    counted: bool = False,
    sliced: bool = False,
    columns: tuple[str, ...] = (),
    over_slices: bool = False,
    source: str = "",
) -> MetricSpec:
    return MetricSpec(
        id=f"accuracy.{name}",
        summary=summary,
        unit=Unit.FRACTION,
        better=better,
        roles=_EACH,
        low=0.0,
        high=1.0,
        sliced=sliced,
        columns=columns,
        over_slices=over_slices,
        counted=_EACH if counted else (),
        needs_labels=True,
        bounded=_EACH,
        source=source,
    )


TOP1 = _share(
    "top1",
    "share of images whose most probable class is the label; ties go to the first",
    counted=True,
    sliced=True,
)
TOP5 = _share(
    "top5",
    "share of images whose label is among the five most probable classes, where there are more than five; ties go to "
    "the first",
    counted=True,
    sliced=True,
)
WORST_SLICE = _share(
    "worst_slice", "least top-1 accuracy over the slices of a column that have 10 images or more", over_slices=True
)
SLICE_GAP = _share(
    "slice_gap",
    "greatest less least top-1 accuracy over the slices of a column that have 10 images or more",
    better=Better.LOWER,
    over_slices=True,
)
PRECISION_MACRO = _share("precision_macro", "mean over the classes that have images of precision; 0 where never given")
RECALL_MACRO = _share("recall_macro", "mean over the classes that have images of recall (balanced accuracy)")
F1_MACRO = _share("f1_macro", "mean over the classes that have images of the harmonic mean of precision and recall")
F1_WEIGHTED = _share("f1_weighted", "the same mean, each class weighted by its images")
RECALL = _share(
    "recall", "share of a class's images that are given that class", counted=True, sliced=True, columns=(LABEL,)
)
PRECISION = _share(
    "precision",
    "share of the images given a class that are of it; 0 where the class is never given",
    sliced=True,
    columns=(LABEL,),
)
ECE = _share(
    "ece",
    "expected calibration error: mean gap of confidence and accuracy, in 15 bins of confidence of equal width; biased "
    "upwards for few images",
    better=Better.LOWER,
    source="Guo, Pleiss, Sun, Weinberger: On Calibration of Modern Neural Networks (ICML 2017), equation 3",
)

METRICS = (
    TOP1,
    TOP5,
    WORST_SLICE,
    SLICE_GAP,
    PRECISION_MACRO,
    RECALL_MACRO,
    F1_MACRO,
    F1_WEIGHTED,
    RECALL,
    PRECISION,
    ECE,
)
