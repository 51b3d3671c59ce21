"""The network of examples/fashion in every format, made by code of one file of weights.

python -m tests.plugins.formats.networks    # from the checkout: prints how far formats are apart, as Markdown
"""

from __future__ import annotations

import logging
import sys
import tempfile
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from runpy import run_path
from typing import Any

import numpy as np
import yaml
from numpy.typing import NDArray

from vetgate.api import Artifact, Card, Model, OpenOptions
from vetgate.artifacts import Vault
from vetgate.host import Kind, find_plugins

FASHION = Path(__file__).parents[3] / "examples" / "fashion"
ARCHITECTURE = f"{FASHION / 'architecture.py'}:fashion_resnet"
PRECISIONS = {
    "float32": 8 * 577 * 2.0**-24,
    "float16 weights": 8 * 2.0**-11,
}
"""How far answers may be from those of the same weights in float64, as a share of the largest: each of 8 layers on the
longest way adds up 577 products at most, each rounded to 24 bits; or has weights that were rounded to 11."""
IMAGES = 64


@dataclass(frozen=True)
class Convolution:
    """A convolution with its normalisation folded in."""

    weight: NDArray[np.float32]
    """(out, in, height, width)."""
    bias: NDArray[np.float32]
    stride: int

    @property
    def pad(self) -> int:
        """Pixels on each side."""
        return int(self.weight.shape[-1]) // 2


@dataclass(frozen=True)
class Block:
    """Two convolutions beside a shortcut."""

    first: Convolution
    second: Convolution
    shortcut: Convolution


@dataclass(frozen=True)
class Network:
    """The whole of it."""

    stem: Convolution
    blocks: tuple[Block, ...]
    weight: NDArray[np.float32]
    """(classes, features) of the classifier."""
    bias: NDArray[np.float32]


def folded() -> Network:
    """Return the weights of the reference, each normalisation folded into the convolution before it."""
    import torch

    state = {
        name: value.numpy().astype(np.float64)
        for name, value in torch.load(FASHION / "reference.pt", weights_only=True).items()
    }

    def fold(conv: str, norm: str, stride: int) -> Convolution:
        scale = state[f"{norm}.weight"] / np.sqrt(state[f"{norm}.running_var"] + 1e-5)
        weight = state[f"{conv}.weight"] * scale[:, np.newaxis, np.newaxis, np.newaxis]
        bias = state[f"{norm}.bias"] - state[f"{norm}.running_mean"] * scale
        return Convolution(weight.astype(np.float32), bias.astype(np.float32), stride)

    def block(name: str, stride: int) -> Block:
        first, second = fold(f"{name}.conv1", f"{name}.norm1", stride), fold(f"{name}.conv2", f"{name}.norm2", 1)
        if f"{name}.shortcut.0.weight" in state:
            return Block(first, second, fold(f"{name}.shortcut.0", f"{name}.shortcut.1", stride))
        channels = first.weight.shape[1]
        same = np.eye(channels, dtype=np.float32)[:, :, np.newaxis, np.newaxis]
        return Block(first, second, Convolution(same, np.zeros(channels, np.float32), 1))

    names = sorted({".".join(name.split(".")[:3]) for name in state if name.startswith("stages.")})
    blocks = tuple(block(name, 2 if name.endswith(".0") else 1) for name in names)
    head = (state[f"classifier.{part}"].astype(np.float32) for part in ("weight", "bias"))
    return Network(fold("stem.0", "stem.1", 1), blocks, *head)


def module() -> Any:
    """Return the reference as a torch.nn.Module."""
    import torch

    made = run_path(str(FASHION / "architecture.py"), run_name="architecture")["fashion_resnet"]()
    made.load_state_dict(torch.load(FASHION / "reference.pt", weights_only=True))
    return made.eval()


def weights_alone(folder: Path) -> Path:
    path = folder / "reference.pt"
    path.write_bytes((FASHION / "reference.pt").read_bytes())
    return path


def torchscript(folder: Path) -> Path:
    import torch

    path = folder / "model.torchscript"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        trace: Any = torch.jit.trace
        trace(module(), torch.zeros(1, 1, 28, 28)).save(str(path))
    return path


def exported(folder: Path) -> Path:
    import torch

    path = folder / "model.pt2"
    batch = torch.export.Dim("batch", min=1, max=64)
    program = torch.export.export(module(), (torch.zeros(2, 1, 28, 28),), dynamic_shapes=({0: batch},))
    torch.export.save(program, path)
    return path


