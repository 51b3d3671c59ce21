"""Exit codes, and the one place where errors become words on stderr."""

from __future__ import annotations

import io
import sys
import traceback
from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from vetgate.cli import streams

if TYPE_CHECKING:
    from vetgate.domain.verdict import Decision

FAIL, USAGE, INCONCLUSIVE, BUG, INTERRUPTED = 1, 2, 3, 4, 130
PIPE = 141
"""What a shell shows for a command whose reader went away."""


def exit_code(decision: Decision, *, strict: bool) -> int:
    """Return the exit code of a decision.

    Args:
        decision: The worst of all candidates.
        strict: Whether a warning counts as fail.
    """
    if decision.value == "warn":
        return FAIL if strict else 0
    return {"pass": 0, "fail": FAIL, "inconclusive": INCONCLUSIVE}[decision.value]


def guarded(app: click.Command, arguments: Sequence[str]) -> int:
    """Run a command and return its exit code; every error is told here and nowhere else."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper | streams.Forgiving | streams.Unheeded):
            stream.reconfigure(errors="replace")  # a report must not be lost to a terminal that lacks a sign
    stdout = sys.stdout
    try:
        result = app.main(list(arguments), prog_name="vetgate", standalone_mode=False, obj=tuple(arguments))
    except click.ClickException as error:
        error.show()
        return USAGE
    except (KeyboardInterrupt, click.Abort):
        click.echo("interrupted", err=True)
        return INTERRUPTED
    except SystemExit as ending:  # nobody else may end a gate, and not with 0
        reader_gone = sys.stdout is not stdout  # click puts a quiet stream there and exits when a pipe is closed early
        return PIPE if reader_gone else _tell(ending)
    except Exception as error:  # anything that nobody foresaw
        if isinstance(error, OSError) and streams.is_stdout_lost(error):
            click.echo(f"error: stdout cannot be written: {error.strerror}", err=True)
            streams.without_reader()
            return INCONCLUSIVE
        return _tell(error)
    return result if isinstance(result, int) else 0


def _tell(error: BaseException) -> int:
    from vetgate.domain.errors import Inconclusive, Refused, Unsafe, UsageError, VetgateError

    if not isinstance(error, VetgateError):
        traceback.print_exception(error)
        click.echo("error: this is a bug in vetgate; please report it with the lines above", err=True)
        return BUG
    word = "refused" if isinstance(error, Refused) else "error"
    streams.tell(f"{word}: {error.message}")
    if error.hint:
        streams.tell(f"hint: {error.hint}")
    if isinstance(error, UsageError):
        return USAGE
    if isinstance(error, Refused | Unsafe):
        return FAIL
    return INCONCLUSIVE if isinstance(error, Inconclusive) else BUG
