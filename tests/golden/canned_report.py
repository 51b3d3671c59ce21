"""One report of everything a report can hold: an int8 copy that fails on agreement. All reporters are drawn from it."""

from __future__ import annotations

import datetime
import math

from vetgate.reporting import (
    Better,
    Counts,
    DataSummary,
    Decision,
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
    Picture,
    PolicySummary,
    Quantiles,
    Report,
    ReportSet,
    Ruling,
    Severity,
    Table,
    Uncertainty,
    Unit,
    Unstated,
    Verdict,
    of_label,
)

N = 10_000
CLASSES = ("T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot")
LOST_AND_WON = ((31, 22), (2, 1), (24, 19), (11, 14), (35, 12), (3, 2), (58, 21), (6, 9), (1, 2), (8, 5))
PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAQAAAC1HAwCAAAAC0lEQVR42mNkYAAAAAYAAjCB0C8AAAAASUVORK5CYII="
EXACT = Exact()


def _digest(digit: str) -> str:
    return (digit + "3c9e07b2d5f81a4") * 4


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


def _macro(metric: str, candidate: float, reference: float) -> tuple[Measurement, ...]:
    bootstrap = Quantiles(levels=(0.05, 0.5, 0.95), values=(-0.0131, -0.0071, -0.0012))
    figures: list[tuple[Of, float, Uncertainty]] = [
        (Of.CANDIDATE, candidate, Unstated()),
        (Of.REFERENCE, reference, Unstated()),
        (Of.DELTA, candidate - reference, bootstrap),
    ]
    return tuple(
        Measurement(
            metric=metric,
            role=role,
            value=value,
            unit=Unit.FRACTION,
            better=Better.HIGHER,
            n=N,
            uncertainty=uncertainty,
        )
        for role, value, uncertainty in figures
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


def _latency() -> tuple[Measurement, ...]:
    log_ratios = tuple(math.log(0.69) + 0.01 * math.sin(index) for index in range(120))
    times = [(Of.CANDIDATE, 0.000312345, Unit.SECONDS), (Of.REFERENCE, 0.000452117, Unit.SECONDS)]
    absolute = tuple(
        Measurement(
            metric="latency.p50",
            role=role,
            value=value,
            unit=unit,
            better=Better.LOWER,
            n=2400,
            uncertainty=Quantiles(levels=(0.05, 0.95), values=(value * 0.98, value * 1.03)),
            note="batch 1, 1 thread; comparable on this machine only",
        )
        for role, value, unit in times
    )
    ratio = Measurement(
        metric="latency.p50",
        role=Of.RATIO,
        value=0.6901,
        unit=Unit.RATIO,
        better=Better.LOWER,
        n=120,
        uncertainty=Pairs(log_ratios=log_ratios),
    )
    throughput = _pair_of_models("latency.throughput", 3187.4, 2204.9, Unit.PER_SECOND, Better.HIGHER, n=2400)
    return (*absolute, ratio, *(entry.model_copy(update={"uncertainty": Unstated()}) for entry in throughput))


def _evidence() -> tuple[Evidence, ...]:
    lower, neither = Better.LOWER, Better.NEITHER
    recalls = [_recall(label, 850, *flips) for label, flips in zip(CLASSES, LOST_AND_WON, strict=True)]
    confusion = Table(
        title="Where the candidate changed a right answer",
        columns=("class", "images", "most often taken for", "share"),
        rows=(("Shirt", 58, "T-shirt/top", 0.4137), ("Coat", 35, "Pullover", 0.6), ("T-shirt/top", 31, "Shirt", None)),
        caption="Images that the reference had right and the candidate has wrong.",
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
            ),
            seconds=0.31,
        ),
        Evidence(
            check="quality",
            outcome=Outcome.MEASURED,
            measurements=(
                *_accuracy(9173, 179, 107),
                *_macro("accuracy.f1_macro", 0.909772, 0.91685),
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
                _of_the_pair("similarity.negative_flips", 179, lower),
                _of_the_pair("similarity.positive_flips", 107, neither),
                Measurement(
                    metric="similarity.js_divergence",
                    role=Of.PAIR,
                    value=0.00751,
                    unit=Unit.BITS,
                    better=lower,
                    n=N,
                    uncertainty=Unstated(),
                ),
            ),
            seconds=0.12,
        ),
        Evidence(check="latency", outcome=Outcome.MEASURED, measurements=_latency(), seconds=21.4),
        Evidence(
            check="opscore",
            outcome=Outcome.ERRORED,
            reason="ZeroDivisionError in opscore: the reference took no time; please report it",
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
            "-0.996 to -0.44 pp, Tango score, 179 flips down, 107 up, n = 10,000)",
            metric="accuracy.top1",
            of=Of.DELTA,
            unit=fraction,
            observed=-0.0072,
            lower=-0.0099596,
            upper=-0.0044,
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
            because="similarity.agreement is 96.76 %; at least 97.5 % was asked (95 % bounds 96.46 to 97.04 %, Wilson "
            "score, 9,676 of 10,000)",
            metric="similarity.agreement",
            of=Of.PAIR,
            unit=fraction,
            observed=0.9676,
            lower=0.9646,
            upper=0.9704,
            threshold=0.975,
            side="at_least",
            confidence=0.95,
            method="Wilson",
            n=N,
        ),
        Ruling(
            rule="no-class-left-behind",
            words="accuracy.recall of candidate minus reference for each label is at least -5 pp, at 95 % confidence; "
            "otherwise warn",
            decision=Decision.WARN,
            because="1 of 10 classes is undecided: accuracy.recall of candidate minus reference for class 'Shirt' is "
            "-3.70 pp; at least -5 pp was asked (95 % bounds -5.21 to -2.24 pp, Tango score, 58 flips down, 21 up, "
            "n = 1,000); not settled, but this rule only warns",
            metric="accuracy.recall",
            of=Of.DELTA,
            unit=fraction,
            observed=-0.037,
            lower=-0.0521,
            upper=-0.0224,
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
            "0.6872 to 0.6934 ×, order statistics of the median, 120 pairs); waived by edge-team until 2027-03-31: "
            "new runtime lands in March",
            metric="latency.p50",
            of=Of.RATIO,
            unit=ratio,
            observed=0.6901,
            lower=0.6872,
            upper=0.6934,
            threshold=0.65,
            side="at_most",
            confidence=0.95,
            method="order statistics",
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
            words="opscore.inference of candidate minus reference is at most 0",
            decision=Decision.INCONCLUSIVE,
            because="opscore.inference of candidate minus reference is not known: opscore errored: ZeroDivisionError",
            metric="opscore.inference",
            of=Of.DELTA,
            unit=Unit.SCORE,
            threshold=0.0,
            side="at_most",
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
            execution=Execution(
                runtime="onnxruntime",
                version="1.23.2",
                provider="CPUExecutionProvider",
                threads=1,
                precision="int8",
                notes=("U8 activations, S8 weights",),
            ),
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
        policy=PolicySummary(name="edge", sha256=_digest("8"), source="vetgate.yaml:4"),
        verdict=Verdict(
            decision=Decision.FAIL,
            because="1 of 7 rules fails: similarity.agreement is 96.76 % (at least 97.5 % asked); 1 more is not "
            "settled; 2 more warn",
            rulings=_rulings(),
        ),
        evidence=_evidence(),
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
        command=("vetgate", "check", "int8.onnx", "--reference", "reference.pt", "--data", "my data/test.npz"),
        started=datetime.datetime(2027, 1, 15, 9, 30, 12, tzinfo=datetime.UTC),
        seconds=41.23,
    )
    return ReportSet(reports=(report,))
