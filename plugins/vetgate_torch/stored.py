"""Figures of stored tensors."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import torch
from torch import nn

from vetgate.api import Tensor
from vetgate_torch.network import Kind, Stored, dtype_name

_STATE_NAME = re.compile(
    r"(^|\.)(running_(mean|var)|num_batches_tracked|scale|zero_point|[\w]*(scale|zero_point)_\d+)$"
)
_PACKED_BITS = {torch.quint4x2: 4.0, torch.quint2x4: 2.0}


def records(stored: Iterable[Stored]) -> tuple[Tensor, ...]:
    """Return the figures of each tensor; one that is stored under two names (tied weights) is told once."""
    seen: set[tuple[object, ...]] = set()
    result = []
    for entry in stored:
        identity = _identity(entry.tensor)
        if identity is None or identity not in seen:
            result.append(_record(entry))
        if identity is not None:
            seen.add(identity)
    return tuple(result)


def _identity(tensor: torch.Tensor) -> tuple[object, ...] | None:
    """Return what two names of one stored tensor share, or None where it has no storage to share."""
    if tensor.layout is not torch.strided or tensor.numel() == 0:
        return None
    return tensor.data_ptr(), tensor.dtype, tuple(tensor.shape), tuple(tensor.stride())


def _record(entry: Stored) -> Tensor:
    tensor = entry.tensor.detach()
    bits = _PACKED_BITS.get(tensor.dtype, tensor.element_size() * 8.0)
    values = tensor.dequantize() if tensor.is_quantized else tensor
    values = values.to_dense() if values.layout is not torch.strided else values
    if values.is_floating_point():
        # numpy knows no bfloat16 nor 8-bit floats, and sorts float32 faster than float16
        values = values.to(torch.float64 if values.dtype is torch.float64 else torch.float32)
    array = values.numpy(force=True)
    return Tensor(
        name=entry.name,
        shape=tuple(tensor.shape),
        dtype=dtype_name(tensor.dtype),
        kind=entry.kind,
        elements=tensor.numel(),
        nonzero=int(np.count_nonzero(array)),
        distinct=int(np.unique(array).size),
        bits=bits,
    )


def of_state(state: Mapping[str, Any], module: nn.Module | None = None) -> tuple[Stored, ...]:
    """Return the tensors of a state_dict with their kinds: by the module that owns them, else by their names.

    Packed (weight, bias) tuples of quantised modules are taken apart: they are parameters, though no
    `Module.parameters()` lists them.
    """
    owners = dict(module.named_modules()) if module is not None else None
    learned = {name for name, _ in module.named_parameters(remove_duplicate=False)} if module is not None else set()
    result = []
    for name, value in state.items():
        if isinstance(value, tuple):
            parts = ("weight", "bias", *map(str, range(2, len(value))))[: len(value)]
            prefix = name.removesuffix("._packed_params").removesuffix("._packed_params")
            result += [
                Stored(f"{prefix}.{part}", held, "parameter")
                for part, held in zip(parts, value, strict=True)
                if held is not None
            ]
        elif isinstance(value, torch.Tensor):
            kind = _kind_by_name(name, state) if owners is None else _kind_by_owner(name, value, owners, learned)
            result.append(Stored(name, value, kind))
    return tuple(result)


def _kind_by_owner(name: str, value: torch.Tensor, owners: Mapping[str, nn.Module], learned: set[str]) -> Kind:
    owner = owners.get(name.rpartition(".")[0])
    if name not in learned:
        # quantised modules keep weight and bias outside of parameters()
        is_weight = value.is_quantized or (name.endswith(".bias") and _is_quantised(owner))
        return "parameter" if is_weight else "state"
    return "normalisation" if owner is not None and is_norm(type(owner).__name__) else "parameter"


def _is_quantised(owner: nn.Module | None) -> bool:
    return owner is not None and "quantized" in type(owner).__module__


def is_norm(class_name: str) -> bool:
    """Return whether a module's class is a normalisation: BatchNorm2d, LayerNorm, GroupNorm, FrozenBatchNorm2d, ..."""
    return "norm" in class_name.lower()


def _kind_by_name(name: str, state: Mapping[str, Any]) -> Kind:
    value = state[name]
    if _STATE_NAME.search(name) or not (value.is_floating_point() or value.is_quantized):
        return "state"
    prefix, _, leaf = name.rpartition(".")
    weight = state.get(f"{prefix}.weight" if prefix else "weight")
    is_scale = isinstance(weight, torch.Tensor) and weight.ndim == 1 and weight.numel() > 1
    return "normalisation" if leaf in ("weight", "bias") and is_scale else "parameter"
