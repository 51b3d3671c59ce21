"""One report of everything that a full run can hold: an int8 copy, timed beside a shipped build, fails."""

from __future__ import annotations

import datetime
import math

from vetgate.reporting import (
    BATCH,
    BaselineSummary,
    Better,
    Counts,
    DataSummary,
    Decision,
    Distance,
    Environment,
    Evidence,
    Exact,
    Execution,
    Finding,
    Measurement,
    Member,
    ModelSummary,
    Of,
    Outcome,
    PairedCounts,
    Pairs,
    Peer,
    Picture,
    PolicySummary,
    Promotion,
    Quantiles,
    Ran,
    Report,
    ReportSet,
    Ruling,
    ScanState,
    ScanSummary,
    Severity,
    Slice,
    Stopping,
    Table,
    Uncertainty,
    Unit,
    Unstated,
    Verdict,
    Versus,
    YardstickSummary,
    of_label,
)

N = 10_000
CLASSES = ("T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot")
WEATHER = (("fog", 620, 540, 29, 11), ("rain", 2480, 2222, 61, 30), ("sun", 6900, 6411, 86, 63))
"""Weather, images of it, of these right by the reference, lost and won by the candidate."""
LOST_AND_WON = ((31, 22), (2, 1), (23, 18), (11, 14), (33, 10), (3, 2), (58, 21), (6, 9), (1, 2), (8, 5))
PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAQAAAC1HAwCAAAAC0lEQVR42mNkYAAAAAYAAjCB0C8AAAAASUVORK5CYII="
EXACT = Exact()
INT8 = Execution(
    runtime="onnxruntime",
    version="1.23.2",
    provider="CPUExecutionProvider",
    threads=1,
    precision="int8",
    notes=("thread spinning is off", "U8 activations, S8 weights"),
)
SHIPPED = Execution(
    runtime="onnxruntime",
    version="1.23.2",
    provider="CPUExecutionProvider",
    threads=1,
    precision="float32",
    notes=("thread spinning is off",),
)


def _digest(digit: str) -> str:
    return (digit + "3c9e07b2d5f81a4") * 4


def _scan(state: ScanState, digit: str, *scanners: str, worst: Severity | None = None, reason: str = "") -> ScanSummary:
    return ScanSummary(state=state, scanners=scanners, sha256=_digest(digit), seconds=0.31, worst=worst, reason=reason)


def _pair_of_models(
    metric: str, candidate: float, reference: float, unit: Unit, better: Better, n: int = 1
) -> tuple[Measurement, ...]:
    """Return an exact figure of both models with difference and ratio, as the footprint check hands it on."""
    figures = [
        (Of.CANDIDATE, candidate, unit),
        (Of.REFERENCE, reference, unit),
        (Of.DELTA, candidate - reference, unit),
        (Of.RATIO, candidate / reference, Unit.RATIO),
    ]
    return tuple(
        Measurement(metric=metric, role=role, value=value, unit=kind, better=better, n=n, uncertainty=EXACT)
        for role, value, kind in figures
    )


def _accuracy(right: int, lost: int, won: int) -> tuple[Measurement, ...]:
    figures: list[tuple[Of, float, Uncertainty]] = [
        (Of.CANDIDATE, (right - lost + won) / N, Counts(k=right - lost + won, n=N)),
        (Of.REFERENCE, right / N, Counts(k=right, n=N)),
        (Of.DELTA, (won - lost) / N, PairedCounts(b=lost, c=won, n=N)),
    ]
    return tuple(
        Measurement(
            metric="accuracy.top1",
            role=role,
            value=value,
            unit=Unit.FRACTION,
            better=Better.HIGHER,
            n=N,
            uncertainty=uncertainty,
        )
        for role, value, uncertainty in figures
    )


def _around(value: float, below: float, above: float) -> Quantiles:
    """Return what a bootstrap hands on, bounds at 95 % among its levels."""
    return Quantiles(
        levels=(0.01, 0.05, 0.5, 0.95, 0.99),
        values=tuple(value + step for step in (-1.4 * below, -below, 0.0, above, 1.4 * above)),
        method="BCa bootstrap",
    )


