"""A network as a graph of layers, whatever way it was written: traced, exported or converted."""

from __future__ import annotations

import operator
import warnings
from collections.abc import Callable, Iterator
from typing import Any, Final

import torch
from torch import Tensor, fx, nn
from torch.fx.passes.shape_prop import ShapeProp

from vetgate.api import Inconclusive

WEIGHTED: Final = (nn.Conv1d, nn.Conv2d, nn.Conv3d, nn.ConvTranspose2d, nn.Linear)
NEAR: Final = 1e-5
"""Largest difference between a network and what it was taken apart into, over the largest number it gives."""
_GUARDS: Final = "_guards_fn"
_HINT: Final = (
    "give the reference as weights with their architecture (a torch.nn.Module without control flow on values)"
)


def read(module: nn.Module, example: Tensor) -> fx.GraphModule:
    """Return a module as a graph of its own layers in eval mode, with the shapes for the example at its nodes.

    Layers are shared with the module where it has any; an exported program's operators become layers that hold its
    tensors. In-place activations are made ordinary ones, so that every tensor can be taken out.

    Args:
        module: In eval mode, images (N, ...) to scores (N, classes).
        example: Two images or more.

    Raises:
        Inconclusive: It cannot be written as such a graph.
    """
    module = module.eval()
    with torch.no_grad():
        expected = module(example)
    for attempt in (_traced, _exported):
        program = _attempt(attempt, module, example)
        if program is not None and near(_answer(program, example), expected):
            with torch.no_grad():
                ShapeProp(program).propagate(example)
            return program
    raise Inconclusive("the reference cannot be taken apart: its layers do not form a fixed graph", hint=_HINT)


def near(ours: object, theirs: object, tolerance: float = NEAR) -> bool:
    """Return whether two tensors have one shape and differ by at most the tolerance of their largest value."""
    if not isinstance(ours, Tensor) or not isinstance(theirs, Tensor) or ours.shape != theirs.shape:
        return False
    largest = float(theirs.abs().max()) if theirs.numel() else 0.0
    return bool((ours - theirs).abs().max() <= tolerance * max(largest, 1.0)) if theirs.numel() else True


def shape_of(node: fx.Node) -> tuple[int, ...]:
    """Return the shape of what a node gave for the example; () where it is no tensor."""
    meta = node.meta.get("tensor_meta")
    return tuple(getattr(meta, "shape", ()))


def layer_of(program: fx.GraphModule, node: fx.Node) -> nn.Module | None:
    """Return the layer that a node calls, where it calls one."""
    return program.get_submodule(str(node.target)) if node.op == "call_module" else None


def word(program: fx.GraphModule, node: fx.Node) -> str:
    """Return what a node does, in a word."""
    layer = layer_of(program, node)
    if layer is not None:
        return type(layer).__name__
    return str(getattr(node.target, "__name__", node.target))


def part(program: fx.GraphModule, after: fx.Node | None, until: fx.Node | None) -> fx.GraphModule:
    """Return the piece of a program from one node's value to another's; layers are shared with it.

    Args:
        program: As `read` returns it.
        after: Its value is what the piece takes; None for the program's input.
        until: Its value is what the piece gives; None for the program's output.
    """
    graph = fx.Graph()
    values: dict[fx.Node, fx.Node] = {}
    entrance = graph.placeholder("images" if after is None else "features")
    needed = _needed(program, after, until)
    for node in program.graph.nodes:
        if node is after or (after is None and node.op == "placeholder"):
            values[node] = entrance
        elif node in needed:
            values[node] = graph.node_copy(node, lambda taken: values[taken])
    last = until if until is not None else _result(program)
    graph.output(values[last])
    piece = fx.GraphModule(program, graph)
    piece.train(False)
    return piece


def bottlenecks(program: fx.GraphModule) -> Iterator[fx.Node]:
    """Yield, in order, the nodes that everything after them depends on the images through alone."""
    order = {node: place for place, node in enumerate(program.graph.nodes)}
    furthest = -1
    fed: set[fx.Node] = set()
    for place, node in enumerate(program.graph.nodes):
        if node.op == "output":
            return
        if node.op != "placeholder" and not any(source in fed for source in node.all_input_nodes):
            continue
        fed.add(node)
        if furthest <= place:
            yield node
        furthest = max([furthest, *(order[user] for user in node.users)])


