"""The deviation table as a picture."""

from __future__ import annotations

from types import ModuleType
from typing import Literal

import numpy as np
import pytest

from vetgate.api import Inconclusive, Quantiles

pytest.importorskip("matplotlib")

from vetgate_charts.study_picture import SHAPES, StudyPicture, draw

from vetgate.reporting import Fate, Measurement, Of, Study, bounds, deviations


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


def _spans(study: Study) -> list[tuple[float, float]]:
    """Return the ends of the lines of bounds in the right panel."""
    panel = draw(study, deviations(study)).axes[1]
    across = [np.asarray(line.get_xdata(), dtype=float) for line in panel.lines if line.get_linewidth() == 1.6]
    return [(float(ends[0]), float(ends[1])) for ends in across]


def test_distances_have_their_bounds_and_those_beyond_the_edge_end_there(studies: ModuleType) -> None:
    study = studies.canned()
    found = deviations(study)
    figures = [row.figures["similarity.independence", Of.PAIR] for row in (*found.measured, *found.independents)]
    stated = [ends for figure in figures if (ends := bounds(figure)) is not None]
    assert stated
    edge, right = draw(study, deviations(study)).axes[1].get_xlim()
    spans = _spans(study)
    assert sorted(spans) == sorted((max(low, edge), max(high, edge)) for low, high in stated)
    assert all(edge <= low <= high <= right for low, high in spans)


def test_a_bound_of_nothing_stands_at_the_edge_of_the_logarithmic_axis(studies: ModuleType) -> None:
    study = studies.canned()
    first = study.variants[0]
    assert first.report is not None
    evidence = tuple(
        item.model_copy(update={"measurements": _to_zero(item.measurements)}) for item in first.report.evidence
    )
    faint = first.model_copy(update={"report": first.report.model_copy(update={"evidence": evidence})})
    study = study.model_copy(update={"variants": (faint, *study.variants[1:])})
    edge, _ = draw(study, deviations(study)).axes[1].get_xlim()
    assert _spans(study)[0][0] == edge > 0
    assert StudyPicture("png").draw(study).startswith(b"\x89PNG")


def _to_zero(figures: tuple[Measurement, ...]) -> tuple[Measurement, ...]:
    stated = Quantiles(levels=(0.05, 0.95), values=(0.0, 0.5), method="bootstrap")
    return tuple(
        figure.model_copy(update={"value": 0.0, "uncertainty": stated})
        if figure.metric == "similarity.independence"
        else figure
        for figure in figures
    )
