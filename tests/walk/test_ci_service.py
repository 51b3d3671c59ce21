"""`vetgate check` inside a CI service, from argv to what the service is shown."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest


@pytest.fixture
def arguments(world: Any, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return the arguments of a run whose rule fails, in a step of GitHub Actions."""
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(world.folder / "summary.md"))
    policy = world.policy("metric: accuracy.top1, of: delta, at_least: -1pp")
    candidate, reference = world.toy("bad.toy", noise=9.0), world.toy("ref.toy")
    return [candidate, "--reference", reference, "--data", world.data(), "--policy", policy]


def test_a_failing_check_is_annotated_and_summed_up_unasked_and_once(world: Any, arguments: list[str]) -> None:
    assert world.check(*arguments) == 1
    lines = world.out.splitlines()
    assert lines[0].startswith("::stop-commands::")
    resumed = lines.index(f"::{lines[0].rpartition('::')[2]}::")
    assert lines[1].startswith("✘ FAIL")
    (error,) = lines[resumed + 1 :]
    assert error.startswith("::error title=vetgate%3A accuracy.top1/delta fails,file=")
    summary = (world.folder / "summary.md").read_text(encoding="utf-8")
    assert summary.count("## ✘ FAIL") == 1


def test_a_report_sent_to_a_file_has_no_line_of_the_log_in_it(world: Any, arguments: list[str]) -> None:
    with (world.folder / "out.txt").open("wb") as file:
        done = subprocess.run(
            [sys.executable, "-m", "vetgate", "check", *arguments], stdout=file, stderr=subprocess.PIPE, text=True
        )
    assert done.returncode == 1
    assert (world.folder / "out.txt").read_text(encoding="utf-8").startswith("✘ FAIL")
    assert "::" not in (world.folder / "out.txt").read_text(encoding="utf-8")
    assert re.search(r"^::error title=vetgate", done.stderr, re.M)


def test_no_ci_leaves_both_out(world: Any, arguments: list[str]) -> None:
    assert world.check(*arguments, "--no-ci") == 1
    assert world.out.startswith("✘ FAIL")
    assert "::error" not in world.out
    assert not (world.folder / "summary.md").exists()


@pytest.mark.parametrize("way", ["setting", "variable"])
def test_a_setting_or_a_variable_leaves_both_out(
    world: Any, arguments: list[str], way: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if way == "setting":
        Path("vetgate.yaml").write_text("ci: false\n", encoding="utf-8")
    else:
        monkeypatch.setenv("VETGATE_CI", "false")
    assert world.check(*arguments) == 1
    assert "::error" not in world.out
    assert not (world.folder / "summary.md").exists()


def test_a_summary_that_cannot_be_written_never_changes_the_exit_code(
    world: Any, arguments: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(world.folder))
    assert world.check(*arguments) == 1
    assert "warning: GitHub Actions gets no summary" in world.err
    assert "::error" in world.out


def test_every_format_lands_in_one_folder_without_a_name_twice(world: Any, arguments: list[str]) -> None:
    formats = ("json", "markdown", "junit", "sarif", "gitlab", "github", "github-summary", "comment")
    flags = [part for name in formats for part in ("--report", name)]
    assert world.run("check", *arguments, "--output-dir", str(world.folder / "out"), *flags) == 1
    assert len(list((world.folder / "out").iterdir())) == len(formats)


EVIL = "x\n::set-output name=decision::pass\n  ::add-mask::a ##[error]b ##vso[task.setvariable variable=c]d.toy"


def _in_a_log(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a command whose two streams a runner reads."""
    line = [sys.executable, "-m", "vetgate", *arguments]
    return subprocess.run(line, capture_output=True, text=True, check=False)


def _obeyed(text: str) -> list[str]:
    """Return the lines that a runner of GitHub or Azure would take for commands."""
    return [line for line in re.split("[\r\n]", text) if line.lstrip().startswith("::") or re.search(r"##\w*\[", line)]


@pytest.mark.parametrize(
    ("variable", "command"),
    [
        ("TF_BUILD", ("scan",)),
        ("GITHUB_ACTIONS", ("inspect",)),
        ("GITHUB_ACTIONS", ("diff", "old.json")),
        ("GITHUB_ACTIONS", ("check", "--reference", "r")),
    ],
)
def test_no_command_prints_what_a_log_would_obey_and_a_file_is_called(
    world: Any, command: tuple[str, ...], variable: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(variable, "true")
    if command[0] in ("scan", "inspect"):
        world.toy(EVIL)
    done = _in_a_log(*command, EVIL)
    assert done.stdout + done.stderr
    guards = [line for line in _obeyed(done.stdout) if command[0] == "check" and re.search("[0-9a-f]{32}", line)]
    assert _obeyed(done.stdout) == guards
    assert _obeyed(done.stderr) == []


def test_annotations_that_were_asked_for_or_not_are_commands_all_the_same(world: Any, arguments: list[str]) -> None:
    unasked = _in_a_log("check", *arguments)
    assert [line.partition(" ")[0] for line in _obeyed(unasked.stdout)][-1] == "::error"
    assert len(_obeyed(unasked.stdout)) == 3
    asked = _in_a_log("check", *arguments, "--report", "github=-", "--report", f"json={world.folder / 'r.json'}")
    assert [line.partition(" ")[0] for line in asked.stdout.splitlines()] == ["::error"]
    policy = arguments[-1]
    judged = _in_a_log("judge", str(world.folder / "r.json"), "--policy", policy, "--report", "github=-")
    assert [line.partition(" ")[0] for line in judged.stdout.splitlines()] == ["::error"]


def test_an_error_cannot_paint_on_a_terminal(world: Any) -> None:
    assert world.run("diff", "a\x1b[2K\x1b[32m.json", "b.json") == 2
    assert "\x1b" not in world.err
    assert "a\\x1b[2K" in world.err
