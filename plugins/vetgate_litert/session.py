"""A model opened with LiteRT's interpreter."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from ai_edge_litert.interpreter import Interpreter
from numpy.typing import NDArray
from vetgate_runtime.feed import (
    as_taken,
    card_values,
    check_input,
    choose_output,
    image_shape,
    in_batches,
    joined,
    parts_of,
    shape_text,
)

from vetgate.api import Card, Execution, OpenOptions, Port, Tap, Task, UnreadableArtifact
from vetgate_litert.declared import BUILTIN
from vetgate_litert.describe import port
from vetgate_litert.feed import check_output, dequantise
from vetgate_litert.model import SubgraphInfo, read
from vetgate_litert.placement import asked_provider, placement
from vetgate_litert.precision import precision_of
from vetgate_litert.taps import NOTES, Tapping, plain_interpreter, tapping_interpreter

_ONE_BY_ONE = "the model does not take several images at once as it takes one; they are fed in its own batch of"


_STATEFUL = "the model keeps a state from call to call, which is set to zero before each: images are no sequence"


class LitertModel:
    """Runs with XNNPACK where it applies, or without it where the card asks for LiteRT's own kernels.

    Args:
        path: The model.
        card: How it is fed and read.
        options: Threads, and whether several images come at once.

    Raises:
        UnreadableArtifact: Damaged, refused by the interpreter, or it does not take one image and answer with classes.
        CardError: The card contradicts the model.
    """

    def __init__(self, path: Path, card: Card, options: OpenOptions) -> None:
        self._path, self._card, self._threads = path, card, options.threads
        self._tapping: Tapping | None = None
        self._tapped: _Runner | None = None
        graph = read(path).main
        foreign = sorted({operator.custom for operator in graph.operators if operator.custom})
        self._input = _only_input(graph)
        self._ports = [port(graph.tensors[index]) for index in graph.outputs]
        classifies = card.output.task is Task.CLASSIFICATION
        self._place = _place(self._ports, card.output.name) if classifies else 0
        check_input(self._input, card)
        if classifies:
            check_output(self._output)
        make = plain_interpreter if asked_provider(card) == BUILTIN else None
        self._stateful = any(tensor.variable for tensor in graph.tensors)
        self._runner = _Runner(path, options.threads, self._place, foreign, make=make, stateful=self._stateful)
        own = graph.tensors[graph.inputs[0]].shape[0]
        self._fixed: int | None = max(own, 1)
        self._shape = image_shape(card)
        self._resize(max(own, 1))
        several = classifies and (options.batch_size > 1 or own != 1)
        if several and self._takes_several(card):
            self._fixed = None
        elif several:
            # a resize that failed leaves it undefined
            self._runner = _Runner(path, options.threads, self._place, foreign, make=make, stateful=self._stateful)
            self._resize(max(own, 1))
        self._execution = self._told(graph, card, options, several)

    @property
    def _output(self) -> Port:
        return self._ports[self._place]

    def _resize(self, images: int) -> None:
        self._runner.resize((images, *self._shape))

    def _takes_several(self, card: Card) -> bool:
        """Return whether two images at once are answered as each of them alone."""
        pixels = np.random.default_rng(0).integers(0, 256, (2, *self._shape))
        channels_last = card.input.layout == "NHWC"
        planes = np.moveaxis(pixels, -1, 1) if channels_last else pixels
        flat = planes.reshape(2, planes.shape[1], -1)
        values = card_values(card, flat).reshape(planes.shape)
        fed = as_taken((np.moveaxis(values, 1, -1) if channels_last else values).astype(np.float32), self._input)
        try:
            together = self._run(fed)
            apart = np.concatenate([self._run(fed[:1]), self._run(fed[1:])])
        except UnreadableArtifact:
            return False
        step = self._output.scale or 0.0
        return together.shape == apart.shape and np.allclose(
            together, apart, rtol=1e-3, atol=1e-5 + step, equal_nan=True
        )

    def _told(self, graph: SubgraphInfo, card: Card, options: OpenOptions, several: bool) -> Execution:
        provider, placed, notes = placement(self._runner.operators(), asked_provider(card))
        if several and self._fixed is not None:
            notes = (*notes, f"{_ONE_BY_ONE} {self._fixed}")
        if self._stateful:
            notes = (*notes, _STATEFUL)
        return Execution(
            runtime="ai-edge-litert",
            version=version("ai-edge-litert"),
            provider=provider,
            threads=options.threads,
            precision=precision_of(graph),
            notes=notes,
            placed=placed,
        )

    @property
    def execution(self) -> Execution:
        """What really runs."""
        return self._execution

    def predict(self, images: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return raw outputs (N, C), de-quantised; see vetgate.api.Model."""
        return in_batches(as_taken(images, self._input), self._fixed, self._run)

    def outputs(self, images: NDArray[np.float32], names: Sequence[str | None]) -> list[NDArray[np.float32]]:
        """Return outputs by name, de-quantised; see vetgate.api.NamedModel. They are fed in the model's own batch.

        Raises:
            CardError: There is no such output.
            UnreadableArtifact: The interpreter fails, or the answers of several batches cannot be joined.
        """
        places = [_place(self._ports, name) for name in names]
        fed, length = as_taken(images, self._input), self._fixed or len(images)
        parts = []
        for part in parts_of(fed, length):
            self._runner.run(part)
            answers = [self._runner.output(place) for place in places]
            parts.append([dequantise(raw, self._ports[place]) for raw, place in zip(answers, places, strict=True)])
        if length == len(fed):
            return parts[0]
        return joined(parts, length, len(fed))

    def taps(self) -> tuple[Tap, ...]:
        """Return the inner tensors with one entry an image, in the order of the file."""
        self._tapping = self._tapping or Tapping(self._path, self._card)
        return self._tapping.taps()

    def tap_notes(self) -> tuple[str, ...]:
        """Return what a reader of inner tensors must know."""
        return NOTES

    def capture(self, images: NDArray[np.float32], names: Sequence[str]) -> dict[str, NDArray[np.float32]]:
        """Return the named inner tensors (N, *shape), de-quantised, channels first; see vetgate.api.TappedModel.

        Raises:
            Inconclusive: A name is none of `taps`.
            UnreadableArtifact: The interpreter fails.
        """
        self._tapping = self._tapping or Tapping(self._path, self._card)
        places = {name: self._tapping.place(name) for name in names}
        self._tapped = self._tapped or _Runner(
            self._path, self._threads, self._place, [], make=tapping_interpreter, stateful=self._stateful
        )
        fed = as_taken(images, self._input)
        length = self._fixed or len(fed)
        parts: dict[str, list[NDArray[np.float32]]] = {name: [] for name in names}
        for part in parts_of(fed, length):
            self._tapped.run(part)
            for name, place in places.items():
                parts[name].append(self._tapping.numbers(name, self._tapped.tensor(place), length))
        return {name: np.concatenate(kept)[: len(fed)] for name, kept in parts.items()}

    def _run(self, fed: NDArray[np.generic]) -> NDArray[np.float32]:
        raw = self._runner.run(fed)
        if raw.ndim != 2 or len(raw) != len(fed):
            shape = " x ".join(map(str, raw.shape))
            raise UnreadableArtifact(f"its output {self._output.name!r} is {shape} for {len(fed)} images")
        return dequantise(raw, self._output)


