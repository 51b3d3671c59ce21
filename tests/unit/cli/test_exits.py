"""Decisions and errors become exit codes in one place."""

from __future__ import annotations

import sys
from collections.abc import Callable

import click
import pytest

from vetgate.cli.exits import exit_code, guarded
from vetgate.domain.errors import CardError, Inconclusive, VetgateError, WorkerFailed
from vetgate.domain.verdict import Decision


@pytest.mark.parametrize(
    ("decision", "code", "strict"),
    [(Decision.PASS, 0, 0), (Decision.WARN, 0, 1), (Decision.FAIL, 1, 1), (Decision.INCONCLUSIVE, 3, 3)],
)
def test_each_decision_has_its_code(decision: Decision, code: int, strict: int) -> None:
    assert exit_code(decision, strict=False) == code
    assert exit_code(decision, strict=True) == strict


def _guarded(act: Callable[[], object]) -> int:
    return guarded(click.Command("toy", callback=act), [])


def _raise(error: BaseException) -> Callable[[], None]:
    def act() -> None:
        raise error

    return act


@pytest.mark.parametrize(
    ("error", "code", "told"),
    [
        (CardError("odd card", hint="mend it"), 2, "error: odd card\nhint: mend it\n"),
        (click.UsageError("odd flag"), 2, "odd flag"),
        (Inconclusive("no room"), 3, "error: no room\n"),
        (WorkerFailed("gone"), 3, "error: gone\n"),
        (VetgateError("neither"), 4, "error: neither"),
        (ZeroDivisionError("odd"), 4, "Traceback"),
        (KeyboardInterrupt(), 130, "interrupted"),
    ],
)
def test_each_error_has_its_code_and_is_told_once(
    error: BaseException, code: int, told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert _guarded(_raise(error)) == code
    assert capsys.readouterr().err.count(told) == 1


def test_nobody_but_the_gate_ends_the_gate(capsys: pytest.CaptureFixture[str]) -> None:
    assert _guarded(lambda: sys.exit(0)) == 4
    assert "bug" in capsys.readouterr().err


def test_a_command_gives_its_own_code() -> None:
    assert _guarded(lambda: 3) == 3
    assert _guarded(lambda: None) == 0
