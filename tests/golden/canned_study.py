"""A study with the figures of one run on Fashion-MNIST: 14 variants, one that could not be made, one skipped."""

from __future__ import annotations

import datetime
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from vetgate.reporting import (
    Better,
    Comparison,
    Counts,
    DataSummary,
    Decision,
    Distance,
    Environment,
    Evidence,
    Exact,
    Made,
    Measurement,
    ModelSummary,
    Of,
    Outcome,
    PairedCounts,
    Peer,
    PolicySummary,
    Quantiles,
    Recipe,
    Report,
    Slice,
    Step,
    Study,
    Uncertainty,
    Unit,
    Variant,
    Verdict,
    YardstickSummary,
    of_label,
)

N = 10_000
RIGHT = 9_173
"""Of N images, by the reference."""
CLASSES = ("T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot")
SHARES = (0.16, 0.02, 0.14, 0.10, 0.17, 0.03, 0.24, 0.05, 0.03, 0.06)
"""Of flips that fall on each class."""
MEGABYTES = 0.620123
WEIGHTS = 147_066
STARTED = datetime.datetime(2027, 1, 20, 8, 0, 0, tzinfo=datetime.UTC)


@dataclass(frozen=True)
class Told:
    """What one model measured against the reference."""

    down: int
    up: int
    """Images that the reference alone, and that this model alone has right."""
    agreement: float
    divergence: float
    independence: float
    cka: float
    kappa: float | None = None
    errors: float | None = None
    """Error consistency."""
    size: float = 1.0
    nonzero: float = 1.0
    """Ratios."""


@dataclass(frozen=True)
class Making:
    """One variant: its recipe and what it measured."""

    name: str
    family: str
    label: str
    compressor: str
    settings: Mapping[str, float | int | str]
    told: Told
    training: float | None = None


def _pruned(amount: int, told: Told) -> Making:
    return Making(f"prune-l1-{amount}", "L1 pruning", f"{amount} %", "prune-l1", {"rate": amount / 100}, told)


def _clustered(count: int, told: Told) -> Making:
    return Making(f"cluster-{count}", "Weight clustering", f"K = {count}", "cluster", {"clusters": count}, told)


def _distilled(alpha: float, told: Told) -> Making:
    return Making(f"distil-{alpha}", "Distillation", f"α = {alpha}", "distil", {"alpha": alpha}, told, 240.0)


VARIANTS = (
    Making(
        *("float16", "Quantisation", "16-bit", "float16", {}),
        Told(0, 1, 0.9999, 2e-8, 1.6e-6, 1.0, 0.9999, 0.999, size=0.507),
    ),
    Making(
        *("int8-static", "Quantisation", "8-bit static", "int8-static", {"bits": 8}),
        Told(19, 20, 0.9952, 2.4e-4, 0.020, 1.0, 0.995, 0.974, size=0.291),
    ),
    Making(
        *("int8-tflite", "Quantisation", "8-bit TFLite", "int8-tflite", {"bits": 8}),
        Told(20, 22, 0.9951, 1.25e-3, 0.100, 0.9925, 0.995, 0.972, size=0.305),
    ),
    _pruned(10, Told(9, 6, 0.9983, 2.6e-5, 0.002, 1.0, 0.998, 0.990, nonzero=0.90)),
    _pruned(30, Told(28, 29, 0.9930, 4.6e-4, 0.037, 0.999, 0.992, 0.962, nonzero=0.70)),
    _pruned(50, Told(246, 139, 0.9568, 0.0153, 1.22, 0.992, 0.952, 0.760, nonzero=0.50)),
    _pruned(70, Told(1100, 60, 0.835, 0.155, 12.4, 0.933, nonzero=0.30)),
    _pruned(90, Told(7380, 20, 0.184, 0.685, 54.8, 0.623, nonzero=0.10)),
    _clustered(256, Told(17, 15, 0.9966, 9e-5, 0.007, 1.0, 0.996, 0.979)),
    _clustered(64, Told(100, 85, 0.9788, 2.9e-3, 0.229, 0.999, 0.976, 0.879)),
    _clustered(16, Told(281, 176, 0.9504, 0.0137, 1.10, 0.993, 0.945, 0.715)),
    _distilled(0.1, Told(103, 94, 0.9782, 3.4e-3, 0.273, 0.995, 0.976, 0.871)),
    _distilled(0.5, Told(96, 119, 0.9747, 4.1e-3, 0.328, 0.994, 0.972, 0.857)),
    _distilled(0.9, Told(119, 168, 0.9676, 7.5e-3, 0.597, 0.990, 0.964, 0.806)),
)
INDEPENDENTS = (
    Told(204, 209, 0.9555, 0.0123, 0.984, 0.974, 0.951, 0.735),
    Told(202, 212, 0.9530, 0.0125, 1.0, 0.974, 0.948, 0.723),
    Told(196, 214, 0.9508, 0.0128, 1.024, 0.973, 0.945, 0.711),
)


