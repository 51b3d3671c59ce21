"""The inner tensors that TFLite models show."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from vetgate_litert.plugin import vetgate_backends

from vetgate.api import BackendSpec, Inconclusive, TappedModel
from vetgate.testing import BackendContract, Example


@pytest.mark.parametrize("half", [True, False])
def test_inner_tensors_come_with_channels_first(tiny: ModuleType, tmp_path: Path, half: bool) -> None:
    images = tiny.images(5)
    with tiny.opened(tiny.written(tmp_path, tiny.convolutional(half=half)), tiny.make_card()) as model:
        assert isinstance(model, TappedModel)
        assert [(tap.name, tap.shape, tap.layer, tap.weighted) for tap in model.taps()] == [
            ("conv", (4, 4, 4), 1, True),
            ("mean", (4,), 1, False),
            ("scores", (5,), 2, True),
        ]
        assert [tap.name for tap in model.taps() if tap.features] == ["mean"]
        assert [tap.name for tap in model.taps() if tap.spatial] == ["conv"]
        assert "XNNPACK" in " ".join(model.tap_notes())
        found = model.capture(images, ["conv", "mean", "scores"])
    np.testing.assert_allclose(found["conv"].mean((2, 3)), found["mean"], atol=1e-5)
    np.testing.assert_allclose(found["scores"], tiny.answers(images), atol=5e-3 if half else 1e-5)


def test_channels_are_not_mistaken_for_rows(tiny: ModuleType, tmp_path: Path) -> None:
    values = tiny.weights()
    image = np.zeros((1, 8, 8, 3), np.float32)
    with tiny.opened(tiny.written(tmp_path, tiny.convolutional()), tiny.make_card()) as model:
        found = model.capture(image, ["conv"])["conv"]
    # of a black image every position holds the bias of its channel
    np.testing.assert_allclose(found[0, :, 1, 2], np.maximum(values["conv.b"], 0), atol=1e-6)


@pytest.mark.parametrize("kind", ["int8", "uint8"])
def test_quantised_tensors_are_read_as_numbers(tiny: ModuleType, tmp_path: Path, kind: str) -> None:
    images = tiny.images(3)
    with tiny.opened(tiny.written(tmp_path, tiny.quantised(kind)), tiny.make_card()) as model:
        (tap,) = model.taps()
        assert (tap.name, tap.shape, tap.weighted, tap.layer) == ("scores", (5,), True, 1)
        found = model.capture(images, ["scores"])["scores"]
        np.testing.assert_allclose(found, model.predict(images), atol=tiny.OUT_SCALE * 1.01)


def test_a_fixed_batch_is_split_and_padded(tiny: ModuleType, tmp_path: Path) -> None:
    images = tiny.images(5)
    path = tiny.written(tmp_path, tiny.convolutional(batch=4, free=False))
    with tiny.opened(path, tiny.make_card()) as model:
        found = model.capture(images, ["scores"])["scores"]
    np.testing.assert_allclose(found, tiny.answers(images), atol=1e-5)


def test_a_name_that_is_not_there_is_refused(tiny: ModuleType, tmp_path: Path) -> None:
    with (
        tiny.opened(tiny.written(tmp_path, tiny.convolutional()), tiny.make_card()) as model,
        pytest.raises(Inconclusive, match=r"no inner tensor 'fc\.w'"),
    ):
        model.capture(tiny.images(1), ["fc.w"])


class TestLitert(BackendContract):
    @pytest.fixture(autouse=True)
    def _given(self, tiny: ModuleType) -> None:
        self.tiny = tiny

    def spec(self) -> BackendSpec:
        (spec,) = vetgate_backends()
        return spec

    def example(self, folder: Path) -> Example:
        images = self.tiny.images(4)
        path = self.tiny.written(folder, self.tiny.convolutional())
        return Example(path, self.tiny.make_card(), images, self.tiny.answers(images))
