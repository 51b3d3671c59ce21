"""How a compressor trains: read from a step's settings."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

import torch

from vetgate.api import Bench, UsageError
from vetgate_compress.settings import Number, read_settings, whole

PRECISIONS: Final = ("auto", "float32", "bfloat16")
AUGMENTATIONS: Final = ("crop-flip", "none")
DEVICES: Final = ("auto", "cpu", "cuda")
_FAST: Final = ("avx512_bf16", "amx_bf16", "bf16")
"""Processor features that multiply bfloat16 directly; without them autocast is slower than float32."""


@dataclass(frozen=True)
class Within(Number):
    """A number whose ends count."""

    def holds(self, value: object) -> bool:
        """Return whether a value is allowed."""
        return isinstance(value, (int, float)) and not isinstance(value, bool) and self.low <= value <= self.high


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


def read_course(
    compressor: str, bench: Bench, *, epochs: int, learning_rate: float, texts: Mapping[str, str], **also: Number
) -> tuple[Course, dict[str, float], dict[str, str]]:
    """Return the training that the settings ask for, and the compressor's own settings: numbers and texts.

    Args:
        compressor: Its name, for messages.
        bench: Has the settings.
        epochs: What is taken where none are given.
        learning_rate: Likewise.
        texts: Texts that the compressor takes besides, with their defaults; any text is allowed.
        also: Numbers that the compressor takes besides.

    Raises:
        UsageError: A setting is unknown or out of range, or asks for a device that is not there.
    """
    choices = {"augment": AUGMENTATIONS, "precision": PRECISIONS, "device": DEVICES}
    given = {name: bench.settings.get(name, options[0]) for name, options in choices.items()}
    for name, options in choices.items():
        if given[name] not in options:
            raise UsageError(f"compressor {compressor!r}: {name} is {given[name]!r}, but must be {_either(options)}")
    own = {name: _text(compressor, name, bench.settings.get(name, default)) for name, default in texts.items()}
    numbers = {
        **also,
        "epochs": whole(0, epochs),
        "batch": whole(2, 128),
        "learning_rate": Number("a number above 0", 0.0, math.inf, learning_rate),
        "weight_decay": Within("a number from 0 to 1", 0.0, 1.0, 5e-4),
    }
    rest = {name: value for name, value in bench.settings.items() if name not in choices and name not in texts}
    for name in rest:
        if name not in numbers:
            known = ", ".join([*texts, *numbers, *choices])
            raise UsageError(f"compressor {compressor!r} has no setting {name!r}; it takes {known}")
    values = read_settings(compressor, replace(bench, settings=rest), **numbers)
    device = _device(str(given["device"]))
    course = Course(
        epochs=int(values["epochs"]),
        batch=int(values["batch"]),
        learning_rate=values["learning_rate"],
        weight_decay=values["weight_decay"],
        crop_flip=given["augment"] == "crop-flip",
        bfloat16=given["precision"] == "bfloat16" or (given["precision"] == "auto" and _multiplies_bfloat16(device)),
        device=device,
    )
    return course, {name: values[name] for name in also}, own


def _text(compressor: str, name: str, value: object) -> str:
    if not isinstance(value, str):
        raise UsageError(f"compressor {compressor!r}: {name} is {value!r}, but must be a text")
    return value


def _either(options: tuple[str, ...]) -> str:
    return f"{', '.join(options[:-1])} or {options[-1]}"


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
