"""Weight clustering: each tensor keeps at most K distinct values, the means of one-dimensional k-means.

It starts from centres as dense as the cube root of the weights' density, where it ends for many clusters: P. F. Panter
and W. Dite, "Quantization distortion in pulse-count modulation with nonuniform spacing of levels", Proc. IRE 39 (1951).
"""

from __future__ import annotations

import warnings
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.cluster import KMeans
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]  # it has no stubs

from vetgate.api import Bench, Inconclusive, Made
from vetgate_compress.export import write_module
from vetgate_compress.settings import read_settings, whole
from vetgate_compress.weights import Weight, find_weights, listed, note_computed

SHARE: Final = 8
"""A tensor is clustered where it has more than this many weights for each cluster."""
_SAMPLE: Final = 1 << 16
"""Weights of one tensor that centres are sought on, where it has more; the smallest and the largest among them."""
_DISTANCES: Final = 1 << 31
"""Distances computed for one tensor at most."""


class Cluster:
    """Replaces each weight by the mean of its cluster, tensor by tensor."""

    def compress(self, bench: Bench) -> Made:
        """Cluster and export; see vetgate.api.Compressor."""
        clusters = int(read_settings("cluster", bench, clusters=whole(2, high=1 << 20))["clusters"])
        module = bench.module()
        weights = find_weights(module)
        large = [weight for weight in weights if weight.tensor.numel() > SHARE * clusters]
        if not large:
            most = max(weights, key=lambda weight: weight.tensor.numel())
            raise Inconclusive(
                f"no tensor has more than {SHARE} x {clusters:,} = {SHARE * clusters:,} weights; the largest,"
                f" {most.path}, has {most.tensor.numel():,}",
                hint="choose fewer clusters",
            )
        for done, weight in enumerate(large):
            bench.tell("cluster", done, len(large))
            _replace(weight, clusters, bench.seed)
        bench.tell("cluster", len(large), len(large))
        write_module(module, bench)
        return Made(notes=(*_notes(weights, large, clusters), *note_computed(module), "not fine-tuned afterwards"))


def _replace(weight: Weight, clusters: int, seed: int) -> None:
    values = weight.tensor.detach().numpy()
    clustered = cluster_values(values, clusters, seed)
    with torch.no_grad():
        weight.tensor.copy_(torch.from_numpy(clustered))


def cluster_values(values: NDArray[np.float32], clusters: int, seed: int) -> NDArray[np.float32]:
    """Return an array of the same shape with at most `clusters` distinct values.

    Args:
        values: Finite, of any shape.
        clusters: At least 2. An array that has no more distinct values is returned as it is.
        seed: Of k-means, which needs it for clusters that have run empty.
    """
    flat = np.sort(values, axis=None).astype(np.float64)
    distinct = np.unique(flat)
    if len(distinct) <= clusters:
        return values.copy()
    sample = flat
    if len(flat) > _SAMPLE:
        sample = flat[np.linspace(0, len(flat) - 1, max(_SAMPLE, SHARE * clusters)).round().astype(np.int64)]
    rounds = max(1, min(300, _DISTANCES // (len(sample) * clusters)))
    means = KMeans(clusters, init=_start(distinct, clusters), n_init=1, max_iter=rounds, random_state=seed)
    with threadpool_limits(1), warnings.catch_warnings():  # more threads add in any order: other last bits each time
        warnings.simplefilter("ignore")  # fewer distinct centres than clusters, or rounds used up
        centres = np.unique(means.fit(sample[:, None]).cluster_centers_.ravel()).astype(np.float32)
    nearest = np.searchsorted((centres[1:] + centres[:-1]) / 2, values)
    return np.asarray(centres[nearest], dtype=np.float32)


def _start(distinct: NDArray[np.float64], clusters: int) -> NDArray[np.float64]:
    """Return the centres to start from, (clusters, 1): a gap between neighbours is one over the density there."""
    along = np.concatenate([[0.0], np.cumsum(np.diff(distinct) ** (2 / 3))])
    steps = (np.arange(clusters) + 0.5) / clusters * along[-1]
    return np.asarray(np.interp(steps, along, distinct)[:, None])


def _notes(weights: list[Weight], large: list[Weight], clusters: int) -> list[str]:
    notes = [f"at most {clusters:,} distinct values in each of {len(large)} of {len(weights)} weight tensors"]
    small = [weight for weight in weights if weight not in large]
    if small:
        names = [f"{weight.path} ({weight.tensor.numel():,})" for weight in small]
        notes.append(f"left alone for having no more than {SHARE} weights for each cluster: {listed(names)}")
    return notes
