"""LiteRT with XNNPACK and without: as asked, as the interpreter says itself."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from vetgate.api import Card, Model


def asking(tiny: ModuleType, provider: str | None) -> Card:
    """Return the card of the small network, asking for a provider."""
    plain: Card = tiny.make_card()
    given: dict[str, Any] = {"execution": {"provider": provider}} if provider is not None else {}
    return Card.model_validate({**plain.model_dump(), **given})


def places(model: Model) -> dict[str, int]:
    """Return how many operators run where."""
    return {place.provider: place.operators for place in model.execution.placed}


@pytest.mark.parametrize("count", [1, 3])
def test_answers_with_xnnpack_and_without_are_equal_within_rounding(
    tiny: ModuleType, tmp_path: Path, count: int
) -> None:
    path, images, found = tiny.written(tmp_path, tiny.convolutional()), tiny.images(count), {}
    for provider, told in ((None, "XNNPACK"), ("XNNPACK", "XNNPACK"), ("builtin", "builtin")):
        with tiny.opened(path, asking(tiny, provider)) as opened:
            found[provider] = opened.predict(images)
            assert (opened.execution.provider, places(opened)) == (told, {told: 3})
            assert opened.execution.whole
    np.testing.assert_array_equal(found[None], found["XNNPACK"])
    np.testing.assert_allclose(found["builtin"], found["XNNPACK"], atol=1e-6)


def test_int8_answers_with_xnnpack_and_without_differ_by_one_step_at_most(tiny: ModuleType, tmp_path: Path) -> None:
    path, images, found = tiny.written(tmp_path, tiny.quantised()), tiny.images(8), {}
    for provider in ("XNNPACK", "builtin"):
        with tiny.opened(path, asking(tiny, provider)) as opened:
            found[provider] = opened.predict(images)
    np.testing.assert_allclose(found["builtin"], found["XNNPACK"], atol=tiny.OUT_SCALE * 1.01)


def test_operators_that_xnnpack_leaves_are_counted(tiny: ModuleType, tmp_path: Path) -> None:
    with tiny.opened(tiny.written(tmp_path, beyond_xnnpack(tiny)), asking(tiny, "XNNPACK")) as opened:
        told = places(opened)
        assert not opened.execution.whole
    assert told == {"XNNPACK": 2, "builtin": 1}


def beyond_xnnpack(tiny: ModuleType) -> bytes:
    """Return a model with an operator that XNNPACK does not take over."""
    build = tiny.Builder()
    image, flat = build.tensor("image", (1, 8, 8, 3)), build.tensor("flat", (1, 192))
    even, scores = build.tensor("even", (1, 192)), build.tensor("scores", (1, 192))
    build.operator("RESHAPE", [image, build.constant("shape", np.array([1, 192], np.int32))], [flat])
    build.operator("LOG_SOFTMAX", [flat], [even])
    build.operator("ADD", [even, flat], [scores])
    content: bytes = build.bytes([image], [scores])
    return content
