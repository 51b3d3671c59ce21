"""Faults of disk, cache and clock: the right exit code, no half file, and the next run is right."""

from __future__ import annotations

import ctypes
import errno
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

POLICY = "version: 1\nname: point\nmetrics:\n  - {metric: similarity.agreement, at_least: 90%}\n"


@pytest.fixture
def command(world: Any) -> Any:
    """Return a function that gives the command line of a run with a JSON report, whose candidate is good."""
    (world.folder / "point.yaml").write_text(POLICY, encoding="utf-8")
    reference, data = world.toy("ref.toy"), world.data(images=120)

    def made(candidate: str, *more: str) -> list[str]:
        return [candidate, "--reference", reference, "--data", data, "--policy", "point.yaml", *more]

    return made


def _start(command: list[str], folder: Path, *before: str) -> subprocess.Popen[str]:
    report = ["--report", "json=report.json"]
    line = [*before, sys.executable, "-m", "vetgate", "check", *command, *report]
    return subprocess.Popen(
        line, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, start_new_session=True
    )


def _require_next_run_right(world: Any, command: Any) -> None:
    """Vet a good and a bad candidate once more, with whatever the fault left behind."""
    assert world.check(*command(world.toy("good.toy"))) == 0, world.reasons() + world.err
    assert world.check(*command(world.toy("bad.toy", noise=5.0))) == 1, world.reasons() + world.err
    assert not list(world.folder.glob(".vetgate-????????"))


