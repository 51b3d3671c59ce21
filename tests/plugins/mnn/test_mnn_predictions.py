"""What an opened MNN model answers, what it holds, and what it refuses."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from vetgate_mnn.content import load
from vetgate_mnn.weight import values

from vetgate.api import CardError, TappedModel, UnreadableArtifact


@pytest.mark.parametrize("batch", ["batch", 4])
@pytest.mark.parametrize("count", [1, 5])
def test_answers_are_those_of_numpy_for_any_number_of_images(
    tiny: ModuleType, tmp_path: Path, batch: int | str, count: int
) -> None:
    with tiny.opened(tiny.written(tmp_path, batch=batch), tiny.make_card()) as opened:
        for images in (tiny.images(count), tiny.images(2), tiny.images(count, seed=1)):
            np.testing.assert_allclose(opened.predict(images), tiny.answers(images), atol=1e-5)


def test_a_batch_that_is_fixed_inside_of_the_graph_is_asked_in_parts(tiny: ModuleType, tmp_path: Path) -> None:
    path = tiny.written(tmp_path, batch=1, fixed_inside=True)
    assert tiny.describe(path, tiny.make_card()).inputs[0].shape == (1, 3, 7, 7)
    with tiny.opened(path, tiny.make_card()) as opened:
        np.testing.assert_allclose(opened.predict(tiny.images(5)), tiny.answers(tiny.images(5)), atol=1e-5)
        found = opened.capture(tiny.images(3), ["relu"])["relu"]
    assert found.shape == (3, 4, 4, 4)


def test_what_really_ran_is_told(tiny: ModuleType, tmp_path: Path) -> None:
    with tiny.opened(tiny.written(tmp_path), tiny.make_card(), threads=1) as opened:
        told = opened.execution
    assert (told.runtime, told.provider, told.threads, told.precision) == ("mnn", "CPU", 1, "float32")
    assert not told.notes


@pytest.mark.parametrize("bits", [8, 4])
@pytest.mark.parametrize("symmetric", [False, True])
def test_packed_weights_are_counted_and_computed_with_as_what_they_stand_for(
    tiny: ModuleType, tmp_path: Path, bits: int, symmetric: bool
) -> None:
    sides = ("--weightQuantAsymmetric", "0") if symmetric else ()
    path = tiny.written(tmp_path, "--weightQuantBits", str(bits), *sides)
    stored = [one for _, held in load(path).weights for one in held.stored if one.kind == "parameter"]
    told = dict(zip(("conv.b", "conv.w", "fc.b", "fc.w"), (values(one).reshape(one.shape) for one in stored),
                    strict=True))  # fmt: skip
    told["fc.w"] = told["fc.w"].reshape(5, 4)
    with tiny.opened(path, tiny.make_card()) as opened:
        np.testing.assert_allclose(opened.predict(tiny.images(3)), tiny.answers(tiny.images(3), told), atol=1e-5)
        assert any("8 bits or fewer" in note for note in opened.execution.notes)
        assert opened.execution.precision == "float32"
    sizes = {tensor.name.split(".")[-1]: tensor.bits for tensor in tiny.describe(path).tensors if tensor.elements == 20}
    assert sizes == {"weight": bits}


def test_weights_of_sixteen_bits_are_told(tiny: ModuleType, tmp_path: Path) -> None:
    path = tiny.written(tmp_path, "--fp16")
    with tiny.opened(path, tiny.make_card()) as opened:
        np.testing.assert_allclose(opened.predict(tiny.images(3)), tiny.answers(tiny.images(3)), atol=1e-2)
        assert any("float16" in note for note in opened.execution.notes)
    assert {tensor.dtype for tensor in tiny.describe(path).tensors if len(tensor.shape) == 4} == {"float16"}


@pytest.mark.parametrize("precision", ["float16", "bfloat16"])
def test_a_precision_that_mnn_takes_in_silence_and_does_not_compute_in_is_refused(
    tiny: ModuleType, tmp_path: Path, precision: str
) -> None:
    """A build for a processor that has it answers otherwise than in float32, and then says so."""
    card = tiny.make_card(execution={"precision": precision})
    refused = None
    try:
        with tiny.opened(tiny.written(tmp_path), card) as opened:
            found, told = opened.predict(tiny.images(3)), opened.execution.precision
    except CardError as error:
        refused = error.message
    if refused is None:
        assert told == precision
        assert np.abs(found - tiny.answers(tiny.images(3))).max() > 1e-6
    else:
        assert refused == f"{precision} was asked for, but MNN computes in float32 on this processor"


def test_what_is_held_is_described_with_its_multiplications(tiny: ModuleType, tmp_path: Path) -> None:
    told = tiny.describe(tiny.written(tmp_path))
    assert [(port.name, port.shape) for port in told.inputs] == [("image", (None, 3, 7, 7))]
    assert [(port.name, port.shape) for port in told.outputs] == [("scores", (None, 5))]
    assert told.macs == tiny.MACS
    shapes = [tensor.shape for tensor in told.tensors if tensor.kind == "parameter"]
    assert shapes == [(4,), (4, 3, 3, 3), (5,), (5, 4, 1, 1)]
    assert all(tensor.nonzero == tensor.elements for tensor in told.tensors if tensor.kind == "parameter")


def test_multiplications_are_those_of_one_image_whatever_the_batch(tiny: ModuleType, tmp_path: Path) -> None:
    for batch, inside in ((4, False), (1, True)):
        path = tiny.written(tmp_path / str(batch), batch=batch, fixed_inside=inside)
        assert tiny.describe(path, tiny.make_card()).macs == tiny.MACS


def test_inner_tensors_are_those_of_the_answer_and_the_features_are_marked(tiny: ModuleType, tmp_path: Path) -> None:
    images, stored = tiny.images(3), tiny.weights()
    with tiny.opened(tiny.written(tmp_path), tiny.make_card()) as opened:
        assert isinstance(opened, TappedModel)
        taps = {tap.name: tap for tap in opened.taps()}
        found = opened.capture(images, ["relu", "mean"])
    assert taps["relu"].shape == (4, 4, 4)
    assert (taps["relu"].spatial, taps["mean"].features, taps["scores"].layer) == (True, True, 2)
    mean = found["mean"].reshape(3, 4)
    np.testing.assert_allclose(mean, found["relu"].mean((2, 3)), atol=1e-5)
    np.testing.assert_allclose(mean @ stored["fc.w"].T + stored["fc.b"], tiny.answers(images), atol=1e-5)


def test_the_wrong_order_of_channels_is_refused_and_the_right_key_named(tiny: ModuleType, tmp_path: Path) -> None:
    with (
        pytest.raises(CardError, match="takes NCHW"),
        tiny.opened(tiny.written(tmp_path), tiny.make_card(layout="NHWC")),
    ):
        pass


def test_channels_last_of_tflite_stay_so(tiny: ModuleType, tmp_path: Path) -> None:
    from tests.plugins.formats import networks

    kind = next(kind for kind in networks.FORMATS if kind.format == "tflite")
    path = tiny.converted(tmp_path / "model.mnn", networks.tflite(tmp_path), framework="TFLITE")
    images = networks.images(5)
    with tiny.opened(path, networks.card_of(kind)) as opened:
        np.testing.assert_allclose(
            opened.predict(networks.fed(kind, images)), networks.exact(images), atol=networks.PRECISIONS["float32"] * 10
        )
        tap = next(tap for tap in opened.taps() if tap.spatial)
        assert tap.shape == (64, 7, 7)


def test_one_of_several_outputs_is_named_by_the_card(tiny: ModuleType, tmp_path: Path) -> None:
    path = tiny.written(tmp_path, second=True)
    with pytest.raises(CardError, match="2 outputs"), tiny.opened(path, tiny.make_card()):
        pass
    with tiny.opened(path, tiny.make_card(output={"name": "scores"})) as opened:
        np.testing.assert_allclose(opened.predict(tiny.images(2)), tiny.answers(tiny.images(2)), atol=1e-5)


def test_weights_in_another_file_are_refused_with_what_to_do(tiny: ModuleType, tmp_path: Path) -> None:
    path = tiny.written(tmp_path, "--saveExternalData")
    with pytest.raises(UnreadableArtifact, match="another file") as refused, tiny.opened(path, tiny.make_card()):
        pass
    assert "--saveExternalData" in (refused.value.hint or "")
