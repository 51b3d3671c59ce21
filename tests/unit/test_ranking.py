from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.plugins.charts.measured import REFERENCE, Model, crashed, report, reports
from vetgate.domain.report import ReportSet
from vetgate.ranking import Ranking, Standing, dominates, extremes, rank, score_of

TABLES = Path(__file__).parents[1] / "plugins" / "opscore"
MODELS = st.builds(
    Model,
    name=st.sampled_from(["a.onnx", "b.onnx", "c.onnx"]),
    accuracy=st.integers(0, 10_000).map(lambda right: right / 10_000),
    seconds=st.floats(0.01, 1e4),
    megabytes=st.floats(0.001, 1e4),
)


def by_name(ranking: Ranking) -> dict[str, Standing]:
    return {row.name: row for row in ranking.rows}


def test_rows_come_by_score_with_the_reference_once() -> None:
    ranking = rank(reports([Model("slow", seconds=30.0), Model("fast", seconds=3.0)]))
    assert [row.name for row in ranking.rows] == ["fast", "slow", "base.pt"]
    assert [row.reference for row in ranking.rows] == [False, False, True]
    assert by_name(ranking)["fast"].score == pytest.approx(math.log10(0.1 * 3 * 1))


def test_drift_between_two_candidates_does_not_rank_them() -> None:
    calm, busy = report(Model("calm")), report(Model("busy"), drift=1.7)
    rows = by_name(rank(ReportSet(reports=(calm, busy))))
    assert rows["calm"].seconds == pytest.approx(rows["busy"].seconds)
    assert rows["calm"].score == pytest.approx(rows["busy"].score)
    assert rows["calm"].interval is not None
    assert rows["calm"].interval.upper - rows["calm"].score == pytest.approx(0.01)


def test_times_stand_on_the_median_of_the_references() -> None:
    timed = ReportSet(reports=tuple(report(Model(f"{drift}"), drift=drift) for drift in (1.0, 1.2, 9.0)))
    rows = by_name(rank(timed))
    assert rows["base.pt"].seconds == pytest.approx(1.2 * REFERENCE.seconds)
    assert rows["9.0"].seconds == pytest.approx(1.2 * 10.0)


def test_the_front_holds_what_no_other_model_beats_in_everything() -> None:
    rows = by_name(
        rank(
            reports(
                [
                    Model("small", accuracy=0.80, seconds=9.0, megabytes=0.5),
                    Model("right", accuracy=0.95, seconds=30.0, megabytes=9.0),
                    Model("worse", accuracy=0.79, seconds=9.5, megabytes=0.6),
                ]
            )
        )
    )
    assert {name for name, row in rows.items() if row.front} == {"small", "right", "base.pt"}


def test_two_equal_candidates_are_both_on_the_front_with_one_score() -> None:
    rows = rank(reports([Model("b"), Model("a")])).rows
    assert [row.name for row in rows] == ["a", "b", "base.pt"]
    assert rows[0].front
    assert rows[1].front
    assert rows[0].normalised == rows[1].normalised


def test_a_candidate_equal_to_its_reference_has_no_normalised_score_and_no_nan() -> None:
    ranking = rank(reports([Model("twin", REFERENCE.accuracy, REFERENCE.seconds, REFERENCE.megabytes)]))
    assert ranking.best is not None
    assert ranking.worst is not None
    assert ranking.best.score == ranking.worst.score
    assert [row.normalised for row in ranking.rows] == [None, None]


def test_a_model_without_error_is_ranked_by_half_an_image() -> None:
    rows = by_name(rank(reports([Model("perfect", accuracy=1.0)])))
    assert rows["perfect"].error == pytest.approx(0.5 / 10_000)
    assert rows["perfect"].accuracy == 1.0


def test_what_could_not_be_measured_is_listed_with_its_cause_and_not_ranked() -> None:
    broken = crashed("broken.onnx", "it is empty (0 bytes)")
    ranking = rank(ReportSet(reports=(report(Model("good")), broken)))
    assert [row.name for row in ranking.rows] == ["good", "base.pt"]
    assert [(item.name, item.reason) for item in ranking.unranked] == [("broken.onnx", "it is empty (0 bytes)")]


def test_nothing_measured_is_an_empty_ranking() -> None:
    ranking = rank(ReportSet(reports=(crashed("broken.onnx", "it is empty"),)))
    assert ranking.rows == ()
    assert ranking.best is None
    assert ranking.worst is None