@pytest.fixture
def small_disk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Mount a file system of 64 kB; without the right to, there is none."""
    folder = tmp_path_factory.mktemp("disk")
    libc = ctypes.CDLL(None, use_errno=True)
    if sys.platform != "linux" or libc.mount(b"tmpfs", bytes(folder), b"tmpfs", 0, b"size=64k,mode=0700") != 0:
        pytest.skip("only root may mount a small file system")
    yield folder
    libc.umount2(bytes(folder), 2)


def test_a_full_disk_under_the_cache_costs_the_cache_and_nothing_else(
    world: Any, command: Any, small_disk: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (small_disk / "filler").write_bytes(bytes(60 << 10))
    monkeypatch.setenv("XDG_CACHE_HOME", str(small_disk))
    assert world.check(*command(world.toy("good.toy"))) == 0, world.reasons()
    assert world.check(*command(world.toy("good.toy"))) == 0, world.reasons()
    (small_disk / "filler").unlink()
    assert not [path for path in small_disk.rglob(".vetgate-*") if path.is_file()]
    _require_next_run_right(world, command)


def test_a_full_disk_under_the_report_is_told_and_is_no_pass(world: Any, command: Any, small_disk: Path) -> None:
    report = small_disk / "report.json"
    report.write_text("old", encoding="utf-8")
    (small_disk / "filler").write_bytes(bytes(52 << 10))
    arguments = ["check", *command(world.toy("good.toy")), "--report", f"json={report}"]
    assert world.run(*arguments) == 3
    assert "No space left on device" in world.err
    assert report.read_text(encoding="utf-8") == "old"
    assert [path.name for path in sorted(small_disk.iterdir())] == ["filler", "report.json"]
    (small_disk / "filler").unlink()
    assert world.run(*arguments) == 0, world.err
    assert json.loads(report.read_text(encoding="utf-8"))["reports"]


def test_a_full_disk_under_the_private_copy_is_inconclusive(
    world: Any, command: Any, small_disk: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import tempfile

    (small_disk / "filler").write_bytes(bytes(60 << 10))  # a disk without any room at all is passed by
    monkeypatch.setenv("TMPDIR", str(small_disk))
    monkeypatch.setattr(tempfile, "tempdir", None)
    assert world.check(*command(world.toy("good.toy"))) == 3
    assert "for its private copy" in world.reasons()
    assert "Traceback" not in world.err


def test_files_that_may_not_grow_cost_the_report_and_are_no_pass(world: Any, command: Any) -> None:
    """A quota answers like this; the signal that comes with it is ignored by Python."""
    process = _start(command(world.toy("good.toy")), world.folder, "bash", "-c", 'ulimit -f 8; exec "$@"', "bash")
    _, err = process.communicate(timeout=120)
    assert process.returncode == 3, err
    assert "Traceback" not in err
    assert not list(world.folder.glob("*report.json*"))
    _require_next_run_right(world, command)


def test_a_cache_that_can_only_be_read_answers_and_stays_as_it_is(
    world: Any, command: Any, own_cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert world.check(*command(world.toy("good.toy"))) == 0
    libc = ctypes.CDLL(None, use_errno=True)
    place = bytes(own_cache)
    if sys.platform != "linux" or libc.mount(place, place, None, 4096, None) != 0:
        pytest.skip("only root may mount a folder read-only")
    try:
        assert libc.mount(None, place, None, 4096 | 32 | 1, None) == 0
        with pytest.raises(OSError, match=os.strerror(errno.EROFS)):
            (own_cache / "x").touch()
        assert world.check(*command(world.toy("good.toy"))) == 0, world.reasons()
        assert world.report()["candidate"]["from_cache"]
        assert world.check(*command(world.toy("bad.toy", noise=5.0))) == 1, world.reasons()
    finally:
        libc.umount2(place, 2)
    _require_next_run_right(world, command)


def test_planted_answers_that_would_make_a_bad_candidate_pass_are_ignored(
    world: Any, command: Any, own_cache: Path
) -> None:
    """Somebody restores a cache in which the bad candidate answers what the reference does."""
    import hashlib
    import io

    bad = world.toy("bad.toy", noise=5.0)
    assert world.check(*command(bad)) == 1
    entries = {}
    for file in own_cache.rglob("*.npz"):
        with np.load(file) as arrays:
            entries[file] = (arrays["digests"], arrays["raw"])
    assert len(entries) == 2
    (one, (digests, mine)), (other, (_, theirs)) = entries.items()
    for file, raw in ((one, theirs), (other, mine)):
        buffer = io.BytesIO()
        np.savez(buffer, digests=digests, raw=raw)
        file.unlink()
        file.with_name(f"{hashlib.sha256(buffer.getvalue()).hexdigest()}.npz").write_bytes(buffer.getvalue())
        file.write_bytes(buffer.getvalue())
    assert world.check(*command(bad)) == 1, world.reasons()
    assert not world.report()["candidate"]["from_cache"]


@pytest.mark.parametrize("damage", ["cut", "flip", "empty", "noise", "pipe", "folder"])
def test_a_damaged_cache_is_as_if_it_were_not_there(world: Any, command: Any, own_cache: Path, damage: str) -> None:
    assert world.check(*command(world.toy("good.toy"))) == 0
    for file in [path for path in own_cache.rglob("*") if path.is_file()]:
        content = file.read_bytes()
        file.unlink()
        match damage:
            case "pipe":
                os.mkfifo(file)
            case "folder":
                file.mkdir()
            case _:
                changed = content[:40] + bytes([content[40] ^ 1]) + content[41:] if len(content) > 40 else b""
                file.write_bytes({"cut": content[:60], "flip": changed, "empty": b"", "noise": os.urandom(99)}[damage])
    assert world.check(*command(world.toy("good.toy"))) == 0, world.reasons()
    assert not world.report()["candidate"]["from_cache"]
    assert world.check(*command(world.toy("bad.toy", noise=5.0))) == 1, world.reasons()


def test_a_cache_that_others_may_write_is_refused_with_a_warning(world: Any, command: Any, own_cache: Path) -> None:
    assert world.check(*command(world.toy("good.toy"))) == 0
    (own_cache / "vetgate").chmod(0o777)
    assert world.check(*command(world.toy("good.toy"))) == 0
    assert not world.report()["candidate"]["from_cache"]
    assert any("chmod go-w" in warning for warning in world.report()["warnings"])
    (own_cache / "vetgate").chmod(0o700)
    assert world.check(*command(world.toy("good.toy"))) == 0
    assert world.report()["candidate"]["from_cache"]


def test_a_key_that_others_may_read_switches_the_cache_off_with_a_warning(world: Any, command: Any) -> None:
    from vetgate.inference.seal import key_path

    assert world.check(*command(world.toy("good.toy"))) == 0
    key_path().chmod(0o644)
    assert world.check(*command(world.toy("good.toy"))) == 0
    assert not world.report()["candidate"]["from_cache"]
    assert any("others may read the cache's key" in warning for warning in world.report()["warnings"])


def test_two_runs_that_share_a_cache_at_once_both_end_right(world: Any, command: Any) -> None:
    good, bad = world.toy("good.toy"), world.toy("bad.toy", noise=5.0)
    lines = [command(good), command(bad)]
    running = [
        subprocess.Popen(
            [sys.executable, "-m", "vetgate", "check", *line, "--batch-size", "8", "--report", f"json=r{place}.json"],
            cwd=world.folder, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
        )
        for place, line in enumerate(lines)
    ]  # fmt: skip
    told = [process.communicate(timeout=240)[1] for process in running]
    assert [process.returncode for process in running] == [0, 1], told
    assert world.check(*command(good), "--batch-size", "8") == 0
    assert world.report()["candidate"]["from_cache"]
    _require_next_run_right(world, command)


@pytest.mark.parametrize("jump", [-86_400.0 * 400, 86_400.0 * 400])
def test_a_clock_that_is_set_while_a_run_goes_on_changes_no_answer_and_no_patience(
    world: Any, command: Any, monkeypatch: pytest.MonkeyPatch, jump: float
) -> None:
    """Patience and durations rest on the monotonic clock; the day of the run is taken once."""
    true, reads = time.time, iter(range(1 << 30))
    slow, patient = world.toy("slow.toy", misbehave="slow"), ("--batch-size", "8", "--timeout", "20")
    with monkeypatch.context() as clock:
        clock.setattr(time, "time", lambda: true() + (jump if next(reads) > 3 else 0.0))
        clock.setattr(time, "time_ns", lambda: int(time.time() * 1e9))
        assert world.check(*command(slow), *patient) == 0, world.reasons()
        assert 0 <= world.report()["seconds"] < 600
        assert world.check(*command(world.toy("hang.toy", misbehave="hang")), "--timeout", "1") == 3
        assert "no answer within 1 s" in world.reasons()
    assert world.check(*command(slow), *patient) == 0, world.reasons()
    assert world.report()["candidate"]["from_cache"]


def test_a_cache_from_the_future_is_a_cache(world: Any, command: Any, own_cache: Path) -> None:
    assert world.check(*command(world.toy("good.toy"))) == 0
    for path in own_cache.rglob("*"):
        os.utime(path, (4e9, 4e9))
    assert world.check(*command(world.toy("good.toy"))) == 0
    assert world.report()["candidate"]["from_cache"]


STOPPED = """
import os, signal, sys
from pathlib import Path
import vetgate.atomic as atomic
true = {name}
def stop(*arguments, **more):
    if str(arguments[{place}]).endswith("report.json") or {always}:
        os.kill(os.getpid(), signal.SIG{signal})
    return true(*arguments, **more)
{name} = stop
from vetgate.__main__ import main
sys.argv = ["vetgate", *sys.argv[1:]]
sys.exit(main())
"""
"""Ends the gate at the moment when it has written a report and not yet given it its name, or before it is flushed."""


@pytest.mark.parametrize(
    ("name", "place", "always"), [("Path.replace", 1, False), ("os.fsync", 0, True)], ids=["unnamed", "unflushed"]
)
def test_a_run_that_is_killed_while_it_writes_leaves_the_old_report_whole(
    world: Any, command: Any, name: str, place: int, always: bool
) -> None:
    report = world.folder / "report.json"
    report.write_text('{"old": true}', encoding="utf-8")
    script = STOPPED.format(name=name, place=place, always=always, signal="KILL")
    line = [*command(world.toy("good.toy")), "--no-cache", "--report", "json=report.json"]
    process = subprocess.run([sys.executable, "-c", script, "check", *line], cwd=world.folder, capture_output=True)
    assert process.returncode == -signal.SIGKILL, process.stderr
    assert report.read_text(encoding="utf-8") == '{"old": true}'
    assert len(list(world.folder.glob(".vetgate-????????"))) == 1
    _require_next_run_right(world, command)


def test_readers_never_see_half_a_report(world: Any, command: Any) -> None:
    from vetgate.atomic import replace_whole

    path, ended, seen = world.folder / "report.json", threading.Event(), set[int]()
    replace_whole(path, b"0" * 100_000)

    def read() -> None:
        while not ended.is_set():
            seen.add(len(path.read_bytes()))

    reader = threading.Thread(target=read)
    reader.start()
    for size in (1, 300_000) * 20:
        replace_whole(path, b"1" * size)
    ended.set()
    reader.join()
    assert seen <= {1, 100_000, 300_000}
