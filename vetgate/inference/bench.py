"""The child process that makes one variant. Started as `python -P -m vetgate.inference.bench`; speaks `commission`."""

from __future__ import annotations

import importlib.metadata
import sys
import time
from collections.abc import Callable
from functools import partial
from multiprocessing.connection import Connection
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from vetgate.domain.compress import Bench, Made, TrainingSet
from vetgate.domain.errors import Inconclusive, VetgateError, WorkerFailed
from vetgate.domain.model import ModuleBackend
from vetgate.domain.specs import BackendSpec, CompressorSpec
from vetgate.inference.commission import Answer, Commission, Entry, Finished, Loan, Material, NoModule, Progress
from vetgate.inference.message import Failed
from vetgate.inference.process import bind_to_parent, limit_memory

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

LEAST_PAUSE = 0.1
"""Seconds between two words of progress on the same thing; what a loop tells more often is not passed on."""


def main(arguments: list[str]) -> int:
    """Make one variant and say how that went.

    Args:
        arguments: The descriptor of the connection.
    """
    bind_to_parent()
    with Connection(int(arguments[0])) as connection:
        commission = Commission.model_validate_json(connection.recv_bytes())
        answer = _answer(commission, connection)
        connection.send_bytes(answer.model_dump_json().encode())
    return 0


class _NoModule(Inconclusive):
    """The reference is no live module."""


def _answer(commission: Commission, connection: Connection[bytes, bytes]) -> Answer:
    try:
        return Finished(made=_make(commission, connection))
    except _NoModule as error:
        return NoModule(message=error.message)
    except VetgateError as error:
        return Failed(error=type(error).__name__, message=error.message, hint=error.hint)
    except MemoryError:
        within = f" of {commission.memory / 1e9:.3g} GB" if commission.memory else ""
        return Failed(error=WorkerFailed.__name__, message=f"ran out of its memory limit{within}")
    except (Exception, SystemExit) as error:  # a compressor may raise anything, also exit code 0; the parent must hear
        reason = " ".join(str(error).split())[:400]
        return Failed(error=WorkerFailed.__name__, message=f"failed with {type(error).__name__}: {reason}")


def _make(commission: Commission, connection: Connection[bytes, bytes]) -> Made:
    limit_memory(commission.memory)
    specs = cast("list[CompressorSpec]", _load(commission.entry).vetgate_compressors())
    compressor = next(spec for spec in specs if spec.name == commission.compressor).factory()
    made = compressor.compress(_lay_out(commission, _Teller(connection)))
    if not isinstance(made, Made):
        raise WorkerFailed(f"returned a {type(made).__name__}, not what it made")
    return made


def _load(entry: Entry) -> Any:  # noqa: ANN401  # a plugin module declares whatever it likes
    return importlib.metadata.EntryPoint(entry.plugin, entry.value, entry.group).load()


def _lay_out(commission: Commission, tell: Callable[[str, int, int], None]) -> Bench:
    """Return the bench with everything that was lent to this step."""
    donor, initial = commission.donor, commission.initial
    return Bench(
        source=Path(commission.source),
        output=Path(commission.output),
        card=commission.reference.card,
        module=partial(_module_of_reference, commission.reference),
        donor=partial(_module, donor) if donor is not None else None,
        initial=partial(_module, initial) if initial is not None else None,
        calibration=_open(commission.calibration),
        training=_open(commission.training),
        normalise=partial(_normalise, commission.reference),
        settings=commission.settings,
        seed=commission.seed,
        threads=commission.threads,
        tell=tell,
    )


def _module_of_reference(loan: Loan) -> Any:  # noqa: ANN401  # a torch.nn.Module, which the core does not know
    try:
        return _module(loan)
    except Inconclusive as error:
        raise _NoModule(error.message) from None


def _module(loan: Loan) -> Any:  # noqa: ANN401  # a torch.nn.Module, which the core does not know
    """Return a model as a fresh live module.

    Raises:
        Inconclusive: Its backend hands none over.
    """
    specs = cast("list[BackendSpec]", _load(loan.entry).vetgate_backends())
    backend = next(spec for spec in specs if spec.name == loan.backend).factory()
    if not isinstance(backend, ModuleBackend):
        raise Inconclusive(
            f"{loan.artifact.name} is {loan.artifact.format}, which cannot be handed over as a PyTorch module"
        )
    return backend.load_module(loan.artifact, loan.card, loan.options)


def _open(material: Material | None) -> TrainingSet | None:
    if material is None:
        return None
    import numpy as np

    labels = None if material.labels is None else np.load(material.labels, allow_pickle=False)
    return TrainingSet(np.load(material.pixels, mmap_mode="r", allow_pickle=False), labels)


def _normalise(loan: Loan, pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
    from vetgate.inference.prepare import normalise

    return normalise(pixels, loan.card.input)


class _Teller:
    """Passes progress on to the parent, not more often than a reader can follow."""

    def __init__(self, connection: Connection[bytes, bytes]) -> None:
        self._connection = connection
        self._what = ""
        self._last = 0.0

    def __call__(self, what: str, done: int, total: int) -> None:
        now = time.monotonic()
        if what == self._what and done < total and now - self._last < LEAST_PAUSE:
            return
        self._what, self._last = what, now
        word = Progress(what=str(what)[:200], done=int(done), total=int(total))
        self._connection.send_bytes(word.model_dump_json().encode())


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
