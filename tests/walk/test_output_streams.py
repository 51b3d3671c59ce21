"""Whatever stdout and stderr are, the exit code is that of the decision, and a report that is lost is no pass."""

from __future__ import annotations

import fcntl
import json
import os
import pty
import re
import struct
import subprocess
import sys
import termios
from pathlib import Path
from typing import Any

import pytest
from rich.cells import cell_len

from vetgate.domain.report import ReportSet

GOLDEN = Path(__file__).parent.parent / "golden" / "report.json"
FULL = Path("/dev/full")
STYLE = re.compile(r"\x1b\[[0-9;?]*[a-zA-Z]")
COPIED = re.compile(r"^\s*([0-9a-f]{64}|vetgate )")
"""Digests and the command are left whole to be copied."""

needs_full = pytest.mark.skipif(not FULL.exists(), reason="this system has no /dev/full")


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with a report and policies by which it passes and fails."""
    folder = tmp_path_factory.mktemp("streams")
    golden = ReportSet.model_validate_json(GOLDEN.read_bytes())
    report = golden.reports[0]
    kept = tuple(item for item in report.evidence if item.outcome.value == "measured")
    calm = report.model_copy(update={"evidence": kept, "stopping": None})
    (folder / "report.json").write_text(ReportSet(reports=(calm,)).model_dump_json(), encoding="utf-8")
    for name, least in (("passes", "-50pp"), ("fails", "5pp")):
        rule = f"{{metric: accuracy.top1, of: delta, at_least: {least}}}"
        text = f"version: 1\nname: {name}\nscan: preferred\nmetrics:\n  - {rule}\n"
        (folder / f"{name}.yaml").write_text(text, encoding="utf-8")
    return folder


def _judge(policy: str, *more: str) -> list[str]:
    return [sys.executable, "-m", "vetgate", "judge", "report.json", "--policy", f"{policy}.yaml", *more]


def _shell(folder: Path, command: list[str], streams: str) -> subprocess.CompletedProcess[str]:
    """Run a command in a shell with its streams redirected, such as `>&-`."""
    line = f'"$@" {streams}'
    return subprocess.run(
        ["bash", "-c", line, "bash", *command], cwd=folder, capture_output=True, text=True, check=False
    )


def _on_terminal(folder: Path, command: list[str], columns: int, **variables: str) -> tuple[int, str]:
    """Run a command on a terminal of so many columns; return its exit code and what it showed."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 50, columns, 0, 0))
    given = {name: value for name, value in os.environ.items() if name not in ("COLUMNS", "LINES", "NO_COLOR")}
    environment = {**given, "TERM": "xterm-256color", **variables}
    child = subprocess.Popen(
        command, cwd=folder, stdin=theirs, stdout=theirs, stderr=subprocess.DEVNULL, env=environment
    )
    os.close(theirs)
    shown = b""
    while True:
        try:
            part = os.read(ours, 1 << 16)
        except OSError:  # Linux says so where the last writer of a terminal is gone
            break
        if not part:
            break
        shown += part
    os.close(ours)
    return child.wait(), shown.decode().replace("\r\n", "\n")


def test_a_reader_that_has_seen_enough_does_not_change_the_exit_code(saved: Path) -> None:
    for policy, code in (("passes", 0), ("fails", 1)):
        done = _shell(saved, _judge(policy), "| head -1; exit ${PIPESTATUS[0]}")
        assert (done.returncode, done.stderr) == (code, "")
        assert len(done.stdout.splitlines()) == 1


def test_a_reader_that_never_reads_does_not_either(saved: Path) -> None:
    done = _shell(saved, _judge("passes", "--report", "json=-"), "| true; exit ${PIPESTATUS[0]}")
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("form", ["terminal", "json"])
def test_a_closed_stdout_loses_the_report_and_so_the_pass(saved: Path, form: str) -> None:
    done = _shell(saved, _judge("passes", "--report", f"{form}=-"), ">&-")
    assert done.returncode == 3
    assert done.stderr == f"error: a report was not written: {form} to stdout: it is closed\n"


