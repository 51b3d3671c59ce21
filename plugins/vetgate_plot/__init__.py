"""Drawing that several plugins share: palette, style, deterministic files, SVG for pages, and the common charts.

A library and no plugin. It needs matplotlib, which it imports when something is drawn.
"""
