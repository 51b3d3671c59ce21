"""A report to look at: a gallery with the map of one of its images, and a table that is drawn by its hint."""

from __future__ import annotations

import base64
import io

from PIL import Image

from tests.golden import canned_stopped
from vetgate.reporting import (
    Answer,
    Better,
    Chart,
    Evidence,
    Gallery,
    Mark,
    Outcome,
    Picture,
    ReportSet,
    Shot,
    Table,
    Unit,
)

SIDE = 4


def _pixels(shade: int) -> str:
    """Return a PNG of one shade, without the compressor's freedom: the same bytes with every zlib."""
    file = io.BytesIO()
    Image.new("L", (SIDE, SIDE), shade).save(file, format="PNG", compress_level=0)
    return base64.b64encode(file.getvalue()).decode()


def _shot(number: int, label: str, said: str, reference: float, candidate: float) -> Shot:
    return Shot(
        image=f"{label}/{number:04}.png",
        label=label,
        reference=Answer(name=label, probability=reference),
        candidate=Answer(name=said, probability=candidate),
        media_type="image/png",
        base64=_pixels(40 * number),
    )


def canned() -> ReportSet:
    """Return the report of the early stop with what there is to look at."""
    shots = (
        _shot(1, "Shirt", "Coat", 0.98, 0.91),
        _shot(2, "Sneaker", "<b>Boot</b>", 0.8, 0.77),
        _shot(3, "Coat", "Pullover", 0.61, 0.5),
    )
    gallery = Gallery(
        title="Right by the reference, wrong by the candidate",
        shots=shots,
        of=23,
        caption="The worst 3 of 23 images that the reference has right and the candidate wrong.",
    )
    flips = Table(
        title="Flips per class",
        columns=("class", "lost", "won"),
        rows=(("Shirt", 12, 9), ("Sneaker", 8, 8), ("Coat", 3, 5)),
        caption="Images of a class that only one model has right.",
        chart=Chart(mark=Mark.MIRRORED, label="class", values=("lost", "won"), unit=Unit.COUNT),
    )
    deltas = Table(
        title="Accuracy by class",
        columns=("class", "delta", "lower", "upper"),
        rows=(("Shirt", -0.015, -0.03, 0.001), ("Sneaker", 0.0, -0.012, 0.012), ("Coat", 0.01, -0.01, 0.03)),
        chart=Chart(
            mark=Mark.BARS,
            label="class",
            values=("delta",),
            unit=Unit.FRACTION,
            signed=True,
            better=Better.HIGHER,
            interval=("lower", "upper"),
        ),
    )
    seen = Picture(
        title="lost by the candidate",
        media_type="image/png",
        base64=_pixels(200),
        caption="Shirt/0001.png: Shirt taken for Coat.",
        image="Shirt/0001.png",
    )
    shown = (
        Evidence(check="similarity", outcome=Outcome.MEASURED, exhibits=(flips, deltas)),
        Evidence(check="delta", outcome=Outcome.MEASURED, exhibits=(seen,)),
        Evidence(check="gallery", outcome=Outcome.MEASURED, exhibits=(gallery,)),
    )
    (report,) = canned_stopped.canned().reports
    return ReportSet(reports=(report.model_copy(update={"evidence": (*report.evidence, *shown)}),))
