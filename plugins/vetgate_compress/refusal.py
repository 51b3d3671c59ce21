"""Saying in one sentence what a library refused, or what was left out."""

from __future__ import annotations

from typing import Final

_NAMED: Final = 8


def reason(error: BaseException) -> str:
    """Return the first sentence of an error's innermost cause, at most 200 characters."""
    while error.__cause__ is not None:
        error = error.__cause__
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    text = lines[0] if lines else type(error).__name__
    return text if len(text) <= 200 else f"{text[:197]}..."


def listed(names: list[str]) -> str:
    """Return names for a sentence; beyond the first eight they are counted."""
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return ", ".join(names[:_NAMED]) + more
