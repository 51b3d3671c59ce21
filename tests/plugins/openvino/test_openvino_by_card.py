"""A card names the runtime of an ONNX model; what cannot be done as it says is refused."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import openvino
import pytest

from tests.plugins.openvino import tiny_ir
from vetgate.cli.app import run

CARD = """\
version: 1
input: {size: [8, 8], resize: none, colour: rgb, scale: 1/255, mean: [0], std: [1], layout: NCHW}
output: {kind: logits}
"""
POLICY = """\
version: 1
name: alike
metrics:
  - {metric: similarity.agreement, at_least: 99%}
"""


def onnx_model(path: Path) -> Path:
    """Write the small network as ONNX."""
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    values = tiny_ir.weights()
    nodes = [
        helper.make_node("Conv", ["image", "conv.w", "conv.b"], ["c"], strides=[2, 2], pads=[0, 0, 1, 1]),
        helper.make_node("Relu", ["c"], ["r"]),
        helper.make_node("GlobalAveragePool", ["r"], ["p"]),
        helper.make_node("Flatten", ["p"], ["f"]),
        helper.make_node("Gemm", ["f", "fc.w", "fc.b"], ["scores"], transB=1),
    ]
    graph = helper.make_graph(
        nodes,
        "tiny",
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, ["n", 3, 8, 8])],
        [helper.make_tensor_value_info("scores", TensorProto.FLOAT, ["n", 5])],
        [numpy_helper.from_array(value, name) for name, value in values.items()],
    )
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9), str(path))
    return path


@pytest.fixture
def world(tmp_path: Path) -> Path:
    """Return a folder with a model in two formats, images and a policy."""
    onnx_model(tmp_path / "reference.onnx")
    (tmp_path / "reference.onnx.yaml").write_text(CARD, encoding="utf-8")
    openvino.save_model(tiny_ir.convolutional(), str(tmp_path / "candidate.xml"), compress_to_fp16=False)
    (tmp_path / "candidate.xml.yaml").write_text(CARD, encoding="utf-8")
    pixels = np.random.default_rng(2).integers(0, 256, (40, 8, 8, 3), dtype=np.uint8)
    np.savez(tmp_path / "data.npz", images=pixels, labels=np.arange(40) % 5)
    (tmp_path / "policy.yaml").write_text(POLICY, encoding="utf-8")
    return tmp_path


def arguments(world: Path, *candidates: str) -> list[str]:
    """Return what vets candidates of this folder."""
    named = {"--reference": "reference.onnx", "--data": "data.npz", "--policy": "policy.yaml"}
    options = (part for key, name in named.items() for part in (key, str(world / name)))
    return [*(str(world / name) for name in candidates), *options]


def test_openvino_runs_its_own_models_and_those_of_onnx_whose_card_says_so(world: Path) -> None:
    onnx_model(world / "candidate.onnx")
    said = CARD + "execution: {runtime: openvino}\n"
    (world / "candidate.onnx.yaml").write_text(said, encoding="utf-8")
    out = world / "report.json"
    assert run(["check", *arguments(world, "candidate.xml", "candidate.onnx"), "--report", f"json={out}"]) == 0
    told = [report["candidate"] for report in json.loads(out.read_text(encoding="utf-8"))["reports"]]
    assert {candidate["format"] for candidate in told} == {"openvino", "onnx"}
    assert {candidate["execution"]["runtime"] for candidate in told} == {"openvino"}
    assert {candidate["scan"]["state"] for candidate in told} == {"clean"}


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("{runtime: litert}", "onnx and openvino can"),
        ("{runtime: nobody}", "onnx and openvino can"),
        ("{precision: int3}", "can be asked for none"),
        ("{runtime: openvino, precision: int3}", "float32, float16, bfloat16"),
    ],
)
def test_what_a_card_asks_for_in_vain_is_an_error_and_never_ignored(
    world: Path, capsys: pytest.CaptureFixture[str], said: str, told: str
) -> None:
    onnx_model(world / "candidate.onnx")
    (world / "candidate.onnx.yaml").write_text(f"{CARD}execution: {said}\n", encoding="utf-8")
    assert run(["check", *arguments(world, "candidate.onnx")]) == 2
    assert told in capsys.readouterr().err
