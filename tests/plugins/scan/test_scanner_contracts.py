"""Every scanner of models keeps the contract of scanners."""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pytest
from onnx import TensorProto, helper
from vetgate_scan.plugin import vetgate_scanners

from vetgate.api import ScannerSpec
from vetgate.testing.scanner import Sample, ScannerContract


def spec_of(name: str) -> ScannerSpec:
    return next(spec for spec in vetgate_scanners() if spec.name == name)


def onnx_of(domain: str = "", location: str = "") -> bytes:
    tensor = TensorProto(name="w", data_type=1, dims=[4], raw_data=np.ones(4, np.float32).tobytes())
    if location:
        tensor = TensorProto(name="w", data_type=1, dims=[4], data_location=TensorProto.EXTERNAL)
        entry = tensor.external_data.add()
        entry.key, entry.value = "location", location
    graph = helper.make_graph(
        [helper.make_node("Relu", ["image"], ["scores"], domain=domain)],
        "graph",
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, [1, 4])],
        [helper.make_tensor_value_info("scores", TensorProto.FLOAT, [1, 4])],
        [tensor],
    )
    return bytes(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)]).SerializeToString())


def safetensors_of(end: int) -> bytes:
    text = json.dumps({"w": {"dtype": "F32", "shape": [4], "data_offsets": [0, end]}}).encode()
    return struct.pack("<Q", len(text)) + text + bytes(16)


def written(folder: Path, name: str, content: bytes, known: str) -> Sample:
    (folder / name).write_bytes(content)
    return Sample(folder / name, known)


class TestOnnx(ScannerContract):
    def spec(self) -> ScannerSpec:
        return spec_of("onnx")

    def harmless(self, folder: Path) -> Sequence[Sample]:
        return [written(folder, "model.onnx", onnx_of(), "onnx")]

    def harmful(self, folder: Path, mark: Path) -> Mapping[str, Sample]:
        return {
            "VG0401": written(folder, "outside.onnx", onnx_of(location=str(mark)), "onnx"),
            "VG0406": written(folder, "custom.onnx", onnx_of("evil"), "onnx"),
        }


class TestTflite(ScannerContract):
    def spec(self) -> ScannerSpec:
        return spec_of("tflite")

    def harmless(self, folder: Path) -> Sequence[Sample]:
        source = Path(__file__).parents[3] / "examples" / "fashion" / "int8.tflite"
        if not source.exists():
            pytest.skip("examples/fashion has not been made")
        return [written(folder, "model.tflite", source.read_bytes(), "tflite")]

    def harmful(self, folder: Path, mark: Path) -> Mapping[str, Sample]:
        return {"VG0501": written(folder, "broken.tflite", b"\xff\xff\xff\x7fTFL3" + bytes(64), "tflite")}


class TestSafetensors(ScannerContract):
    def spec(self) -> ScannerSpec:
        return spec_of("safetensors")

    def harmless(self, folder: Path) -> Sequence[Sample]:
        return [written(folder, "model.safetensors", safetensors_of(16), "safetensors")]

    def harmful(self, folder: Path, mark: Path) -> Mapping[str, Sample]:
        return {"VG0603": written(folder, "outside.safetensors", safetensors_of(1 << 40), "safetensors")}


class TestPolyglot(ScannerContract):
    def spec(self) -> ScannerSpec:
        return spec_of("polyglot")

    def harmless(self, folder: Path) -> Sequence[Sample]:
        return [written(folder, "model.onnx", onnx_of(), "onnx")]

    def harmful(self, folder: Path, mark: Path) -> Mapping[str, Sample]:
        return {"VG0801": written(folder, "model.bin", f"#!/bin/sh\ntouch {mark}\n".encode(), "")}


class TestCard(ScannerContract):
    def spec(self) -> ScannerSpec:
        return spec_of("card")

    def harmless(self, folder: Path) -> Sequence[Sample]:
        (folder / "config.json").write_text('{"architectures": ["ViTForImageClassification"], "auto_map": {}}')
        (folder / "model.onnx.yaml").write_text("version: 1\narchitecture: timm/resnet18\n")
        return [written(folder, "model.onnx", onnx_of(), "onnx")]

    def harmful(self, folder: Path, mark: Path) -> Mapping[str, Sample]:
        (folder / "model.onnx.yaml").write_text("architecture: os:system\n")
        return {"VG0903": written(folder, "model.onnx", onnx_of(), "onnx")}


class TestKeras(ScannerContract):
    def spec(self) -> ScannerSpec:
        return spec_of("keras")

    def harmless(self, folder: Path) -> Sequence[Sample]:
        h5py = pytest.importorskip("h5py")
        with h5py.File(folder / "model.h5", "w") as file:
            file.create_dataset("w", data=np.eye(4, dtype=np.float32))
        return [Sample(folder / "model.h5")]

    def harmful(self, folder: Path, mark: Path) -> Mapping[str, Sample]:
        config = b'{"class_name": "Lambda", "config": {"function": "open"}}'
        return {"VG0701": written(folder, "lambda.h5", b"\x89HDF\r\n\x1a\n" + bytes(64) + config + bytes(64), "")}


def test_every_rule_has_one_meaning_and_every_scanner_one_name() -> None:
    specs = vetgate_scanners()
    assert len({spec.name for spec in specs}) == len(specs)
    rules = [rule for spec in specs for rule in spec.rules]
    assert len({rule.id for rule in rules}) == len(rules)


def test_the_formats_of_the_gate_are_all_vouched_for() -> None:
    vouched = {known for spec in vetgate_scanners() for known in spec.vouches}
    assert {"onnx", "tflite", "safetensors", "torch-weights", "torchscript", "torch-export"} <= vouched