@cache
def _onnx() -> bytes:
    import io

    import torch

    made = io.BytesIO()
    take: Any = torch.onnx.export  # the older exporter takes a stream, which its annotation does not say
    names: dict[str, Any] = {
        "input_names": ["image"],
        "output_names": ["logits"],
        "dynamic_axes": {"image": {0: "batch"}, "logits": {0: "batch"}},
    }
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        logging.disable(logging.WARNING)
        take(module(), (torch.zeros(1, 1, 28, 28),), made, dynamo=False, **names)
        logging.disable(logging.NOTSET)
    return made.getvalue()


def onnx(folder: Path) -> Path:
    path = folder / "model.onnx"
    path.write_bytes(_onnx())
    return path


def openvino(folder: Path, *, half: bool = False) -> Path:
    import openvino as runtime

    path = folder / "model.xml"
    runtime.save_model(runtime.Core().read_model(str(onnx(folder))), str(path), compress_to_fp16=half)
    return path


def openvino_half(folder: Path) -> Path:
    return openvino(folder, half=True)


def ncnn(folder: Path, *, half: bool = False) -> Path:
    network, lines, data = folded(), ["Input image 0 1 image"], bytearray()

    def keep(weight: NDArray[np.float32], bias: NDArray[np.float32]) -> None:
        tag = (0x01306B47 if half else 0).to_bytes(4, "little")
        data.extend(tag + weight.astype(np.float16 if half else np.float32).tobytes() + bias.tobytes())

    def convolution(part: Convolution, name: str, given: str, *, relu: bool) -> str:
        out, size = part.weight.shape[0], part.weight.size
        lines.append(
            f"Convolution {name} 1 1 {given} {name} 0={out} 1={part.weight.shape[-1]} 3={part.stride} 4={part.pad} "
            f"5=1 6={size} 9={int(relu)}"
        )
        keep(part.weight, part.bias)
        return name

    last = convolution(network.stem, "stem", "image", relu=True)
    for number, block in enumerate(network.blocks):
        at = f"b{number}"
        lines.append(f"Split {at}s 1 2 {last} {at}s0 {at}s1")
        hidden = convolution(block.first, f"{at}first", f"{at}s0", relu=True)
        hidden = convolution(block.second, f"{at}second", hidden, relu=False)
        beside = convolution(block.shortcut, f"{at}shortcut", f"{at}s1", relu=False)
        lines.append(f"BinaryOp {at}add 2 1 {hidden} {beside} {at}add 0=0")
        lines.append(f"ReLU {at}relu 1 1 {at}add {at}relu")
        last = f"{at}relu"
    lines.append(f"Pooling pool 1 1 {last} pool 0=1 4=1")
    lines.append(f"InnerProduct logits 1 1 pool logits 0=10 1=1 2={network.weight.size}")
    keep(network.weight, network.bias)
    path = folder / "model.param"
    blobs = sum(int(line.split()[3]) for line in lines)
    path.write_text(f"7767517\n{len(lines)} {blobs}\n" + "\n".join(lines) + "\n", encoding="utf-8")
    path.with_suffix(".bin").write_bytes(bytes(data))
    return path


def ncnn_half(folder: Path) -> Path:
    return ncnn(folder, half=True)


def mnn(folder: Path, *options: str) -> Path:
    from tests.plugins.mnn.tiny_mnn import converted

    return converted(folder / "model.mnn", onnx(folder), *options)


def mnn_half(folder: Path) -> Path:
    return mnn(folder, "--fp16")


def keras(folder: Path) -> Path:
    from vetgate_keras.archive import keras as library

    network, runtime = folded(), library()
    layers = runtime.layers

    def convolution(part: Convolution, given: Any, *, relu: bool) -> Any:
        if part.pad and part.stride > 1:  # what Keras pads by itself is one-sided there
            given = layers.ZeroPadding2D(part.pad)(given)
        out, _, side, _ = part.weight.shape
        padding = "same" if part.stride == 1 else "valid"
        layer = layers.Conv2D(out, side, part.stride, padding, activation="relu" if relu else None)
        made = layer(given)
        layer.set_weights([part.weight.transpose(2, 3, 1, 0), part.bias])
        return made

    image = runtime.Input((28, 28, 1), name="image")
    last = convolution(network.stem, image, relu=True)
    for block in network.blocks:
        hidden = convolution(block.second, convolution(block.first, last, relu=True), relu=False)
        last = layers.ReLU()(layers.Add()([hidden, convolution(block.shortcut, last, relu=False)]))
    head = layers.Dense(10, name="logits")
    made = runtime.Model(image, head(layers.GlobalAveragePooling2D()(last)))
    head.set_weights([network.weight.T, network.bias])
    path = folder / "model.keras"
    made.save(str(path))
    return path


