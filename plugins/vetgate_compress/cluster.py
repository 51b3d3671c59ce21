"""Weight clustering: each tensor keeps at most K distinct values, the means of one-dimensional k-means.

It starts from centres as dense as the cube root of the weights' density, where it ends for many clusters: P. F. Panter
and W. Dite, "Quantization distortion in pulse-count modulation with nonuniform spacing of levels", Proc. IRE 39 (1951).
"""

from __future__ import annotations

import math
import warnings
from typing import Final

import numpy as np
from numpy.typing import NDArray
from onnx import numpy_helper
from sklearn.cluster import KMeans
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]  # it has no stubs

from vetgate.api import Bench, Inconclusive, Made, read_settings
from vetgate_compress.graph import find_weights, load, save
from vetgate_compress.refusal import listed
from vetgate_compress.settings import CLUSTER

SHARE: Final = 8
"""A tensor is clustered where it has more than this many weights for each cluster."""
_CELLS: Final = 1 << 16
"""Cells into which a tensor of more weights is put before centres are sought."""
_DISTANCES: Final = 1 << 31
"""Distances computed for one tensor at most."""


class Cluster:
    """Replaces each weight by the mean of its cluster, tensor by tensor.

    Works on the file, because exporters fold normalisation into convolutions: K values of a module's tensor would be K
    for each channel of the file's.
    """

    def compress(self, bench: Bench) -> Made:
        """Cluster; see vetgate.api.Compressor."""
        clusters = int(read_settings("cluster", bench.settings, CLUSTER)["clusters"])
        model = load(bench)
        weights = {tensor.name: tensor for tensor in find_weights(model)}
        sizes = {name: math.prod(tensor.dims) for name, tensor in weights.items()}
        large = [name for name, size in sizes.items() if size > SHARE * clusters]
        if not large:
            most = max(sizes, key=lambda name: sizes[name])
            raise Inconclusive(
                f"no tensor has more than {SHARE} x {clusters:,} = {SHARE * clusters:,} weights; the largest,"
                f" {most}, has {sizes[most]:,}",
                hint="choose fewer clusters",
            )
        for done, name in enumerate(large):
            bench.tell("cluster", done, len(large))
            clustered = cluster_values(numpy_helper.to_array(weights[name]), clusters, bench.seed)
            weights[name].CopyFrom(numpy_helper.from_array(clustered, name))
        save(model, bench)
        bench.tell("cluster", len(large), len(large))
        return Made(notes=(*_notes(sizes, large, clusters), "not fine-tuned afterwards"))


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
    sample, counts = _summary(flat, distinct)
    rounds = max(1, min(300, _DISTANCES // (len(sample) * clusters)))
    means = KMeans(clusters, init=_start(distinct, clusters), n_init=1, max_iter=rounds, random_state=seed)
    with threadpool_limits(1), warnings.catch_warnings():  # more threads add in any order: other last bits each time
        warnings.simplefilter("ignore")  # fewer distinct centres than clusters, or rounds used up
        centres = np.unique(means.fit(sample[:, None], sample_weight=counts).cluster_centers_.ravel()).astype(
            np.float32
        )
    return np.asarray(centres[_nearest(centres, values)], dtype=np.float32)


def _summary(flat: NDArray[np.float64], distinct: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Return weights and how often each counts: all of them, or the means of many narrow cells."""
    if len(flat) <= _CELLS:
        return flat, np.ones(len(flat), dtype=np.int64)
    cells = _nearest(_start(distinct, _CELLS)[:, 0], flat)
    counts = np.bincount(cells)
    means = np.bincount(cells, weights=flat)[counts > 0] / counts[counts > 0]
    return means, counts[counts > 0]


def _nearest(levels: NDArray[np.floating], values: NDArray[np.floating]) -> NDArray[np.int64]:
    """Return which of the levels, which ascend, each value is nearest to."""
    return np.searchsorted((levels[1:] + levels[:-1]) / 2, values)


def _start(distinct: NDArray[np.float64], clusters: int) -> NDArray[np.float64]:
    """Return the centres to start from, (clusters, 1): a gap between neighbours is one over the density there."""
    along = np.concatenate([[0.0], np.cumsum(np.diff(distinct) ** (2 / 3))])
    steps = (np.arange(clusters) + 0.5) / clusters * along[-1]
    return np.asarray(np.interp(steps, along, distinct)[:, None])


def _notes(sizes: dict[str, int], large: list[str], clusters: int) -> list[str]:
    notes = [f"at most {clusters:,} distinct values in each of {len(large)} of {len(sizes)} weight tensors"]
    small = [f"{name} ({size:,})" for name, size in sizes.items() if name not in large]
    if small:
        notes.append(f"left alone for having no more than {SHARE} weights for each cluster: {listed(small)}")
    return notes
