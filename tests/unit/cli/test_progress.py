"""Progress is for people at a terminal, on stderr."""

from __future__ import annotations

import os
import pty
import select
import sys
import time

import pytest

from vetgate.cli import progress as shown
from vetgate.domain.specs import Event


def test_without_a_terminal_nothing_is_shown(capsys: pytest.CaptureFixture[str]) -> None:
    with shown.progress(verbose=False) as watch:
        watch(Event("infer", "model", 1, 2))
    captured = capsys.readouterr()
    assert captured.out + captured.err == ""


def test_verbose_prints_each_step_once(capsys: pytest.CaptureFixture[str]) -> None:
    with shown.progress(verbose=True) as watch:
        watch(Event("identify", "model"))
        watch(Event("infer", "model", 10, 20))
        watch(Event("infer", "model", 20, 20))
    captured = capsys.readouterr()
    assert captured.err == "identify: model\ninfer: model (20 images)\n"
    assert captured.out == ""


@pytest.mark.parametrize(("waited", "expected"), [(0.0, True), (1e9, False)])
def test_a_terminal_gets_a_bar_for_what_takes_longer_than_people_wait(
    waited: float, expected: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shown, "PATIENCE", waited)
    monkeypatch.setenv("TERM", "xterm")
    ours, theirs = pty.openpty()
    with open(theirs, "w", encoding="utf-8") as terminal:  # noqa: PTH123  # a descriptor
        monkeypatch.setattr(sys, "stderr", terminal)
        with shown.progress(verbose=False) as watch:
            watch(Event("infer", "model [x]", 1, 2))
            time.sleep(0.2)
        terminal.flush()
        text = os.read(ours, 65536).decode() if select.select([ours], [], [], 0.5)[0] else ""
    os.close(ours)
    assert ("infer model [x]" in text) is expected
