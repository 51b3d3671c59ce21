"""Explain candidates against the ResNet-20 with `vetgate explain`'s own walk, and keep every figure that it gives.

    python benchmarks/disparity/run.py MADE OUT [--budgets 10 30 20 5] [--variants residual paper]
    python benchmarks/disparity/run.py MADE OUT --candidates MADE/independent1-15.pt --label floor
    python benchmarks/disparity/run.py MADE OUT --budgets 20 --limit 5000 --no-train-data --label speed

MADE holds what benchmarks/cifar/train.py wrote; OUT what candidates.py wrote, and gets rows.json. What is there already
is not run again. table.py prints rows.json as tables.
"""

from __future__ import annotations

import argparse
import datetime
import json
import resource
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Literal

from vetgate.domain.evidence import Measurement, Unstated
from vetgate.domain.exhibit import Table
from vetgate.domain.report import Report
from vetgate.domain.request import RunRequest
from vetgate.domain.specs import Event
from vetgate.domain.trainer import Tuning
from vetgate.gate import explain
from vetgate.host import find_plugins
from vetgate.policy.compare import bounds_of

ARCHITECTURE = Path(__file__).parents[1] / "cifar" / "resnet.py"
CONFIDENCE = 0.95


@dataclass
class Row:
    """What one explanation of one candidate gave."""

    label: str
    budget: float
    variant: str
    candidate: str
    images: int
    """Vetted."""
    asked: dict[str, object]
    figures: dict[str, tuple[float, float | None, float | None]] = field(default_factory=dict)
    """Value and one-sided bounds at 95 %, by figure."""
    explained_among: int = 0
    """Images that DELTA was not trained on: what all accuracies are of."""
    right: dict[str, int] = field(default_factory=dict)
    """Images that each model of the report's table gets right."""
    made: dict[str, str | float | int | None] = field(default_factory=dict)
    """How DELTA was made, as the report says."""
    findings: list[str] = field(default_factory=list)
    steps: dict[str, float] = field(default_factory=dict)
    """Seconds, by step."""
    seconds: float = 0.0
    """Of the whole walk, for all candidates of the run."""
    cpu: float = 0.0
    """Seconds that processors spent on it, which a busy machine does not stretch."""
    peak: int = 0
    """Bytes that the largest child took."""


class Clock:
    """Takes the time of each candidate's steps."""

    def __init__(self) -> None:
        self.taken: dict[str, float] = {}
        self._step, self._begin = "", time.perf_counter()

    def __call__(self, event: Event) -> None:
        """Take note of an event."""
        step = event.detail.split(", epoch")[0] if event.stage == "explain" else event.stage
        if step == self._step:
            return
        now = time.perf_counter()
        self.taken[self._step] = self.taken.get(self._step, 0.0) + now - self._begin
        print(f"  {self._step}: {now - self._begin:.1f} s", flush=True)
        self._step, self._begin = step, now


def asked(options: argparse.Namespace, budget: float, variant: str) -> dict[str, object]:
    """Return what tells one run from another, besides its label and candidates."""
    return {
        "budget": budget,
        "variant": variant,
        "folds": options.folds,
        "epochs": options.epochs,
        "subgraph_epochs": options.subgraph_epochs,
        "seconds": options.seconds,
        "limit": options.limit,
        "train_data": not options.no_train_data,
        "seed": options.seed,
    }


