"""The reports that pages are made of: those of the other reporters, and some with images."""

from __future__ import annotations

import base64
import io

import pytest
from PIL import Image

from tests.plugins.reporters import conftest as shared
from vetgate.reporting import Answer, Evidence, Gallery, Outcome, Picture, ReportSet, Shot

canned, stopped, poisoned = shared.canned, shared.stopped, shared.poisoned
thirty, unread = shared.thirty, shared.unread


def png(shade: int, side: int = 28) -> str:
    """Return a picture of one shade, as a report holds it."""
    file = io.BytesIO()
    Image.new("L", (side, side), shade).save(file, format="PNG")
    return base64.b64encode(file.getvalue()).decode()


@pytest.fixture(scope="session")
def illustrated(canned: ReportSet) -> ReportSet:
    """Return the canned report with a gallery, a map of one of its images, and drawings of strangers."""
    shots = tuple(
        Shot(
            image=f"shirts/{number}.png",
            label="Shirt",
            reference=Answer(name="Shirt", probability=0.93),
            candidate=Answer(name="Coat", probability=0.81),
            media_type="image/png",
            base64=png(20 + number),
        )
        for number in range(6)
    )
    hostile = b"<svg xmlns='http://www.w3.org/2000/svg' width='20' height='20'><script>alert(1)</script></svg>"
    shown = (
        Gallery(title="Right by the reference, wrong by the candidate", shots=shots, of=176),
        Picture(title="map of shirts/0", media_type="image/png", base64=png(200), image="shirts/0.png"),
        Picture(title="map of another", media_type="image/png", base64=png(210), image="coats/9.png"),
        Picture(title="drawn", media_type="image/svg+xml", base64=base64.b64encode(hostile).decode()),
        Picture(title="damaged", media_type="image/png", base64='" onerror="alert(1)'),
    )
    report = canned.reports[0]
    evidence = (*report.evidence, Evidence(check="gallery", outcome=Outcome.MEASURED, exhibits=shown))
    return ReportSet(reports=(report.model_copy(update={"evidence": evidence}),))
