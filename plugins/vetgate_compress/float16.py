"""Weights and arithmetic in 16-bit floating point."""

from __future__ import annotations

import logging
import warnings

import numpy as np
import onnx
from onnx import TensorProto, numpy_helper
from onnxruntime.transformers.float16 import DEFAULT_OP_BLOCK_LIST, convert_float_to_float16
from onnxruntime.transformers.onnx_model import OnnxModel

from vetgate.api import Bench, Made, WorkerFailed, read_settings
from vetgate_compress.graph import graphs, load, nodes, save
from vetgate_compress.refusal import reason
from vetgate_compress.settings import NONE

_LARGEST = float(np.finfo(np.float16).max)
logging.getLogger("onnxruntime.transformers.onnx_model").setLevel(logging.WARNING)


class Float16:
    """Converts weights and operators to float16; input and output stay float32."""

    def compress(self, bench: Bench) -> Made:
        """Convert; see vetgate.api.Compressor."""
        read_settings("float16", bench.settings, NONE)
        model = load(bench)
        notes = ["weights and arithmetic in float16, input and output in float32", *_kept(model), *_clipped(model)]
        bench.tell("convert", 0, 1)
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # numbers nearer to 0 than float16 holds
                converted = OnnxModel(convert_float_to_float16(model, keep_io_types=True))
            converted.topological_sort()  # the converter appends the cast of the input behind its consumers
        except Exception as error:  # the converter raises whatever it stumbles over
            raise WorkerFailed(f"onnxruntime cannot convert the model to float16: {reason(error)}") from None
        save(converted.model, bench)
        bench.tell("convert", 1, 1)
        return Made(notes=tuple(notes))


def _kept(model: onnx.ModelProto) -> list[str]:
    blocked = sorted({node.op_type for node in nodes(model)} & set(DEFAULT_OP_BLOCK_LIST))
    return [f"kept in float32, for having no float16 form: {', '.join(blocked)}"] if blocked else []


def _clipped(model: onnx.ModelProto) -> list[str]:
    weights = [
        tensor for graph in graphs(model) for tensor in graph.initializer if tensor.data_type == TensorProto.FLOAT
    ]
    beyond = [tensor.name for tensor in weights if np.any(np.abs(numpy_helper.to_array(tensor)) > _LARGEST)]
    return [f"clipped to {_LARGEST:,.0f}, the largest float16: numbers in {', '.join(beyond)}"] if beyond else []
