"""The device of OpenVINO: the one that is asked for, or none."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import openvino
import pytest
from vetgate_openvino.device import ACCELERATORS, told_device

from vetgate.api import Card, CardError


def asking(tiny: ModuleType, **execution: Any) -> Card:
    """Return the card of the small network with what it asks for."""
    plain: Card = tiny.make_card()
    return Card.model_validate({**plain.model_dump(), "execution": execution})


def test_the_processor_can_be_asked_for_by_name(tiny: ModuleType, tmp_path: Path) -> None:
    images = tiny.images(2)
    path = tiny.written(tmp_path, tiny.convolutional())
    with tiny.opened(path, asking(tiny, provider="CPU", threads=1), threads=1) as opened:
        np.testing.assert_allclose(opened.predict(images), tiny.answers(images), atol=1e-5)
        assert opened.capture(images, [opened.taps()[0].name])
        assert (opened.execution.provider, opened.execution.threads) == ("CPU", 1)


def test_a_device_that_is_not_there_is_refused_with_those_that_are(tiny: ModuleType, tmp_path: Path) -> None:
    there = openvino.Core().available_devices
    missing = next((name for name in ACCELERATORS if not any(found.startswith(name[:3]) for found in there)), None)
    if missing is None:
        pytest.skip("this machine has every device that OpenVINO knows")
    path = tiny.written(tmp_path, tiny.convolutional())
    with (
        pytest.raises(CardError, match=rf"device {missing} is asked for, and OpenVINO .* finds .*CPU"),
        tiny.opened(path, asking(tiny, provider=missing)),
    ):
        pass


@pytest.mark.parametrize(
    ("asked", "running", "told"),
    [
        ("CPU", ["CPU"], "CPU"),
        ("GPU", ["GPU.0"], "GPU"),
        ("GPU.0", ["GPU"], "GPU.0"),
        ("GPU.1", ["GPU.0"], "GPU.0"),
        ("CPU", ["GPU.0", "CPU"], "GPU.0, CPU"),
        ("CPU", [], "unknown"),
    ],
)
def test_a_device_is_told_by_the_name_it_was_asked_for(asked: str, running: list[str], told: str) -> None:
    assert told_device(asked, running) == told
