"""Run a network that was read."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
from numpy.typing import NDArray

from vetgate.api import Artifact, Card, CardError, Execution, Inconclusive, UnreadableArtifact
from vetgate_torch.network import Network, dtype_name, named_outputs
from vetgate_torch.refusal import first_sentence


class TorchModel:
    """A PyTorch model on the CPU."""

    def __init__(self, artifact: Artifact, network: Network, card: Card) -> None:
        self._artifact = artifact
        self._network = network
        self._card = card
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
        if not outputs:
            raise UnreadableArtifact(f"{self._artifact.name} returned a {type(result).__name__}, no tensor")
        wanted = self._card.output.name
        stated = self._network.output_names
        if len(stated) == len(outputs) and wanted in stated:
            return list(outputs.values())[stated.index(str(wanted))]
        if wanted is None and len(outputs) == 1:
            return next(iter(outputs.values()))
        if wanted in outputs:
            return outputs[str(wanted)]
        listing = ", ".join(f"{name} {tuple(value.shape)}" for name, value in outputs.items())
        asked = f"no output named {wanted!r}" if wanted else f"{len(outputs)} outputs, and its card names none"
        raise CardError(
            f"{self._artifact.name} has {asked}; there are {listing}", hint="write `output: {name: ...}` in its card"
        )


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
