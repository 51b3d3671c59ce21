from __future__ import annotations

import importlib
import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from vetgate_delta.answers import maps_of
from vetgate_delta.check import Disparity
from vetgate_delta.material import Given, given_by, open_base
from vetgate_delta.metrics import METRICS
from vetgate_delta.shelf import Shelf
from vetgate_delta.splits import make_plan
from vetgate_delta.studio import Studio, make_subgraph, taken_of

from vetgate.api import (
    Ask,
    DataError,
    Finding,
    ImageSet,
    Inconclusive,
    Measurement,
    Of,
    Picture,
    Question,
    Results,
    Table,
    TrainerContext,
    Tuning,
)

ASK = Ask(replicates=500)


def _measure(context: TrainerContext) -> Results:
    return Disparity().measure(context, ASK)


def _values(results: Results) -> dict[str, float]:
    return {each.metric.removeprefix("disparity."): each.value for each in results.measurements if not each.slice}


def _rules(findings: Sequence[Finding]) -> set[str]:
    return {finding.rule for finding in findings}


def _figure(results: Results, name: str) -> Measurement:
    return next(each for each in results.measurements if each.metric == f"disparity.{name}")


def _maps(context: TrainerContext, folder: Path, rows: np.ndarray) -> np.ndarray:
    """Return DELTA's maps of vetted images; its training is on the shelf."""
    place, device = Shelf(folder), torch.device("cpu")
    plan, base = make_plan(context.vetted, context.training, 2, 0), open_base(context)
    made = make_subgraph(context, base, plan, place, device)

    def given(images: ImageSet) -> Given:
        return given_by(base, context, images, place, device)

    delta = Studio(context, base, plan, made, place, device, given).fitted(0, plan.folds[0])
    classes = given(context.vetted).classes[rows]
    return maps_of(delta, context, context.vetted, rows, taken_of(context).vetted, classes, device)


@pytest.fixture(scope="module")
def found(tiny: Any, shelf: Path) -> dict[str, Results]:
    """Return what the check finds of both blind candidates."""
    return {name: _measure(tiny.context(shelf, name)) for name in ("blind-a", "blind-b")}


def test_it_gives_every_figure_that_it_declares_once(found: dict[str, Results]) -> None:
    for results in found.values():
        keys = [(each.metric, each.slice) for each in results.measurements]
        assert len(set(keys)) == len(keys)
        declared = {spec.id: spec for spec in METRICS}
        assert {metric for metric, _ in keys} == declared.keys() - {"disparity.concepts"}
        assert all(each.unit is declared[each.metric].unit for each in results.measurements)


def test_what_was_lost_comes_back_and_needs_the_candidate(found: dict[str, Results]) -> None:
    for results in found.values():
        values = _values(results)
        assert values["recovery"] > 0.6
        assert values["permuted_accuracy"] < values["fused_accuracy"]
        assert values["params_to_reference"] <= 0.4
        assert values["explained"] > 100
        shares = [value for name, value in values.items() if name.startswith("share_")]
        assert sum(shares) == pytest.approx(1)


def test_maps_point_at_the_part_that_the_candidate_is_blind_to(
    found: dict[str, Results], tiny: Any, shelf: Path
) -> None:
    """The flip test: the same images, two candidates, and the truth is known."""
    both = np.flatnonzero((tiny.test.corners[:, :, 0] >= 0).all(axis=1))
    shares = {}
    for name in found:
        maps = _maps(tiny.context(shelf, name), shelf, both)
        shares[name] = [float(tiny.test.on(part, both, maps).mean()) for part in (0, 1)]
    assert len(both) > 250
    for missed, name in enumerate(("blind-a", "blind-b")):
        assert shares[name][missed] > 0.5, shares
        assert shares[name][missed] > 1.5 * shares[name][1 - missed], shares


