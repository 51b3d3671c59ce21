"""Outputs by name: maps, boxes and whatever else is no row of class scores."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from vetgate.api import CardError, NamedModel, UnreadableArtifact

SEGMENTS = {"kind": "segmentation", "classes": ["a", "b"], "segmentation": {"layout": "NCHW"}}


def written(path: Path, batch: int | str, size: tuple[int, int, int]) -> Path:
    """Write a network that gives its input back, the best channel of each place, and the mean of all."""
    nodes = [
        helper.make_node("Identity", ["image"], ["same"]),
        helper.make_node("ArgMax", ["image"], ["best"], axis=1, keepdims=0),
        helper.make_node("ReduceMean", ["image"], ["mean"], keepdims=0),
        helper.make_node("QuantizeLinear", ["image", "step", "zero"], ["stored"]),
    ]
    shape = [batch, *size]
    graph = helper.make_graph(
        nodes,
        "outputs",
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, shape)],
        [
            helper.make_tensor_value_info("same", TensorProto.FLOAT, shape),
            helper.make_tensor_value_info("best", TensorProto.INT64, [batch, *size[1:]]),
            helper.make_tensor_value_info("mean", TensorProto.FLOAT, []),
            helper.make_tensor_value_info("stored", TensorProto.INT8, shape),
        ],
        [
            numpy_helper.from_array(np.array(0.25, dtype=np.float32), "step"),
            numpy_helper.from_array(np.array(3, dtype=np.int8), "zero"),
        ],
    )
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), path)
    return path


@pytest.mark.parametrize("batch", ["n", 2])
def test_outputs_come_by_name_and_integers_as_what_they_mean(
    tiny: ModuleType, tmp_path: Path, batch: int | str
) -> None:
    images = tiny.images(3)
    path = written(tmp_path / "net.onnx", batch, images.shape[1:])
    with tiny.opened(path, tiny.make_card(output=SEGMENTS)) as model:
        assert isinstance(model, NamedModel)
        same, best, stored = model.outputs(images, ["same", "best", "stored"])
        assert np.array_equal(same, images)
        assert np.array_equal(best, images.argmax(axis=1))
        assert np.allclose(stored, np.round(images * 4) / 4)
        with pytest.raises(CardError, match="the card names output 'boxes'"):
            model.outputs(images, ["boxes"])


def test_what_has_no_axis_for_images_cannot_be_taken_apart(tiny: ModuleType, tmp_path: Path) -> None:
    images = tiny.images(3)
    path = written(tmp_path / "net.onnx", 2, images.shape[1:])
    with tiny.opened(path, tiny.make_card(output=SEGMENTS)) as model:
        assert isinstance(model, NamedModel)
        with pytest.raises(UnreadableArtifact, match="cannot be taken apart"):
            model.outputs(images, ["mean"])
