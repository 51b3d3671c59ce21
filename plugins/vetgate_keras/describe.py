"""What a Keras archive holds."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any, Literal, cast

import numpy as np
from numpy.typing import NDArray

from vetgate.api import Operator, Structure, Tensor
from vetgate_keras.archive import keras, load
from vetgate_keras.network import kind_of, layers, macs, outputs, ports


def describe(path: Path) -> Structure:
    """Return ports, tensors and operators.

    Raises:
        UnreadableArtifact: Truncated or damaged, or it names more than Keras' own layers.
    """
    network = load(path)
    operators, notes = _operators(network)
    return Structure(
        inputs=ports(network.inputs),
        outputs=outputs(network),
        tensors=tuple(_tensors(network)),
        operators=operators,
        metadata={},
        notes=tuple(notes),
    )


def _tensors(network: Any) -> list[Tensor]:  # noqa: ANN401  # Keras has no types
    found: dict[str, Tensor] = {}
    for layer in layers(network):
        for variable in getattr(layer, "variables", ()):
            values: NDArray[np.generic] = np.asarray(keras().ops.convert_to_numpy(variable))
            kind = kind_of(layer, str(variable.name), values)
            found.setdefault(str(variable.path), _tensor(variable, values, kind))
    return list(found.values())


def _tensor(variable: Any, values: NDArray[np.generic], kind: str) -> Tensor:  # noqa: ANN401
    return Tensor(
        name=str(variable.path),
        shape=tuple(int(length) for length in variable.shape),
        dtype=str(variable.dtype),
        kind=cast(Literal["parameter", "normalisation", "state"], kind),
        elements=int(values.size),
        nonzero=int(np.count_nonzero(values)),
        distinct=int(np.unique(values).size),
        bits=float({"bfloat16": 16, "bool": 8}.get(str(variable.dtype), 8 * values.dtype.itemsize)),
    )


def _operators(network: Any) -> tuple[tuple[Operator, ...], list[str]]:  # noqa: ANN401
    counts: Counter[str] = Counter()
    total: Counter[str] = Counter()
    reasons: dict[str, str] = {}
    for layer in layers(network):
        kind = type(layer).__name__
        if kind == "InputLayer":
            continue
        counts[kind] += 1
        told, reason = macs(layer) if len(getattr(layer, "_inbound_nodes", ())) == 1 else _again(layer)
        if told is None:
            reasons.setdefault(kind, reason)
        else:
            total[kind] += told
    operators = tuple(
        Operator(type=kind, count=count, macs=None if kind in reasons else total[kind])
        for kind, count in sorted(counts.items())
    )
    return operators, [f"Multiply-accumulates of {kind} cannot be told: {why}." for kind, why in reasons.items()]


def _again(layer: Any) -> tuple[int | None, str]:  # noqa: ANN401
    """Return what is known of a layer that is used at several places, or at none."""
    return (None, "a layer is used several times") if getattr(layer, "weights", ()) else (0, "")
