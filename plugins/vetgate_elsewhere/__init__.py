"""Formats that nobody here opens: told by content, so that people hear what to do with them."""
