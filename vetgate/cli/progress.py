"""Progress on stderr, for people only: silent when stderr is no terminal."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from vetgate.domain.specs import Event

PATIENCE = 1.0
"""Seconds without a word; what takes longer gets a bar."""


@contextmanager
def progress(*, verbose: bool) -> Iterator[Callable[[Event], None]]:
    """Yield what the walk tells its events to.

    Args:
        verbose: Print each step on a line of its own instead, also when stderr is no terminal.
    """
    if verbose:
        yield _line
    elif not sys.stderr.isatty():
        yield lambda event: None
    else:
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
        with Progress(*columns, console=Console(stderr=True), transient=True) as bars:
            yield _Bars(bars).show


def _line(event: Event) -> None:
    if event.total and event.done < event.total:
        return
    count = f" ({event.done:,} images)" if event.total else ""
    sys.stderr.write(f"{event.stage}: {event.detail}{count}\n")


class _Bars:
    def __init__(self, bars: object) -> None:
        from rich.progress import Progress, TaskID

        self._bars: Progress = bars  # type: ignore[assignment]  # rich is imported only when there is a terminal
        self._task: TaskID | None = None
        self._label = ""
        self._since = time.monotonic()

    def show(self, event: Event) -> None:
        from rich.markup import escape

        label = escape(f"{event.stage} {event.detail}"[:70])
        if self._task is None:
            if time.monotonic() - self._since < PATIENCE:
                return
            self._task = self._bars.add_task(label, total=event.total or None)
        self._bars.update(self._task, description=label, completed=event.done, total=event.total or None)
