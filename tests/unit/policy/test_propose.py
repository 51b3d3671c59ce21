"""What a study proposes parts its faithful copies from those that broke, and says where nothing does."""

from __future__ import annotations

import datetime
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from vetgate.deviation import Fate, deviations
from vetgate.domain.errors import Inconclusive
from vetgate.domain.evidence import Of
from vetgate.domain.policy import Policy
from vetgate.domain.report import ReportSet
from vetgate.domain.study import Study
from vetgate.domain.verdict import Decision
from vetgate.gate import rejudge
from vetgate.host import Host, find_plugins
from vetgate.policy import Origin, lint, load, propose
from vetgate.policy.gap import Wanted, find_gap, groups_of

DAY = datetime.date(2027, 1, 20)
ORIGIN = Origin("study.json", "ab" * 32, DAY)
AGREEMENT = Wanted("similarity.agreement", Of.PAIR, "at_least", functional=True)
ACCURACY = Wanted("accuracy.top1", Of.DELTA, "at_least")

Proposed = Callable[[Study], tuple[str, Path]]


@pytest.fixture(scope="module")
def host() -> Host:
    return find_plugins()


@pytest.fixture(scope="module")
def proposed(host: Host, tmp_path_factory: pytest.TempPathFactory) -> Proposed:
    """Return what a study proposes, and the file that it is written to."""
    path = tmp_path_factory.mktemp("proposed") / "policy.yaml"

    def _proposed(study: Study) -> tuple[str, Path]:
        text = propose(study, "mine", ORIGIN, host.metrics())
        path.write_text(text, encoding="utf-8")
        return text, path

    return _proposed


def _policy(path: Path, host: Host) -> Policy:
    return load(str(path), host.policies(), host.metrics()).policy


def _judged(study: Study, path: Path, host: Host) -> dict[str, Decision]:
    """Return the verdict of the policy on each report of a study."""
    loaded = load(str(path), host.policies(), host.metrics())
    found = {}
    for variant in study.variants:
        if variant.report is not None:
            again = rejudge(ReportSet(reports=(variant.report,)), loaded, host, DAY).reports[0]
            found[variant.recipe.name] = again.verdict.decision
    return found


def _holds(study: Study, path: Path, host: Host) -> None:
    """Assert that the policy lints, passes the faithful copies and does not pass the broken ones."""
    assert not [told for told in lint(str(path), host.policies(), host.metrics()) if told[0] == "error"]
    decisions = _judged(study, path, host)
    groups = groups_of(deviations(study))
    assert {decisions[row.name] for row in groups.faithful} == {Decision.PASS}
    assert not {decisions[row.name] for row in groups.broken} & {Decision.PASS, Decision.WARN}


def test_the_canned_study_proposes_a_policy_without_mistakes(
    proposed: Proposed, host: Host, studies: ModuleType
) -> None:
    text, path = proposed(studies.canned())
    assert lint(str(path), host.policies(), host.metrics()) == []
    limits = {rule.name: rule.at_least or rule.at_most for rule in _policy(path, host).rules}
    assert limits["accuracy.top1/delta"] == -0.006
    assert limits["similarity.agreement"] == 0.97
    assert limits["similarity.independence"] == 0.4
    assert all(rule.confidence == 0.95 for rule in _policy(path, host).rules if not rule.metric.startswith("footprint"))
    assert "needs              --yardstick fashion.yardstick" in text


def test_the_head_says_that_thresholds_rest_on_the_bounds_of_faithful_copies(
    proposed: Proposed, studies: ModuleType
) -> None:
    text, _ = proposed(studies.canned())
    told = " ".join(line.removeprefix("#").strip() for line in text.splitlines())
    assert "the geometric mean of the faithful copy's 95 % bound and the other's figure" in told
    assert "at most 2 times that bound" in told


def test_the_proposal_passes_the_faithful_and_not_the_broken(
    proposed: Proposed, host: Host, studies: ModuleType
) -> None:
    study = studies.canned()
    _, path = proposed(study)
    _holds(study, path, host)
    decisions = _judged(study, path, host)
    assert sum(decision is Decision.PASS for decision in decisions.values()) == 9
    assert decisions["distil-0.9"] is Decision.FAIL


def test_each_rule_names_the_two_models_that_it_lies_between(proposed: Proposed, studies: ModuleType) -> None:
    text, _ = proposed(studies.canned())
    part = text[text.index("# similarity.agreement") : text.index("- metric: similarity.agreement")]
    assert "worst faithful     Weight clustering K = 64: 97.88 % (97.63 % to 98.11 %)" in part
    assert "must not pass      L1 pruning 50 %: 95.68 %" in part
    assert "(here 10,000)" in part
    assert "between, does not  Distillation α = 0.9" in part


def test_the_head_says_what_it_rests_on_and_that_nobody_signed(proposed: Proposed, studies: ModuleType) -> None:
    text, _ = proposed(studies.canned())
    study = studies.canned()
    for told in (ORIGIN.sha256, study.reference.sha256, study.data.sha256, study.yardstick.sha256, "2027-01-20"):
        assert told in text
    assert "signed by          (nobody yet)" in text


def test_without_a_yardstick_divergence_stands_in_and_the_head_warns(
    proposed: Proposed, host: Host, studies: ModuleType
) -> None:
    study = studies.study_of(independents=())
    text, path = proposed(study)
    _holds(study, path, host)
    metrics = {rule.metric for rule in _policy(path, host).rules}
    assert "similarity.js_divergence" in metrics
    assert "similarity.independence" not in metrics
    assert "a model of another function that is as accurate" in text


