"""`vetgate landscape` from the command line."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from vetgate.domain.landscape import Landscape, Part


def draw(world: Any, *arguments: str, data: str | None = None) -> int:
    reference = world.toy("reference.toy")
    code: int = world.run("landscape", *arguments, "--reference", reference, "--data", data or world.data())
    return code


def drawn(world: Any, name: str = "landscape.json") -> Landscape:
    return Landscape.model_validate_json((world.folder / name).read_text(encoding="utf-8"))


def test_models_of_every_kind_are_points_of_one_landscape(world: Any) -> None:
    near, far = world.toy("near.toy", noise=0.05), world.toy("far.toy", noise=2.0)
    other = world.toy("other.toy", noise=-1.0)
    steps = [world.toy(f"other-{step}.toy", noise=-3.0 / step) for step in (1, 2)]
    groups = ("--run", f"first={','.join([*steps, other])}", "--family", f"pruned={far}")
    assert draw(world, near, far, "--independent", other, *groups, "--json", "landscape.json") == 0, world.err
    found = drawn(world)
    assert [point.part for point in found.points] == [
        *(Part.REFERENCE, Part.CANDIDATE, Part.CANDIDATE),
        *(Part.INDEPENDENT, Part.CHECKPOINT, Part.CHECKPOINT),
    ]
    assert [(point.run, point.step) for point in found.points[3:]] == [("first", 3), ("first", 1), ("first", 2)]
    assert found.points[2].family == "pruned"
    assert found.points[0].accuracy == 1.0
    assert all(point.sha256 for point in found.points)
    assert 0 < found.divergence[0][1] < found.divergence[0][2]
    assert [embedding.method for embedding in found.embeddings] == ["classical scaling"]
    for told in ("near.toy", "candidate · pruned", "1 of first", "rank correlation", "not comparable"):
        assert told in " ".join(world.out.split())


@pytest.mark.parametrize(("suffix", "head"), [("svg", b"<?xml"), ("png", b"\x89PNG"), ("json", b"{")])
def test_a_chart_is_written_by_its_suffix(world: Any, suffix: str, head: bytes) -> None:
    pytest.importorskip("matplotlib")
    chart = world.folder / f"deep/chart.{suffix}"
    assert draw(world, world.toy("near.toy", noise=0.05), "--chart", str(chart)) == 0
    assert chart.read_bytes().startswith(head)
    assert [path.name for path in chart.parent.iterdir()] == [chart.name]


def test_the_same_command_writes_the_same_bytes(world: Any) -> None:
    pytest.importorskip("matplotlib")
    near = world.toy("near.toy", noise=0.05)
    for name in ("one", "two"):
        assert draw(world, near, "--chart", f"{name}.svg", "--json", f"{name}.json") == 0
    for suffix in ("svg", "json"):
        assert (world.folder / f"one.{suffix}").read_bytes() == (world.folder / f"two.{suffix}").read_bytes()


def test_unlabelled_data_gives_distances_and_no_accuracy(world: Any) -> None:
    data = world.data("bare.npz", labels=None)
    assert draw(world, world.toy("near.toy", noise=0.05), "--json", "landscape.json", data=data) == 0
    assert {point.accuracy for point in drawn(world).points} == {None}
    assert drawn(world).divergence[0][1] > 0


def test_a_dozen_models_are_drawn_by_tsne_and_fewer_by_classical_scaling(world: Any) -> None:
    pytest.importorskip("openTSNE")
    models = [world.toy(f"m{index}.toy", noise=0.1 * index + 0.05) for index in range(11)]
    assert draw(world, *models, "--json", "landscape.json") == 0
    assert [embedding.method for embedding in drawn(world).embeddings] == ["t-SNE"]
    assert draw(world, *models, "--method", "both", "--json", "landscape.json") == 0
    assert [embedding.method for embedding in drawn(world).embeddings] == ["t-SNE", "classical scaling"]
    assert draw(world, *models[1:], "--json", "landscape.json") == 0
    assert [embedding.method for embedding in drawn(world).embeddings] == ["classical scaling"]


def test_independents_of_a_yardstick_are_drawn_without_their_files(world: Any) -> None:
    first, second = world.toy("first.toy", noise=-1.0), world.toy("second.toy", noise=1.5)
    step, near = world.toy("first-1.toy", noise=-2.0), world.toy("near.toy", noise=0.05)
    reference, data = world.toy("reference.toy"), world.data()
    build = ("yardstick", "build", "--independent", first, "--independent", second, "--checkpoints", f"{first}={step}")
    assert world.run(*build, "--reference", reference, "--data", data, "-o", "base.yardstick") == 0, world.err
    for gone in (first, second, step):
        Path(gone).unlink()
    assert draw(world, near, "--yardstick", "base.yardstick", "--json", "landscape.json", data=data) == 0, world.err
    found = drawn(world)
    assert sorted(point.part for point in found.points[2:]) == [Part.CHECKPOINT, Part.INDEPENDENT, Part.INDEPENDENT]
    assert [point.step for point in found.points if point.run == first] == [1, 2]
    assert all(point.accuracy is not None for point in found.points)


def test_a_yardstick_of_another_reference_is_refused(world: Any) -> None:
    first, second = world.toy("first.toy", noise=-1.0), world.toy("second.toy", noise=1.5)
    data = world.data()
    build = ("yardstick", "build", "--independent", first, "--independent", second, "--reference")
    assert world.run(*build, world.toy("old.toy", noise=0.2), "--data", data, "-o", "old.yardstick") == 0, world.err
    assert draw(world, world.toy("near.toy", noise=0.05), "--yardstick", "old.yardstick", data=data) == 2
    assert "another reference" in world.err


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ((), "needs another model beside the reference"),
        (("near.toy", "near.toy"), "near.toy is named twice: as candidate and as candidate"),
        (("reference.toy",), "named twice: as reference and as candidate"),
        (("near.toy", "--independent", "./near.toy"), "named twice: as candidate and as independent"),
        (("near.toy", "--run", "a=near.toy,near.toy"), "named twice in --run"),
        (("near.toy", "--family", "a=near.toy", "--family", "b=near.toy"), "'a' and 'b'"),
        (("near.toy", "--run", "near.toy"), "not of the form --run NAME=MODEL"),
        (("near.toy", "--family", "a="), "not of the form --family NAME=MODEL"),
        (("near.toy", "--method", "mdss"), "did you mean 'mds'"),
        (("near.toy", "--chart", "chart.pdf"), "nobody draws files of that suffix"),
        (("near.toy", "--chart", "chart"), "nobody draws files of that suffix"),
        (("near.toy", "--chart", "a.svg", "--chart", "./a.svg"), "two drawings would go to"),
        (("near.toy", "--json", "near.toy"), "which this run reads"),
        (("near.toy", "--json", "."), "is a folder"),
        (("missing.toy",), "missing.toy"),
        (("near.toy", "--yardstick", "missing.yardstick"), "missing.yardstick"),
    ],
)
def test_a_mistake_in_the_command_is_told_before_any_model_runs(
    world: Any, arguments: tuple[str, ...], told: str
) -> None:
    world.toy("near.toy", noise=0.05)
    assert draw(world, *arguments) == 2
    assert told in world.err
    assert "Traceback" not in world.err


def test_no_data_is_a_usage_error(world: Any) -> None:
    assert world.run("landscape", world.toy("near.toy"), "--reference", world.toy("reference.toy")) == 2
    assert "--data PATH" in world.err


def test_models_with_other_classes_make_no_landscape(world: Any) -> None:
    assert draw(world, world.toy("four.toy", classes=4), "--json", "landscape.json") in (2, 3)
    assert "four.toy" in world.err
    assert "Traceback" not in world.err
    assert not (world.folder / "landscape.json").exists()


def test_a_model_that_cannot_be_read_leaves_no_file_behind(world: Any) -> None:
    Path(world.folder / "empty.toy").touch()
    assert draw(world, "empty.toy", "--json", "landscape.json") == 3
    assert "empty.toy" in world.err
    assert not (world.folder / "landscape.json").exists()


def test_models_that_cannot_be_measured_are_named_and_the_rest_is_placed(world: Any) -> None:
    near, dead = world.toy("near.toy", noise=0.05), world.toy("dead.toy", misbehave="crash")
    bare, other = world.toy("bare.toy", card=None), world.toy("four.toy", classes=4)
    mad = world.toy("mad.toy", misbehave="nan")
    Path(world.folder / "empty.toy").touch()
    assert draw(world, "empty.toy", near, dead, bare, other, mad, "--json", "landscape.json") == 3
    assert [point.name for point in drawn(world).points] == [world.toy("reference.toy"), near]
    assert "near.toy" in world.out
    for name in ("empty.toy", "dead.toy", "bare.toy", "four.toy", "mad.toy"):
        assert f"{name} is not in the landscape: " in world.err
    assert "near.toy is not" not in world.err
    assert "Traceback" not in world.err


def test_where_no_model_can_be_measured_nothing_is_drawn_and_each_is_named(world: Any) -> None:
    for name in ("empty.toy", "void.toy"):
        Path(world.folder / name).touch()
    assert draw(world, "empty.toy", "void.toy", "--json", "landscape.json") == 3
    assert "none of 2 models answered: empty.toy: " in world.err
    assert "void.toy: " in world.err
    assert not (world.folder / "landscape.json").exists()


def test_a_reference_that_cannot_answer_is_told_once_and_ends_it(world: Any) -> None:
    models = [world.toy(f"m{index}.toy", noise=0.1) for index in range(3)]
    broken = world.toy("broken.toy", misbehave="crash")
    assert world.run("landscape", *models, "--reference", broken, "--data", world.data()) == 3
    assert world.err.count("error: reference ") == 1
    assert "is not in the landscape" not in world.err


@pytest.mark.parametrize("mistake", ["reference", "data"])
def test_a_yardstick_of_others_is_refused_before_any_model_runs(world: Any, mistake: str) -> None:
    first, second = world.toy("first.toy", noise=-1.0), world.toy("second.toy", noise=1.5)
    reference, data = world.toy("reference.toy"), world.data()
    built_for = reference if mistake == "data" else world.toy("old.toy", noise=0.2)
    build = ("yardstick", "build", "--independent", first, "--independent", second, "--reference", built_for)
    assert world.run(*build, "--data", data, "-o", "base.yardstick") == 0, world.err
    other = world.data("other.npz", images=40, size=8) if mistake == "data" else data
    Path(world.folder / "empty.toy").touch()
    assert draw(world, "empty.toy", "--yardstick", "base.yardstick", "--verbose", data=other) == 2
    assert ("other data" if mistake == "data" else "another reference") in world.err
    assert "infer" not in world.err
    assert "empty.toy" not in world.err


def test_tsne_of_three_models_is_refused_in_words(world: Any) -> None:
    pytest.importorskip("openTSNE")
    assert draw(world, world.toy("near.toy", noise=0.05), "--method", "tsne") == 3
    assert "t-SNE needs 4 points" in world.err


def test_a_chart_whose_plugin_is_switched_off_is_told(world: Any) -> None:
    assert draw(world, world.toy("near.toy", noise=0.05), "--disable", "landscape") in (2, 3)
    assert "no plugin" in world.err


def test_a_landscape_of_too_few_images_says_that_it_says_nothing(world: Any) -> None:
    near = world.toy("near.toy", noise=0.05)
    assert draw(world, near, "--limit", "1") == 0
    assert "warning: the landscape rests on 1 image, and takes 30 at least to say anything" in world.err
    assert draw(world, near, "--limit", "30") == 0
    assert "rests on" not in world.err


def test_two_models_have_one_distance_and_nothing_is_said_of_what_a_plane_leaves_out(world: Any) -> None:
    assert draw(world, world.toy("near.toy", noise=0.05)) == 0
    told = " ".join(world.out.split())
    assert "no rank correlation with the true distances, for these are all equal or there is but one" in told
    assert "A plane shows a part" not in told


def test_the_help_says_how_a_crowd_is_drawn(world: Any) -> None:
    assert world.run("landscape", "--help") == 0
    assert "alone again beside it, larger and by classical scaling" in " ".join(world.out.split())
