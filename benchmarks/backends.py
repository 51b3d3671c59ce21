"""Print what each backend's own loop costs beside the bare runtime's loop over the same images, as ratios of one run.

    python benchmarks/backends.py

The network is that of examples/fashion, 9.3 M multiply-accumulates, one thread; the smaller the network, the more an
overhead shows. Both loops get the same arrays in memory and hand on arrays of their own; rounds of 16 images alternate
between them, and the ratio is the median of those of neighbours, with its interval at 95 % from their order. What a
model's process calls and what is timed there is `predict`; it is called here in one process with the bare loop, so
that both meet the same machine. A bare loop takes the shortest way that the Python package of the runtime offers.
"""

from __future__ import annotations

import argparse
import math
import sys
import tempfile
import time
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
from numpy.typing import NDArray

sys.path.insert(0, str(Path(__file__).parent.parent))
sys.path.remove(str(Path(__file__).parent))  # a module named triton, as here, breaks PyTorch's compiler
from tests.plugins.formats import networks
from tests.plugins.formats.networks import FORMATS, Format

Array = NDArray[np.float32]
Loop = Callable[[Array], Array]
LIMIT = 1.25


def torch_loop(kind: Format, path: Path, batch: int) -> Loop:
    """Return PyTorch's own way to the answers of a batch."""
    import torch

    torch.set_num_threads(1)
    if kind.format == "torchscript":
        load: Any = torch.jit.load
        module = load(str(path))
    elif kind.format == "torch-export":
        module = torch.export.load(path).module()
    else:
        module = networks.module()

    def run(images: Array) -> Array:
        with torch.inference_mode():
            answers: Array = module(torch.from_numpy(images)).numpy()
        return answers

    return run


def onnx_loop(kind: Format, path: Path, batch: int) -> Loop:
    """Return ONNX Runtime's."""
    import onnxruntime

    settings = onnxruntime.SessionOptions()
    settings.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(str(path), settings, providers=["CPUExecutionProvider"])
    return lambda images: session.run(["logits"], {"image": images})[0]


def openvino_loop(kind: Format, path: Path, batch: int) -> Loop:
    """Return OpenVINO's."""
    import openvino

    settings = {
        "INFERENCE_PRECISION_HINT": "f32", "INFERENCE_NUM_THREADS": 1, "NUM_STREAMS": 1, "PERFORMANCE_HINT": "LATENCY",
        "ENABLE_CPU_PINNING": False,
    }  # fmt: skip
    request = openvino.Core().compile_model(str(path), "CPU", settings).create_infer_request()

    def run(images: Array) -> Array:
        request.set_input_tensor(openvino.Tensor(images, shared_memory=True))
        request.infer()
        return np.array(request.get_output_tensor(0).data)

    return run


def litert_loop(kind: Format, path: Path, batch: int) -> Loop:
    """Return LiteRT's."""
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(model_path=str(path), num_threads=1)
    given, out = interpreter.get_input_details()[0]["index"], interpreter.get_output_details()[0]["index"]
    interpreter.resize_tensor_input(given, [batch, 28, 28, 1])
    interpreter.allocate_tensors()

    def run(images: Array) -> Array:
        interpreter.set_tensor(given, images)
        interpreter.invoke()
        answers: Array = interpreter.get_tensor(out)
        return answers

    return run


def ncnn_loop(kind: Format, path: Path, batch: int) -> Loop:
    """Return ncnn's, one image after the other."""
    import ncnn

    net = ncnn.Net()
    net.opt.use_vulkan_compute, net.opt.num_threads = False, 1
    net.opt.use_fp16_packed = net.opt.use_fp16_storage = net.opt.use_fp16_arithmetic = False
    net.load_param(str(path))
    net.load_model(str(path.with_suffix(".bin")))

    def one(image: Array) -> Array:
        extractor = net.create_extractor()
        extractor.input("image", ncnn.Mat(image).clone())
        return np.array(extractor.extract("logits")[1])

    return lambda images: np.stack([one(image) for image in images])


