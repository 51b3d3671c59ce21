"""Declares the compressors."""

from __future__ import annotations
