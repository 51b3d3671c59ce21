"""What can be asked of LiteRT by name; nothing heavy is imported to declare it."""

from __future__ import annotations

XNNPACK = "XNNPACK"
BUILTIN = "builtin"
"""LiteRT's own kernels, with no delegate."""
