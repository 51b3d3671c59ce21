"""From a PyTorch module to an ONNX file that holds no trace of the machine that wrote it."""

from __future__ import annotations

import warnings
from typing import Any, Final

import numpy as np
import onnx
import onnxruntime
import torch
from torch import nn

from vetgate.api import Bench, Card, Inconclusive, Made, VetgateError, WorkerFailed, read_settings
from vetgate_compress.refusal import reason
from vetgate_compress.settings import NONE

INPUT: Final = "image"
OPSET: Final = 20
_LARGEST: Final = 2**31
"""Bytes of one protobuf message."""
_TOLERANCE: Final = 1e-3
"""Largest difference of the file's answers from the module's, as a share of the largest answer."""


class Float32:
    """The reference as it is, in the format that its variants come in."""

    def compress(self, bench: Bench) -> Made:
        """Export the module; see vetgate.api.Compressor."""
        read_settings("float32", bench.settings, NONE)
        write_module(bench.module(), bench)
        return Made(notes=("uncompressed: the reference's weights, exported to ONNX",))


def example_images(card: Card, batch: int, seed: int = 0) -> torch.Tensor:
    """Return noise of the shape that the model takes: (batch, channels, H, W), or channels last as the card says."""
    height, width = card.input.size
    channels = card.input.channels
    shape = (channels, height, width) if card.input.layout == "NCHW" else (height, width, channels)
    return torch.randn(batch, *shape, generator=torch.Generator().manual_seed(seed))


def output_name(card: Card) -> str:
    """Return the name of the output: what the card says, else what it holds."""
    return card.output.name or card.output.kind


def write_module(module: nn.Module, bench: Bench) -> None:
    """Export a module to `bench.output`, and make sure that the file answers as the module does.

    One input `image` with a free batch, one output named as the card says.

    Raises:
        Inconclusive: It is too large for one file, or gives several things.
        WorkerFailed: It fails, it cannot be exported, or the file answers otherwise.
    """
    torch.set_num_threads(bench.threads)
    bench.tell("export", 0, 1)
    module.eval()
    _check_size(module)
    model = to_onnx(module, bench.card)
    _check_answers(module, model, bench)
    onnx.save(model, bench.output)
    bench.tell("export", 1, 1)


def to_onnx(module: nn.Module, card: Card) -> onnx.ModelProto:
    """Return a module in eval mode as a float32 ONNX model with a free batch.

    Raises:
        Inconclusive: It gives several things.
        WorkerFailed: It fails, or PyTorch's exporter does, with the reason.
    """
    answer(module, example_images(card, 2))
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # what PyTorch's exporter says against itself
            program = torch.onnx.export(
                module,
                (example_images(card, 2),),
                dynamo=True,
                opset_version=OPSET,
                input_names=[INPUT],
                output_names=[output_name(card)],
                dynamic_shapes=({0: torch.export.Dim("batch")},),
                verbose=False,
            )
        if program is None:
            raise WorkerFailed("PyTorch's exporter returned nothing")
        model = program.model_proto
        strip(model)
        onnx.checker.check_model(model, full_check=True)
    except (VetgateError, MemoryError):
        raise
    except Exception as error:  # the exporter runs the module's own code, which may raise anything
        raise WorkerFailed(
            f"PyTorch cannot export the module to ONNX: {reason(error)}",
            hint="export it to ONNX yourself and give that file as the reference",
        ) from None
    return model


def strip(model: onnx.ModelProto) -> None:
    """Drop what the exporter writes into a model besides the network: stack traces with local paths, unused domains."""
    _clear(model)
    used = {node.domain for node in model.graph.node}
    used |= {part.domain for function in model.functions for part in (function, *function.node)}
    for unused in [opset for opset in model.opset_import if opset.domain not in used]:
        model.opset_import.remove(unused)


def _clear(message: Any) -> None:  # noqa: ANN401  # any protobuf message
    for field, value in message.ListFields():
        if field.name in ("metadata_props", "doc_string"):
            message.ClearField(field.name)
        elif field.message_type is not None:
            for part in [value] if hasattr(value, "ListFields") else value:
                _clear(part)


def _check_size(module: nn.Module) -> None:
    stored = sum(tensor.numel() * tensor.element_size() for tensor in module.state_dict().values())
    if stored >= _LARGEST:
        raise Inconclusive(f"its weights take {stored / 1e9:.1f} GB; variants are single ONNX files of less than 2 GB")


def answer(module: nn.Module, images: torch.Tensor) -> torch.Tensor:
    """Return the class scores (N, C) that a module gives images.

    Raises:
        Inconclusive: It returns something else than one tensor.
        WorkerFailed: It fails.
    """
    try:
        with torch.no_grad():
            scores = module(images)
    except Exception as error:  # the module's own code may raise anything
        shape = " x ".join(map(str, images.shape))
        raise WorkerFailed(
            f"the module fails on a batch of {shape}, the shape that its card states: {reason(error)}"
        ) from None
    if not isinstance(scores, torch.Tensor):
        raise Inconclusive(f"the module returns a {type(scores).__name__}; a variant has one output, the class scores")
    return scores


def _check_answers(module: nn.Module, model: onnx.ModelProto, bench: Bench) -> None:
    """Compare file and module on a batch of another size than the exporter saw."""
    images = example_images(bench.card, 3, bench.seed)
    wanted = answer(module, images).detach().numpy().astype(np.float64)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = bench.threads
    options.log_severity_level = 3
    try:
        session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
        given = session.run(None, {INPUT: images.numpy()})[0].astype(np.float64)
    except Exception as error:  # onnxruntime's errors share no base class of their own
        raise WorkerFailed(f"ONNX Runtime cannot run what PyTorch exported: {reason(error)}") from None
    if given.shape != wanted.shape:
        raise WorkerFailed(f"the exported file answers with shape {given.shape}, the module with {wanted.shape}")
    limit = _TOLERANCE * max(1.0, float(np.nanmax(np.abs(wanted), initial=0.0)))
    if not np.allclose(given, wanted, rtol=0.0, atol=limit, equal_nan=True):
        worst = float(np.nanmax(np.abs(given - wanted)))
        raise WorkerFailed(
            f"the exported file answers otherwise than the module: by up to {worst:.3g} in a class score"
        )
