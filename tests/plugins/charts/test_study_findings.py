"""Whether the paper's findings hold is decided by the figures."""

from __future__ import annotations

from dataclasses import replace
from types import ModuleType

from vetgate_charts.study_findings import Claim, Holds, claims

from vetgate.reporting import Study, deviations

COPIES, BEST, STUDENTS, ALPHAS, BLIND, DAMAGE = range(6)


def _claims(study: Study) -> tuple[Claim, ...]:
    return claims(deviations(study))


def _changed(studies: ModuleType, name: str, **figures: float) -> Study:
    """Return the canned study with other figures of the variants whose name begins so."""
    makings = [
        replace(making, told=replace(making.told, **figures)) if making.name.startswith(name) else making
        for making in studies.VARIANTS
    ]
    study: Study = studies.study_of(makings)
    return study


def test_the_canned_study_agrees_with_the_paper_on_copies_and_not_on_students(studies: ModuleType) -> None:
    held = [claim.holds for claim in _claims(studies.canned())]
    assert held == [Holds.YES, Holds.YES, Holds.NO, Holds.NO, Holds.YES, Holds.NO]


def test_students_as_far_as_independents_make_the_papers_finding_hold(studies: ModuleType) -> None:
    found = _claims(_changed(studies, "distil", independence=1.1))
    assert found[STUDENTS].holds is Holds.YES
    assert found[ALPHAS].holds is Holds.YES
    assert "6 of the 13 models as accurate" in found[BLIND].because


def test_one_student_of_three_that_is_so_far_makes_it_hold_in_part(studies: ModuleType) -> None:
    assert _claims(_changed(studies, "distil-0.9", independence=1.0))[STUDENTS].holds is Holds.PARTLY


def test_a_bound_that_reaches_the_nearest_independent_counts_against_a_copy(studies: ModuleType) -> None:
    near = studies.INDEPENDENTS[0].independence
    assert _claims(_changed(studies, "int8-static", independence=near / 1.09))[COPIES].holds is Holds.YES
    assert _claims(_changed(studies, "int8-static", independence=near / 1.07))[COPIES].holds is Holds.PARTLY


def test_quantisation_is_not_best_where_another_family_stays_nearer(studies: ModuleType) -> None:
    found = _claims(_changed(studies, "distil", independence=0.05))
    assert found[BEST].holds is Holds.NO


def test_pruned_copies_that_lost_accuracy_but_stayed_near_agree_with_the_paper(studies: ModuleType) -> None:
    assert _claims(_changed(studies, "prune-l1-50", independence=0.5))[DAMAGE].holds is Holds.PARTLY


def test_damage_is_no_other_function_however_far(studies: ModuleType) -> None:
    table = deviations(studies.canned())
    assert {row.name for row in table.variants if row.fate.value == "damaged"} == {
        *("prune-l1-50", "prune-l1-70", "prune-l1-90", "cluster-16")
    }


def test_without_a_yardstick_no_finding_is_told(studies: ModuleType) -> None:
    assert _claims(studies.study_of(independents=())) == ()


def test_one_independent_spans_no_bracket_to_hold_anything_against(studies: ModuleType) -> None:
    found = _claims(studies.study_of(independents=studies.INDEPENDENTS[:1]))
    assert [found[at].holds for at in (COPIES, STUDENTS, BLIND, DAMAGE)] == [Holds.OPEN] * 4


def test_a_copy_that_is_certainly_less_accurate_does_not_show_that_accuracy_is_blind(studies: ModuleType) -> None:
    worse = _claims(_changed(studies, "distil-0.1", independence=1.1, down=180, up=94))
    equal = _claims(_changed(studies, "distil-0.1", independence=1.1))
    assert "Distillation α = 0.1" not in worse[BLIND].because
    assert "Distillation α = 0.1" in equal[BLIND].because


def test_what_a_variant_is_its_family_says_and_not_the_name_of_its_maker(studies: ModuleType) -> None:
    far = {"independence": 1.1}
    strange = [
        replace(making, compressor=f"int8-{making.compressor}", told=replace(making.told, **far))
        if making.family == "Weight clustering"
        else making
        for making in studies.VARIANTS
    ]
    assert _claims(studies.study_of(strange))[COPIES].holds is Holds.YES
    foreign = [
        replace(making, compressor="acme") if making.family == "Quantisation" else making for making in studies.VARIANTS
    ]
    assert _claims(studies.study_of(foreign))[BEST].holds is Holds.YES
