"""Which layer broke: inner tensors of real models, and of copies with a break planted in one layer."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import numpy_helper
from vetgate_layers.check import LayersCheck
from vetgate_layers.metrics import FEATURE_CKA, LAYER_SNR
from vetgate_layers.plugin import vetgate_checks

from vetgate.api import Ask, CheckSpec, Execution, Inconclusive, Measurement, Question, Results, SessionContext, Table
from vetgate.testing import CheckContract

FASHION = Path(__file__).parents[3] / "examples" / "fashion"
Opening = Callable[..., Any]


class NoSession:
    """These checks time nothing."""

    execution = Execution(runtime="none", version="0", provider="none", threads=1, precision="float32")
    batch = 1

    def time(self, calls: int, *, batch: int | None = None) -> Any:
        raise AssertionError("inner tensors need no timing")

    def start_afresh(self) -> Any:
        raise AssertionError("inner tensors need no timing")


def _context(candidate: Any, reference: Any) -> SessionContext:
    return SessionContext(NoSession(), NoSession(), candidate_inner=candidate, reference_inner=reference)


def _measured(candidate: Any, reference: Any) -> Results:
    questions = tuple(Question(metric=spec.id, of=spec.roles[0], confidence=0.95) for spec in (LAYER_SNR, FEATURE_CKA))
    return LayersCheck().measure(_context(candidate, reference), Ask(questions=questions, replicates=1000))


def _figure(results: Results, metric: str) -> Measurement:
    return next(figure for figure in results.measurements if figure.metric == metric)


def _rows(results: Results) -> list[dict[str, Any]]:
    table = next(table for table in results.exhibits if table.title == "Inner tensors, worst first")
    assert isinstance(table, Table)
    return [dict(zip(table.columns, row, strict=True)) for row in table.rows]


def _convolutions(model: onnx.ModelProto) -> list[onnx.NodeProto]:
    return [node for node in model.graph.node if node.op_type == "Conv"]


def _changed(path: Path, folder: Path, place: int, change: Callable[[Any, Any], None]) -> tuple[Path, str]:
    """Write a copy of an ONNX model whose convolution at a place has other weights; return it and its output's name."""
    model = onnx.load(path)
    node = _convolutions(model)[place]
    stored = {tensor.name: tensor for tensor in model.graph.initializer}
    arrays = [numpy_helper.to_array(stored[name]).copy() for name in node.input[1:3]]
    change(*arrays)
    for name, values in zip(node.input[1:3], arrays, strict=True):
        stored[name].CopyFrom(numpy_helper.from_array(values, name))
    onnx.save(model, folder / "broken.onnx")
    return folder / "broken.onnx", node.output[0]


def _halve(weight: Any, bias: Any) -> None:
    weight *= 0.5


def _silence(weight: Any, bias: Any) -> None:
    weight[3] = 0
    bias[3] = 0


def test_an_export_has_every_layer_of_its_original(inner: Opening, reference: Any, exported: Path) -> None:
    found = _measured(inner(exported, "float16.onnx"), reference)
    assert _figure(found, LAYER_SNR.id).value > 80
    assert _figure(found, FEATURE_CKA.id).value == pytest.approx(1.0, abs=1e-9)
    rows = _rows(found)
    assert {row["layer"] for row in rows} == set(range(1, 11))
    assert len(found.exhibits) == 1, "no layer is left without a partner"
    # batch normalisation is folded: a convolution of the export is the normalisation of the original
    assert all("batch_norm" in row["reference"] for row in rows if row["candidate"].startswith("getitem"))
    assert not found.findings


def test_a_model_against_itself_has_no_noise_at_all(reference: Any) -> None:
    found = _measured(reference, reference)
    assert _figure(found, LAYER_SNR.id).value == 200
    assert _figure(found, LAYER_SNR.id).uncertainty.values == (200.0,) * len(  # type: ignore[union-attr]
        _figure(found, LAYER_SNR.id).uncertainty.levels  # type: ignore[union-attr]
    )
    features = _figure(found, FEATURE_CKA.id)
    assert features.value == 1
    bounds = dict(zip(features.uncertainty.levels, features.uncertainty.values, strict=True))  # type: ignore[union-attr]
    assert 0.5 < bounds[0.05] < 1 == bounds[0.95], "features of images not seen may differ"
    assert all(row["candidate"] == row["reference"] for row in _rows(found))
    assert {row["by"] for row in _rows(found)} == {"name"}


@pytest.mark.parametrize(("name", "least"), [("int8.onnx", 25.0), ("int8.tflite", 12.0), ("float16.onnx", 50.0)])
def test_a_quantised_copy_keeps_its_layers(inner: Opening, reference: Any, name: str, least: float) -> None:
    found = _measured(inner(FASHION / name), reference)
    worst = _figure(found, LAYER_SNR.id)
    assert least < worst.value < 70
    assert worst.uncertainty.kind == "quantiles"
    assert _figure(found, FEATURE_CKA.id).value > 0.98
    assert {row["layer"] for row in _rows(found)} == set(range(1, 11))
    assert "layers.dead" not in {finding.rule for finding in found.findings}


