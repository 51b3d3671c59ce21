"""What `vetgate yardstick` takes and refuses; the models are toys of a stranger's format."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from vetgate.cli.app import run

CARD = """\
version: 1
input: {size: [4, 4], resize: none, colour: grey, scale: 1/255, mean: [0.5], std: [0.25], layout: NCHW}
output: {kind: logits}
"""
Run = Callable[..., int]


@pytest.fixture
def folder(tmp_path: Path, acme: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the working directory, with a reference, three independents and images."""
    from acme_vetgate.backend import write_toy

    rng = np.random.default_rng(5)
    base = rng.normal(size=(16, 3))
    for name in ("base", "u1", "u2", "u3"):
        write_toy(tmp_path / f"{name}.toy", base if name == "base" else base + 0.3 * rng.normal(size=(16, 3)))
        (tmp_path / f"{name}.toy.yaml").write_text(CARD)
    pixels = rng.integers(0, 256, size=(50, 4, 4), dtype=np.uint8)
    np.savez(tmp_path / "data.npz", images=pixels, labels=rng.integers(0, 3, 50))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def build(*arguments: str, output: str = "base.yardstick") -> int:
    return run(["yardstick", "build", "--reference", "base.toy", "--data", "data.npz", "-o", output, *arguments])


THREE = ("--independent", "u1.toy", "u2.toy", "u3.toy")


@pytest.mark.parametrize(
    "independents",
    [
        THREE,
        ("--independent", "u1.toy", "--independent", "u2.toy", "--independent", "u3.toy"),
        ("--independent", "u1.toy", "u2.toy", "--independent", "u3.toy"),
    ],
)
def test_independents_follow_one_flag_or_have_one_each(
    folder: Path, capsys: pytest.CaptureFixture[str], independents: tuple[str, ...]
) -> None:
    assert build(*independents) == 0
    told = capsys.readouterr()
    for name in ("u1.toy", "u2.toy", "u3.toy"):
        assert name in told.out
    assert "50 images of data.npz, 3 classes" in told.out


def test_show_says_what_build_said(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    build(*THREE)
    built = capsys.readouterr()
    assert run(["yardstick", "show", "base.yardstick"]) == 0
    shown = capsys.readouterr()
    assert shown.out == built.out
    assert "accuracy" in shown.out
    assert "median" in shown.out
    assert "bracket" in shown.out


def test_a_file_that_is_there_is_replaced_only_by_force(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Path("base.yardstick").write_text("mine")
    assert build(*THREE) == 2
    assert "exists already and was left as it is" in capsys.readouterr().err
    assert Path("base.yardstick").read_text() == "mine"
    assert build(*THREE, "--force") == 0


@pytest.mark.parametrize("name", ["base.toy", "u2.toy", "data.npz", "u1.toy.yaml"])
def test_what_it_reads_is_never_replaced(folder: Path, capsys: pytest.CaptureFixture[str], name: str) -> None:
    before = Path(name).read_bytes()
    assert build(*THREE, "--force", output=name) == 2
    assert "which this run reads" in capsys.readouterr().err
    assert Path(name).read_bytes() == before


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        ((), "0 are named"),
        (("--independent", "u1.toy"), "1 is named"),
        (("u1.toy", "u2.toy"), "name independent models with --independent"),
        (("--independent", "u1.toy", "nowhere.toy"), "nowhere.toy does not exist"),
        (("--independent", "u1.toy", "u1.toy"), "u1.toy is the same file as u1.toy"),
        (("--independent", "u1.toy", "base.toy"), "base.toy is the same file as the reference base.toy"),
        ((*THREE, "--checkpoints", "u9.toy=u1.toy"), "write MODEL=FILE,FILE where MODEL is one of u1.toy, u2.toy"),
        ((*THREE, "--checkpoints", "u1.toy=a.toy,,b.toy"), "a file has an empty name"),
        ((*THREE, "--checkpoints", "u1.toy=u2.toy"), "u2.toy is the same file as u2.toy"),
        ((*THREE, "--limit", "20"), "20 images, and takes 30 at least"),
    ],
)
def test_what_makes_no_yardstick_is_refused(
    folder: Path, capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], why: str
) -> None:
    assert build(*arguments) == 2
    assert why in capsys.readouterr().err
    assert not Path("base.yardstick").exists()


def test_a_place_that_cannot_be_written_is_refused_before_anything_runs(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "taken").write_text("a file, no folder")
    assert build(*THREE, output="taken/base.yardstick") == 2
    assert "cannot be written" in capsys.readouterr().err
    assert build(*THREE, output=".") == 2
    assert "is a folder" in capsys.readouterr().err


def test_a_model_that_fails_is_named_and_nothing_is_written(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from acme_vetgate.backend import write_toy

    write_toy(folder / "u2.toy", np.ones((16, 3)), misbehave="nan")
    assert build(*THREE, "--no-cache") == 3
    assert "independent u2.toy: answered NaN or infinity" in capsys.readouterr().err
    write_toy(folder / "u2.toy", np.ones((16, 4)))
    assert build(*THREE, "--no-cache") == 3
    assert "independent u2.toy: it answers 4 classes on 50 images, and the reference 3" in capsys.readouterr().err
    assert not Path("base.yardstick").exists()


def test_a_configuration_for_checks_does_not_disturb(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Path("vetgate.yaml").write_text("yardstick: nowhere.yardstick\nbaseline: nowhere.json\nsequential: true\n")
    assert build(*THREE) == 0, capsys.readouterr().err


def test_lint_says_which_rules_need_a_yardstick(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Path("policy.yaml").write_text(
        "version: 1\nname: p\nmetrics:\n  - {metric: similarity.independence, at_most: 0.2, confidence: 95%}\n"
    )
    assert run(["policy", "lint", "policy.yaml"]) == 0
    told = capsys.readouterr().out
    assert "note: similarity.independence needs a yardstick and is inconclusive without" in told
    run(["policy", "list", "--metrics"])
    assert "needs a yardstick" in capsys.readouterr().out