def _resampled(
    metric: str, candidate: float, reference: float, better: Better = Better.HIGHER
) -> tuple[Measurement, ...]:
    """Return a figure of both models whose intervals are bootstrapped."""
    figures = [
        (Of.CANDIDATE, candidate, _around(candidate, 0.0048, 0.0046)),
        (Of.REFERENCE, reference, _around(reference, 0.0046, 0.0044)),
        (Of.DELTA, candidate - reference, _around(candidate - reference, 0.0029, 0.0028)),
    ]
    return tuple(
        Measurement(
            metric=metric,
            role=role,
            value=value,
            unit=Unit.FRACTION,
            better=better,
            n=N,
            uncertainty=uncertainty,
        )
        for role, value, uncertainty in figures
    )


def _by_weather() -> tuple[Measurement, ...]:
    """Return top-1 accuracy by a column of the data's metadata, its worst value and the gap between values."""
    figures: list[tuple[str, Of, float, int, Uncertainty, str | None, str]] = []
    for value, n, right, lost, won in WEATHER:
        now = right - lost + won
        figures += [
            ("top1", Of.CANDIDATE, now / n, n, Counts(k=now, n=n), value, ""),
            ("top1", Of.REFERENCE, right / n, n, Counts(k=right, n=n), value, ""),
            ("top1", Of.DELTA, (won - lost) / n, n, PairedCounts(b=lost, c=won, n=n), value, ""),
        ]
    worst = (522 / 620, 540 / 620)
    gap = (6388 / 6900 - 522 / 620, 6411 / 6900 - 540 / 620)
    for name, (mine, other), note in (
        ("worst_slice", worst, "the worst is fog"),
        ("slice_gap", gap, "sun against fog"),
    ):
        figures += [
            (name, Of.CANDIDATE, mine, N, _around(mine, 0.0244, 0.0231), None, note),
            (name, Of.REFERENCE, other, N, _around(other, 0.0228, 0.0214), None, note),
            (name, Of.DELTA, mine - other, N, _around(mine - other, 0.0163, 0.0161), None, note),
        ]
    return tuple(
        Measurement(
            metric=f"accuracy.{name}",
            role=role,
            value=value,
            unit=Unit.FRACTION,
            better=Better.LOWER if name == "slice_gap" else Better.HIGHER,
            n=n,
            uncertainty=uncertainty,
            slice=Slice(by="weather", value=where),
            note=note,
        )
        for name, role, value, n, uncertainty, where, note in figures
    )


def _recall(label: str, right: int, lost: int, won: int) -> tuple[Measurement, ...]:
    figures: list[tuple[Of, float, Uncertainty]] = [
        (Of.CANDIDATE, (right - lost + won) / 1000, Counts(k=right - lost + won, n=1000)),
        (Of.REFERENCE, right / 1000, Counts(k=right, n=1000)),
        (Of.DELTA, (won - lost) / 1000, PairedCounts(b=lost, c=won, n=1000)),
    ]
    return tuple(
        Measurement(
            metric="accuracy.recall",
            role=role,
            value=value,
            unit=Unit.FRACTION,
            better=Better.HIGHER,
            n=1000,
            uncertainty=uncertainty,
            slice=of_label(label),
        )
        for role, value, uncertainty in figures
    )


def _of_the_pair(metric: str, count: int, better: Better) -> Measurement:
    return Measurement(
        metric=metric,
        role=Of.PAIR,
        value=count / N,
        unit=Unit.FRACTION,
        better=better,
        n=N,
        uncertainty=Counts(k=count, n=N),
    )


def _of_pair_resampled(
    metric: str, value: float, spread: float, unit: Unit = Unit.SCORE, where: Slice | None = None, note: str = ""
) -> Measurement:
    lower = metric.endswith("independence")
    return Measurement(
        metric=f"similarity.{metric}",
        role=Of.PAIR,
        value=value,
        unit=unit,
        better=Better.LOWER if lower else Better.HIGHER,
        n=N if where is None else 1000,
        uncertainty=_around(value, spread, spread),
        slice=where,
        note=note,
    )


