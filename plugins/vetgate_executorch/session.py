"""A program opened with ExecuTorch's runtime."""

from __future__ import annotations

import os
from importlib import import_module, metadata
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from vetgate_runtime.feed import as_scores, as_taken, check_input, choose_output, in_batches, one_line, only_input
from vetgate_runtime.pte import Method

from vetgate.api import Card, Execution, MissingExtra, OpenOptions, Placed, UnreadableArtifact
from vetgate_executorch.describe import FORWARD, load, method_of, ports

_HINT = "export it again with this version of ExecuTorch; vetgate inspect shows what the file holds"

_KERNELS = "ExecuTorch kernels"


class ExecutorchModel:
    """Runs on ExecuTorch's own kernels, and on XNNPACK what the program hands to it.

    Args:
        path: The program.
        card: How it is fed and read.
        options: Threads; the batch size is not needed.

    Raises:
        UnreadableArtifact: ExecuTorch refuses it, or it does not take one image and answer with classes.
        CardError: The card contradicts the model.
    """

    def __init__(self, path: Path, card: Card, options: OpenOptions) -> None:
        method = method_of(load(path))
        self._input = only_input(ports(method, method.inputs, "input"))
        check_input(self._input, card)
        names = [port.name for port in ports(method, method.outputs, "output")]
        self._place = choose_output(names, card.output.name)
        self._name = names[self._place]
        self._most = method.port(method.inputs[0]).shape[0]
        self._module = _load(path, options.threads)
        self._execution = _execution(method, options.threads)

    @property
    def execution(self) -> Execution:
        """What really runs."""
        return self._execution

    def predict(self, images: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return raw outputs (N, C); see vetgate.api.Model."""
        fed = as_taken(images, self._input)
        if self._input.shape[0] is not None:
            return in_batches(fed, self._most, self._run)
        # a batch that is free has a largest one, which memory was planned for
        parts = [self._run(fed[start : start + self._most]) for start in range(0, len(fed), self._most)]
        return parts[0] if len(parts) == 1 else np.concatenate(parts)

    def _run(self, fed: NDArray[np.generic]) -> NDArray[np.float32]:
        try:
            answer = self._module.run_method(FORWARD, (torch.from_numpy(np.ascontiguousarray(fed)),))
            raw = answer[self._place].numpy()
        except Exception as error:  # its bindings raise RuntimeError, and what Python makes of others
            raise UnreadableArtifact(f"ExecuTorch failed while running it: {one_line(error)}", hint=_HINT) from None
        return as_scores(raw, self._name, len(fed))


def _load(path: Path, threads: int) -> Any:  # noqa: ANN401  # its bindings have no types
    torch.set_num_threads(threads)
    bindings = _bindings()
    reset = getattr(bindings, "_unsafe_reset_threadpool", None)
    if reset is not None:
        reset(threads)
    try:
        return bindings._load_for_executorch(str(path))
    except Exception as error:  # its bindings raise RuntimeError, and what Python makes of others
        raise UnreadableArtifact(f"ExecuTorch cannot open it: {one_line(error)}", hint=_HINT) from None


def _bindings() -> Any:  # noqa: ANN401  # they have no types
    """Return ExecuTorch's bindings; its own modules in Python would load the whole exporter, which takes seconds."""
    try:
        try:
            return import_module("executorch.extension.pybindings._C")
        except ModuleNotFoundError:  # releases before 1.5 call it otherwise
            return import_module("executorch.extension.pybindings.portable_lib")
    except ImportError as error:
        raise MissingExtra(f"ExecuTorch cannot be loaded: {one_line(error)}") from None


def _execution(method: Method, threads: int) -> Execution:
    delegated = sum(call.delegated for call in method.calls)
    own = [method.operators[call.number] for call in method.calls if not call.delegated]
    names = sorted(set(method.delegates))
    notes = []
    if names and own:
        listed = ", ".join(sorted(set(own)))
        notes.append(f"{', '.join(names)} runs {delegated} parts; ExecuTorch's own kernels run the rest: {listed}")
    else:
        listed = ", ".join(names) or "no delegate"
        notes.append(f"{len(own)} calls of its own kernels, {delegated} of delegates ({listed})")
    return Execution(
        runtime="executorch",
        version=metadata.version("executorch"),
        provider=", ".join(names) or _KERNELS,
        threads=_threads(threads),
        precision=method.port(method.inputs[0]).dtype if not names else "as the delegate was exported",
        notes=tuple(notes),
        placed=tuple(
            Placed(provider=place, operators=count)
            for place, count in ((", ".join(names), delegated), (_KERNELS, len(own)))
            if count
        ),
    )


def _threads(asked: int) -> int:
    """Return the threads of its pool, which takes what the process may use where nobody can set it."""
    told = getattr(_bindings(), "_threadpool_get_thread_count", None)
    return int(told()) if told is not None else len(os.sched_getaffinity(0))
