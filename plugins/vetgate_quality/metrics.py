"""The figures that this check declares."""

from __future__ import annotations

from vetgate.api import Better, MetricSpec, Of, Unit

_EACH = (Of.CANDIDATE, Of.REFERENCE, Of.DELTA)


def _share(
    name: str,
    summary: str,
    *,
    better: Better = Better.HIGHER,
    bounded: tuple[Of, ...] = (),
    sliced: bool = False,
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
        needs_labels=True,
        bounded=bounded,
        source=source,
    )


TOP1 = _share("top1", "share of images whose most probable class is the label; ties go to the first", bounded=_EACH)
TOP5 = _share(
    "top5",
    "share of images whose label is among the five most probable classes, where there are more than five; ties go to "
    "the first",
    bounded=_EACH,
)
PRECISION_MACRO = _share("precision_macro", "mean over the classes that have images of precision; 0 where never given")
RECALL_MACRO = _share("recall_macro", "mean over the classes that have images of recall (balanced accuracy)")
F1_MACRO = _share("f1_macro", "mean over the classes that have images of the harmonic mean of precision and recall")
F1_WEIGHTED = _share("f1_weighted", "the same mean, each class weighted by its images")
RECALL = _share("recall", "share of a class's images that are given that class", bounded=_EACH, sliced=True)
PRECISION = _share(
    "precision",
    "share of the images given a class that are of it; 0 where the class is never given",
    bounded=(Of.CANDIDATE, Of.REFERENCE),
    sliced=True,
)
ECE = _share(
    "ece",
    "expected calibration error: mean gap of confidence and accuracy, in 15 bins of confidence of equal width",
    better=Better.LOWER,
    source="Guo, Pleiss, Sun, Weinberger: On Calibration of Modern Neural Networks (ICML 2017), equation 3",
)

METRICS = (TOP1, TOP5, PRECISION_MACRO, RECALL_MACRO, F1_MACRO, F1_WEIGHTED, RECALL, PRECISION, ECE)
