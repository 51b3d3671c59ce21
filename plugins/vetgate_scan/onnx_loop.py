"""Whether a Loop of an ONNX graph ends."""

from __future__ import annotations

from dataclasses import dataclass

from vetgate_scan import onnx_rules as rule
from vetgate_scan.found import Found
from vetgate_scan.onnx_size import Node, Scope
from vetgate_scan.onnx_tensor import Values

MOST_RUNS = 10_000_000
"""Of one graph by the constant counts of all loops around it."""


@dataclass(frozen=True)
class Body:
    """What is known of a graph inside a node."""

    inputs: tuple[bytes, ...]
    outputs: tuple[bytes, ...]
    constants: dict[bytes, Values]
    same: dict[bytes, bytes]
    """Output of each Identity to its input."""


def look_at_loop(node: Node, scope: Scope, body: Body, runs: float, found: Found) -> None:
    """Note a loop that runs too often, or for ever.

    Args:
        node: The loop; its inputs are the most runs and whether to begin.
        scope: Of the graph around it.
        body: Its graph: (run, go on, ...) to (go on, ...).
        runs: How often the loop itself runs.
        found: Where findings go.
    """
    begins = scope.of(node, 1)
    if begins and not begins[0]:
        return
    trips = scope.of(node, 0)
    unbounded = not node.inputs or not node.inputs[0] or (trips is not None and trips[0] * runs > MOST_RUNS)
    if not unbounded:
        return
    times = f"{trips[0] * runs:,.0f} times" if trips else "with no count"
    if _always(body, scope):
        found.add(rule.ENDLESS, f"it runs {times}, and nothing ends it before", node.where)
    else:
        found.add(rule.CONDITIONAL, f"it runs {times}, until its own condition ends it", node.where)


def _always(body: Body, scope: Scope) -> bool:
    """Return whether the condition of a loop's graph is never anything but true."""
    if not body.outputs:
        return True
    name = body.outputs[0]
    for _ in range(len(body.same) + 1):
        if name not in body.same:
            break
        name = body.same[name]
    values = body.constants.get(name) or scope.constant(name)
    return bool(values and values[0]) or (len(body.inputs) > 1 and name == body.inputs[1])
