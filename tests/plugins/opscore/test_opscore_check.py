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
    Execution,
    Inconclusive,
    Input,
    Measurement,
    Member,
    Of,
    Outcome,
    Output,
    PairedCounts,
    Quantiles,
    Question,
    Ran,
    Results,
    Slice,
    Structure,
    Subject,
    Table,
    Training,
    Unit,
    Unstated,
    Versus,
    of_label,
)
from vetgate.reporting import Uncertainty

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


def with_figure(entry: Evidence, role: Of, value: float, unit: Unit, uncertainty: Uncertainty) -> Evidence:
    first = entry.measurements[0]
    changes = {"role": role, "value": value, "unit": unit, "uncertainty": uncertainty}
    return entry.model_copy(update={"measurements": (*entry.measurements, first.model_copy(update=changes))})


def quality(candidate: float = 0.9, reference: float = 0.99, *, won: int = 0) -> Evidence:
    single = evidence("quality", "accuracy.top1", Unit.FRACTION, pair(candidate, reference), n=N)
    lost = round((reference - candidate) * N) + won
    if lost < 0:
        lost, won = 0, won - lost
    return with_figure(single, Of.DELTA, candidate - reference, Unit.FRACTION, PairedCounts(b=lost, c=won, n=N))


def latency(candidate: float = 1000.0, reference: float = 1000.0, ratio: float | None = None) -> Evidence:
    single = evidence("latency", "latency.throughput", Unit.PER_SECOND, pair(candidate, reference))
    value = ratio if ratio is not None else candidate / reference
    return with_figure(single, Of.RATIO, value, Unit.RATIO, Exact())


FOOTPRINT = evidence("footprint", "footprint.size_mb", Unit.MEGABYTES, pair(1.0, 100.0))
LATENCY = latency()


def measure(
    parts: Iterable[Evidence],
    candidate: Subject | None = None,
    reference: Subject | None = None,
    ask: Ask = ASK,
    timed: str | None = None,
) -> Results:
    context = EvidenceContext(candidate or subject(), reference or subject(), tuple(parts), timed)
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


def test_a_reference_whose_time_is_that_of_another_build_says_so_where_the_time_counts() -> None:
    took = subject(training=Training(seconds=60.0, epochs=1, images=50_000))
    results = measure([quality(), FOOTPRINT, LATENCY], took, took, timed="shipped.onnx")
    told = "shipped.onnx was timed in place of the reference, whose accuracy and size are those of its own file"
    for metric, roles in (
        ("opscore.inference", {Of.REFERENCE, Of.DELTA}),
        ("opscore.total", {Of.REFERENCE, Of.DELTA}),
        ("opscore.training", set()),
    ):
        assert {role for role, figure in scores(results, metric).items() if told in figure.note} == roles


def test_a_model_without_error_is_scored_with_half_an_image_and_the_note_says_so() -> None:
    found = scores(measure([quality(1.0, 0.99), FOOTPRINT, LATENCY]))
    assert found[Of.CANDIDATE].value == pytest.approx(math.log10(1 / 20_000 * 10 * 1))
    floor = "the candidate made no error on 10,000 images and is scored as if it made half of one"
    assert floor in found[Of.CANDIDATE].note
    assert floor in found[Of.DELTA].note
    assert "no error" not in found[Of.REFERENCE].note
    assert not any("no error" in figure.note for figure in scores(measure([quality(), FOOTPRINT, LATENCY])).values())