def _around(value: float, share: float = 0.06) -> Quantiles:
    steps = ((0.01, -1.4), (0.05, -1.0), (0.5, 0.0), (0.95, 1.0), (0.99, 1.4))
    values = tuple(value * (1.0 + step * share) for _, step in steps)
    return Quantiles(levels=tuple(level for level, _ in steps), values=values, method="BCa bootstrap")


def _figure(
    metric: str,
    value: float,
    uncertainty: Uncertainty,
    role: Of = Of.PAIR,
    unit: Unit = Unit.FRACTION,
    better: Better = Better.HIGHER,
    n: int = N,
    where: Slice | None = None,
) -> Measurement:
    return Measurement(
        metric=metric, role=role, value=value, unit=unit, better=better, n=n, uncertainty=uncertainty, slice=where
    )


def _accuracy(told: Told) -> tuple[Measurement, ...]:
    mine = RIGHT - told.down + told.up
    figures = [
        _figure("accuracy.top1", mine / N, Counts(k=mine, n=N), Of.CANDIDATE),
        _figure("accuracy.top1", RIGHT / N, Counts(k=RIGHT, n=N), Of.REFERENCE),
        _figure("accuracy.top1", (told.up - told.down) / N, PairedCounts(b=told.down, c=told.up, n=N), Of.DELTA),
    ]
    for name, share in zip(CLASSES, SHARES, strict=True):
        down = min(round(told.down * share), 850)
        up = min(round(told.up * share), 1000 - down)
        counts = PairedCounts(b=down, c=up, n=1000)
        delta = (up - down) / 1000
        figures.append(_figure("accuracy.recall", delta, counts, Of.DELTA, n=1000, where=of_label(name)))
    return tuple(figures)


def _similarity(told: Told, *, independence: bool) -> tuple[Measurement, ...]:
    lower, ratio = Better.LOWER, Unit.RATIO
    same = round(told.agreement * N)
    figures = [
        _figure("similarity.agreement", same / N, Counts(k=same, n=N)),
        _figure("similarity.negative_flips", told.down / N, Counts(k=told.down, n=N), better=lower),
        _figure("similarity.positive_flips", told.up / N, Counts(k=told.up, n=N), better=Better.NEITHER),
        _figure("similarity.js_divergence", told.divergence, _around(told.divergence), unit=Unit.BITS, better=lower),
        _figure("similarity.cka", told.cka, _around(told.cka, 0.0002), unit=Unit.SCORE),
    ]
    if told.kappa is not None:
        figures.append(_figure("similarity.kappa", told.kappa, _around(told.kappa, 0.002), unit=Unit.SCORE))
    if told.errors is not None:
        errors = _figure("similarity.error_consistency", told.errors, _around(told.errors, 0.01), unit=Unit.SCORE)
        figures.append(errors)
    if independence:
        value = told.independence
        figures.append(_figure("similarity.independence", value, _around(value, 0.08), unit=ratio, better=lower))
    return tuple(figures)


def _footprint(told: Told) -> tuple[Measurement, ...]:
    exact, lower = Exact(), Better.LOWER
    figures = []
    for metric, ratio, whole, unit in (
        ("footprint.size_mb", told.size, MEGABYTES, Unit.MEGABYTES),
        ("footprint.nonzero_params", told.nonzero, WEIGHTS, Unit.COUNT),
    ):
        figures.append(_figure(metric, ratio * whole, exact, Of.CANDIDATE, unit, lower, 1))
        figures.append(_figure(metric, float(whole), exact, Of.REFERENCE, unit, lower, 1))
        figures.append(_figure(metric, ratio, exact, Of.RATIO, Unit.RATIO, lower, 1))
    return tuple(figures)


def _evidence(told: Told, *, variant: bool) -> tuple[Evidence, ...]:
    entries: list[tuple[str, tuple[Measurement, ...]]] = [("contract", ())] if variant else []
    entries += [("quality", _accuracy(told)), ("similarity", _similarity(told, independence=True))]
    entries += [("footprint", _footprint(told))] if variant else []
    return tuple(Evidence(check=check, outcome=Outcome.MEASURED, measurements=found) for check, found in entries)


def _digest(digit: str) -> str:
    return (digit + "5b1e8f02c7d964a") * 4


