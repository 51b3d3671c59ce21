"""What an opened OpenVINO model answers, and what it refuses."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType

import numpy as np
import openvino
import pytest
import yaml
from vetgate_onnx.backend import OnnxBackend

from vetgate.api import Artifact, Card, CardError, OpenOptions, UnreadableArtifact

EXAMPLE = Path(__file__).parents[3] / "examples" / "fashion"


@pytest.mark.parametrize("count", [1, 3, 8])
@pytest.mark.parametrize("batch", [-1, 1, 4])
def test_answers_are_those_of_numpy(tiny: ModuleType, tmp_path: Path, count: int, batch: int) -> None:
    images = tiny.images(count)
    with tiny.opened(tiny.written(tmp_path, tiny.convolutional(batch=batch)), tiny.make_card()) as opened:
        answers = opened.predict(images)
    assert answers.dtype == np.float32
    np.testing.assert_allclose(answers, tiny.answers(images), atol=1e-5)


def test_answers_do_not_change_when_the_next_ones_are_asked_for(tiny: ModuleType, tmp_path: Path) -> None:
    with tiny.opened(tiny.written(tmp_path, tiny.convolutional()), tiny.make_card()) as opened:
        first = opened.predict(tiny.images(2))
        kept = first.copy()
        opened.predict(tiny.images(2, seed=9))
    np.testing.assert_array_equal(first, kept)


def test_weights_stored_in_float16_do_not_make_the_arithmetic_float16(tiny: ModuleType, tmp_path: Path) -> None:
    path = tiny.written(tmp_path, tiny.convolutional(half=True))
    with tiny.opened(path, tiny.make_card()) as opened:
        assert opened.execution.precision == "float32"


@pytest.mark.parametrize(("kind", "bound"), [("half", 5e-3), ("small", 0.2)])
def test_weights_of_fewer_bits_are_computed_with_as_the_file_says(
    tiny: ModuleType, tmp_path: Path, kind: str, bound: float
) -> None:
    images = tiny.images(4)
    path = tiny.written(tmp_path, tiny.convolutional(**{kind: True}))
    with tiny.opened(path, tiny.make_card()) as opened:
        np.testing.assert_allclose(opened.predict(images), tiny.answers(images), atol=bound)


def test_what_really_ran_is_told(tiny: ModuleType, tmp_path: Path) -> None:
    with tiny.opened(tiny.written(tmp_path, tiny.convolutional()), tiny.make_card(), threads=1) as opened:
        told = opened.execution
    assert (told.runtime, told.provider, told.threads, told.precision) == ("openvino", "CPU", 1, "float32")


def test_another_precision_runs_only_where_the_card_asks_for_it_or_is_refused(tiny: ModuleType, tmp_path: Path) -> None:
    path = tiny.written(tmp_path, tiny.convolutional())
    asked = []
    for precision in ("bfloat16", "float16"):  # a processor may have either, both or none
        try:
            with tiny.opened(path, tiny.make_card(execution={"precision": precision})) as opened:
                told, answers = opened.execution, opened.predict(tiny.images(3))
        except CardError as refused:
            asked.append((precision, refused.message))
            continue
        assert told.precision == precision
        np.testing.assert_allclose(answers, tiny.answers(tiny.images(3)), atol=0.1)
    for precision, message in asked:  # card or run: the backend cannot know
        assert message.startswith(f"{precision} was asked for, but OpenVINO computes in ")


def test_an_input_of_bytes_takes_raw_pixels_alone(tiny: ModuleType, tmp_path: Path) -> None:
    path = tiny.written(tmp_path, tiny.convolutional(dtype="uint8"))
    pixels = np.round(tiny.images(3) * 255).astype(np.float32)
    with tiny.opened(path, tiny.make_card(scale=1)) as opened:
        np.testing.assert_allclose(opened.predict(pixels), tiny.answers(pixels), rtol=1e-4)
    with pytest.raises(CardError, match="no uint8 numbers"), tiny.opened(path, tiny.make_card()):
        pass


def test_a_card_that_contradicts_the_model_is_refused_with_both_values(tiny: ModuleType, tmp_path: Path) -> None:
    path = tiny.written(tmp_path, tiny.convolutional())
    for card in (tiny.make_card(size=[9, 8]), tiny.make_card(colour="grey"), tiny.make_card(layout="NHWC")):
        with pytest.raises(CardError, match=r"takes \? x 3 x 8 x 8"), tiny.opened(path, card):
            pass


def test_one_of_several_outputs_is_named_by_the_card(tiny: ModuleType, tmp_path: Path) -> None:
    path = tiny.written(tmp_path, tiny.convolutional(outputs=2))
    with pytest.raises(CardError, match="2 outputs"), tiny.opened(path, tiny.make_card()):
        pass
    with tiny.opened(path, tiny.make_card(output={"name": "scores"})) as opened:
        np.testing.assert_allclose(opened.predict(tiny.images(2)), tiny.answers(tiny.images(2)), atol=1e-5)
    with tiny.opened(path, tiny.make_card(output={"name": "mean"})) as opened:
        assert opened.predict(tiny.images(2)).shape == (2, 4)


def test_weights_that_are_missing_or_cut_off_are_said_so(tiny: ModuleType, tmp_path: Path) -> None:
    path = tiny.written(tmp_path, tiny.convolutional())
    weights = path.with_suffix(".bin")
    content = weights.read_bytes()
    weights.write_bytes(content[: len(content) // 2])
    with pytest.raises(UnreadableArtifact), tiny.opened(path, tiny.make_card()):
        pass
    weights.unlink()
    with pytest.raises(UnreadableArtifact, match=r"model\.bin"), tiny.opened(path, tiny.make_card()):
        pass


def test_xml_that_is_cut_off_is_said_so(tiny: ModuleType, tmp_path: Path) -> None:
    path = tiny.written(tmp_path, tiny.convolutional())
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])
    with pytest.raises(UnreadableArtifact, match="too soon"), tiny.opened(path, tiny.make_card()):
        pass


def test_what_is_held_is_described_without_running_it(tiny: ModuleType, tmp_path: Path) -> None:
    told = tiny.describe(tiny.written(tmp_path, tiny.convolutional()), tiny.make_card())
    assert [(port.name, port.shape, port.dtype) for port in told.inputs] == [("image", (None, 3, 8, 8), "float32")]
    assert [(port.name, port.shape) for port in told.outputs] == [("scores", (None, 5))]
    assert told.macs == tiny.MACS
    learned = {tensor.name: tensor for tensor in told.tensors if tensor.kind == "parameter"}
    assert set(learned) == {"conv.w", "conv.b", "fc.w", "fc.b"}
    assert sum(tensor.elements for tensor in learned.values()) == 4 * 27 + 4 + 20 + 5
    assert all(tensor.bits == 32 for tensor in learned.values())


def test_free_lengths_are_those_of_the_card(tiny: ModuleType, tmp_path: Path) -> None:
    path = tiny.written(tmp_path, tiny.convolutional(size=-1))
    assert tiny.describe(path, tiny.make_card()).macs == tiny.MACS
    assert tiny.describe(path).macs is None
    with tiny.opened(path, tiny.make_card()) as opened:
        np.testing.assert_allclose(opened.predict(tiny.images(2)), tiny.answers(tiny.images(2)), atol=1e-5)


@pytest.mark.parametrize(("kind", "dtype", "bits"), [("half", "float16", 16), ("small", "int8", 8)])
def test_stored_bits_and_zeros_are_counted(tiny: ModuleType, tmp_path: Path, kind: str, dtype: str, bits: int) -> None:
    told = tiny.describe(tiny.written(tmp_path, tiny.convolutional(**{kind: True})), tiny.make_card())
    stored = {tensor.name: tensor for tensor in told.tensors}["conv.w"]
    assert (stored.dtype, stored.bits, stored.kind) == (dtype, bits, "parameter")
    values = tiny.weights()["conv.w"]
    zeros = int((np.abs(values) < np.abs(values).max() / 254).sum()) if kind == "small" else 0
    assert stored.nonzero == values.size - zeros


def test_a_quantised_network_is_described_as_the_onnx_file_is_that_it_was_converted_from(
    tiny: ModuleType, tmp_path: Path
) -> None:
    source = EXAMPLE / "int8.onnx"
    graph = openvino.Core().read_model(str(source))
    card = Card.model_validate(yaml.safe_load((EXAMPLE / "reference.pt.yaml").read_text(encoding="utf-8")))
    converted = tiny.describe(tiny.written(tmp_path, graph), card)
    artifact = Artifact(path=str(source), name="int8.onnx", format="onnx", backend="onnx", members=())
    original = OnnxBackend().describe(artifact, card, OpenOptions())
    learned = [{tensor.name: tensor for tensor in told.tensors if tensor.kind == "parameter"}
               for told in (converted, original)]  # fmt: skip
    assert learned[0] == learned[1]
    assert converted.macs == original.macs == 9_345_920
