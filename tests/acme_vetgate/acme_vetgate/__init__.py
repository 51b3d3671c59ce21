"""A stranger's plugin."""
