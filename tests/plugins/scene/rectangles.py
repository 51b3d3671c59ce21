"""Images of coloured rectangles, and small networks that tell what each pixel is of, or find the rectangles."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import yaml
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper
from PIL import Image

CLASSES = ("nothing", "red", "green", "blue")
COLOURS = ((0, 0, 0), (255, 0, 0), (0, 255, 0), (0, 0, 140))
"""Blue is dim, so that coarse weights lose it."""
SIZE = (32, 48)
"""(height, width) of what reaches the networks: a fourth of the images' pixels."""
CELLS = (16, 24)
CARD: dict[str, Any] = {
    "version": 1,
    "input": {
        "size": list(SIZE),
        "resize": {"to": list(SIZE), "interpolation": "nearest"},
        "colour": "rgb",
        "scale": "1/255",
        "mean": [0],
        "std": [1],
        "layout": "NCHW",
    },
}


@dataclass(frozen=True)
class Drawn:
    """One image, its mask, and its rectangles."""

    pixels: NDArray[np.uint8]
    mask: NDArray[np.uint8]
    boxes: tuple[tuple[int, int, int, int, int], ...]
    """x1, y1, x2, y2, class of each; they do not touch."""


def draw(count: int, *, seed: int = 0, scale: int = 1) -> list[Drawn]:
    """Return images of (64 scale) x (96 scale) pixels with up to six rectangles, each in a field of its own."""
    rng = np.random.default_rng(seed)
    found = []
    for _ in range(count):
        mask = np.zeros((64, 96), dtype=np.uint8)
        boxes = []
        for field in range(6):
            top, left = 32 * (field // 3), 32 * (field % 3)
            kind = int(rng.integers(0, 4))
            if not kind:
                continue
            height, width = (int(length) for length in rng.integers(4, 6, 2) * 4)
            y, x = top + int(rng.integers(1, 3)) * 4, left + int(rng.integers(1, 3)) * 4
            mask[y : y + height, x : x + width] = kind
            boxes.append((scale * x, scale * y, scale * (x + width), scale * (y + height), kind))
        mask = mask.repeat(scale, axis=0).repeat(scale, axis=1)
        pixels = np.asarray(COLOURS, dtype=np.uint8)[mask]
        found.append(Drawn(pixels, mask, tuple(boxes)))
    return found


def write_masks(folder: Path, drawn: list[Drawn]) -> Path:
    """Write a data set for segmentation."""
    for part in ("images", "masks"):
        (folder / part).mkdir(parents=True)
    for place, each in enumerate(drawn):
        Image.fromarray(each.pixels).save(folder / "images" / f"{place:03}.png")
        Image.fromarray(each.mask).save(folder / "masks" / f"{place:03}.png")
    (folder / "classes.txt").write_text("\n".join(CLASSES) + "\n", encoding="utf-8")
    return folder


def write_coco(folder: Path, drawn: list[Drawn]) -> Path:
    """Write a data set for detection, with categories that do not begin at 0."""
    (folder / "images").mkdir(parents=True)
    annotations = []
    for place, each in enumerate(drawn):
        Image.fromarray(each.pixels).save(folder / "images" / f"{place:03}.png")
        for x1, y1, x2, y2, kind in each.boxes:
            box = [x1, y1, x2 - x1, y2 - y1]
            annotations.append({"image_id": 7 + place, "category_id": 10 * kind, "bbox": box, "iscrowd": 0})
    images = [
        {"id": 7 + place, "file_name": f"{place:03}.png", "height": each.mask.shape[0], "width": each.mask.shape[1]}
        for place, each in enumerate(drawn)
    ]
    categories = [{"id": 10 * kind, "name": CLASSES[kind]} for kind in (1, 2, 3)]
    content = {"images": images, "annotations": annotations, "categories": categories}
    (folder / "instances.json").write_text(json.dumps(content), encoding="utf-8")
    return folder


def write_card(model: Path, output: dict[str, Any], **more: Any) -> None:
    """Write the card of a model beside it."""
    card = {**CARD, **more, "output": output}
    Path(f"{model}.yaml").write_text(yaml.safe_dump(card), encoding="utf-8")


def segmenter_weights(*, blind: bool = False) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return weights (4, 3) and biases (4,) of scores by colour; a blind one takes dim blue for nothing.

    Its weights are rounded to halves, as a quantisation with too wide a scale does.
    """
    weights = np.array([[0, 0, 0], [1.2, -1, -1], [-1, 1.2, -1], [-1, -1, 1.2]], dtype=np.float32)
    bias = np.array([0.6, 0, 0, 0], dtype=np.float32)
    if blind:
        weights = np.round(2 * weights).astype(np.float32) * np.float32(0.5)
    return weights, bias


def segmenter(
    path: Path, *, blind: bool = False, layout: str = "NCHW", classes: int = 4, batch: int | str = "n"
) -> Path:
    """Write an ONNX network that tells what each 2 x 2 pixels are of."""
    weights, bias = segmenter_weights(blind=blind)
    kernel = np.repeat(weights[:, :, np.newaxis, np.newaxis], 2, axis=2).repeat(2, axis=3) / 4
    nodes = [helper.make_node("Conv", ["image", "weight", "bias"], ["scores"], strides=[2, 2], name="conv")]
    out, kind, shape = "scores", TensorProto.FLOAT, [batch, classes, *CELLS]
    if layout == "NHWC":
        nodes.append(helper.make_node("Transpose", ["scores"], ["turned"], perm=[0, 2, 3, 1]))
        out, shape = "turned", [batch, *CELLS, classes]
    if layout == "NHW":
        nodes.append(helper.make_node("ArgMax", ["scores"], ["labels"], axis=1, keepdims=0))
        out, kind, shape = "labels", TensorProto.INT64, [batch, *CELLS]
    return _save(path, nodes, [(out, kind, shape)], {"weight": kernel[:classes], "bias": bias[:classes]}, batch)


def _save(
    path: Path,
    nodes: list[onnx.NodeProto],
    outputs: list[tuple[str, int, list[int | str]]],
    constants: dict[str, NDArray[Any]],
    batch: int | str,
) -> Path:
    graph = helper.make_graph(
        nodes,
        "rectangles",
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, [batch, 3, *SIZE])],
        [helper.make_tensor_value_info(*port) for port in outputs],
        [numpy_helper.from_array(value, name) for name, value in constants.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(model)
    onnx.save(model, path)
    return path


def segmentation_output(layout: str = "NCHW", classes: tuple[str, ...] = CLASSES) -> dict[str, Any]:
    """Return the output part of a card."""
    return {"kind": "segmentation", "classes": list(classes), "segmentation": {"layout": layout}}


def detector(path: Path, *, blue: float = 1.6, right: float = 0.0, batch: int | str = "n") -> Path:
    """Write an ONNX network that finds at most one rectangle of each colour in each of six fields.

    Args:
        path: Where to.
        blue: How strongly it sees dim blue; below 0.37 not at all.
        right: Pixels of its input by which its boxes stand too far right.
        batch: Fixed length, or a name for a free one.
    """
    weights = np.array([[1, -1, -1], [-1, 1, -1], [-1, -1, blue]], dtype=np.float32)[:, :, np.newaxis, np.newaxis]
    places = np.arange(6)
    corner = np.stack([16 * (places % 3) + right, 16 * (places // 3)], axis=1).repeat(3, axis=0)
    offset = np.concatenate([corner, corner], axis=1)[np.newaxis].astype(np.float32)
    labels = np.tile(np.array([1, 2, 3], dtype=np.int64), 6)[np.newaxis]
    make = helper.make_node
    nodes = [
        make("Conv", ["image", "weight"], ["colour"]),
        make("Clip", ["colour", "least", "most"], ["sure"]),
        make("Reshape", ["sure", "fields"], ["split"]),
        make("Transpose", ["split"], ["apart"], perm=[0, 2, 4, 1, 3, 5]),
        make("Reshape", ["apart", "each"], ["patch"]),
        make("Greater", ["patch", "enough"], ["there"]),
        make("Cast", ["there"], ["mask"], to=TensorProto.FLOAT),
        make("Mul", ["patch", "mask"], ["lit"]),
        make("ReduceMax", ["lit"], ["scores"], axes=[2, 3], keepdims=0),
    ]
    for axis, name in ((2, "x"), (3, "y")):
        nodes.append(make("ReduceMax", ["mask"], [f"{name}_any"], axes=[axis], keepdims=0))
        for last in (0, 1):
            edge = f"{name}{last}"
            nodes.append(make("ArgMax", [f"{name}_any"], [f"{edge}_at"], axis=2, keepdims=1, select_last_index=last))
            nodes.append(make("Cast", [f"{edge}_at"], [f"{edge}_from"], to=TensorProto.FLOAT))
            nodes.append(make("Add", [f"{edge}_from", "one" if last else "none"], [edge]))
    edges = ["x0", "y0", "x1", "y1"]
    nodes += [
        make("Concat", edges, ["in_field"], axis=2),
        make("Add", ["in_field", "offset"], ["boxes"]),
        make("Mul", ["scores", "nil"], ["zeros"]),
        make("Cast", ["zeros"], ["whole"], to=TensorProto.INT64),
        make("Add", ["whole", "kinds"], ["labels"]),
    ]
    constants = {
        "weight": weights,
        "least": np.float32(0),
        "most": np.float32(1),
        "enough": np.float32(0.2),
        "one": np.float32(1),
        "none": np.float32(0),
        "nil": np.float32(0),
        "fields": np.array([-1, 3, 2, 16, 3, 16], dtype=np.int64),
        "each": np.array([-1, 18, 16, 16], dtype=np.int64),
        "offset": offset,
        "kinds": labels,
    }
    outputs: list[tuple[str, int, list[int | str]]] = [
        ("boxes", TensorProto.FLOAT, [batch, 18, 4]),
        ("scores", TensorProto.FLOAT, [batch, 18]),
        ("labels", TensorProto.INT64, [batch, 18]),
    ]
    return _save(path, nodes, outputs, {name: np.asarray(value) for name, value in constants.items()}, batch)


def detection_output(**more: Any) -> dict[str, Any]:
    """Return the output part of a card; class numbers begin at 1, as those of torchvision do."""
    section = {"boxes": "boxes", "scores": "scores", "labels": "labels", "format": "xyxy", "units": "pixels", **more}
    return {"kind": "detection", "classes": list(CLASSES[1:]), "offset": 1, "detection": section}
