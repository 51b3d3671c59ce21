"""Declares the check on inner tensors."""

from __future__ import annotations
