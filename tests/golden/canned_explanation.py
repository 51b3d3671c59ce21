"""Explanations of three candidates: one that holds, one whose control failed, and one that could not be made."""

from __future__ import annotations

import datetime

from vetgate.reporting import (
    CONCEPT,
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
    ModelSummary,
    Of,
    Outcome,
    Picture,
    PolicySummary,
    Quantiles,
    Report,
    ReportSet,
    Severity,
    Slice,
    Table,
    Uncertainty,
    Unit,
    Verdict,
)

N, EXPLAINED, NAMED = 5000, 3827, 24
"""Images that DELTA was not trained on, of these explained, of these shown to a labeller."""
PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAQAAAC1HAwCAAAAC0lEQVR42mNkYAAAAAYAAjCB0C8AAAAASUVORK5CYII="
CONCEPTS = {"pruned95.onnx": (("collar", 9), ("strap", 6), ("sole", 4)), "pruned50.onnx": ()}
"""A failed control names none."""
RAN = Execution(
    runtime="onnxruntime", version="1.23.2", provider="CPUExecutionProvider", threads=1, precision="float32"
)
SPLIT = (
    "No training images were given: DELTA was trained on 5,000 of the 10,000 vetted images, drawn with seed 0, and "
    "explains the other 5,000, fitted anew for each of 2 folds of them."
)


def _digest(digit: str) -> str:
    return (digit + "9e07b2d5f81a43c") * 4


def _figure(
    name: str,
    value: float,
    n: int,
    uncertainty: Uncertainty,
    unit: Unit = Unit.FRACTION,
    note: str = "",
    where: Slice | None = None,
) -> Measurement:
    return Measurement(
        metric=f"disparity.{name}",
        role=Of.PAIR,
        value=value,
        unit=unit,
        better=Better.NEITHER,
        n=n,
        uncertainty=uncertainty,
        note=note,
        slice=where,
    )


def _share(name: str, k: int, n: int, where: Slice | None = None) -> Measurement:
    return _figure(name, k / n, n, Counts(k=k, n=n), where=where)


def _around(value: float, spread: float) -> Quantiles:
    return Quantiles(
        levels=(0.05, 0.5, 0.95), values=(value - spread, value, value + spread), method="percentile bootstrap"
    )


def _measurements(name: str, fused: int, recovered: float, note: str) -> tuple[Measurement, ...]:
    found = [
        _share("fused_accuracy", fused, N),
        _share("permuted_accuracy", 486, N),
        _share("subgraph_accuracy", 3766, N),
        _figure("explained", EXPLAINED, N, Exact(), Unit.COUNT),
        _figure("recovery", recovered, N, _around(recovered, 0.0116), note=note),
        _figure("correlation", 0.1622, EXPLAINED, _around(0.1622, 0.003), Unit.SCORE, "conclude nothing from it"),
        _figure("params_to_reference", 0.09277, 1, Exact(), Unit.RATIO),
        _share("share_complement_local", 246, EXPLAINED),
        _share("share_none", 807, EXPLAINED),
        _figure("overlap", 0.3075, EXPLAINED - 807, _around(0.3075, 0.0074)),
    ]
    concepts = (_share("concepts", k, NAMED, Slice(by=CONCEPT, value=concept)) for concept, k in CONCEPTS[name])
    return (*found, *concepts)


def _tables(fused: int) -> tuple[Table, Table]:
    accuracies = Table(
        title="What DELTA brings back, and its controls",
        columns=("model", "right", "accuracy", "fused is better by", "at least, at 95%"),
        rows=(
            ("candidate", 838, 838 / N, None, None),
            ("candidate and DELTA (fused)", fused, fused / N, None, None),
            ("reference", 4658, 4658 / N, None, None),
            ("control: features permuted", 486, 486 / N, (fused - 486) / N, (fused - 486) / N - 0.0118),
            ("control: subgraph alone", 3766, 3766 / N, (fused - 3766) / N, (fused - 3766) / N - 0.0095),
        ),
        caption=f"Of {N:,} images. {SPLIT} Shares in [0, 1].",
    )
    made = Table(
        title="How DELTA was made",
        columns=("what", "how"),
        rows=(
            ("variant", "residual"),
            ("parameters", 13_644),
            ("share of the reference's", 0.09277),
            ("trained", "5 epochs, with its subgraph"),
            ("(F - F_B) / (R - F_B)", -0.01852),
        ),
        caption="Taken of the candidate: its feature map relu_6's 64 channels, mean over positions.",
    )
    return accuracies, made


