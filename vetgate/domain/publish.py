"""Results on their way to where a team looks: what who publishes them is given."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from vetgate.domain.report import ReportSet


@dataclass(frozen=True)
class WrittenFile:
    """One file that the run wrote."""

    kind: str
    """Format of a report, such as `json`, or `attestation`."""
    name: str
    """Without its folder."""
    content: bytes


@dataclass(frozen=True)
class PublishContext:
    """What holds for one publishing."""

    seconds: float
    """Patience with the whole of it; who takes longer is given up, and a pass is then none."""
    require_wanted: Callable[[], None]
    """Raises Inconclusive once nobody waits any more: to be called before each step, above all before the last."""


class Publisher(Protocol):
    """Puts results where a team looks. It runs in the gate's own process, after everything was written and signed."""

    @property
    def about(self) -> str:
        """Say where results go, in a few words; never a key."""
        ...

    def require(self, candidates: Sequence[str]) -> None:
        """Make sure before the run that the settings suit the candidates, as typed; asks nobody.

        Raises:
            UsageError: They do not.
        """
        ...

    def publish(self, reports: ReportSet, files: Sequence[WrittenFile], context: PublishContext) -> tuple[str, ...]:
        """Publish every verdict, of whatever kind; return lines to say, none of which holds a key.

        What makes others use a model (an alias, a stage) comes last, and for a pass alone.

        Args:
            reports: Of the run.
            files: The JSON report, then every file that the run wrote.
            context: What holds for it.

        Raises:
            Inconclusive: Not all of it could be published.
        """
        ...