def test_the_report_tells_its_controls_its_costs_and_its_limits(found: dict[str, Results]) -> None:
    results = found["blind-a"]
    titles = [exhibit.title for exhibit in results.exhibits]
    assert "What DELTA brings back, and its controls" in titles
    assert "How DELTA was made" in titles
    table = results.exhibits[1]
    assert isinstance(table, Table)
    rows = {str(row[0]): row[1] for row in table.rows}
    assert rows["variant"] == "residual"
    assert rows["(F - F_B) / (R - F_B)"] == pytest.approx(0.1 * (1 - 1.2) / (1 + 0.2 * 0.4))
    assert "by their order alone" in table.caption
    assert all(len(cell) <= 30 for row in table.rows for cell in row if isinstance(cell, str)), "longer ones are cut"


def test_the_report_leads_with_one_sentence(found: dict[str, Results], tiny: Any, tmp_path: Path) -> None:
    for results in found.values():
        lead, values, failed = results.findings[0].message, _values(results), _rules(results.findings)
        assert results.findings[0].rule == "disparity.summary"
        assert f"the reference alone gets {values['explained']:,.0f} right" in lead
        assert f"brings back {values['recovery']:.0%} of the accuracy that was lost" in lead
        assert ("what it adds is most often" in lead) != bool(failed & {"disparity.replaces", "disparity.powerless"})
    void = _measure(_taught_by_two(tiny, tmp_path)).findings[0]
    assert void.message.endswith("but a control failed, so its maps do not tell what the candidate lost")


def test_every_picture_is_of_an_image_that_only_the_reference_has_right_and_bears_its_id(
    found: dict[str, Results], tiny: Any, shelf: Path
) -> None:
    """So that a gallery of the same run, which names images by the same ids, shows the map beside the image."""
    for name, results in found.items():
        vetted = tiny.context(shelf, name).vetted
        wrong = vetted.candidate.probabilities.argmax(axis=1) != vetted.labels
        lost = {image for image, missed in zip(vetted.ids, wrong, strict=True) if missed}
        pictures = [exhibit for exhibit in results.exhibits if isinstance(exhibit, Picture)]
        assert pictures
        assert {picture.image for picture in pictures} <= lost
        assert len({picture.image for picture in pictures}) == len(pictures)


def test_a_second_run_asks_no_model_again_and_finds_the_same(found: dict[str, Results], tiny: Any, shelf: Path) -> None:
    tiny.calls.clear()
    again = _measure(tiny.context(shelf))
    assert sum(count for count in tiny.calls if count > 4) == 0
    assert again.measurements == found["blind-a"].measurements
    assert "disparity.reused" in _rules(again.findings)


def test_features_of_the_reference_are_computed_once_for_all_candidates(tiny: Any, tmp_path: Path) -> None:
    context = tiny.context(tmp_path)
    place, device = Shelf(tmp_path), torch.device("cpu")
    base = open_base(context)
    tiny.calls.clear()
    for name in ("blind-a", "blind-b"):
        other = tiny.context(tmp_path, name)
        for images in (other.vetted, other.training):
            given_by(base, other, images, place, device)
    assert sum(tiny.calls) == len(context.vetted) + len(context.training)


def test_too_few_lost_images_are_said_and_are_no_error(tiny: Any, tmp_path: Path) -> None:
    context = tiny.context(tmp_path)
    seen = context.vetted.candidate
    sure = np.full_like(seen.probabilities, 0.01)
    sure[np.arange(len(sure)), context.vetted.labels] = 0.97
    vetted = replace(context.vetted, candidate=replace(seen, probabilities=sure))
    results = _measure(replace(context, vetted=vetted))
    assert [each.metric for each in results.measurements] == ["disparity.explained"]
    finding = next(each for each in results.findings if each.rule == "disparity.little")
    assert "not enough disparity to explain" in finding.message
    assert finding.severity == 0
    assert not list(tmp_path.glob("subgraph*"))


