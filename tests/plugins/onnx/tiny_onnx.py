"""Small ONNX models made by code, and what opens them."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper
from vetgate_onnx.backend import OnnxBackend
from vetgate_onnx.external import members

from vetgate.api import Artifact, Card, Member, Model, OpenOptions, Structure


def make_card(**changes: Any) -> Card:
    """Return a card for images of 3 x 8 x 8; `output` changes its output part, all else its input part."""
    given: dict[str, Any] = {
        "size": [8, 8], "resize": "none", "colour": "rgb", "scale": 1 / 255, "mean": [0], "std": [1], "layout": "NCHW",
    }  # fmt: skip
    given.update({key: value for key, value in changes.items() if key != "output"})
    return Card.model_validate(
        {"version": 1, "input": given, "output": {"kind": "logits", **changes.get("output", {})}}
    )


def make_artifact(path: Path) -> Artifact:
    files = [path.name, *members(path)]
    found = [(name, (path.parent / name).read_bytes()) for name in files]
    return Artifact(
        path=str(path),
        name=path.name,
        format="onnx",
        backend="onnx",
        members=tuple(
            Member(name=name, sha256=hashlib.sha256(data).hexdigest(), size=len(data)) for name, data in found
        ),
    )


def describe(path: Path, card: Card | None = None) -> Structure:
    return OnnxBackend().describe(make_artifact(path), card, OpenOptions())


@contextmanager
def opened(path: Path, card: Card, **options: Any) -> Iterator[Model]:
    with OnnxBackend().open(make_artifact(path), card, OpenOptions(**options)) as model:
        yield model


def images(count: int, seed: int = 0) -> NDArray[np.float32]:
    return np.random.default_rng(seed).random((count, 3, 8, 8), dtype=np.float32)


def model_of(
    nodes: list[onnx.NodeProto],
    constants: dict[str, NDArray[Any]],
    *,
    given: tuple[int, list[int | str | None]] = (TensorProto.FLOAT, ["N", 3, 8, 8]),
    out: tuple[int, list[int | str | None]] = (TensorProto.FLOAT, ["N", 5]),
    domains: tuple[str, ...] = (),
) -> onnx.ModelProto:
    """Return a model from `image` to `scores`."""
    graph = helper.make_graph(
        nodes,
        "small",
        [helper.make_tensor_value_info("image", *given)],
        [helper.make_tensor_value_info("scores", *out)],
        [numpy_helper.from_array(value, name) for name, value in constants.items()],
    )
    opsets = [helper.make_opsetid("", 20), *(helper.make_opsetid(domain, 1) for domain in domains)]
    return helper.make_model(graph, opset_imports=opsets, ir_version=10, producer_name="vetgate-tests")


def weights(seed: int = 0) -> dict[str, NDArray[Any]]:
    draw = np.random.default_rng(seed)
    return {
        "conv.w": draw.normal(size=(4, 3, 3, 3)).astype(np.float32),
        "conv.b": draw.normal(size=4).astype(np.float32),
        "bn.scale": draw.random(4).astype(np.float32),
        "bn.shift": draw.random(4).astype(np.float32),
        "bn.mean": draw.random(4).astype(np.float32),
        "bn.var": draw.random(4).astype(np.float32) + 1,
        "shape": np.array([0, 64], np.int64),
        "fc.w": draw.normal(size=(64, 5)).astype(np.float32),
        "fc.b": draw.normal(size=5).astype(np.float32),
    }


def convolutional(batch: int | str = "N") -> onnx.ModelProto:
    """Return conv (stride 2), batch norm, ReLU, reshape, Gemm."""
    nodes = [
        helper.make_node("Conv", ["image", "conv.w", "conv.b"], ["c"], strides=[2, 2], pads=[1, 1, 1, 1]),
        helper.make_node("BatchNormalization", ["c", "bn.scale", "bn.shift", "bn.mean", "bn.var"], ["n"]),
        helper.make_node("Relu", ["n"], ["r"]),
        helper.make_node("Reshape", ["r", "shape"], ["flat"]),
        helper.make_node("Gemm", ["flat", "fc.w", "fc.b"], ["scores"]),
    ]
    model = model_of(nodes, weights(), given=(TensorProto.FLOAT, [batch, 3, 8, 8]), out=(TensorProto.FLOAT, [batch, 5]))
    entry = model.metadata_props.add()
    entry.key, entry.value = "note", "made by code"
    return model


MACS = 4 * 4 * 4 * 27 + 64 * 5
"""Of `convolutional`: 4 x 4 x 4 outputs of 3 x 3 x 3 products, and 64 x 5."""
