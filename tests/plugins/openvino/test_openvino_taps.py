"""Inner tensors of an OpenVINO model."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from vetgate.api import TappedModel


@pytest.mark.parametrize("batch", [-1, 4])
def test_inner_tensors_are_those_of_numpy_and_the_features_are_marked(
    tiny: ModuleType, tmp_path: Path, batch: int
) -> None:
    images, values = tiny.images(3), tiny.weights()
    with tiny.opened(tiny.written(tmp_path, tiny.convolutional(batch=batch)), tiny.make_card()) as opened:
        assert isinstance(opened, TappedModel)
        taps = {tap.name: tap for tap in opened.taps()}
        found = opened.capture(images, ["relu", "mean", "fc"])
    assert taps["relu"].shape == (4, 4, 4)
    assert (taps["relu"].spatial, taps["mean"].features, taps["fc"].layer) == (True, True, 2)
    assert {tap.name for tap in taps.values() if tap.weighted} == {"conv", "fc"}
    np.testing.assert_allclose(found["mean"], found["relu"].mean((2, 3)), atol=1e-5)
    np.testing.assert_allclose(found["fc"] + values["fc.b"], tiny.answers(images), atol=1e-5)
