"""Reads MNN models: offsets, operators, what they take and make, weights, files that they reach for."""

from __future__ import annotations

import math
import mmap
from pathlib import Path

from vetgate_runtime import mnn
from vetgate_runtime.flatbuffer import FlatBufferError, PastEndError, Table
from vetgate_runtime.mnn import OPERATORS, Net, Op
from vetgate_runtime.mnn_weight import LARGEST, MisfitError, weights_of

from vetgate.api import Finding, ScanContext, UnreadableArtifact
from vetgate_scan import mnn_rules as rule
from vetgate_scan.found import Found, quoted

_PLUGINS = frozenset({"Plugin", "Extra"})
_INNER = frozenset({"While", "If", "Raster"})
_INFERENCE = 0
_POOL = 31
_POOL_SIZES = {"kernel width": 3, "kernel height": 4, "stride": 5, "vertical stride": 6}
_LARGEST_SIZE = 1 << 20


class MnnScanner:
    """Reads the model."""

    def scan(self, context: ScanContext) -> tuple[Finding, ...]:
        """Return what was found.

        Raises:
            UnreadableArtifact: It is cut off and nothing worse.
        """
        return scan_file(context.artifact.file)


def scan_file(file: Path) -> tuple[Finding, ...]:
    """Return what was found in one file.

    Raises:
        UnreadableArtifact: It is cut off and nothing worse.
    """
    found = Found(file.name)
    try:
        with file.open("rb") as opened:
            net = mnn.read(memoryview(mmap.mmap(opened.fileno(), 0, access=mmap.ACCESS_READ)))
        _look_at_net(net, found)
        for op in net.ops:
            _look_at_op(op, net, found)
    except (FlatBufferError, ValueError, RecursionError, OverflowError) as error:
        if isinstance(error, PastEndError) and not found:
            raise UnreadableArtifact(f"{file.name} is truncated: {error}", hint=rule.DAMAGED.advice) from None
        found.add(rule.DAMAGED, f"it cannot be read to the end: {error}")
    return found.all()


def _look_at_net(net: Net, found: Found) -> None:
    if net.graphs or net.regions:
        found.add(rule.INNER, f"it has {net.graphs} further graphs" if net.graphs else "tensors are views of others")
    if net.usage != _INFERENCE:
        found.add(rule.INNER, f"it is made for use {net.usage}, training or one device, and not for inference")
    made: set[int] = set()
    for op in net.ops:
        where = _where(op)
        for place in (*op.inputs, *op.outputs):
            if not -1 <= place < len(net.tensors) or (place < 0 and place in op.outputs):
                found.add(rule.DAMAGED, f"it takes or makes tensor {place:,} of {len(net.tensors)}", where)
        late = [place for place in op.inputs if 0 <= place < len(net.tensors) and place not in made]
        if late:
            found.add(rule.DAMAGED, f"it takes tensor {late[0]:,}, which no operator before it makes", where)
        twice = [place for place in op.outputs if place in made]
        if twice:
            found.add(rule.DAMAGED, f"it makes tensor {twice[0]:,}, which another operator makes, too", where)
        made.update(op.outputs)


def _look_at_op(op: Op, net: Net, found: Found) -> None:
    where = _where(op)
    if op.number not in OPERATORS or op.type in _PLUGINS:
        found.add(rule.CUSTOM, f"it is {op.type}", where)
        return
    if op.type in _INNER:
        found.add(rule.INNER, f"it is {op.type}", where)
        return
    if op.elsewhere:
        found.add(rule.EXTERNAL, f"a part of it lies in {quoted(op.elsewhere)}", where)
    try:
        held = weights_of(op)
        if held.outside:
            found.add(rule.EXTERNAL, "its weights lie in another file", where)
        if held.unread:
            found.add(rule.MISFIT, f"{held.unread}, so nobody can say that it fits", where)
        if op.table is not None:
            _look_at_sizes(op, op.table, where, found)
    except MisfitError as error:
        found.add(rule.MISFIT, str(error), where)


def _look_at_sizes(op: Op, table: Table, where: str, found: Found) -> None:
    if op.kind == mnn.INPUT:
        shape = table.numbers(0, "i")
        if math.prod(max(1, abs(length)) for length in shape) > LARGEST:
            found.add(rule.GIANT, f"an image of {list(shape)}", where)
    if op.kind == _POOL and not table.integer(2, "B"):
        for name, field in _POOL_SIZES.items():
            value = table.integer(field, "i")
            if not 0 < value <= _LARGEST_SIZE:
                found.add(rule.MISFIT, f"its {name} is {value:,}", where)


def _where(op: Op) -> str:
    return f"operator {quoted(op.name)}"
