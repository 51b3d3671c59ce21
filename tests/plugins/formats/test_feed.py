"""What every runtime is fed: images cast, scaled and clipped to what an input can hold."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from vetgate_runtime.feed import as_taken, in_batches

from vetgate.api import Port


@pytest.mark.parametrize("dtype", ["uint8", "int8", "uint16", "int16", "int32", "int64"])
def test_what_an_input_cannot_hold_becomes_the_nearest_that_it_can(dtype: str) -> None:
    limits = np.iinfo(dtype)
    images = np.array([-1e30, 0.0, 2.5e-8, 1e30], np.float32)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        taken = as_taken(images, Port(name="image", shape=(4,), dtype=dtype, scale=1e-8, zero_point=1))
    assert taken.dtype == dtype
    lowest, zero, above, highest = map(int, taken)
    assert (lowest, zero, above) == (limits.min, 1, 3)
    assert limits.max * (1 - 1e-6) <= highest <= limits.max


def test_without_a_scale_values_are_rounded_and_floats_cast() -> None:
    images = np.array([0.4, 0.6, 254.7, 300.0], np.float32)
    assert list(as_taken(images, Port(name="image", shape=(4,), dtype="uint8"))) == [0, 1, 255, 255]
    half = as_taken(images, Port(name="image", shape=(4,), dtype="float16"))
    assert half.dtype == np.float16


def test_the_last_part_of_a_fixed_batch_is_filled_up_by_its_last_image() -> None:
    seen: list[list[float]] = []

    def run(part: np.ndarray) -> np.ndarray:
        seen.append(part[:, 0].tolist())
        return np.asarray(part * 2, np.float32)

    answers = in_batches(np.arange(5, dtype=np.float32)[:, np.newaxis], 3, run)
    assert seen == [[0, 1, 2], [3, 4, 4]]
    assert answers[:, 0].tolist() == [0, 2, 4, 6, 8]
