"""Reads model files for what could harm who opens them, before anything of them is opened."""
