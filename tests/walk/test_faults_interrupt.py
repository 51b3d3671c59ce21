"""Ctrl-C at each step of the walk: exit code 130, no child left, no half file, and the next run is right."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

POLICY = (
    "version: 1\nname: point\nmetrics:\n  - {metric: similarity.agreement, at_least: 90%}\n"
    "  - {metric: latency.p50, of: ratio, at_most: 1000}\n"
)
STAGES = ("identify", "scan", "describe", "infer", "check", "repeat", "report")
INTERRUPTED = """
import os, signal, sys
stage = sys.argv.pop(1)
signal.signal(signal.SIGINT, signal.default_int_handler)
if stage == "report":
    import vetgate.cli.output as output
    true = output.replace_whole
    def stop(*arguments, **more):
        os.kill(os.getpid(), signal.SIGINT)
        return true(*arguments, **more)
    output.replace_whole = stop
else:
    from vetgate.gate.run import Run
    true = Run.tell
    def stop(self, told, *more):
        if told == stage:
            print("reached", stage, file=sys.stderr, flush=True)
            os.kill(os.getpid(), signal.SIGINT)
        return true(self, told, *more)
    Run.tell = stop
from vetgate.__main__ import main
sys.argv = ["vetgate", *sys.argv[1:]]
sys.exit(main())
"""


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="this system does not list the children of a process")
@pytest.mark.parametrize("stage", STAGES)
def test_ctrl_c_ends_the_gate_and_its_children_at_each_step(world: Any, own_cache: Path, stage: str) -> None:
    policy = world.folder / "point.yaml"
    policy.write_text(POLICY, encoding="utf-8")
    arguments = ["--reference", world.toy("ref.toy"), "--data", world.data(), "--policy", "point.yaml"]
    line = [sys.executable, "-c", INTERRUPTED, stage, "check", world.toy("good.toy"), *arguments]
    line += ["--report", "json=report.json"]
    process = subprocess.Popen(
        line, cwd=world.folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    )
    _, err = process.communicate(timeout=240)
    assert process.returncode == 130, err
    assert "Traceback" not in err
    assert stage == "report" or f"reached {stage}" in err
    assert _alive(process.pid) == []
    assert not list(world.folder.glob("*report.json*"))
    assert not [path for path in (*own_cache.rglob(".vetgate-*"), *world.folder.glob(".vetgate-*")) if path.is_file()]
    assert world.check(world.toy("good.toy"), *arguments) == 0, world.reasons() + world.err


def _alive(session: int) -> list[int]:
    """Return the processes of a session that still run, when they have had a moment to end."""
    latest = time.monotonic() + 10
    while (found := _running(session)) and time.monotonic() < latest:
        time.sleep(0.1)
    return found


def _running(session: int) -> list[int]:
    pids = (int(place.name) for place in Path("/proc").iterdir() if place.name.isdigit())
    return [pid for pid in pids if _is_of(pid, session)]


def _is_of(pid: int, session: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    except OSError:
        return False
    return int(state[3]) == session and state[0] != "Z"
