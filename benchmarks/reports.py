"""How long each report of many images and classes takes to write, and how large it is.

The evidence is what the accuracy and similarity checks find on two made-up models, with a rule on every class, and
24 images. Every report format that is installed is written, in a process that has not written one before.

    python -m benchmarks.reports --images 10000 --classes 1000
"""

from __future__ import annotations

import argparse
import base64
import datetime
import io
import os
import sys
import time
from collections.abc import Iterator

import numpy as np
from PIL import Image
from vetgate_quality.check import QualityCheck
from vetgate_similarity.check import SimilarityCheck

from benchmarks.full_statistics import everything, pair_of_models
from vetgate.api import Measurement, Of, Results, TableContext
from vetgate.host.registry import Host, Kind, find_plugins
from vetgate.reporting import (
    Answer,
    DataSummary,
    Decision,
    Environment,
    Evidence,
    Gallery,
    ModelSummary,
    Outcome,
    PolicySummary,
    Report,
    ReportSet,
    Ruling,
    Shot,
    Verdict,
)

SECONDS, BYTES = 5.0, 5_000_000
"""Limits: of the processor time of all formats, which other work on the machine does not lengthen, and of the page."""
MARGIN = -0.05
REPLICATES = 200
SHOTS, SIDE = 24, 160


def measured(images: int, classes: int) -> tuple[Evidence, ...]:
    """Return what checks find on two made-up models, and a gallery."""
    table, ask = pair_of_models(images, classes, seed=0), everything(REPLICATES)
    found = {"quality": QualityCheck().measure(TableContext(table), ask)}
    found["similarity"] = SimilarityCheck().measure(TableContext(table), ask)
    return (*(_evidence(check, results) for check, results in found.items()), _gallery(images))


def _evidence(check: str, results: Results) -> Evidence:
    return Evidence(
        check=check,
        outcome=Outcome.MEASURED,
        measurements=results.measurements,
        findings=results.findings,
        exhibits=results.exhibits,
        per_image=results.per_image,
    )


def _gallery(images: int) -> Evidence:
    """Return photographs' worst case: noise, which JPEG cannot make small."""
    rng = np.random.default_rng(0)
    answer = Answer(name="7", probability=0.5)
    shots = []
    for number in range(SHOTS):
        file = io.BytesIO()
        pixels = rng.integers(0, 256, (SIDE, SIDE, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(file, format="JPEG", quality=80)
        content = base64.b64encode(file.getvalue()).decode()
        shots.append(
            Shot(
                image=f"{number}.jpg",
                label="7",
                reference=answer,
                candidate=answer,
                media_type="image/jpeg",
                base64=content,
            )
        )
    return Evidence(
        check="gallery", outcome=Outcome.MEASURED, exhibits=(Gallery(title="wrong", shots=tuple(shots), of=images),)
    )


def _rulings(evidence: tuple[Evidence, ...]) -> Iterator[Ruling]:
    """Yield a rule on the loss of every class."""
    for entry in evidence:
        for figure in entry.measurements:
            if figure.role is Of.DELTA and figure.metric == "accuracy.recall" and figure.slice and figure.slice.value:
                yield _ruling(figure, figure.slice.name)


def _ruling(figure: Measurement, name: str) -> Ruling:
    failed = figure.value < MARGIN
    return Ruling(
        rule=f"{figure.metric}/delta/{name}",
        words=f"{figure.metric} of candidate minus reference for {name} is at least -5 pp, at 95 % confidence",
        decision=Decision.FAIL if failed else Decision.PASS,
        because=f"{figure.metric} of candidate minus reference for {name} is {100 * figure.value:+.2f} pp",
        metric=figure.metric,
        of=figure.role,
        unit=figure.unit,
        observed=figure.value,
        threshold=MARGIN,
        side="at_least",
        confidence=0.95,
        method="Tango score",
        n=figure.n,
        slice=figure.slice,
    )


def made_up(images: int, classes: int) -> ReportSet:
    """Return the report set that every format writes."""
    evidence = measured(images, classes)
    rulings = tuple(_rulings(evidence))
    digest = "0123456789abcdef" * 4
    models = [
        ModelSummary(name=name, format="onnx", sha256=digest, size=12_000_000)
        for name in ("candidate.onnx", "base.onnx")
    ]
    failed = sum(ruling.decision is Decision.FAIL for ruling in rulings)
    report = Report(
        candidate=models[0],
        reference=models[1],
        data=DataSummary(name="eval", sha256=digest, images=images, available=images, labelled=True, classes=classes),
        policy=PolicySummary(name="every-class", sha256=digest, source="every-class.yaml"),
        verdict=Verdict(decision=Decision.FAIL, because=f"{failed} of {len(rulings)} rules fail", rulings=rulings),
        evidence=evidence,
        environment=Environment(
            vetgate="0", python="3", platform="-", processor="-", cores=os.cpu_count() or 1, memory=0, packages={}
        ),
        seed=0,
        command=("vetgate", "check", "candidate.onnx", "--reference", "base.onnx", "--data", "eval"),
        started=datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC),
        seconds=0.0,
    )
    return ReportSet(reports=(report,))


def written(host: Host, name: str, reports: ReportSet) -> tuple[float, float, int]:
    """Return seconds and seconds of processor time that a format takes, with its imports, and how many bytes it has."""
    offer = host.offer(Kind.REPORTER, name)
    if offer is None:
        raise LookupError(name)
    offer.require()
    start, worked = time.perf_counter(), time.process_time()
    content = offer.spec.factory().render(reports)
    seconds, worked = time.perf_counter() - start, time.process_time() - worked
    return seconds, worked, len(content if isinstance(content, bytes) else content.encode())


def main() -> int:
    """Print seconds and size of each format; return 1 where a limit is broken."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=int, default=10_000)
    parser.add_argument("--classes", type=int, default=1_000)
    args = parser.parse_args()
    reports = made_up(args.images, args.classes)
    figures = sum(len(entry.measurements) for entry in reports.reports[0].evidence)
    rules = len(reports.reports[0].verdict.rulings)
    print(
        f"{args.images:,} images, {args.classes:,} classes: {figures:,} figures, {rules:,} rules, {SHOTS} images; ",
        end="",
    )
    print(f"{os.getloadavg()[0]:.1f} processes on {os.cpu_count()} cores\n")
    print("| format | seconds | of processor time | kB |\n|---|---:|---:|---:|")
    host, total, spent, page = find_plugins(), 0.0, 0.0, 0
    for name in host.names(Kind.REPORTER):
        try:
            seconds, worked, size = written(host, name, reports)
        except Exception as error:  # a ranking has nothing to say of models without a size or a time
            print(f"| {name} | – | – | {type(error).__name__}: {error} |")
            continue
        total, spent = total + seconds, spent + worked
        page = size if name == "html" else page
        print(f"| {name} | {seconds:.2f} | {worked:.2f} | {size / 1000:,.0f} |")
    print(f"| all | {total:.2f} | {spent:.2f} | |\n")
    print(f"limits: {SECONDS:.0f} s of processor time for all, {BYTES / 1e6:.0f} MB for the page")
    return int(spent > SECONDS or page > BYTES)


if __name__ == "__main__":
    sys.exit(main())
