from __future__ import annotations

import numpy as np
import pytest
from vetgate_delta import figures, told
from vetgate_delta.figures import Sizes, Verdicts
from vetgate_delta.metrics import METRICS

from vetgate.api import Ask, Counts, Exact, Quantiles, Severity, Unstated

ASK = Ask(replicates=1000)
N = 1000


def _right(
    *, reference: int, candidate: int, fused: int, permuted: int = 0, alone: int = 0, count: int = N
) -> Verdicts:
    """Return answers of which the first so many are right."""
    return Verdicts(*(np.arange(count) < each for each in (reference, candidate, fused, permuted, alone)))


def test_recovery_is_the_share_of_the_lost_accuracy() -> None:
    found = figures.recovery(_right(reference=900, candidate=500, fused=800), ASK)
    assert found is not None
    assert found.value == pytest.approx(0.75)
    assert isinstance(found.uncertainty, Quantiles)
    at = dict(zip(found.uncertainty.levels, found.uncertainty.values, strict=True))
    assert at[0.05] < 0.75 < at[0.95] < 0.8


def test_the_bounds_of_recovery_hold_the_truth_nineteen_times_in_twenty() -> None:
    random = np.random.default_rng(0)
    held = 0
    for _ in range(120):
        draws = random.random((2, 400))
        reference, candidate = draws[0] < 0.9, draws[0] < 0.6
        fused = np.where(reference & ~candidate, draws[1] < 0.5, candidate)
        none = np.zeros(400, bool)
        found = figures.recovery(Verdicts(reference, candidate, fused, none, none), Ask(replicates=400))
        assert found is not None
        assert isinstance(found.uncertainty, Quantiles)
        at = dict(zip(found.uncertainty.levels, found.uncertainty.values, strict=True))
        held += at[0.05] < 0.5
    assert 105 <= held <= 119


def test_a_candidate_that_is_not_behind_has_no_recovery() -> None:
    assert figures.recovery(_right(reference=500, candidate=500, fused=600), ASK) is None
    assert figures.recovery(_right(reference=400, candidate=500, fused=600), ASK) is None


def test_a_gap_that_is_itself_unsure_bounds_nothing() -> None:
    found = figures.recovery(_right(reference=503, candidate=500, fused=502), ASK)
    assert found is not None
    assert isinstance(found.uncertainty, Unstated)
    assert "not sure" in found.note


def test_correlation_is_pearsons_of_centred_features() -> None:
    random = np.random.default_rng(1)
    added = random.normal(5, 1, (300, 4)).astype(np.float32)
    resized = (-0.5 * added + random.normal(-3, 1, (300, 4))).astype(np.float32)
    found = figures.correlation(added, resized, np.zeros(300, np.intp), ASK)
    assert found is not None
    centred = [(each - each.mean(axis=0)).ravel() for each in (added, resized)]
    assert found.value == pytest.approx(np.corrcoef(*centred)[0, 1], abs=1e-6)
    assert isinstance(found.uncertainty, Quantiles)


def test_correlation_follows_from_the_pairing_of_channels_though_nothing_was_lost() -> None:
    """F_D = 2 F_B - R: a copy gives 1, channels that pair at random -1 / sqrt(5)."""
    random = np.random.default_rng(3)
    reference = random.normal(size=(2000, 8)).astype(np.float32)
    for resized, expected in ((reference, 1.0), (random.normal(size=reference.shape), -(5**-0.5))):
        added = (2 * reference - resized).astype(np.float32)
        found = figures.correlation(added, resized.astype(np.float32), np.zeros(2000, np.intp), ASK)
        assert found is not None
        assert found.value == pytest.approx(expected, abs=0.02)
        assert "conclude nothing" in found.note


def test_folds_are_centred_each_by_itself() -> None:
    random = np.random.default_rng(2)
    added, resized = (random.normal(size=(200, 3)).astype(np.float32) for _ in range(2))
    folds = np.repeat([0, 1], 100)
    moved = added + 10 * folds[:, None].astype(np.float32), resized + 10 * folds[:, None].astype(np.float32)
    plain, shifted = figures.correlation(added, resized, folds, ASK), figures.correlation(*moved, folds, ASK)
    assert plain is not None
    assert shifted is not None
    assert shifted.value == pytest.approx(plain.value, abs=1e-4)


def test_features_that_never_vary_have_no_correlation() -> None:
    ones = np.ones((30, 3), np.float32)
    assert figures.correlation(ones, ones, np.zeros(30, np.intp), ASK) is None


def test_accuracies_are_counts_that_the_judge_can_bound() -> None:
    found = list(figures.accuracies(_right(reference=900, candidate=500, fused=800, permuted=300, alone=700)))
    assert [each.uncertainty for each in found] == [Counts(k=k, n=N) for k in (800, 300, 700)]


def test_costs_are_exact_and_left_out_where_they_are_not_known() -> None:
    found = list(figures.ratios(Sizes(10, 100), Sizes(40, None), Sizes(200, 400)))
    assert {each.metric: each.value for each in found} == {
        "disparity.params_to_candidate": 0.25,
        "disparity.params_to_reference": 0.05,
        "disparity.macs_to_reference": 0.25,
    }
    assert all(isinstance(each.uncertainty, Exact) for each in found)


def test_every_figure_is_declared_with_its_unit() -> None:
    declared = {spec.id: spec for spec in METRICS}
    right = _right(reference=900, candidate=500, fused=800)
    recovered = figures.recovery(right, ASK)
    assert recovered is not None
    found = [*figures.accuracies(right), recovered, figures.explained(3, 9)]
    assert all(each.unit is declared[each.metric].unit for each in found)
    assert len(declared) == len(METRICS)


def test_a_fused_model_that_beats_both_controls_complements_the_candidate() -> None:
    found = told.controls(_right(reference=900, candidate=500, fused=800, permuted=300, alone=700))
    assert all(control.passed for control in found)
    assert told.replaced(found) == []


def test_recovery_says_so_where_a_control_failed() -> None:
    right = {"reference": 900, "candidate": 500, "fused": 800}
    for permuted, alone, told_of in ((300, 700, False), (799, 500, True), (500, 799, True)):
        found = figures.recovery(_right(**right, permuted=permuted, alone=alone), ASK)
        assert found is not None
        assert ("a control failed" in found.note) is told_of


@pytest.mark.parametrize("fused", [300, 500, 501])
def test_one_that_is_not_surely_better_than_the_candidate_explains_nothing(fused: int) -> None:
    right = _right(reference=900, candidate=500, fused=fused)
    (finding,) = told.powerless(right)
    assert "do not tell what the candidate lost" in finding.message
    assert finding.severity is Severity.MEDIUM
    assert told.powerless(_right(reference=900, candidate=500, fused=600)) == []


@pytest.mark.parametrize(("permuted", "alone"), [(799, 500), (500, 799), (820, 820)])
def test_one_that_does_not_by_its_interval_replaces_it(permuted: int, alone: int) -> None:
    found = told.controls(_right(reference=900, candidate=500, fused=800, permuted=permuted, alone=alone))
    (finding,) = told.replaced(found)
    assert "replaces the candidate rather than complements it" in finding.message
    assert "Concepts are not named" in finding.advice