def _result(program: fx.GraphModule) -> fx.Node:
    given = next(node for node in program.graph.nodes if node.op == "output").args[0]
    result: fx.Node = given
    return result


def _needed(program: fx.GraphModule, after: fx.Node | None, until: fx.Node | None) -> set[fx.Node]:
    needed: set[fx.Node] = set()
    pending = [until if until is not None else _result(program)]
    while pending:
        node = pending.pop()
        if node is not after and node not in needed:
            needed.add(node)
            pending.extend(node.all_input_nodes)
    return needed


def _attempt(
    attempt: Callable[[nn.Module, Tensor], fx.GraphModule], module: nn.Module, example: Tensor
) -> fx.GraphModule | None:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return attempt(module, example)
    except Exception:  # tracing runs the module's own code, which may raise anything
        return None


def _answer(program: fx.GraphModule, example: Tensor) -> object:
    try:
        with torch.no_grad():
            return program(example)
    except Exception:  # what was lost in tracing may raise anything
        return None


def _traced(module: nn.Module, example: Tensor) -> fx.GraphModule:
    program = module if isinstance(module, fx.GraphModule) else fx.symbolic_trace(module)
    if any(isinstance(node.target, torch._ops.OpOverload) for node in program.graph.nodes):
        return _lifted(program)
    return _tidied(fx.GraphModule(program, _copy(program)))


def _exported(module: nn.Module, example: Tensor) -> fx.GraphModule:
    shapes = ({0: torch.export.Dim.DYNAMIC},)
    program = torch.export.export(module, (example,), dynamic_shapes=shapes).module()
    assert isinstance(program, fx.GraphModule)  # noqa: S101  # what torch.export documents
    return _lifted(program)


def _copy(program: fx.GraphModule) -> fx.Graph:
    """Return the graph with one tensor as its output and no guards."""
    graph = fx.Graph()
    values: dict[fx.Node, fx.Node] = {}
    for node in program.graph.nodes:
        if node.op == "call_module" and node.target == _GUARDS:
            continue
        if node.op == "output":
            graph.output(values[_single(node.args[0])])
        else:
            values[node] = graph.node_copy(node, lambda taken: values[taken])
    return graph


def _single(given: Any) -> fx.Node:  # noqa: ANN401  # whatever the program returns
    while isinstance(given, (tuple, list)) and len(given) == 1:
        given = given[0]
    if not isinstance(given, fx.Node):
        raise TypeError("it returns several things")
    return given


def _tidied(program: fx.GraphModule) -> fx.GraphModule:
    _count_images_nearby(program.graph)
    program.graph.eliminate_dead_code()
    for node in program.graph.nodes:
        if node.kwargs.get("inplace"):
            node.update_kwarg("inplace", False)
    for layer in program.modules():
        if getattr(layer, "inplace", False) is True:
            layer.inplace = False  # type: ignore[assignment]
    program.recompile()
    program.train(False)
    return program


def _count_images_nearby(graph: fx.Graph) -> None:
    """Let operators that ask an earlier tensor how many images there are ask the one that they take."""
    for node in list(graph.nodes):
        if not _counts_images(node):
            continue
        for user in list(node.users):
            taken = user.args[0] if user.args else None
            if isinstance(taken, fx.Node) and taken not in (node, node.args[0]) and taken.op != "get_attr":
                with graph.inserting_before(user):
                    nearby = graph.call_method("size", (taken, 0))
                user.replace_input_with(node, nearby)


def _counts_images(node: fx.Node) -> bool:
    if (node.op == "call_method" and node.target == "size") or node.target is torch.ops.aten.sym_size.int:
        return bool(node.args[1:] == (0,))
    if node.target is not operator.getitem or node.args[1] != 0 or not isinstance(node.args[0], fx.Node):
        return False
    source = node.args[0]
    asked_shape = source.target is getattr and source.args[1] == "shape"
    return asked_shape or (source.op == "call_method" and source.target == "size" and len(source.args) == 1)


def _lifted(program: fx.GraphModule) -> fx.GraphModule:
    """Return an exported program whose convolutions, linear layers and batch norms are layers again."""
    from vetgate_delta.lift import lifted

    graph = _copy(program)
    return _tidied(lifted(fx.GraphModule(program, graph)))
