"""The main graph of a file with its shapes for pictures of the card's size, where the file leaves that free."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from vetgate_runtime.feed import image_shape

from vetgate.api import Card
from vetgate_litert.model import SubgraphInfo, TensorInfo


def sized(graph: SubgraphInfo, path: Path, card: Card | None) -> SubgraphInfo:
    """Return the graph at the card's size; shapes are not known where nobody states one, or it does not fit.

    Nothing is run: the interpreter is asked for the shapes alone.

    Args:
        graph: As the file stores it.
        path: The file.
        card: States height and width.
    """
    given = graph.tensors[graph.inputs[0]] if len(graph.inputs) == 1 else None
    if given is None or len(given.shape) != 4 or min(given.signature[1:]) >= 0:
        return graph
    if card is None:
        return _without_shapes(graph)
    wanted = (max(given.shape[0], 1), *image_shape(card))
    return graph if wanted == given.shape else _resized(graph, path, wanted)


def _without_shapes(graph: SubgraphInfo) -> SubgraphInfo:
    def unknown(tensor: TensorInfo) -> TensorInfo:
        return tensor if tensor.constant else replace(tensor, shape=(-1,) * len(tensor.shape))

    return replace(graph, tensors=tuple(unknown(tensor) for tensor in graph.tensors))


def _resized(graph: SubgraphInfo, path: Path, wanted: tuple[int, ...]) -> SubgraphInfo:
    from vetgate_litert.taps import plain_interpreter

    try:
        interpreter = plain_interpreter(path, 1)
        interpreter.resize_tensor_input(interpreter.get_input_details()[0]["index"], list(wanted))
        interpreter.allocate_tensors()
        details = {int(told["index"]): told["shape"] for told in interpreter.get_tensor_details()}
    except (ValueError, RuntimeError, IndexError):  # opening it tells why
        return _without_shapes(graph)
    shapes = [tuple(int(length) for length in details.get(index, ())) for index in range(len(graph.tensors))]
    return replace(
        graph,
        tensors=tuple(
            replace(tensor, shape=shape) if len(shape) == len(tensor.shape) and not tensor.constant else tensor
            for tensor, shape in zip(graph.tensors, shapes, strict=True)
        ),
    )
