from __future__ import annotations

import math
from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st
from vetgate_opscore.check import OpScoreCheck
from vetgate_opscore.metrics import METRICS
from vetgate_opscore.plugin import vetgate_checks
from vetgate_opscore.score import epoch_seconds, floored_error, inference_seconds, opscore

from vetgate.api import (
    Artifact,
    Ask,
    Better,
    Card,
    Counts,
    Evidence,
    EvidenceContext,
    Exact,
    Inconclusive,
    Input,
    Measurement,
    Member,
    Of,
    Outcome,
    Output,
    Question,
    Results,
    Structure,
    Subject,
    Table,
    Training,
    Unit,
    Unstated,
)

N = 10_000
ASK = Ask(questions=(Question(metric="opscore.inference", of=Of.DELTA),))


def subject(batch: int = 1, training: Training | None = None) -> Subject:
    card = Card(
        version=1,
        input=Input(size=(8, 8), resize="none", colour="grey", scale=1.0, mean=(0.0,), std=(1.0,), layout="NCHW"),
        output=Output(kind="logits"),
        batch=batch,
        training=training,
    )
    artifact = Artifact(
        path="model.onnx",
        name="model.onnx",
        format="onnx",
        backend="onnx",
        members=(Member(name="model.onnx", sha256="0" * 64, size=1),),
    )
    return Subject(artifact, card, Structure(inputs=(), outputs=(), tensors=(), operators=()), {})


def evidence(check: str, metric: str, unit: Unit, values: dict[Of, float], *, n: int = 1) -> Evidence:
    figures = tuple(
        Measurement(
            metric=metric,
            role=role,
            value=value,
            unit=unit,
            better=Better.HIGHER,
            n=n,
            uncertainty=Counts(k=round(value * n), n=n) if unit is Unit.FRACTION else Exact(),
        )
        for role, value in values.items()
    )
    return Evidence(check=check, outcome=Outcome.MEASURED, measurements=figures)


def pair(candidate: float, reference: float) -> dict[Of, float]:
    return {Of.CANDIDATE: candidate, Of.REFERENCE: reference}


def quality(candidate: float = 0.9, reference: float = 0.99) -> Evidence:
    return evidence("quality", "accuracy.top1", Unit.FRACTION, pair(candidate, reference), n=N)


FOOTPRINT = evidence("footprint", "footprint.size_mb", Unit.MEGABYTES, pair(1.0, 100.0))
LATENCY = evidence("latency", "latency.throughput", Unit.PER_SECOND, pair(1000.0, 1000.0))


def measure(
    parts: Iterable[Evidence],
    candidate: Subject | None = None,
    reference: Subject | None = None,
    ask: Ask = ASK,
) -> Results:
    context = EvidenceContext(candidate or subject(), reference or subject(), tuple(parts))
    return OpScoreCheck().measure(context, ask)


def scores(results: Results, metric: str = "opscore.inference") -> dict[Of, Measurement]:
    return {entry.role: entry for entry in results.measurements if entry.metric == metric}


def test_the_score_is_the_logarithm_of_error_time_and_size() -> None:
    found = scores(measure([quality(), FOOTPRINT, LATENCY]))
    # 10,000 images at 1,000 a second: 10 s. Candidate 0.1 x 10 x 1, reference 0.01 x 10 x 100.
    assert found[Of.CANDIDATE].value == pytest.approx(0.0)
    assert found[Of.REFERENCE].value == pytest.approx(1.0)
    assert found[Of.DELTA].value == pytest.approx(-1.0)
    assert found[Of.CANDIDATE].n == N


def test_a_model_without_error_is_scored_with_half_an_image_and_the_note_says_so() -> None:
    found = scores(measure([quality(1.0, 0.99), FOOTPRINT, LATENCY]))
    assert found[Of.CANDIDATE].value == pytest.approx(math.log10(1 / 20_000 * 10 * 1))
    floor = "the candidate made no error on 10,000 images and is scored as if it made half of one"
    assert floor in found[Of.CANDIDATE].note
    assert floor in found[Of.DELTA].note
    assert "no error" not in found[Of.REFERENCE].note


def test_the_batches_that_were_timed_are_noted() -> None:
    found = scores(measure([quality(), FOOTPRINT, LATENCY], candidate=subject(batch=8)))
    assert found[Of.CANDIDATE].note == "timed at batch 8"
    assert found[Of.DELTA].note == "timed at batch 8 against 1"
    alike = scores(measure([quality(), FOOTPRINT, LATENCY]))
    assert alike[Of.DELTA].note == "timed at batch 1"


@pytest.mark.parametrize(
    ("parts", "named"),
    [
        ((FOOTPRINT, LATENCY), "accuracy.top1 of the candidate and the reference"),
        ((quality(), LATENCY), "footprint.size_mb of the candidate and the reference"),
        ((quality(), FOOTPRINT), "latency.throughput of the candidate and the reference"),
        (
            (
                quality(),
                FOOTPRINT,
                evidence("latency", "latency.throughput", Unit.PER_SECOND, {Of.REFERENCE: 1000.0}),
            ),
            "latency.throughput of the candidate,",
        ),
    ],
)
def test_missing_evidence_is_inconclusive_and_named(parts: tuple[Evidence, ...], named: str) -> None:
    with pytest.raises(Inconclusive) as caught:
        measure(parts)
    assert named in caught.value.message
    assert "nobody measured" in caught.value.message


