"""Shapes of all values of a graph, for one image."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import onnx
from onnx import ModelProto, TensorProto, TypeProto, ValueInfoProto, numpy_helper

from vetgate.api import Card
from vetgate_onnx.graph import Graph

Shape = tuple[int, ...]
_SMALL = 1024
"""Elements up to which a constant may be a shape that inference has to read."""

_TYPES = {
    "tensor(float)": TensorProto.FLOAT, "tensor(float16)": TensorProto.FLOAT16, "tensor(double)": TensorProto.DOUBLE,
    "tensor(uint8)": TensorProto.UINT8, "tensor(int8)": TensorProto.INT8,
}  # fmt: skip
"""What ONNX Runtime calls the element types that layers have."""


@dataclass
class Shapes:
    """Known shapes by name of value."""

    batch: int = 1
    """Images that the shapes stand for."""
    known: dict[str, Shape] = field(default_factory=dict)
    types: dict[str, int] = field(default_factory=dict)
    """TensorProto's number of the element type."""

    def get(self, name: str) -> Shape | None:
        """Return the shape of a value, or None where any length of it is unknown."""
        return self.known.get(name)


def infer(graph: Graph, card: Card | None, images: int = 1) -> Shapes:
    """Return the shapes with the batch set to one image, or to so many, where it is free.

    Args:
        graph: The model.
        card: States height and width where the model leaves them free; without it they stay unknown.
        images: The batch.
    """
    light = _without_weights(graph)
    shapes = Shapes(batch=_fix_inputs(light, graph, card, images))
    try:
        inferred = onnx.shape_inference.infer_shapes(light, data_prop=True)
    except Exception:  # a graph that inference refuses has unknown shapes, which the caller states
        inferred = light
    _note(shapes, [*inferred.graph.input, *inferred.graph.output, *inferred.graph.value_info])
    shapes.known.update({name: tuple(tensor.dims) for name, tensor in graph.constants.items()})
    _ask_runtime(light, graph, shapes)
    return shapes


def _note(shapes: Shapes, values: Iterable[ValueInfoProto]) -> None:
    for value in values:
        tensor = value.type.tensor_type
        shapes.types[value.name] = tensor.elem_type
        if tensor.HasField("shape") and all(dim.HasField("dim_value") for dim in tensor.shape.dim):
            shapes.known[value.name] = tuple(dim.dim_value for dim in tensor.shape.dim)


def _without_weights(graph: Graph) -> ModelProto:
    """Return the model with its large initialisers turned into inputs: all that shapes need, whatever its size."""
    model = graph.model
    light = ModelProto(ir_version=model.ir_version)
    light.opset_import.extend(model.opset_import)
    source, target = model.graph, light.graph
    target.name = source.name
    target.node.extend(source.node)
    target.input.extend(source.input)
    target.output.extend(source.output)
    target.sparse_initializer.extend(source.sparse_initializer)
    given = {port.name for port in source.input}
    for tensor in source.initializer:
        if math.prod(tensor.dims) <= _SMALL:
            target.initializer.append(_inside(graph, tensor))
        elif tensor.name not in given:
            target.input.append(onnx.helper.make_tensor_value_info(tensor.name, tensor.data_type, list(tensor.dims)))
    target.value_info.extend(source.value_info)
    return light


def _inside(graph: Graph, tensor: TensorProto) -> TensorProto:
    """Return a tensor that carries its values itself."""
    values = graph.array(tensor.name) if tensor.data_location == TensorProto.EXTERNAL else None
    return tensor if values is None else numpy_helper.from_array(values, tensor.name)


def _fix_inputs(light: ModelProto, graph: Graph, card: Card | None, images: int) -> int:
    """Give free lengths of the inputs their values in place; return the batch that the model is fixed to, or 1."""
    symbols: dict[str, int] = {}
    batch = 1
    names = {port.name for port in graph.inputs()}
    for port in light.graph.input:
        dims = port.type.tensor_type.shape.dim
        if port.name in names and len(dims):
            symbols.update(_fix(dims, _wanted(len(dims), card, images)))
            batch = max(batch, dims[0].dim_value if len(dims) > 1 else 1)
    for value in [*light.graph.output, *light.graph.value_info]:
        for dim in value.type.tensor_type.shape.dim:
            if dim.dim_param in symbols:
                dim.dim_value = symbols[dim.dim_param]
    _forget_unknown(light)
    return batch


def _fix(dims: Any, wanted: list[int | None]) -> dict[str, int]:  # noqa: ANN401  # protobuf's repeated field has no public type
    """Set the free lengths of one input in place; return the values of their symbols."""
    symbols = {}
    for dim, value in zip(dims, wanted, strict=True):
        if value is not None and not (dim.HasField("dim_value") and dim.dim_value > 0):
            symbols[dim.dim_param] = value
            dim.dim_value = value
    symbols.pop("", None)
    return symbols


def _wanted(rank: int, card: Card | None, images: int) -> list[int | None]:
    lengths: list[int | None] = [images] + [None] * (rank - 1)
    if card is not None and rank == 4:
        height, width = card.input.size
        channels = card.input.channels
        lengths[1:] = [channels, height, width] if card.input.layout == "NCHW" else [height, width, channels]
    return lengths


def _forget_unknown(light: ModelProto) -> None:
    """Drop stated shapes that are not complete, so that inference finds them anew."""
    whole = [value for value in light.graph.value_info if _complete(value.type)]
    del light.graph.value_info[:]
    light.graph.value_info.extend(whole)
    for value in light.graph.output:
        if not _complete(value.type) and value.type.HasField("tensor_type"):
            value.type.tensor_type.ClearField("shape")


def _complete(kind: TypeProto) -> bool:
    return kind.tensor_type.HasField("shape") and all(dim.HasField("dim_value") for dim in kind.tensor_type.shape.dim)


def _ask_runtime(light: ModelProto, graph: Graph, shapes: Shapes) -> None:
    """Let ONNX Runtime infer the shapes that onnx could not: it knows its own operators, and folds computed shapes.

    No image is shown to it.
    """
    unknown = [
        name
        for node in graph.nodes
        if not node.nested
        for name in node.proto.output
        if name and name not in shapes.known
    ]
    if not unknown:
        return
    import onnxruntime

    wanted = {port.name for port in light.graph.output}
    light.graph.output.extend(ValueInfoProto(name=name) for name in dict.fromkeys(unknown) if name not in wanted)
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_BASIC
    options.intra_op_num_threads = 1
    options.log_severity_level = 4
    try:
        session = onnxruntime.InferenceSession(light.SerializeToString(), options, providers=["CPUExecutionProvider"])
    except Exception:  # unknown operators and unknown shapes alike: the caller states what stays unknown
        return
    for port in session.get_outputs():
        if all(isinstance(length, int) for length in port.shape):
            shapes.known[port.name] = tuple(port.shape)
        if port.type in _TYPES:
            shapes.types[port.name] = _TYPES[port.type]
