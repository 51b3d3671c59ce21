"""Declares embedders and drawings of landscapes."""

from __future__ import annotations