class _Runner:
    """The interpreter, resized to what comes.

    Args:
        path: The model.
        threads: For one inference.
        output: Place of the output that is read.
        foreign: Names of the file's custom operators, for messages.
        make: Returns the interpreter of a file with so many threads.
        stateful: Whether the file keeps a state from call to call, which is then zeroed before each.
    """

    def __init__(
        self,
        path: Path,
        threads: int,
        output: int,
        foreign: list[str],
        *,
        make: Callable[[Path, int], Interpreter] | None = None,
        stateful: bool = False,
    ) -> None:
        self._stateful = stateful
        self._output = output
        self._custom = f" with its custom operators {', '.join(foreign)}" if foreign else ""
        self._shape: tuple[int, ...] = ()
        self._answer = 0
        """Number of the output's tensor; asked for once, for the interpreter lists all that it knows of all outputs."""
        try:
            self._interpreter = make(path, threads) if make else Interpreter(model_path=str(path), num_threads=threads)
            self._index = int(self._interpreter.get_input_details()[0]["index"])
        except (ValueError, RuntimeError, IndexError) as error:
            raise _refused(f"cannot open it{self._custom}", error) from None

    def resize(self, shape: tuple[int, ...]) -> None:
        """Make room for input of a shape.

        Raises:
            UnreadableArtifact: The interpreter cannot.
        """
        if shape == self._shape:
            return
        self._shape = ()
        try:
            own = tuple(int(length) for length in self._interpreter.get_input_details()[0]["shape"])
            if own != shape:
                self._interpreter.resize_tensor_input(self._index, list(shape))
            self._interpreter.allocate_tensors()
            self._answer = int(self._interpreter.get_output_details()[self._output]["index"])
        except (ValueError, RuntimeError) as error:
            raise _refused(f"cannot prepare it{self._custom}", error) from None
        self._shape = shape

    def run(self, fed: NDArray[np.generic]) -> NDArray[np.generic]:
        """Return the output for an input, as stored.

        Raises:
            UnreadableArtifact: The interpreter fails.
        """
        self.resize(fed.shape)
        try:
            if self._stateful:
                self._interpreter.reset_all_variables()
            self._interpreter.set_tensor(self._index, fed)
            self._interpreter.invoke()
            raw: NDArray[np.generic] = self._interpreter.get_tensor(self._answer)
        except (ValueError, RuntimeError) as error:
            raise _refused("failed while running it", error) from None
        return raw

    def output(self, place: int) -> NDArray[np.generic]:
        """Return a copy of any output after a run, as stored.

        Raises:
            UnreadableArtifact: The interpreter gives none.
        """
        try:
            index = int(self._interpreter.get_output_details()[place]["index"])
        except (ValueError, RuntimeError, IndexError) as error:
            raise _refused("gave no such output", error) from None
        return self.tensor(index)

    def tensor(self, index: int) -> NDArray[np.generic]:
        """Return a copy of any tensor after a run, as stored.

        Raises:
            UnreadableArtifact: The interpreter kept none.
        """
        try:
            raw: NDArray[np.generic] = self._interpreter.get_tensor(index)
        except (ValueError, RuntimeError) as error:
            raise _refused("kept no inner tensor", error) from None
        return raw

    def operators(self) -> list[dict[str, Any]] | None:
        """Return what the interpreter says of its operators, or None where this release says nothing."""
        told = getattr(self._interpreter, "_get_ops_details", None)
        try:
            return None if told is None else list(told())
        except (ValueError, RuntimeError):  # the names in the file are no text
            return None


def _refused(what: str, error: Exception) -> UnreadableArtifact:
    text = " ".join(str(error).split())
    reason = text if len(text) <= 240 else f"{text[:237]}..."
    return UnreadableArtifact(f"LiteRT {what}: {reason.rstrip('.')}", hint="vetgate inspect shows what the file holds")


def _only_input(graph: SubgraphInfo) -> Port:
    ports = [port(graph.tensors[index]) for index in graph.inputs]
    if len(ports) != 1:
        names = ", ".join(given.name for given in ports)
        listed = f"{len(ports)} inputs ({names})" if ports else "no input"
        raise UnreadableArtifact(f"has {listed}; vetgate feeds models with one image input")
    return ports[0]


def _place(ports: Sequence[Port], name: str | None) -> int:
    """Return the place of an output among all, by its name; None is the only one.

    Raises:
        CardError: There is none of this name, or there are several and none is named.
    """
    return choose_output([out.name for out in ports], name, [shape_text(out) for out in ports])
