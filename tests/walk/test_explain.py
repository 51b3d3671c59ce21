"""`vetgate explain` and rules on what trains, from the command line to the report, on a check that needs no torch."""

from __future__ import annotations

import base64
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from vetgate.gate.repeat import IMAGES
from vetgate.inference import child
from vetgate.inference.enclosure import enclose
from vetgate.inference.message import Start
from vetgate.inference.walls import Enclosure

CARD = """\
version: 1
input: {size: [4, 4], resize: none, colour: grey, scale: 1/255, mean: [0.5], std: [0.25], layout: NCHW}
output: {kind: logits}
"""
WIDE = CARD.replace("resize: none", "resize: {to: [4, 4], interpolation: nearest}")
OFF = ("--disable", "delta", "--disable", "latency")
SCALE = np.asarray([1.0, -1.0, 0.5])


@pytest.fixture
def deep(world: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A reference and a candidate with maps, 60 images to vet on and 40 to train on.

    They keep a log of their calls beside them, which walls would forbid: their processes are granted that folder.
    """

    def granted(order: Start, own: Path, *, accelerators: bool = False) -> Enclosure:
        return enclose(order, own, accelerators=accelerators).model_copy(update={"writes": (str(world.folder),)})

    monkeypatch.setattr(child, "enclose", granted)
    _model(world, "ref.deep")
    _model(world, "cand.deep", noise=0.3)
    world.data()
    _data(world, "train.npz", 40, seed=11)
    return world


def _model(world: Any, name: str, *, noise: float = 0.0, card: str = CARD, classes: int = 3) -> Path:
    from acme_vetgate.deep import write_deep

    weight = np.random.default_rng(8).normal(size=(3, classes))
    weight = weight + noise * np.random.default_rng(9).normal(size=weight.shape)
    path: Path = write_deep(world.folder / name, SCALE, weight, log=str(world.folder / "calls.log"))
    Path(f"{path}.yaml").write_text(card, encoding="utf-8")
    return path


def _data(world: Any, name: str, images: int, *, seed: int, labelled: bool = True, size: int = 4) -> str:
    pixels = np.random.default_rng(seed).integers(0, 256, size=(images, size, size), dtype=np.uint8)
    arrays: dict[str, Any] = {"images": pixels}
    if labelled:
        arrays["labels"] = np.arange(images) % 3
    np.savez(world.folder / name, **arrays)
    return name


def _explain(world: Any, *arguments: str, candidates: tuple[str, ...] = ("cand.deep",), train: bool = True) -> int:
    data = ("--reference", "ref.deep", "--data", "data.npz", *(("--train-data", "train.npz") if train else ()))
    code: int = world.run("explain", *candidates, *data, *OFF, "--format", "json", *arguments)
    return code


def _evidence(world: Any, index: int = 0) -> dict[str, Any]:
    found: dict[str, Any] = next(
        item for item in json.loads(world.out)["reports"][index]["evidence"] if item["check"] == "acme-lesson"
    )
    return found


def _given(world: Any, index: int = 0) -> dict[str, Any]:
    (finding,) = _evidence(world, index)["findings"]
    given: dict[str, Any] = json.loads(finding["message"])
    return given


def _calls(world: Any) -> dict[str, int]:
    log = world.folder / "calls.log"
    calls = {"predict": 0, "capture": 0}
    for line in log.read_text(encoding="ascii").splitlines() if log.exists() else ():
        what, images = line.split()
        calls[what] += int(images)
    log.unlink(missing_ok=True)
    return calls


def test_a_check_that_trains_is_given_both_models_features_and_training_images(deep: Any) -> None:
    assert _explain(deep) == 0, deep.err
    given = _given(deep)
    assert (given["vetted"], given["training"], given["map"]) == (60, 40, "maps")
    assert "the last one before pooling and classifier" in given["note"]
    assert given["pooled is mean"]
    assert given["trained"]
    assert not given["whole"], "whole maps of images that are only trained on are of no use"
    assert given["labels"]
    assert given["logits"]
    assert given["module"]
    assert (given["parameters"], given["macs"], given["budget"]) == (9, 9, 0.1)
    (fused,) = _evidence(deep)["measurements"]
    assert fused["metric"] == "acme.fused"
    assert fused["n"] == 60


def test_features_are_never_computed_twice(deep: Any) -> None:
    assert _explain(deep) == 0, deep.err
    first = _calls(deep)
    assert first["capture"] == 100, "each image once, those to train on among them"
    asked_again = 2 * IMAGES
    assert first["predict"] == 60 + 100 + asked_again, "the reference answers the images that are explained alone"
    assert _explain(deep) == 0
    assert _calls(deep) == {"predict": 0, "capture": 0}
    assert _given(deep)["reused"]


def test_features_are_kept_by_image_so_that_more_images_cost_the_new_ones_alone(deep: Any) -> None:
    assert _explain(deep, "--limit", "25") == 0, deep.err
    assert _calls(deep)["capture"] == 65
    assert _explain(deep) == 0
    assert _calls(deep)["capture"] == 35
    assert _given(deep)["pooled is mean"]


def test_without_a_cache_nothing_is_kept(deep: Any, own_cache: Path) -> None:
    assert _explain(deep, "--no-cache") == 0, deep.err
    assert _explain(deep, "--no-cache") == 0
    assert not _given(deep)["reused"]
    assert _calls(deep)["capture"] == 200
    assert not list(own_cache.rglob("*.np*"))
    assert not Path(_given(deep)["shelf"]).exists()


def test_the_cache_shows_and_clears_what_was_trained(deep: Any) -> None:
    _explain(deep)
    shelf = Path(_given(deep)["shelf"])
    assert list(shelf.glob("acme-*.npy"))
    deep.run("cache", "clear")
    assert not shelf.exists()
    _explain(deep)
    assert not _given(deep)["reused"]


def test_candidates_of_one_reference_share_its_shelf_and_stand_side_by_side(deep: Any) -> None:
    _model(deep, "other.deep", noise=0.6)
    assert _explain(deep, candidates=("cand.deep", "other.deep")) == 0, deep.err
    assert _given(deep, 0)["shelf"] == _given(deep, 1)["shelf"]
    assert deep.run(*_terminal(deep, "cand.deep", "other.deep")) == 0
    assert "Candidates side by side" in deep.out
    assert deep.out.index("acme.fused") < deep.out.index("candidate 1 of 2")


def _terminal(world: Any, *candidates: str) -> tuple[str, ...]:
    return ("explain", *candidates, "--reference", "ref.deep", "--data", "data.npz", "--train-data", "train.npz", *OFF)


def test_an_explanation_judges_nothing(deep: Any) -> None:
    assert deep.run(*_terminal(deep, "cand.deep")) == 0
    assert "What cand.deep lost against ref.deep" in deep.out
    assert "Nothing is judged" in deep.out
    assert "INCONCLUSIVE" not in deep.out
    assert "policy" not in deep.out


def test_a_noise_floor_stands_beside_what_was_found(deep: Any) -> None:
    _model(deep, "copy.deep", noise=0.2)
    assert _explain(deep, "--output", "floor", candidates=("copy.deep",)) == 0, deep.err
    floor = "floor/explanation.json"
    assert deep.run(*_terminal(deep, "cand.deep"), "--noise-floor", floor) == 0, deep.err
    assert "Beside the noise floor" in deep.out
    assert "what the same steps found of copy.deep" in " ".join(deep.out.split())
    assert deep.run(*_terminal(deep, "cand.deep"), "--noise-floor", floor, "--limit", "40") == 0
    assert "measured on other images" in deep.out
    assert "Beside the noise floor" not in deep.out


def test_a_noise_floor_of_something_else_is_refused_before_the_run(deep: Any) -> None:
    _model(deep, "copy.deep", noise=0.2)
    assert _explain(deep, "--output", "two", candidates=("copy.deep", "cand.deep")) == 0, deep.err
    for floor, told in (("two/explanation.json", "holds 2 candidates"), ("nowhere.json", "cannot be read")):
        assert deep.run(*_terminal(deep, "cand.deep"), "--noise-floor", floor) == 2
        assert told in deep.err
    (deep.folder / "list.json").write_text("[]", encoding="utf-8")
    assert deep.run(*_terminal(deep, "cand.deep"), "--noise-floor", "list.json") == 2


def test_files_and_terminal_at_once(deep: Any) -> None:
    assert _explain(deep, "--format", "json,markdown", "--output", "out") == 0, deep.err
    assert "What cand.deep lost" in deep.out
    assert json.loads((deep.folder / "out" / "explanation.json").read_text())["reports"]
    assert "What `cand.deep` lost" in (deep.folder / "out" / "explanation.md").read_text()
    assert _explain(deep, "--format", "json,markdown") == 2
    assert "--output" in deep.err


def test_a_format_without_inner_tensors_is_explained_from_its_answers(deep: Any) -> None:
    deep.toy("plain.toy", noise=0.1)
    assert _explain(deep, candidates=("plain.toy",)) == 0, deep.err
    given = _given(deep)
    assert given["map"] is None
    assert "shows no inner tensors" in given["note"]
    assert not given["module"]


def test_a_feature_map_may_be_named_and_an_unknown_name_lists_what_there_is(deep: Any) -> None:
    assert _explain(deep, "--feature-map", "maps") == 0, deep.err
    assert "named by the user" in _given(deep)["note"]
    assert _explain(deep, "--feature-map", "conv7") == 2
    assert "no inner tensor 'conv7'" in deep.err
    assert "maps (3 x 4 x 4)" in deep.err
    assert _explain(deep, "--feature-map", "logits") == 2
    assert "cannot show where" in deep.err


def test_a_candidate_of_another_geometry_is_fed_as_its_own_card_says(deep: Any) -> None:
    _model(deep, "wide.deep", noise=0.3, card=WIDE)
    assert _explain(deep, candidates=("wide.deep",)) == 0, deep.err
    assert _given(deep)["pooled is mean"]


def test_training_images_that_are_vetted_on_are_refused_with_their_count(deep: Any) -> None:
    with np.load(deep.folder / "data.npz") as data:
        mixed = np.concatenate([data["images"][:7], np.zeros((5, 4, 4), dtype=np.uint8)])
    np.savez(deep.folder / "mixed.npz", images=mixed, labels=np.zeros(12, dtype=np.int64))
    assert _explain(deep, "--train-data", "mixed.npz", train=False) == 2
    assert "shares 7 of its 12 images" in deep.err
    assert _explain(deep, "--train-data", "data.npz", train=False) == 2
    assert "is the data that candidates are vetted on" in deep.err
    assert _calls(deep) == {"predict": 0, "capture": 0}


def test_data_without_labels_and_without_training_images_is_told_as_such(deep: Any) -> None:
    deep.data(labels=None)
    _data(deep, "bare.npz", 40, seed=12, labelled=False)
    assert _explain(deep, "--train-data", "bare.npz", train=False) == 0, deep.err
    assert not _given(deep)["labels"]
    assert _explain(deep, train=False) == 0
    assert _given(deep)["training"] is None


def test_too_few_images_cannot_be_measured(deep: Any) -> None:
    assert _explain(deep, "--limit", "10") == 3
    assert "10 images are too few to learn from" in _evidence(deep)["reason"]
    assert deep.run(*_terminal(deep, "cand.deep"), "--limit", "10") == 3
    assert "NOT EXPLAINED: cand.deep" in deep.out


def test_class_counts_that_differ_are_a_clear_sentence(deep: Any) -> None:
    _model(deep, "four.deep", classes=4)
    assert _explain(deep, candidates=("four.deep",)) == 3
    assert "4 classes" in deep.out


def test_labels_to_train_on_that_no_output_stands_for_are_refused(deep: Any) -> None:
    pixels = np.random.default_rng(3).integers(0, 256, size=(30, 4, 4), dtype=np.uint8)
    np.savez(deep.folder / "odd.npz", images=pixels, labels=np.full(30, 7))
    assert _explain(deep, "--train-data", "odd.npz", train=False) == 2
    assert "label 7" in deep.err


@pytest.mark.parametrize(
    ("how", "told"),
    [
        ("raise", "ValueError: acme lost a screw"),
        ("kill", "SIGKILL"),
        ("exit", "SystemExit"),
        ("memory", "memory limit"),
    ],
)
def test_a_check_that_fails_while_it_trains_is_told_and_the_next_candidate_is_explained(
    deep: Any, how: str, told: str
) -> None:
    _model(deep, f"{how}-cand.deep", noise=0.3)
    candidates = (f"{how}-cand.deep", "cand.deep")
    assert _explain(deep, "--memory-limit", "2GB", candidates=candidates) == 3
    assert told in _evidence(deep, 0)["reason"]
    assert _evidence(deep, 1)["outcome"] == "measured"


@pytest.mark.parametrize("how", ["hang", "chatter"])
def test_patience_ends_where_there_is_no_progress(deep: Any, how: str) -> None:
    _model(deep, f"{how}-cand.deep")
    assert _explain(deep, "--timeout", "8", candidates=(f"{how}-cand.deep",)) == 3
    assert "made no progress for 8 s" in _evidence(deep)["reason"]


@pytest.mark.parametrize("ending", [signal.SIGKILL, signal.SIGINT])
def test_what_trains_ends_with_its_parent(deep: Any, ending: signal.Signals) -> None:
    _model(deep, "hang-cand.deep")
    arguments = _terminal(deep, "hang-cand.deep")
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's `&` has it ignored, and a child inherits that
    parent = subprocess.Popen([sys.executable, "-m", "vetgate", *arguments], cwd=deep.folder, stderr=subprocess.PIPE)
    cache = Path(os.environ["XDG_CACHE_HOME"])
    _await(lambda: any(note.read_text(encoding="ascii") for note in cache.rglob("hanging")))
    (note,) = cache.rglob("hanging")
    process = int(note.read_text(encoding="ascii"))
    parent.send_signal(ending)
    parent.communicate(timeout=180)
    _await(lambda: not _lives(process))
    assert parent.returncode in (-signal.SIGKILL, 130)


def _await(happened: Any) -> None:
    end = time.monotonic() + 60
    while not happened():
        assert time.monotonic() < end
        time.sleep(0.1)


def _lives(process: int) -> bool:
    try:
        return "State:\tZ" not in Path(f"/proc/{process}/status").read_text(encoding="ascii")
    except OSError:
        return False


def test_rules_on_what_trains_are_judged_in_a_check(deep: Any) -> None:
    rule = deep.policy("metric: acme.fused, at_least: 0%, confidence: 95%")
    given = ("cand.deep", "--reference", "ref.deep", "--data", "data.npz", *OFF, "--policy", rule)
    assert deep.check(*given, "--train-data", "train.npz") == 0, deep.err + deep.reasons()
    assert deep.check(*given, "--train-data", "data.npz") == 2
    lost = deep.policy("metric: acme.fused, at_least: 100%", name="lost.yaml")
    assert deep.check(*given[:-1], lost) == 1


def test_nothing_is_trained_where_no_rule_asks(deep: Any) -> None:
    rule = deep.policy("metric: similarity.agreement, at_least: 0%")
    given = ("cand.deep", "--reference", "ref.deep", "--data", "data.npz", *OFF, "--policy", rule)
    assert deep.check(*given, "--train-data", "no such file") == 0
    assert _calls(deep)["capture"] == 0


def test_the_plan_lists_what_training_lacks(deep: Any) -> None:
    rule = deep.policy("metric: acme.fused, at_least: 0%, confidence: 95%")
    given = ("check", "cand.deep", "--reference", "ref.deep", *OFF, "--policy", rule, "--plan")
    assert deep.run(*given) == 0
    assert "no data set was given, and acme-lesson need images" in deep.out
    assert deep.run(*given, "--data", "data.npz") == 0
    assert "acme-lesson (on trainer)" in deep.out
    assert "no training data was given" in deep.out
    assert deep.run(*given, "--data", "data.npz", "--train-data", "train.npz") == 0
    assert "no training data" not in deep.out
    assert deep.run(*given, "--data", "data.npz", "--sequential") == 0
    assert "cannot stop early because of rule acme.fused" in deep.out


def test_a_run_that_stops_early_trains_on_the_images_used(deep: Any) -> None:
    deep.data(images=400)
    policy = deep.policy(
        "metric: similarity.agreement, at_least: 99.9%, confidence: 95%", "metric: acme.fused, at_least: 0%"
    )
    given = ("cand.deep", "--reference", "ref.deep", "--data", "data.npz", *OFF, "--policy", policy, "--sequential")
    assert deep.check(*given, "--train-data", "train.npz") == 1, deep.reasons()
    report = deep.report()
    assert report["stopping"]["early"]
    (finding,) = next(item for item in report["evidence"] if item["check"] == "acme-lesson")["findings"]
    assert json.loads(finding["message"])["vetted"] == report["stopping"]["images"] < 400


def test_what_was_trained_comes_from_the_configuration_too(deep: Any) -> None:
    (deep.folder / "vetgate.yaml").write_text(
        "reference: ref.deep\ndata: data.npz\ntrain_data: train.npz\nbudget: 20%\ndisable: [delta, latency]\n",
        encoding="utf-8",
    )
    assert deep.run("explain", "cand.deep", "--format", "json") == 0, deep.err
    assert (_given(deep)["training"], _given(deep)["budget"]) == (40, 0.2)
    assert deep.run("explain", "cand.deep", "--format", "json", "--budget", "150%") == 2
    assert "--budget must be less than 1" in deep.err


def _annotate(world: Any, *annotations: dict[str, Any], size: int = 4, name: str = "0") -> str:
    images = [{"id": 1, "file_name": f"some/folder/{name}", "height": size, "width": size, "licence": 3}]
    categories = [
        {"id": 1, "name": "wheel", "supercategory": "PART"},
        {"id": 2, "name": "car", "supercategory": "OBJECT"},
    ]
    content = {"info": {}, "images": images, "annotations": list(annotations), "categories": categories}
    (world.folder / "parts.json").write_text(json.dumps(content), encoding="utf-8")
    return "parts.json"


def _first_id(world: Any) -> str:
    from vetgate.gate.data import open_images
    from vetgate.host import find_plugins

    return open_images("data.npz", find_plugins(), None, 0).ids[0]


def test_annotated_parts_come_as_masks_on_the_fitted_image(deep: Any) -> None:
    pytest.importorskip("pycocotools")
    first = _first_id(deep)
    square = {"image_id": 1, "category_id": 1, "segmentation": [[0, 0, 2, 0, 2, 1, 0, 1]]}
    runs = {"image_id": 1, "category_id": 2, "segmentation": {"size": [4, 4], "counts": [4, 4, 8]}, "iscrowd": 1}
    assert _explain(deep, "--concepts", _annotate(deep, square, runs, name=first)) == 0, deep.err
    (masks,) = _given(deep)["masks"].values()
    found = {name: (whole, lengths) for name, whole, lengths in masks}
    assert found["wheel"] == (False, [0, 2, 14])
    assert found["car"] == (True, [1, 1, 3, 1, 3, 1, 3, 1, 2]), "run lengths of COCO go down columns"
    sliced = [figure for figure in _evidence(deep)["measurements"] if figure["slice"]]
    assert {figure["slice"]["value"] for figure in sliced} == {"wheel", "car"}


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"name": "nobody.png"}, "annotates no image of the run"),
        ({"size": 9}, "says that image"),
        ({"category_id": 5}, "category 5, which it does not list"),
    ],
)
def test_annotations_that_do_not_fit_are_refused(deep: Any, change: dict[str, Any], told: str) -> None:
    square = {"image_id": 1, "category_id": change.pop("category_id", 1), "segmentation": [[0, 0, 2, 0, 2, 1]]}
    path = _annotate(deep, square, **{"name": _first_id(deep), **change})
    assert _explain(deep, "--concepts", path) == 2
    assert told in deep.err


def test_a_malformed_outline_is_named(deep: Any) -> None:
    pytest.importorskip("pycocotools")
    bad = {"image_id": 1, "category_id": 1, "segmentation": {"size": [4, 4], "counts": "no runs"}}
    assert _explain(deep, "--concepts", _annotate(deep, bad, name=_first_id(deep))) == 2
    assert "'wheel'" in deep.err


def test_a_file_of_something_else_is_no_annotation(deep: Any) -> None:
    (deep.folder / "list.json").write_text("[1, 2]", encoding="utf-8")
    assert _explain(deep, "--concepts", "list.json") == 2
    assert "holds no COCO-style annotations" in deep.err
    assert _explain(deep, "--concepts", "nowhere.json") == 2


def test_the_parent_asks_the_labeller_for_what_the_child_wants_named(deep: Any) -> None:
    assert _explain(deep) == 0
    assert _given(deep)["named"] == "nobody was asked"
    assert _explain(deep, "--labeller", "acme-names", "--labeller-set", "word=wing") == 0, deep.err
    assert _given(deep)["named"] == ["wing 7", "wing 7", "acme, which always says the same"]


@pytest.mark.parametrize(
    ("word", "told"),
    [("refuse", "acme has no words left"), ("raise", "acme lost its voice"), ("few", "it gave 1 names for 2 images")],
)
def test_a_labeller_that_fails_costs_no_figure(deep: Any, word: str, told: str) -> None:
    assert _explain(deep, "--labeller", "acme-names", "--labeller-set", f"word={word}") == 0, deep.err
    assert told in _given(deep)["named"]


def test_a_labeller_that_is_not_there_or_is_set_wrongly_is_a_usage_error(deep: Any) -> None:
    assert _explain(deep, "--labeller", "nobody") == 2
    assert "acme-names" in deep.err
    assert _explain(deep, "--labeller", "acme-names", "--labeller-set", "voice=1") == 2
    assert _explain(deep, "--labeller-set", "word=1") == 2


def test_without_data_or_what_explains_the_next_step_is_told(deep: Any) -> None:
    assert deep.run("explain", "cand.deep", "--reference", "ref.deep", *OFF) == 2
    assert "--data" in deep.err
    off = (*OFF, "--disable", "acme-learner")
    assert deep.run("explain", "cand.deep", "--reference", "ref.deep", "--data", "data.npz", *off) == 3
    assert "no plugin explains disparity" in deep.err


def test_secrets_of_the_environment_stay_with_the_parent(deep: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from vetgate.inference.process import environment

    monkeypatch.setenv("OPENAI_API_KEY", base64.b64encode(os.urandom(8)).decode())
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0")
    assert "OPENAI_API_KEY" not in environment(1, also=("CUDA_VISIBLE_DEVICES",))
    assert environment(1, also=("CUDA_VISIBLE_DEVICES",))["CUDA_VISIBLE_DEVICES"] == "0"


def test_a_rule_may_name_a_concept(deep: Any) -> None:
    pytest.importorskip("pycocotools")
    square = {"image_id": 1, "category_id": 1, "segmentation": [[0, 0, 2, 0, 2, 1, 0, 1]]}
    parts = _annotate(deep, square, name=_first_id(deep))
    rule = deep.policy("metric: acme.concepts, slice: concept=wheel, at_least: 0%, confidence: 95%")
    given = ("cand.deep", "--reference", "ref.deep", "--data", "data.npz", "--train-data", "train.npz", *OFF)
    assert deep.run("check", *given, "--policy", rule, "--concepts", parts, "--plan") == 0
    assert "CANNOT BE SETTLED" not in deep.out
    assert deep.check(*given, "--policy", rule, "--concepts", parts) == 0, deep.reasons()
    assert deep.check(*given, "--policy", rule) == 3, "a figure that was not measured is no pass"


def test_the_folder_for_results_is_made_where_there_is_none(deep: Any) -> None:
    assert _explain(deep, "--output", "new/er") == 0
    assert (deep.folder / "new" / "er" / "explanation.json").is_file()


def test_a_file_in_the_place_of_the_folder_for_results_is_refused_before_the_run(deep: Any) -> None:
    (deep.folder / "taken").write_text("mine")
    assert _explain(deep, "--output", "taken") == 2
    assert (deep.folder / "taken").read_text() == "mine"
    assert not (deep.folder / "calls.log").exists()
