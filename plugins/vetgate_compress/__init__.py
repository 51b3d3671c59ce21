"""Compressed variants of a reference, made with well-kept libraries."""
