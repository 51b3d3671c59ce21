"""What a Hugging Face folder states about its model, read as a partial card."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from vetgate.domain.errors import CardError

PREPROCESSOR = "preprocessor_config.json"
CONFIG = "config.json"
"""Lies beside it, and tells what comes out."""
_SPECIAL = {
    "crop_pct": ("size", "resize", "crop"),
    "do_pad": ("size", "resize", "crop"),
    "rescale_offset": ("scale", "mean", "std"),
    "include_top": ("mean", "std"),
}
"""Steps of single processors (ConvNeXT, EfficientNet) -> keys that they make mean something else."""
_RESAMPLE = {0: "nearest", 1: "lanczos", 2: "bilinear", 3: "bicubic", 4: "box"}
"""Pillow's numbers, as transformers writes them."""


def read_hub(path: Path) -> dict[str, Any]:
    """Return what a Hugging Face folder states, as a partial card.

    Args:
        path: The preprocessor_config.json; a config.json beside it is read too. Its
            `architectures: [...ForImageClassification]` states that the outputs are logits of NCHW pixels. What a
            processor does beyond resizing, cropping, scaling and normalising leaves the keys that it touches unstated.

    Raises:
        CardError: One of them is no JSON object, or a value is of the wrong kind.
    """
    config = _json(path)
    given: dict[str, Any] = {}
    size = config.get("crop_size") if config.get("do_center_crop") else config.get("size")
    if isinstance(size, dict) and {"height", "width"} <= size.keys():
        given["size"] = [size["height"], size["width"]]
    given["resize"] = _hub_resize(config)
    given["crop"] = "center" if config.get("do_center_crop") else "none"
    given["colour"] = "bgr" if config.get("do_flip_channel_order") else "rgb"
    given["scale"] = _rescale(config, path)
    normalise = config.get("do_normalize", True)
    given["mean"] = config.get("image_mean") if normalise else [0.0]
    given["std"] = config.get("image_std") if normalise else [1.0]
    model = _json(path.parent / CONFIG)
    output: dict[str, Any] = {}
    kinds = model.get("architectures")
    if isinstance(kinds, list) and any(str(name).endswith("ForImageClassification") for name in kinds):
        output["kind"] = "logits"
        given["layout"] = "NCHW"
    names = model.get("id2label")
    if isinstance(names, dict) and all(str(index) in names for index in range(len(names))):
        output["classes"] = [str(names[str(index)]) for index in range(len(names))]
    special = {key for name, keys in _SPECIAL.items() if config.get(name) for key in keys}
    known = {key: value for key, value in given.items() if value is not None and key not in special}
    return {"input": known, "output": output}


def _rescale(config: Mapping[str, Any], path: Path) -> float:
    if not config.get("do_rescale", True):
        return 1.0
    factor = config.get("rescale_factor", 1 / 255)
    if not isinstance(factor, (int, float)):
        raise CardError(f"{path}: rescale_factor is {factor!r}, which is no number")
    return float(factor)


def _hub_resize(config: Mapping[str, Any]) -> object:
    if not config.get("do_resize", True):
        return "none"
    size, interpolation = config.get("size"), _RESAMPLE.get(config.get("resample", 2))
    if not isinstance(size, dict) or interpolation is None:
        return None
    if "shortest_edge" in size:
        return {"shorter_side": size["shortest_edge"], "to": None, "interpolation": interpolation, "antialias": True}
    if {"height", "width"} <= size.keys():
        target = (size["height"], size["width"])
        return {"to": target, "shorter_side": None, "interpolation": interpolation, "antialias": True}
    return None


def _json(path: Path) -> dict[str, Any]:
    if not path.is_file():
        return {}
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise CardError(f"{path} cannot be read: {error}") from None
    if not isinstance(data, dict):
        raise CardError(f"{path} holds no JSON object")
    return data