def test_branches_that_a_converter_wrote_in_another_order_are_told_by_their_values(
    inner: Opening, reference: Any
) -> None:
    rows = {row["candidate"]: row for row in _rows(_measured(inner(FASHION / "int8.onnx"), reference))}
    assert rows["getitem_9"]["reference"] == "stages.1.0.shortcut.1/batch_norm"
    assert rows["getitem_6"]["reference"] == "stages.1.0.norm2/batch_norm"
    assert rows["getitem_9"]["by"] == "values"


def test_the_tflite_output_that_clips_is_where_it_falls_most(inner: Opening, reference: Any) -> None:
    rows = _rows(_measured(inner(FASHION / "int8.tflite"), reference))
    assert rows[0]["layer"] == 10
    assert float(rows[0]["fall, dB"]) == max(float(row["fall, dB"]) for row in rows)


@pytest.mark.parametrize("place", [0, 1, 4, 7])
@pytest.mark.parametrize("change", [_halve, _silence])
def test_a_layer_that_was_broken_is_named(
    inner: Opening, reference: Any, exported: Path, tmp_path: Path, place: int, change: Callable[[Any, Any], None]
) -> None:
    broken, name = _changed(exported, tmp_path, place, change)
    found = _measured(inner(broken, "float16.onnx"), reference)
    rows = _rows(found)
    layers = {row["candidate"]: row["layer"] for row in rows}
    assert [finding.location for finding in found.findings if finding.rule == "layers.fall"] == [name]
    steepest = max(rows, key=lambda row: float(row["fall, dB"]))
    assert steepest["candidate"] == name
    before = [float(row["SNR, dB"]) for row in rows if row["layer"] < layers[name]]
    assert all(ratio > 80 for ratio in before), "what runs before the break is untouched"
    assert _figure(found, LAYER_SNR.id).value < 30


def test_a_layer_that_died_is_named(inner: Opening, reference: Any, exported: Path, tmp_path: Path) -> None:
    broken, name = _changed(exported, tmp_path, 4, lambda weight, bias: weight.fill(0))
    found = _measured(inner(broken, "float16.onnx"), reference)
    (dead,) = [finding for finding in found.findings if finding.rule == "layers.dead"]
    assert dead.location == name
    assert "the same for all 48 images" in dead.message


def test_features_that_say_nothing_are_named_and_not_scored(
    inner: Opening, reference: Any, exported: Path, tmp_path: Path
) -> None:
    model = onnx.load(exported)
    for node in _convolutions(model):
        for name in node.input[1:3]:
            stored = next(tensor for tensor in model.graph.initializer if tensor.name == name)
            stored.CopyFrom(numpy_helper.from_array(np.zeros_like(numpy_helper.to_array(stored)), name))
    onnx.save(model, tmp_path / "dead.onnx")
    found = _measured(inner(tmp_path / "dead.onnx", "float16.onnx"), reference)
    assert FEATURE_CKA.id not in {figure.metric for figure in found.measurements}
    (missing,) = [finding for finding in found.findings if finding.rule == "layers.missing"]
    assert missing.message.startswith(f"{FEATURE_CKA.id} says nothing here: the features are the same for every image")


def test_another_architecture_is_refused(inner: Opening, reference: Any, tmp_path: Path) -> None:
    torch = pytest.importorskip("torch")
    small = torch.nn.Sequential(
        torch.nn.Conv2d(1, 8, 5, 2), torch.nn.ReLU(), torch.nn.AdaptiveAvgPool2d(1), torch.nn.Flatten(),
        torch.nn.Linear(8, 10),
    ).eval()  # fmt: skip
    path = tmp_path / "small.pt2"
    batch = torch.export.Dim("batch", min=1, max=512)
    program = torch.export.export(small, (torch.zeros(2, 1, 28, 28),), dynamic_shapes=({0: batch},))
    torch.export.save(program, path)
    found = _measured(inner(path, "reference.pt"), reference)
    assert LAYER_SNR.id not in {figure.metric for figure in found.measurements}
    (missing,) = found.findings
    assert missing.message.startswith("similarity.layer_snr: no matching inner tensors: 1 of 2 layers of the candidate")


def test_a_run_without_inner_tensors_is_inconclusive() -> None:
    with pytest.raises(Inconclusive, match="no inner tensors can be read"):
        LayersCheck().measure(SessionContext(NoSession(), NoSession()), Ask())


class TestContract(CheckContract):
    @pytest.fixture(autouse=True)
    def _given(self, inner: Opening, reference: Any) -> None:
        self.given = _context(inner(FASHION / "int8.onnx"), reference)

    def spec(self) -> CheckSpec[Any]:
        (spec,) = vetgate_checks()
        return spec

    def context(self) -> SessionContext:
        return self.given
