"""Where fuzzing starts: small valid inputs of every kind, made by code."""

from __future__ import annotations

import importlib.util
import io
import json
import sys
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
from fuzz_mutation import SECOND_FILE

from vetgate.testing.toy import toy_card

ROOT = Path(__file__).resolve().parents[3]


def _of_tests(place: str) -> ModuleType:
    """Return a module of the tests, which are no package, by its place."""
    if str(ROOT) not in sys.path:
        sys.path.insert(0, str(ROOT))
    path = ROOT / "tests" / place
    name = f"vetgate_seeds_{path.stem}"
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    sys.modules[name] = module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def policies() -> list[bytes]:
    """Return the carried policies, and some that use what they do not."""
    carried = [file.read_bytes() for file in sorted((ROOT / "policies").rglob("*.yaml"))]
    return [
        *carried,
        b"version: 1\nname: p\nextends: edge\nmetrics:\n  - {metric: accuracy.top1, of: delta, at_least: -1pp}\n",
        b"version: 1\nname: p\nfindings: {halt_at: high}\nmetrics:\n"
        b"  - {metric: latency.p95, of: ratio, at_most: 1.2, confidence: 95%, otherwise: warn}\n"
        b"  - {metric: accuracy.recall, slice: each label, at_least: 50%, if_missing: warn}\n"
        b"waivers:\n  - {rule: latency.p95/ratio, reason: r, owner: o, expires: 2027-01-01}\n",
    ]


def reports() -> list[bytes]:
    """Return the report of the golden tests, whole and with one piece of evidence each."""
    canned = _of_tests("golden/canned_report.py").canned()
    whole = canned.model_dump(mode="json")
    parts = []
    for evidence in whole["reports"][0]["evidence"]:
        report = whole["reports"][0] | {"evidence": [evidence]}
        parts.append(json.dumps(whole | {"reports": [report]}).encode())
    return [canned.model_dump_json().encode(), *parts]


def cards() -> list[bytes]:
    """Return cards of every kind."""
    examples = [file.read_bytes() for file in sorted((ROOT / "examples" / "fashion").glob("*.yaml"))]
    return [json.dumps(toy_card().model_dump(mode="json")).encode(), *examples[:6]]


def statements() -> list[bytes]:
    """Return what attestations say."""
    canned = _of_tests("golden/canned_report.py").canned()
    from datetime import UTC, datetime

    from vetgate.attestation.claim import make_statement
    from vetgate.attestation.statement import render_statement

    made = [make_statement(report, (), datetime(2026, 1, 1, tzinfo=UTC)) for report in canned.reports]
    return [render_statement(statement) for statement in made if statement is not None]


def attestations() -> list[bytes]:
    """Return attestations whose signatures are of the right form."""
    from vetgate.attestation.envelope import Envelope, render_envelope

    found = []
    for payload in statements():
        for chain in ((), (b"certificate",)):
            envelope = Envelope(payload=payload, signature=bytes(64), keyid="0" * 64, certificates=chain)
            found.append(render_envelope(envelope))
    return found


def onnx_files() -> list[bytes]:
    """Return ONNX models: plain, with a branch, a loop, a function, and external data."""
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    tiny = _of_tests("plugins/onnx/tiny_onnx.py").convolutional()
    answer = helper.make_tensor_value_info("y", TensorProto.FLOAT, None)
    branch = helper.make_graph([helper.make_node("Identity", ["x"], ["y"])], "b", [], [answer])
    value = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, 1, 4, 4]) for name in ("x", "y")]
    chosen = helper.make_node("If", ["c"], ["y"], then_branch=branch, else_branch=branch)
    condition = numpy_helper.from_array(np.asarray(True), "c")
    nested = helper.make_model(helper.make_graph([chosen], "g", value[:1], value[1:], [condition]))
    function = helper.make_function("own", "f", ["a"], ["b"], [helper.make_node("Relu", ["a"], ["b"])], [
        helper.make_opsetid("", 18)
    ])  # fmt: skip
    called = helper.make_model(
        helper.make_graph([helper.make_node("f", ["x"], ["y"], domain="own")], "g", value[:1], value[1:]),
        functions=[function],
        opset_imports=[helper.make_opsetid("", 18), helper.make_opsetid("own", 1)],
    )
    outside = onnx.ModelProto()
    outside.CopyFrom(tiny)
    tensor = outside.graph.initializer[0]
    tensor.ClearField("raw_data")
    tensor.data_location = TensorProto.EXTERNAL
    for key, text in (("location", "weights.bin"), ("offset", "0"), ("length", "64")):
        tensor.external_data.add(key=key, value=text)
    found: list[bytes] = [model.SerializeToString() for model in (tiny, nested, called, outside)]
    return found


