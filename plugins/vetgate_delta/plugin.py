"""Declares the check on disparity."""

from __future__ import annotations