def test_without_labels_only_figures_of_the_function_are_proposed(
    proposed: Proposed, host: Host, studies: ModuleType
) -> None:
    study = studies.study_of(labelled=False)
    text, path = proposed(study)
    _holds(study, path, host)
    assert {rule.metric for rule in _policy(path, host).rules} == {
        *("similarity.agreement", "similarity.independence", "footprint.size_mb")
    }
    assert "accuracy.top1 of candidate minus reference: nothing is proposed; no faithful copy has this figure" in text


def test_no_gap_gives_no_rule_and_says_so(proposed: Proposed, host: Host, studies: ModuleType) -> None:
    makings = [
        replace(making, told=replace(making.told, agreement=0.95)) if making.name == "cluster-64" else making
        for making in studies.VARIANTS
    ]
    study = studies.study_of(makings)
    text, path = proposed(study)
    assert "similarity.agreement" not in {rule.metric for rule in _policy(path, host).rules}
    assert "similarity.agreement: nothing is proposed; the faithful copies and those that must not pass overlap" in text
    _holds(study, path, host)


def test_where_nothing_broke_accuracy_gets_no_threshold(proposed: Proposed, host: Host, studies: ModuleType) -> None:
    gentle = [making for making in studies.VARIANTS if making.told.down < 200]
    text, path = proposed(studies.study_of(gentle))
    assert "accuracy.top1" not in {rule.metric for rule in _policy(path, host).rules}
    assert "no model here broke, so nothing says how far is too far" in text.replace("\n  # ", " ")


def test_without_a_faithful_copy_nothing_is_proposed(host: Host, studies: ModuleType) -> None:
    broken = [making for making in studies.VARIANTS if making.told.down > 200]
    with pytest.raises(Inconclusive, match="none of the 4 variants"):
        propose(studies.study_of(broken), "mine", ORIGIN, host.metrics())


def test_with_neither_labels_nor_yardstick_nothing_is_proposed(host: Host, studies: ModuleType) -> None:
    with pytest.raises(Inconclusive, match="neither labels nor a yardstick"):
        propose(studies.study_of(independents=(), labelled=False), "mine", ORIGIN, host.metrics())


def test_a_wide_gap_is_no_leave_to_use_it_up(studies: ModuleType) -> None:
    makings = [making for making in studies.VARIANTS if making.name in ("int8-static", "prune-l1-90")]
    gap = find_gap(ACCURACY, groups_of(deviations(studies.study_of(makings, ()))))
    assert gap.threshold is not None
    assert -0.003 < gap.threshold < -0.001


def test_too_few_images_for_a_confidence_are_told(studies: ModuleType) -> None:
    near = replace(studies.VARIANTS[-1], name="near", told=replace(studies.VARIANTS[-1].told, down=205, up=106))
    near = replace(near, told=replace(near.told, independence=0.2, agreement=0.957))
    broken = replace(studies.VARIANTS[5], told=replace(studies.VARIANTS[5].told, down=240, up=130))
    gap = find_gap(ACCURACY, groups_of(deviations(studies.study_of([near, broken]))))
    assert gap.threshold is not None
    assert -0.011 < gap.threshold < -0.0099
    assert gap.confidence is None
    assert gap.why == "these images do not suffice for a confidence"
    assert gap.needed is not None
    assert gap.needed > studies.N


def test_names_of_strangers_end_no_comment(proposed: Proposed, host: Host, studies: ModuleType) -> None:
    study = studies.canned()
    recipe = study.variants[9].recipe.model_copy(update={"label": "x\nmetrics: []\n\u2028evil: [\x85"})
    variants = (*study.variants[:9], study.variants[9].model_copy(update={"recipe": recipe}), *study.variants[10:])
    study = study.model_copy(update={"variants": variants})
    _, path = proposed(study)
    _holds(study, path, host)
    assert len(_policy(path, host).rules) == 6


_TOLD = st.tuples(
    st.integers(0, 600), st.integers(0, 600), st.floats(0.8, 1.0), st.floats(1e-6, 3.0), st.floats(0.2, 1.2)
)


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(drawn=st.lists(_TOLD, min_size=1, max_size=5), held=st.booleans())
def test_every_proposal_lints_and_parts_the_groups_or_is_refused(
    drawn: list[tuple[int, int, float, float, float]],
    *,
    held: bool,
    proposed: Proposed,
    host: Host,
    studies: ModuleType,
) -> None:
    base = studies.VARIANTS[0]
    makings = [
        replace(
            base,
            name=f"v{number}",
            told=studies.Told(down, up, agreement, min(far * 0.0125, 1.0), far, 0.9, size=size),
        )
        for number, (down, up, agreement, far, size) in enumerate(drawn)
    ]
    study = studies.study_of(makings, studies.INDEPENDENTS if held else ())
    try:
        _, path = proposed(study)
    except Inconclusive:
        return
    decisions, table = _judged(study, path, host), deviations(study)
    assert not [told for told in lint(str(path), host.policies(), host.metrics()) if told[0] == "error"]
    assert {decisions[row.name] for row in groups_of(table).faithful} <= {Decision.PASS}
    rules = {rule.metric for rule in _policy(path, host).rules}
    if "accuracy.top1" in rules:
        assert Decision.PASS not in {decisions[row.name] for row in table.of(Fate.DAMAGED)}
    for gap in (find_gap(wanted, groups_of(table)) for wanted in (AGREEMENT, ACCURACY)):
        if gap.threshold is not None and gap.worst is not None and gap.nearest is not None:
            assert gap.nearest.figure.value < gap.threshold < gap.worst.figure.value