def _scored() -> tuple[Measurement, ...]:
    """Return figures of the pair that a bootstrap bounds, and the distance held against the yardstick."""
    span = "0.5859 to 0.6105 by the farthest and the nearest independent, by js_divergence"
    return (
        _of_pair_resampled("kappa", 0.964, 0.0022),
        _of_pair_resampled("error_consistency", 0.8118, 0.0171),
        _of_pair_resampled("cka", 0.9925, 0.0004),
        _of_pair_resampled("independence", 0.6008, 0.0314, Unit.RATIO, note=span),
    )


def _by_class() -> tuple[Measurement, ...]:
    """Return agreement and kappa of each class."""
    figures = []
    for label, (lost, won) in zip(CLASSES, LOST_AND_WON, strict=True):
        same, where = 1000 - lost - won, of_label(label)
        figures.append(
            _of_the_pair("similarity.agreement", same, Better.HIGHER).model_copy(
                update={"value": same / 1000, "n": 1000, "uncertainty": Counts(k=same, n=1000), "slice": where}
            )
        )
        figures.append(_of_pair_resampled("kappa", same / 1000 - 0.05, 0.012, where=where))
    return tuple(figures)


def _layers() -> tuple[Measurement, ...]:
    figures = (("layer_snr", 7.4312, Unit.DECIBELS, "over 20 pairs"), ("feature_cka", 0.9871, Unit.FRACTION, ""))
    return tuple(
        Measurement(
            metric=f"similarity.{name}",
            role=Of.PAIR,
            value=value,
            unit=unit,
            better=Better.HIGHER,
            n=256,
            uncertainty=Unstated(),
            note=note,
        )
        for name, value, unit, note in figures
    )


LAYERS = Table(
    title="Inner tensors, worst first",
    columns=("layer", "SNR, dB", "fall, dB", "candidate", "reference", "shape", "by"),
    rows=tuple(
        (layer, f"{45.4 - 1.9 * layer:.1f}", f"{(20 - layer) * 7 % 5 - 1:.1f}", f"/conv_{layer}/Relu_output_0", *rest)
        for layer in range(20, 0, -1)
        for rest in [(f"stages.{layer}.relu", "16x28x28", "name")]
    ),
    caption="The signal falls most at layer 6.",
)
YARDSTICK = YardstickSummary(
    name="fashion.yardstick",
    sha256=_digest("6"),
    distance=Distance.JS_DIVERGENCE,
    peers=tuple(
        Peer(
            name=f"peers/seed{seed}.pt",
            sha256=_digest(str(seed)),
            card_sha256=_digest("0"),
            run=f"seed{seed}",
            step=1,
            final=True,
        )
        for seed in (7, 8, 9)
    ),
    images=N,
)


def _against_baseline() -> tuple[Measurement, ...]:
    """Return the accuracy of the last release on the same images, and what the candidate differs from it by."""
    figures: list[tuple[Of, float, Uncertainty]] = [
        (Of.REFERENCE, 9088 / N, Counts(k=9088, n=N)),
        (Of.DELTA, 13 / N, PairedCounts(b=96, c=109, n=N)),
    ]
    return tuple(
        Measurement(
            metric="accuracy.top1",
            role=role,
            value=value,
            unit=Unit.FRACTION,
            better=Better.HIGHER,
            n=N,
            uncertainty=uncertainty,
            versus=Versus.BASELINE,
        )
        for role, value, uncertainty in figures
    )


def _timed(
    name: str, role: Of, value: float, n: int, uncertainty: Uncertainty, batch: int | None, note: str = ""
) -> Measurement:
    throughput = name == "throughput"
    unit = Unit.RATIO if role is Of.RATIO else Unit.PER_SECOND if throughput else Unit.SECONDS
    return Measurement(
        metric=f"latency.{name}",
        role=role,
        value=value,
        unit=unit,
        better=Better.HIGHER if throughput else Better.LOWER,
        n=n,
        uncertainty=uncertainty,
        slice=None if batch is None else Slice(by=BATCH, value=str(batch)),
        note=note,
    )


