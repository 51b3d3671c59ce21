"""Keras archives: what they answer and hold, and that nothing is built of what is not known to be harmless."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import onnxruntime
import pytest
from vetgate_keras.archive import CONVERT
from vetgate_runtime import keras as known
from vetgate_scan.plugin import vetgate_scanners

from tests.plugins.keras import tiny_keras
from vetgate.api import BackendSpec, CardError, ScannerSpec, TappedModel, UnreadableArtifact
from vetgate.testing import BackendContract, Example
from vetgate.testing.scanner import Sample, ScannerContract


class TestKeras(BackendContract):
    def spec(self) -> BackendSpec:
        return tiny_keras.spec()

    def example(self, folder: Path) -> Example:
        images = tiny_keras.images(4)
        return Example(tiny_keras.written(folder), tiny_keras.make_card(), images, tiny_keras.answers(images))


class TestKerasScanner(ScannerContract):
    def spec(self) -> ScannerSpec:
        return next(spec for spec in vetgate_scanners() if spec.name == "keras")

    def harmless(self, folder: Path) -> Sequence[Sample]:
        paths = (tiny_keras.written(folder / "plain"), tiny_keras.written(folder / "row", sequential=True))
        return [Sample(path, "keras") for path in paths]

    def harmful(self, folder: Path, mark: Path) -> Mapping[str, Sample]:
        path = tiny_keras.written(folder)
        tiny_keras.changed(path, STRANGE["a layer that is not on the list"])
        return {"VG0711": Sample(path, "keras")}


def put(name: str, **parts: Any) -> Callable[[dict[str, Any]], None]:
    """Return what changes a layer of a configuration."""
    return lambda config: tiny_keras.layer_of(config, name).update(parts)


def put_inside(name: str, **parts: Any) -> Callable[[dict[str, Any]], None]:
    return lambda config: tiny_keras.layer_of(config, name)["config"].update(parts)


def function(module: str, name: str) -> dict[str, Any]:
    return {"module": module, "class_name": "function", "config": name, "registered_name": name}


STRANGE: dict[str, Callable[[dict[str, Any]], None]] = {
    "a layer that is not on the list": put("dropout", class_name="StringLookup"),
    "a layer of code": put("dropout", class_name="Lambda"),
    "a layer that runs a SavedModel": put("dropout", class_name="TFSMLayer"),
    "a layer that unpickles": put("dropout", class_name="TorchModuleWrapper"),
    "a module of somebody else": put("dropout", module="keras_hub.layers"),
    "a module of Python": put("dropout", module="os", class_name="system"),
    "a registered object": put("dropout", registered_name="mine>Dropout"),
    "no module at all": put("dropout", module=None),
    "a function that fetches": put_inside("conv", activation=function("keras.utils", "get_file")),
    "a function of Python": put_inside("conv", activation=function("builtins", "exec")),
    "code": put_inside("conv", activation={"class_name": "__lambda__", "config": {"value": ""}}),
    "a regulariser of another module": put_inside("conv", kernel_regularizer={"module": "x", "class_name": "L2"}),
    "a name for code": put_inside("conv", activation="my_package>swish"),
    "an object whose class is a list": put_inside("conv", bias_constraint={"class_name": ["NonNeg"], "config": {}}),
    "a compiled model inside": put("dropout", compile_config={"loss": function("x", "y")}),
}


@pytest.mark.parametrize("name", STRANGE)
def test_what_is_not_known_to_be_harmless_is_named_and_never_built(
    tiny: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    def build(*args: object, **options: object) -> None:
        raise AssertionError("it was built")

    path = tiny.changed(tiny.written(tmp_path), STRANGE[name])
    monkeypatch.setattr(tiny.keras().saving, "load_model", build)
    with pytest.raises(UnreadableArtifact, match="plain layers alone"), tiny.opened(path, tiny.make_card()):
        pass
    assert TestKerasScanner().scan(Sample(path, "keras")), "its scanner finds it, too"


def test_every_class_that_is_known_to_be_harmless_is_one_of_keras(tiny: ModuleType) -> None:
    from keras.src.api_export import get_symbol_from_name

    for module, names in known.KNOWN.items():
        for name in sorted(names):
            if module.startswith("keras.src"):
                found = getattr(import_module(module), name, None)
            else:
                found = get_symbol_from_name(f"{module}.{name}")
            assert found is not None, f"{module}.{name}"


def test_what_image_models_are_made_of_is_known(tiny: ModuleType, tmp_path: Path) -> None:
    """Blocks of EfficientNet, ConvNeXt and transformers, recurrent layers, and arithmetic without layers."""
    layers, ops = tiny.keras().layers, tiny.keras().ops
    image = tiny.keras().Input((8, 8, 3))
    last = layers.Rescaling(1 / 127.5, offset=-1)(layers.RandomFlip()(image))
    last = layers.Conv2D(8, 3, padding="same", activation="swish", kernel_initializer="he_normal",
                         kernel_regularizer="l2")(layers.ZeroPadding2D()(last))  # fmt: skip
    last = layers.BatchNormalization()(layers.SeparableConv2D(8, 3, padding="same")(last))
    squeezed = layers.GlobalAveragePooling2D(keepdims=True)(last)
    last = layers.Multiply()([last, layers.Conv2D(8, 1, activation="sigmoid")(squeezed)])
    last = ops.nn.gelu(layers.LayerNormalization()(last) * 2.0 + last)
    rows = layers.Reshape((-1, 8))(layers.MaxPooling2D()(last))
    rows = layers.Add()([rows, layers.MultiHeadAttention(2, 4)(rows, rows)])
    rows = layers.Bidirectional(layers.GRU(4))(layers.LSTM(4, return_sequences=True)(rows))
    network = tiny.keras().Model(image, layers.Dense(5, activation="softmax")(rows))
    network.save(str(tmp_path / "model.keras"))
    told = tiny.describe(tmp_path / "model.keras")
    assert told.macs is None
    assert any("LSTM" in note for note in told.notes)
    assert TestKerasScanner().scan(Sample(tmp_path / "model.keras", "keras")) == ()


@pytest.mark.parametrize("extra", ["assets/vocabulary.txt", "model.pkl"])
def test_an_archive_with_more_than_three_parts_is_refused(tiny: ModuleType, tmp_path: Path, extra: str) -> None:
    path = tiny.written(tmp_path)
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr(extra, b"x")
    with pytest.raises(UnreadableArtifact, match="three parts"), tiny.opened(path, tiny.make_card()):
        pass


@pytest.mark.parametrize("change", [{"sequential": True}, {"batch": 4}, {"batch": 1}])
def test_answers_are_those_of_numpy(tiny: ModuleType, tmp_path: Path, change: dict[str, Any]) -> None:
    with tiny.opened(tiny.written(tmp_path, **change), tiny.make_card()) as opened:
        for count in (1, 5):
            np.testing.assert_allclose(opened.predict(tiny.images(count)), tiny.answers(tiny.images(count)), atol=1e-5)


def test_channels_first_are_taken_where_the_layers_say_so(tiny: ModuleType, tmp_path: Path) -> None:
    path = tiny.written(tmp_path, order="channels_first")
    with pytest.raises(CardError, match="takes NCHW"), tiny.opened(path, tiny.make_card()):
        pass
    with tiny.opened(path, tiny.make_card(layout="NCHW")) as opened:
        fed = np.ascontiguousarray(tiny.images(3).transpose(0, 3, 1, 2))
        np.testing.assert_allclose(opened.predict(fed), tiny.answers(tiny.images(3)), atol=1e-5)
        tap = next(tap for tap in opened.taps() if tap.spatial)
        assert (tap.name, tap.shape) == ("conv", (4, 3, 3))
    assert tiny.describe(path).macs == tiny.MACS


def test_inner_tensors_come_channels_first_and_the_features_are_marked(tiny: ModuleType, tmp_path: Path) -> None:
    images, stored = tiny.images(3), tiny.weights()
    with tiny.opened(tiny.written(tmp_path), tiny.make_card()) as opened:
        assert isinstance(opened, TappedModel)
        taps = {tap.name: tap for tap in opened.taps()}
        found = opened.capture(images, ["conv", "mean"])
    assert taps["conv"].shape == (4, 3, 3)
    assert (taps["conv"].spatial, taps["mean"].features, taps["scores"].layer) == (True, True, 2)
    np.testing.assert_allclose(found["mean"], found["conv"].mean((2, 3)), atol=1e-5)
    np.testing.assert_allclose(found["mean"] @ stored["fc.w"] + stored["fc.b"], tiny.answers(images), atol=1e-5)


def test_what_really_ran_is_told(tiny: ModuleType, tmp_path: Path) -> None:
    with tiny.opened(tiny.written(tmp_path), tiny.make_card(), threads=1) as opened:
        told = opened.execution
    assert (told.runtime, told.version.split(".")[0]) == ("keras", "3")
    assert any("torch" in note for note in told.notes)
    assert (told.provider, told.threads, told.precision) == ("CPU", 1, "float32")
    with tiny.opened(tiny.written(tmp_path, dtype="mixed_bfloat16"), tiny.make_card()) as opened:
        assert opened.execution.precision == "bfloat16"
        np.testing.assert_allclose(opened.predict(tiny.images(3)), tiny.answers(tiny.images(3)), atol=0.1)


def test_what_is_held_is_described_with_its_multiplications(tiny: ModuleType, tmp_path: Path) -> None:
    told = tiny.describe(tiny.written(tmp_path))
    assert [(port.name, port.shape) for port in told.inputs] == [("image", (None, 7, 7, 3))]
    assert [(port.name, port.shape) for port in told.outputs] == [("scores", (None, 5))]
    assert told.macs == tiny.MACS
    kinds = {tensor.name: (tensor.shape, tensor.kind) for tensor in told.tensors if tensor.kind == "parameter"}
    assert [shape for shape, _ in kinds.values()] == [(3, 3, 3, 4), (4,), (4, 5), (5,)]


def test_a_row_of_layers_and_rows_inside_of_it_are_described_like_any_network(tiny: ModuleType, tmp_path: Path) -> None:
    layers = tiny.keras().layers
    inner = tiny.keras().Sequential([layers.Conv2D(4, 3), layers.BatchNormalization()])
    row = tiny.keras().Sequential([tiny.keras().Input((7, 7, 3)), inner, layers.Flatten(), layers.Dense(5)])
    row.save(str(tmp_path / "model.keras"))
    told = tiny.describe(tmp_path / "model.keras")
    macs = {operator.type: operator.macs for operator in told.operators}
    assert (macs["Dense"], macs["Conv2D"], told.macs) == (500, None, None), "Keras tells no place of an inner layer"
    kinds = [tensor.kind for tensor in told.tensors]
    assert (kinds.count("parameter"), kinds.count("normalisation"), kinds.count("state")) == (4, 2, 2)
    with tiny.opened(tmp_path / "model.keras", tiny.make_card()) as opened:
        assert opened.predict(tiny.images(3)).shape == (3, 5)
        names = [tap.name for tap in opened.taps()]
        assert set(opened.capture(tiny.images(3), names)) == set(names)


def test_one_of_several_outputs_is_named_by_the_card(tiny: ModuleType, tmp_path: Path) -> None:
    path = tiny.written(tmp_path, second=True)
    with pytest.raises(CardError, match="2 outputs"), tiny.opened(path, tiny.make_card()):
        pass
    with tiny.opened(path, tiny.make_card(output={"name": "scores"})) as opened:
        np.testing.assert_allclose(opened.predict(tiny.images(2)), tiny.answers(tiny.images(2)), atol=1e-5)


def test_an_archive_of_another_name_is_opened_all_the_same(tiny: ModuleType, tmp_path: Path) -> None:
    path = tiny.written(tmp_path).rename(tmp_path / "model.bin")
    with tiny.opened(path, tiny.make_card()) as opened:
        np.testing.assert_allclose(opened.predict(tiny.images(2)), tiny.answers(tiny.images(2)), atol=1e-5)


def test_weights_that_do_not_fit_the_configuration_are_refused(tiny: ModuleType, tmp_path: Path) -> None:
    path = tiny.changed(tiny.written(tmp_path), put_inside("scores", units=7))
    with pytest.raises(UnreadableArtifact, match="cannot open it"), tiny.opened(path, tiny.make_card()):
        pass


def test_what_people_are_told_to_convert_with_converts(
    tiny: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The command that hints name, with Keras on PyTorch."""
    monkeypatch.chdir(tmp_path)
    exec(CONVERT.replace("MODEL", tiny.written(tmp_path).name), {})  # noqa: S102
    session = onnxruntime.InferenceSession(str(tmp_path / "model.onnx"))
    answer = session.run(None, {session.get_inputs()[0].name: tiny.images(3)})[0]
    np.testing.assert_allclose(answer, tiny.answers(tiny.images(3)), atol=1e-5)


def test_the_list_speaks_of_objects_alone() -> None:
    assert list(known.strangers(json.loads("[]"))) == ["no model"]
    assert list(known.strangers({"class_name": "Sequential", "module": "keras", "compile_config": {"loss": "x"}})) == []


def test_hdf5_becomes_an_archive_as_people_are_told(tiny: ModuleType, tmp_path: Path) -> None:
    tiny.network().save(str(tmp_path / "model.h5"))
    tiny.keras().saving.load_model(str(tmp_path / "model.h5"), compile=False).save(str(tmp_path / "model.keras"))
    with tiny.opened(tmp_path / "model.keras", tiny.make_card()) as opened:
        np.testing.assert_allclose(opened.predict(tiny.images(2)), tiny.answers(tiny.images(2)), atol=1e-5)
