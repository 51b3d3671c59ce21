"""Reads ExecuTorch programs: offsets, values, operators, delegates, constants; not what XNNPACK is handed."""

from __future__ import annotations

import math
import mmap
from pathlib import Path

from vetgate_runtime import pte
from vetgate_runtime.flatbuffer import FlatBufferError
from vetgate_runtime.pte import CutOffError, Method, Program

from vetgate.api import Finding, ScanContext, UnreadableArtifact
from vetgate_scan import pte_rules as rule
from vetgate_scan.found import Found, quoted

_DELEGATES = frozenset({"XnnpackBackend"})
_NAMESPACES = frozenset({"aten", "dim_order_ops", "executorch_prim", "prim", "quantized_decomposed"})
_LARGEST = 1 << 32
"""Elements of a tensor."""


class PteScanner:
    """Reads the program."""

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
            program = pte.read(memoryview(mmap.mmap(opened.fileno(), 0, access=mmap.ACCESS_READ)))
        for method in program.methods:
            _look_at_method(method, program, found)
    except CutOffError as error:
        raise UnreadableArtifact(f"{file.name} is truncated: {error}", hint=rule.DAMAGED.advice) from None
    except (FlatBufferError, ValueError, RecursionError, OverflowError) as error:
        found.add(rule.DAMAGED, f"it cannot be read to the end: {error}")
    return found.all()


def _look_at_method(method: Method, program: Program, found: Found) -> None:
    where = f"method {quoted(method.name)}"
    for name in sorted(set(method.delegates) - _DELEGATES):
        found.add(rule.DELEGATE, f"{quoted(name)} is handed a part of it", where)
    for name in sorted({name.split("::")[0] for name in method.operators} - _NAMESPACES):
        found.add(rule.CUSTOM, f"it calls operators of {quoted(name)}", where)
    for index in (*method.inputs, *method.outputs):
        if not 0 <= index < len(method.values):
            found.add(rule.DAMAGED, f"value {index:,} of {len(method.values)} goes in or out", where)
    _look_at_values(method, program, where, found)


def _look_at_values(method: Method, program: Program, where: str, found: Found) -> None:
    for number, value in enumerate(method.values):
        if value is None:
            continue
        place, elements = f"{where}, value {number}", math.prod(value.shape)
        if elements > _LARGEST:
            found.add(rule.GIANT, f"a tensor of {elements:,} numbers", place)
        if value.external:
            found.add(rule.EXTERNAL, "it is said to lie in another file", place)
        if not value.buffer or value.external:
            continue
        if value.buffer >= len(program.constants):
            found.add(rule.DAMAGED, f"it is constant {value.buffer:,} of {len(program.constants)}", place)
        elif value.bits and elements * value.bits // 8 > len(program.constants[value.buffer]):
            held = len(program.constants[value.buffer])
            found.add(rule.CONSTANT, f"its shape {list(value.shape)} does not fit {held:,} bytes", place)
