"""Which part of the reference is kept: blocks are dropped from its end until a budget can be met."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from torch import Tensor, nn

from vetgate.api import WorkerFailed
from vetgate_delta.cut import Block, blocks, node_named
from vetgate_delta.groups import Group, Probed, count_parameters, find_groups
from vetgate_delta.mixture import masks_of
from vetgate_delta.program import part, read, shape_of

LEAST_SIDE: Final = 4
"""Positions along each side of a map that can be explained."""


@dataclass(frozen=True)
class Plan:
    """The part of the reference that is kept, before channels are removed."""

    network: Probed
    """Images to the map at its end, probed."""
    rest: nn.Module
    """That map to the reference's scores."""
    end: Block
    groups: tuple[Group, ...]
    dropped: tuple[str, ...]
    """Blocks after it, by the layer that ends each."""
    notes: tuple[str, ...]

    def parameters(self, sparsities: Mapping[str, float]) -> int:
        """Return how many parameters the part has at given sparsities, by group."""
        return count_parameters(self.network, self.groups, masks_of(self.groups, sparsities))

    def least(self) -> int:
        """Return how many it has at the largest sparsities that the search may choose."""
        return self.parameters({group.name: group.sparsities[-1] for group in self.groups})


def make_plan(module: nn.Module, example: Tensor, parameters: int, *, shallow: bool, whole: bool = False) -> Plan:
    """Return the deepest part that can meet a budget, at least one block short of the reference.

    Args:
        module: The reference, fresh: the part shares its layers.
        example: Two images or more, on the CPU.
        parameters: The most that the part may have once channels are removed.
        shallow: Whether the last stage is dropped, so that the map is finer.
        whole: Whether no channels are removed.

    Raises:
        Inconclusive: It cannot be taken apart, or has no feature map.
    """
    ends = blocks(read(module, example), module)
    chosen, notes = _choices(ends, shallow)
    plans = []
    for end in reversed(chosen):
        network, rest = trunk_at(module, example, end.name)
        groups, told = ((), ()) if whole else _groups(network, example)
        dropped = tuple(block.title for block in ends[ends.index(end) + 1 :])
        plan = Plan(network, rest, end, groups, dropped, (*notes, *told))
        if plan.least() <= parameters:
            return plan
        plans.append(plan)
    least = min(plans, key=Plan.least)
    note = (
        f"a budget of {parameters:,} parameters cannot be met: the smallest subgraph, which is taken, has"
        f" {least.least():,}"
    )
    return Plan(least.network, least.rest, least.end, least.groups, least.dropped, (*least.notes, note))


def trunk_at(module: nn.Module, example: Tensor, name: str) -> tuple[Probed, nn.Module]:
    """Return a network up to the map of a node, probed, and from there on.

    Raises:
        Inconclusive: It cannot be taken apart, or has no such node.
    """
    program = read(module.float(), example)
    node = node_named(program, name)
    return Probed(part(program, None, node), shape_of(node)[1]).eval(), part(program, node, None)


def _groups(network: Probed, example: Tensor) -> tuple[tuple[Group, ...], tuple[str, ...]]:
    try:
        return find_groups(network, example), ()
    except WorkerFailed as error:
        return (), (f"only blocks are dropped: {error.message}",)


def _choices(ends: tuple[Block, ...], shallow: bool) -> tuple[tuple[Block, ...], tuple[str, ...]]:
    """Return the blocks that the part may end with, in order, and what to tell."""
    if len(ends) == 1:
        return ends, ("no block could be dropped: the reference's map depends on its images through one block alone",)
    chosen, notes = ends[:-1], []
    large = tuple(end for end in chosen if min(end.size) >= LEAST_SIDE)
    if large:
        chosen = large
    else:
        notes.append(f"no map of the reference has {LEAST_SIDE} x {LEAST_SIDE} positions, so regions are coarse")
    if shallow:
        finer = tuple(end for end in chosen if _positions(end) > _positions(ends[-1]))
        if not finer:
            notes.append("no earlier map of the reference is finer than its last one, so only blocks were dropped")
        chosen = finer or chosen
    return chosen, tuple(notes)


def _positions(block: Block) -> int:
    return block.size[0] * block.size[1]