def mnn_loop(kind: Format, path: Path, batch: int) -> Loop:
    """Return MNN's."""
    import MNN

    net = MNN.Interpreter(str(path))
    session = net.createSession({"backend": "CPU", "numThread": 1, "precision": 1})
    net.resizeTensor(net.getSessionInput(session, "image"), (batch, 1, 28, 28))
    net.resizeSession(session)
    caffe = MNN.Tensor_DimensionType_Caffe

    def run(images: Array) -> Array:
        given = MNN.Tensor(images.shape, MNN.Halide_Type_Float, images, caffe)
        net.getSessionInput(session, "image").copyFrom(given)
        net.runSession(session)
        answers = net.getSessionOutput(session, "logits")
        host = MNN.Tensor(answers, caffe)
        answers.copyToHostTensor(host)
        return np.array(host.getNumpyData())

    return run


def keras_loop(kind: Format, path: Path, batch: int) -> Loop:
    """Return Keras' own on PyTorch."""
    import torch
    from vetgate_keras.archive import keras

    torch.set_num_threads(1)
    network = keras().saving.load_model(str(path), compile=False)

    def run(images: Array) -> Array:
        with torch.inference_mode():
            answers: Array = network(torch.from_numpy(images), training=False).numpy()
        return answers

    return run


def executorch_loop(kind: Format, path: Path, batch: int) -> Loop:
    """Return ExecuTorch's."""
    import torch

    bindings: Any = import_module("executorch.extension.pybindings._C")  # its modules in Python load the exporter
    bindings._unsafe_reset_threadpool(1)
    module = bindings._load_for_executorch(str(path))

    def run(images: Array) -> Array:
        answers: Array = module.run_method("forward", (torch.from_numpy(images),))[0].numpy()
        return np.array(answers)

    return run


LOOPS: dict[str, Callable[[Format, Path, int], Loop]] = {
    "torch": torch_loop, "onnx": onnx_loop, "openvino": openvino_loop, "litert": litert_loop, "ncnn": ncnn_loop,
    "mnn": mnn_loop, "keras": keras_loop, "executorch": executorch_loop,
}  # fmt: skip


def seconds(run: Loop, batches: list[Array]) -> float:
    """Return how long all batches take."""
    begin = time.perf_counter()
    for images in batches:
        run(images)
    return time.perf_counter() - begin


def compare(kind: Format, path: Path, batch: int, rounds: int) -> tuple[float, float, float]:
    """Return the median ratio of our time to that of the bare loop, and between what at 95 %."""
    pictures = networks.fed(kind, networks.images(16))
    batches = [np.ascontiguousarray(pictures[start : start + batch]) for start in range(0, len(pictures), batch)]
    bare = LOOPS[kind.backend](kind, path, batch)
    with networks.opened(kind, path) as model:
        np.testing.assert_allclose(model.predict(batches[0]), bare(batches[0]), atol=1e-2)
        for run in (bare, model.predict):
            seconds(run, batches)
        ratios = []
        for place in range(rounds):
            loops = (bare, model.predict) if place % 2 else (model.predict, bare)
            first, second = (seconds(run, batches) for run in loops)
            ratios.append(second / first if place % 2 else first / second)
    ratios.sort()
    reach = math.ceil(0.98 * math.sqrt(rounds))  # 1.96 standard deviations of a fair coin's tosses
    low, high = max(0, rounds // 2 - reach), min(rounds - 1, rounds // 2 + reach)
    return median(ratios), ratios[low], ratios[high]


def main() -> None:
    """Measure every format that is installed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--rounds", type=int, default=101)
    parser.add_argument("--batch", type=int, nargs="+", default=[1, 8])
    parser.add_argument("--only", nargs="+", help="backends")
    arguments = parser.parse_args()
    columns = "".join(f" batch {batch} |" for batch in arguments.batch)
    print(f"| format |{columns}\n|---|{'---:|' * len(arguments.batch)}")
    for kind in FORMATS:
        if not kind.there or (arguments.only and kind.backend not in arguments.only):
            continue
        with tempfile.TemporaryDirectory() as folder:
            path = kind.write(Path(folder))
            told = [compare(kind, path, batch, arguments.rounds) for batch in arguments.batch]
        cells = " | ".join(
            f"{ratio:.2f} × ({low:.2f} to {high:.2f}){' over' if ratio > LIMIT else ''}" for ratio, low, high in told
        )
        print(f"| {kind.name} | {cells} |", flush=True)


if __name__ == "__main__":
    main()
