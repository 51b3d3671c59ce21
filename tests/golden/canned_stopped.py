"""A report of a run that stopped early: a pruned copy that keeps to its baseline after 2,048 of 10,000 images."""

from __future__ import annotations

import datetime

from vetgate.reporting import (
    BaselineSummary,
    Better,
    DataSummary,
    Decision,
    Environment,
    Evidence,
    Execution,
    Looks,
    Measurement,
    ModelSummary,
    Of,
    Outcome,
    PolicySummary,
    Promotion,
    Report,
    ReportSet,
    Ruling,
    Stopping,
    Unit,
    Verdict,
    Versus,
)

AVAILABLE = 10_000
LOOKS = (256, 512, 1024, 2048)
RAN = Execution(
    runtime="onnxruntime", version="1.23.2", provider="CPUExecutionProvider", threads=1, precision="float32"
)


def _digest(digit: str) -> str:
    return (digit + "7b2d5f81a43c9e0") * 4


def _looks(metric: str, role: Of, up: tuple[int, ...], down: tuple[int, ...] | None, versus: Versus) -> Measurement:
    value = (up[-1] - (down[-1] if down is not None else 0)) / LOOKS[-1]
    return Measurement(
        metric=metric,
        role=role,
        value=value,
        unit=Unit.FRACTION,
        better=Better.HIGHER,
        n=LOOKS[-1],
        uncertainty=Looks(down=down, up=up, n=LOOKS),
        versus=versus,
    )


def _evidence() -> tuple[Evidence, ...]:
    reference, baseline = Versus.REFERENCE, Versus.BASELINE
    quality = (
        _looks("accuracy.top1", Of.CANDIDATE, (235, 470, 942, 1886), None, reference),
        _looks("accuracy.top1", Of.REFERENCE, (236, 471, 942, 1887), None, reference),
        _looks("accuracy.top1", Of.DELTA, (2, 4, 9, 14), (3, 5, 9, 15), reference),
        _looks("accuracy.top1", Of.REFERENCE, (234, 467, 935, 1874), None, baseline),
        _looks("accuracy.top1", Of.DELTA, (3, 7, 14, 24), (2, 4, 7, 12), baseline),
    )
    agreement = _looks("similarity.agreement", Of.PAIR, (250, 501, 1002, 2005), None, reference)
    return (
        Evidence(check="quality", outcome=Outcome.MEASURED, measurements=quality, seconds=0.09),
        Evidence(check="similarity", outcome=Outcome.MEASURED, measurements=(agreement,), seconds=0.05),
    )


def _rulings() -> tuple[Ruling, ...]:
    return (
        Ruling(
            rule="accuracy.top1/delta",
            words="accuracy.top1 of candidate minus reference is at least -1 pp, at 95 % confidence",
            decision=Decision.PASS,
            because="accuracy.top1 of candidate minus reference is -0.05 pp; at least -1 pp was asked (95 % bounds "
            "-0.86 to +0.76 pp, betting, 15 flips down, 14 up, n = 2,048 after 4 looks)",
            metric="accuracy.top1",
            of=Of.DELTA,
            unit=Unit.FRACTION,
            observed=-1 / 2048,
            lower=-0.00862,
            upper=0.007577,
            threshold=-0.01,
            side="at_least",
            confidence=0.95,
            method="betting",
            n=2048,
        ),
        Ruling(
            rule="accuracy.top1/delta/baseline",
            words="accuracy.top1 of candidate minus baseline is at least -1 pp, at 95 % confidence",
            decision=Decision.PASS,
            because="accuracy.top1 of candidate minus baseline is +0.59 pp; at least -1 pp was asked (95 % bounds "
            "-0.26 to +1.50 pp, betting, 12 flips down, 24 up, n = 2,048 after 4 looks)",
            metric="accuracy.top1",
            of=Of.DELTA,
            unit=Unit.FRACTION,
            observed=12 / 2048,
            lower=-0.002627,
            upper=0.01503,
            threshold=-0.01,
            side="at_least",
            confidence=0.95,
            method="betting",
            n=2048,
            versus=Versus.BASELINE,
        ),
        Ruling(
            rule="similarity.agreement",
            words="similarity.agreement is at least 99 %, at 95 % confidence; otherwise warn",
            decision=Decision.WARN,
            because="similarity.agreement is 97.90 %; at least 99 % was asked (95 % bounds 96.86 to 98.89 %, betting, "
            "2,005 of 2,048 after 4 looks); not met, but this rule only warns",
            metric="similarity.agreement",
            of=Of.PAIR,
            unit=Unit.FRACTION,
            observed=2005 / 2048,
            lower=0.9686,
            upper=0.98887,
            threshold=0.99,
            side="at_least",
            confidence=0.95,
            method="betting",
            n=2048,
        ),
    )


def canned() -> ReportSet:
    """Return the report set of an early stop; the file was later named a baseline itself."""
    started = datetime.datetime(2027, 2, 1, 10, 0, 0, tzinfo=datetime.UTC)
    report = Report(
        candidate=ModelSummary(
            name="pruned.onnx",
            format="onnx",
            sha256=_digest("1"),
            size=580_990,
            execution=RAN,
            answered=2048,
        ),
        reference=ModelSummary(
            name="reference.onnx", format="onnx", sha256=_digest("2"), size=620_123, from_cache=True
        ),
        data=DataSummary(
            name="test.npz",
            sha256=_digest("3"),
            images=2048,
            available=AVAILABLE,
            labelled=True,
            classes=10,
        ),
        policy=PolicySummary(name="smoke", sha256=_digest("4"), source="smoke (carried)"),
        verdict=Verdict(
            decision=Decision.WARN,
            because="1 of 3 rules warns: similarity.agreement is 97.90 % (at least 99 % asked)",
            rulings=_rulings(),
        ),
        evidence=_evidence(),
        stopping=Stopping(
            images=2048,
            available=AVAILABLE,
            looks=len(LOOKS),
            early=True,
            because="every rule on images is decided",
        ),
        baseline=BaselineSummary(
            name="last-release.json",
            sha256=_digest("5"),
            candidate="quick-fix.onnx",
            candidate_sha256=_digest("6"),
            decision=Decision.FAIL,
            started=datetime.datetime(2027, 1, 20, 7, 0, 0, tzinfo=datetime.UTC),
        ),
        environment=Environment(
            vetgate="0.1.0",
            python="3.11.9",
            platform="Linux-6.1.0-x86_64",
            processor="Example CPU @ 2.40GHz",
            cores=2,
            memory=8_254_390_272,
            packages={"onnxruntime": "1.23.2"},
        ),
        seed=0,
        command=(
            "vetgate",
            "check",
            "pruned.onnx",
            "--reference",
            "reference.onnx",
            "--data",
            "test.npz",
            "--sequential",
        ),
        started=started,
        seconds=3.4,
    )
    act = Promotion(
        owner="edge-team",
        reason="release 1.4",
        at=started + datetime.timedelta(days=1),
        report_sha256=_digest("7"),
        replaces=_digest("5"),
    )
    return ReportSet(reports=(report,), promotions=(act,))
