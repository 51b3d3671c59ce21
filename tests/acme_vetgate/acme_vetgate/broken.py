"""A plugin that cannot be imported."""

raise RuntimeError("acme forgot to test this")
