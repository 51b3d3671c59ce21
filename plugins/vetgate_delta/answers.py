"""What candidate and DELTA together answer for images that DELTA was not trained on, the controls, and DELTA's maps."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from vetgate.api import ImageSet, TrainerContext
from vetgate_delta.cam import delta_maps, full_size
from vetgate_delta.material import AT_ONCE, as_batch
from vetgate_delta.network import Delta


@dataclass(frozen=True)
class Answers:
    """For n images."""

    fused: NDArray[np.intp]
    """(n,) classes."""
    permuted: NDArray[np.intp]
    """(n,) with the candidate's features of another image."""
    alone: NDArray[np.intp]
    """(n,) of the subgraph alone with the reference's classifier."""
    added: NDArray[np.float32]
    """F_D (n, D_B)."""
    resized: NDArray[np.float32]
    """R (n, D_B)."""


def answer(
    delta: Delta,
    alone: Delta,
    context: TrainerContext,
    rows: NDArray[np.intp],
    given: NDArray[np.float32],
    means: NDArray[np.float32],
    device: torch.device,
) -> Answers:
    """Return what all of them answer for some vetted images.

    Args:
        delta: After training.
        alone: The control that was trained without the candidate's features.
        context: Of the check.
        rows: (n,) of the vetted images.
        given: (N, C_E) what the candidate gives, of all vetted images.
        means: (N, C_S) of the subgraph's map as it was made.
        device: Where to compute.
    """
    other = given[_elsewhere(rows, context.seed)]
    fused, permuted, added, resized = [], [], [], []
    with torch.no_grad():
        for at in range(0, len(rows), AT_ONCE):
            context.tell("answers of DELTA", at, len(rows))
            part = rows[at : at + AT_ONCE]
            pooled = delta.maps(as_batch(context, context.vetted, part, device)).mean(dim=(2, 3))
            own = torch.from_numpy(given[part]).to(device)
            fused.append(delta.fuse(pooled, own).argmax(dim=1).cpu())
            permuted.append(
                delta.fuse(pooled, torch.from_numpy(other[at : at + AT_ONCE]).to(device)).argmax(dim=1).cpu()
            )
            added.append(delta.disparity(pooled, own).cpu())
            resized.append(delta.resize(own).cpu())
        pooled = alone.attention.pooled(torch.from_numpy(means[rows]).to(device))
        by_itself = alone.fuse(pooled, torch.zeros(len(rows), 1, device=device)).argmax(dim=1)
    return Answers(
        torch.cat(fused).numpy(),
        torch.cat(permuted).numpy(),
        by_itself.cpu().numpy(),
        torch.cat(added).numpy(),
        torch.cat(resized).numpy(),
    )


def _elsewhere(rows: NDArray[np.intp], seed: int) -> NDArray[np.intp]:
    """Return the rows in another order in which none keeps its place, as far as there are two."""
    order = np.random.default_rng(seed).permutation(len(rows))
    other = np.empty_like(rows)
    other[order] = rows[np.roll(order, 1)]
    return other


def maps_of(
    delta: Delta,
    context: TrainerContext,
    images: ImageSet,
    rows: NDArray[np.intp],
    given: NDArray[np.float32],
    classes: NDArray[np.intp],
    device: torch.device,
) -> NDArray[np.float32]:
    """Return DELTA's maps (n, H, W) in [0, 1]: what speaks for a class beside what the candidate gives.

    Args:
        delta: After training.
        context: Of the check.
        images: The set.
        rows: (n,) of it.
        given: (N, C_E) what the candidate gives, of the whole set.
        classes: (n,) the reference's answers for these rows.
        device: Where to compute.
    """
    parts = []
    size = (images.pixels.shape[1], images.pixels.shape[2])
    for at in range(0, len(rows), AT_ONCE):
        context.tell("maps of DELTA", at, len(rows))
        part = rows[at : at + AT_ONCE]
        with torch.no_grad():
            maps = delta.maps(as_batch(context, images, part, device)).float()
        pooled = maps.mean(dim=(2, 3)).requires_grad_()
        wanted = torch.from_numpy(classes[at : at + AT_ONCE, None]).to(device)
        scores = delta.fuse(pooled, torch.from_numpy(given[part]).to(device)).gather(1, wanted)
        (slopes,) = torch.autograd.grad(scores.sum(), pooled)
        parts.append(full_size(delta_maps(maps.cpu().numpy(), slopes.cpu().numpy()), size))
    return np.concatenate(parts) if parts else np.empty((0, *size), np.float32)