def executorch(folder: Path) -> Path:
    """Copy the program that make_pte.py exported beforehand: the exporter takes a minute."""
    path = folder / "model.pte"
    path.write_bytes((Path(__file__).parent / "reference.pte").read_bytes())
    return path


def tflite(folder: Path) -> Path:
    from tests.plugins.litert.tiny_tflite import Builder

    network, build = folded(), Builder()
    places: dict[str, tuple[int, int]] = {}  # height and channels of a tensor

    def tensor(name: str, side: int, channels: int) -> int:
        places[name] = (side, channels)
        return build.tensor(name, (1, side, side, channels), signature=(-1, side, side, channels))

    def convolution(part: Convolution, name: str, given: int, side: int, *, relu: bool) -> tuple[int, int]:
        if part.pad and part.stride > 1:  # what TFLite pads by itself is one-sided there
            around = build.constant(f"{name}.pad", np.array([[0, 0], [1, 1], [1, 1], [0, 0]], np.int32))
            padded = tensor(f"{name}.padded", side + 2, part.weight.shape[1])
            build.operator("PAD", [given, around], [padded])
            given = padded
        out = -(-side // part.stride)
        made = tensor(name, out, part.weight.shape[0])
        weight = build.constant(f"{name}.weight", np.ascontiguousarray(part.weight.transpose(0, 2, 3, 1)))
        build.operator(
            "CONV_2D", [given, weight, build.constant(f"{name}.bias", part.bias)], [made], strideH=part.stride,
            strideW=part.stride, padding=int(part.stride > 1), fusedActivationFunction=int(relu),
        )  # fmt: skip
        return made, out

    image = tensor("image", 28, 1)
    last, side = convolution(network.stem, "stem", image, 28, relu=True)
    for number, block in enumerate(network.blocks):
        at, channels = f"b{number}", block.second.weight.shape[0]
        hidden, half = convolution(block.first, f"{at}first", last, side, relu=True)
        hidden, _ = convolution(block.second, f"{at}second", hidden, half, relu=False)
        beside, side = convolution(block.shortcut, f"{at}shortcut", last, side, relu=False)
        added, last = tensor(f"{at}add", side, channels), tensor(f"{at}relu", side, channels)
        build.operator("ADD", [hidden, beside], [added])
        build.operator("RELU", [added], [last])
    mean = build.tensor("mean", (1, network.weight.shape[1]), signature=(-1, network.weight.shape[1]))
    logits = build.tensor("logits", (1, 10), signature=(-1, 10))
    build.operator("MEAN", [last, build.constant("axes", np.array([1, 2], np.int32))], [mean])
    dense = [mean, build.constant("fc.weight", network.weight), build.constant("fc.bias", network.bias)]
    build.operator("FULLY_CONNECTED", dense, [logits])
    path = folder / "model.tflite"
    path.write_bytes(build.bytes([image], [logits]))
    return path


@dataclass(frozen=True)
class Format:
    """One way to keep and run the network."""

    name: str
    format: str
    backend: str
    needs: tuple[str, ...]
    """Modules."""
    write: Callable[[Path], Path]
    layout: str = "NCHW"
    precision: str = "float32"
    runtime: str | None = None
    """Where the card names it."""

    @property
    def there(self) -> bool:
        """Whether all that it needs is installed."""
        return all(find_spec(name) is not None for name in ("torch", *self.needs))


FORMATS = (
    Format("PyTorch weights", "torch-weights", "torch", (), weights_alone),
    Format("TorchScript", "torchscript", "torch", (), torchscript),
    Format("exported program", "torch-export", "torch", (), exported),
    Format("ONNX", "onnx", "onnx", ("onnx", "onnxruntime"), onnx),
    Format("ONNX on OpenVINO", "onnx", "openvino", ("onnx", "openvino"), onnx, runtime="openvino"),
    Format("OpenVINO IR", "openvino", "openvino", ("onnx", "openvino"), openvino),
    Format("TFLite", "tflite", "litert", ("ai_edge_litert",), tflite, layout="NHWC"),
    Format("ncnn", "ncnn", "ncnn", ("ncnn",), ncnn),
    Format("MNN", "mnn", "mnn", ("onnx", "MNN"), mnn),
    Format("Keras", "keras", "keras", ("keras",), keras, layout="NHWC"),
    Format("ExecuTorch on XNNPACK", "executorch", "executorch", ("executorch",), executorch),
    Format("OpenVINO IR, float16", "openvino", "openvino", ("onnx", "openvino"), openvino_half,
           precision="float16 weights"),
    Format("ncnn, float16", "ncnn", "ncnn", ("ncnn",), ncnn_half, precision="float16 weights"),
    Format("MNN, float16", "mnn", "mnn", ("onnx", "MNN"), mnn_half, precision="float16 weights"),
)  # fmt: skip


def card_of(kind: Format) -> Card:
    """Return the reference's card, in the layout of a format."""
    said = yaml.safe_load((FASHION / "reference.pt.yaml").read_text(encoding="utf-8"))
    said["input"]["layout"] = kind.layout
    if kind.runtime:
        said["execution"] = {"runtime": kind.runtime}
    return Card.model_validate(said)


@cache
def _host() -> Any:
    return find_plugins()


@contextmanager
def opened(kind: Format, path: Path, *, threads: int = 1) -> Iterator[Model]:
    """Open a file as the gate does, but in this process."""
    host = _host()
    with Vault() as vault:
        artifact: Artifact = vault.take(str(path), host.backends())
        artifact = artifact.model_copy(update={"backend": kind.backend})
        backend = host.offer(Kind.BACKEND, kind.backend).spec.factory()
        options = OpenOptions(threads=threads, batch_size=IMAGES, architecture=ARCHITECTURE)
        with backend.open(artifact, card_of(kind), options) as model:
            yield model


def images(count: int = IMAGES) -> NDArray[np.float32]:
    """Return test images (N, 1, 28, 28), normalised."""
    pixels = np.load(FASHION / "test.npz")["images"][:count].astype(np.float32)
    normal: NDArray[np.float32] = ((pixels / 255 - 0.286) / 0.353).astype(np.float32)
    return normal[:, np.newaxis]


def fed(kind: Format, pictures: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return images in the layout of a format."""
    return np.ascontiguousarray(pictures if kind.layout == "NCHW" else pictures.transpose(0, 2, 3, 1))


def exact(pictures: NDArray[np.float32]) -> NDArray[np.float64]:
    """Return the answers of the reference computed in float64."""
    import torch

    with torch.no_grad():
        answers: NDArray[np.float64] = module().double()(torch.from_numpy(pictures).double()).numpy()
    return answers


def answers_of(kind: Format, path: Path) -> NDArray[np.float32]:
    """Return the answers of a file of one format (N, 10)."""
    with opened(kind, path) as model:
        return model.predict(fed(kind, images()))


def apart(one: NDArray[np.floating], other: NDArray[np.floating], scale: float) -> float:
    """Return the largest difference as a share of the largest answer."""
    return float(np.abs(one.astype(np.float64) - other.astype(np.float64)).max()) / scale


def table() -> str:
    """Return the matrix as Markdown: how far the answers of each two formats are apart."""
    with tempfile.TemporaryDirectory() as folder:
        answers = {}
        for number, kind in enumerate(kind for kind in FORMATS if kind.there):
            place = Path(folder, str(number))
            place.mkdir()
            answers[kind.name] = answers_of(kind, kind.write(place))
    true = exact(images())
    scale = float(np.abs(true).max())
    lines = ["| | float64 | " + " | ".join(str(place) for place in range(1, len(answers) + 1)) + " |"]
    lines.append("|---" * (len(answers) + 2) + "|")
    for row, (name, mine) in enumerate(answers.items(), 1):
        cells = [f"{apart(mine, true, scale):.0e}"]
        cells += [f"{apart(mine, other, scale):.0e}" if number < row else "" for number, other in
                  enumerate(answers.values(), 1)]  # fmt: skip
        lines.append(f"| {row} {name} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


if __name__ == "__main__":
    sys.stdout.write(f"{table()}\n")
