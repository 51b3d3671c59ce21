"""What an opened ONNX model answers, and what it refuses."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from onnx.reference import ReferenceEvaluator
from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static

from vetgate.api import CardError, UnreadableArtifact

Save = Callable[..., Path]


def reference(model: onnx.ModelProto, images: Any) -> Any:
    answers: Any = ReferenceEvaluator(model).run(None, {"image": images})
    return answers[0]


@pytest.mark.parametrize("count", [1, 3, 7])
def test_answers_are_those_of_the_onnx_reference(tiny: ModuleType, save: Save, count: int) -> None:
    model = tiny.convolutional()
    images = tiny.images(count)
    with tiny.opened(save(model), tiny.make_card(), batch_size=8) as opened:
        answers = opened.predict(images)
    assert answers.dtype == np.float32
    np.testing.assert_allclose(answers, reference(model, images), atol=1e-5)


@pytest.mark.parametrize("batch", [1, 3])
def test_a_fixed_batch_is_split_and_padded(tiny: ModuleType, save: Save, batch: int) -> None:
    images = tiny.images(7)
    with tiny.opened(save(tiny.convolutional(), "free.onnx"), tiny.make_card()) as opened:
        wanted = opened.predict(images)
    with tiny.opened(save(tiny.convolutional(batch), "fixed.onnx"), tiny.make_card()) as opened:
        np.testing.assert_allclose(opened.predict(images), wanted, atol=1e-5)


def test_what_really_ran_is_told(tiny: ModuleType, save: Save) -> None:
    with tiny.opened(save(tiny.convolutional()), tiny.make_card(), threads=1) as opened:
        execution = opened.execution
    assert (execution.runtime, execution.provider, execution.threads, execution.precision) == (
        "onnxruntime", "CPUExecutionProvider", 1, "float32",
    )  # fmt: skip


def test_external_data_is_read_from_beside_the_model(tiny: ModuleType, save: Save) -> None:
    images = tiny.images(2)
    path = save(tiny.convolutional(), save_as_external_data=True, size_threshold=100, location="weights.bin")
    with tiny.opened(path, tiny.make_card()) as opened:
        wanted = reference(tiny.convolutional(), images)
        np.testing.assert_allclose(opened.predict(images), wanted, atol=1e-5)


def test_nan_passes_through(tiny: ModuleType, save: Save) -> None:
    model = tiny.convolutional()
    model.graph.initializer[-1].raw_data = np.full(5, np.nan, np.float32).tobytes()
    with tiny.opened(save(model), tiny.make_card()) as opened:
        assert np.isnan(opened.predict(tiny.images(2))).all()


@pytest.mark.parametrize(("kind", "tolerance"), [(TensorProto.FLOAT16, 2e-3), (TensorProto.DOUBLE, 1e-6)])
def test_images_are_cast_to_what_the_input_takes(tiny: ModuleType, save: Save, kind: int, tolerance: float) -> None:
    dtype = helper.tensor_dtype_to_np_dtype(kind)
    nodes = [
        helper.make_node("ReduceMean", ["image", "axes"], ["scores"], keepdims=0),
    ]
    model = tiny.model_of(nodes, {"axes": np.array([2, 3])}, given=(kind, ["N", 3, 8, 8]), out=(kind, ["N", 3]))
    images = tiny.images(4)
    with tiny.opened(save(model), tiny.make_card()) as opened:
        answers = opened.predict(images)
    assert answers.dtype == np.float32
    np.testing.assert_allclose(answers, images.astype(dtype).mean((2, 3)), atol=tolerance)


class _Calibration(CalibrationDataReader):  # type: ignore[misc]  # onnxruntime is untyped
    def __init__(self, batches: list[Any]) -> None:
        self._batches = iter(batches)

    def get_next(self) -> dict[str, Any] | None:
        return next(({"image": batch} for batch in self._batches), None)


@pytest.mark.parametrize("style", [QuantFormat.QDQ, QuantFormat.QOperator])
def test_a_statically_quantised_model_is_counted_and_run_as_int8(
    tiny: ModuleType, save: Save, tmp_path: Path, style: QuantFormat
) -> None:
    base, small = save(tiny.convolutional(), "base.onnx"), tmp_path / "int8.onnx"
    quantize_static(
        str(base), str(small), _Calibration([tiny.images(4, seed) for seed in range(4)]), quant_format=style,
        per_channel=True, activation_type=QuantType.QUInt8, weight_type=QuantType.QInt8,
    )  # fmt: skip
    structure = tiny.describe(small)
    assert structure.macs == tiny.MACS
    learned = [entry for entry in structure.tensors if entry.kind == "parameter"]
    assert sum(entry.elements for entry in learned) == 108 + 4 + 320 + 5
    assert {entry.bits for entry in learned if entry.elements > 50} == {8}
    images = tiny.images(20, 9)
    with tiny.opened(base, tiny.make_card()) as opened:
        wanted = opened.predict(images)
    with tiny.opened(small, tiny.make_card()) as opened:
        assert opened.execution.precision == "int8"
        answers = opened.predict(images)
    assert np.abs(answers - wanted).max() < 0.05 * np.abs(wanted).max()


def integer_model(tiny: ModuleType, *, scaled: bool, kind: int = TensorProto.UINT8) -> Any:
    """Return a model of integer images whose scores are the mean of each channel."""
    dtype = helper.tensor_dtype_to_np_dtype(kind)
    constants = {"scale": np.float32(0.02), "zero": dtype.type(100), "axes": np.array([2, 3])}
    first = (
        helper.make_node("DequantizeLinear", ["image", "scale", "zero"], ["real"])
        if scaled
        else helper.make_node("Cast", ["image"], ["real"], to=TensorProto.FLOAT)
    )
    nodes = [first, helper.make_node("ReduceMean", ["real", "axes"], ["scores"], keepdims=0)]
    arrays = {name: np.asarray(value) for name, value in constants.items()}
    return tiny.model_of(nodes, arrays, given=(kind, ["N", 3, 8, 8]), out=(TensorProto.FLOAT, ["N", 3]))


@pytest.mark.parametrize("kind", [TensorProto.UINT8, TensorProto.INT8])
def test_an_integer_input_is_fed_through_its_own_scale_rounded_and_clipped(
    tiny: ModuleType, save: Save, kind: int
) -> None:
    path = save(integer_model(tiny, scaled=True, kind=kind))
    (given,) = tiny.describe(path).inputs
    assert (given.scale, given.zero_point) == (pytest.approx(0.02), 100)
    limits = np.iinfo(helper.tensor_dtype_to_np_dtype(kind))
    levels = np.array([0.0, 0.029, -9.0], np.float32)  # 100; 101.45, which rounds to 101; far below the least
    images = np.broadcast_to(levels[None, :, None, None], (2, 3, 8, 8)).astype(np.float32)
    with tiny.opened(path, tiny.make_card(mean=[0.5])) as opened:
        answers = opened.predict(images)
    np.testing.assert_allclose(answers, np.tile([0, 0.02, (limits.min - 100) * 0.02], (2, 1)), atol=1e-5)


def test_a_plain_integer_input_takes_raw_pixels_only(tiny: ModuleType, save: Save) -> None:
    path = save(integer_model(tiny, scaled=False))
    with pytest.raises(CardError, match="states no scale"), tiny.opened(path, tiny.make_card()):
        pass
    pixels = np.random.default_rng(0).integers(0, 256, (2, 3, 8, 8)).astype(np.float32)
    with tiny.opened(path, tiny.make_card(scale=1)) as opened:
        np.testing.assert_allclose(opened.predict(pixels), pixels.mean((2, 3)), atol=1e-3)


def test_a_quantised_output_comes_back_as_numbers(tiny: ModuleType, save: Save) -> None:
    nodes = [
        helper.make_node("ReduceMean", ["image", "axes"], ["real"], keepdims=0),
        helper.make_node("QuantizeLinear", ["real", "scale", "zero"], ["scores"]),
    ]
    constants = {"axes": np.array([2, 3]), "scale": np.asarray(np.float32(0.01)), "zero": np.asarray(np.int8(-20))}
    path = save(tiny.model_of(nodes, constants, out=(TensorProto.INT8, ["N", 3])))
    images = tiny.images(3)
    with tiny.opened(path, tiny.make_card()) as opened:
        np.testing.assert_allclose(opened.predict(images), images.mean((2, 3)), atol=0.0051)
    (out,) = tiny.describe(path).outputs
    assert (out.dtype, out.scale, out.zero_point) == ("int8", pytest.approx(0.01), -20)


def test_class_numbers_instead_of_scores_are_refused(tiny: ModuleType, save: Save) -> None:
    nodes = [
        helper.make_node("ReduceMean", ["image", "axes"], ["real"], keepdims=0),
        helper.make_node("ArgMax", ["real"], ["scores"], axis=1),
    ]
    path = save(tiny.model_of(nodes, {"axes": np.array([2, 3])}, out=(TensorProto.INT64, ["N", 1])))
    with pytest.raises(UnreadableArtifact, match="int64"), tiny.opened(path, tiny.make_card()):
        pass


def two_ports(*, inputs: int = 1, outputs: int = 1) -> onnx.ModelProto:
    given = [helper.make_tensor_value_info(f"in{i}", TensorProto.FLOAT, ["N", 3, 8, 8]) for i in range(inputs)]
    out = [helper.make_tensor_value_info(f"out{i}", TensorProto.FLOAT, ["N", 192]) for i in range(outputs)]
    nodes = [helper.make_node("Sum", [port.name for port in given], ["sum"])]
    nodes += [helper.make_node("Mul", ["sum", f"by{i}"], [f"m{i}"]) for i in range(outputs)]
    nodes += [helper.make_node("Flatten", [f"m{i}"], [port.name]) for i, port in enumerate(out)]
    by = [helper.make_tensor(f"by{i}", TensorProto.FLOAT, [], [i + 1.0]) for i in range(outputs)]
    graph = helper.make_graph(nodes, "g", given, out, by)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=10)


def test_a_model_with_two_inputs_is_refused_with_both_names(tiny: ModuleType, save: Save) -> None:
    path = save(two_ports(inputs=2))
    with pytest.raises(UnreadableArtifact, match=r"2 inputs \(in0, in1\)"), tiny.opened(path, tiny.make_card()):
        pass


def test_of_several_outputs_the_card_names_one(tiny: ModuleType, save: Save) -> None:
    path = save(two_ports(outputs=2))
    with pytest.raises(CardError, match=r"out0 \[\? x 192\], out1 \[\? x 192\]"), tiny.opened(path, tiny.make_card()):
        pass
    with pytest.raises(CardError, match="out9"), tiny.opened(path, tiny.make_card(output={"name": "out9"})):
        pass
    images = tiny.images(1)
    with tiny.opened(path, tiny.make_card(output={"name": "out1"})) as opened:
        np.testing.assert_allclose(opened.predict(images), 2 * images.reshape(1, -1), atol=1e-6)


@pytest.mark.parametrize(
    "changes", [{"colour": "grey"}, {"size": [8, 9]}, {"layout": "NHWC"}], ids=["channels", "size", "layout"]
)
def test_a_card_that_contradicts_the_input_is_an_error_that_names_both(
    tiny: ModuleType, save: Save, changes: dict[str, Any]
) -> None:
    path = save(tiny.convolutional())
    with (
        pytest.raises(CardError, match=r"card says .*'image' takes \? x 3 x 8 x 8"),
        tiny.opened(path, tiny.make_card(**changes)),
    ):
        pass


def test_an_output_that_is_no_row_of_scores_is_refused(tiny: ModuleType, save: Save) -> None:
    model = tiny.model_of([helper.make_node("Relu", ["image"], ["scores"])], {}, out=(1, ["N", 3, 8, 8]))
    with (
        tiny.opened(save(model), tiny.make_card()) as opened,
        pytest.raises(UnreadableArtifact, match="2 x 3 x 8 x 8"),
    ):
        opened.predict(tiny.images(2))


@pytest.mark.parametrize("keep", [0.3, 0.9])
def test_a_damaged_file_is_one_clear_sentence(tiny: ModuleType, tmp_path: Path, keep: float) -> None:
    path = tmp_path / "cut.onnx"
    data = tiny.convolutional().SerializeToString()
    whole = tiny.make_artifact(_written(path, data))
    path.write_bytes(data[: int(len(data) * keep)])
    backend = tiny.OnnxBackend()
    with pytest.raises(UnreadableArtifact) as raised, backend.open(whole, tiny.make_card(), tiny.OpenOptions()):
        pass
    assert "onnxruntime" in raised.value.message
    assert "\n" not in raised.value.message
    with pytest.raises(UnreadableArtifact, match="onnx cannot parse"):
        backend.describe(whole, None, tiny.OpenOptions())


def _written(path: Path, data: bytes) -> Path:
    path.write_bytes(data)
    return path


def test_an_operator_nobody_knows_is_refused_by_name(tiny: ModuleType, save: Save) -> None:
    node = helper.make_node("Mystery", ["image"], ["scores"], domain="acme")
    path = save(tiny.model_of([node], {}, domains=("acme",)))
    with pytest.raises(UnreadableArtifact, match="Mystery"), tiny.opened(path, tiny.make_card()):
        pass


def test_the_suffix_ort_does_not_change_how_a_model_is_read(tiny: ModuleType, save: Save) -> None:
    with tiny.opened(save(tiny.convolutional(), "model.ort"), tiny.make_card()) as opened:
        assert opened.predict(tiny.images(1)).shape == (1, 5)


def test_a_half_precision_input_takes_no_values_beyond_its_range(tiny: ModuleType, save: Save) -> None:
    path = save(integer_model(tiny, scaled=False, kind=TensorProto.FLOAT16))
    with tiny.opened(path, tiny.make_card()) as opened:
        np.testing.assert_allclose(opened.predict(tiny.images(1)), tiny.images(1).mean((2, 3)), atol=1e-3)
    with pytest.raises(CardError, match="no float16 numbers"), tiny.opened(path, tiny.make_card(scale=1000)):
        pass


@pytest.mark.parametrize("scale", [0.0, float("inf"), float("nan"), -0.5])
def test_a_scale_that_scales_nothing_is_no_scale(tiny: ModuleType, save: Save, scale: float) -> None:
    model = integer_model(tiny, scaled=True)
    model.graph.initializer[0].CopyFrom(numpy_helper.from_array(np.asarray(scale, np.float32), "scale"))
    path = save(model)
    assert tiny.describe(path).inputs[0].scale is None
    with pytest.raises(CardError, match="states no scale"), tiny.opened(path, tiny.make_card()):
        pass


def test_a_model_that_answers_once_for_several_images_is_refused(tiny: ModuleType, save: Save) -> None:
    nodes = [helper.make_node("ReduceMean", ["image", "axes"], ["scores"], keepdims=0)]
    constants = {"axes": np.array([0, 2])}
    path = save(tiny.model_of(nodes, constants, out=(TensorProto.FLOAT, [3, 8])))
    with (
        tiny.opened(path, tiny.make_card(), batch_size=4) as opened,
        pytest.raises(UnreadableArtifact, match="3 rows for 4 images"),
    ):
        opened.predict(tiny.images(4))
