"""A model that takes over its process reaches nothing, and the gate ends by itself and leaves nothing behind."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from vetgate.inference import memory

POLICY = "version: 1\nname: p\n{more}metrics:\n  - {{metric: similarity.agreement, at_least: 99%}}\n"
MARK = "vetgate-mark"


@pytest.fixture
def place(world: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Give the run a TMPDIR of its own, and see that it leaves neither file nor process there."""
    folder = world.folder / "tmp"
    folder.mkdir()
    monkeypatch.setenv("TMPDIR", str(folder))
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    before = _children()
    yield folder
    assert list(folder.iterdir()) == []
    assert [child for child in _children() if child not in before] == []


@pytest.fixture
def given(world: Any, place: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, str]]:
    """What a rogue model is told: where a user's things are, and who would hear of it."""
    home = world.folder / "home"
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))
    secret = home / "id_ed25519"
    secret.write_text("a private key", encoding="ascii")
    heard: list[int] = []
    before = signal.signal(signal.SIGUSR1, lambda number, frame: heard.append(number))
    with socket.socket() as server, socket.socket(socket.AF_UNIX) as local:
        server.bind(("127.0.0.1", 0))
        server.listen()
        server.settimeout(0.1)
        local.bind(str(world.folder / "socket"))
        local.listen()
        yield {
            "port": str(server.getsockname()[1]),
            "socket": str(world.folder / "socket"),
            "home": str(home),
            "tmp": str(place),
            "data": str(world.folder / "data.npz"),
            "card": str(world.folder / "rogue.toy.yaml"),
            "model": str(world.folder / "rogue.toy"),
            "secret": str(secret),
        }
        with pytest.raises(TimeoutError):
            server.accept()
    signal.signal(signal.SIGUSR1, before)
    assert heard == []
    assert [str(mark) for mark in (*world.folder.rglob(MARK), *Path("/dev/shm").glob(MARK))] == []


def _children() -> list[str]:
    """Return the processes that this one started and that still run, such as a server of other tests."""
    found = []
    for status in Path("/proc").glob("[0-9]*/stat"):
        try:
            name, _, rest = status.read_text(encoding="ascii", errors="replace").rpartition(")")
        except OSError:
            continue
        if int(rest.split()[1]) == os.getpid():
            found.append(name)
    return found


def _arguments(world: Any, more: str = "", **extra: Any) -> list[str]:
    policy = world.folder / "policy.yaml"
    policy.write_text(POLICY.format(more=more, **extra), encoding="utf-8")
    return ["--reference", world.toy("ref.toy"), "--data", world.data(), "--policy", str(policy), "--no-cache"]


def _require_walls(world: Any) -> None:
    """Skip where the kernel does not offer them, saying which; what is built here must not skip."""
    missing = [wall for wall in world.report()["reference"]["walls"] if not wall["stood"]]
    if missing:
        pytest.skip("; ".join(f"{wall['name']}: {wall['how']}" for wall in missing))


@pytest.mark.parametrize("step", ["describe", "open", "predict"])
def test_a_model_that_takes_over_its_process_reaches_nothing(world: Any, given: dict[str, str], step: str) -> None:
    arguments = _arguments(world)
    before = (world.folder / "data.npz").read_bytes()
    candidate = world.toy("rogue.toy", rogue="all", step=step, given=given)
    written = Path(candidate).read_bytes()
    assert world.check(candidate, *arguments) == 3, world.out
    _require_walls(world)
    reasons = world.reasons()
    assert "acme tried" in reasons
    assert "got through: none" in reasons
    assert (world.folder / "data.npz").read_bytes() == before
    assert Path(candidate).read_bytes() == written
    assert world.check(world.toy("good.toy"), *arguments) == 0, world.reasons()


def test_a_report_says_which_walls_stood(world: Any, place: Path) -> None:
    assert world.run("check", world.toy("good.toy"), *_arguments(world), "--report", "json=report.json") == 0
    _require_walls(world)
    for role in ("candidate", "reference"):
        names = [wall["name"] for wall in world.report()[role]["walls"]]
        assert names == ["environment", "memory", "time", "resources", "files", "network", "processes", "images"]
    line = next(line for line in world.out.splitlines() if line.strip().startswith("walls "))
    assert line.endswith("all 8 stood")
    assert not [line for line in world.report()["warnings"] if "walls" in line]


