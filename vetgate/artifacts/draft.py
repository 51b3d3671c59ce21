"""Drafting a card from what a file shows."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from vetgate.artifacts.hub import PREPROCESSOR, read_hub
from vetgate.domain.structure import Port, Structure


def draft_card(structure: Structure, model: str) -> str:
    """Return a card in YAML with what the file shows filled in, and the rest as questions that no reader accepts.

    Args:
        structure: What the model file holds.
        model: The model file, whose folder may hold a preprocessor_config.json.
    """
    hub = Path(model).parent / PREPROCESSOR
    partial: dict[str, Any] = read_hub(hub) if hub.is_file() else {"input": {}, "output": {}}
    given, output = dict(partial["input"]), partial["output"]
    layout, size, channels = _image_port(structure.inputs[0] if structure.inputs else None)
    ask = "FILL-IN"
    colour = given.get("colour") or {1: "grey"}.get(channels or 0, f"{ask}  # grey, rgb or bgr")
    resize = f"{ask}  # none, or {{shorter_side: 256, interpolation: bilinear}}"
    lines = [
        f"# How {Path(model).name} is fed and read. Replace every {ask}; vetgate does not guess.",
        "version: 1",
        "input:",
        f"  size: {_inline(given.get('size') or size) or f'{ask}  # [height, width] in pixels'}",
        f"  resize: {_inline(given.get('resize')) or resize}",
        f"  crop: {given.get('crop') or 'none'}",
        f"  colour: {colour}",
        f"  scale: {given.get('scale') or f'{ask}  # factor on the 8-bit pixel, applied first: 1/255 or 1'}",
        f"  mean: {_inline(given.get('mean')) or f'{ask}  # then subtracted, per channel: [0.485, 0.456, 0.406]'}",
        f"  std: {_inline(given.get('std')) or f'{ask}  # then divided by, per channel: [0.229, 0.224, 0.225]'}",
        f"  layout: {given.get('layout') or layout or f'{ask}  # NCHW or NHWC'}",
        "output:",
        f"  kind: {output.get('kind') or f'{ask}  # logits or probabilities'}",
    ]
    names = [port.name for port in structure.outputs]
    if len(names) > 1:
        lines.append(f"  name: {ask}  # one of {', '.join(map(json.dumps, names))}")
    lines.append(
        f"  classes: {_inline(output['classes'])}" if "classes" in output else "  # classes: [names in output order]"
    )
    return "\n".join(lines) + "\n"


def _inline(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, dict):
        return json.dumps({key: item for key, item in value.items() if item is not None}, ensure_ascii=False)
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _image_port(port: Port | None) -> tuple[str | None, list[int] | None, int | None]:
    """Return (layout, [height, width], channels) as far as the port's shape tells without doubt."""
    if port is None or len(port.shape) != 4:
        return None, None, None
    first, last = port.shape[1], port.shape[3]
    if first in (1, 3) and last not in (1, 3):
        layout, size, channels = "NCHW", port.shape[2:4], first
    elif last in (1, 3) and first not in (1, 3):
        layout, size, channels = "NHWC", port.shape[1:3], last
    else:
        return None, None, None
    known = [length for length in size if length is not None]
    return layout, known if len(known) == 2 else None, channels