def _taught_by_two(tiny: Any, folder: Path) -> TrainerContext:
    context: TrainerContext = tiny.context(folder, tuning=Tuning(budget=0.4, device="cpu", subgraph_epochs=8, epochs=1))
    training, few = context.training, np.arange(2)
    assert training is not None
    assert training.labels is not None
    seen = {name: getattr(training.candidate, name)[few] for name in ("probabilities", "logits", "pooled", "maps")}
    small = replace(
        training,
        ids=training.ids[:2],
        digests=training.digests[:2],
        pixels=training.pixels[few],
        labels=training.labels[few],
        candidate=replace(training.candidate, **seen),
    )
    return replace(context, training=small)


def test_two_training_images_teach_nothing_and_name_no_concept(tiny: Any, tmp_path: Path) -> None:
    results = _measure(_taught_by_two(tiny, tmp_path))
    assert _values(results)["recovery"] < 0
    assert "disparity.powerless" in _rules(results.findings)
    assert "disparity.unnamed" not in _rules(results.findings)
    assert "overlap" in _values(results), "who only looks still sees it"


def test_no_rule_can_pass_on_maps_of_a_delta_that_failed_its_controls(tiny: Any, tmp_path: Path) -> None:
    wanted = Question(metric="disparity.overlap", of=Of.PAIR, at_least=0.0)
    results = Disparity().measure(_taught_by_two(tiny, tmp_path), Ask(questions=(wanted,), replicates=500))
    assert "overlap" not in _values(results)
    assert "recovery" in _values(results)
    (void,) = (each for each in results.findings if each.rule == "disparity.void")
    assert void.message.startswith("disparity.overlap was not measured, for a control failed: disparity.powerless")


def test_training_images_among_the_explained_are_refused(tiny: Any, shelf: Path) -> None:
    context = tiny.context(shelf)
    training = replace(context.training, digests=("test0", *context.training.digests[1:]))
    with pytest.raises(DataError, match="1 of the 1,500 training images"):
        _measure(replace(context, training=training))


def test_classes_that_differ_in_number_are_refused(tiny: Any, shelf: Path) -> None:
    with pytest.raises(Inconclusive, match="4 classes as a module"):
        _measure(tiny.context(shelf, classes=("a", "b", "c")))


def test_without_labels_the_references_answers_stand_in(found: dict[str, Results], tiny: Any, shelf: Path) -> None:
    context = tiny.context(shelf)
    quick = Tuning(budget=0.4, device="cpu", subgraph_epochs=8, epochs=1)
    results = _measure(replace(context, vetted=replace(context.vetted, labels=None), tuning=quick))
    assert "disparity.unlabelled" in _rules(results.findings)
    table = next(each for each in results.exhibits if each.title.startswith("What DELTA brings back"))
    assert next(row for row in table.rows if row[0] == "reference")[2] == 1.0  # type: ignore[union-attr]


def test_random_labels_on_explained_images_do_not_raise_recovery(
    found: dict[str, Results], tiny: Any, shelf: Path
) -> None:
    context = tiny.context(shelf)
    random = np.random.default_rng(0).integers(4, size=len(context.vetted))
    results = _measure(replace(context, vetted=replace(context.vetted, labels=random)))
    assert _values(results)["fused_accuracy"] == pytest.approx(0.25, abs=0.05)
    recovery = next((each for each in results.measurements if each.metric == "disparity.recovery"), None)
    assert recovery is None or recovery.uncertainty.kind == "none"


def test_a_candidate_that_shows_its_probabilities_alone_takes_part(tiny: Any, shelf: Path) -> None:
    context = tiny.context(
        shelf, tuning=Tuning(budget=0.4, device="cpu", subgraph_epochs=8, epochs=1), candidate_key="bare"
    )
    bare = {
        name: replace(images, candidate=replace(images.candidate, pooled=None, maps=None))
        for name, images in (("vetted", context.vetted), ("training", context.training))
    }
    results = _measure(replace(context, feature_note="TFLite files of this kind keep none", **bare))
    assert "recovery" in _values(results)
    assert "overlap" not in _values(results)
    finding = next(each for each in results.findings if each.rule == "disparity.map")
    assert "no feature map" in finding.message
    assert "probabilities" in str(results.exhibits[1])


