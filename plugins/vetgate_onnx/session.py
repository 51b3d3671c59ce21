"""A model opened with ONNX Runtime."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from vetgate.api import Card, CardError, Execution, OpenOptions, Tap, Task, UnreadableArtifact
from vetgate_onnx.feed import (
    Exit,
    InputFeed,
    Terminal,
    check_shape,
    joined,
    numbers,
    require_scores,
    scores,
    terminal,
)
from vetgate_onnx.quantisation import input_scaling, output_scaling

if TYPE_CHECKING:
    from vetgate_onnx.graph import Graph
    from vetgate_onnx.taps import Tapping

_PROVIDER = "CPUExecutionProvider"
_PREFIX = re.compile(r"^\[ONNXRuntimeError\] : \d+ : [A-Z_]+ : ")


class OnnxModel:
    """Runs on the CPU provider alone, without a fallback to anything else.

    Args:
        path: The model; its external data lies beside it.
        card: How it is fed and read.
        options: Threads; the batch size is not needed.

    Raises:
        UnreadableArtifact: ONNX Runtime refuses it, or it does not take one image and answer as the card says.
        CardError: The card contradicts the model.
    """

    def __init__(self, path: Path, card: Card, options: OpenOptions) -> None:
        self._path, self._card, self._options = path, card, options
        self._tapping: Tapping | None = None
        self._session = _open(path, options)
        self._input = _only_input(self._session)
        check_shape(self._input, card)
        self._exits: dict[str | None, Exit] = {}
        if card.output.task is Task.CLASSIFICATION:
            require_scores(self._exit(card.output.name))
        scaling = input_scaling(self._graph, self._input.name) if self._input.quantised else None
        self._feed = InputFeed(self._input, card, scaling)
        self._execution = _execution(self._session, path, card, options)

    @cached_property
    def _graph(self) -> Graph:
        """The graph itself, read where a port is quantised: it states the scale."""
        from vetgate_onnx.graph import load

        return load(self._path)

    def _exit(self, name: str | None) -> Exit:
        """Return an output, found when it is first asked for.

        Raises:
            CardError: There is none of this name, or there are several and none is named.
        """
        if name not in self._exits:
            port = _output(self._session, name)
            self._exits[name] = Exit(port, output_scaling(self._graph, port.name) if port.quantised else None)
        return self._exits[name]

    @property
    def execution(self) -> Execution:
        """What really runs."""
        return self._execution

    def predict(self, images: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return raw outputs (N, C), de-quantised; see vetgate.api.Model."""
        way_out = self._exit(self._card.output.name)
        return self._in_parts(
            self._feed(images), lambda fed: [scores(self._run(fed, [way_out])[0], way_out, len(fed))]
        )[0]

    def outputs(self, images: NDArray[np.float32], names: Sequence[str | None]) -> list[NDArray[np.float32]]:
        """Return outputs by name, de-quantised; see vetgate.api.NamedModel."""
        exits = [self._exit(name) for name in names]
        return self._in_parts(self._feed(images), lambda fed: self._run(fed, exits))

    def _in_parts(
        self, fed: NDArray[np.generic], answer: Callable[[NDArray[np.generic]], list[NDArray[np.float32]]]
    ) -> list[NDArray[np.float32]]:
        """Return what is answered, in batches of the length that the graph fixes."""
        fixed = self._input.shape[0]
        if fixed is None or fixed == len(fed):
            return answer(fed)
        parts = [answer(_padded(fed[start : start + fixed], fixed)) for start in range(0, len(fed), fixed)]
        return joined(parts, fixed, len(fed))

    def taps(self) -> tuple[Tap, ...]:
        """Return the inner tensors whose shapes are known, in the order of the graph."""
        return self._tapped().taps()

    def tap_notes(self) -> tuple[str, ...]:
        """Return what a reader of inner tensors must know."""
        return self._tapped().notes()

    def capture(self, images: NDArray[np.float32], names: Sequence[str]) -> dict[str, NDArray[np.float32]]:
        """Return the named inner tensors (N, *shape), de-quantised; see vetgate.api.TappedModel.

        Raises:
            Inconclusive: A name is none of `taps`, or ONNX Runtime fails.
        """
        fed, tapping = self._feed(images), self._tapped()
        length = self._input.shape[0] or len(fed)
        parts = [
            tapping.read(names, self._input.name, _padded(fed[start : start + length], length))
            for start in range(0, len(fed), length)
        ]
        return {name: np.concatenate([part[name] for part in parts])[: len(fed)] for name in names}

    def _tapped(self) -> Tapping:
        """Return what reads inner tensors, made when it is first asked for."""
        if self._tapping is None:
            from vetgate_onnx.taps import Tapping

            self._tapping = Tapping(self._path, self._card, settings_of(self._options))
        return self._tapping

    def _run(self, fed: NDArray[np.generic], exits: Sequence[Exit]) -> list[NDArray[np.float32]]:
        try:
            raw = self._session.run([way_out.port.name for way_out in exits], {self._input.name: fed})
        except Exception as error:  # onnxruntime's errors share no base class of its own
            raise UnreadableArtifact(f"onnxruntime failed while running it: {_reason(error)}") from None
        return [numbers(values, way_out) for values, way_out in zip(raw, exits, strict=True)]


