"""Saying in one sentence why a library refused."""

from __future__ import annotations


def reason(error: BaseException) -> str:
    """Return the first sentence of an error's innermost cause, at most 200 characters."""
    while error.__cause__ is not None:
        error = error.__cause__
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    text = lines[0] if lines else type(error).__name__
    return text if len(text) <= 200 else f"{text[:197]}..."
