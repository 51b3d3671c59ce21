"""What an ONNX file holds."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, ValueInfoProto, helper

from vetgate.api import Card, Operator, Port, Structure, UnreadableArtifact
from vetgate_onnx.graph import STANDARD, Graph, first_sentence, load
from vetgate_onnx.macs import tally
from vetgate_onnx.preprocess import own_scaling
from vetgate_onnx.quantisation import input_scaling, output_scaling
from vetgate_onnx.shape import infer
from vetgate_onnx.weight import tensors

_CHECKED_UP_TO = 64_000_000
"""Bytes of a model up to which onnx.checker is asked; beyond, it would copy too much."""


def describe(path: Path, card: Card | None) -> Structure:
    """Return ports, tensors, operators and metadata.

    Args:
        path: The model; its external data lies beside it.
        card: States height and width where the model leaves them free.

    Raises:
        UnreadableArtifact: Truncated or damaged.
    """
    graph = load(path)
    if not graph.model.graph.output:
        raise UnreadableArtifact("its graph has no output")
    shapes = infer(graph, card)
    operators, notes = [], _objections(graph, path)
    for kind, part in tally(graph, shapes).items():
        operators.append(Operator(type=kind, count=part.count, macs=part.macs))
        if part.macs is None:
            notes.append(f"Multiply-accumulates of {kind} cannot be told: {part.reason}.")
    if shapes.batch > 1:
        notes.append(f"The model is fixed to {shapes.batch} images at once; multiply-accumulates are of one.")
    return Structure(
        inputs=tuple(_port(graph, port, is_input=True) for port in graph.inputs()),
        outputs=tuple(_port(graph, port, is_input=False) for port in graph.model.graph.output),
        tensors=tensors(graph),
        operators=tuple(operators),
        own_scaling=own_scaling(graph),
        metadata=_metadata(graph),
        notes=tuple(notes),
    )


def _objections(graph: Graph, path: Path) -> list[str]:
    """Return what onnx.checker says against the model; a note, for ONNX Runtime runs many models it refuses."""
    if path.stat().st_size > _CHECKED_UP_TO or any(
        tensor.data_location == TensorProto.EXTERNAL for tensor in graph.constants.values()
    ):
        return []
    try:
        onnx.checker.check_model(graph.model)
    except Exception as error:  # the checker's own, and RuntimeError from below it
        return [f"onnx.checker objects: {first_sentence(error)}"]
    return []


def _port(graph: Graph, value: ValueInfoProto, *, is_input: bool) -> Port:
    tensor = value.type.tensor_type
    dims = [dim.dim_value if dim.HasField("dim_value") else None for dim in tensor.shape.dim]
    scaling = input_scaling(graph, value.name) if is_input else output_scaling(graph, value.name)
    return Port(
        name=value.name,
        shape=tuple(length if length and length > 0 else None for length in dims),
        dtype=_type_name(value),
        scale=None if scaling is None else scaling.scale,
        zero_point=None if scaling is None else scaling.zero_point,
    )


def _type_name(value: ValueInfoProto) -> str:
    if not value.type.HasField("tensor_type"):
        return str(value.type.WhichOneof("value") or "unknown").removesuffix("_type")
    try:
        return str(np.dtype(helper.tensor_dtype_to_np_dtype(value.type.tensor_type.elem_type)).name)
    except (KeyError, ValueError, TypeError):
        return "unknown"


def _metadata(graph: Graph) -> dict[str, str]:
    """Return what the file says about itself, and who made it."""
    model = graph.model
    opsets = {entry.domain or "ai.onnx": entry.version for entry in model.opset_import}
    told = {entry.key: entry.value for entry in model.metadata_props}
    told["onnx.ir_version"] = str(model.ir_version)
    told["onnx.opset"] = ", ".join(f"{domain} {version}" for domain, version in sorted(opsets.items()))
    told["onnx.producer"] = f"{model.producer_name} {model.producer_version}".strip()
    foreign = sorted({node.proto.domain for node in graph.nodes if node.proto.domain not in STANDARD})
    if foreign:
        told["onnx.domains"] = ", ".join(foreign)
    return told
