"""What this plugin offers: one backend for the files that PyTorch writes."""

from __future__ import annotations

from vetgate.api import Backend, BackendSpec, FormatSpec, hookimpl
from vetgate_torch import formats


def _backend() -> Backend:
    from vetgate_torch.backend import TorchBackend

    return TorchBackend()


@hookimpl
def vetgate_backends() -> tuple[BackendSpec, ...]:
    """Offer the PyTorch backend."""
    return (
        BackendSpec(
            name="torch",
            summary="PyTorch on the CPU",
            formats=(
                FormatSpec(
                    "torch-weights",
                    "weights saved with torch.save; needs an architecture",
                    formats.is_weights,
                    needs_architecture=True,
                ),
                FormatSpec("torchscript", "a TorchScript program", formats.is_torchscript),
                FormatSpec("torch-export", "a program saved with torch.export.save", formats.is_exported),
                FormatSpec(
                    "safetensors",
                    "weights as safetensors; needs an architecture",
                    formats.is_safetensors,
                    needs_architecture=True,
                ),
            ),
            factory=_backend,
            extra="torch",
        ),
    )
