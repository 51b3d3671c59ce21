"""What an ncnn model holds."""

from __future__ import annotations

import math
from collections import Counter
from typing import Literal, cast

import numpy as np
from vetgate_runtime.feed import image_shape
from vetgate_runtime.ncnn import Layer, Stored

from vetgate.api import Artifact, Card, Operator, Port, Structure, Tensor
from vetgate_ncnn.files import Files, read
from vetgate_ncnn.network import Network

_BITS = {"float32": 32.0, "float16": 16.0, "int8": 8.0, "table": 8.0}
_BY_OUTPUT = frozenset({"Convolution", "ConvolutionDepthWise", "Convolution1D", "ConvolutionDepthWise1D"})
_BY_INPUT = frozenset({"Deconvolution", "DeconvolutionDepthWise", "Deconvolution1D", "DeconvolutionDepthWise1D"})
_MULTIPLIES = _BY_OUTPUT | _BY_INPUT | {"InnerProduct"}
_HIDDEN = frozenset({"Gemm", "MatMul", "MultiHeadAttention", "SDPA", "LSTM", "GRU", "RNN", "Einsum"})
"""Layers that multiply in ways not counted here."""


def describe(artifact: Artifact, card: Card | None) -> Structure:
    """Return ports, tensors and operators.

    Args:
        artifact: The model.
        card: States the size of an image, which the files leave open.

    Raises:
        UnreadableArtifact: Truncated or damaged, or of layers whose weights are not known.
    """
    files = read(artifact)
    shapes = _shapes(files, card)
    operators, notes = _operators(files, shapes)
    image = (1, *image_shape(card)) if card is not None and card.input.layout == "NCHW" else (1, None, None, None)
    return Structure(
        inputs=tuple(Port(name=name, shape=image, dtype="float32") for name in files.inputs),
        outputs=tuple(Port(name=name, shape=_with_batch(shapes.get(name)), dtype="float32") for name in files.outputs),
        tensors=tuple(_tensor(files, stored) for stored in files.stored),
        operators=operators,
        metadata={"ncnn.layers": str(len(files.layers))},
        notes=tuple(notes),
    )


def _with_batch(shape: tuple[int, ...] | None) -> tuple[int | None, ...]:
    return (1, *(shape or (None,)))


def _shapes(files: Files, card: Card | None) -> dict[str, tuple[int, ...]]:
    """Return the shapes of blobs for the card's image, as ncnn makes them of zeros; empty where it cannot."""
    if card is None or card.input.layout != "NCHW" or len(files.inputs) != 1:
        return {}
    network = Network(files, card, threads=1)
    return network.shapes(files.inputs[0], np.zeros(image_shape(card), np.float32))


def _tensor(files: Files, stored: Stored) -> Tensor:
    values = files.values(stored)
    return Tensor(
        name=f"{stored.layer.name}.{stored.slot.name}",
        shape=stored.slot.shape,
        dtype="uint8" if stored.dtype == "table" else stored.dtype,
        kind=cast(Literal["parameter", "normalisation", "state"], stored.slot.kind),
        elements=stored.slot.count,
        nonzero=int(np.count_nonzero(values)),
        distinct=int(np.unique(values).size),
        bits=_BITS[stored.dtype],
    )


def _operators(files: Files, shapes: dict[str, tuple[int, ...]]) -> tuple[tuple[Operator, ...], list[str]]:
    counts = Counter(layer.type for layer in files.layers if layer.type not in ("Input", "MemoryData"))
    total: Counter[str] = Counter()
    reasons: dict[str, str] = {}
    weights = {stored.layer.tops: stored.slot.shape for stored in files.stored if stored.slot.name == "weight"}
    for layer in files.layers:
        macs, reason = _macs(layer, weights.get(layer.tops, ()), shapes)
        if macs is None:
            reasons.setdefault(layer.type, reason)
        else:
            total[layer.type] += macs
    operators = tuple(
        Operator(type=kind, count=count, macs=None if kind in reasons else total[kind])
        for kind, count in sorted(counts.items())
    )
    return operators, [f"Multiply-accumulates of {kind} cannot be told: {why}." for kind, why in reasons.items()]


def _macs(layer: Layer, weight: tuple[int, ...], shapes: dict[str, tuple[int, ...]]) -> tuple[int | None, str]:
    """Return the multiply-accumulates of one layer for one image, or None and why they cannot be told."""
    if not layer.tops or not layer.bottoms:
        return (0, "") if layer.type not in _MULTIPLIES else (None, "a layer takes or makes nothing")
    if layer.type == "InnerProduct":
        out = shapes.get(layer.tops[0])
        rows = math.prod(out) // max(1, layer.whole(0)) if out else 1
        return math.prod(weight) * max(1, rows), ""
    if layer.type in _HIDDEN:
        return None, "what it multiplies is not counted"
    if layer.type not in _BY_OUTPUT | _BY_INPUT:
        return 0, ""
    blob = shapes.get((layer.tops if layer.type in _BY_OUTPUT else layer.bottoms)[0])
    channels = layer.whole(0)
    if blob is None:
        return None, "the size of its image is not known without a card, or ncnn does not reach it"
    if layer.type in _BY_OUTPUT:
        return math.prod(blob) * math.prod(weight) // max(1, channels), ""
    return math.prod(blob) * math.prod(weight) // max(1, blob[0]), ""
