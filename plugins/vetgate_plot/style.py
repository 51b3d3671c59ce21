"""How every chart is set, whatever the user's own settings of matplotlib say."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

SALT = "vetgate"
"""Ids within an SVG follow from it and from what is drawn, so that the same chart has the same bytes."""
STYLE: dict[str, Any] = {"font.size": 9.0, "svg.hashsalt": SALT, "text.parse_math": False}


@contextmanager
def styled(more: Mapping[str, Any] | None = None) -> Iterator[None]:
    """Draw in the common style; a character that the font lacks is a box, not a warning.

    Args:
        more: Further settings of matplotlib.
    """
    import matplotlib.style

    with matplotlib.style.context(["default", STYLE | dict(more or {})]), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")
        yield