def test_without_training_images_a_half_is_explained_and_the_rest_is_crossed(tiny: Any, tmp_path: Path) -> None:
    quick = Tuning(budget=0.4, device="cpu", subgraph_epochs=8, epochs=2, folds=2)
    results = _measure(tiny.context(tmp_path, training=None, tuning=quick))
    assert _figure(results, "fused_accuracy").n == 450
    assert "fitted anew for each of 2 folds" in next(
        each.message for each in results.findings if each.rule == "disparity.images"
    )
    assert len(list(tmp_path.glob("delta-*.pt"))) == 2


def test_little_time_is_kept_to_and_said(found: dict[str, Results], tiny: Any, shelf: Path) -> None:
    results = _measure(tiny.context(shelf, tuning=Tuning(budget=0.4, device="cpu", subgraph_epochs=8, seconds=1e-3)))
    finding = next(each for each in results.findings if each.rule == "disparity.hurried")
    assert "epochs of its heads alone" in finding.message


def test_a_run_in_a_hurry_does_not_go_on_with_the_training_of_one_that_had_time(tiny: Any, shelf: Path) -> None:
    slow = Tuning(budget=0.4, device="cpu", subgraph_epochs=8, epochs=1)
    _measure(tiny.context(shelf, tuning=slow, candidate_key="hurried"))
    results = _measure(tiny.context(shelf, tuning=slow.model_copy(update={"seconds": 1e-3}), candidate_key="hurried"))
    assert "disparity.hurried" in _rules(results.findings)
    assert "disparity.resumed" not in _rules(results.findings)


def test_a_budget_that_cannot_be_met_is_said_with_what_was_reached(tiny: Any, tmp_path: Path) -> None:
    quick = Tuning(budget=0.02, device="cpu", subgraph_epochs=8, epochs=1, folds=1)
    results = _measure(tiny.context(tmp_path, training=None, tuning=quick))
    finding = next(each for each in results.findings if each.rule == "disparity.budget")
    reached = _values(results)["params_to_reference"]
    assert reached > 0.02
    assert f"{reached:.1%} of the reference's, where 2.0% were asked for" in finding.message


SCRIPT = """
import sys, os, signal
from pathlib import Path
sys.path.insert(0, {folder!r})
import conftest, test_disparity_check
test_disparity_check.killed_half_way(Path({shelf!r}))
"""


def _quick(tiny: Any, shelf: Path, **changes: Any) -> TrainerContext:
    tuning = Tuning(budget=0.4, device="cpu", subgraph_epochs=8, epochs=4, folds=1)
    context: TrainerContext = tiny.context(shelf, training=None, tuning=tuning, **changes)
    return context


def killed_half_way(shelf: Path) -> None:
    """Measure as the test does, and die by SIGKILL in the third epoch of DELTA's training."""
    tiny = importlib.import_module("conftest").tiny.__wrapped__()

    def tell(what: str, done: int, total: int) -> None:
        if what == "training DELTA" and total and done / total > 0.6:
            os.kill(os.getpid(), signal.SIGKILL)

    torch.set_num_threads(1)
    _measure(_quick(tiny, shelf, tell=tell))


def test_a_killed_run_goes_on_to_the_same_result(tiny: Any, tmp_path: Path) -> None:
    died = subprocess.run(
        [sys.executable, "-c", SCRIPT.format(folder=str(Path(__file__).parent), shelf=str(tmp_path / "killed"))],
        capture_output=True,
        text=True,
    )
    assert died.returncode == -signal.SIGKILL, died.stderr
    resumed = _measure(_quick(tiny, tmp_path / "killed"))
    whole = _measure(_quick(tiny, tmp_path / "whole"))
    assert "disparity.resumed" in _rules(resumed.findings)
    assert resumed.measurements == whole.measurements
    assert resumed.exhibits == whole.exhibits
