"""What an opened ncnn model answers, what it holds, and what it refuses."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType

import ncnn
import numpy as np
import pytest
from vetgate_runtime import ncnn as reader

from vetgate.api import CardError, UnreadableArtifact


@pytest.mark.parametrize("count", [1, 5])
def test_answers_are_those_of_numpy_for_planes_of_odd_sizes(tiny: ModuleType, tmp_path: Path, count: int) -> None:
    with tiny.opened(tiny.written(tmp_path), tiny.make_card()) as opened:
        np.testing.assert_allclose(opened.predict(tiny.images(count)), tiny.answers(tiny.images(count)), atol=1e-5)


def test_what_really_ran_is_told(tiny: ModuleType, tmp_path: Path) -> None:
    with tiny.opened(tiny.written(tmp_path), tiny.make_card(), threads=1) as opened:
        told = opened.execution
    assert (told.runtime, told.provider, told.threads, told.precision) == ("ncnn", "CPU", 1, "float32")
    assert any("one image at a time" in note for note in told.notes)


def test_weights_of_sixteen_bits_are_counted_and_computed_with(tiny: ModuleType, tmp_path: Path) -> None:
    path = tiny.written(tmp_path, half=True)
    with tiny.opened(path, tiny.make_card()) as opened:
        np.testing.assert_allclose(opened.predict(tiny.images(3)), tiny.answers(tiny.images(3)), atol=5e-3)
        assert any("float16" in note for note in opened.execution.notes)
    told = {tensor.name: tensor.bits for tensor in tiny.describe(path).tensors}
    assert told == {"conv.weight": 16, "conv.bias": 32, "fc.weight": 16, "fc.bias": 32}


def test_bfloat16_runs_only_where_the_card_asks_for_it(tiny: ModuleType, tmp_path: Path) -> None:
    with tiny.opened(tiny.written(tmp_path), tiny.make_card(execution={"precision": "bfloat16"})) as opened:
        np.testing.assert_allclose(opened.predict(tiny.images(3)), tiny.answers(tiny.images(3)), atol=0.1)
        assert opened.execution.precision == "bfloat16"


def test_what_is_held_is_described_with_its_multiplications(tiny: ModuleType, tmp_path: Path) -> None:
    told = tiny.describe(tiny.written(tmp_path), tiny.make_card())
    assert [(port.name, port.shape) for port in told.inputs] == [("image", (1, 3, 7, 7))]
    assert [(port.name, port.shape) for port in told.outputs] == [("scores", (1, 5))]
    assert told.macs == tiny.MACS
    assert {tensor.name: tensor.shape for tensor in told.tensors} == {
        "conv.weight": (4, 3, 3, 3), "conv.bias": (4,), "fc.weight": (5, 4), "fc.bias": (5,)
    }  # fmt: skip
    assert all(tensor.nonzero == tensor.elements and tensor.kind == "parameter" for tensor in told.tensors)


def test_without_a_card_multiplications_are_unknown_and_never_a_number(tiny: ModuleType, tmp_path: Path) -> None:
    told = tiny.describe(tiny.written(tmp_path))
    assert told.macs is None
    assert any("Convolution" in note for note in told.notes)


def test_channels_last_is_refused_and_the_right_key_named(tiny: ModuleType, tmp_path: Path) -> None:
    with (
        pytest.raises(CardError, match="channels first"),
        tiny.opened(tiny.written(tmp_path), tiny.make_card(layout="NHWC")),
    ):
        pass


def test_one_of_several_outputs_is_named_by_the_card(tiny: ModuleType, tmp_path: Path) -> None:
    layers = tiny.LAYERS.replace("1 1 mean scores", "1 1 mean_0 scores").replace(
        "InnerProduct ", "Split s 1 2 mean mean_0 mean_1\nInnerProduct ", 1
    )
    path = tiny.written(tmp_path, layers)
    with pytest.raises(CardError, match="2 outputs"), tiny.opened(path, tiny.make_card()):
        pass
    with tiny.opened(path, tiny.make_card(output={"name": "scores"})) as opened:
        np.testing.assert_allclose(opened.predict(tiny.images(2)), tiny.answers(tiny.images(2)), atol=1e-5)


@pytest.mark.parametrize("part", ["model.param", "model.bin"])
def test_what_was_cut_off_or_is_missing_is_said_so(tiny: ModuleType, tmp_path: Path, part: str) -> None:
    path = tiny.written(tmp_path)
    content = (tmp_path / part).read_bytes()
    (tmp_path / part).write_bytes(content[: len(content) // 2])
    with pytest.raises(UnreadableArtifact, match="truncated"), tiny.opened(path, tiny.make_card()):
        pass
    path.with_suffix(".bin").unlink()
    with pytest.raises(UnreadableArtifact, match=r"model\.bin"), tiny.opened(path, tiny.make_card()):
        pass


def test_layers_that_we_call_ncnns_are_known_to_it(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    unknown = []
    for name in sorted(reader.FREE | reader.UNKNOWN | set(reader.RULES)):
        file = tmp_path / "one.param"
        file.write_text(f"7767517\n1 1\n{name} it 0 1 out\n", encoding="utf-8")
        ncnn.Net().load_param(str(file))
        if "not exists" in capfd.readouterr().err:
            unknown.append(name)
    assert not unknown
