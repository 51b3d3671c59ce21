"""Work of plugins that ask somebody on a network, waited for within a time."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable
from typing import TypeVar

from vetgate.domain.errors import Inconclusive

ResultT = TypeVar("ResultT")
RequireWanted = Callable[[], None]
"""Raises Inconclusive once nobody waits for the work any more."""
STEP = 0.1
"""Seconds between two looks at what the work does meanwhile."""


def wait_for(
    work: Callable[[RequireWanted], ResultT], seconds: float, late: str, look: Callable[[], None] = lambda: None
) -> ResultT:
    """Return what some work returns, done in a thread of its own that is given up when it takes too long.

    No library that asks servers keeps to one time for the whole of it, and a thread cannot be ended: one that is given
    up ends with this process, or where it next asks whether it is still wanted.

    Args:
        work: Raises what it likes; it is given what tells it that it is no longer wanted.
        seconds: Longest time for all of it.
        late: What is said where that was not enough.
        look: Called now and then meanwhile; what it raises ends the wait.

    Raises:
        Inconclusive: It took too long.
        Exception: What the work raised.
    """
    ended: queue.SimpleQueue[tuple[ResultT, None] | tuple[None, BaseException]] = queue.SimpleQueue()
    gone, over = threading.Event(), threading.Event()

    def require_wanted() -> None:
        if gone.is_set():
            raise Inconclusive(late)

    def run() -> None:
        try:
            ended.put((work(require_wanted), None))
        except BaseException as error:  # it is raised again by who waits
            ended.put((None, error))
        over.set()

    threading.Thread(target=run, daemon=True, name="vetgate-waited-for").start()
    deadline = time.monotonic() + seconds
    try:
        while ended.empty() and time.monotonic() < deadline:
            look()
            over.wait(STEP)
    finally:
        gone.set()
    if ended.empty():
        raise Inconclusive(late, hint="--timeout SECONDS gives it longer")
    result, error = ended.get()
    if error is not None:
        raise error
    return result  # type: ignore[return-value]  # one of the two is there
