"""Take packed weights of quantised operators apart: no `parameters()` lists them, yet they are parameters."""

from __future__ import annotations

import torch
from torch.utils._python_dispatch import _disable_current_modes

_UNPACKERS = {
    "LinearPackedParamsBase": ("linear_unpack", "linear_unpack_fp16"),
    "Conv2dPackedParamsBase": ("conv2d_unpack",),
}
"""Class of the packed object -> operators of torch.ops.quantized to try; another class's could crash."""


def unpack(holder: torch.ScriptObject) -> tuple[torch.Tensor, torch.Tensor | None] | None:
    """Return (weight, bias) of packed parameters, or None where the object holds none that can be read."""
    # on fake tensors these operators crash the process
    with _disable_current_modes():
        for name in _UNPACKERS.get(str(holder._type()).rpartition(".")[2], ()):
            try:
                weight, bias = getattr(torch.ops.quantized, name)(holder)
            except (RuntimeError, TypeError, ValueError):
                continue
            return weight, bias
    return None