def _padded(part: NDArray[np.generic], length: int) -> NDArray[np.generic]:
    """Return a part filled up to the model's fixed batch by its last image."""
    missing = length - len(part)
    return np.concatenate([part, np.repeat(part[-1:], missing, axis=0)]) if missing else part


def settings_of(options: OpenOptions) -> onnxruntime.SessionOptions:
    """Return how sessions are opened."""
    settings = onnxruntime.SessionOptions()
    settings.intra_op_num_threads = options.threads
    settings.inter_op_num_threads = 1
    settings.execution_mode = onnxruntime.ExecutionMode.ORT_SEQUENTIAL
    settings.log_severity_level = 3
    settings.add_session_config_entry("session.intra_op.allow_spinning", "0")
    settings.add_session_config_entry("session.load_model_format", "ONNX")  # by content, not by a suffix .ort
    return settings


def _open(path: Path, options: OpenOptions) -> onnxruntime.InferenceSession:
    try:
        session = onnxruntime.InferenceSession(str(path), settings_of(options), providers=[_PROVIDER])
    except Exception as error:  # onnxruntime's errors share no base class of its own
        reason = _reason(error).replace(str(path), path.name)
        raise UnreadableArtifact(
            f"onnxruntime cannot open it: {reason}", hint="vetgate inspect shows what the file holds"
        ) from None
    return session


def _reason(error: Exception) -> str:
    """Return the first sentence of what ONNX Runtime says, without its own prefix."""
    text = _PREFIX.sub("", " ".join(str(error).split()))
    text = re.split(r"(?<=[a-z)'\"])\. ", text)[0].rstrip(". ")
    return text if len(text) <= 240 else f"{text[:237]}..."


def _only_input(session: onnxruntime.InferenceSession) -> Terminal:
    inputs = session.get_inputs()
    if len(inputs) != 1:
        names = ", ".join(port.name for port in inputs)
        listed = f"{len(inputs)} inputs ({names})" if inputs else "no input"
        raise UnreadableArtifact(f"has {listed}; vetgate feeds models with one image input")
    return terminal(inputs[0].name, inputs[0].type, inputs[0].shape)


def _output(session: onnxruntime.InferenceSession, name: str | None) -> Terminal:
    outputs = {port.name: port for port in session.get_outputs()}
    listed = ", ".join(outputs)
    if name is None:
        if len(outputs) != 1:
            raise CardError(
                f"the model has {len(outputs)} outputs ({listed}) and the card does not say which holds the classes",
                hint="write output: {name: ...} in the card",
            )
        name = next(iter(outputs))
    if name not in outputs:
        raise CardError(f"the card names output {name!r}, but the model has {listed}")
    return terminal(name, outputs[name].type, outputs[name].shape)


def _execution(session: onnxruntime.InferenceSession, path: Path, card: Card, options: OpenOptions) -> Execution:
    from vetgate_onnx.precision import told_precision

    precision, notes = told_precision(path, card)
    return Execution(
        runtime="onnxruntime",
        version=onnxruntime.__version__,
        provider=", ".join(session.get_providers()),
        threads=options.threads,
        precision=precision,
        notes=("thread spinning is off", *notes),
    )
