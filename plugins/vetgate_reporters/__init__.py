"""Reports for people and machines: terminal, JSON, Markdown."""
