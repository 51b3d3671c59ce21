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
from vetgate_runtime.feed import choose_output, joined, parts_of

from vetgate.api import Card, Execution, OpenOptions, Tap, Task, UnreadableArtifact
from vetgate_onnx.feed import (
    Exit,
    InputFeed,
    Terminal,
    check_shape,
    numbers,
    require_scores,
    scores,
    terminal,
)
from vetgate_onnx.provider import placement, providers_of, require_loaded, settings_of
from vetgate_onnx.quantisation import input_scaling, output_scaling

if TYPE_CHECKING:
    from vetgate_onnx.graph import Graph
    from vetgate_onnx.taps import Tapping

_PREFIX = re.compile(r"^\[ONNXRuntimeError\] : \d+ : [A-Z_]+ : ")


class OnnxModel:
    """Runs on the provider that the card asks for, and says what that left to the CPU; else on the CPU.

    Args:
        path: The model; its external data lies beside it.
        card: How it is fed and read.
        options: Threads; the batch size is not needed.

    Raises:
        UnreadableArtifact: ONNX Runtime refuses it, or it does not take one image and answer as the card says.
        CardError: The card contradicts the model, or asks for a provider that is not there.
    """

    def __init__(self, path: Path, card: Card, options: OpenOptions) -> None:
        self._path, self._card, self._options = path, card, options
        self._tapping: Tapping | None = None
        self._session = _open(path, card, options)
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
        return joined([answer(part) for part in parts_of(fed, fixed)], fixed, len(fed))

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
        parts = [tapping.read(names, self._input.name, part) for part in parts_of(fed, length)]
        return {name: np.concatenate([part[name] for part in parts])[: len(fed)] for name in names}

    def _tapped(self) -> Tapping:
        """Return what reads inner tensors, made when it is first asked for."""
        if self._tapping is None:
            from vetgate_onnx.taps import Tapping

            self._tapping = Tapping(self._path, self._card, settings_of(self._card, self._options))
        return self._tapping

    def _run(self, fed: NDArray[np.generic], exits: Sequence[Exit]) -> list[NDArray[np.float32]]:
        try:
            raw = self._session.run([way_out.port.name for way_out in exits], {self._input.name: fed})
        except Exception as error:  # onnxruntime's errors share no base class of its own
            raise UnreadableArtifact(f"onnxruntime failed while running it: {_reason(error)}") from None
        return [numbers(values, way_out) for values, way_out in zip(raw, exits, strict=True)]


def _open(path: Path, card: Card, options: OpenOptions) -> onnxruntime.InferenceSession:
    settings, providers = settings_of(card, options), providers_of(card)
    try:
        # its own fallback starts again without the provider that fails, also in the middle of a run
        session = onnxruntime.InferenceSession(str(path), settings, providers=providers, enable_fallback=0)
    except Exception as error:  # onnxruntime's errors share no base class of its own
        reason = _reason(error).replace(str(path), path.name)
        raise UnreadableArtifact(
            f"onnxruntime cannot open it: {reason}", hint="vetgate inspect shows what the file holds"
        ) from None
    session.disable_fallback()
    require_loaded(session, card)
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
    outputs = session.get_outputs()
    shapes = [" x ".join(map(_length, port.shape)) or "one number" for port in outputs]
    chosen = outputs[choose_output([port.name for port in outputs], name, shapes)]
    return terminal(chosen.name, chosen.type, chosen.shape)


def _length(length: int | str | None) -> str:
    return str(length) if isinstance(length, int) and length > 0 else "?"


def _execution(session: onnxruntime.InferenceSession, path: Path, card: Card, options: OpenOptions) -> Execution:
    from vetgate_onnx.precision import told_precision

    precision, notes = told_precision(path, card)
    provider, placed = placement(session)
    return Execution(
        runtime="onnxruntime",
        version=onnxruntime.__version__,
        provider=provider,
        threads=options.threads,
        precision=precision,
        notes=("thread spinning is off", *notes),
        placed=placed,
    )
