"""Run a network that was read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from vetgate.api import Artifact, Card, CardError, Execution, Inconclusive, Tap, UnreadableArtifact
from vetgate_torch.network import Network, dtype_name, named_outputs
from vetgate_torch.refusal import first_sentence
from vetgate_torch.taps import Tapping


class TorchModel:
    """A PyTorch model on the CPU."""

    def __init__(self, artifact: Artifact, network: Network, card: Card) -> None:
        self._artifact = artifact
        self._network = network
        self._card = card
        self._tapping = Tapping(network, _shape_of_image(card))
        self._execution = Execution(
            runtime="torch",
            version=str(torch.__version__),
            provider=network.provider,
            threads=torch.get_num_threads(),
            precision=_precision(network),
            notes=network.notes,
        )

    @property
    def execution(self) -> Execution:
        """What really runs."""
        return self._execution

    def predict(self, images: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the raw outputs (N, C) of images (N, channels, H, W) or (N, H, W, channels), as the card says.

        Raises:
            CardError: The card does not name one of several outputs, or one that is not there.
            UnreadableArtifact: What comes out is not (N, C).
            Inconclusive: The model fails on these images.
        """
        with torch.inference_mode():
            batch = _cast(torch.from_numpy(np.ascontiguousarray(images)), self._network.dtype)
            rows = [self._rows(part, real) for part, real in self._parts(batch)]
        return np.ascontiguousarray(np.concatenate(rows), dtype=np.float32)

    def taps(self) -> tuple[Tap, ...]:
        """Return the inner tensors that operators make of every image, in the order of their calls.

        Raises:
            Inconclusive: The model fails while it is watched.
        """
        try:
            return self._tapping.taps()
        except Exception as error:
            raise Inconclusive(
                f"the inner tensors of {self._artifact.name} cannot be read: {first_sentence(error)}"
            ) from error

    def tap_notes(self) -> tuple[str, ...]:
        """Return what a reader of inner tensors must know."""
        return self._tapping.notes()

    def capture(self, images: NDArray[np.float32], names: Sequence[str]) -> dict[str, NDArray[np.float32]]:
        """Return the named inner tensors (N, *shape) of images as `predict` takes them.

        Raises:
            Inconclusive: A name is none of `taps`, or the model fails or does something else than it did before.
        """
        shapes = {tap.name: tap.shape for tap in self.taps()}
        require_names(names, shapes)
        wanted = frozenset(names)
        parts: dict[str, list[NDArray[np.float32]]] = {name: [] for name in names}
        batch = _cast(torch.from_numpy(np.ascontiguousarray(images)), self._network.dtype)
        for part, real in self._parts(batch):
            try:
                found = self._tapping.capture(part, wanted)
            except Exception as error:
                raise Inconclusive(
                    f"{self._artifact.name} failed while it was watched: {first_sentence(error)}"
                ) from error
            for name, kept in parts.items():
                if name not in found or tuple(found[name].shape) != (len(part), *shapes[name]):
                    raise Inconclusive(f"{self._artifact.name} does not make its inner tensor {name!r} for every image")
                kept.append(found[name][:real].numpy())
        return {name: np.concatenate(kept) for name, kept in parts.items()}

    def _parts(self, batch: torch.Tensor) -> Iterator[tuple[torch.Tensor, int]]:
        """Yield batches that the model takes, and how many of each are no padding."""
        limits = self._network.batch
        size = limits.most or len(batch)
        for start in range(0, len(batch), size):
            part = batch[start : start + size]
            lacking = max(0, limits.least - len(part))
            padded = torch.cat([part, part[-1:].expand(lacking, *part.shape[1:])]) if lacking else part
            yield padded, len(part)

    def _rows(self, batch: torch.Tensor, real: int) -> NDArray[np.float32]:
        call = self._network.call
        assert call is not None  # noqa: S101  # open() refuses networks that cannot be called
        try:
            result = call(batch)
        except Exception as error:
            raise Inconclusive(
                f"{self._artifact.name} failed on images of shape {tuple(batch.shape)}: {first_sentence(error)}",
                hint="compare `input.size`, `input.colour` and `input.layout` of its card with the model",
            ) from error
        scores = self._scores(result)
        if scores.ndim != 2 or len(scores) != len(batch):
            raise UnreadableArtifact(
                f"{self._artifact.name} returned the shape {tuple(scores.shape)} for {len(batch)} images, "
                "where one row of class scores an image is expected",
                hint="wrap the model so that it returns (N, C)",
            )
        values = scores.dequantize() if scores.is_quantized else scores
        array: NDArray[np.float32] = values[:real].to(torch.float32).numpy()
        return array

    def _scores(self, result: object) -> torch.Tensor:
        outputs = named_outputs(result)
        return outputs[output_key(self._artifact, self._network, self._card, outputs, type(result).__name__)]


