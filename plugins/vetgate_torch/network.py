"""A model file as this backend holds it once read, whatever its format."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, is_dataclass
from typing import Any, Literal, TypeAlias

import torch

from vetgate.api import Port

Kind: TypeAlias = Literal["parameter", "normalisation", "state"]


@dataclass(frozen=True)
class Stored:
    """One tensor that the file stores."""

    name: str
    tensor: torch.Tensor
    kind: Kind


@dataclass(frozen=True)
class Batch:
    """How many images one call of the model takes."""

    least: int = 1
    most: int | None = None
    """None where any number goes."""


@dataclass(frozen=True)
class Network:
    """A model that was read."""

    provider: str
    stored: tuple[Stored, ...]
    call: Callable[[torch.Tensor], Any] | None = None
    """None where the file holds weights alone and nobody named an architecture."""
    input_names: tuple[str, ...] = ("input",)
    inputs: tuple[Port, ...] = ()
    """Where the file itself states them."""
    output_names: tuple[str, ...] = ()
    """Where the file itself states them."""
    dtype: torch.dtype = torch.float32
    """What the input is cast to."""
    batch: Batch = Batch()
    trusted: bool = False
    """Whether its code is the user's own or a library's, and only the weights are the file's."""
    uncounted: bool = False
    """Whether it holds learned values that cannot be read, so that what is stored is not all."""
    metadata: Mapping[str, str] | None = None
    notes: tuple[str, ...] = ()


def dtype_name(dtype: torch.dtype) -> str:
    """Return numpy's name of a dtype, also for quantised ones: qint8 is int8."""
    name = str(dtype).removeprefix("torch.")
    return {"qint8": "int8", "quint8": "uint8", "qint32": "int32", "quint4x2": "uint4", "quint2x4": "uint2"}.get(
        name, name
    )


def named_outputs(value: object) -> dict[str, torch.Tensor]:
    """Return what a model returned by name: keys of a mapping, fields of a dataclass, else positions.

    A single tensor is named `output`. Whatever is no tensor is left out.
    """
    if isinstance(value, torch.Tensor):
        return {"output": value}
    named: dict[str, object]
    if isinstance(value, Mapping):
        named = {str(key): entry for key, entry in value.items()}
    elif is_dataclass(value) and not isinstance(value, type):
        named = {field.name: getattr(value, field.name) for field in fields(value)}
    elif isinstance(value, tuple) and hasattr(value, "_fields"):
        named = dict(zip(value._fields, value, strict=True))
    elif isinstance(value, (tuple, list)):
        named = {str(index): entry for index, entry in enumerate(value)}
    else:
        named = {}
    return {name: entry for name, entry in named.items() if isinstance(entry, torch.Tensor)}
