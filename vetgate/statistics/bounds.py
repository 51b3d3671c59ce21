"""What every interval in this package hands back."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Bounds:
    """A figure with two ONE-SIDED confidence bounds.

    Each bound holds on its own at level 1 - a, where a is the chance of error that the rule allows; the
    two together form a two-sided interval at level 1 - 2 a.

    Attributes:
        estimate: The point estimate, in the unit of the figure.
        lower: Exceeds the true figure with chance at most a. The lowest possible figure (-1, 0, -inf)
            where the data cannot exclude anything from below.
        upper: Falls below the true figure with chance at most a. The highest possible figure (1, inf)
            where the data cannot exclude anything from above.
        method: How the bounds were found, for the report ("Tango score", "Clopper-Pearson", ...).
    """

    estimate: float
    lower: float
    upper: float
    method: str
