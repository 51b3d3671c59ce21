"""What an MNN model holds."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

from vetgate_runtime.feed import image_shape
from vetgate_runtime.mnn import CONVOLUTION, Op
from vetgate_runtime.mnn_weight import Weights

from vetgate.api import Card, Operator, Port, Structure
from vetgate_mnn.content import Content, load
from vetgate_mnn.engine import Engine
from vetgate_mnn.weight import figures

_BACKWARDS = frozenset({"Deconvolution", "DeconvolutionDepthwise"})
_PRODUCTS = frozenset({"MatMul", "BatchMatMul"})
_HIDDEN = frozenset(
    {
        "LSTM", "RNN", "RNNSequenceGRU", "LSTMBlockCell", "Attention", "FmhaV2", "Fmhca", "LinearAttention", "MoE",
        "FusedLinear", "Convolution3D", "ConvTranspose3D", "QuantizedDepthwiseConv2D", "TfQuantizedConv2D", "Extra",
        "Plugin", "While", "If", "Stft", "Conv2DBackPropFilter", "Dilation2D", "InnerProduct",
    }
)  # fmt: skip
"""Operators that multiply in ways not counted here, or that hide what they do."""


def describe(path: Path, card: Card | None) -> Structure:
    """Return ports, tensors and operators.

    Args:
        path: The model.
        card: States the size of an image, where the file leaves it open.

    Raises:
        UnreadableArtifact: Truncated or damaged, or refused by MNN.
    """
    content = load(path)
    shapes, free = _shapes(content, card)
    operators, notes = _operators(content, shapes)
    if content.unread:
        notes.append(f"Weights cannot be told: {'; '.join(content.unread)}.")
    given = content.ports()
    if free:
        given = tuple(port.model_copy(update={"shape": (None, *port.shape[1:])}) for port in given)
    return Structure(
        inputs=given,
        outputs=tuple(_output(name, shapes, free=free) for name in content.net.outputs),
        tensors=() if content.unread else tuple(
            figures(f"{op.name}.{stored.name}", stored) for op, held in content.weights for stored in held.stored
        ),
        operators=operators,
        metadata={},
        notes=tuple(notes),
    )  # fmt: skip


def _output(name: str, shapes: Mapping[str, tuple[int, ...]], *, free: bool) -> Port:
    shape: tuple[int | None, ...] = shapes.get(name, (None,))
    return Port(name=name, shape=(None, *shape[1:]) if free else shape, dtype="float32")


def _shapes(content: Content, card: Card | None) -> tuple[dict[str, tuple[int, ...]], bool]:
    """Return the shapes of tensors for one image, as MNN infers them, and whether the batch is free."""
    if len(content.inputs) != 1:
        return {}, False
    entry = content.inputs[0]
    lengths = list(entry.shape[1:])
    if None in lengths and card is not None and len(lengths) == 3:  # channels, height and width
        lengths = [have or want for have, want in zip(lengths, image_shape(card), strict=True)]
    sizes = tuple(length for length in lengths if length is not None)
    if len(sizes) != len(lengths) or not entry.shape:
        return {}, False
    engine = Engine(content.path, entry, threads=1, kept=content.net.tensors)
    free = is_free(engine, sizes, content.net.outputs)
    batch = 1 if free else entry.shape[0] or 1
    return (engine.shapes() if engine.fits((batch, *sizes)) else {}), free


def is_free(engine: Engine, sizes: tuple[int, ...], outputs: tuple[str, ...]) -> bool:
    """Return whether a model takes any number of images: files say one where they were exported with a free batch."""
    for batch in (2, 3):
        if not engine.fits((batch, *sizes)):
            return False
        shapes = engine.shapes()
        if any(shapes.get(name, ())[:1] != (batch,) for name in outputs):
            return False
    return True


def _operators(content: Content, shapes: Mapping[str, tuple[int, ...]]) -> tuple[tuple[Operator, ...], list[str]]:
    counts = Counter(op.type for op in content.net.ops if op.type not in ("Input", "Const", "TrainableParam"))
    held = {id(op): weights for op, weights in content.weights}
    images = next((shapes[entry.name][0] for entry in content.inputs if entry.name in shapes), 1)
    total: Counter[str] = Counter()
    reasons: dict[str, str] = {}
    for op in content.net.ops:
        macs, reason = _macs(op, held.get(id(op)), content.net.tensors, shapes)
        if macs is None:
            reasons.setdefault(op.type, reason)
        else:
            total[op.type] += macs
    operators = tuple(
        Operator(type=kind, count=count, macs=None if kind in reasons else total[kind] // max(1, images))
        for kind, count in sorted(counts.items())
    )
    return operators, [f"Multiply-accumulates of {kind} cannot be told: {why}." for kind, why in reasons.items()]


def _macs(
    op: Op, held: Weights | None, names: tuple[str, ...], shapes: Mapping[str, tuple[int, ...]]
) -> tuple[int | None, str]:
    """Return the multiply-accumulates of one operator for the whole batch, or None and why they cannot be told."""
    if op.type in _HIDDEN:
        return None, "what it multiplies is not counted"
    if op.kind != CONVOLUTION and op.type not in _PRODUCTS:
        return 0, ""
    given, out = (_shape(places, names, shapes) for places in (op.inputs, op.outputs))
    if given is None or out is None:
        return None, "shapes cannot be inferred without a card, or at all"
    if op.type in _PRODUCTS:
        turned = op.table is not None and op.table.integer(1 if op.type == "MatMul" else 0, "B") != 0
        return math.prod(out) * (given[-2] if turned and len(given) > 1 else given[-1]), ""
    weight = next((stored.shape for stored in held.stored if stored.name == "weight"), ()) if held else ()
    if not weight:
        return None, "its weights are not stored with it"
    return math.prod(given if op.type in _BACKWARDS else out) * math.prod(weight[1:]), ""


def _shape(
    places: tuple[int, ...], names: tuple[str, ...], shapes: Mapping[str, tuple[int, ...]]
) -> tuple[int, ...] | None:
    if not places or not 0 <= places[0] < len(names) or names.count(names[places[0]]) > 1:
        return None
    return shapes.get(names[places[0]])
