"""8-bit integers with ONNX Runtime: ranges of activations measured at each run, or fixed beforehand on images."""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import numpy as np
import onnx
from numpy.typing import NDArray
from onnxruntime import quantization
from onnxruntime.quantization.shape_inference import quant_pre_process

from vetgate.api import Bench, Inconclusive, Made, VetgateError, WorkerFailed, read_settings
from vetgate_compress.graph import WEIGHTED, image_input, load, save
from vetgate_compress.refusal import reason
from vetgate_compress.settings import NONE, STATIC

_BATCH: Final = 100
_NUMBERS: Final = 1 << 22
"""Input numbers of one calibration batch at most."""


class Dynamic:
    """8-bit weights; each operator measures the range of its input at every run."""

    def compress(self, bench: Bench) -> Made:
        """Quantise; see vetgate.api.Compressor."""
        read_settings("int8-dynamic", bench.settings, NONE)
        model = load(bench)
        bench.tell("quantise", 0, 1)
        with _prepared(model) as (prepared, quantised):
            # signed weights answer alike and ran 3 times slower (ConvInteger, x86-64)
            quantization.quantize_dynamic(prepared, quantised, weight_type=quantization.QuantType.QUInt8)
            result = onnx.load(quantised)
        save(result, bench)
        bench.tell("quantise", 1, 1)
        return Made(
            notes=(
                _quantised(model, result),
                "U8 weights for each tensor, ranges of activations measured at each run: convolutions run as"
                " ConvInteger, usually slower than in float32",
                "not fine-tuned afterwards",
            )
        )


class Static:
    """8-bit weights and activations, whose ranges calibration images fix."""

    def compress(self, bench: Bench) -> Made:
        """Quantise; see vetgate.api.Compressor."""
        wanted = int(read_settings("int8-static", bench.settings, STATIC)["images"])
        if bench.calibration is None or not len(bench.calibration):
            raise Inconclusive(
                "int8-static needs calibration images and there are none", hint="give them with --calibration-data"
            )
        model = load(bench)
        pixels = bench.calibration.pixels
        drawn = np.sort(np.random.default_rng(bench.seed).permutation(len(pixels))[:wanted])
        with _prepared(model) as (prepared, quantised):
            quantization.quantize_static(
                prepared,
                quantised,
                _Reader(bench, pixels[drawn], model),
                quant_format=quantization.QuantFormat.QDQ,
                per_channel=True,
                activation_type=quantization.QuantType.QUInt8,
                weight_type=quantization.QuantType.QInt8,
            )
            result = onnx.load(quantised)
        save(result, bench)
        fewer = f" ({wanted:,} were asked for, there are no more)" if len(drawn) < wanted else ""
        return Made(
            notes=(
                _quantised(model, result),
                "S8 weights for each channel, U8 activations, their ranges the least and greatest values on"
                f" {len(drawn):,} calibration images{fewer}",
                "not fine-tuned afterwards",
            )
        )


class _Reader(quantization.CalibrationDataReader):  # type: ignore[misc]
    """Batches of images in the form that ONNX Runtime's calibration asks for."""

    def __init__(self, bench: Bench, pixels: NDArray[np.uint8], model: onnx.ModelProto) -> None:
        port = image_input(model)
        fixed = port.type.tensor_type.shape.dim[0].dim_value if port.type.tensor_type.shape.dim else 0
        size = max(1, min(_BATCH, _NUMBERS // max(1, pixels[0].size)))
        self._name, self._bench, self._pixels = port.name, bench, pixels
        self._size, self._done = fixed or size, 0
        if fixed:  # the last batch is filled up with images that were there before
            self._pixels = pixels[np.resize(np.arange(len(pixels)), -(-len(pixels) // fixed) * fixed)]

    def get_next(self) -> dict[str, NDArray[np.float32]] | None:
        """Return the next batch, or None after the last."""
        self._bench.tell("calibrate", self._done, len(self._pixels))
        part = self._pixels[self._done : self._done + self._size]
        self._done += len(part)
        return {self._name: self._bench.normalise(part)} if len(part) else None


@contextmanager
def _prepared(model: onnx.ModelProto) -> Iterator[tuple[Path, Path]]:
    """Yield the file with shapes known and normalisation folded into convolutions, and where the quantised one goes.

    Raises:
        WorkerFailed: ONNX Runtime cannot prepare or quantise it.
    """
    logging.getLogger().addFilter(_advice)
    try:
        with tempfile.TemporaryDirectory() as folder:
            prepared, quantised = Path(folder, "prepared.onnx"), Path(folder, "quantised.onnx")
            onnx.save(_without_stated_weights(model), prepared)
            quant_pre_process(prepared, prepared, skip_symbolic_shape=True)
            yield prepared, quantised
    except (VetgateError, MemoryError):
        raise
    except Exception as error:  # onnxruntime's errors share no base class of their own
        raise WorkerFailed(f"onnxruntime cannot quantise the model: {reason(error)}") from None
    finally:
        logging.getLogger().removeFilter(_advice)


def _without_stated_weights(model: onnx.ModelProto) -> onnx.ModelProto:
    """Return a copy that states no shapes of weights besides the weights: quantisation transposes some of them."""
    copy = onnx.ModelProto()
    copy.CopyFrom(model)
    weights = {tensor.name for tensor in copy.graph.initializer}
    for stated in [value for value in copy.graph.value_info if value.name in weights]:
        copy.graph.value_info.remove(stated)
    return copy


def _advice(record: logging.LogRecord) -> bool:
    """Keep back the library's advice to prepare the model, which has been prepared."""
    return "pre-processing before quantization" not in record.getMessage()


def _quantised(model: onnx.ModelProto, result: onnx.ModelProto) -> str:
    """Say how many convolutions and matrix products became integer ones.

    Raises:
        Inconclusive: None did.
    """
    before = sum(node.op_type in WEIGHTED for node in model.graph.node)
    if any(node.op_type == "DequantizeLinear" for node in result.graph.node):
        fed = {name for node in result.graph.node if node.op_type == "DequantizeLinear" for name in node.output}
        after = sum(node.op_type in WEIGHTED and set(node.input[:2]) <= fed for node in result.graph.node)
    else:
        after = sum(node.op_type in ("ConvInteger", "MatMulInteger") for node in result.graph.node)
    if not after:
        raise Inconclusive("onnxruntime quantised none of its convolutions and matrix products")
    return f"quantised {after} of {before} convolutions and matrix products"