@pytest.mark.parametrize(("asked", "code"), [("required", 3), ("preferred", 0)])
def test_a_missing_wall_is_inconclusive_where_isolation_is_required_and_a_warning_elsewhere(
    world: Any, place: Path, monkeypatch: pytest.MonkeyPatch, asked: str, code: int
) -> None:
    """A ring of images larger than any address space cannot be sealed, as on a kernel that knows no such seals."""
    monkeypatch.setattr(memory, "LARGEST_RING", 1 << 62)
    assert world.check(world.toy("good.toy"), *_arguments(world, f"isolation: {asked}\n")) == code, world.err
    told = "images (the kernel does not seal shared memory"
    if asked == "required":
        (stopped,) = [item for item in world.report()["evidence"] if item["check"] == "isolation"]
        assert stopped["outcome"] == "errored"
        assert told in stopped["reason"]
        assert world.report()["verdict"]["decision"] == "inconclusive"
    else:
        assert any(told in line for line in world.report()["warnings"])


def test_a_saved_report_that_lacks_a_wall_is_no_pass_under_a_policy_that_requires_isolation(
    world: Any, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The wall was missing where isolation was only preferred, or the report is from before any was told of."""
    arguments = _arguments(world)
    strict = world.folder / "strict.yaml"
    strict.write_text(POLICY.format(more="isolation: required\n"), encoding="utf-8")
    with monkeypatch.context() as patch:
        patch.setattr(memory, "LARGEST_RING", 1 << 62)
        assert world.check(world.toy("good.toy"), *arguments) == 0, world.err
    assert world.run("judge", "report.json", "--policy", str(strict)) == 3
    assert "images (the kernel does not seal shared memory" in " ".join(world.out.split())
    assert world.run("judge", "report.json", "--policy", arguments[5]) == 0
    saved = json.loads(Path("report.json").read_text(encoding="utf-8"))
    for report in saved["reports"]:
        for role in ("candidate", "reference"):
            del report[role]["walls"], report[role]["scan"]["walls"]
    Path("old.json").write_text(json.dumps(saved), encoding="utf-8")
    assert world.run("judge", "old.json", "--policy", str(strict)) == 3
    assert "does not say which stood" in " ".join(world.out.split())
    assert world.run("judge", "old.json", "--policy", arguments[5]) == 0


def test_a_report_says_which_walls_stood_around_the_scan(world: Any, place: Path) -> None:
    assert world.check(world.toy("good.toy"), *_arguments(world)) == 0
    _require_walls(world)
    walls = world.report()["candidate"]["scan"]["walls"]
    assert {"memory", "files", "network", "processes"} <= {wall["name"] for wall in walls if wall["stood"]}


def test_all_walls_satisfy_a_policy_that_requires_isolation(world: Any, place: Path) -> None:
    code = world.check(world.toy("good.toy"), *_arguments(world, "isolation: required\n"))
    _require_walls(world)
    assert code == 0, world.reasons()


@pytest.mark.parametrize(("step", "when"), [("describe", 0), ("open", 0), ("predict", 0), ("predict", 12)])
def test_a_process_killed_at_any_step_is_inconclusive_and_the_next_run_is_right(
    world: Any, place: Path, step: str, when: int
) -> None:
    """At the twelfth call the table is full and the model is being timed."""
    arguments = _arguments(world)
    if when:
        with (world.folder / "policy.yaml").open("a", encoding="utf-8") as file:
            file.write("  - {metric: latency.p50, of: ratio, at_most: 1000}\n")
    candidate = world.toy("rogue.toy", rogue="kill", step=step, when=when)
    assert world.check(candidate, *arguments) == 3
    assert "SIGKILL" in world.reasons()
    assert world.report()["verdict"]["decision"] == "inconclusive"
    world.toy("rogue.toy")
    assert world.check(candidate, *arguments) == 0, world.reasons()


def test_private_folders_of_a_run_that_was_killed_are_cleared_by_a_later_one(world: Any, place: Path) -> None:
    slow = world.toy("slow.toy", misbehave="hang")
    command = [sys.executable, "-m", "vetgate", "check", slow, *_arguments(world)]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        until = time.monotonic() + 60
        while len(list(place.iterdir())) < 3 and time.monotonic() < until:  # the copies, and two children's own
            time.sleep(0.05)
        process.kill()
    left = list(place.iterdir())
    assert left
    assert world.check(world.toy("good.toy"), *_arguments(world)) == 0
    assert sorted(place.iterdir()) == sorted(left), "what is young may be that of a run that starts"
    for folder in left:
        os.utime(folder, (1e9, 1e9))
    assert world.check(world.toy("good.toy"), *_arguments(world)) == 0
