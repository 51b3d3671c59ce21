"""Example images with the candidate's regions in magenta and DELTA's in cyan, as small PNG files.

The colours are those of Z. Wang, "Characterizing Disparity Between Edge Models and High-Accuracy Base Models for Vision
Tasks" (XDELTA), figure 8.
"""

from __future__ import annotations

import io
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy import ndimage

from vetgate_delta.regions import Mask

MAGENTA, CYAN = (255, 0, 255), (0, 255, 255)
TILE = 160
"""Pixels of an image's longer side at least."""
MOST_SIDE = 240
"""Pixels of an image's longer side at most, where it would not have to be enlarged."""
GAP = 2
"""Pixels between an image and the same with its regions."""
TINT = 0.35
"""Share of the colour in a tinted pixel."""
LEGEND = (
    "Beside the image the same with the candidate's regions (what it looked at) in magenta, dashed, and DELTA's (what "
    "it brings in) in cyan."
)


@dataclass(frozen=True)
class Example:
    """One image to show."""

    pixels: NDArray[np.uint8]
    """(H, W, 1 or 3)"""
    candidate: Mask
    """(H, W)"""
    delta: Mask
    """(H, W)"""


def beside(example: Example) -> bytes:
    """Return a PNG of an image as it is, and beside it with both models' regions."""
    bare, marked = _bare(example.pixels), _marked(example)
    page = Image.new("RGB", (2 * bare.width + GAP, bare.height), "white")
    page.paste(bare, (0, 0))
    page.paste(marked, (bare.width + GAP, 0))
    return _png(page)


def outlined(pixels: NDArray[np.uint8], delta: Mask) -> bytes:
    """Return a PNG of one image with DELTA's regions outlined, for a labeller: nothing else is drawn on it."""
    canvas = np.array(_bare(pixels))
    _outline(canvas, _resized(delta, canvas.shape), CYAN, dashed=False)
    return _png(Image.fromarray(canvas))


def _size(pixels: NDArray[np.uint8]) -> tuple[int, int]:
    """Return (width, height) to show: a whole number of times a tiny image, so that its pixels stay squares."""
    height, width = pixels.shape[:2]
    longer = max(height, width)
    scale = min(1.0, MOST_SIDE / longer) if longer >= TILE else float(-(-TILE // longer))
    return max(1, round(width * scale)), max(1, round(height * scale))


def _bare(pixels: NDArray[np.uint8]) -> Image.Image:
    colour = np.repeat(pixels, 3, axis=2) if pixels.shape[2] == 1 else pixels
    size = _size(pixels)
    way = Image.Resampling.BOX if size[0] < pixels.shape[1] else Image.Resampling.NEAREST
    return Image.fromarray(np.ascontiguousarray(colour)).resize(size, way)


def _marked(example: Example) -> Image.Image:
    canvas = np.array(_bare(example.pixels))
    candidate, delta = (_resized(mask, canvas.shape) for mask in (example.candidate, example.delta))
    for mask, colour in ((candidate, MAGENTA), (delta, CYAN)):
        canvas[mask] = np.rint(canvas[mask] * (1 - TINT) + np.array(colour) * TINT).astype(np.uint8)
    _outline(canvas, delta, CYAN, dashed=False)
    _outline(canvas, candidate, MAGENTA, dashed=True)
    return Image.fromarray(canvas)


def _resized(mask: Mask, shape: tuple[int, ...]) -> Mask:
    shown = Image.fromarray(mask.astype(np.uint8)).resize((shape[1], shape[0]), Image.Resampling.NEAREST)
    return np.array(shown, dtype=bool)


def _outline(canvas: NDArray[np.uint8], mask: Mask, colour: tuple[int, int, int], *, dashed: bool) -> None:
    """Draw a mask's edge, two pixels of colour beside a dark one, so that it is seen on any ground; all inside it."""
    inner = ndimage.binary_erosion(mask, iterations=2)
    dark = inner & ~ndimage.binary_erosion(inner)
    edge = mask & ~inner
    if dashed:
        rows, columns = np.indices(mask.shape)
        stroke = (rows + columns) // 5 % 2 == 0
        edge, dark = edge & stroke, dark & stroke
    canvas[dark] = canvas[dark] // 3
    canvas[edge] = colour


def _png(page: Image.Image) -> bytes:
    """Return the file, with at most 256 colours: a quarter of the bytes, and nobody sees it at this size."""
    stream = io.BytesIO()
    reduced = page.quantize(256, method=Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)
    reduced.save(stream, "PNG", optimize=True)
    return stream.getvalue()
