"""Progress on stderr, for people only: silent when stderr is no terminal."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from vetgate.domain.specs import Event

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

PATIENCE = 1.0
"""Seconds without a word; what takes longer gets a bar."""
SLOW = 10.0
"""Seconds between two lines on what is in the making."""
TOLD_OFTEN = ("make", "explain")
"""Stages that take long and count other things than images."""


@contextmanager
def progress(*, verbose: bool) -> Iterator[Callable[[Event], None]]:
    """Yield what the walk tells its events to.

    Args:
        verbose: Print each step on a line of its own instead, also when stderr is no terminal.
    """
    if verbose:
        yield _Lines().show
    elif not sys.stderr.isatty():
        yield lambda event: None
    else:
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
        with Progress(*columns, console=Console(stderr=True), transient=True) as bars:
            yield _Bars(bars).show


class _Lines:
    """A line for each step that is done, and now and then one for how far a variant in the making is."""

    def __init__(self) -> None:
        self._last = time.monotonic()

    def show(self, event: Event) -> None:
        """Write a line."""
        making = event.stage in TOLD_OFTEN and time.monotonic() - self._last >= SLOW
        if event.total and event.done < event.total and not making:
            return
        self._last = time.monotonic()
        count = f" ({event.done:,} images)" if event.total else ""
        if event.stage in TOLD_OFTEN and event.total:
            count = f" {event.done:,} of {event.total:,}"
        sys.stderr.write(f"{event.stage}: {event.detail}{count}\n")


class _Bars:
    """One bar for the step that the walk is at; a step whose length is not known pulses."""

    def __init__(self, bars: Progress) -> None:
        self._bars = bars
        self._task: TaskID | None = None
        self._step = ""
        self._since = time.monotonic()

    def show(self, event: Event) -> None:
        """Show where the walk is."""
        step = f"{event.stage} {event.detail}"
        if time.monotonic() - self._since < PATIENCE:
            return
        if self._task is None or step != self._step:
            self._begin(step, event.total or None)
        if self._task is not None and event.total:
            self._bars.update(self._task, completed=event.done)

    def _begin(self, step: str, total: int | None) -> None:
        from rich.markup import escape

        if self._task is not None:
            self._bars.remove_task(self._task)
        self._task, self._step = self._bars.add_task(escape(step[:70]), total=total), step