@needs_full
def test_a_full_disk_under_stdout_does_so_too_but_a_fail_stays_one(saved: Path) -> None:
    done = _shell(saved, _judge("passes"), "> /dev/full")
    assert done.returncode == 3
    assert done.stderr == "error: a report was not written: terminal to stdout: No space left on device\n"
    assert _shell(saved, _judge("fails"), "> /dev/full").returncode == 1


def test_the_reports_in_files_land_all_the_same(saved: Path) -> None:
    done = _shell(saved, _judge("passes", "--report", "json=out.json", "--report", "markdown=out.md"), ">&-")
    assert done.returncode == 3
    assert ReportSet.model_validate_json((saved / "out.json").read_bytes()).decision.value == "pass"
    assert (saved / "out.md").read_text(encoding="utf-8").startswith("## ✔ PASS")


@needs_full
@pytest.mark.parametrize("streams", ["2> /dev/full", "<&- 2>&-"])
def test_a_stderr_that_nobody_can_read_changes_nothing(saved: Path, streams: str) -> None:
    done = _shell(saved, _judge("passes"), streams)
    assert done.returncode == 0
    assert "under policy" in done.stdout.splitlines()[-1]
    assert _shell(saved, [*_judge("passes")[:-1], "nowhere.yaml"], streams).returncode == 2


@needs_full
@pytest.mark.parametrize("streams", ["> /dev/full 2> /dev/full", ">&- 2>&- <&-"])
def test_with_neither_stream_a_pass_is_inconclusive(saved: Path, streams: str) -> None:
    assert _shell(saved, _judge("passes"), streams).returncode == 3


@needs_full
@pytest.mark.parametrize("command", [["--help"], ["plugins"]])
def test_a_command_that_only_shows_says_that_nobody_could_see_it(saved: Path, command: list[str]) -> None:
    done = _shell(saved, [sys.executable, "-m", "vetgate", *command], "> /dev/full")
    assert (done.returncode, done.stderr) == (3, "error: stdout cannot be written: No space left on device\n")


def test_a_closed_stdout_is_not_taken_by_a_file_that_a_library_could_print_into(world: Any) -> None:
    folder = world.folder
    same, reference, data = world.toy("same.toy"), world.toy("ref.toy"), world.data()
    rule = world.policy("metric: accuracy.top1, of: delta, at_least: -1pp")
    command = [sys.executable, "-m", "vetgate", "check", same, "--reference", reference, "--data", data]
    command += ["--policy", rule, "--report", "json=report.json", "--verbose"]
    done = _shell(folder, command, ">&- 2>&- <&-")
    assert done.returncode == 3
    saved = json.loads((folder / "report.json").read_text(encoding="utf-8"))
    assert saved["reports"][0]["verdict"]["decision"] == "pass", world.reasons()
    seen = _shell(folder, command, "| head -1; exit ${PIPESTATUS[0]}")
    assert (seen.returncode, len(seen.stdout.splitlines())) == (0, 1)


@pytest.mark.parametrize("columns", [40, 300])
def test_prose_and_tables_are_as_wide_as_the_terminal_at_most(saved: Path, columns: int) -> None:
    code, shown = _on_terminal(saved, _judge("fails"), columns)
    assert code == 1
    lines = STYLE.sub("", shown).splitlines()
    assert not [line for line in lines if cell_len(line.rstrip()) > columns and not COPIED.match(line)]
    assert max(cell_len(line.rstrip()) for line in lines if not COPIED.match(line)) > min(columns, 140) - 10


def test_colour_is_for_terminals_that_want_it(saved: Path) -> None:
    assert "\x1b[" in _on_terminal(saved, _judge("fails"), 80)[1]
    plain = _on_terminal(saved, _judge("fails"), 80, NO_COLOR="1")[1]
    assert "\x1b" not in plain
    assert plain == _on_terminal(saved, _judge("fails"), 80, TERM="dumb")[1]
    assert "✘ FAIL" in plain


def test_a_terminal_that_lacks_letters_still_gets_every_line(saved: Path) -> None:
    environment = {**os.environ, "PYTHONIOENCODING": "latin-1"}
    done = subprocess.run(_judge("fails"), cwd=saved, capture_output=True, env=environment, check=False)
    assert done.returncode == 1
    assert done.stdout.startswith(b"? FAIL  int8.onnx")
    assert done.stderr == b""