TIMES = (("p50", 0.000312345, 0.000452117), ("p90", 0.000331, 0.000471), ("p95", 0.00034107, 0.00048234))
TAIL = ("p99", 0.00041881, 0.0005632)
HERE = "on Example CPU @ 2.40GHz; comparable there only"


def _times(batch: int, calls: int, scale: float, pairs: Pairs, noise: str) -> list[Measurement]:
    """Return what is timed at one batch: percentiles that the calls suffice for, throughput, ratios of pairs."""
    figures = []
    own = f"{calls:,} calls at batch {batch}, {HERE}"
    blocks = "3 pairs of blocks of 24 calls" if calls < 90 else "120 pairs of blocks of 20 calls"
    for name, mine, other in (*TIMES, TAIL)[: 4 if calls > 459 else 1]:
        for role, value in ((Of.CANDIDATE, mine * scale), (Of.REFERENCE, other * scale)):
            figures.append(_timed(name, role, value, calls, _around(value, value * 0.02, value * 0.03), batch, own))
        less, ratio = (mine - other) * scale, mine / other
        figures.append(_timed(name, Of.DELTA, less, calls, _around(less, 4e-6, 5e-6), batch, blocks))
        if name != "p50":
            figures.append(_timed(name, Of.RATIO, ratio, calls, _around(ratio, 0.011, 0.013), batch, blocks))
    middle = math.exp(sorted(pairs.log_ratios)[len(pairs.log_ratios) // 2])
    figures.append(_timed("p50", Of.RATIO, middle, len(pairs.log_ratios), pairs, batch, f"{blocks}; {noise}"))
    for role, seconds in ((Of.CANDIDATE, TIMES[0][1]), (Of.REFERENCE, TIMES[0][2])):
        rate = batch / (seconds * scale)
        rates = _around(rate, rate * 0.029, rate * 0.0196)
        figures.append(_timed("throughput", role, rate, calls, rates, batch, own))
    faster = Pairs(log_ratios=tuple(-ratio for ratio in pairs.log_ratios))
    figures.append(
        _timed("throughput", Of.RATIO, 1 / middle, len(pairs.log_ratios), faster, batch, f"{blocks}; {noise}")
    )
    return figures


def _latency() -> tuple[Measurement, ...]:
    """Return times at batch 1, at a deployment batch that there was no time left for, and of a start from nothing."""
    many = Pairs(log_ratios=tuple(math.log(0.69) + 0.01 * math.sin(index) for index in range(120)))
    few = Pairs(log_ratios=(-0.41, -0.36, -0.38))
    scatter = "half of the pairs lie within ±{} % of the median ratio"
    cold = "median of 9 fresh starts at batch 16 " + HERE
    starts = Pairs(log_ratios=tuple(math.log(0.76) + 0.02 * math.cos(index) for index in range(9)))
    return (
        *_times(1, 2400, 1.0, many, scatter.format("0.71")),
        *_times(16, 72, 11.4, few, f"the time budget of 20 s ended; {scatter.format('2')}"),
        _timed("cold_start", Of.CANDIDATE, 0.0712, 9, _around(0.0712, 0.003, 0.004), None, cold),
        _timed("cold_start", Of.REFERENCE, 0.0934, 9, _around(0.0934, 0.004, 0.005), None, cold),
        _timed("cold_start", Of.RATIO, 0.7542, 9, starts, None, "9 pairs of fresh starts"),
    )


def _score(candidate: float, reference: float) -> tuple[Measurement, ...]:
    figures = [
        (Of.CANDIDATE, candidate, _around(candidate, 0.024, 0.026)),
        (Of.REFERENCE, reference, _around(reference, 0.025, 0.027)),
        (Of.DELTA, candidate - reference, _around(candidate - reference, 0.019, 0.018)),
    ]
    return tuple(
        Measurement(
            metric="opscore.inference",
            role=role,
            value=value,
            unit=Unit.SCORE,
            better=Better.LOWER,
            n=N,
            uncertainty=uncertainty,
            note="timed at batch 1",
        )
        for role, value, uncertainty in figures
    )


def _evidence() -> tuple[Evidence, ...]:
    lower, neither = Better.LOWER, Better.NEITHER
    recalls = [_recall(label, 850, *flips) for label, flips in zip(CLASSES, LOST_AND_WON, strict=True)]
    confusion = Table(
        title="Where the candidate changed a right answer",
        columns=("class", "images", "most often taken for", "share"),
        rows=(("Shirt", 58, "T-shirt/top", 0.4137), ("Coat", 33, "Pullover", 0.6), ("T-shirt/top", 31, "Shirt", None)),
        caption="Images that the reference had right and the candidate has wrong.",
    )
    parts = Table(
        title="What the OpScore is made of",
        columns=("", "candidate", "reference"),
        rows=(
            ("top-1 accuracy", 0.9101, 0.9173),
            ("error rate scored", 0.0899, 0.0827),
            ("size, MB", 0.180216, 0.620123),
            ("seconds for 10,000 images", 3.1235, 4.5212),
        ),
    )
    return (
        Evidence(
            check="contract",
            outcome=Outcome.MEASURED,
            findings=(
                Finding(
                    rule="contract.input_type",
                    severity=Severity.INFO,
                    message="The candidate takes uint8, the reference float32; each is fed by its own card.",
                    location="input x",
                ),
                Finding(
                    rule="contract.free_batch",
                    severity=Severity.LOW,
                    message="The candidate's batch is fixed at 1.",
                    location="input x, axis 0",
                    advice="Export with a free batch to vet it faster.",
                ),
            ),
            seconds=0.004,
        ),
        Evidence(
            check="footprint",
            outcome=Outcome.MEASURED,
            measurements=(
                *_pair_of_models("footprint.size_mb", 0.180216, 0.620123, Unit.MEGABYTES, lower),
                *_pair_of_models("footprint.gzip_mb", 0.141975, 0.550402, Unit.MEGABYTES, lower),
                *_pair_of_models("footprint.params", 146_570, 147_066, Unit.COUNT, lower),
                *_pair_of_models("footprint.nonzero_params", 145_893, 147_066, Unit.COUNT, lower),
                *_pair_of_models("footprint.bits_per_weight", 8.0714, 32.0, Unit.BITS, lower),
                *_pair_of_models("footprint.macs", 9_412_864, 9_412_864, Unit.COUNT, lower),
                *_pair_of_models("footprint.peak_memory_mb", 41.877, 63.291, Unit.MEGABYTES, lower),
            ),
            seconds=0.31,
        ),
        Evidence(
            check="quality",
            outcome=Outcome.MEASURED,
            measurements=(
                *_accuracy(9173, 176, 104),
                *_resampled("accuracy.f1_macro", 0.909772, 0.91685),
                *_resampled("accuracy.ece", 0.031877, 0.024415, lower),
                *_by_weather(),
                *_against_baseline(),
                *(entry for recall in recalls for entry in recall),
            ),
            exhibits=(
                confusion,
                Picture(title="Confusion of both models", media_type="image/png", base64=PIXEL, caption="10 × 10"),
            ),
            seconds=0.87,
        ),
        Evidence(
            check="similarity",
            outcome=Outcome.MEASURED,
            measurements=(
                _of_the_pair("similarity.agreement", 9676, Better.HIGHER),
                _of_the_pair("similarity.negative_flips", 176, lower),
                _of_the_pair("similarity.positive_flips", 104, neither),
                Measurement(
                    metric="similarity.js_divergence",
                    role=Of.PAIR,
                    value=0.00751,
                    unit=Unit.BITS,
                    better=lower,
                    n=N,
                    uncertainty=Quantiles(levels=(0.05, 0.95), values=(0.00718, 0.00787), method="order statistics"),
                ),
                *_scored(),
                *_by_class(),
            ),
            seconds=0.12,
        ),
        Evidence(check="layers", outcome=Outcome.MEASURED, measurements=_layers(), exhibits=(LAYERS,), seconds=1.4),
        Evidence(
            check="latency",
            outcome=Outcome.MEASURED,
            measurements=_latency(),
            ran=Ran(candidate=INT8, reference=SHIPPED),
            seconds=21.4,
        ),
        Evidence(
            check="opscore",
            outcome=Outcome.MEASURED,
            measurements=_score(-1.2943, -0.5946),
            exhibits=(parts,),
            seconds=0.001,
        ),
        Evidence(
            check="acme_blur",
            outcome=Outcome.ERRORED,
            reason="ZeroDivisionError in acme_blur: division by zero; please report it to acme-vetgate",
        ),
        Evidence(check="scan", outcome=Outcome.SKIPPED, reason="vetgate_scan is switched off by --disable scan"),
    )


def _rulings() -> tuple[Ruling, ...]:
    fraction, ratio = Unit.FRACTION, Unit.RATIO
    return (
        Ruling(
            rule="accuracy.top1/delta",
            words="accuracy.top1 of candidate minus reference is at least -1 pp, at 95 % confidence",
            decision=Decision.PASS,
            because="accuracy.top1 of candidate minus reference is -0.72 pp; at least -1 pp was asked (95 % bounds "
            "-0.999 to -0.45 pp, Tango score, 176 flips down, 104 up, n = 10,000)",
            metric="accuracy.top1",
            of=Of.DELTA,
            unit=fraction,
            observed=-0.0072,
            lower=-0.0099933,
            upper=-0.0044699,
            threshold=-0.01,
            side="at_least",
            confidence=0.95,
            method="Tango score",
            n=N,
        ),
        Ruling(
            rule="similarity.agreement",
            words="similarity.agreement is at least 97.5 %, at 95 % confidence",
            decision=Decision.FAIL,
            because="similarity.agreement is 96.76 %; at least 97.5 % was asked (95 % bounds 96.45 to 97.05 %, "
            "Clopper-Pearson, 9,676 of 10,000)",
            metric="similarity.agreement",
            of=Of.PAIR,
            unit=fraction,
            observed=0.9676,
            lower=0.9645,
            upper=0.9705,
            threshold=0.975,
            side="at_least",
            confidence=0.95,
            method="Clopper-Pearson",
            n=N,
        ),
        Ruling(
            rule="no-class-left-behind",
            words="accuracy.recall of candidate minus reference for each label is at least -5 pp, at 95 % confidence; "
            "otherwise warn",
            decision=Decision.WARN,
            because="1 of 10 classes is undecided: accuracy.recall of candidate minus reference for class 'Shirt' is "
            "-3.70 pp; at least -5 pp was asked (95 % bounds -5.21 to -2.28 pp, Tango score, 58 flips down, 21 up, "
            "n = 1,000); not settled, but this rule only warns",
            metric="accuracy.recall",
            of=Of.DELTA,
            unit=fraction,
            observed=-0.037,
            lower=-0.0521,
            upper=-0.022807,
            threshold=-0.05,
            side="at_least",
            confidence=0.95,
            method="Tango score",
            n=1000,
            slice=of_label("Shirt"),
            needed=1300,
        ),
        Ruling(
            rule="latency.p50/ratio",
            words="latency.p50 of candidate over reference is at most 0.65 ×, at 95 % confidence",
            decision=Decision.WARN,
            because="latency.p50 of candidate over reference is 0.6901 ×; at most 0.65 × was asked (95 % bounds "
            "0.6872 to 0.6929 ×, betting on signs, 120 pairs); waived by edge-team until 2027-03-31: "
            "new runtime lands in March",
            metric="latency.p50",
            of=Of.RATIO,
            unit=ratio,
            observed=0.6901,
            lower=0.6872,
            upper=0.6929,
            threshold=0.65,
            side="at_most",
            confidence=0.95,
            method="betting on signs",
            n=120,
            waived=Decision.FAIL,
        ),
        Ruling(
            rule="footprint.size_mb/ratio",
            words="footprint.size_mb of candidate over reference is at most 0.5 ×",
            decision=Decision.PASS,
            because="footprint.size_mb of candidate over reference is 0.2906 ×; at most 0.5 × was asked",
            metric="footprint.size_mb",
            of=Of.RATIO,
            unit=ratio,
            observed=0.180216 / 0.620123,
            lower=0.180216 / 0.620123,
            upper=0.180216 / 0.620123,
            threshold=0.5,
            side="at_most",
            method="exact",
            n=1,
        ),
        Ruling(
            rule="opscore.inference/delta",
            words="opscore.inference of candidate minus reference is at most 0, at 95 % confidence",
            decision=Decision.PASS,
            because="opscore.inference of candidate minus reference is -0.6997; at most 0 was asked (95 % bounds "
            "-0.7187 to -0.6817, MOVER, n = 10,000)",
            metric="opscore.inference",
            of=Of.DELTA,
            unit=Unit.SCORE,
            observed=-0.6997,
            lower=-0.7187,
            upper=-0.6817,
            threshold=0.0,
            side="at_most",
            confidence=0.95,
            method="MOVER",
            n=N,
        ),
        Ruling(
            rule="not-worse-than-the-last-release",
            words="accuracy.top1 of candidate minus baseline is at least -0.5 pp, at 95 % confidence",
            decision=Decision.PASS,
            because="accuracy.top1 of candidate minus baseline is +0.13 pp; at least -0.5 pp was asked (95 % bounds "
            "-0.11 to +0.37 pp, Tango score, 96 flips down, 109 up, n = 10,000)",
            metric="accuracy.top1",
            of=Of.DELTA,
            unit=fraction,
            observed=0.0013,
            lower=-0.0011,
            upper=0.0037,
            threshold=-0.005,
            side="at_least",
            confidence=0.95,
            method="Tango score",
            n=N,
            versus=Versus.BASELINE,
        ),
        Ruling(
            rule="accuracy.worst_slice/weather",
            words="accuracy.worst_slice of the candidate over each weather is at least 80 %, at 95 % confidence",
            decision=Decision.PASS,
            because="accuracy.worst_slice of the candidate over each weather is 84.19 %; at least 80 % was asked "
            "(95 % bounds 81.75 to 86.50 %, BCa bootstrap, n = 10,000); the worst is fog",
            metric="accuracy.worst_slice",
            of=Of.CANDIDATE,
            unit=fraction,
            observed=522 / 620,
            lower=522 / 620 - 0.0244,
            upper=522 / 620 + 0.0231,
            threshold=0.8,
            side="at_least",
            confidence=0.95,
            method="BCa bootstrap",
            n=N,
            slice=Slice(by="weather"),
        ),
        Ruling(
            rule="latency.p50/ratio/batch=16",
            words="latency.p50 of candidate over reference for batch '16' is at most 0.8 ×, at 95 % confidence",
            decision=Decision.INCONCLUSIVE,
            because="latency.p50 of candidate over reference for batch '16' is 0.6839 ×; at most 0.8 × was asked (95 % "
            "bounds 0 × to unbounded, betting on signs, 3 pairs); about 8 pairs would probably settle it; the "
            "time budget of 20 s ended; half of the pairs lie within ±2 % of the median ratio",
            metric="latency.p50",
            of=Of.RATIO,
            unit=ratio,
            observed=0.6839,
            lower=0.0,
            threshold=0.8,
            side="at_most",
            confidence=0.95,
            method="betting on signs",
            n=3,
            needed=8,
            slice=Slice(by=BATCH, value="16"),
        ),
        Ruling(
            rule="acme.blur/delta",
            words="acme.blur of candidate minus reference is at most 0, at 95 % confidence",
            decision=Decision.INCONCLUSIVE,
            because="acme.blur of candidate minus reference is not known: check acme_blur errored: ZeroDivisionError",
            metric="acme.blur",
            of=Of.DELTA,
            unit=Unit.SCORE,
            threshold=0.0,
            side="at_most",
            confidence=0.95,
        ),
        Ruling(
            rule="findings",
            words="no finding is at or over high",
            decision=Decision.PASS,
            because="no finding at or over high; 2 below",
            n=2,
        ),
    )


def canned() -> ReportSet:
    """Return the report set that the golden files show."""
    report = Report(
        candidate=ModelSummary(
            name="int8.onnx",
            format="onnx",
            sha256=_digest("1"),
            size=180_216,
            members=(Member(name="int8.onnx", sha256=_digest("1"), size=180_216),),
            card="int8.onnx.yaml",
            card_sha256=_digest("2"),
            execution=INT8,
            answered=N,
            scan=_scan(ScanState.CLEAN, "1", "onnx 0.1.0", "polyglot 0.1.0"),
        ),
        reference=ModelSummary(
            name="reference.pt",
            format="torch-weights",
            sha256=_digest("3"),
            size=620_123,
            members=(
                Member(name="reference.pt", sha256=_digest("4"), size=600_123),
                Member(name="reference.extra", sha256=_digest("5"), size=20_000),
            ),
            card="reference.pt.yaml",
            card_sha256=_digest("6"),
            execution=Execution(runtime="torch", version="2.9.1", provider="eager", threads=1, precision="float32"),
            from_cache=True,
            scan=_scan(ScanState.FINDINGS, "3", "pickle 0.1.0", worst=Severity.LOW),
        ),
        data=DataSummary(
            name="test.npz",
            sha256=_digest("7"),
            images=N,
            available=10_002,
            labelled=True,
            classes=10,
            unreadable=("sneaker/0017.png", "größe/0003.png"),
        ),
        timed_reference=ModelSummary(
            name="shipped/float32.onnx",
            format="onnx",
            sha256=_digest("9"),
            size=612_400,
            card_sha256=_digest("a"),
            scan=_scan(
                ScanState.NOT_SCANNED,
                "9",
                reason="no scanner on offer reads onnx files",
            ),
        ),
        stopping=Stopping(
            images=N,
            available=N,
            looks=1,
            early=False,
            because="cannot stop early because of rule accuracy.worst_slice/weather",
        ),
        baseline=BaselineSummary(
            name="baselines/release-1.3.json",
            sha256=_digest("b"),
            candidate="int8-1.3.onnx",
            candidate_sha256=_digest("c"),
            decision=Decision.PASS,
            started=datetime.datetime(2026, 10, 30, 16, 2, 0, tzinfo=datetime.UTC),
            promotions=(
                Promotion(
                    owner="edge-team",
                    reason="first release",
                    at=datetime.datetime(2026, 6, 1, 8, 0, 0, tzinfo=datetime.UTC),
                    report_sha256=_digest("d"),
                ),
                Promotion(
                    owner="edge-team",
                    reason="release 1.3 is in the shops",
                    at=datetime.datetime(2026, 11, 2, 8, 30, 0, tzinfo=datetime.UTC),
                    report_sha256=_digest("b"),
                    replaces=_digest("d"),
                ),
            ),
        ),
        policy=PolicySummary(name="edge", sha256=_digest("8"), source="vetgate.yaml:4"),
        verdict=Verdict(
            decision=Decision.FAIL,
            because="1 of 11 rules fails: similarity.agreement is 96.76 % (at least 97.5 % asked); 2 more are not "
            "settled; 2 more warn",
            rulings=_rulings(),
        ),
        evidence=_evidence(),
        yardstick=YARDSTICK,
        environment=Environment(
            vetgate="0.1.0",
            python="3.11.9",
            platform="Linux-6.1.0-x86_64",
            processor="Example CPU @ 2.40GHz",
            cores=2,
            memory=8_254_390_272,
            packages={"torch": "2.9.1", "onnxruntime": "1.23.2", "onnx": "1.19.1", "numpy": "2.3.4"},
        ),
        warnings=("The observer of plugin 'tracker' failed: connection refused; the verdict does not depend on it.",),
        seed=0,
        command=(
            *("vetgate", "check", "int8.onnx", "--reference", "reference.pt", "--data", "my data/test.npz"),
            *(
                "--sequential",
                "--baseline",
                "baselines/release-1.3.json",
                "--latency-reference",
                "shipped/float32.onnx",
            ),
        ),
        started=datetime.datetime(2027, 1, 15, 9, 30, 12, tzinfo=datetime.UTC),
        seconds=41.23,
    )
    return ReportSet(reports=(report,))
