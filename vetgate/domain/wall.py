"""What stands between a model's process and everything else."""

from __future__ import annotations

from vetgate.domain.record import Record


class Wall(Record):
    """One limit that a child was to be held to."""

    name: str
    """Such as `network`, `files`, `processes`, `memory`, `time`, `environment`."""
    stood: bool
    how: str
    """By what it stood, such as `Landlock ABI 7`; or why it did not."""
