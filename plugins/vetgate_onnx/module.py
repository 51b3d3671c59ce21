"""An ONNX model as a live PyTorch module, converted by onnx2torch."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any, Final

import numpy as np
import onnx
import onnx.version_converter
from onnx import TensorProto, numpy_helper

from vetgate.api import Artifact, Card, CardError, Inconclusive, MissingExtra, UnreadableArtifact, WorkerFailed

_QUANTISED: Final = ("QuantizeLinear", "DequantizeLinear", "DynamicQuantizeLinear", "ConvInteger", "MatMulInteger")
_NEWEST: Final = 17
"""Opset whose operators onnx2torch knows; of later ones it lacks ReduceMean and others."""
_INSTEAD: Final = "give the PyTorch weights that it was exported from, with their architecture"
_NEAR: Final = 1e-3
"""Largest difference from ONNX Runtime over the largest score: both compute in float32, in other orders."""
_IMAGES: Final = 3
"""Images that the conversion is tried on; no power of two, so that a batch fixed inside the graph is noticed."""


def load_module(artifact: Artifact, card: Card, threads: int) -> Any:  # noqa: ANN401  # a torch.nn.Module; torch is imported where it is needed
    """Return the model as a torch.nn.Module in eval mode that answers as ONNX Runtime does.

    It takes images as the card makes them and returns class scores (N, C).

    Raises:
        Inconclusive: It is quantised, fixed to one batch size, has an operator that onnx2torch does not know, or
            answers differently once it is converted.
        CardError: The card does not name one of several outputs.
        MissingExtra: onnx2torch is not installed.
        UnreadableArtifact: The file is damaged.
    """
    model = _narrowed(_read(artifact.file), card, artifact.name)
    _refuse_quantised(model, artifact.name)
    module = _converted(model, artifact.name)
    _compare(module, model, artifact.name, card, threads)
    return module


def _read(path: Path) -> onnx.ModelProto:
    try:
        return onnx.load(str(path))
    except Exception as error:  # protobuf and onnx share no base class of their errors
        raise UnreadableArtifact(f"{path.name} cannot be read as an ONNX model: {_reason(error)}") from None


def _narrowed(model: onnx.ModelProto, card: Card, name: str) -> onnx.ModelProto:
    """Return the model with the card's output alone, its batch free and its constants no inputs."""
    stored = {tensor.name for tensor in model.graph.initializer}
    inputs = [port for port in model.graph.input if port.name not in stored]
    if len(inputs) != 1:
        raise UnreadableArtifact(f"{name} has {len(inputs)} inputs; vetgate feeds models with one image input")
    outputs = {port.name: port for port in model.graph.output}
    wanted = card.output.name
    if wanted is None and len(outputs) > 1:
        raise CardError(
            f"{name} has {len(outputs)} outputs ({', '.join(outputs)}) and the card does not say which has the classes",
            hint="write output: {name: ...} in the card",
        )
    if wanted is not None and wanted not in outputs:
        raise CardError(f"the card names output {wanted!r}, but {name} has {', '.join(outputs)}")
    output = outputs[wanted or next(iter(outputs))]
    del model.graph.input[:]
    model.graph.input.extend(inputs)
    del model.graph.output[:]
    model.graph.output.append(output)
    return model


def _refuse_quantised(model: onnx.ModelProto, name: str) -> None:
    found = sorted({n.op_type for n in model.graph.node if n.op_type in _QUANTISED or n.op_type.startswith("QLinear")})
    if found:
        raise Inconclusive(
            f"{name} is quantised (it has {', '.join(found)}), so it cannot be trained or taken apart",
            hint="give the float32 model that it was made from",
        )
    kinds = {tensor.data_type for tensor in model.graph.initializer}
    if TensorProto.FLOAT not in kinds:
        raise Inconclusive(f"{name} stores no float32 weights", hint="give the float32 model that it was made from")
    for tensor in model.graph.initializer:
        if tensor.data_type == TensorProto.FLOAT and not np.isfinite(numpy_helper.to_array(tensor)).all():
            raise Inconclusive(f"{tensor.name} of {name} holds NaN or infinity")


