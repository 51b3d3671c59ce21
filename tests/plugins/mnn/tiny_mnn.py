"""Small MNN models, made by MNN's own converter from ONNX, and what opens them."""

from __future__ import annotations

import subprocess
import sys
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from vetgate_mnn.plugin import vetgate_backends
from vetgate_runtime import mnn
from vetgate_runtime.flatbuffer import Bytes

from tests.plugins import tiny
from tests.plugins.tiny import Array, Opener, card_for, draw
from vetgate.api import BackendSpec, Card

SIDE = 7
"""Height and width of an image."""
MACS = 4 * 4 * 4 * 27 + 5 * 4
"""Of `convolutional`: stride 2, one pixel of padding."""


OPENER = Opener(next(iter(vetgate_backends())))
answers, weights = tiny.answers, tiny.weights
taken, describe, opened = OPENER.taken, OPENER.describe, OPENER.opened


def spec() -> BackendSpec:
    return OPENER.declared


def converted(path: Path, source: Path, *options: str, framework: str = "ONNX") -> Path:
    """Convert a file in a process of its own, for the converter aborts where it fails.

    MNN's program mnnconvert sends figures of the model to its makers; what does the work is called by itself.
    """
    arguments = ["mnnconvert", "-f", framework, "--modelFile", str(source), "--MNNModel", str(path), "--bizCode", "x"]
    code = "import _tools, sys; _tools.mnnconvert(sys.argv[1:])"
    subprocess.run([sys.executable, "-c", code, *arguments, *options], check=True, capture_output=True)
    return path


def network(batch: int | str, *, fixed_inside: bool, second: bool) -> onnx.ModelProto:
    """Return a convolution, a mean and a linear layer as ONNX."""
    shape = [1, 4] if fixed_inside else [-1, 4]
    nodes = [
        helper.make_node("Conv", ["image", "conv.w", "conv.b"], ["conv"], strides=[2, 2], pads=[1, 1, 1, 1]),
        helper.make_node("Relu", ["conv"], ["relu"]),
        helper.make_node("GlobalAveragePool", ["relu"], ["mean"]),
        helper.make_node("Reshape", ["mean", "shape"], ["flat"]),
        helper.make_node("Gemm", ["flat", "fc.w", "fc.b"], ["scores"], transB=1),
    ]
    outputs = [helper.make_tensor_value_info("scores", TensorProto.FLOAT, [batch, 5])]
    if second:
        nodes.append(helper.make_node("Softmax", ["scores"], ["shares"]))
        outputs.append(helper.make_tensor_value_info("shares", TensorProto.FLOAT, [batch, 5]))
    stored = [numpy_helper.from_array(values, name) for name, values in weights().items()]
    stored.append(numpy_helper.from_array(np.array(shape, np.int64), "shape"))
    image = helper.make_tensor_value_info("image", TensorProto.FLOAT, [batch, 3, SIDE, SIDE])
    graph = helper.make_graph(nodes, "tiny", [image], outputs, stored)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


@cache
def content(*options: str, batch: int | str = "batch", fixed_inside: bool = False, second: bool = False) -> bytes:
    """Return a model's bytes; each is converted once."""
    with TemporaryDirectory() as folder:
        source = Path(folder, "model.onnx")
        onnx.save(network(batch, fixed_inside=fixed_inside, second=second), str(source))
        return converted(Path(folder, "model.mnn"), source, *options).read_bytes()


def written(folder: Path, *options: str, **changes: Any) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "model.mnn"
    path.write_bytes(content(*options, **changes))
    return path


def make_card(**changes: Any) -> Card:
    """Return a card for images of 3 x 7 x 7; `output` and `execution` change those parts, all else its input part."""
    return card_for(SIDE, **changes)


def images(count: int, seed: int = 0) -> Array:
    return draw(count, (3, SIDE, SIDE), seed)


def changed(content: bytes, operator: str, way: tuple[int, ...], field: int, value: int, *, entry: int = -1) -> bytes:
    """Return a model with one number of an operator changed.

    Args:
        content: The model.
        operator: Its type.
        way: Fields that lead from the operator to the table with the number.
        field: Of the number.
        value: 32 bits.
        entry: Place in a list, where the field is one.
    """
    net = mnn.read(memoryview(content))
    place = next(index for index, op in enumerate(net.ops) if op.type == operator)
    table = list(Bytes(memoryview(content)).root().tables(3))[place]
    for step in way:
        found = table.table(step)
        assert found is not None
        table = found
    position = table._at(field)
    assert position is not None
    if entry >= 0:
        position += int.from_bytes(content[position : position + 4], "little") + 4 + 4 * entry
    return content[:position] + value.to_bytes(4, "little", signed=True) + content[position + 4 :]