def measure(
    options: argparse.Namespace, budget: float, variant: Literal["residual", "paper"], candidates: tuple[str, ...]
) -> list[Row]:
    """Return a row for each candidate."""
    told = asked(options, budget, variant)
    request = RunRequest(
        candidates=candidates,
        reference=str(options.made / "reference.pt"),
        architecture=f"{ARCHITECTURE}:resnet20",
        data=str(options.made / "test.npz"),
        train_data=None if options.no_train_data else str(options.made / "train.npz"),
        limit=options.limit,
        seed=options.seed,
        threads=options.threads,
        tuning=Tuning(
            budget=budget / 100,
            variant=variant,
            folds=options.folds,
            epochs=options.epochs,
            subgraph_epochs=options.subgraph_epochs,
            seconds=options.seconds,
            examples=0,
        ),
        command=("vetgate", "explain"),
    )
    clock, begin, spent = Clock(), time.perf_counter(), _processor_seconds()
    reports = explain(request, find_plugins(), now=datetime.datetime.now(datetime.UTC), watch=clock)
    clock(Event("end", ""))
    seconds, peak = time.perf_counter() - begin, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024
    cpu = _processor_seconds() - spent
    if options.reports:
        name = f"{options.label}-{budget:g}-{variant}.json"
        (options.output / name).write_text(reports.model_dump_json(indent=1))
    rows = []
    for report in reports.reports:
        row = Row(options.label, budget, variant, Path(report.candidate.name).name, 0, told)
        row.seconds, row.cpu, row.peak = seconds, cpu, peak
        row.steps = {
            step: took for step, took in clock.taken.items() if report.candidate.name in step or ":" not in step
        }
        rows.append(filled(row, report))
    return rows


def _processor_seconds() -> float:
    return sum(
        used.ru_utime + used.ru_stime
        for used in map(resource.getrusage, (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    )


def filled(row: Row, report: Report) -> Row:
    """Return a row with everything that its report says of disparity."""
    row.images = report.data.images if report.data is not None else 0
    for item in report.evidence:
        if item.reason:
            row.findings.append(f"{item.check}: {item.reason}")
        measured(row, item.measurements)
        row.findings += [f"{found.rule}: {found.message}" for found in item.findings]
        for table in item.exhibits:
            if isinstance(table, Table) and table.title.startswith("What DELTA brings back"):
                row.right = {str(line[0]): int(line[1] or 0) for line in table.rows}
            elif isinstance(table, Table) and table.title == "How DELTA was made":
                row.made = {str(line[0]): line[1] for line in table.rows} | {"caption": table.caption}
    return row


def measured(row: Row, measurements: Sequence[Measurement]) -> None:
    """Put figures on a row, with their bounds."""
    for found in measurements:
        if found.metric == "disparity.fused_accuracy":
            row.explained_among = found.n
        if found.metric.startswith("disparity.") and found.slice is None:
            stated = not isinstance(found.uncertainty, Unstated)
            bounds = bounds_of(found, CONFIDENCE) if stated else None
            both = (bounds.lower, bounds.upper) if bounds is not None else (None, None)
            row.figures[found.metric.removeprefix("disparity.")] = (found.value, *both)


def main() -> None:
    """Run what is not there yet."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("made", type=Path, help="folder of reference.pt, train.npz and test.npz")
    parser.add_argument("output", type=Path)
    parser.add_argument("--candidates", nargs="+", help="[default: OUT/candidate.onnx OUT/distilled.onnx]")
    parser.add_argument("--budgets", type=float, nargs="+", default=[10, 30, 20, 5], help="per cent")
    parser.add_argument("--variants", nargs="+", choices=("residual", "paper"), default=["residual", "paper"])
    parser.add_argument("--label", default="cifar")
    parser.add_argument("--reports", action="store_true", help="write whole reports, too")
    parser.add_argument("--limit", type=int)
    parser.add_argument("--no-train-data", action="store_true")
    parser.add_argument("--folds", type=int, default=2)
    parser.add_argument("--epochs", type=int)
    parser.add_argument("--subgraph-epochs", type=int)
    parser.add_argument("--seconds", type=float)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args()
    place = options.output / "rows.json"
    rows = json.loads(place.read_text()) if place.exists() else []
    plain = [str(options.output / f"{name}.onnx") for name in ("candidate", "distilled")]
    candidates = tuple(options.candidates or plain)
    for budget in options.budgets:
        for variant in options.variants:
            told = asked(options, budget, variant)
            there = [(row["label"], row["asked"], row["candidate"]) for row in rows]
            left = tuple(path for path in candidates if (options.label, told, Path(path).name) not in there)
            if left:
                print(f"{options.label}, {budget:g} %, {variant}: {', '.join(left)}", flush=True)
                rows += [asdict(row) for row in measure(options, budget, variant, left)]
                place.write_text(json.dumps(rows, indent=1))


if __name__ == "__main__":
    main()