def _older(model: onnx.ModelProto) -> onnx.ModelProto:
    """Return the model in words that onnx2torch knows; as it is where it cannot be said so."""
    version = next((entry.version for entry in model.opset_import if entry.domain in ("", "ai.onnx")), 0)
    if version > _NEWEST:
        try:
            model = onnx.version_converter.convert_version(model, _NEWEST)
        except Exception:  # the converter's errors share no base class; onnx2torch says what it does not know
            return model
    stored = {tensor.name: tensor for tensor in model.graph.initializer}
    for node in model.graph.node:
        shape = stored.get(node.input[1]) if node.op_type == "Reshape" else None
        # it says what a 0 means, and is written where there is none
        if shape is not None and np.all(numpy_helper.to_array(shape)):
            kept = [attribute for attribute in node.attribute if attribute.name != "allowzero"]
            del node.attribute[:]
            node.attribute.extend(kept)
    return model


def _converted(model: onnx.ModelProto, name: str) -> Any:  # noqa: ANN401  # a torch.nn.Module
    try:
        from vetgate_vision import torchvision

        torchvision("explain")  # onnx2torch imports it
        from onnx2torch import convert
    except ImportError as error:
        raise MissingExtra(
            f"PyTorch or onnx2torch cannot be imported: {error}", hint="pip install 'vetgate[explain]'"
        ) from None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return convert(_older(model)).float().eval().requires_grad_()
    except Exception as error:  # the converter raises whatever its parts raise
        raise Inconclusive(f"{name} cannot become a PyTorch module: {_reason(error)}", hint=_INSTEAD) from None


def _compare(module: Any, model: onnx.ModelProto, name: str, card: Card, threads: int) -> None:  # noqa: ANN401  # a torch.nn.Module
    """See that the module answers as ONNX Runtime does, on images of noise.

    Raises:
        Inconclusive: It does not, or takes no batch of another size.
        WorkerFailed: It fails.
    """
    import torch

    height, width = card.input.size
    channels = card.input.channels
    shape = (channels, height, width) if card.input.layout == "NCHW" else (height, width, channels)
    images = np.random.default_rng(0).normal(size=(_IMAGES, *shape)).astype(np.float32)
    expected = _runtime(model, images, name, threads)
    try:
        with torch.no_grad():
            answer = module(torch.from_numpy(images))
    except Exception as error:  # converted code may raise anything
        raise Inconclusive(
            f"{name} takes no {_IMAGES} images at once as a PyTorch module: {_reason(error)}",
            hint=f"export it with a free batch, or {_INSTEAD}",
        ) from None
    if not isinstance(answer, torch.Tensor) or answer.ndim != 2 or len(answer) != _IMAGES:  # (N, C)
        raise Inconclusive(f"{name} does not return one row of class scores an image", hint=_INSTEAD)
    given = answer.numpy()
    if given.shape != expected.shape or np.abs(given - expected).max() > _NEAR * max(
        1.0, float(np.abs(expected).max())
    ):
        raise Inconclusive(f"{name} answers differently as a PyTorch module than in ONNX Runtime", hint=_INSTEAD)


def _runtime(model: onnx.ModelProto, images: np.ndarray[Any, Any], name: str, threads: int) -> np.ndarray[Any, Any]:
    import onnxruntime

    settings = onnxruntime.SessionOptions()
    settings.intra_op_num_threads = threads
    settings.log_severity_level = 4
    fed = model.graph.input[0].name
    fixed = model.graph.input[0].type.tensor_type.shape.dim[0].dim_value
    try:
        session = onnxruntime.InferenceSession(model.SerializeToString(), settings, providers=["CPUExecutionProvider"])
        size = fixed or len(images)
        parts = [session.run(None, {fed: images[start : start + size]})[0] for start in range(0, len(images), size)]
    except Exception as error:  # onnxruntime's errors share no base class of their own
        raise WorkerFailed(f"onnxruntime failed on {name}: {_reason(error)}") from None
    result: np.ndarray[Any, Any] = np.concatenate(parts)
    return result


def _reason(error: Exception) -> str:
    text = " ".join(str(error).split()) or type(error).__name__
    return text if len(text) <= 240 else f"{text[:237]}..."
