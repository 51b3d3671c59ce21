"""How far the functions of an ONNX model unfold, and whether they ever end."""

from __future__ import annotations

from collections.abc import Mapping

from vetgate_scan import onnx_rules as rule
from vetgate_scan.found import Found, quoted
from vetgate_scan.onnx_graph import Callee, Owner

MOST_NODES = 2_000_000
"""After unfolding."""
DEEPEST_CALL = 64


def look_at_calls(functions: Mapping[Callee, Owner], graph: Owner, found: Found) -> None:
    """Note functions that call each other in a circle or too deeply, and a graph that unfolds to too many nodes."""
    sizes: dict[Callee, int] = {}
    for callee in functions:
        if not _unfold(callee, functions, sizes, (), found):
            return
    total = graph.nodes + sum(count * sizes.get(callee, 1) for callee, count in graph.calls.items())
    largest = max(sizes.values(), default=0)
    if max(total, largest) > MOST_NODES:
        found.add(rule.RECURSIVE, f"its functions unfold to {float(max(total, largest)):.3g} nodes")


def _unfold(
    callee: Callee, functions: Mapping[Callee, Owner], sizes: dict[Callee, int], path: tuple[Callee, ...], found: Found
) -> bool:
    """Set how many nodes a function unfolds to; return False where it never ends."""
    if callee in sizes:
        return True
    if callee in path or len(path) > DEEPEST_CALL:
        told = "calls itself" if callee in path else f"is called {len(path)} functions deep"
        found.add(rule.RECURSIVE, f"function {quoted(callee[0] + b'::' + callee[1])} {told}")
        return False
    total = functions[callee].nodes
    for inner, count in functions[callee].calls.items():
        if not _unfold(inner, functions, sizes, (*path, callee), found):
            return False
        total += count * sizes[inner]
    # larger numbers tell nothing more, and a hostile file could make one of a million digits
    sizes[callee] = min(total, 1 << 64)
    return True
