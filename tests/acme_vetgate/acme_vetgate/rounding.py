"""Rounds the weights of an ONNX model."""

import numpy as np
import onnx
from onnx import TensorProto, numpy_helper

from acme_vetgate.compress import NAME, SETTINGS
from vetgate.api import Bench, Inconclusive, Made, read_settings


class Rounding:
    """Implements Compressor."""

    def compress(self, bench: Bench) -> Made:
        """Round every float32 weight; see vetgate.api.Compressor."""
        digits = int(read_settings(NAME, bench.settings, SETTINGS)["digits"])
        model = onnx.load(bench.source)
        weights = [tensor for tensor in model.graph.initializer if tensor.data_type == TensorProto.FLOAT]
        if not weights:
            raise Inconclusive("the model has no float32 weights to round")
        for done, tensor in enumerate(weights):
            bench.tell("round", done, len(weights))
            rounded = np.round(numpy_helper.to_array(tensor), digits)
            tensor.CopyFrom(numpy_helper.from_array(rounded, tensor.name))
        onnx.save(model, bench.output)
        return Made(notes=(f"{len(weights)} tensors rounded to {digits} decimals; not fine-tuned afterwards",))
