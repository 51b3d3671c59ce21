"""What a model file holds, as OpenVINO reads it."""

from __future__ import annotations

import openvino

from vetgate.api import Artifact, Card, Operator, Structure
from vetgate_openvino.graph import fix_shapes, lengths, load, ports
from vetgate_openvino.operator import tally
from vetgate_openvino.weight import tensors

_CARD = ("vetgate.card",)


def describe(artifact: Artifact, card: Card | None) -> Structure:
    """Return ports, tensors, operators and metadata.

    Args:
        artifact: The model.
        card: States height and width where the model leaves them free.

    Raises:
        UnreadableArtifact: Truncated or damaged.
    """
    graph = load(artifact)
    given, out, stored = ports(graph.inputs), ports(graph.outputs), tensors(graph)
    fix_shapes(graph, card)
    batch = _batch(graph)
    operators, notes = [], []
    for kind, part in tally(graph, batch).items():
        operators.append(Operator(type=kind, count=part.count, macs=part.macs))
        if part.macs is None:
            notes.append(f"Multiply-accumulates of {kind} cannot be told: {part.reason}.")
    if batch > 1:
        notes.append(f"The model is fixed to {batch} images at once; multiply-accumulates are of one.")
    return Structure(
        inputs=given,
        outputs=out,
        tensors=stored,
        operators=tuple(operators),
        metadata=_metadata(graph),
        notes=tuple(notes),
    )


def _batch(graph: openvino.Model) -> int:
    shapes = [lengths(port) for port in graph.inputs]
    return max((shape[0] or 1 for shape in shapes if len(shape) == 4), default=1)


def _metadata(graph: openvino.Model) -> dict[str, str]:
    """Return what the file says about itself, a card among it."""
    told = {"openvino.name": str(graph.get_friendly_name())}
    for key in ("conversion_parameters", "nncf", "framework"):
        if graph.has_rt_info(key):
            told[f"openvino.{key}"] = str(_plain(graph.get_rt_info(key)))[:4000]
    for key in _CARD:
        path = ["vetgate", "card"]
        if graph.has_rt_info(path):
            told[key] = str(_plain(graph.get_rt_info(path)))
    return told


def _plain(value: object) -> object:
    inner = getattr(value, "value", value)
    if isinstance(inner, dict):
        return {str(key): _plain(entry) for key, entry in sorted(inner.items())}
    return inner
