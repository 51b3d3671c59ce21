"""Rounds the weights of an ONNX model."""

import numpy as np
import onnx
from onnx import TensorProto, numpy_helper

from acme_vetgate.compress import NAME
from vetgate.api import Bench, Inconclusive, Made, UsageError


class Rounding:
    """Implements Compressor."""

    def compress(self, bench: Bench) -> Made:
        """Round every float32 weight; see vetgate.api.Compressor."""
        digits = _digits(bench)
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


def _digits(bench: Bench) -> int:
    unknown = sorted(set(bench.settings) - {"digits"})
    if unknown:
        raise UsageError(f"compressor {NAME!r} has no setting {unknown[0]!r}; it takes digits (0 to 6)")
    digits = bench.settings.get("digits", 2)
    if not isinstance(digits, int) or not 0 <= digits <= 6:
        raise UsageError(f"compressor {NAME!r}: digits is {digits!r}, but must be a whole number from 0 to 6")
    return digits
