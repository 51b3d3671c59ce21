"""Inner tensors: which there are, and reading them from a graph that has them as further outputs."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import openvino
from numpy.typing import NDArray
from vetgate_runtime.feed import one_line

from vetgate.api import Artifact, Card, Inconclusive, Tap, mark_feature_map
from vetgate_openvino.device import asked_device
from vetgate_openvino.graph import fix_shapes, lengths, load, type_name
from vetgate_openvino.operator import RULES

_FLOATS = frozenset({"float32", "float16", "bfloat16"})
_ENDS = frozenset({"Parameter", "Result", "Constant"})
NOTES = ("inner tensors are read from a graph that has them as outputs: OpenVINO fuses fewer operators there",)


class Tapping:
    """Reads inner tensors of one model.

    Args:
        artifact: The model.
        card: States the size of an image.
        settings: How models are compiled.
    """

    def __init__(self, artifact: Artifact, card: Card, settings: dict[str, object]) -> None:
        self._graph, self._settings = load(artifact), settings  # read once: names that OpenVINO makes up change
        self._device = asked_device(card)
        self._taps = _find(self._graph, card)
        self._requests: dict[tuple[str, ...], tuple[openvino.InferRequest, list[int]]] = {}

    def taps(self) -> tuple[Tap, ...]:
        """Return the inner tensors in the order in which they are computed."""
        return self._taps

    def read(self, names: Sequence[str], fed: NDArray[np.generic]) -> dict[str, NDArray[np.float32]]:
        """Return the named tensors for what the input takes, (N, *shape).

        Raises:
            Inconclusive: A name is none of `taps`, or OpenVINO fails.
        """
        known = {tap.name: tap.shape for tap in self._taps}
        strange = [name for name in names if name not in known]
        if strange:
            raise Inconclusive(f"the model has no inner tensor {strange[0]!r}", hint="vetgate inspect lists them")
        try:
            request, places = self._request(tuple(names))
            request.infer([np.ascontiguousarray(fed)], share_inputs=True)
            raw = [request.get_output_tensor(place).data for place in places]
        except RuntimeError as error:
            raise Inconclusive(f"OpenVINO cannot read its inner tensors: {one_line(error)}") from None
        return {
            name: np.array(values, np.float32).reshape(len(fed), *known[name])
            for name, values in zip(names, raw, strict=True)
        }

    def _request(self, names: tuple[str, ...]) -> tuple[openvino.InferRequest, list[int]]:
        """Return what answers with the named tensors, and their places among its outputs."""
        if names not in self._requests:
            graph = self._graph.clone()
            nodes = {str(node.get_friendly_name()): node for node in graph.get_ordered_ops()}
            graph.add_outputs([nodes[name].output(0) for name in names])
            sources = [str(port.get_node().input_value(0).get_node().get_friendly_name()) for port in graph.outputs]
            request = openvino.Core().compile_model(graph, self._device, self._settings).create_infer_request()
            self._requests = {names: (request, [sources.index(name) for name in names])}  # one: each holds weights
        return self._requests[names]


def _find(graph: openvino.Model, card: Card) -> tuple[Tap, ...]:
    one, two = graph.clone(), graph.clone()
    if not fix_shapes(one, card, 1) or not fix_shapes(two, card, 2):
        return ()
    batch = lengths(one.inputs[0])[0] or 1
    fixed = batch == lengths(two.inputs[0])[0]
    inner, made, layer = _of_images(one), [], 0
    last = _last_linear(inner)
    names = [str(node.get_friendly_name()) for node in inner]
    others = {str(node.get_friendly_name()): node for node in two.get_ordered_ops()}
    for node, name in zip(inner, names, strict=True):
        weighted = _is_layer(node)
        layer += weighted
        shape = _shape(node, batch)
        same = shape is not None and (fixed or _shape(others[name], 2) == shape)
        if shape is None or not same or names.count(name) > 1:
            continue
        kind = str(node.get_type_name())
        made.append(Tap(name=name, shape=shape, layer=layer, operator=kind, weighted=weighted, features=name == last))
    return mark_feature_map(made)


def _of_images(graph: openvino.Model) -> list[openvino.Node]:
    """Return the operators whose result depends on the image, in order."""
    reached: set[str] = set()
    found = []
    for node in graph.get_ordered_ops():
        kind, name = str(node.get_type_name()), str(node.get_friendly_name())
        given = [str(port.get_node().get_friendly_name()) for port in node.input_values()]
        if kind == "Parameter" or any(each in reached for each in given):
            reached.add(name)
            if kind not in _ENDS:
                found.append(node)
    return found


def _is_layer(node: openvino.Node) -> bool:
    """Return whether an operator multiplies by weights that are stored."""
    if str(node.get_type_name()) not in RULES:
        return False
    weight = node.input_value(1).get_node()
    while str(weight.get_type_name()) != "Constant" and weight.get_input_size() > 0:
        weight = weight.input_value(0).get_node()
    return str(weight.get_type_name()) == "Constant"


def _last_linear(nodes: Sequence[openvino.Node]) -> str:
    """Return the name of what the last layer takes where that is linear; empty where it is not."""
    layers = [node for node in nodes if _is_layer(node)]
    if not layers or str(layers[-1].get_type_name()) != "MatMul":
        return ""
    return str(layers[-1].input_value(0).get_node().get_friendly_name())


def _shape(node: openvino.Node, batch: int) -> tuple[int, ...] | None:
    """Return the shape of one image's tensor: (C, H, W), (T, D) or (D,); None where it is none of these."""
    if node.get_output_size() != 1 or type_name(node.output(0).get_element_type()) not in _FLOATS:
        return None
    shape = lengths(node.output(0))
    if not 2 <= len(shape) <= 4 or None in shape or shape[0] != batch:
        return None
    return tuple(length for length in shape[1:] if length is not None)
