"""Read the inner tensors of an ONNX model: a second session over the same graph that gives them out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnxruntime
from numpy.typing import NDArray
from onnx import ModelProto, TensorProto, ValueInfoProto

from vetgate.api import Card, Inconclusive, Tap, mark_feature_map
from vetgate_onnx.graph import MOVES, Graph, Node, load
from vetgate_onnx.macs import multiplies, weight_index
from vetgate_onnx.provider import providers_of
from vetgate_onnx.quantisation import Scaling, output_scaling
from vetgate_onnx.shape import Shapes, infer

_FLOATS = (TensorProto.FLOAT, TensorProto.FLOAT16, TensorProto.DOUBLE)
_STORED = (TensorProto.UINT8, TensorProto.INT8, TensorProto.UINT16, TensorProto.INT16)
_PASSES = MOVES | {"QuantizeLinear", "DequantizeLinear", "Cast", "Dropout", "DynamicQuantizeLinear"}
"""Operators that pass on what a layer takes, or its quantised form."""
_HIDDEN = frozenset({"QuantizeLinear", "DequantizeLinear", "DynamicQuantizeLinear", "Cast", "Identity", "Dropout"})
"""Operators whose outputs show nothing new."""
_SEVERAL = 3
"""Images by which axes that count them are told from others."""
_LINEAR = ("Gemm", "MatMul")
_NOT_LINEAR = frozenset({"Attention", "MultiHeadAttention", "Einsum"})


@dataclass(frozen=True)
class _Source:
    """Where a tap is read."""

    tap: Tap
    output: str
    """Value of the graph."""
    scaling: Scaling | None
    """Of quantised values."""


class Tapping:
    """The inner tensors of one model.

    Args:
        path: The model; its external data lies beside it.
        card: States height and width where the model leaves them free.
        settings: How the session is opened that predicts.
    """

    def __init__(self, path: Path, card: Card, settings: onnxruntime.SessionOptions) -> None:
        self._path, self._settings, self._providers = path, settings, providers_of(card)
        self._graph = load(path)
        shapes = infer(self._graph, card)
        _forget_others(shapes, infer(self._graph, card, images=_SEVERAL))
        self._sources = {source.tap.name: source for source in _find(self._graph, shapes)}
        self._taps = mark_feature_map([source.tap for source in self._sources.values()])
        self._session: onnxruntime.InferenceSession | None = None

    def taps(self) -> tuple[Tap, ...]:
        """Return the inner tensors whose shapes are known, in the order of the graph."""
        return self._taps

    def notes(self) -> tuple[str, ...]:
        """Return what a reader must know."""
        return (
            "inner tensors are read in a second session that gives them out, so onnxruntime fuses less in it than in "
            "the one that predicts",
        )

    def read(self, names: Sequence[str], given: str, fed: NDArray[np.generic]) -> Mapping[str, NDArray[np.float32]]:
        """Return the named inner tensors for what the input is fed, de-quantised.

        Raises:
            Inconclusive: ONNX Runtime fails, or a tensor has not the shape that the graph states.
        """
        require_names(names, self._sources)
        wanted = [self._sources[name] for name in names]
        try:
            self._session = self._session or self._opened()
            raw = self._session.run([source.output for source in wanted], {given: fed})
        except Exception as error:  # onnxruntime's errors share no base class of its own
            reason = " ".join(str(error).split())[:240]
            raise Inconclusive(f"onnxruntime cannot give out its inner tensors: {reason}") from None
        found = {}
        for source, values in zip(wanted, raw, strict=True):
            if values.shape != (len(fed), *source.tap.shape):
                raise Inconclusive(
                    f"its inner tensor {source.tap.name!r} has shape {values.shape} for {len(fed)} images, where the "
                    f"graph states {source.tap.shape} for each"
                )
            found[source.tap.name] = _numbers(values, source.scaling)
        return found

    def _opened(self) -> onnxruntime.InferenceSession:
        """Return a session that gives out every tap; external data stays where it is, so that any size fits."""
        model = ModelProto()
        model.CopyFrom(self._graph.model)
        there = {port.name for port in model.graph.output}
        for source in self._sources.values():
            if source.output not in there:
                there.add(source.output)
                model.graph.output.append(ValueInfoProto(name=source.output))
        self._settings.add_session_config_entry(
            "session.model_external_initializers_file_folder_path", str(self._path.parent)
        )
        return onnxruntime.InferenceSession(
            model.SerializeToString(), self._settings, providers=self._providers, enable_fallback=0
        )


def _forget_others(shapes: Shapes, several: Shapes) -> None:
    """Drop in place the shapes whose first axis does not count images, such as the state of a recurrent layer."""
    if several.batch == shapes.batch:  # the batch is fixed
        return
    for name, shape in list(shapes.known.items()):
        more = several.get(name)
        counts = more is None or not shape or shape[0] != shapes.batch or more == (several.batch, *shape[1:])
        if not counts and name in shapes.types:
            del shapes.known[name]


def _numbers(values: NDArray[np.generic], scaling: Scaling | None) -> NDArray[np.float32]:
    numbers = values.astype(np.float32)
    if scaling is None:
        return numbers
    return (numbers - np.float32(scaling.zero_point)) * np.float32(scaling.scale)


def _find(graph: Graph, shapes: Shapes) -> Iterator[_Source]:
    """Yield what follows from the images, is a number, and has one entry an image."""
    moving, layer = {port.name for port in graph.inputs()}, 0
    last = ""
    found: list[_Source] = []
    for node in graph.nodes:
        if node.nested or not any(name in moving for name in node.proto.input):
            continue
        moving.update(name for name in node.proto.output if name)
        weighted = _is_weighted(graph, node, moving)
        layer += weighted
        if weighted:
            last = node.proto.input[0] if _is_linear(node, shapes) else ""
        source = _source(graph, shapes, node, layer, weighted=weighted)
        if source is not None:
            found.append(source)
    features = _feature_name(graph, last, {source.tap.name for source in found})
    for source in found:
        yield _Source(
            source.tap.model_copy(update={"features": source.tap.name == features}), source.output, source.scaling
        )


def _source(graph: Graph, shapes: Shapes, node: Node, layer: int, *, weighted: bool) -> _Source | None:
    """Return where the first output of a node is read, or None where it is no inner tensor."""
    name = node.proto.output[0] if node.proto.output else ""
    shape, kind = shapes.get(name), shapes.types.get(name, 0)
    if not name or node.proto.op_type in _HIDDEN or shape is None or len(shape) < 2 or shape[0] != shapes.batch:
        return None
    scaling = output_scaling(graph, name) if kind in _STORED else None
    if (kind not in _FLOATS and scaling is None) or min(shape) < 1:
        return None
    tap = Tap(name=name, shape=shape[1:], layer=layer, operator=node.type, weighted=weighted)
    return _Source(tap, _as_taken(graph, name), scaling)


def _as_taken(graph: Graph, name: str) -> str:
    """Return the value as the next layer takes it: rounded and clipped, where all of it goes through a quantiser.

    That leaves ONNX Runtime its integer kernels: a quantised layer whose own output were asked for would run in float.
    """
    if any(port.name == name for port in graph.model.graph.output):
        return name
    takers = [node for node, _ in graph.consumers.get(name, ())]
    if not takers or any(node.proto.op_type != "QuantizeLinear" or node.nested for node in takers):
        return name
    after = [node for node, index in graph.consumers.get(takers[0].proto.output[0], ()) if index == 0]
    again = [node for node in after if node.proto.op_type == "DequantizeLinear" and not node.nested]
    return str(again[0].proto.output[0]) if again else name


def _is_weighted(graph: Graph, node: Node, moving: set[str]) -> bool:
    """Return whether a node multiplies the images' tensors by weights, which the images do not change."""
    if node.proto.op_type in _NOT_LINEAR or not multiplies(node):
        return False
    places = {0, weight_index(node)}
    return any(node.input(place) not in moving for place in places)


def _is_linear(node: Node, shapes: Shapes) -> bool:
    """Return whether a layer takes one row of features an image; a convolution of one position does."""
    given = shapes.get(node.input(0))
    if "Conv" in node.proto.op_type:
        return given is not None and len(given) == 4 and given[2:] == (1, 1)
    return any(word in node.proto.op_type for word in _LINEAR)


def _feature_name(graph: Graph, name: str, known: set[str]) -> str | None:
    """Return the tap that a layer's input comes from, through what only passes it on."""
    for _ in range(len(graph.nodes)):
        if name in known or name not in graph.producers:
            break
        producer = graph.producers[name]
        if producer.proto.op_type not in _PASSES:
            break
        name = producer.input(0)
    return name if name in known else None


def require_names(names: Sequence[str], known: Mapping[str, object]) -> None:
    """Refuse names of inner tensors that are not there.

    Raises:
        Inconclusive: With the first of them.
    """
    unknown = [name for name in names if name not in known]
    if unknown:
        raise Inconclusive(f"there is no inner tensor {unknown[0]!r}", hint="taps() lists those that there are")