REFERENCE = ModelSummary(name="reference.pt", format="torch-weights", sha256=_digest("1"), size=620_123)
DATA = DataSummary(name="test.npz", sha256=_digest("2"), images=N, available=N, labelled=True, classes=10)
POLICY = PolicySummary(name="edge", sha256=_digest("3"), source="edge (carried)")
ENVIRONMENT = Environment(
    vetgate="0.1.0",
    python="3.11.9",
    platform="Linux-6.1.0-x86_64",
    processor="Example CPU @ 2.40GHz",
    cores=2,
    memory=8_254_390_272,
    packages={"onnxruntime": "1.23.2", "numpy": "2.3.4"},
)
PEERS = tuple(
    Peer(
        name=f"peers/seed{seed}.pt",
        sha256=_digest(str(seed)),
        card_sha256=_digest("9"),
        run=f"seed{seed}",
        step=1,
        final=True,
    )
    for seed in (4, 5, 6)
)
YARDSTICK = YardstickSummary(
    name="fashion.yardstick", sha256=_digest("7"), distance=Distance.JS_DIVERGENCE, peers=PEERS, images=N
)


def _decision(told: Told) -> Decision:
    lost = (told.up - told.down) / N < -0.006
    return Decision.FAIL if lost or told.agreement < 0.975 else Decision.WARN if told.size > 0.75 else Decision.PASS


def report_of(name: str, told: Told) -> Report:
    """Return the report of one variant, judged by a policy."""
    decision = _decision(told)
    return Report(
        candidate=ModelSummary(name=f"study/{name}.onnx", format="onnx", sha256=_digest("a"), size=100),
        reference=REFERENCE,
        data=DATA,
        policy=POLICY,
        verdict=Verdict(decision=decision, because=f"the policy says {decision.value}", rulings=()),
        evidence=_evidence(told, variant=True),
        yardstick=YARDSTICK,
        environment=ENVIRONMENT,
        seed=0,
        command=("vetgate", "study", "compress"),
        started=STARTED,
        seconds=9.5,
    )


def _variant(made: Making) -> Variant:
    return Variant(
        recipe=_recipe(
            made.name, made.family, made.label, Step(compressor=made.compressor, settings={**made.settings})
        ),
        file=f"{made.name}.onnx",
        made=Made(training_seconds=made.training, epochs=None if made.training is None else 6),
        seconds=12.5,
        report=report_of(made.name, made.told),
    )


def _recipe(name: str, family: str, label: str, *steps: Step) -> Recipe:
    return Recipe(name=name, family=family, label=label, steps=steps)


UNMADE = (
    Variant(
        recipe=_recipe("cluster-16384", "Weight clustering", "K = 16384", Step(compressor="cluster")),
        file=None,
        refused=True,
        problem="no tensor has eight times as many weights as clusters; the largest has 36,864",
    ),
    Variant(
        recipe=_recipe("transfer", "Layer transfer", "first half", Step(compressor="transfer")),
        file=None,
        problem="it takes another trained model of the same architecture: --donor MODEL",
        skipped=True,
    ),
)


def study_of(
    makings: Sequence[Making] = VARIANTS,
    independents: Sequence[Told] = INDEPENDENTS,
    *,
    labelled: bool = True,
    unmade: Sequence[Variant] = (),
) -> Study:
    """Return a study of some variants beside some independents; of none, without a yardstick."""
    held = bool(independents)
    variants = [_variant(making) for making in makings]
    return Study(
        reference=REFERENCE,
        data=DATA.model_copy(update={"labelled": labelled}),
        policy=POLICY,
        variants=(*(_without(variant, labels=labelled, yardstick=held) for variant in variants), *unmade),
        independents=tuple(
            Comparison(peer=peer, evidence=_kept(_evidence(told, variant=False), labels=labelled, yardstick=True))
            for peer, told in zip(PEERS, independents, strict=False)
        ),
        yardstick=YARDSTICK if held else None,
        environment=ENVIRONMENT,
        seed=0,
        command=("vetgate", "study", "compress", "--reference", "reference.pt", "--data", "test.npz"),
        started=STARTED,
        seconds=1834.2,
    )


def _without(variant: Variant, *, labels: bool, yardstick: bool) -> Variant:
    assert variant.report is not None
    evidence = _kept(variant.report.evidence, labels=labels, yardstick=yardstick)
    changes = {"evidence": evidence, "yardstick": YARDSTICK if yardstick else None}
    return variant.model_copy(update={"report": variant.report.model_copy(update=changes)})


def _kept(evidence: Sequence[Evidence], *, labels: bool, yardstick: bool) -> tuple[Evidence, ...]:
    """Return evidence without what takes labels, or a yardstick, where there is none."""
    dropped = set() if labels else {"similarity.error_consistency", "similarity.negative_flips"}
    dropped |= set() if labels else {"similarity.positive_flips"}
    dropped |= set() if yardstick else {"similarity.independence"}
    return tuple(
        entry.model_copy(
            update={"measurements": tuple(found for found in entry.measurements if found.metric not in dropped)}
        )
        for entry in evidence
        if labels or entry.check != "quality"
    )


def canned() -> Study:
    """Return the whole study, with a yardstick and labels."""
    return study_of(unmade=UNMADE)
