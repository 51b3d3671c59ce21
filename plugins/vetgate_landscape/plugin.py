"""Declares embedders and drawings of landscapes; what embeds and draws is imported when it is asked for."""

from __future__ import annotations

from typing import Any

from vetgate.api import Drawing, DrawingSpec, Embedder, EmbedderSpec, Landscape, hookimpl


def _tsne() -> Embedder:
    from vetgate_landscape.embed import Neighbours

    return Neighbours()


def _mds() -> Embedder:
    from vetgate_landscape.embed import ClassicalScaling

    return ClassicalScaling()


def _table() -> Drawing[Any]:
    from vetgate_landscape.terminal import LandscapeTable

    return LandscapeTable()


def _json() -> Drawing[Any]:
    from vetgate_landscape.json_landscape import LandscapeJson

    return LandscapeJson()


def _svg() -> Drawing[Any]:
    from vetgate_landscape.picture import LandscapePicture

    return LandscapePicture("svg")


def _png() -> Drawing[Any]:
    from vetgate_landscape.picture import LandscapePicture

    return LandscapePicture("png")


@hookimpl
def vetgate_embedders() -> tuple[EmbedderSpec, ...]:
    """Declare the ways into the plane."""
    return (
        EmbedderSpec("tsne", "t-SNE: who is near whom; gaps are exaggerated", _tsne, extra="landscape"),
        EmbedderSpec("mds", "classical scaling: distances as true as a plane can show them", _mds),
    )


@hookimpl
def vetgate_drawings() -> tuple[DrawingSpec, ...]:
    """Declare the formats of landscapes."""
    return (
        DrawingSpec("landscape", "models with accuracy and distance, as text", Landscape, ".txt", _table),
        DrawingSpec("landscape-json", "points, distances and coordinates for machines", Landscape, ".json", _json),
        DrawingSpec("landscape-svg", "models as points in a picture, SVG", Landscape, ".svg", _svg, extra="charts"),
        DrawingSpec("landscape-png", "the same picture as PNG", Landscape, ".png", _png, extra="charts"),
    )
