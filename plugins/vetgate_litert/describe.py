"""What a TFLite file holds."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

from vetgate.api import Card, Operator, Port, Structure
from vetgate_litert.model import SubgraphInfo, TensorInfo, TfliteModel, read
from vetgate_litert.operator import images_at_once, tally
from vetgate_litert.preprocess import own_scaling
from vetgate_litert.sized import sized
from vetgate_litert.weight import tensors


def describe(path: Path, card: Card | None) -> Structure:
    """Return ports, tensors, operators and metadata.

    Args:
        path: The file.
        card: States height and width where the model leaves them free.

    Raises:
        UnreadableArtifact: Truncated or damaged.
    """
    model = read(path)
    graph = model.main
    operators, notes = [], _notes(model)
    shaped = replace(model, subgraphs=(sized(graph, path, card), *model.subgraphs[1:]))
    for kind, part in tally(shaped).items():
        operators.append(Operator(type=kind, count=part.count, macs=part.macs))
        if part.macs is None:
            notes.append(f"Multiply-accumulates of {kind} cannot be told: {part.reason}.")
    return Structure(
        inputs=tuple(port(graph.tensors[index]) for index in graph.inputs),
        outputs=tuple(port(graph.tensors[index]) for index in graph.outputs),
        tensors=tensors(model.subgraphs),
        own_scaling=own_scaling(graph),
        operators=tuple(operators),
        metadata=model.metadata,
        notes=tuple(notes),
    )


def port(info: TensorInfo) -> Port:
    """Return an input or output with the scale and zero point that the file states."""
    lengths = tuple(None if free < 0 else length for length, free in zip(info.shape, info.signature, strict=True))
    # LiteRT, too, ignores a scale without a zero point
    one = len(info.scales) == len(info.zeros) == 1 and 0 < info.scales[0] < math.inf
    return Port(
        name=info.name,
        shape=lengths,
        dtype=info.dtype,
        scale=info.scales[0] if one else None,
        zero_point=info.zeros[0] if one else None,
    )


def _notes(model: TfliteModel) -> list[str]:
    graph: SubgraphInfo = model.main
    notes = []
    if len(model.subgraphs) > 1:
        notes.append(f"The file holds {len(model.subgraphs)} graphs; ports and operators are those of the first.")
    if images_at_once(graph) > 1:
        notes.append(f"The model takes {images_at_once(graph)} images at once; multiply-accumulates are of one.")
    sparse = [info.name for info in graph.tensors if info.constant and info.sparse]
    if sparse:
        notes.append(f"{len(sparse)} tensors are stored sparse, such as {sparse[0]!r}; bits leave their indices out.")
    blockwise = [info.name for info in graph.tensors if info.constant and info.blockwise]
    if blockwise:
        notes.append(
            f"{len(blockwise)} tensors have scales by block, such as {blockwise[0]!r}; "
            "their distinct values are counted before scaling."
        )
    return notes