def test_the_batches_that_were_timed_are_noted() -> None:
    found = scores(measure([quality(), FOOTPRINT, LATENCY], candidate=subject(batch=8)))
    assert found[Of.CANDIDATE].note == "timed at batch 8"
    assert found[Of.DELTA].note.startswith("timed at batch 8 against 1; ")
    alike = scores(measure([quality(), FOOTPRINT, LATENCY]))
    assert alike[Of.DELTA].note.startswith("timed at batch 1; ")


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
    candidate, *others = quality().measurements
    of_a_class = quality().model_copy(
        update={"measurements": (candidate.model_copy(update={"slice": of_label("cat")}), *others)}
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
    assert not measure([quality(), FOOTPRINT, LATENCY], ask=ASK.model_copy(update={"glance": True})).exhibits


def test_the_declared_check_comes_after_what_it_reads() -> None:
    (spec,) = vetgate_checks()
    assert isinstance(spec.factory(), OpScoreCheck)
    assert spec.metrics is METRICS
    assert spec.after == ("quality", "footprint", "latency")
    entries = measure([quality(), FOOTPRINT, LATENCY]).measurements
    assert all(isinstance(entry.uncertainty, Quantiles) and entry.unit is Unit.SCORE for entry in entries)
    assert all(metric.bounded == metric.roles for metric in METRICS)


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


def test_the_difference_takes_the_ratio_of_pairs_and_not_the_quotient_of_drifted_times() -> None:
    found = scores(measure([quality(), FOOTPRINT, latency(1000.0, 2000.0, ratio=1.0)]))
    assert found[Of.CANDIDATE].value - found[Of.REFERENCE].value == pytest.approx(-1 + math.log10(2))
    assert found[Of.DELTA].value == pytest.approx(-1.0)
    assert "interleaved pairs" in found[Of.DELTA].note


def test_figures_of_one_batch_size_and_of_a_baseline_are_left_aside() -> None:
    strange = LATENCY.measurements[0].model_copy(update={"value": 5.0, "slice": Slice(by="batch", value="1")})
    older = quality().measurements[2].model_copy(update={"value": 0.5, "versus": Versus.BASELINE})
    mixed = LATENCY.model_copy(update={"measurements": (*LATENCY.measurements, strange)})
    both = quality().model_copy(update={"measurements": (*quality().measurements, older)})
    assert scores(measure([both, FOOTPRINT, mixed])) == scores(measure([quality(), FOOTPRINT, LATENCY]))


def test_a_missing_ratio_of_pairs_is_inconclusive_and_named() -> None:
    alone = LATENCY.model_copy(update={"measurements": LATENCY.measurements[:2]})
    with pytest.raises(Inconclusive, match=r"the ratio of latency\.throughput"):
        measure([quality(), FOOTPRINT, alone])


def test_a_speed_of_zero_is_inconclusive_and_no_number() -> None:
    with pytest.raises(Inconclusive, match=r"latency\.throughput of the candidate is 0"):
        measure([quality(), FOOTPRINT, latency(0.0, 1000.0)])


def test_accuracy_without_counts_gives_scores_without_intervals() -> None:
    bare = quality().model_copy(
        update={
            "measurements": tuple(
                figure.model_copy(update={"uncertainty": Unstated()}) for figure in quality().measurements
            )
        }
    )
    found = scores(measure([bare, FOOTPRINT, LATENCY]))
    assert [figure.uncertainty for figure in found.values()] == [Unstated()] * 3


def test_levels_that_a_rule_asks_for_are_stated() -> None:
    question = Question(metric="opscore.inference", of=Of.DELTA, at_most=0.0, confidence=0.8)
    found = scores(measure([quality(), FOOTPRINT, LATENCY], ask=Ask(questions=(question,))))[Of.DELTA].uncertainty
    assert isinstance(found, Quantiles)
    assert any(level == pytest.approx(0.2) for level in found.levels)


def test_what_was_timed_is_handed_on() -> None:
    run = Execution(runtime="r", version="1", provider="p", threads=1, precision="float32")
    timed = LATENCY.model_copy(update={"ran": Ran(candidate=run, reference=run)})
    assert measure([quality(), FOOTPRINT, timed]).ran == timed.ran


def totals(weights: dict[str, float]) -> dict[Of, Measurement]:
    ask = ASK.model_copy(update={"weights": weights})
    models = subject(training=TRAINED), subject(training=TRAINED)
    return scores(measure([quality(), FOOTPRINT, LATENCY], *models, ask), "opscore.total")


def test_the_total_is_the_average_by_the_policys_weights() -> None:
    # Candidate: inference 0.1 x 10 x 1 -> 0, training 0.1 x 100 x 1 -> 1.
    equal, weighed = totals({}), totals({"opscore.inference": 3.0, "opscore.training": 1.0})
    assert equal[Of.CANDIDATE].value == pytest.approx(0.5)
    assert "no weights" in equal[Of.CANDIDATE].note
    assert weighed[Of.CANDIDATE].value == pytest.approx(0.25)
    assert "0.75 of it is the inference score" in weighed[Of.DELTA].note


def test_one_training_time_alone_makes_no_total() -> None:
    ask = Ask(questions=(Question(metric="opscore.total", of=Of.DELTA),))
    found = measure([quality(), FOOTPRINT, LATENCY], subject(training=TRAINED), subject(), ask)
    assert not scores(found, "opscore.total")
    (finding,) = found.findings
    assert finding.message.startswith("opscore.total is not given: the card of the reference")


def test_the_training_score_does_not_know_the_inference_time() -> None:
    models = subject(training=TRAINED), subject(training=TRAINED)
    slow, fast = (
        scores(measure([quality(), FOOTPRINT, latency(rate, 1000.0)], *models), "opscore.training")
        for rate in (10.0, 9000.0)
    )
    assert slow == fast
