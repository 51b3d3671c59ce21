"""Outputs by name: maps, boxes and whatever else is no row of class scores."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from vetgate.api import CardError, NamedModel

SEGMENTS = {"kind": "segmentation", "classes": ["a", "b"], "segmentation": {"layout": "NHWC"}}


def segmenter(tiny: ModuleType) -> bytes:
    """Return a network of one convolution whose map says which of red and green is stronger, and another output."""
    made = tiny.Builder()
    image = made.tensor("image", (1, 8, 8, 3))
    weight = np.array([[1, 0, 0], [0, 1, 0]], dtype=np.float32).reshape(2, 1, 1, 3)
    inputs = [image, made.constant("weight", weight), made.constant("bias", np.zeros(2, dtype=np.float32))]
    scores = made.tensor("map", (1, 8, 8, 2))
    made.operator("CONV_2D", inputs, [scores], strideH=1, strideW=1)
    axes = made.constant("axes", np.array([1, 2], dtype=np.int32))
    means = made.tensor("means", (1, 2))
    made.operator("MEAN", [scores, axes], [means])
    return bytes(made.bytes([image], [means, scores]))


def test_outputs_come_by_name_in_the_batch_of_the_file(tiny: ModuleType, tmp_path: Path) -> None:
    images = tiny.images(3)
    card = tiny.make_card(output={**SEGMENTS, "name": "map"})
    with tiny.opened(tiny.written(tmp_path, segmenter(tiny)), card, batch_size=4) as model:
        assert isinstance(model, NamedModel)
        found, means = model.outputs(images, ["map", "means"])
        assert np.allclose(found, images[..., :2])
        assert np.allclose(means, images[..., :2].mean(axis=(1, 2)), atol=1e-6)
        with pytest.raises(
            CardError, match=r"the card names output 'boxes', but the model has means \[1 x 2\], map \[1 x 8 x 8 x 2\]"
        ):
            model.outputs(images, ["boxes"])
        with pytest.raises(CardError, match="does not say which"):
            model.outputs(images, [None])
