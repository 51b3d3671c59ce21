"""What an opened TFLite model answers, and what it refuses."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from vetgate_litert.placement import placement

from vetgate.api import CardError, UnreadableArtifact


@pytest.mark.parametrize("count", [1, 3, 8])
@pytest.mark.parametrize("free", [True, False])
@pytest.mark.parametrize("half", [True, False])
def test_answers_are_those_of_numpy(tiny: ModuleType, tmp_path: Path, count: int, free: bool, half: bool) -> None:
    images = tiny.images(count)
    path = tiny.written(tmp_path, tiny.convolutional(free=free, half=half))
    with tiny.opened(path, tiny.make_card()) as opened:
        answers = opened.predict(images)
    assert answers.dtype == np.float32
    np.testing.assert_allclose(answers, tiny.answers(images), atol=5e-3 if half else 1e-5)


def test_batches_of_changing_size_give_the_same_answers(tiny: ModuleType, tmp_path: Path) -> None:
    images = tiny.images(13)
    with tiny.opened(tiny.written(tmp_path, tiny.convolutional()), tiny.make_card()) as opened:
        parts = [opened.predict(images[start:end]) for start, end in ((0, 8), (8, 9), (9, 13))]
    np.testing.assert_allclose(np.concatenate(parts), tiny.answers(images), atol=1e-5)


def test_a_stored_batch_of_four_still_answers_one_image(tiny: ModuleType, tmp_path: Path) -> None:
    images = tiny.images(1)
    path = tiny.written(tmp_path, tiny.convolutional(batch=4, free=False))
    with tiny.opened(path, tiny.make_card(), batch_size=1) as opened:
        np.testing.assert_allclose(opened.predict(images), tiny.answers(images), atol=1e-5)


def test_a_model_that_mixes_the_images_of_a_batch_is_fed_one_by_one(tiny: ModuleType, tmp_path: Path) -> None:
    build = tiny.Builder()
    image, flat = build.tensor("image", (1, 8, 8, 3)), build.tensor("flat", (1, 192))
    scores, best = build.tensor("scores", (1, 192)), build.tensor("best", (192,))
    shape, axis = (build.constant(name, np.array(v, np.int32)) for name, v in (("shape", [-1, 192]), ("axis", [0])))
    build.operator("RESHAPE", [image, shape], [flat])
    build.operator("MEAN", [flat, axis], [best])  # over the batch
    build.operator("ADD", [flat, best], [scores])
    path = tiny.written(tmp_path, build.bytes([image], [scores]))
    images = tiny.images(3)
    with tiny.opened(path, tiny.make_card()) as opened:
        np.testing.assert_allclose(opened.predict(images), 2 * images.reshape(3, -1), atol=1e-6)
        assert any("several images" in note for note in opened.execution.notes)


def test_a_model_whose_batch_cannot_change_is_fed_one_by_one(tiny: ModuleType, tmp_path: Path) -> None:
    build = tiny.Builder()
    image, flat = build.tensor("image", (1, 8, 8, 3)), build.tensor("flat", (1, 192))
    build.operator("RESHAPE", [image, build.constant("shape", np.array([1, 192], np.int32))], [flat])
    path = tiny.written(tmp_path, build.bytes([image], [flat]))
    images = tiny.images(3)
    with tiny.opened(path, tiny.make_card()) as opened:
        np.testing.assert_allclose(opened.predict(images), images.reshape(3, -1))


def test_what_really_ran_is_told(tiny: ModuleType, tmp_path: Path) -> None:
    with tiny.opened(tiny.written(tmp_path, tiny.convolutional()), tiny.make_card(), threads=1) as opened:
        told = opened.execution
    assert (told.runtime, told.provider, told.threads, told.precision) == ("ai-edge-litert", "XNNPACK", 1, "float32")
    with tiny.opened(tiny.written(tmp_path, tiny.quantised()), tiny.make_card()) as opened:
        assert opened.execution.precision == "int8"


def test_operators_that_the_delegate_leaves_are_named() -> None:
    own = [
        {"index": 0, "op_name": "CONV_2D", "inputs": [0, 1], "outputs": [2]},
        {"index": 1, "op_name": "SOFTMAX", "inputs": [2], "outputs": [3]},
    ]
    parts = [*own, {"index": 2, "op_name": "DELEGATE", "inputs": [0, 1], "outputs": [2]}]
    provider, placed, notes = placement(parts, None)
    assert (provider, len(notes)) == ("XNNPACK", 1)
    assert "1 of 2" in notes[0]
    assert "SOFTMAX" in notes[0]
    assert [(place.provider, place.operators) for place in placed] == [("XNNPACK", 1), ("builtin", 1)]
    assert placement(own, None)[0] == "builtin"


@pytest.mark.parametrize("kind", ["int8", "uint8"])
def test_integer_inputs_and_outputs_go_through_their_own_scales(tiny: ModuleType, tmp_path: Path, kind: str) -> None:
    weight = np.random.default_rng(3).integers(-20, 21, (5, 192)).astype(np.int8)
    path = tiny.written(tmp_path, tiny.quantised(kind, stored=weight))
    images = tiny.images(6)
    steps = np.round(images / np.float32(tiny.IN_SCALE)).reshape(6, -1)  # nothing is clipped: 1 / 0.02 is 50 steps
    scales = np.array([0.001, 0.002, 0.001, 0.002, 0.003])
    real = (steps @ weight.T + np.arange(5) * 100) * tiny.IN_SCALE * scales
    with tiny.opened(path, tiny.make_card()) as opened:
        answers = opened.predict(images)
    np.testing.assert_allclose(answers, real, atol=tiny.OUT_SCALE * 0.51)
    np.testing.assert_allclose(answers / tiny.OUT_SCALE, np.round(answers / tiny.OUT_SCALE), atol=1e-4)


def test_values_beyond_the_range_of_the_input_are_clipped(tiny: ModuleType, tmp_path: Path) -> None:
    weight = np.zeros((5, 192), np.int8)
    weight[1, 0] = 100
    path = tiny.written(tmp_path, tiny.quantised(stored=weight))
    images = np.full((1, 8, 8, 3), 50, np.float32)
    with tiny.opened(path, tiny.make_card()) as opened:
        answer = opened.predict(images)[0, 1]
    highest = (127 + 30) * tiny.IN_SCALE
    assert answer == pytest.approx(highest * 100 * 0.002 + 100 * tiny.IN_SCALE * 0.002, abs=tiny.OUT_SCALE)


def test_raw_pixels_are_never_guessed_for_an_integer_input(tiny: ModuleType, tmp_path: Path) -> None:
    build = tiny.Builder()
    image, real = build.tensor("image", (1, 8, 8, 3), "uint8"), build.tensor("real", (1, 8, 8, 3))
    axes, mean = build.constant("axes", np.array([1, 2], np.int32)), build.tensor("mean", (1, 3))
    build.operator("CAST", [image], [real])
    build.operator("MEAN", [real, axes], [mean])
    path = tiny.written(tmp_path, build.bytes([image], [mean]))
    with pytest.raises(CardError, match="states no scale"), tiny.opened(path, tiny.make_card()):
        pass
    pixels = np.random.default_rng(0).integers(0, 256, (2, 8, 8, 3)).astype(np.float32)
    with tiny.opened(path, tiny.make_card(scale=1)) as opened:
        np.testing.assert_allclose(opened.predict(pixels), pixels.mean((1, 2)), rtol=1e-5)


def test_nan_passes_through(tiny: ModuleType, tmp_path: Path) -> None:
    with tiny.opened(tiny.written(tmp_path, tiny.convolutional()), tiny.make_card()) as opened:
        assert np.isnan(opened.predict(np.full((2, 8, 8, 3), np.nan, np.float32))).any()


@pytest.mark.parametrize(
    "changes", [{"colour": "grey"}, {"size": [8, 9]}, {"layout": "NCHW"}], ids=["channels", "size", "layout"]
)
def test_a_card_that_contradicts_the_input_is_an_error_that_names_both(
    tiny: ModuleType, tmp_path: Path, changes: dict[str, Any]
) -> None:
    path = tiny.written(tmp_path, tiny.convolutional())
    with (
        pytest.raises(CardError, match=r"card says .*'image' takes \? x 8 x 8 x 3"),
        tiny.opened(path, tiny.make_card(**changes)),
    ):
        pass


def test_of_several_outputs_the_card_names_one(tiny: ModuleType, tmp_path: Path) -> None:
    path = tiny.written(tmp_path, tiny.convolutional(outputs=2))
    with pytest.raises(CardError, match=r"scores \[\? x 5\], mean \[1 x 4\]"), tiny.opened(path, tiny.make_card()):
        pass
    with pytest.raises(CardError, match="absent"), tiny.opened(path, tiny.make_card(output={"name": "absent"})):
        pass
    images = tiny.images(2)
    with tiny.opened(path, tiny.make_card(output={"name": "scores"})) as opened:
        np.testing.assert_allclose(opened.predict(images), tiny.answers(images), atol=1e-5)


def test_a_model_with_two_inputs_is_refused_with_both_names(tiny: ModuleType, tmp_path: Path) -> None:
    build = tiny.Builder()
    left, right, out = build.tensor("left", (1, 5)), build.tensor("right", (1, 5)), build.tensor("out", (1, 5))
    build.operator("ADD", [left, right], [out])
    path = tiny.written(tmp_path, build.bytes([left, right], [out]))
    with pytest.raises(UnreadableArtifact, match=r"2 inputs \(left, right\)"), tiny.opened(path, tiny.make_card()):
        pass


def test_an_output_that_is_no_row_of_scores_is_refused(tiny: ModuleType, tmp_path: Path) -> None:
    build = tiny.Builder()
    image, out = build.tensor("image", (1, 8, 8, 3)), build.tensor("out", (1, 8, 8, 3))
    build.operator("RELU", [image], [out])
    path = tiny.written(tmp_path, build.bytes([image], [out]))
    with pytest.raises(UnreadableArtifact, match="1 x 8 x 8 x 3"), tiny.opened(path, tiny.make_card()):
        pass


def half(tiny: ModuleType) -> Any:
    build = tiny.Builder()
    image = build.tensor("image", (1, 8, 8, 3), "float16")
    scores = build.tensor("scores", (1, 5), "float32")
    build.operator("CAST", [image], [scores])
    return build.bytes([image], [scores])


def test_a_half_precision_input_takes_no_values_beyond_its_range(tiny: ModuleType, tmp_path: Path) -> None:
    path = tiny.written(tmp_path, half(tiny))
    with pytest.raises(CardError, match="no float16 numbers"), tiny.opened(path, tiny.make_card(scale=1000)):
        pass


@pytest.mark.parametrize(("scale", "zero"), [([float("inf")], [0]), ([float("nan")], [0]), ([0.0], [0])])
def test_a_scale_that_scales_nothing_is_no_scale(
    tiny: ModuleType, tmp_path: Path, scale: list[float], zero: list[int]
) -> None:
    build = tiny.Builder()
    image = build.tensor("image", (1, 8, 8, 3), "int8", scale=scale, zero=zero)
    scores = build.tensor("scores", (1, 5), "float32")
    build.operator("CAST", [image], [scores])
    path = tiny.written(tmp_path, build.bytes([image], [scores]))
    assert tiny.describe(path).inputs[0].scale is None
    with pytest.raises(CardError, match="states no scale"), tiny.opened(path, tiny.make_card()):
        pass


def test_a_scale_without_a_zero_point_is_no_scale(tiny: ModuleType, tmp_path: Path) -> None:
    build = tiny.Builder()
    image = build.tensor("image", (1, 8, 8, 3), "int8", scale=[0.5], zero=[0])
    build.graph.tensors[image].quantization.zeroPoint = None
    scores = build.tensor("scores", (1, 5), "float32")
    build.operator("CAST", [image], [scores])
    (given,) = tiny.describe(tiny.written(tmp_path, build.bytes([image], [scores]))).inputs
    assert (given.scale, given.zero_point) == (None, None)
