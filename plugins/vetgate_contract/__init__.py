"""Compares the contracts of two models: classes, channels, names, sizes and types."""
