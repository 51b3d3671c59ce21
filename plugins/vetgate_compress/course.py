"""How a compressor trains: read from a step's settings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import torch

from vetgate.api import Setting, UsageError

_FAST: Final = ("avx512_bf16", "amx_bf16", "bf16")
"""Processor features that multiply bfloat16 directly; without them autocast is slower than float32."""


@dataclass(frozen=True)
class Course:
    """One training: SGD with Nesterov momentum under one cycle of the learning rate."""

    epochs: int
    batch: int
    learning_rate: float
    """At the peak of the cycle."""
    weight_decay: float
    crop_flip: bool
    """Whether images are cropped from a copy padded by an eighth of the side, and flipped half the time."""
    bfloat16: bool
    """Whether layers compute in bfloat16 where autocast allows it; weights, gradients and losses are float32."""
    device: torch.device


def read_course(settings: Mapping[str, Setting]) -> Course:
    """Return the training that settings ask for.

    Args:
        settings: Read already: each is there and allowed.

    Raises:
        UsageError: They ask for a device that is not there.
    """
    device, precision = _device(str(settings["device"])), settings["precision"]
    return Course(
        epochs=int(settings["epochs"]),
        batch=int(settings["batch"]),
        learning_rate=float(settings["learning_rate"]),
        weight_decay=float(settings["weight_decay"]),
        crop_flip=settings["augment"] == "crop-flip",
        bfloat16=precision == "bfloat16" or (precision == "auto" and _multiplies_bfloat16(device)),
        device=device,
    )


def _device(asked: str) -> torch.device:
    there = torch.cuda.is_available()
    if asked == "cuda" and not there:
        raise UsageError("device is cuda, but PyTorch finds no CUDA device here", hint="leave out `device`")
    return torch.device("cuda" if there and asked != "cpu" else "cpu")


def _multiplies_bfloat16(device: torch.device) -> bool:
    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    features = torch.cpu.get_capabilities() if hasattr(torch.cpu, "get_capabilities") else {}
    return any(features.get(name, False) for name in _FAST)