def _picture() -> Picture:
    return Picture(
        title="Missed: collar",
        media_type="image/png",
        base64=PIXEL,
        caption="The candidate's regions in magenta, DELTA's in cyan. 1 of 9 such images, drawn at random: (1) 2731: "
        "Coat taken for Bag, complement, local, overlap 0.02, collar (named by the labeller).",
    )


def _explained(name: str, fused: int, recovered: float, findings: tuple[Finding, ...], note: str = "") -> Evidence:
    told = Finding(rule="disparity.images", severity=Severity.INFO, message=SPLIT)
    short = Finding(
        rule="disparity.summary",
        severity=Severity.INFO,
        message="of 10,000 images the reference alone gets 412 right; DELTA brings back "
        f"{recovered:.0%} of the accuracy that was lost",
    )
    return Evidence(
        check="disparity",
        outcome=Outcome.MEASURED,
        measurements=_measurements(name, fused, recovered, note),
        findings=(short, told, *findings),
        exhibits=(*_tables(fused), *([_picture()] if CONCEPTS[name] else [])),
        seconds=121.3,
    )


def _failed() -> Evidence:
    reason = "disparity of cut.onnx: made no progress for 300 s and was stopped; --timeout SECONDS gives it longer"
    return Evidence(check="disparity", outcome=Outcome.ERRORED, reason=reason, seconds=312.0)


def _report(name: str, digit: str, evidence: Evidence) -> Report:
    return Report(
        candidate=ModelSummary(name=name, format="onnx", sha256=_digest(digit), size=591_800, execution=RAN),
        reference=ModelSummary(
            name="reference.pt", format="torch-weights", sha256=_digest("1"), size=610_200, from_cache=True
        ),
        data=DataSummary(
            name="test.npz", sha256=_digest("2"), images=10_000, available=10_000, labelled=True, classes=10
        ),
        policy=PolicySummary(name="none", sha256=_digest("3"), source="none: nothing is judged"),
        verdict=Verdict(decision=Decision.INCONCLUSIVE, because="no policy was asked", rulings=()),
        evidence=(Evidence(check="contract", outcome=Outcome.MEASURED), evidence),
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
        command=("vetgate", "explain", *CONCEPTS, "cut.onnx", "--reference", "reference.pt", "--data", "test.npz"),
        started=datetime.datetime(2027, 2, 1, 10, 0, 0, tzinfo=datetime.UTC),
        seconds=129.5,
    )


def canned() -> ReportSet:
    """Return the explanations: one that holds, one whose control failed, and one that could not be made."""
    unsteady = Finding(
        rule="disparity.threshold",
        severity=Severity.LOW,
        message="the most frequent category depends on the threshold: 'enhance, global' at 0.3, 'mix, global' at 0.5",
    )
    replaced = Finding(
        rule="disparity.replaces",
        severity=Severity.MEDIUM,
        message="DELTA replaces the candidate rather than complements it, and its maps do not tell what the candidate "
        "lost: control: subgraph alone: fused is better by +0.28 pp, at least -0.67 pp at 95%",
        advice="Try a smaller budget, or more training images. Concepts are not named.",
    )
    return ReportSet(
        reports=(
            _report("pruned95.onnx", "4", _explained("pruned95.onnx", 4012, 0.8309, (unsteady,))),
            _report("pruned50.onnx", "5", _explained("pruned50.onnx", 3780, 0.7702, (replaced,), "a control failed")),
            _report("cut.onnx", "6", _failed()),
        )
    )
