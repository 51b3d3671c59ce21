"""A small ONNX model, and models for Triton's Python backend that go wrong in one way each."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper
from vetgate_triton.repository import Ports, write_repository

from vetgate.api import Card, Port

CLASSES = ("cat", "dog", "fish", "yak")
CARD = """\
version: 1
input: {size: [8, 8], resize: none, colour: rgb, scale: 1/255, mean: [0.5], std: [0.5], layout: NCHW}
output: {kind: logits}
"""
BAD = {
    "nan": "numpy.full((n, 4), numpy.nan, numpy.float32)",
    "constant": "numpy.ones((n, 4), numpy.float32)",
    "wide": "numpy.ones((n, 9), numpy.float32)",
    "few": "numpy.ones((max(1, n - 1), 4), numpy.float32)",
    "slow": "time.sleep(30)",
    "dying": "os._exit(1)",
    "refusing": "1 / 0",
}
"""What a model answers to n images, by its name."""
_CODE = """\
import os, time, numpy
import triton_python_backend_utils as pb

class TritonPythonModel:
    def execute(self, requests):
        found = []
        for request in requests:
            n = pb.get_input_tensor_by_name(request, "image").as_numpy().shape[0]
            found.append(pb.InferenceResponse([pb.Tensor("logits", ANSWER)]))
        return found
"""
FREE = Ports(
    [Port(name="image", shape=(None, 3, 8, 8), dtype="float32")],
    [Port(name="logits", shape=(None, 4), dtype="float32")],
)


def weight() -> NDArray[np.float32]:
    """Return the weights of `linear` (192, 4)."""
    return np.random.default_rng(0).normal(size=(3 * 8 * 8, 4)).astype(np.float32)


def write_linear(path: Path, batch: int | str = "n") -> Path:
    """Write a model of one layer."""
    nodes = [
        helper.make_node("Flatten", ["image"], ["flat"]),
        helper.make_node("MatMul", ["flat", "weight"], ["logits"]),
    ]
    given = helper.make_tensor_value_info("image", TensorProto.FLOAT, [batch, 3, 8, 8])
    found = helper.make_tensor_value_info("logits", TensorProto.FLOAT, [batch, 4])
    graph = helper.make_graph(nodes, "tiny", [given], [found], [numpy_helper.from_array(weight(), "weight")])
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9), path)
    return path


def write_models(repository: Path, file: Path) -> Path:
    """Write a repository with `linear`, one of a fixed batch, one that names its classes, and the bad ones."""
    repository.mkdir()
    write_repository(repository, [file], FREE, native=False, name="linear")
    fixed = write_linear(file.with_name("fixed.onnx"), 4)
    ports = Ports(
        [Port(name="image", shape=(4, 3, 8, 8), dtype="float32")], [Port(name="logits", shape=(4, 4), dtype="float32")]
    )
    write_repository(repository, [fixed], ports, native=False, name="fixed")
    write_repository(repository, [file], FREE, native=False, name="labelled")
    (repository / "labelled" / "labels.txt").write_text("\n".join(CLASSES) + "\n", encoding="utf-8")
    config = repository / "labelled" / "config.pbtxt"
    told = config.read_text(encoding="utf-8")
    told = told.replace('output [{ name: "logits"', 'output [{ name: "logits" label_filename: "labels.txt"')
    told += f'parameters {{ key: "vetgate.card" value {{ string_value: {CARD!r} }} }}\n'.replace("'", '"')
    config.write_text(told, encoding="utf-8")
    for name, answer in BAD.items():
        write_repository(repository, [file], FREE, native=False, name=name)
        (repository / name / "1" / "model.py").write_text(_CODE.replace("ANSWER", answer), encoding="utf-8")
    return repository


def make_card(**output: Any) -> Card:
    """Return the card of these models."""
    given = {
        "size": [8, 8], "resize": "none", "colour": "rgb", "scale": 1 / 255, "mean": [0.5], "std": [0.5],
        "layout": "NCHW",
    }  # fmt: skip
    return Card.model_validate({"version": 1, "input": given, "output": {"kind": "logits", **output}})


def images(count: int = 9) -> NDArray[np.float32]:
    """Return images (count, 3, 8, 8)."""
    return np.random.default_rng(1).normal(size=(count, 3, 8, 8)).astype(np.float32)


def expected(given: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the logits of `linear` (N, 4)."""
    return given.reshape(len(given), -1) @ weight()
