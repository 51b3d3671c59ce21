"""`vetgate policy init`: a start, or what a study proposes."""

from __future__ import annotations

import hashlib
from pathlib import Path
from types import ModuleType

import pytest

from vetgate.cli.app import run


@pytest.fixture
def folder(tmp_path: Path, studies: ModuleType) -> Path:
    """Return the folder of a study."""
    (tmp_path / "study.json").write_text(studies.canned().model_dump_json(), encoding="utf-8")
    return tmp_path


@pytest.mark.parametrize("given", ["", "study.json"])
def test_a_policy_proposed_from_a_study_lints(folder: Path, given: str, capsys: pytest.CaptureFixture[str]) -> None:
    policy = folder / "fashion.yaml"
    assert run(["policy", "init", str(policy), "--from-study", str(folder / given)]) == 0
    text = policy.read_text(encoding="utf-8")
    assert hashlib.sha256((folder / "study.json").read_bytes()).hexdigest() in text
    assert "\nname: fashion\n" in text
    assert run(["policy", "lint", str(policy)]) == 0
    assert "no mistakes" in capsys.readouterr().out


def test_what_is_no_study_is_told_in_one_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "report.json").write_text('{"reports": []}', encoding="utf-8")
    policy = tmp_path / "policy.yaml"
    for given, why in (("report.json", "is no study"), ("none.json", "cannot be read"), ("", "cannot be read")):
        assert run(["policy", "init", str(policy), "--from-study", str(tmp_path / given)]) == 2
        assert why in capsys.readouterr().err
    assert not policy.exists()


def test_a_study_that_parts_nothing_writes_no_policy(
    tmp_path: Path, studies: ModuleType, capsys: pytest.CaptureFixture[str]
) -> None:
    study = studies.study_of((), ())
    (tmp_path / "study.json").write_text(study.model_dump_json(), encoding="utf-8")
    policy = tmp_path / "policy.yaml"
    assert run(["policy", "init", str(policy), "--from-study", str(tmp_path)]) == 3
    assert "no variant that was measured" in capsys.readouterr().err
    assert not policy.exists()


def test_a_policy_that_exists_is_left_as_it_is(folder: Path) -> None:
    policy = folder / "mine.yaml"
    policy.write_text("mine", encoding="utf-8")
    assert run(["policy", "init", str(policy), "--from-study", str(folder)]) == 2
    assert policy.read_text(encoding="utf-8") == "mine"
