"""Mixed precision where the machine multiplies bfloat16 directly; elsewhere it would be slower than float32."""

from __future__ import annotations

from typing import Final

import torch

_FAST: Final = ("avx512_bf16", "amx_bf16", "bf16")
"""Processor features that multiply bfloat16."""


def multiplies_bfloat16(device: torch.device) -> bool:
    """Return whether a device multiplies bfloat16 directly."""
    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    if device.type != "cpu":
        return False
    features = torch.cpu.get_capabilities() if hasattr(torch.cpu, "get_capabilities") else {}
    return any(features.get(name, False) for name in _FAST)


def mixed(device: torch.device) -> torch.autocast:
    """Return the context of a forward pass in training: in bfloat16 where that is faster, else as it stands."""
    return torch.autocast(device.type, torch.bfloat16, enabled=multiplies_bfloat16(device))
