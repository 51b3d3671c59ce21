"""Draw the small figures of docs/statistics.md from the gate's own arithmetic: `python .ci/statistics_pictures.py`."""

from pathlib import Path

import matplotlib
import numpy as np

from vetgate.statistics import images_needed, images_needed_identical, paired_bounds

matplotlib.use("svg")
matplotlib.rcParams.update(
    {"svg.hashsalt": "vetgate", "svg.fonttype": "none", "font.family": "sans-serif", "font.size": 11}
)

import matplotlib.pyplot as plt  # noqa: E402  # the format is settled before

PICTURES = Path(__file__).parent.parent / "docs" / "pictures"
MARGIN = 1.0
ROWS = (
    ("pass", "#1a6b3f", "60 lost, 40 won of 10,000", (60, 40, 10_000)),
    ("inconclusive", "#7a5c00", "9 lost, 7 won of 500", (9, 7, 500)),
    ("fail", "#9f2a2c", "220 lost, 80 won of 10,000", (220, 80, 10_000)),
)


def save(figure: plt.Figure, name: str) -> None:
    """Write a picture that is the same each time."""
    figure.savefig(PICTURES / name, metadata={"Date": None}, bbox_inches="tight")
    plt.close(figure)


def three_answers() -> None:
    """Draw three candidates beside a margin of one point."""
    figure, axes = plt.subplots(figsize=(7.2, 2.3))
    for row, (decision, colour, words, (b, c, n)) in enumerate(reversed(ROWS)):
        found = paired_bounds(b, c, n, 0.95)
        low, middle, high = (100 * value for value in (found.lower, found.estimate, found.upper))
        axes.plot([low, high], [row, row], color=colour, linewidth=5, solid_capstyle="butt")
        axes.plot([middle], [row], "o", color="white", markeredgecolor=colour, markersize=7)
        axes.text(1.15, row, f"{decision}: {words}", va="center", color=colour)
    axes.axvline(-MARGIN, color="#444", linestyle="--", linewidth=1)
    axes.text(-MARGIN - 0.03, len(ROWS) - 0.45, "at_least: -1pp", ha="right", color="#444")
    axes.set(
        ylim=(-0.6, len(ROWS) - 0.1), xlim=(-2.1, 1.1), yticks=[], xlabel="difference of accuracy, percentage points"
    )
    axes.spines[["top", "left", "right"]].set_visible(False)
    save(figure, "three-answers.svg")


def how_many() -> None:
    """Draw the images needed by margin."""
    margins = np.geomspace(0.2, 5, 60)
    figure, axes = plt.subplots(figsize=(7.2, 3.2))
    for share, shade in ((0.10, "#0b3c5d"), (0.05, "#2f76a8"), (0.02, "#7fb2d6")):
        axes.plot(
            margins,
            [images_needed(share, m / 100, 0.95) for m in margins],
            color=shade,
            label=f"{share:.0%} discordant",
        )
    least = [images_needed_identical(m / 100, 0.95) for m in margins]
    axes.plot(margins, least, color="#444", linestyle="--", label="identical models")
    axes.set(xscale="log", yscale="log", xlabel="margin, percentage points", ylabel="images needed")
    axes.set_xticks([0.2, 0.5, 1, 2, 5], ["0.2", "0.5", "1", "2", "5"])
    axes.set_yticks([100, 1_000, 10_000, 100_000], ["100", "1,000", "10,000", "100,000"])
    axes.minorticks_off()
    axes.grid(color="#ddd", linewidth=0.6)
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False)
    save(figure, "images-needed.svg")


three_answers()
how_many()
