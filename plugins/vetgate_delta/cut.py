"""Where a classifier's last feature map is, what its classifier takes, and where its blocks end."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from math import prod
from typing import Final

from torch import Tensor, fx, nn

from vetgate.api import Inconclusive
from vetgate_delta.program import WEIGHTED, bottlenecks, layer_of, part, read, shape_of, word

_POOLS: Final = re.compile(r"pool|mean", re.IGNORECASE)
_LARGEST_SHARE: Final = 0.25
"""Of all layers with weights: a module with more is a part of the network that has blocks, not one block."""


@dataclass(frozen=True)
class Cut:
    """A classifier in three pieces that share its layers."""

    maps: nn.Module
    """Images to the last feature map (N, C_M, h, w), h w > 1: the last before pooling and classifier."""
    body: nn.Module
    """Images to F_B (N, D_B), what the classifier takes."""
    head: nn.Module
    """F_B (N, D_B) to the outputs (N, classes): every later layer."""


@dataclass(frozen=True)
class Block:
    """The end of a block: everything after it depends on the images through its map alone."""

    name: str
    """The map's node in the graph."""
    title: str
    """Layer or operator that makes the map, as the network calls it."""
    channels: int
    size: tuple[int, int]
    """(h, w) for the example."""


def cut(module: nn.Module, example: Tensor) -> Cut:
    """Return a classifier in three pieces; the head after the body equals it.

    Args:
        module: In eval mode, images to outputs (N, classes).
        example: Two images or more, as the module takes them.

    Raises:
        Inconclusive: It cannot be taken apart, has no feature map, or has layers between the map and the classifier's
            input that are no pooling.
    """
    program = read(module, example)
    places = list(bottlenecks(program))
    last = _last_map(program, places)
    entrance = _entrance(program, places, last)
    body: nn.Module = part(program, None, entrance)
    head: nn.Module = part(program, entrance, None)
    sides = shape_of(entrance)[1:]
    if len(sides) > 1:
        body, head = nn.Sequential(body, nn.Flatten(1)), nn.Sequential(nn.Unflatten(1, sides), head)
    return Cut(part(program, None, last), body.eval(), head.eval())


def blocks(program: fx.GraphModule, module: nn.Module) -> tuple[Block, ...]:
    """Return the ends of a network's blocks in order, that of the last feature map included.

    A block is what a residual sum closes, a module of several layers in the network's own code, or a single layer
    with its norm and activation.

    Args:
        program: The network as `vetgate_delta.program.read` gives it.
        module: The network itself.

    Raises:
        Inconclusive: It has no feature map.
    """
    places = list(bottlenecks(program))
    last = _last_map(program, places)
    maps = [node for node in places[: places.index(last) + 1] if _is_map(program, node)]
    ends = {}
    layers = _layers_up_to(program)
    inside = _inside(program, module)
    for node in maps:
        done = layers[node]
        if done and done not in inside:
            ends[done] = node
    ends[layers[last]] = last
    return tuple(_block(node) for node in ends.values())


def node_named(program: fx.GraphModule, name: str) -> fx.Node:
    """Return a node of a program.

    Raises:
        Inconclusive: It has none of that name.
    """
    named: dict[str, fx.Node] = {node.name: node for node in program.graph.nodes}
    if name in named:
        return named[name]
    raise Inconclusive(f"the reference has no inner tensor named {name}", hint="explain the reference that it is from")


def _block(node: fx.Node) -> Block:
    _, channels, height, width = shape_of(node)
    order = {other: place for place, other in enumerate(node.graph.nodes)}
    source = node
    while source.op != "call_module" and source.all_input_nodes:
        source = max(source.all_input_nodes, key=order.__getitem__)
    title = str(source.target) if source.op == "call_module" else node.name
    return Block(node.name, title, channels, (height, width))


def _is_map(program: fx.GraphModule, node: fx.Node) -> bool:
    shape = shape_of(node)
    return (
        len(shape) == 4
        and prod(shape[2:]) > 1
        and node.op != "placeholder"
        and not _POOLS.search(word(program, node))
        and _has_layer(program, node)
    )


def _has_layer(program: fx.GraphModule, node: fx.Node) -> bool:
    """Return whether a layer with weights stands before or at a node."""
    pending, seen = [node], set()
    while pending:
        current = pending.pop()
        if isinstance(layer_of(program, current), WEIGHTED):
            return True
        for source in current.all_input_nodes:
            if source not in seen:
                seen.add(source)
                pending.append(source)
    return False


def _last_map(program: fx.GraphModule, places: list[fx.Node]) -> fx.Node:
    pooled = next((place for place, node in enumerate(places) if _is_vector(shape_of(node))), len(places))
    maps = [node for node in places[:pooled] if _is_map(program, node)]
    if not maps:
        raise Inconclusive(
            "the reference has no feature map of more than one position that its answers depend on alone",
            hint="DELTA explains convolutional classifiers",
        )
    return maps[-1]


def _entrance(program: fx.GraphModule, places: list[fx.Node], last: fx.Node) -> fx.Node:
    """Return the first value after the last map that is one vector an image."""
    after = places[places.index(last) + 1 :]
    found = next((node for node in after if _is_vector(shape_of(node))), None)
    if found is None:
        raise Inconclusive("no layer of the reference takes one row of features an image, so it has no classifier")
    between = _layers_up_to(program)
    count = between[found] - between[last]
    if count:
        raise Inconclusive(
            f"{count} {'layer stands' if count == 1 else 'layers stand'} between the reference's last feature map"
            f" ({last.name}) and what its classifier takes, so the map does not show what the classifier sees",
            hint="DELTA explains convolutional classifiers",
        )
    return found


def _is_vector(shape: tuple[int, ...]) -> bool:
    return len(shape) in (2, 4) and prod(shape[1:]) == max(shape[1:])


def _layers_up_to(program: fx.GraphModule) -> dict[fx.Node, int]:
    """Return how many layers with weights run up to each node, its own included."""
    counts, done = {}, 0
    for node in program.graph.nodes:
        done += isinstance(layer_of(program, node), WEIGHTED)
        counts[node] = done
    return counts


def _inside(program: fx.GraphModule, module: nn.Module) -> set[int]:
    """Return after how many layers a block of the network's own code is not yet at its end."""
    called = [str(node.target) for node in program.graph.nodes if isinstance(layer_of(program, node), WEIGHTED)]
    owners = [_owner(module, path, called) for path in called]
    following = [*owners[1:], None]
    return {
        place + 1
        for place, (owner, after) in enumerate(zip(owners, following, strict=True))
        if owner and owner == after
    }


def _owner(module: nn.Module, path: str, called: list[str]) -> str | None:
    """Return the path of the block that a layer is in: the largest that is not half a network."""
    for prefix in _prefixes(path):
        try:
            holder = module.get_submodule(prefix)
        except AttributeError:
            return None
        holds = sum(other.startswith(f"{prefix}.") for other in called)
        row = isinstance(holder, nn.Sequential) or type(holder).__module__.startswith("torch.nn")
        if not row and 1 < holds <= max(_LARGEST_SHARE * len(called), 2):
            return prefix
    return None


def _prefixes(path: str) -> Iterator[str]:
    """Yield the paths of what holds a layer, the largest first."""
    names = path.split(".")
    for length in range(1, len(names)):
        yield ".".join(names[:length])
