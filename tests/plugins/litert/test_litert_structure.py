"""What describe says of TFLite files, whole and damaged."""

from __future__ import annotations

import random
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from vetgate_litert.plugin import vetgate_backends
from vetgate_litert.recognise import recognise

from vetgate.api import Probe, Structure, Tensor, UnreadableArtifact


def seen(path: Path, data: bytes) -> bool:
    path.write_bytes(data)
    return recognise(Probe(path, len(data), data[:4096], ()))


def macs(structure: Structure) -> dict[str, int | None]:
    return {operator.type: operator.macs for operator in structure.operators}


def tensor(structure: Structure, name: str) -> Tensor:
    (found,) = [entry for entry in structure.tensors if entry.name == name]
    return found


def kinds(structure: Structure) -> dict[str, str]:
    return {entry.name: entry.kind for entry in structure.tensors}


def test_tflite_is_told_by_its_identifier_whole_or_cut_off(tiny: ModuleType, tmp_path: Path) -> None:
    data = tiny.convolutional()
    assert seen(tmp_path / "model.bin", data)
    assert seen(tmp_path / "model.bin", data[: len(data) // 3])


@pytest.mark.parametrize("content", [b"", b"TFL3", b"not a model at all", b"\x00\x00\x00\x00TFL3", bytes(100)])
def test_other_files_are_not_tflite(tmp_path: Path, content: bytes) -> None:
    assert not seen(tmp_path / "model.tflite", content)


def test_telling_the_format_imports_neither_litert_nor_numpy() -> None:
    code = (
        "import sys; from vetgate_litert.plugin import vetgate_backends; vetgate_backends()[0].formats[0].recognise; "
        "print(sorted({'ai_edge_litert', 'numpy', 'flatbuffers'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
    (spec,) = vetgate_backends()
    assert (spec.name, spec.extra, [known.name for known in spec.formats]) == ("litert", "litert", ["tflite"])


@pytest.mark.parametrize("batch", [1, 4])
def test_ports_tensors_and_multiply_accumulates_are_told(tiny: ModuleType, tmp_path: Path, batch: int) -> None:
    structure = tiny.describe(tiny.written(tmp_path, tiny.convolutional(batch=batch)))
    assert macs(structure) == {"CONV_2D": 1728, "FULLY_CONNECTED": 20, "MEAN": 0}
    assert structure.macs == tiny.MACS
    (given,), (out,) = structure.inputs, structure.outputs
    assert (given.name, given.shape, given.dtype, given.scale) == ("image", (None, 8, 8, 3), "float32", None)
    assert (out.name, out.shape) == ("scores", (None, 5))
    assert kinds(structure) == {
        "conv.w": "parameter", "conv.b": "parameter", "fc.w": "parameter", "fc.b": "parameter", "axes": "state",
    }  # fmt: skip
    assert structure.metadata["tflite.description"] == "made by code"


def test_float16_weights_behind_dequantize_are_parameters_of_16_bits(tiny: ModuleType, tmp_path: Path) -> None:
    structure = tiny.describe(tiny.written(tmp_path, tiny.convolutional(half=True)))
    found = tensor(structure, "conv.w16")
    assert (found.kind, found.dtype, found.bits, found.elements) == ("parameter", "float16", 16, 108)


def test_quantised_weights_and_int32_biases_are_counted_after_dequantisation(tiny: ModuleType, tmp_path: Path) -> None:
    stored = np.zeros((5, 192), np.int8)
    stored[0], stored[1], stored[2, :10] = 2, 1, 1  # 2 x 0.001 and 1 x 0.002 are one value
    structure = tiny.describe(tiny.written(tmp_path, tiny.quantised(stored=stored)))
    weight, bias = tensor(structure, "w"), tensor(structure, "b")
    assert (weight.kind, weight.elements, weight.nonzero, weight.distinct, weight.bits) == ("parameter", 960, 394, 3, 8)
    assert (bias.kind, bias.elements, bias.nonzero, bias.bits) == ("parameter", 5, 4, 32)
    (given,) = structure.inputs
    assert (given.dtype, given.scale, given.zero_point) == ("int8", pytest.approx(tiny.IN_SCALE), -30)


def test_a_zero_point_is_a_zero_and_int4_takes_four_bits(tiny: ModuleType, tmp_path: Path) -> None:
    build = tiny.Builder()
    given, out = build.tensor("image", (1, 3)), build.tensor("scores", (1, 5))
    packed = build.tensor("w", (5, 3), "int4", bytes([0x11] * 6 + [0xF1, 0x01]), scale=[0.5], zero=[1])
    build.operator("FULLY_CONNECTED", [given, packed], [out])
    found = tensor(tiny.describe(tiny.written(tmp_path, build.bytes([given], [out]))), "w")
    assert (found.dtype, found.bits, found.elements, found.nonzero, found.distinct) == ("int4", 4, 15, 1, 2)


def test_each_kind_of_product_is_counted(tiny: ModuleType, tmp_path: Path) -> None:
    build = tiny.Builder()
    image = build.tensor("image", (1, 8, 8, 3))
    depth = build.tensor("depth", (1, 8, 8, 6))
    w = build.constant("dw", np.ones((1, 3, 3, 6), np.float32))
    build.operator("DEPTHWISE_CONV_2D", [image, w, -1], [depth], strideH=1, strideW=1, depthMultiplier=2)
    up = build.tensor("up", (1, 16, 16, 2))
    size = build.constant("size", np.array([1, 16, 16, 2], np.int32))
    tw = build.constant("tw", np.ones((2, 2, 2, 6), np.float32))
    build.operator("TRANSPOSE_CONV", [size, tw, depth], [up], strideH=2, strideW=2)
    turned = build.tensor("turned", (1, 16, 2, 2))
    build.operator("BATCH_MATMUL", [up, up], [turned], adjX=True)
    structure = tiny.describe(tiny.written(tmp_path, build.bytes([image], [turned])))
    assert macs(structure) == {
        "DEPTHWISE_CONV_2D": 8 * 8 * 6 * 9,
        "TRANSPOSE_CONV": 8 * 8 * 6 * 2 * 2 * 2,
        "BATCH_MATMUL": 16 * 2 * 2 * 16,
    }
    assert kinds(structure) == {"dw": "parameter", "size": "state", "tw": "parameter"}


def test_what_a_custom_operator_multiplies_is_not_guessed(tiny: ModuleType, tmp_path: Path) -> None:
    build = tiny.Builder()
    image, out = build.tensor("image", (1, 8, 8, 3)), build.tensor("scores", (1, 5))
    build.operator("CUSTOM", [image], [out], custom="FlexMystery")
    path = tiny.written(tmp_path, build.bytes([image], [out]))
    structure = tiny.describe(path)
    assert macs(structure) == {"CUSTOM FlexMystery": None}
    assert any("FlexMystery" in note for note in structure.notes)
    with pytest.raises(UnreadableArtifact, match="FlexMystery"), tiny.opened(path, tiny.make_card()):
        pass


def test_of_several_graphs_the_first_is_described_and_said(tiny: ModuleType, tmp_path: Path) -> None:
    build = tiny.Builder()
    image = build.tensor("image", (1, 8, 8, 3))
    build.graph.inputs = build.graph.outputs = [image]
    build.model.subgraphs.append(build.graph)
    structure = tiny.describe(tiny.written(tmp_path, build.bytes([image], [image])))
    assert any("2 graphs" in note for note in structure.notes)


@pytest.mark.parametrize("keep", [8, 20, 100, 0.3, 0.6, 0.9, 0.99])
def test_a_truncated_file_is_unreadable(tiny: ModuleType, tmp_path: Path, keep: float) -> None:
    data = tiny.convolutional()
    path = tiny.written(tmp_path, data[: keep if isinstance(keep, int) else int(len(data) * keep)])
    with pytest.raises(UnreadableArtifact, match="damaged"):
        tiny.describe(path)
    with pytest.raises(UnreadableArtifact, match="damaged"), tiny.opened(path, tiny.make_card()):
        pass


def test_damaged_bytes_are_an_error_or_a_structure_but_never_a_crash(tiny: ModuleType, tmp_path: Path) -> None:
    data = tiny.quantised()
    draw = random.Random(0)
    refused = 0
    for _ in range(300):
        broken = bytearray(data)
        for _ in range(3):
            broken[draw.randrange(8, len(broken))] = draw.randrange(256)
        try:
            tiny.describe(tiny.written(tmp_path, bytes(broken)))
        except UnreadableArtifact:
            refused += 1
    assert refused > 50


def test_weights_behind_the_flatbuffer_must_lie_in_the_file(tiny: ModuleType, tmp_path: Path) -> None:
    build = tiny.Builder()
    image, out = build.tensor("image", (1, 4)), build.tensor("scores", (1, 5))
    w = build.constant("w", np.ones((5, 4), np.float32))
    build.operator("FULLY_CONNECTED", [image, w], [out])
    buffer = build.model.buffers[-1]
    buffer.data, buffer.offset, buffer.size = None, 1 << 16, 80
    head = build.bytes([image], [out])
    whole = head + bytes((1 << 16) - len(head)) + np.full(20, 2, np.float32).tobytes()
    assert tensor(tiny.describe(tiny.written(tmp_path, whole)), "w").nonzero == 20
    with pytest.raises(UnreadableArtifact, match="past the end"):
        tiny.describe(tiny.written(tmp_path, whole[:-1]))


def test_an_operator_that_asks_for_a_tensor_that_is_not_there_is_refused(tiny: ModuleType, tmp_path: Path) -> None:
    build = tiny.Builder()
    image = build.tensor("image", (1, 4))
    build.operator("RELU", [77], [image])
    with pytest.raises(UnreadableArtifact, match="tensor 77 of 1"):
        tiny.describe(tiny.written(tmp_path, build.bytes([image], [image])))


def test_a_constant_of_the_wrong_length_is_refused(tiny: ModuleType, tmp_path: Path) -> None:
    build = tiny.Builder()
    image, out = build.tensor("image", (1, 4)), build.tensor("scores", (1, 5))
    w = build.tensor("w", (5, 4), "float32", bytes(76))
    build.operator("FULLY_CONNECTED", [image, w], [out])
    with pytest.raises(UnreadableArtifact, match="holds 76 bytes"):
        tiny.describe(tiny.written(tmp_path, build.bytes([image], [out])))


def test_weights_of_further_graphs_are_counted_and_shared_ones_once(tiny: ModuleType, tmp_path: Path) -> None:
    build = tiny.Builder()
    image = build.tensor("image", (1, 4))
    weight = build.constant("w", np.ones((5, 4), np.float32))
    scores = build.tensor("scores", (1, 5))
    build.operator("FULLY_CONNECTED", [image, weight, -1], [scores])
    build.graph.inputs, build.graph.outputs = [image], [scores]
    first, shared = build.graph, build.graph.tensors[weight]
    build.graph = type(first)()
    build.graph.tensors, build.graph.operators = [shared], []
    build.model.subgraphs.append(build.graph)
    image = build.tensor("image", (1, 4))
    own = build.constant("own", np.zeros((5, 4), np.float32))
    scores = [build.tensor(name, (1, 5)) for name in ("a", "b")]
    build.operator("FULLY_CONNECTED", [image, 0, -1], [scores[0]])
    build.operator("FULLY_CONNECTED", [image, own, -1], [scores[1]])
    structure = tiny.describe(tiny.written(tmp_path, build.bytes([image], scores)))
    assert [(tensor.name, tensor.kind, tensor.nonzero) for tensor in structure.tensors] == [
        ("w", "parameter", 20),
        ("own", "parameter", 0),
    ]


def test_a_signature_of_another_rank_is_damage(tiny: ModuleType, tmp_path: Path) -> None:
    build = tiny.Builder()
    image = build.tensor("image", (1, 8, 8, 3), signature=(-1, 8))
    with pytest.raises(UnreadableArtifact, match="in its signature"):
        tiny.describe(tiny.written(tmp_path, build.bytes([image], [image])))
