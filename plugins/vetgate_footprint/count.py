"""Counting one model: each figure, or the reason why there is none."""

from __future__ import annotations

import zlib
from collections.abc import Iterable
from pathlib import Path

from vetgate.api import Structure, Subject, Tensor

GZIP_UNASKED = 200_000_000
"""Bytes below which the gzipped size is taken though no rule asks for it (level 6 takes some 50 ms a megabyte)."""

_CHUNK = 1 << 20
_GZIP_FORMAT = 31
"""zlib's window bits for a gzip header, which it writes with a time of 0."""

_SERVED = "a service hands out no file"
_LEARNED = ("params", "nonzero_params", "sparsity", "unique_weights", "bits_per_weight")

Figures = dict[str, float]
"""By metric id; a figure that cannot be told is absent."""


def learned(structure: Structure) -> list[Tensor]:
    """Return the tensors of learned values: weights, biases, normalisation scale and shift."""
    return [tensor for tensor in structure.tensors if tensor.kind != "state"]


def count(subject: Subject, *, gzip_asked: bool) -> tuple[Figures, dict[str, str]]:
    """Return the figures of one model, and why others are missing, both by metric id.

    Args:
        subject: The model.
        gzip_asked: Whether a rule names the gzipped size, which is dear for large files.
    """
    artifact, structure = subject.artifact, subject.structure
    if artifact.service is not None:
        return {}, {"figure": _SERVED}
    figures: Figures = {"footprint.size_mb": artifact.size / 1e6}
    missing: dict[str, str] = {}
    if gzip_asked or artifact.size < GZIP_UNASKED:
        paths = (subject.members[member.name] for member in artifact.members)
        figures["footprint.gzip_mb"] = gzip_size(paths) / 1e6
    else:
        missing["footprint.gzip_mb"] = "no rule asks for it, and the file is large"
    _count_learned(learned(structure), figures, missing)
    if (macs := structure.macs) is not None:
        figures["footprint.macs"] = float(macs)
    else:
        missing["footprint.macs"] = _why_no_macs(structure)
    return figures, missing


def gzip_size(paths: Iterable[Path]) -> int:
    """Return the bytes of one gzip stream (level 6) over the files in order."""
    packer = zlib.compressobj(6, zlib.DEFLATED, _GZIP_FORMAT)
    size = 0
    for path in paths:
        with path.open("rb") as file:
            while chunk := file.read(_CHUNK):
                size += len(packer.compress(chunk))
    return size + len(packer.flush())


def _count_learned(tensors: list[Tensor], figures: Figures, missing: dict[str, str]) -> None:
    params = sum(tensor.elements for tensor in tensors)
    if params == 0:
        # a file whose weights nobody could list must not read as one that has none
        missing.update({f"footprint.{name}": "the file lists no learned values" for name in _LEARNED})
        return
    nonzero = sum(tensor.nonzero for tensor in tensors)
    figures["footprint.params"] = float(params)
    figures["footprint.nonzero_params"] = float(nonzero)
    figures["footprint.sparsity"] = 1 - nonzero / params
    figures["footprint.bits_per_weight"] = sum(tensor.bits * tensor.elements for tensor in tensors) / params
    distinct = [tensor.distinct for tensor in tensors if tensor.kind == "parameter" and len(tensor.shape) >= 2]
    if distinct:
        figures["footprint.unique_weights"] = float(max(distinct))
    else:
        missing["footprint.unique_weights"] = "the file lists no weight tensor of two axes or more"


def _why_no_macs(structure: Structure) -> str:
    untold = [operator.type for operator in structure.operators if operator.macs is None]
    if untold:
        return f"the multiply-accumulates of {', '.join(sorted(untold)[:5])} cannot be told"
    return "the file lists no operators"
