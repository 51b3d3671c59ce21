"""Read the inner tensors of a TFLite model: a second interpreter that keeps them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from ai_edge_litert.interpreter import Interpreter, OpResolverType
from numpy.typing import NDArray

from vetgate.api import Card, Inconclusive, Tap, mark_feature_map
from vetgate_litert.model import OperatorInfo, SubgraphInfo, TensorInfo, read
from vetgate_litert.operator import RULES, images_at_once, name_of
from vetgate_litert.sized import sized

_MOVES = frozenset({"RESHAPE", "SQUEEZE", "EXPAND_DIMS", "TRANSPOSE"})
_HIDDEN = frozenset({"QUANTIZE", "DEQUANTIZE", "CAST", "PAD", "PADV2", "MIRROR_PAD"}) | _MOVES
"""Operators whose outputs show nothing new, or no longer have their channels last."""
_PASSES = frozenset({"QUANTIZE", "DEQUANTIZE", "CAST"}) | _MOVES
_KINDS = frozenset({"float32", "float16", "float64"})
_STORED = frozenset({"int8", "uint8", "int16"})
_WEIGHT = 1
"""Input that holds the weights of every operator that multiplies."""


def plain_interpreter(path: Path, threads: int) -> Interpreter:
    """Return an interpreter without XNNPACK: LiteRT's own kernels run."""
    return Interpreter(
        model_path=str(path),
        num_threads=threads,
        experimental_op_resolver_type=OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES,
    )


def tapping_interpreter(path: Path, threads: int) -> Interpreter:
    """Return an interpreter that keeps every tensor.

    XNNPACK would hide those inside of what it takes over, so LiteRT's own kernels run.
    """
    return Interpreter(
        model_path=str(path),
        num_threads=threads,
        experimental_op_resolver_type=OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES,
        experimental_preserve_all_tensors=True,
    )


NOTES = (
    "inner tensors are read in a second interpreter without XNNPACK, which would hide them: its rounding may differ by "
    "one step from what predicts",
)


class Tapping:
    """The inner tensors of one model.

    Args:
        path: The model.
        card: States height and width where the model leaves them free.
    """

    def __init__(self, path: Path, card: Card) -> None:
        self._graph = sized(read(path).main, path, card)
        found = list(_find(self._graph))
        self._taps = mark_feature_map([tap for tap, _ in found])
        self._places = {tap.name: place for tap, place in found}

    def taps(self) -> tuple[Tap, ...]:
        """Return the inner tensors with one entry an image, in the order of the file."""
        return self._taps

    def place(self, name: str) -> int:
        """Return the index of a tap's tensor.

        Raises:
            Inconclusive: There is none of this name.
        """
        if name not in self._places:
            raise Inconclusive(f"there is no inner tensor {name!r}", hint="taps() lists those that there are")
        return self._places[name]

    def numbers(self, name: str, raw: NDArray[np.generic], images: int) -> NDArray[np.float32]:
        """Return a tensor (N, ...) as numbers with channels first.

        Raises:
            Inconclusive: It has not one entry an image, or another shape than the file states.
        """
        numbers = _dequantised(raw, self._graph.tensors[self.place(name)])
        stated = self._graph.tensors[self._places[name]].shape[1:]
        if numbers.shape != (images, *stated):
            raise Inconclusive(
                f"its inner tensor {name!r} has shape {numbers.shape} for {images} images, where the file states "
                f"{stated} for each"
            )
        return np.ascontiguousarray(np.moveaxis(numbers, -1, 1) if numbers.ndim == 4 else numbers)


def _dequantised(raw: NDArray[np.generic], tensor: TensorInfo) -> NDArray[np.float32]:
    """Return (stored - zero point) * scale, per tensor or along one axis."""
    numbers = raw.astype(np.float32)
    if not tensor.scales or tensor.dtype in _KINDS:
        return numbers
    shape = [1] * numbers.ndim
    if len(tensor.scales) > 1:
        shape[tensor.axis] = len(tensor.scales)
    scales = np.asarray(tensor.scales, dtype=np.float32).reshape(shape)
    zeros = np.asarray(tensor.zeros or (0,), dtype=np.float32)
    return np.asarray((numbers - zeros.reshape(shape if zeros.size > 1 else [1] * numbers.ndim)) * scales)


def _find(graph: SubgraphInfo) -> Iterator[tuple[Tap, int]]:
    """Yield what follows from the images, is a number, and has one entry an image; and its tensor's index."""
    batch, moving = images_at_once(graph), set(graph.inputs)
    layer, last = 0, -1
    found: list[tuple[Tap, int]] = []
    names: set[str] = set()
    makers: dict[int, OperatorInfo] = {}
    for operator in graph.operators:
        if not any(place in moving for place in operator.inputs):
            continue
        moving.update(operator.outputs)
        makers.update((place, operator) for place in operator.outputs)
        weighted = _is_weighted(operator, moving)
        layer += weighted
        if weighted:
            last = _given(operator) if _is_linear(graph, operator) else -1
        kind = name_of(operator)
        place = operator.outputs[0] if operator.outputs else -1
        if place >= 0 and kind not in _HIDDEN and _is_told(graph.tensors[place], batch):
            name = _unique(graph.tensors[place].name or kind.lower(), names)
            shape = _channels_first(graph.tensors[place].shape[1:])
            found.append((Tap(name=name, shape=shape, layer=layer, operator=kind, weighted=weighted), place))
    features = _feature_place(makers, last, {place for _, place in found})
    for tap, place in found:
        yield tap.model_copy(update={"features": place == features}), place


def _is_told(tensor: TensorInfo, batch: int) -> bool:
    numbers = tensor.dtype in _KINDS or (tensor.dtype in _STORED and len(tensor.scales) > 0)
    shape = tensor.shape
    return numbers and len(shape) >= 2 and shape[0] == batch and min(shape) > 0 and not tensor.variable


def _channels_first(shape: tuple[int, ...]) -> tuple[int, ...]:
    return (shape[-1], *shape[:-1]) if len(shape) == 3 else shape


def _unique(name: str, names: set[str]) -> str:
    """Return the name with a number where it is taken."""
    count, made = 1, name
    while made in names:
        count += 1
        made = f"{name}#{count}"
    names.add(made)
    return made


def _is_weighted(operator: OperatorInfo, moving: set[int]) -> bool:
    """Return whether an operator multiplies the images' tensors by weights, which the images do not change."""
    if name_of(operator) not in RULES or len(operator.inputs) <= _WEIGHT:
        return False
    return any(place not in moving for place in operator.inputs[:2])


def _given(operator: OperatorInfo) -> int:
    """Return the tensor that a layer takes."""
    return operator.inputs[2] if name_of(operator) == "TRANSPOSE_CONV" else operator.inputs[0]


def _is_linear(graph: SubgraphInfo, operator: OperatorInfo) -> bool:
    """Return whether a layer takes one row of features an image; a convolution of one position does."""
    if name_of(operator) in ("FULLY_CONNECTED", "BATCH_MATMUL"):
        return True
    shape = graph.tensors[_given(operator)].shape
    return len(shape) == 4 and shape[1:3] == (1, 1)


def _feature_place(makers: dict[int, OperatorInfo], place: int, known: set[int]) -> int:
    """Return the tap that a layer's input comes from, through what only passes it on; -1 where there is none."""
    for _ in range(len(makers)):
        if place in known or place not in makers or name_of(makers[place]) not in _PASSES:
            break
        place = makers[place].inputs[0]
    return place if place in known else -1
