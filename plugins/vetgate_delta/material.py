"""The reference as a module in pieces, and what it gives for each image: computed once and kept."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from vetgate.api import ImageSet, Inconclusive, TrainerContext, WorkerFailed
from vetgate_delta.cost import Cost, count
from vetgate_delta.cut import Cut, cut
from vetgate_delta.shelf import Shelf, digest_of

AT_ONCE = 256
"""Images of one forward pass."""
_LEAST = 1e-30
"""Probabilities are not taken smaller before their logarithm is taken; float32 holds numbers down to 1e-38."""


class Scores(nn.Module):
    """F_B (N, D_B) to one logit for each class of the data (N, C): the reference's later layers, read by its card.

    Args:
        head: Every later layer.
        offset: Leading columns that are no class of the data.
        probabilities: Whether it ends in probabilities, whose logarithms are logits, too.
    """

    def __init__(self, head: nn.Module, offset: int, *, probabilities: bool) -> None:
        super().__init__()
        self.head, self.offset, self.probabilities = head, offset, probabilities

    def forward(self, features: Tensor) -> Tensor:
        """Return logits (N, C)."""
        outputs: Tensor = self.head(features).float()
        outputs = outputs[:, self.offset :]
        return outputs.clamp_min(_LEAST).log() if self.probabilities else outputs


@dataclass(frozen=True)
class Base:
    """The reference in pieces."""

    pieces: Cut
    scores: Scores
    cost: Cost
    features: int
    """D_B."""
    channels: int
    """Of its last map."""


@dataclass(frozen=True)
class Given:
    """What the reference gives for N images."""

    features: NDArray[np.float32]
    """F_B (N, D_B)."""
    logits: NDArray[np.float32]
    """(N, C)."""

    @property
    def classes(self) -> NDArray[np.intp]:
        """Return its answers (N,)."""
        return np.asarray(self.logits.argmax(axis=1))

    @property
    def probabilities(self) -> NDArray[np.float64]:
        """Return softmax of its logits (N, C)."""
        values = np.exp(self.logits.astype(np.float64) - self.logits.max(axis=1, keepdims=True))
        return np.asarray(values / values.sum(axis=1, keepdims=True))


def open_base(context: TrainerContext) -> Base:
    """Return the reference in pieces.

    Raises:
        Inconclusive: It cannot be taken apart, or has another number of classes than its card.
    """
    module = context.reference()
    rows = np.arange(min(2, len(context.vetted)))
    example = torch.from_numpy(context.normalise(np.asarray(context.vetted.pixels[rows])))
    pieces, output = cut(module, example), context.reference_card.output
    scores = Scores(pieces.head, output.offset, probabilities=output.kind == "probabilities").eval()
    with torch.no_grad():
        features = pieces.body(example)
        classes = scores(features).shape[1]
        channels = pieces.maps(example).shape[1]
    if classes != len(context.classes):
        raise Inconclusive(
            f"the reference has {classes} classes as a module, and its card and data {len(context.classes)}"
        )
    return Base(pieces, scores, count(module, example), features.shape[1], channels)


def given_by(base: Base, context: TrainerContext, images: ImageSet, shelf: Shelf, device: torch.device) -> Given:
    """Return what the reference gives for every image of a set, each asked once in the life of the shelf.

    Raises:
        WorkerFailed: A feature is not finite.
    """
    made_of = {"reference": context.reference_key, "images": digest_of(images.digests), "device": device.type}
    place = shelf.path("features", made_of, ".npz")
    kept = shelf.arrays(place)
    if kept is None:
        body = base.pieces.body.to(device)
        features = forward(body, context, images, device, "features of the reference")
        with torch.no_grad():
            logits = base.scores.cpu()(torch.from_numpy(features)).numpy()
        if not (np.isfinite(features).all() and np.isfinite(logits).all()):
            raise WorkerFailed("the reference gives features that are not finite")
        kept = {"features": features, "logits": logits}
        shelf.put_arrays(place, kept)
    return Given(kept["features"], kept["logits"])


def means_of(
    module: nn.Module, context: TrainerContext, images: ImageSet, place: object, shelf: Shelf, device: torch.device
) -> NDArray[np.float32]:
    """Return a subgraph's map's means over positions (N, C_S) for every image of a set.

    Args:
        module: The subgraph, as it was made.
        context: Of the check.
        images: The set.
        place: What the subgraph is made of.
        shelf: Where they are kept.
        device: Where to compute them.
    """
    made_of = {"subgraph": place, "images": digest_of(images.digests), "device": device.type}
    path = shelf.path("means", made_of, ".npz")
    kept = shelf.arrays(path)
    if kept is None:
        pooled = nn.Sequential(module, _Mean()).to(device).eval()
        kept = {"means": forward(pooled, context, images, device, "features of the subgraph")}
        shelf.put_arrays(path, kept)
    return kept["means"]


class _Mean(nn.Module):
    def forward(self, maps: Tensor) -> Tensor:
        return maps.mean(dim=(2, 3))


def forward(
    module: Callable[[Tensor], Tensor], context: TrainerContext, images: ImageSet, device: torch.device, what: str
) -> NDArray[np.float32]:
    """Return what a module gives (N, D) for every image of a set."""
    parts = []
    with torch.no_grad():
        for at in range(0, len(images), AT_ONCE):
            context.tell(what, at, len(images))
            rows = np.arange(at, min(at + AT_ONCE, len(images)))
            parts.append(module(as_batch(context, images, rows, device)).float().cpu())
    context.tell(what, len(images), len(images))
    return torch.cat(parts).numpy()


def as_batch(context: TrainerContext, images: ImageSet, rows: NDArray[np.intp], device: torch.device) -> Tensor:
    """Return some images of a set as the reference takes them."""
    batch = torch.from_numpy(context.normalise(np.asarray(images.pixels[rows])))
    return batch.to(device).contiguous(memory_format=torch.channels_last)


def chosen_device(context: TrainerContext) -> torch.device:
    """Return where to train.

    Raises:
        Inconclusive: The device that was asked for is not there.
    """
    wanted = context.tuning.device
    there = {"cpu": True, "cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
    if wanted == "auto":
        return torch.device("cuda" if there["cuda"] else "cpu")
    if not there[wanted]:
        raise Inconclusive(f"there is no {wanted} device that torch can use", hint="run with --device auto")
    return torch.device(wanted)
