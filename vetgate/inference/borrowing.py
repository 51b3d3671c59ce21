"""What a child makes of what it is lent: plugins, and models as live modules."""

from __future__ import annotations

import importlib.metadata
from typing import TYPE_CHECKING, Any, cast

from vetgate.domain.errors import Inconclusive
from vetgate.domain.model import Backend, ModuleBackend
from vetgate.domain.specs import BackendSpec
from vetgate.inference.commission import Entry, Loan

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


def load_plugin(entry: Entry) -> Any:  # noqa: ANN401  # a plugin module declares whatever it likes
    """Return what an entry point names."""
    return importlib.metadata.EntryPoint(entry.plugin, entry.value, entry.group).load()


def hands_over(loan: Loan) -> bool:
    """Return whether a model's backend hands live modules over."""
    return isinstance(_backend(loan), ModuleBackend)


def load_module(loan: Loan) -> Any:  # noqa: ANN401  # a torch.nn.Module, which the core does not know
    """Return a model as a fresh live module.

    Raises:
        Inconclusive: Its backend hands none over.
    """
    backend = _backend(loan)
    if not isinstance(backend, ModuleBackend):
        raise Inconclusive(
            f"{loan.artifact.name} is {loan.artifact.format}, which cannot be handed over as a PyTorch module"
        )
    return backend.load_module(loan.artifact, loan.card, loan.options)


def normalise_for(loan: Loan, pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return what a model takes, as its card says, for pixels (N, H, W, C)."""
    from vetgate.inference.prepare import normalise

    return normalise(pixels, loan.card.input)


def _backend(loan: Loan) -> Backend:
    specs = cast("list[BackendSpec]", load_plugin(loan.entry).vetgate_backends())
    return next(spec for spec in specs if spec.name == loan.backend).factory()
