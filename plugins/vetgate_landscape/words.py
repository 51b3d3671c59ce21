"""What pictures and tables of a landscape say, the same in all of them."""

from __future__ import annotations

from collections.abc import Sequence

from vetgate.reporting import Embedding, Landscape, Part, Unit, format_quantity, plain, shorten

TITLE = "Functional landscape"
WARNING = (
    "One joint fit: distances mean something among the points of this picture only. Pictures of two runs are not "
    "comparable."
)
GAPS = "t-SNE exaggerates gaps and keeps who is near whom: judge distances by the figures, not by the picture."
LONGEST = 34
NEIGHBOURS, SCALING = "t-SNE", "classical scaling"
"""Methods as embeddings name them."""
NEGATIVE = 0.001
"""Share of the eigenvalues from which it is said that they were left out."""


def setting(landscape: Landscape) -> str:
    """Return on what the models were compared."""
    data = shorten(plain(landscape.data), 50)
    images = counted(landscape.images, "image")
    return f"{data} · {images}, {counted(landscape.classes, 'class', 'classes')} · {len(landscape.points)} models"


def caption(embedding: Embedding) -> str:
    """Return which way was drawn, of which distances, and how true it is to them."""
    return f"{plain(embedding.method)} {below(embedding)}"


def below(embedding: Embedding) -> str:
    """Return the same for a place that names the method already."""
    return f"of {plain(embedding.of)}; {correlation(embedding.rank_correlation)}"


def correlation(found: float | None) -> str:
    """Return how true a picture is to the distances that it draws."""
    if found is None:
        return "no rank correlation with the true distances, for these are all equal or there is but one"
    return f"rank correlation with the true distances {found:.2f}"


def remarks(embedding: Embedding) -> list[str]:
    """Return what else must be known of an embedding."""
    negative = embedding.settings.get("negative")
    told = [GAPS] if embedding.method == NEIGHBOURS else []
    if isinstance(negative, float) and negative > NEGATIVE:
        share = format_quantity(negative, Unit.FRACTION)
        told.append(f"No Euclidean space has these distances: {share} of the eigenvalues are negative and left out.")
    return told


def flattened(shares: Sequence[tuple[str, float]]) -> list[str]:
    """Return how much of the distances planes of classical scaling show.

    Args:
        shares: What each plane is called, and its share in [0, 1] of the squared distances.
    """
    if all(round(100 * share) == 100 for _, share in shares):
        return []
    told = ", ".join(f"{name} {round(100 * share)} %" for name, share in shares)
    return [f"A plane shows a part of all squared distances ({told}): models drawn together may differ in the rest."]


def names_of(landscape: Landscape) -> list[str]:
    """Return the models' names with as few of their folders as tell them apart, harmless and short."""
    parts = [point.name.split("/") for point in landscape.points]
    names = []
    for own in parts:
        depths = range(1, len(own) + 1)
        tails = (own[-depth:] for depth in depths if sum(other[-depth:] == own[-depth:] for other in parts) == 1)
        names.append(shorten(plain("/".join(next(tails, own))), LONGEST))
    return names


def reference_of(landscape: Landscape) -> int | None:
    """Return which point is the reference; None where none is."""
    parts = [point.part for point in landscape.points]
    return parts.index(Part.REFERENCE) if Part.REFERENCE in parts else None


def counted(number: int, what: str, many: str = "") -> str:
    """Return `1 image`, `10,000 images`."""
    return f"{number:,} {what}" if number == 1 else f"{number:,} {many or what + 's'}"


def ordered_runs(landscape: Landscape) -> list[tuple[str, Sequence[int]]]:
    """Return the training runs by name, each with its points in order."""
    runs: dict[str, list[int]] = {}
    for index, point in enumerate(landscape.points):
        if point.run:
            runs.setdefault(point.run, []).append(index)
    points = landscape.points
    return [(run, sorted(found, key=lambda index: points[index].step)) for run, found in sorted(runs.items())]
