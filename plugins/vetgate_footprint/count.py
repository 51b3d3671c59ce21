"""Counting one model's footprint from its structure and its files."""

from __future__ import annotations

import gzip
import io
from pathlib import Path

from vetgate.api import Structure, Subject, Tensor

CHEAP = 200_000_000
"""Bytes up to which compressing is done unasked (about ten seconds)."""
_CHUNK = 1 << 20


def learned(structure: Structure) -> tuple[Tensor, ...]:
    """Return the tensors of learned values: weights, biases, and scale and shift of normalisation."""
    return tuple(tensor for tensor in structure.tensors if tensor.kind != "state")


def weights(structure: Structure) -> tuple[Tensor, ...]:
    """Return the learned tensors of two or more dimensions, the ones that clustering and pruning work on."""
    return tuple(tensor for tensor in learned(structure) if len(tensor.shape) >= 2)


def figures(subject: Subject, *, compress: bool) -> dict[str, float]:
    """Return every footprint figure of one model that can be told, by the last part of its metric id.

    Args:
        subject: The model.
        compress: Whether to compress the files, which reads them whole.
    """
    structure = subject.structure
    found: dict[str, float] = {"size_mb": subject.artifact.size / 1e6}
    if compress:
        found["gzip_mb"] = gzipped(subject) / 1e6
    params = sum(tensor.elements for tensor in learned(structure))
    if params:
        nonzero = sum(tensor.nonzero for tensor in learned(structure))
        found["params"] = params
        found["nonzero_params"] = nonzero
        found["sparsity"] = 1 - nonzero / params
        found["bits_per_weight"] = sum(tensor.elements * tensor.bits for tensor in learned(structure)) / params
    if weights(structure):
        found["unique_weights"] = max(tensor.distinct for tensor in weights(structure))
    macs = structure.macs
    if macs is not None:
        found["macs"] = macs
    return found


def gzipped(subject: Subject) -> int:
    """Return the bytes of all files of an artifact as one gzip stream at level 6."""
    sink = _Counter()
    with gzip.GzipFile(fileobj=sink, mode="wb", compresslevel=6, mtime=0) as stream:
        for member in subject.artifact.members:
            _pour(subject.members[member.name], stream)
    return sink.size


def _pour(path: Path, stream: gzip.GzipFile) -> None:
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            stream.write(chunk)


class _Counter(io.RawIOBase):
    """Takes bytes and keeps only their number."""

    def __init__(self) -> None:
        self.size = 0

    def writable(self) -> bool:
        return True

    def write(self, data: object) -> int:
        length = memoryview(data).nbytes  # type: ignore[arg-type]  # gzip hands on bytes
        self.size += length
        return length
