"""How the figures of a ranking are printed."""

from __future__ import annotations

from vetgate.reporting import Standing, Unit, format_quantity


def marked(row: Standing, name: str) -> str:
    """Return a model's name, marked where it is the reference or that very file."""
    mark = " (reference)" if row.reference else " (same file as the reference)" if row.same_file else ""
    return f"{name}{mark}"


def number(score: float) -> str:
    """Return a score with two decimals, as the paper prints them."""
    return f"{score:.2f}" if abs(score) >= 0.005 else "0.00"


def figure(value: float) -> str:
    """Return a time or a size with four significant digits, as reports print them."""
    return format_quantity(value, Unit.RATIO).removesuffix(" ×")