def output_key(
    artifact: Artifact, network: Network, card: Card, outputs: Mapping[str, torch.Tensor], returned: str
) -> str:
    """Return which of the named outputs holds the class scores.

    Args:
        artifact: The file.
        network: What was read of it.
        card: Names the output where there are several.
        outputs: What the model returned, by name.
        returned: The type of what it returned, for the error.

    Raises:
        CardError: The card does not name one of several outputs, or one that is not there.
        UnreadableArtifact: The model returned no tensor.
    """
    if not outputs:
        raise UnreadableArtifact(f"{artifact.name} returned a {returned}, no tensor")
    wanted = card.output.name
    stated = network.output_names
    if len(stated) == len(outputs) and wanted in stated:
        return list(outputs)[stated.index(str(wanted))]
    if wanted is None and len(outputs) == 1:
        return next(iter(outputs))
    if wanted in outputs:
        return str(wanted)
    listing = ", ".join(f"{name} {tuple(value.shape)}" for name, value in outputs.items())
    asked = f"no output named {wanted!r}" if wanted else f"{len(outputs)} outputs, and its card names none"
    raise CardError(f"{artifact.name} has {asked}; there are {listing}", hint="write `output: {name: ...}` in its card")


def check_values(name: str, dtype: torch.dtype, card: Card) -> None:
    """Compare what the card makes of pixels with what the input can hold.

    Raises:
        CardError: The input takes whole numbers or a narrow range, and the card's values do not fit.
        UnreadableArtifact: The input takes no numbers.
    """
    if dtype.is_complex or dtype is torch.bool:
        raise UnreadableArtifact(f"{name} takes {dtype_name(dtype)}; vetgate feeds tensors of numbers")
    mean, std = (np.asarray(part, np.float64)[:, np.newaxis] for part in (card.input.mean, card.input.std))
    values = (np.arange(256) * card.input.scale - mean) / std
    limits = torch.finfo(dtype) if dtype.is_floating_point else torch.iinfo(dtype)
    whole = dtype.is_floating_point or np.array_equal(values, np.round(values))
    if whole and values.min() >= limits.min and values.max() <= limits.max:
        return
    raise CardError(
        f"{name} takes {dtype_name(dtype)}, but the card's values run from {values.min():.4g} to {values.max():.4g} "
        f"and are no {dtype_name(dtype)} numbers",
        hint="for raw pixels write scale: 1, mean: [0], std: [1] in the card",
    )


def require_names(names: Sequence[str], known: Mapping[str, object]) -> None:
    """Refuse names of inner tensors that are not there.

    Raises:
        Inconclusive: With the first of them.
    """
    unknown = [name for name in names if name not in known]
    if unknown:
        raise Inconclusive(f"there is no inner tensor {unknown[0]!r}", hint="taps() lists those that there are")


def _shape_of_image(card: Card) -> tuple[int, int, int]:
    height, width = card.input.size
    channels = card.input.channels
    return (channels, height, width) if card.input.layout == "NCHW" else (height, width, channels)


def _cast(images: torch.Tensor, dtype: torch.dtype) -> torch.Tensor:
    """Return the images as the model takes them; whole numbers are rounded and clipped, not wrapped around."""
    if dtype.is_floating_point:
        return images.to(dtype)
    limits = torch.iinfo(dtype)
    return images.round().clamp(limits.min, limits.max).to(dtype)


def _precision(network: Network) -> str:
    """Return the dtype that most learned elements have."""
    elements: dict[str, int] = {}
    for entry in network.stored:
        if entry.kind != "state":
            name = dtype_name(entry.tensor.dtype)
            elements[name] = elements.get(name, 0) + entry.tensor.numel()
    return max(elements, key=lambda name: elements[name]) if elements else dtype_name(network.dtype)
