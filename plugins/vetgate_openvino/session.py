"""A model opened with OpenVINO."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import openvino
from numpy.typing import NDArray
from vetgate_runtime.feed import (
    as_scores,
    as_taken,
    check_input,
    choose_output,
    in_batches,
    one_line,
    only_input,
    shape_text,
)

from vetgate.api import Artifact, Card, Execution, OpenOptions, Tap, UnreadableArtifact
from vetgate_openvino.device import CPU, asked_device, require_there, told_device
from vetgate_openvino.graph import load, ports, refused
from vetgate_openvino.precision import told_precision
from vetgate_openvino.taps import NOTES, Tapping

_OF_CPU = {
    "NUM_STREAMS": 1,
    "ENABLE_CPU_PINNING": False,  # another model's process runs beside this one
}
_HINTS = {"float32": "f32", "float16": "f16", "bfloat16": "bf16"}


class OpenvinoModel:
    """Runs on one device of OpenVINO alone, the CPU unless the card asks for another.

    Args:
        artifact: The model.
        card: How it is fed and read, and the precision that it asks for; float32 where it asks for none, for OpenVINO
            by itself computes in bfloat16 where the processor can.
        options: Threads; the batch size is not needed.

    Raises:
        UnreadableArtifact: OpenVINO refuses it, or it does not take one image and answer with classes.
        CardError: The card contradicts the model.
    """

    def __init__(self, artifact: Artifact, card: Card, options: OpenOptions) -> None:
        self._artifact, self._card, self._threads = artifact, card, options.threads
        self._tapping: Tapping | None = None
        graph = load(artifact)
        self._input = only_input(ports(graph.inputs))
        check_input(self._input, card)
        outputs = ports(graph.outputs)
        names = [port.name for port in outputs]
        self._place = choose_output(names, card.output.name, [shape_text(port) for port in outputs])
        self._name = names[self._place]
        self._compiled = _compile(graph, artifact, card, options)
        self._request = self._compiled.create_infer_request()
        self._execution = _execution(self._compiled, card, options.threads)

    @property
    def execution(self) -> Execution:
        """What really runs."""
        return self._execution

    def predict(self, images: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return raw outputs (N, C); see vetgate.api.Model."""
        return in_batches(as_taken(images, self._input), self._input.shape[0], self._run)

    def taps(self) -> tuple[Tap, ...]:
        """Return the inner tensors whose shapes are known, in the order of the graph."""
        return self._tapped().taps()

    def tap_notes(self) -> tuple[str, ...]:
        """Return what a reader of inner tensors must know."""
        return NOTES

    def capture(self, images: NDArray[np.float32], names: Sequence[str]) -> dict[str, NDArray[np.float32]]:
        """Return the named inner tensors (N, *shape); see vetgate.api.TappedModel.

        Raises:
            Inconclusive: A name is none of `taps`, or OpenVINO fails.
        """
        fed, length = as_taken(images, self._input), self._input.shape[0]
        return (
            {name: in_batches(fed, length, self._reader(name)) for name in names} if length else self._read(names, fed)
        )

    def _reader(self, name: str) -> Callable[[NDArray[np.generic]], NDArray[np.float32]]:
        return lambda part: self._read([name], part)[name]

    def _read(self, names: Sequence[str], fed: NDArray[np.generic]) -> dict[str, NDArray[np.float32]]:
        return self._tapped().read(names, fed)

    def _tapped(self) -> Tapping:
        """Return what reads inner tensors, made when it is first asked for."""
        if self._tapping is None:
            self._tapping = Tapping(self._artifact, self._card, settings_of(self._card, self._threads))
        return self._tapping

    def _run(self, fed: NDArray[np.generic]) -> NDArray[np.float32]:
        try:
            # the tensor borrows what it is fed, so `fed` must live until the answer is there
            self._request.set_input_tensor(openvino.Tensor(np.ascontiguousarray(fed), shared_memory=True))
            self._request.infer()
            raw = self._request.get_output_tensor(self._place).data
        except Exception as error:  # OpenVINO raises RuntimeError, and what its bindings make of others
            raise UnreadableArtifact(f"OpenVINO failed while running it: {one_line(error)}") from None
        return as_scores(raw, self._name, len(fed))


def settings_of(card: Card, threads: int) -> dict[str, object]:
    """Return how models are compiled."""
    wanted = card.execution.precision if card.execution else None
    return {
        "INFERENCE_PRECISION_HINT": _HINTS[wanted or "float32"],
        "PERFORMANCE_HINT": "LATENCY",
        **(_OF_CPU | {"INFERENCE_NUM_THREADS": threads} if asked_device(card) == CPU else {}),
    }


def _compile(graph: openvino.Model, artifact: Artifact, card: Card, options: OpenOptions) -> openvino.CompiledModel:
    core, device = openvino.Core(), asked_device(card)
    require_there(device, core.available_devices, _version())
    try:
        return core.compile_model(graph, device, settings_of(card, options.threads))
    except Exception as error:  # OpenVINO raises RuntimeError, and what its bindings make of others
        raise refused("cannot compile it", error, artifact) from None


def _version() -> str:
    return str(openvino.__version__).split("-")[0]


def _execution(compiled: openvino.CompiledModel, card: Card, threads: int) -> Execution:
    precision, notes = told_precision(compiled, card)
    return Execution(
        runtime="openvino",
        version=_version(),
        provider=told_device(asked_device(card), compiled.get_property("EXECUTION_DEVICES")),
        threads=int(compiled.get_property("INFERENCE_NUM_THREADS")) if asked_device(card) == CPU else threads,
        precision=precision,
        notes=notes,
    )
