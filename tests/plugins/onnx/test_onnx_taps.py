"""The inner tensors that ONNX models show."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import helper
from onnx.reference import ReferenceEvaluator
from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static
from vetgate_onnx.plugin import vetgate_backends

from vetgate.api import BackendSpec, Inconclusive, TappedModel
from vetgate.testing import BackendContract, Example

Save = Callable[..., Path]


def _reference(model: onnx.ModelProto, images: Any, names: list[str]) -> list[Any]:
    """Return inner values by onnx's own evaluator."""
    copy = onnx.ModelProto()
    copy.CopyFrom(model)
    del copy.graph.output[:]
    copy.graph.output.extend(onnx.ValueInfoProto(name=name) for name in names)
    return list(ReferenceEvaluator(copy).run(None, {"image": images}))


@pytest.mark.parametrize("batch", ["N", 2])
def test_inner_tensors_are_those_of_the_onnx_reference(tiny: ModuleType, save: Save, batch: int | str) -> None:
    path, images = save(tiny.convolutional(batch)), tiny.images(5)
    with tiny.opened(path, tiny.make_card()) as model:
        assert isinstance(model, TappedModel)
        assert [(tap.name, tap.shape, tap.layer, tap.weighted) for tap in model.taps()] == [
            ("c", (4, 4, 4), 1, True),
            ("n", (4, 4, 4), 1, False),
            ("r", (4, 4, 4), 1, False),
            ("flat", (64,), 1, False),
            ("scores", (5,), 2, True),
        ]
        assert [tap.name for tap in model.taps() if tap.features] == ["flat"]
        assert [tap.name for tap in model.taps() if tap.spatial] == ["r"]
        found = model.capture(images, ["c", "n", "flat"])
    wanted = _reference(tiny.convolutional(), images, ["c", "n", "flat"])
    for values, name in zip(wanted, ("c", "n", "flat"), strict=True):
        np.testing.assert_allclose(found[name], values, atol=1e-5)


def test_external_data_is_found_by_the_second_session(tiny: ModuleType, save: Save) -> None:
    options = {"save_as_external_data": True, "location": "weights.bin", "size_threshold": 64}
    images = tiny.images(2)
    wanted = _reference(tiny.convolutional(), images, ["r"])
    path = save(tiny.convolutional(), **options)
    assert (path.parent / "weights.bin").stat().st_size > 500
    with tiny.opened(path, tiny.make_card()) as model:
        np.testing.assert_allclose(model.capture(images, ["r"])["r"], wanted[0], atol=1e-5)


class _Calibration(CalibrationDataReader):  # type: ignore[misc]  # onnxruntime is untyped
    def __init__(self, batches: list[Any]) -> None:
        self._batches = iter(batches)

    def get_next(self) -> dict[str, Any] | None:
        return next(({"image": batch} for batch in self._batches), None)


@pytest.mark.parametrize("style", [QuantFormat.QDQ, QuantFormat.QOperator])
def test_quantised_tensors_are_read_as_numbers_rounded_as_the_next_layer_takes_them(
    tiny: ModuleType, save: Save, tmp_path: Path, style: QuantFormat
) -> None:
    base, small = save(tiny.convolutional(), "base.onnx"), tmp_path / "int8.onnx"
    quantize_static(
        str(base), str(small), _Calibration([tiny.images(4, seed) for seed in range(4)]), quant_format=style,
        per_channel=True, activation_type=QuantType.QUInt8, weight_type=QuantType.QInt8,
    )  # fmt: skip
    images = tiny.images(8, 5)
    with tiny.opened(base, tiny.make_card()) as model:
        wanted = model.capture(images, ["flat"])["flat"]
    with tiny.opened(small, tiny.make_card()) as model:
        (features,) = [tap for tap in model.taps() if tap.features]
        assert [tap.layer for tap in model.taps() if tap.weighted] == [1, 2]
        found = model.capture(images, [features.name])[features.name].reshape(8, -1)
        last = model.taps()[-1].name
        np.testing.assert_allclose(model.capture(images, [last])[last], model.predict(images), atol=1e-5)
    assert len(np.unique(found)) <= 256
    assert 0 < np.abs(found - wanted).max() < 0.05 * wanted.max()


def test_a_product_of_two_inner_tensors_is_no_layer(tiny: ModuleType, save: Save) -> None:
    nodes = [
        helper.make_node("Transpose", ["image"], ["turned"], perm=[0, 1, 3, 2]),
        helper.make_node("MatMul", ["image", "turned"], ["alike"]),
        helper.make_node("ReduceMean", ["alike", "axes"], ["mean"], keepdims=0),
        helper.make_node("MatMul", ["mean", "w"], ["scores"]),
    ]
    constants = {"axes": np.array([2, 3]), "w": np.ones((3, 5), np.float32)}
    with tiny.opened(save(tiny.model_of(nodes, constants)), tiny.make_card()) as model:
        taps = {tap.name: tap for tap in model.taps()}
    assert taps["alike"].layer == 0
    assert not taps["alike"].weighted
    assert taps["scores"].weighted
    assert taps["mean"].features


def test_a_name_that_is_not_there_is_refused(tiny: ModuleType, save: Save) -> None:
    with (
        tiny.opened(save(tiny.convolutional()), tiny.make_card()) as model,
        pytest.raises(Inconclusive, match=r"no inner tensor 'conv\.w'"),
    ):
        model.capture(tiny.images(1), ["conv.w"])


class TestOnnx(BackendContract):
    @pytest.fixture(autouse=True)
    def _given(self, tiny: ModuleType) -> None:
        self.tiny = tiny

    def spec(self) -> BackendSpec:
        (spec,) = vetgate_backends()
        return spec

    def example(self, folder: Path) -> Example:
        model, images = self.tiny.convolutional(), self.tiny.images(4)
        onnx.save(model, str(folder / "model.onnx"))
        (expected,) = _reference(model, images, ["scores"])
        return Example(folder / "model.onnx", self.tiny.make_card(), images, expected)
