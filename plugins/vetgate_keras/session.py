"""A model opened with Keras on PyTorch."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from vetgate_runtime.feed import as_scores, as_taken, check_input, choose_output, in_batches, one_line, only_input

from vetgate.api import Card, CardError, Execution, Inconclusive, OpenOptions, Tap, UnreadableArtifact
from vetgate_keras.archive import keras, load
from vetgate_keras.network import WEIGHTED, layers, layout, outputs, ports
from vetgate_keras.taps import find_taps


class KerasModel:
    """Runs on PyTorch's CPU kernels.

    Args:
        path: The archive.
        card: How it is fed and read.
        options: Threads; the batch size is not needed.

    Raises:
        UnreadableArtifact: Keras refuses it, or it does not take one image and answer with classes.
        CardError: The card contradicts the model.
    """

    def __init__(self, path: Path, card: Card, options: OpenOptions) -> None:
        self._network = load(path)
        torch.set_num_threads(options.threads)
        self._input = only_input(ports(self._network.inputs))
        self._order = layout(self._network)
        if self._order != card.input.layout:
            raise CardError(
                f"the card says {card.input.layout} images, but the model takes {self._order}",
                hint=f"write layout: {self._order} in the card",
            )
        check_input(self._input, card)
        names = [port.name for port in outputs(self._network)]
        self._place = choose_output(names, card.output.name)
        self._name = names[self._place]
        self._tapped: dict[tuple[str, ...], Any] = {}

    @property
    def execution(self) -> Execution:
        """What really runs."""
        return Execution(
            runtime="keras",
            version=str(keras().__version__),
            provider="CPU",
            threads=torch.get_num_threads(),
            precision=_precision(self._network),
            notes=(f"computed by torch {str(torch.__version__).split('+')[0]}",),
        )

    def predict(self, images: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return raw outputs (N, C); see vetgate.api.Model."""
        return in_batches(as_taken(images, self._input), self._input.shape[0], self._run)

    def taps(self) -> tuple[Tap, ...]:
        """Return the outputs of layers that are used once, in order."""
        return find_taps(self._network, self._order)

    def tap_notes(self) -> tuple[str, ...]:
        """Return what a reader of inner tensors must know."""
        return ()

    def capture(self, images: NDArray[np.float32], names: Sequence[str]) -> dict[str, NDArray[np.float32]]:
        """Return the named inner tensors (N, *shape); see vetgate.api.TappedModel.

        Raises:
            Inconclusive: A name is none of `taps`.
        """
        known = {tap.name: tap.shape for tap in self.taps()}
        strange = [name for name in names if name not in known]
        if strange:
            raise Inconclusive(f"the model has no inner tensor {strange[0]!r}", hint="vetgate inspect lists them")
        fed, length = as_taken(images, self._input), self._input.shape[0]
        network = self._with(tuple(names))
        found: dict[str, NDArray[np.float32]] = {}
        for place, name in enumerate(names):

            def run(part: NDArray[np.generic], place: int = place) -> NDArray[np.float32]:
                return _numbers(self._forward(network, part)[place])

            raw = in_batches(fed, length, run)
            last = self._order == "NHWC" and raw.ndim == 4
            found[name] = np.ascontiguousarray(np.moveaxis(raw, -1, 1) if last else raw)
        return found

    def _with(self, names: tuple[str, ...]) -> Any:  # noqa: ANN401  # Keras has no types
        """Return a network that shares the layers and answers with their outputs."""
        if names not in self._tapped:
            inner = [self._network.get_layer(name).output for name in names]
            self._tapped = {names: keras().Model(self._network.inputs, inner)}
        return self._tapped[names]

    def _run(self, fed: NDArray[np.generic]) -> NDArray[np.float32]:
        return as_scores(_numbers(self._forward(self._network, fed)[self._place]), self._name, len(fed))

    def _forward(self, network: Any, fed: NDArray[np.generic]) -> list[Any]:  # noqa: ANN401
        try:
            with torch.inference_mode():
                answer = network(torch.from_numpy(np.ascontiguousarray(fed)), training=False)
        except Exception as error:  # Keras and PyTorch raise what they come upon
            raise UnreadableArtifact(f"Keras failed while running it: {one_line(error)}") from None
        flat: list[Any] = keras().tree.flatten(answer)
        return flat


def _numbers(tensor: torch.Tensor) -> NDArray[np.float32]:
    whole = tensor.detach().to(torch.float32) if tensor.is_floating_point() else tensor.detach()
    values: NDArray[np.float32] = whole.numpy()
    return values


def _precision(network: Any) -> str:  # noqa: ANN401
    """Return what most weights are computed with in."""
    weighed: Counter[str] = Counter()
    for layer in layers(network):
        if type(layer).__name__ in WEIGHTED:
            weighed[str(layer.compute_dtype)] += int(layer.count_params())
    return weighed.most_common(1)[0][0] if weighed else "float32"
