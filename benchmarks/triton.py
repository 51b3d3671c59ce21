"""What vetgate's way of asking a Triton server costs beside tritonclient's own loop, on a real server of this machine.

    VETGATE_TRITON_SERVER=$(bash .ci/servers triton) python benchmarks/triton.py

A convolutional network of some 60 million multiply-accumulates an image of 3 x 96 x 96 runs on ONNX Runtime in the
server's Python backend, on one thread. Three ways ask it the same images in the same batches, in turn, in pairs of
random order: tritonclient's own client in a loop, one request after the other; the backend as a run uses it, on sockets
that are handed over, one request at once; and the same with two. Printed are the medians of the ratios.
"""

from __future__ import annotations

import os
import random
import statistics
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper
from vetgate_triton.launch import HOST, find_server, serving
from vetgate_triton.plugin import vetgate_artifact_sources, vetgate_backends
from vetgate_triton.repository import Ports, write_repository

from vetgate.api import Card, Port
from vetgate.testing.service import asked, found

IMAGES, BATCH, ROUNDS, SIDE = 128, 16, 15, 96
Images = NDArray[np.float32]
Loop = Callable[[], Images]


def write_network(path: Path) -> Path:
    """Write a small convolutional network with random weights."""
    random_ = np.random.default_rng(0)
    nodes, weights, last, channels = [], [], "image", 3
    for layer, width in enumerate((16, 32, 64, 128)):
        weight = random_.normal(size=(width, channels, 3, 3), scale=(2 / (9 * channels)) ** 0.5).astype(np.float32)
        weights.append(numpy_helper.from_array(weight, f"w{layer}"))
        nodes.append(helper.make_node("Conv", [last, f"w{layer}"], [f"c{layer}"], strides=[2, 2], pads=[1, 1, 1, 1]))
        nodes.append(helper.make_node("Relu", [f"c{layer}"], [f"r{layer}"]))
        last, channels = f"r{layer}", width
    nodes += [
        helper.make_node("GlobalAveragePool", [last], ["pooled"]),
        helper.make_node("Flatten", ["pooled"], ["flat"]),
        helper.make_node("MatMul", ["flat", "head"], ["logits"]),
    ]
    weights.append(numpy_helper.from_array(random_.normal(size=(channels, 10)).astype(np.float32), "head"))
    given = helper.make_tensor_value_info("image", TensorProto.FLOAT, ["n", 3, SIDE, SIDE])
    out = helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["n", 10])
    graph = helper.make_graph(nodes, "network", [given], [out], weights)
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9), path)
    return path


def bare(scheme: str, port: int, images: Images) -> Loop:
    """Return a loop of tritonclient's own."""
    if "grpc" in scheme:
        import tritonclient.grpc as client
    else:
        import tritonclient.http as client
    asks = client.InferenceServerClient(f"{HOST}:{port}")

    def loop() -> Images:
        answers = []
        for start in range(0, len(images), BATCH):
            part = images[start : start + BATCH]
            given = client.InferInput("image", list(part.shape), "FP32")
            given.set_data_from_numpy(part)
            wanted = client.InferRequestedOutput("logits")
            answers.append(asks.infer("network", [given], outputs=[wanted]).as_numpy("logits"))
        found: Images = np.concatenate(answers)
        return found

    return loop


def ours(stack: ExitStack, name: str, concurrency: int, images: Images, folder: Path) -> Loop:
    """Return the same by the backend of vetgate."""
    os.environ["VETGATE_TRITON_CONCURRENCY"] = str(concurrency)
    card = Card.model_validate(
        {
            "version": 1,
            "input": {
                "size": [SIDE, SIDE], "resize": "none", "colour": "rgb", "scale": 1, "mean": [0], "std": [1],
                "layout": "NCHW",
            },
            "output": {"kind": "logits"},
        }
    )  # fmt: skip
    served = found(next(iter(vetgate_artifact_sources())), name, folder)
    model = stack.enter_context(asked(next(iter(vetgate_backends())), served, card, batch=BATCH))
    step = BATCH * concurrency

    def loop() -> Images:
        return np.concatenate([model.predict(images[start : start + step]) for start in range(0, len(images), step)])

    return loop


def seconds(loop: Loop) -> float:
    """Return what one pass takes."""
    start = time.perf_counter()
    loop()
    return time.perf_counter() - start


def main() -> None:
    """Print the ratios for both protocols."""
    images = np.random.default_rng(1).normal(size=(IMAGES, 3, SIDE, SIDE)).astype(np.float32)
    ports = Ports(
        [Port(name="image", shape=(None, 3, SIDE, SIDE), dtype="float32")],
        [Port(name="logits", shape=(None, 10), dtype="float32")],
    )
    with tempfile.TemporaryDirectory() as place, ExitStack() as stack:
        folder = Path(place)
        (folder / "repository").mkdir()
        file = write_network(folder / "network.onnx")
        write_repository(folder / "repository", [file], ports, native=False, name="network")
        server = find_server(os.environ.get("VETGATE_TRITON_SERVER"))
        up = stack.enter_context(serving(server, folder / "repository", folder))
        for scheme, port in (("triton", up.http), ("triton+grpc", up.grpc)):
            loop = bare(scheme, port, images)
            for concurrency in (1, 2):
                other = ours(stack, f"{scheme}://{HOST}:{port}/network", concurrency, images, folder / "run")
                np.testing.assert_allclose(loop(), other(), atol=1e-4)
                ratios, times = [], []
                for _ in range(ROUNDS):
                    order = [loop, other] if random.random() < 0.5 else [other, loop]
                    taken = {id(each): seconds(each) for each in order}
                    ratios.append(taken[id(other)] / taken[id(loop)])
                    times.append(taken[id(loop)])
                told = f"{statistics.median(ratios):.3f} x tritonclient's loop ({statistics.median(times) * 1e3:.1f} ms"
                print(f"{scheme}, {concurrency} at once: {told} for {IMAGES} images in batches of {BATCH})")


if __name__ == "__main__":
    main()