def tflite_files() -> list[bytes]:
    """Return TFLite models, of floats and quantised."""
    tiny = _of_tests("plugins/litert/tiny_tflite.py")
    return [bytes(tiny.convolutional()), bytes(tiny.quantised())]


def _network() -> Any:  # noqa: ANN401  # a torch.nn.Module
    import torch

    torch.manual_seed(0)
    return torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(16, 3)).eval()


def pt_files() -> list[bytes]:
    """Return checkpoints, new and old, and a TorchScript program."""
    import torch

    found = []
    for legacy in (False, True):
        buffer = io.BytesIO()
        torch.save(_network().state_dict(), buffer, _use_new_zipfile_serialization=not legacy)
        found.append(buffer.getvalue())
    buffer = io.BytesIO()
    program: Any = torch.jit.trace(_network(), torch.zeros(1, 1, 4, 4))  # type: ignore[no-untyped-call]
    torch.jit.save(program, buffer)
    return [*found, buffer.getvalue()]


def pt2_files() -> list[bytes]:
    """Return an exported program."""
    import torch

    buffer = io.BytesIO()
    torch.export.save(torch.export.export(_network(), (torch.zeros(1, 1, 4, 4),)), buffer)
    return [buffer.getvalue()]


def safetensors_files() -> list[bytes]:
    """Return safetensors of two types, one with metadata."""
    from safetensors.numpy import save

    weight = np.arange(48, dtype=np.float32).reshape(16, 3)
    return [save({"1.weight": weight}), save({"a": weight.astype(np.int8), "b": weight[:0]}, {"format": "pt"})]


def mnn_files() -> list[bytes]:
    """Return MNN models with weights of floats, of halves and of whole numbers."""
    tiny = _of_tests("plugins/mnn/tiny_mnn.py")
    return [bytes(tiny.content(*options)) for options in ((), ("--fp16",), ("--weightQuantBits", "8"))]


def ncnn_files() -> list[bytes]:
    """Return ncnn models, text and weights one after the other."""
    tiny = _of_tests("plugins/ncnn/tiny_ncnn.py")
    return [_two(tiny.text_of().encode(), tiny.weights_of(half=half)) for half in (False, True)]


def ir_files() -> list[bytes]:
    """Return an OpenVINO model, XML and weights one after the other."""
    tiny = _of_tests("plugins/openvino/tiny_ir.py")
    with tempfile.TemporaryDirectory() as folder:
        path: Path = tiny.written(Path(folder), tiny.convolutional())
        return [_two(path.read_bytes(), path.with_suffix(".bin").read_bytes())]


def _two(first: bytes, second: bytes) -> bytes:
    return first + SECOND_FILE + second


def keras_files() -> list[bytes]:
    """Return a Keras archive."""
    tiny = _of_tests("plugins/keras/tiny_keras.py")
    with tempfile.TemporaryDirectory() as folder:
        path: Path = tiny.written(Path(folder))
        return [path.read_bytes()]


def pte_files() -> list[bytes]:
    """Return an ExecuTorch program that XNNPACK runs."""
    networks = _of_tests("plugins/formats/networks.py")
    with tempfile.TemporaryDirectory() as folder:
        path: Path = networks.executorch(Path(folder))
        return [path.read_bytes()]


SEEDS: Mapping[str, Callable[[], list[bytes]]] = {
    "policy": policies,
    "report": reports,
    "card": cards,
    "attestation": attestations,
    "statement": statements,
    "onnx": onnx_files,
    "tflite": tflite_files,
    "pt": pt_files,
    "pt2": pt2_files,
    "mnn": mnn_files,
    "ncnn": ncnn_files,
    "ir": ir_files,
    "keras": keras_files,
    "pte": pte_files,
    "safetensors": safetensors_files,
}
"""By the name of the target."""
