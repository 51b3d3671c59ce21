"""The deviation table as a picture."""

from __future__ import annotations

from types import ModuleType
from typing import Literal

import pytest

from vetgate.api import Inconclusive

pytest.importorskip("matplotlib")

from vetgate_charts.study_picture import SHAPES, StudyPicture

from vetgate.reporting import Fate


def _words(svg: bytes) -> list[str]:
    """Return the texts of an SVG: matplotlib draws them as paths and names each in a comment."""
    return [line.strip()[5:-4] for line in svg.decode().splitlines() if line.strip().startswith("<!-- ")]


def test_every_measured_variant_and_independent_has_a_row_under_its_family(studies: ModuleType) -> None:
    study = studies.canned()
    words = _words(StudyPicture("svg").draw(study))
    for variant in study.variants:
        if variant.report is not None:
            assert variant.recipe.family in words
            assert variant.recipe.label in words
    assert words.count("independent models") == 1


def test_both_axes_say_what_they_measure_and_figures_stand_beside_the_points(studies: ModuleType) -> None:
    words = _words(StudyPicture("svg").draw(studies.canned()))
    assert "accuracy beside the reference's, points" in words
    assert "distance, in distances of independent models" in words
    assert any(word.startswith(("+", "-")) and "." in word for word in words)


def test_without_a_yardstick_there_is_one_panel(studies: ModuleType) -> None:
    alone = studies.canned().model_copy(update={"yardstick": None, "independents": ()})
    words = _words(StudyPicture("svg").draw(alone))
    assert "distance, in distances of independent models" not in words
    assert "accuracy beside the reference's, points" in words


@pytest.mark.parametrize("form", ["svg", "png"])
def test_the_same_study_gives_the_same_bytes(studies: ModuleType, form: Literal["svg", "png"]) -> None:
    assert StudyPicture(form).draw(studies.canned()) == StudyPicture(form).draw(studies.canned())


def test_a_study_of_nothing_is_not_drawn(studies: ModuleType) -> None:
    study = studies.canned()
    nothing = study.model_copy(
        update={"variants": tuple(variant.model_copy(update={"report": None}) for variant in study.variants)}
    )
    with pytest.raises(Inconclusive, match="no variant was measured"):
        StudyPicture("svg").draw(nothing)


def test_every_fate_has_a_shape_or_a_colour_of_its_own() -> None:
    assert set(SHAPES) == set(Fate)
    assert len(set(SHAPES.values())) == len(Fate)
