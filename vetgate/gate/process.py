"""The child process of one model: started when it is asked, ended when it is not, and what it told kept."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from vetgate.domain.source import Door
from vetgate.domain.wall import Wall
from vetgate.inference.child import Worker
from vetgate.inference.message import Start

if TYPE_CHECKING:
    from vetgate.gate.house import House


class ModelProcess:
    """At most one child at a time.

    Args:
        name: What the model is called in messages.
        house: What the run shares.
    """

    def __init__(self, name: str, house: House) -> None:
        self._name, self._house = name, house
        self.door: Door | None = None
        """Where its children are let to, where the model is a service."""
        self._worker: Worker | None = None
        self._walls: tuple[Wall, ...] = ()
        self._answered = 0

    def start(self, order: Callable[[], Start]) -> Worker:
        """Return the child, started if none lives; nothing is waited for.

        Args:
            order: Tells what to load; asked only where a child is started.
        """
        if self._worker is not None and not self._worker.alive:
            self.close()
        if self._worker is None:
            self._worker = self._new(order(), cold=False)
        return self._worker

    def start_cold(self, order: Start) -> Worker:
        """Return a child of its own with nothing loaded, beside the other; the caller ends it."""
        return self._new(order, cold=True)

    def _new(self, order: Start, *, cold: bool) -> Worker:
        house = self._house
        return Worker(self._name, order, house.images, house.seconds, cold=cold, strict=house.walled, door=self.door)

    def close(self) -> None:
        """End the child."""
        if self._worker is not None:
            self._answered += self._worker.answered
            self._walls = self._worker.walls or self._walls
            self._worker.close()
            self._worker = None

    @property
    def walls(self) -> tuple[Wall, ...]:
        """Around the child, or around the last that has ended and had started."""
        return (self._worker.walls if self._worker is not None else ()) or self._walls

    @property
    def answered(self) -> int:
        """Images that its children answered, by their own count."""
        return self._answered + (self._worker.answered if self._worker is not None else 0)
