"""The child process that makes one variant. Started as `python -P -m vetgate.inference.bench`; speaks `commission`."""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, cast

from vetgate.domain.compress import Bench, Made, TrainingSet
from vetgate.domain.errors import Inconclusive, UsageError, WorkerFailed
from vetgate.domain.specs import CompressorSpec
from vetgate.inference.borrowing import load_module, load_plugin, normalise_for
from vetgate.inference.commission import Answer, Commission, Finished, Loan, Material, NoModule, Refusal
from vetgate.inference.telling import Teller, run_errand


def main(arguments: list[str]) -> int:
    """Make one variant and say how that went.

    Args:
        arguments: The descriptor of the connection.
    """
    return run_errand(arguments, Commission, _answer)


class _NoModule(Inconclusive):
    """The reference is no live module."""


def _answer(commission: Commission, tell: Teller) -> Answer:
    try:
        return Finished(made=_make(commission, tell))
    except _NoModule as error:
        return NoModule(message=error.message)
    except Inconclusive as error:
        if type(error) is not Inconclusive:
            raise
        return Refusal(message=error.message, hint=error.hint)


def _make(commission: Commission, tell: Teller) -> Made:
    specs = cast("list[CompressorSpec]", load_plugin(commission.entry).vetgate_compressors())
    compressor = next(spec for spec in specs if spec.name == commission.compressor).factory()
    made = compressor.compress(_lay_out(commission, tell))
    if not isinstance(made, Made):
        raise WorkerFailed(f"returned a {type(made).__name__}, not what it made")
    return made


def _lay_out(commission: Commission, tell: Callable[[str, int, int], None]) -> Bench:
    """Return the bench with everything that was lent to this step."""
    donor, initial = commission.donor, commission.initial
    return Bench(
        source=Path(commission.source),
        output=Path(commission.output),
        card=commission.reference.card,
        module=partial(_module_of_reference, commission.reference),
        donor=partial(_module_beside, donor) if donor is not None else None,
        initial=partial(_module_beside, initial) if initial is not None else None,
        calibration=_open(commission.calibration),
        training=_open(commission.training),
        normalise=partial(normalise_for, commission.reference),
        settings=commission.settings,
        seed=commission.seed,
        threads=commission.threads,
        tell=tell,
    )


def _module_of_reference(loan: Loan) -> Any:  # noqa: ANN401  # a torch.nn.Module, which the core does not know
    try:
        return load_module(loan)
    except Inconclusive as error:
        if type(error) is not Inconclusive:  # it is one, and something failed
            raise
        raise _NoModule(error.message) from None


def _module_beside(loan: Loan) -> Any:  # noqa: ANN401  # a torch.nn.Module, which the core does not know
    """Return a model that was given besides the reference.

    Raises:
        UsageError: It is no live module: another file must be named.
    """
    try:
        return load_module(loan)
    except Inconclusive as error:
        if type(error) is not Inconclusive:
            raise
        raise UsageError(error.message, hint=error.hint) from None


def _open(material: Material | None) -> TrainingSet | None:
    if material is None:
        return None
    import numpy as np

    labels = None if material.labels is None else np.load(material.labels, allow_pickle=False)
    return TrainingSet(np.load(material.pixels, mmap_mode="r", allow_pickle=False), labels)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
