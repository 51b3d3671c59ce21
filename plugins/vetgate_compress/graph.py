"""Reading the ONNX file that a step starts from."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, numpy_helper

from vetgate.api import Bench, Inconclusive, UnreadableArtifact, WorkerFailed
from vetgate_compress.refusal import reason

WEIGHTED: Final = ("Conv", "ConvTranspose", "MatMul", "Gemm")
_QUANTISED: Final = ("QuantizeLinear", "DequantizeLinear", "DynamicQuantizeLinear", "ConvInteger", "MatMulInteger")
_LARGEST: Final = 2**31


def load(bench: Bench) -> onnx.ModelProto:
    """Return the model of `bench.source` with its external data.

    Raises:
        UnreadableArtifact: It is damaged.
        Inconclusive: It is quantised already, is no float32 model, or holds nothing to compress.
    """
    try:
        model = onnx.load(bench.source)
        size = model.ByteSize()
    except Exception as error:  # protobuf and onnx share no base class of their errors
        raise UnreadableArtifact(f"{bench.source.name} cannot be read as an ONNX model: {reason(error)}") from None
    if size >= _LARGEST:
        raise Inconclusive(f"it takes {size / 1e9:.1f} GB; variants are single ONNX files of less than 2 GB")
    _check(model)
    return model


def save(model: onnx.ModelProto, bench: Bench) -> None:
    """Check a model and write it to `bench.output`.

    Raises:
        WorkerFailed: It is not valid, or ONNX Runtime refuses it.
    """
    try:
        onnx.checker.check_model(model)
    except onnx.checker.ValidationError as error:
        raise WorkerFailed(f"what came out is no valid ONNX model: {reason(error)}") from None
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = bench.threads
    options.log_severity_level = 4
    # the layout optimiser kills the process on some float16 attention models: microsoft/onnxruntime#28392
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_BASIC
    try:
        onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    except Exception as error:  # onnxruntime's errors share no base class of their own
        raise WorkerFailed(f"ONNX Runtime refuses what came out: {reason(error)}") from None
    onnx.save(model, bench.output)


def graphs(model: onnx.ModelProto) -> Iterator[onnx.GraphProto]:
    """Yield the main graph and every graph inside its nodes (If, Loop, Scan)."""
    pending = [model.graph]
    while pending:
        graph = pending.pop()
        yield graph
        for node in graph.node:
            for attribute in node.attribute:
                pending.extend([attribute.g] if attribute.HasField("g") else attribute.graphs)


def nodes(model: onnx.ModelProto) -> Iterator[onnx.NodeProto]:
    """Yield every node, also those of inner graphs."""
    for graph in graphs(model):
        yield from graph.node


def image_input(model: onnx.ModelProto) -> onnx.ValueInfoProto:
    """Return the one input.

    Raises:
        Inconclusive: There are several, or none.
    """
    constants = {tensor.name for tensor in model.graph.initializer}
    inputs: list[onnx.ValueInfoProto] = [port for port in model.graph.input if port.name not in constants]
    if len(inputs) != 1:
        raise Inconclusive(f"the model has {len(inputs)} inputs; only models with one image input are compressed")
    return inputs[0]


def find_weights(model: onnx.ModelProto) -> list[onnx.TensorProto]:
    """Return the float32 weights of convolutions and matrix products in the order of the graph, each once; never empty.

    Raises:
        Inconclusive: There are none that the file stores.
    """
    found: dict[str, onnx.TensorProto] = {}
    for graph in graphs(model):
        stored = {tensor.name: tensor for tensor in graph.initializer if tensor.data_type == TensorProto.FLOAT}
        for node in graph.node:
            if node.op_type in WEIGHTED:
                taken = [stored[name] for name in node.input[:2] if name in stored]
                found.update({tensor.name: tensor for tensor in taken if len(tensor.dims) > 1})
    if not found:
        raise Inconclusive("no convolution or matrix product of the model has float32 weights stored in the file")
    return list(found.values())


def _check(model: onnx.ModelProto) -> None:
    types = {node.op_type for node in nodes(model)}
    quantised = sorted(name for name in types if name in _QUANTISED or name.startswith("QLinear"))
    if quantised:
        raise Inconclusive(
            f"the model is quantised already: it has {', '.join(quantised)}",
            hint="give the float32 model that it was made from",
        )
    if not types & set(WEIGHTED):
        raise Inconclusive("the model has no convolution or matrix product, so there is nothing to compress")
    tensors = [tensor for graph in graphs(model) for tensor in graph.initializer]
    stored = [tensor.data_type for tensor in tensors]
    if TensorProto.FLOAT not in stored:
        kinds = sorted({TensorProto.DataType.Name(kind).lower() for kind in stored}) or ["none"]
        raise Inconclusive(
            f"its weights are not float32 but {', '.join(kinds)}", hint="give the float32 model that it was made from"
        )
    for tensor in tensors:
        if tensor.data_type == TensorProto.FLOAT and not np.isfinite(numpy_helper.to_array(tensor)).all():
            raise Inconclusive(f"{tensor.name} holds NaN or infinity")
