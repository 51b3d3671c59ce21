"""Image models that go through a picture step by step, or by attention: answers, arithmetic, inner tensors."""

from __future__ import annotations

import logging
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import openvino
import pytest
import torch
from ai_edge_litert.interpreter import Interpreter
from numpy.typing import NDArray
from onnx.reference import ReferenceEvaluator
from onnxruntime.quantization import quantize_dynamic
from vetgate_openvino.operator import tally
from vetgate_openvino.weight import tensors
from vetgate_torch.operators import trace

from tests.plugins.litert import tiny_tflite
from tests.plugins.odd import network, onnx_models, tflite_models
from tests.plugins.onnx import tiny_onnx
from vetgate.api import Tap, mark_feature_map

COUNT = 8
KINDS = [(kind, both) for kind in ("LSTM", "GRU", "RNN") for both in (False, True)]


def _images() -> NDArray[np.float32]:
    return np.ascontiguousarray((network.pixels(COUNT) / 255).astype(np.float32).transpose(0, 3, 1, 2))


def _written(folder: Path, data: bytes, name: str = "model.onnx") -> Path:
    path = folder / name
    path.write_bytes(data)
    return path


def _reference(data: bytes) -> NDArray[np.float32]:
    answers: Any = ReferenceEvaluator(onnx.load_from_string(data)).run(None, {"image": _images()})
    return np.asarray(answers[0], np.float32)


def _read_all(path: Path) -> tuple[Tap, ...]:
    """Return the inner tensors of an ONNX model, each of which must have one entry an image."""
    with tiny_onnx.opened(path, tiny_onnx.make_card(), batch_size=COUNT) as model:
        taps: tuple[Tap, ...] = model.taps()  # type: ignore[attr-defined]  # a TappedModel
        for tap in taps:
            values = model.capture(_images(), [tap.name])[tap.name]  # type: ignore[attr-defined]
            assert values.shape == (COUNT, *tap.shape)
    return taps


@pytest.mark.parametrize(("kind", "both"), KINDS)
def test_recurrent_layers_are_counted_step_by_step_and_in_both_directions(
    kind: str, both: bool, tmp_path: Path
) -> None:
    data = onnx_models.recurrent(kind, both=both)
    path = _written(tmp_path, data)
    assert tiny_onnx.describe(path).macs == onnx_models.recurrent_macs(kind, both=both)
    taps = _read_all(path)
    assert [tap.name for tap in taps if tap.features] == ["features"]
    assert not any(tap.spatial for tap in taps)  # rows of pixels are no map of features
    with tiny_onnx.opened(path, tiny_onnx.make_card(), batch_size=COUNT) as model:
        answers = model.predict(_images())
    if kind == "LSTM" and not both:
        np.testing.assert_allclose(answers, _reference(data), atol=1e-5)


@pytest.mark.parametrize("form", ["products", "operator", "fused"])
def test_attention_is_counted_however_it_is_stored(form: str, tmp_path: Path) -> None:
    path = _written(tmp_path, onnx_models.transformer(form))
    assert tiny_onnx.describe(path).macs == onnx_models.TRANSFORMER_MACS
    taps = _read_all(path)
    assert [tap.name for tap in taps if tap.spatial] == ["patches"]  # heads and tokens are no picture
    assert [tap.name for tap in taps if tap.features] == ["features"]
    with tiny_onnx.opened(path, tiny_onnx.make_card(), batch_size=COUNT) as model:
        np.testing.assert_allclose(model.predict(_images()), _reference(onnx_models.transformer()), atol=1e-4)