def test_a_size_of_nothing_is_not_ranked() -> None:
    whole = report(Model("good"))
    (size,) = [entry for entry in whole.evidence if entry.check == "footprint"]
    empty = size.model_copy(
        update={"measurements": tuple(figure.model_copy(update={"value": 0.0}) for figure in size.measurements)}
    )
    hollow = whole.model_copy(update={"evidence": tuple(empty if entry is size else entry for entry in whole.evidence)})
    (item,) = rank(ReportSet(reports=(hollow,))).unranked
    assert item.reason == "footprint.size_mb of the candidate is not above 0"


def test_an_unstated_uncertainty_is_no_interval() -> None:
    rows = by_name(rank(ReportSet(reports=(report(Model("a"), spread=0.0),))))
    assert rows["a"].interval is None
    assert rows["a"].delta_interval is None


def _other(part: str, of: str = "", **changes: object) -> ReportSet:
    """Return a report, and the same with one part changed; `of` is where the part comes from if not from itself."""
    one = report(Model("a"))
    other = getattr(one, of or part).model_copy(update=changes)
    return ReportSet(reports=(one, one.model_copy(update={part: other})))


@pytest.mark.parametrize(
    ("reports_", "what"),
    [
        (_other("data", sha256="1" * 64), "2 data sets"),
        (_other("environment", processor="Other"), "2 machines"),
        (_other("reference", sha256="2" * 64), "2 references"),
        (_other("timed_reference", of="reference"), "2 timed references"),
        (_other("reference", card_sha256="3" * 64), "2 cards"),
    ],
)
def test_scores_of_two_places_are_refused_with_an_explanation(reports_: ReportSet, what: str) -> None:
    with pytest.raises(ValueError, match=rf"are of {what}.*comparable only on the same images") as caught:
        rank(reports_)
    assert "measure all candidates in one run" in str(caught.value)


@settings(max_examples=50)
@given(st.lists(MODELS, min_size=1, max_size=5))
def test_laws_of_the_ranking(models: list[Any]) -> None:
    ranking = rank(reports(models))
    assert ranking.best is not None
    assert ranking.worst is not None
    scores = [row.score for row in ranking.rows]
    assert scores == sorted(scores)
    assert any(row.front for row in ranking.rows)
    for row in ranking.rows:
        assert ranking.best.score - 1e-9 <= row.score <= ranking.worst.score + 1e-9
        assert row.normalised is None or 0.0 <= row.normalised <= 1.0
        assert row.front != any(dominates(other, row) for other in ranking.rows)
    assert Ranking.model_validate_json(ranking.model_dump_json()) == ranking
    backwards = rank(ReportSet(reports=tuple(reversed(reports(models).reports))))
    assert [row.score for row in backwards.rows] == pytest.approx(scores)


def _paper(number: int) -> tuple[list[Standing], dict[str, list[float]]]:
    """Return the models of a printed table, and its MIN and MAX rows: accuracy, size, inference time, score."""
    lines = (TABLES / f"table{number}.tsv").read_text(encoding="utf-8").splitlines()[1:]
    models, printed = [], {}
    for line in lines:
        name, *numbers = line.split("\t")
        accuracy, size, _, seconds, score = (float(text.replace(",", ".")) for text in numbers)
        if name in ("MIN", "MAX"):
            printed[name] = [accuracy, size, seconds, score]
            continue
        made = score_of(1 - accuracy, seconds, size)
        models.append(
            Standing(name=name, accuracy=accuracy, error=1 - accuracy, seconds=seconds, megabytes=size, score=made)
        )
    return models, printed


def test_min_and_max_of_the_papers_table_5_are_recomputed() -> None:
    models, printed = _paper(5)
    best, worst = extremes(models)
    assert [best.accuracy, best.megabytes, best.seconds] == printed["MIN"][:3]
    assert best.score == pytest.approx(printed["MIN"][3], abs=0.04)  # accuracy is printed with two digits
    assert [worst.accuracy, worst.megabytes, worst.seconds] == printed["MAX"][:3]
    assert worst.score == pytest.approx(printed["MAX"][3], abs=0.01)


def test_the_printed_max_of_table_6_is_not_its_columns_worst() -> None:
    models, printed = _paper(6)
    best, worst = extremes(models)
    assert [best.accuracy, best.megabytes, best.seconds] == printed["MIN"][:3]
    assert printed["MAX"][:3] == [0.07, 180.0, 29.0]
    assert [worst.accuracy, worst.megabytes, worst.seconds] == [0.05, 180.0, 34.0]
    assert worst.score == pytest.approx(3.76, abs=0.01)
