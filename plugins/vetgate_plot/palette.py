"""Colours, one set for all charts: those of M. Okabe and K. Ito, for readers of any colour vision.

No colour tells anything alone; shape, fill or a word says the same.
"""

from __future__ import annotations

INK = "#222222"
PALE = "#666666"
RULE = "#E5E5E5"
PAPER = "#FFFFFF"
BLUE, ORANGE, GREEN, VERMILION = "#0072B2", "#E69F00", "#009E73", "#D55E00"
PURPLE, SKY, YELLOW = "#CC79A7", "#56B4E9", "#F0E442"
WARN = "#B07C00"
BAND = "#F7E3D6"

VARIABLES = {
    "ink": INK,
    "pale": PALE,
    "rule": RULE,
    "paper": PAPER,
    "candidate": BLUE,
    "reference": ORANGE,
    "good": GREEN,
    "bad": VERMILION,
    "warn": WARN,
    "open": PURPLE,
    "band": BAND,
}
"""Colours of charts in pages by the CSS variable that may replace each."""
DARK = {
    "ink": "#E8E8E8",
    "pale": "#A8A8A8",
    "rule": "#3A3A3A",
    "paper": "#1B1B1B",
    "candidate": "#56B4E9",
    "reference": "#E69F00",
    "good": "#2FC79B",
    "bad": "#FF8A47",
    "warn": "#E0B040",
    "open": "#E3A3C6",
    "band": "#4A2E1E",
}
"""What serves them on a dark page."""