class _Rows(torch.nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.rows = torch.nn.LSTM(24, 6, num_layers=2, batch_first=True, bidirectional=True)
        self.classes = torch.nn.Linear(12, 10)

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        steps, _ = self.rows(image.permute(0, 2, 3, 1).reshape(-1, 8, 24))
        scores: torch.Tensor = self.classes(steps[:, -1])
        return scores


ROWS_MACS = 8 * 2 * 4 * 6 * (24 + 6) + 8 * 2 * 4 * 6 * (12 + 6) + 12 * 10


@pytest.fixture(scope="module")
def rows(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a two-layer LSTM in both directions, as PyTorch exports it: its first state is computed from the batch."""
    path = tmp_path_factory.mktemp("rows") / "model.onnx"
    export: Any = torch.onnx.export
    torch.manual_seed(0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        logging.disable(logging.WARNING)
        free = {"image": {0: "batch"}, "scores": {0: "batch"}}
        export(
            _Rows().eval(), (torch.zeros(2, 3, 8, 8),), str(path), dynamo=False, input_names=["image"],
            output_names=["scores"], dynamic_axes=free,
        )  # fmt: skip
        logging.disable(logging.NOTSET)
    return path


def test_an_exported_lstm_shows_no_tensor_that_has_not_one_entry_an_image(rows: Path) -> None:
    structure = tiny_onnx.describe(rows)
    assert structure.macs == ROWS_MACS
    assert _read_all(rows)


def test_a_dynamically_quantised_lstm_keeps_its_parameters(rows: Path, tmp_path: Path) -> None:
    path = tmp_path / "quantised.onnx"
    logging.disable(logging.WARNING)
    quantize_dynamic(str(rows), str(path))
    logging.disable(logging.NOTSET)
    before, after = tiny_onnx.describe(rows), tiny_onnx.describe(path)
    assert after.macs == before.macs
    learned = [sum(tensor.elements for tensor in told.tensors if tensor.kind != "state") for told in (before, after)]
    assert learned[0] == learned[1] == sum(value.numel() for value in _Rows().parameters())
    with tiny_onnx.opened(path, tiny_onnx.make_card(), batch_size=COUNT) as model:
        assert model.execution.precision == "int8"


def test_pytorch_counts_an_lstm_as_onnx_does() -> None:
    told = trace(_Rows().eval(), (2, 3, 8, 8), torch.float32, may_run=False)
    assert sum(operator.macs or 0 for operator in told.operators) == ROWS_MACS
    assert not told.notes


@pytest.mark.parametrize(("kind", "both"), [("LSTM", True), ("GRU", False), ("RNN", False)])
def test_openvino_counts_recurrent_layers_as_onnx_does(kind: str, both: bool, tmp_path: Path) -> None:
    path = _written(tmp_path, onnx_models.recurrent(kind, both=both))
    graph = openvino.Core().read_model(str(path))
    graph.reshape([1, 3, 8, 8])
    told = sum(part.macs or 0 for part in tally(graph, 1).values())
    assert told == onnx_models.recurrent_macs(kind, both=both)
    learned = [tensor for tensor in tensors(graph) if tensor.kind == "parameter"]
    expected = [tensor for tensor in tiny_onnx.describe(path).tensors if tensor.kind == "parameter"]
    recurrent = {tensor.elements for tensor in expected if len(tensor.shape) == 3}
    assert recurrent <= {tensor.elements for tensor in learned}


def test_openvino_counts_attention_as_onnx_does(tmp_path: Path) -> None:
    graph = openvino.Core().read_model(str(_written(tmp_path, onnx_models.transformer("operator"))))
    graph.reshape([1, 3, 8, 8])
    assert sum(part.macs or 0 for part in tally(graph, 1).values()) == onnx_models.TRANSFORMER_MACS


def _alone(path: Path) -> NDArray[np.float32]:
    """Return what bare LiteRT answers, a fresh interpreter for each image."""
    answers = []
    for image in _images().transpose(0, 2, 3, 1):
        interpreter = Interpreter(model_path=str(path))
        interpreter.allocate_tensors()
        interpreter.set_tensor(interpreter.get_input_details()[0]["index"], np.ascontiguousarray(image[np.newaxis]))
        interpreter.invoke()
        answers.append(interpreter.get_tensor(interpreter.get_output_details()[0]["index"]))
    return np.concatenate(answers)


def test_the_state_of_a_tflite_lstm_does_not_go_from_one_image_to_the_next(tmp_path: Path) -> None:
    path = _written(tmp_path, tflite_models.recurrent(), "model.tflite")
    assert tiny_tflite.describe(path).macs == tflite_models.RECURRENT_MACS
    images = np.ascontiguousarray(_images().transpose(0, 2, 3, 1))
    with tiny_tflite.opened(path, tiny_tflite.make_card()) as model:
        np.testing.assert_allclose(model.predict(images), _alone(path), atol=1e-5)
        np.testing.assert_allclose(model.predict(images[::-1]), _alone(path)[::-1], atol=1e-5)
        assert any("keeps a state" in note for note in model.execution.notes)
        taps: tuple[Tap, ...] = model.taps()  # type: ignore[attr-defined]  # a TappedModel
        assert [tap.operator for tap in taps if tap.weighted] == ["UNIDIRECTIONAL_SEQUENCE_LSTM", "FULLY_CONNECTED"]
        assert not any(tap.spatial for tap in taps)
        read = model.capture(images, ["all", "mean"])  # type: ignore[attr-defined]
        np.testing.assert_allclose(read["all"].mean(axis=1), read["mean"], atol=1e-5)


def test_tflite_attention_is_counted_and_answers_alike_in_any_batch(tmp_path: Path) -> None:
    path = _written(tmp_path, tflite_models.attention(), "model.tflite")
    assert tiny_tflite.describe(path).macs == tflite_models.ATTENTION_MACS
    with tiny_tflite.opened(path, tiny_tflite.make_card()) as model:
        images = np.ascontiguousarray(_images().transpose(0, 2, 3, 1))
        np.testing.assert_allclose(model.predict(images), _alone(path), atol=1e-5)


def _tap(name: str, operator: str, *shape: int) -> Tap:
    return Tap(name=name, operator=operator, shape=shape, layer=0)


def test_a_feature_map_has_the_size_of_what_convolutions_give() -> None:
    taps = [
        _tap("conv", "Conv", 8, 4, 4),
        _tap("heads", "Reshape", 17, 2, 6),
        _tap("scaled", "Div", 2, 17, 17),
        _tap("add", "Add", 8, 4, 4),
        _tap("turned", "Transpose", 4, 4, 8),
        _tap("pool", "AveragePool", 8, 2, 2),
    ]
    assert [tap.name for tap in mark_feature_map(taps) if tap.spatial] == ["add"]
    assert [tap.name for tap in mark_feature_map(taps[2:3]) if tap.spatial] == ["scaled"]
