"""Where ONNX Runtime runs a model: as asked, as it says itself, or not at all."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import onnxruntime
import pytest
from vetgate_onnx.declared import CPU, PROVIDERS

from vetgate.api import Card, CardError, Execution

AZURE = "AzureExecutionProvider"


def asking(tiny: ModuleType, **execution: Any) -> Card:
    """Return the card of the small network with what it asks for."""
    plain: Card = tiny.make_card()
    return Card.model_validate({**plain.model_dump(), "execution": execution})


def ran(tiny: ModuleType, path: Path, **execution: Any) -> Execution:
    """Return what really runs of a model that asks for something."""
    with tiny.opened(path, asking(tiny, **execution), threads=1) as opened:
        told: Execution = opened.execution
    return told


@pytest.fixture
def path(tiny: ModuleType, save: Callable[..., Path]) -> Path:
    """Return the small network as a file."""
    return save(tiny.convolutional())


def test_every_provider_that_is_installed_can_be_asked_for() -> None:
    assert set(onnxruntime.get_available_providers()) <= set(PROVIDERS)
    assert set(onnxruntime.get_all_providers()) - {"JsExecutionProvider", "WebNNExecutionProvider"} <= set(PROVIDERS)


def test_operators_are_counted_where_onnxruntime_put_them(tiny: ModuleType, path: Path) -> None:
    told = ran(tiny, path, provider=CPU)
    assert told.provider == CPU
    assert [place.provider for place in told.placed] == [CPU]
    assert told.placed[0].operators > 0
    assert told.whole


def test_a_provider_that_takes_nothing_is_told_as_such(tiny: ModuleType, path: Path) -> None:
    if AZURE not in onnxruntime.get_available_providers():
        pytest.skip(f"this build of onnxruntime has no {AZURE}")
    told = ran(tiny, path, provider=AZURE)
    assert (told.provider, [place.provider for place in told.placed]) == (CPU, [CPU])


def test_a_provider_that_is_not_installed_is_refused_with_those_that_are(tiny: ModuleType, path: Path) -> None:
    if "CUDAExecutionProvider" in onnxruntime.get_available_providers():
        pytest.skip("this build of onnxruntime has CUDA")
    with pytest.raises(CardError, match=r"CUDAExecutionProvider is asked for, and onnxruntime .* has .*CPUExecution"):
        ran(tiny, path, provider="CUDAExecutionProvider")


def test_answers_stay_the_same_whatever_the_graph_may_become(tiny: ModuleType, path: Path) -> None:
    images, found = tiny.images(3), {}
    counts = {}
    for level in ("disabled", "basic", "extended", "all"):
        with tiny.opened(path, asking(tiny, options={"graph_optimization": level}), threads=1) as opened:
            found[level], counts[level] = opened.predict(images), opened.execution.placed[0].operators
    for answers in found.values():
        np.testing.assert_allclose(answers, found["disabled"], atol=1e-5)
    assert counts["all"] < counts["disabled"]  # batch normalisation went into the convolution
