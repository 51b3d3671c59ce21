"""What becomes of a model is decided by its figures alone."""

from __future__ import annotations

from dataclasses import replace
from types import ModuleType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vetgate.deviation import FAR, NEAR, Fate, bracket_of, deviations
from vetgate.domain.yardstick import Distance


def _fate(studies: ModuleType, **figures: float) -> Fate:
    making = studies.VARIANTS[0]
    study = studies.study_of([replace(making, told=replace(making.told, **figures))])
    return deviations(study).variants[0].fate


def test_the_paper_s_deviation_is_relative_to_the_reference(studies: ModuleType) -> None:
    row = next(row for row in deviations(studies.canned()).variants if row.name == "prune-l1-50")
    assert row.relative == pytest.approx(100 * (90.66 - 91.73) / 91.73)
    assert row.delta == pytest.approx(-0.0107)


def test_the_bracket_is_what_the_independents_span_of_their_median(studies: ModuleType) -> None:
    bracket = bracket_of(studies.canned())
    assert bracket is not None
    assert bracket.low == pytest.approx(0.0123 / 0.0125)
    assert bracket.high == pytest.approx(0.0128 / 0.0125)
    assert (bracket.median, bracket.count) == (0.0125, 3)


def test_a_yardstick_of_disagreement_spans_its_own_bracket(studies: ModuleType) -> None:
    study = studies.canned()
    held = study.yardstick.model_copy(update={"distance": Distance.DISAGREEMENT})
    bracket = bracket_of(study.model_copy(update={"yardstick": held}))
    assert bracket is not None
    assert bracket.median == pytest.approx(0.047)


@given(share=st.floats(0.0, 3.0))
def test_the_distance_tells_of_a_model_that_kept_its_accuracy(share: float, studies: ModuleType) -> None:
    near, far = 0.0123 / 0.0125 * NEAR, 0.0123 / 0.0125 * FAR
    expected = Fate.SAME if share <= near else Fate.FAR if share >= far else Fate.CHANGED
    assert _fate(studies, independence=share) is expected


@given(share=st.floats(0.0, 100.0))
def test_lost_accuracy_is_damage_at_any_distance(share: float, studies: ModuleType) -> None:
    assert _fate(studies, down=400, up=100, independence=share) is Fate.DAMAGED


def test_a_loss_within_noise_is_none(studies: ModuleType) -> None:
    assert _fate(studies, down=4100, up=3990, independence=0.1) is Fate.SAME


def test_a_loss_of_a_point_is_none_however_certain(studies: ModuleType) -> None:
    assert _fate(studies, down=100, up=0, independence=0.1) is Fate.SAME


def test_without_labels_the_distance_alone_tells(studies: ModuleType) -> None:
    rows = {row.name: row.fate for row in deviations(studies.study_of(labelled=False)).variants}
    assert rows["float16"] is Fate.SAME
    assert rows["prune-l1-90"] is Fate.FAR


def test_without_a_yardstick_a_model_that_kept_its_accuracy_is_not_told(studies: ModuleType) -> None:
    rows = {row.name: row.fate for row in deviations(studies.study_of(independents=())).variants}
    assert rows["float16"] is rows["distil-0.9"] is Fate.OPEN
    assert rows["prune-l1-90"] is Fate.DAMAGED
