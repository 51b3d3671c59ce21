"""From a trained network to ONNX files: float32, float16, int8 and pruned."""

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
import torch
from data import Images, normalise
from onnxruntime import quantization
from onnxruntime.quantization.shape_inference import quant_pre_process
from onnxruntime.transformers.float16 import convert_float_to_float16
from onnxruntime.transformers.onnx_model import OnnxModel
from torch import nn
from torch.nn.utils import prune

INPUT = "image"
OUTPUT = "logits"
OPSET = 20
CALIBRATION_BATCH = 100


def strip(message: Any) -> None:  # noqa: ANN401  # any protobuf message
    """Clear every metadata_props and doc_string inside an ONNX message.

    The exporter writes stack traces with local paths into them.
    """
    for field, value in message.ListFields():
        if field.name in ("metadata_props", "doc_string"):
            message.ClearField(field.name)
        elif field.message_type is not None:
            for part in [value] if hasattr(value, "ListFields") else value:
                strip(part)


def save_onnx(model: onnx.ModelProto, path: Path) -> None:
    """Strip a model of metadata and unused operator sets, check it and write it as one file."""
    strip(model)
    used = {node.domain for node in model.graph.node}
    for unused in [opset for opset in model.opset_import if opset.domain not in used]:
        model.opset_import.remove(unused)
    onnx.checker.check_model(model, full_check=True)
    onnx.save(model, path)


def to_onnx(model: nn.Module) -> onnx.ModelProto:
    """Return a float32 ONNX model: `image` (N, 1, 28, 28) to `logits` (N, 10), N dynamic."""
    example = torch.zeros(2, 1, 28, 28)
    program = torch.onnx.export(
        model.eval(),
        (example,),
        dynamo=True,
        opset_version=OPSET,
        input_names=[INPUT],
        output_names=[OUTPUT],
        dynamic_shapes=({0: torch.export.Dim("batch")},),
        verbose=False,
    )
    if program is None:
        raise RuntimeError("torch.onnx.export returned no program")
    return program.model_proto


def to_float16(model: onnx.ModelProto) -> onnx.ModelProto:
    """Return a copy whose weights and arithmetic are float16 and whose input and output stay float32."""
    copy = onnx.ModelProto()
    copy.CopyFrom(model)
    converted = OnnxModel(convert_float_to_float16(copy, keep_io_types=True))
    converted.topological_sort()  # the converter appends the cast of the input behind its consumers
    half: onnx.ModelProto = converted.model
    return half


class Calibration(quantization.CalibrationDataReader):  # type: ignore[misc]
    """Batches of normalised images in the form that onnxruntime's calibration asks for."""

    def __init__(self, images: Images) -> None:
        """Take training images (N, 28, 28), uint8."""
        self.batches: Iterator[torch.Tensor] = iter(torch.split(normalise(images), CALIBRATION_BATCH))

    def get_next(self) -> dict[str, npt.NDArray[np.float32]] | None:
        """Return the next batch (CALIBRATION_BATCH, 1, 28, 28), or None after the last."""
        batch = next(self.batches, None)
        return None if batch is None else {INPUT: batch.numpy()}


def to_int8(model: onnx.ModelProto, calibration: Images) -> onnx.ModelProto:
    """Return a statically quantised copy in QDQ form: S8 weights per channel, U8 activations.

    With S8 activations, onnxruntime's default, the file runs slower than float32 on x86-64.

    Args:
        model: The float32 model.
        calibration: Training images (N, 28, 28), whose smallest and largest activations set the ranges.
    """
    with tempfile.TemporaryDirectory() as folder:
        prepared, quantised = Path(folder, "prepared.onnx"), Path(folder, "quantised.onnx")
        quant_pre_process(model, prepared)
        quantization.quantize_static(
            prepared,
            quantised,
            Calibration(calibration),
            quant_format=quantization.QuantFormat.QDQ,
            per_channel=True,
            activation_type=quantization.QuantType.QUInt8,
            weight_type=quantization.QuantType.QInt8,
        )
        return onnx.load(quantised)


def prune_weights(model: nn.Module, share: float) -> nn.Module:
    """Zero the share in [0, 1] of smallest convolution and linear weights, over all layers, in place."""
    layers = [(layer, "weight") for layer in model.modules() if isinstance(layer, nn.Conv2d | nn.Linear)]
    prune.global_unstructured(layers, prune.L1Unstructured, amount=share)
    for layer, weight in layers:
        prune.remove(layer, weight)  # type: ignore[no-untyped-call]
    return model
