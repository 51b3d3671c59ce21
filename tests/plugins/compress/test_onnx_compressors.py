from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from numpy.typing import NDArray
from onnx import TensorProto
from torch import nn

from tests.plugins.compress.conftest import MakeBench, Variant, compress, tiny
from vetgate.api import Bench, Inconclusive, UnreadableArtifact, UsageError

ONNX = ("float16", "int8-dynamic", "int8-static")


class Attention(nn.Module):
    """A transformer block on 2 x 2 patches."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.patch = nn.Conv2d(3, 16, 4, 4)
        self.block = nn.TransformerEncoderLayer(16, 4, 32, batch_first=True)
        self.classifier = nn.Linear(16, 5)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        tokens = self.patch(images).flatten(2).transpose(1, 2)
        scores: torch.Tensor = self.classifier(self.block(tokens).mean(1))
        return scores


def kinds(variant: Variant) -> set[int]:
    """Return the types of what is stored, but for whole numbers that only say shapes."""
    return {tensor.data_type for tensor in variant.model.graph.initializer} - {TensorProto.INT64}


def shares(variant: Variant, bench: Bench, noise: NDArray[np.float32]) -> float:
    """Return on which share of the images the variant names the class that its source names."""
    ours, theirs = variant.answer(noise), Variant(bench.source, variant.made).answer(noise)
    assert np.isfinite(ours).all()
    return float(np.mean(ours.argmax(1) == theirs.argmax(1)))


def test_float16_weights_are_float16_and_ports_stay_float32(onnx_bench: MakeBench, noise: NDArray[np.float32]) -> None:
    bench = onnx_bench()
    variant = compress("float16", bench)

    assert kinds(variant) == {TensorProto.FLOAT16}
    ports = (variant.model.graph.input[0], variant.model.graph.output[0])
    assert {port.type.tensor_type.elem_type for port in ports} == {TensorProto.FLOAT}
    assert variant.path.stat().st_size < 0.7 * bench.source.stat().st_size
    assert shares(variant, bench, noise) >= 0.99


def test_dynamic_quantisation_turns_convolutions_and_the_classifier_into_integers(
    onnx_bench: MakeBench, noise: NDArray[np.float32]
) -> None:
    bench = onnx_bench()
    variant = compress("int8-dynamic", bench)

    assert variant.operators["ConvInteger"] == 2
    assert variant.operators["MatMulInteger"] == 1
    assert not {"Conv", "Gemm", "MatMul"} & set(variant.operators)
    assert {array.dtype for array in variant.weights.values()} == {np.dtype(np.uint8)}
    assert "quantised 3 of 3" in variant.made.notes[0]
    assert shares(variant, bench, noise) >= 0.95


def test_static_quantisation_writes_signed_weights_per_channel_and_unsigned_activations(
    onnx_bench: MakeBench, noise: NDArray[np.float32]
) -> None:
    bench = onnx_bench()
    variant = compress("int8-static", bench)

    assert {array.dtype for array in variant.weights.values()} == {np.dtype(np.int8)}
    assert {array.shape[0] for array in variant.weights.values()} == {16, 5}
    scales = {node.input[1]: node.attribute for node in variant.model.graph.node if node.op_type == "DequantizeLinear"}
    stored = {tensor.name: tensor for tensor in variant.model.graph.initializer}
    assert sorted({len(onnx.numpy_helper.to_array(stored[name]).ravel()) for name in scales}) == [1, 5, 16]
    assert TensorProto.UINT8 in kinds(variant)
    assert "quantised 3 of 3" in variant.made.notes[0]
    assert "60 calibration images (1,000 were asked for, there are no more)" in variant.made.notes[1]
    assert shares(variant, bench, noise) >= 0.95


def test_calibration_images_are_drawn_by_the_seed(onnx_bench: MakeBench, tmp_path: Path) -> None:
    bench = onnx_bench(settings={"images": 5})
    files = [
        compress("int8-static", replace(bench, seed=seed, output=tmp_path / f"{number}.onnx")).path.read_bytes()
        for number, seed in enumerate((1, 1, 2))
    ]
    assert files[0] == files[1] != files[2]


def test_progress_of_calibration_is_told(onnx_bench: MakeBench) -> None:
    told: list[tuple[str, int, int]] = []
    compress("int8-static", onnx_bench(tell=lambda *word: told.append(word)))
    assert ("calibrate", 0, 60) in told
    assert ("calibrate", 60, 60) in told


def test_a_fixed_batch_is_filled_up(onnx_bench: MakeBench) -> None:
    bench = onnx_bench()
    model = onnx.load(bench.source)
    model.graph.input[0].type.tensor_type.shape.dim[0].dim_value = 7
    model.graph.output[0].type.tensor_type.shape.dim[0].dim_value = 7
    onnx.save(model, bench.source)
    assert "60 calibration images" in compress("int8-static", bench).made.notes[1]


@pytest.mark.parametrize("name", ONNX)
def test_a_transformer_is_compressed_too(onnx_bench: MakeBench, name: str) -> None:
    assert compress(name, onnx_bench(Attention)).path.exists()


@pytest.mark.parametrize("first", ["int8-dynamic", "int8-static"])
def test_what_is_quantised_already_is_refused(onnx_bench: MakeBench, first: str, tmp_path: Path) -> None:
    quantised = compress(first, onnx_bench()).path.rename(tmp_path / "quantised.onnx")
    for name in ONNX:
        bench = onnx_bench()
        with pytest.raises(Inconclusive, match="quantised already"):
            compress(name, replace(bench, source=quantised))


def test_what_is_in_float16_is_not_quantised_from_there(onnx_bench: MakeBench, tmp_path: Path) -> None:
    half = compress("float16", onnx_bench()).path.rename(tmp_path / "half.onnx")
    with pytest.raises(Inconclusive, match="its weights are not float32 but float16"):
        compress("int8-static", replace(onnx_bench(), source=half))


@pytest.mark.parametrize("name", ONNX)
@pytest.mark.parametrize("content", [b"", b"no model at all", b"\x08\x07"])
def test_garbage_is_refused_by_name(workbench: MakeBench, tmp_path: Path, name: str, content: bytes) -> None:
    (tmp_path / "garbage.onnx").write_bytes(content)
    with pytest.raises(Inconclusive) as caught:
        compress(name, workbench(source=tmp_path / "garbage.onnx"))
    assert "Traceback" not in caught.value.message


@pytest.mark.parametrize("name", ONNX)
def test_a_network_without_layers_has_nothing_to_compress(onnx_bench: MakeBench, name: str) -> None:
    with pytest.raises(Inconclusive, match="nothing to compress"):
        compress(name, onnx_bench(lambda: nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten())))


@pytest.mark.parametrize("name", ONNX)
def test_a_damaged_network_is_named(onnx_bench: MakeBench, name: str) -> None:
    def damaged() -> nn.Module:
        model = tiny()
        with torch.no_grad():
            next(model.parameters())[0] = float("nan")
        return model

    with pytest.raises(Inconclusive, match="holds NaN or infinity"):
        compress(name, onnx_bench(damaged))


def test_numbers_too_large_for_float16_are_named(onnx_bench: MakeBench) -> None:
    def large() -> nn.Module:
        linear = nn.Linear(192, 5)
        with torch.no_grad():
            linear.weight[0, 0] = 1e6
        return nn.Sequential(nn.Flatten(), linear)

    notes = " ".join(compress("float16", onnx_bench(large)).made.notes)
    assert "clipped to 65,504" in notes


def test_static_quantisation_asks_for_images(onnx_bench: MakeBench) -> None:
    with pytest.raises(Inconclusive, match="needs calibration images"):
        compress("int8-static", onnx_bench(calibration=None))


def test_no_file_at_all_is_said(workbench: MakeBench, tmp_path: Path) -> None:
    with pytest.raises(UnreadableArtifact, match=r"missing\.onnx cannot be read"):
        compress("float16", workbench(source=tmp_path / "missing.onnx"))


@pytest.mark.parametrize("images", [0, -1, 2.5, "all", True])
def test_a_number_of_images_that_is_none_is_refused(workbench: MakeBench, images: object) -> None:
    with pytest.raises(UsageError, match=r"images is .* but must be a whole number from 1"):
        compress("int8-static", workbench(settings={"images": images}))