def test_why_a_part_is_missing_is_passed_on() -> None:
    skipped = Evidence(check="latency", outcome=Outcome.SKIPPED, reason="no data set was given.")
    with pytest.raises(Inconclusive, match=r"throughput of .* \(check latency: no data set was given\)"):
        measure([quality(), FOOTPRINT, skipped])


def test_figures_of_a_check_that_failed_are_not_used() -> None:
    failed = LATENCY.model_copy(update={"outcome": Outcome.ERRORED, "reason": "it crashed"})
    with pytest.raises(Inconclusive, match="it crashed"):
        measure([quality(), FOOTPRINT, failed])


def test_figures_of_one_class_are_not_taken_for_all_images() -> None:
    (candidate, reference) = quality().measurements
    of_a_class = quality().model_copy(
        update={"measurements": (candidate.model_copy(update={"slice": "cat"}), reference)}
    )
    with pytest.raises(Inconclusive, match=r"accuracy\.top1 of the candidate,"):
        measure([of_a_class, FOOTPRINT, LATENCY])


def test_a_size_in_another_unit_is_not_taken_for_megabytes() -> None:
    in_bits = evidence("footprint", "footprint.size_mb", Unit.BITS, pair(1.0, 100.0))
    with pytest.raises(Inconclusive, match=r"footprint\.size_mb"):
        measure([quality(), in_bits, LATENCY])


def test_a_size_of_nothing_is_inconclusive() -> None:
    empty = evidence("footprint", "footprint.size_mb", Unit.MEGABYTES, pair(0.0, 100.0))
    with pytest.raises(Inconclusive, match=r"footprint\.size_mb of the candidate is 0"):
        measure([quality(), empty, LATENCY])


TRAINED = Training(seconds=1200.0, epochs=10, images=60_000)


def test_training_is_scored_by_one_epoch_of_fifty_thousand_images() -> None:
    found = measure([quality(), FOOTPRINT, LATENCY], subject(training=TRAINED), subject(training=TRAINED))
    training = scores(found, "opscore.training")
    # 1,200 s / 10 / 60,000 x 50,000 = 100 s.
    assert training[Of.CANDIDATE].value == pytest.approx(math.log10(0.1 * 100 * 1))
    assert training[Of.DELTA].value == pytest.approx(-1.0)
    (table,) = found.exhibits
    assert isinstance(table, Table)
    assert ("seconds of all training", 1200.0, 1200.0) in table.rows
    (epoch,) = [row[1:] for row in table.rows if row[0] == "seconds of one epoch of 50,000"]
    assert epoch == pytest.approx((100.0, 100.0))


def test_training_is_left_out_where_a_card_does_not_tell_and_said_where_asked_for() -> None:
    parts = [quality(), FOOTPRINT, LATENCY]
    quiet = measure(parts, subject(training=TRAINED), subject())
    assert not scores(quiet, "opscore.training")
    assert not quiet.findings
    asked = measure(
        parts, subject(training=TRAINED), subject(), Ask(questions=(Question(metric="opscore.training", of=Of.DELTA),))
    )
    (finding,) = asked.findings
    assert "the card of the reference states no training time" in finding.message


def test_what_the_score_is_made_of_is_shown() -> None:
    (table,) = measure([quality(), FOOTPRINT, LATENCY]).exhibits
    assert isinstance(table, Table)
    assert table.columns == ("", "candidate", "reference")
    assert [row[0] for row in table.rows] == [
        "top-1 accuracy",
        "error rate scored",
        "size, MB",
        "batch",
        "seconds for 10,000 images",
        "inference score",
    ]


def test_the_declared_check_comes_after_what_it_reads() -> None:
    (spec,) = vetgate_checks()
    assert isinstance(spec.factory(), OpScoreCheck)
    assert spec.metrics is METRICS
    assert spec.after == ("quality", "footprint", "latency")
    entries = measure([quality(), FOOTPRINT, LATENCY]).measurements
    assert all(entry.uncertainty == Unstated() and entry.unit is Unit.SCORE for entry in entries)
    assert not any(metric.bounded for metric in METRICS)


@given(st.floats(0.0, 0.999), st.floats(0.01, 1e4), st.floats(0.01, 1e4))
def test_half_the_error_time_or_size_is_worth_the_same(accuracy: float, seconds: float, megabytes: float) -> None:
    error = 1 - accuracy
    whole = opscore(error, seconds, megabytes)
    for halved in ((error / 2, seconds, megabytes), (error, seconds / 2, megabytes), (error, seconds, megabytes / 2)):
        assert opscore(*halved) == pytest.approx(whole - math.log10(2))


@given(st.integers(1, 10**6), st.data())
def test_the_floor_touches_only_models_without_error(images: int, data: st.DataObject) -> None:
    right = data.draw(st.integers(0, images))
    error = floored_error(right / images, images)
    assert error == (0.5 / images if right == images else pytest.approx((images - right) / images))


def test_times_are_those_of_the_papers_image_counts() -> None:
    assert inference_seconds(2_000) == 5.0
    assert epoch_seconds(300.0, 3, 50_000) == 100.0
    assert epoch_seconds(300.0, 3, 25_000) == 200.0
