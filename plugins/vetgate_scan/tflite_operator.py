"""What operators of a TFLite file run, and parameters of theirs that kernels divide by."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from vetgate.api import Severity
from vetgate_scan import tflite_rules as rule
from vetgate_scan.flat import FlatError, FlatTable
from vetgate_scan.found import Found, quoted

_CUSTOM = 32
_HIGHEST = 1000
_CARRIED = frozenset({b"TFLite_Detection_PostProcess", b"NumericVerify", b"Mfcc", b"AudioSpectrogram"})
"""Custom operators that the runtime itself brings."""
_FILES = (b"File", b"PyFunc", b"Save", b"Restore", b"Print", b"Dataset", b"Reader", b"Socket", b"Summary")
_LARGEST = 1 << 20
_PARAMETERS: dict[int, tuple[int, ...]] = {
    1: (1, 2, 4, 5), 2: (1, 2, 3, 5, 6), 5: (1, 2, 3, 4), 6: (0,), 19: (0,), 35: (0,), 49: (1, 2), 79: (0,), 94: (0,),
    106: (1, 2, 3, 5, 6, 7),
}  # fmt: skip
"""BuiltinOptions with strides, dilations, filters, blocks or numbers of parts to the fields that must be positive."""
_DILATIONS = {1: (4, 5), 2: (5, 6), 106: (5, 6, 7)}
"""Of these the fields that are 1 where they are left out; other ones that are left out are 0."""
_DEPTH_MULTIPLIER = (2, 3)
"""Old converters leave it out, and kernels compute it."""
_CALLS = {16: (0,), 92: (0, 1), 93: (0, 1), 103: (0,)}
"""BuiltinOptions to the fields that name a graph."""
_CALLS_2 = {6: (1,), 7: (6,), 13: (5,), 14: (2,), 15: (0, 1), 21: (1,)}
"""The same of BuiltinOptions2."""
_WHILE, _WHILE_2, _CASE_2 = 93, 15, 23


@dataclass(frozen=True)
class Code:
    """An operator code."""

    number: int
    custom: bytes


@dataclass(frozen=True)
class Call:
    """A graph that an operator runs."""

    graph: int
    condition: bool
    """Whether it says how long a loop goes on."""


def read_code(table: FlatTable, found: Found) -> Code:
    """Read an operator code and note what it runs."""
    number = max(table.number(0, "b"), table.number(3, "i"))
    name = table.text(1)
    if not 0 <= number < _HIGHEST:
        found.add(rule.DAMAGED, f"operator code {number} is none of TFLite")
    if number == _CUSTOM or (name and number == 0 and name.startswith(b"Flex")):
        _look_at_custom(name, found)
    return Code(number, name)


def _look_at_custom(name: bytes, found: Found) -> None:
    if name.startswith(b"Flex"):
        grave = Severity.CRITICAL if any(word in name for word in _FILES) else Severity.HIGH
        found.add(rule.FLEX, f"operator {quoted(name)} is a kernel of TensorFlow", severity=grave)
    elif name not in _CARRIED:
        found.add(rule.CUSTOM, f"operator {quoted(name)} is none of those that the runtime brings")
    else:
        found.add(rule.CUSTOM, f"operator {quoted(name)} is custom, but the runtime brings it", severity=Severity.LOW)


def look_at_options(operator: FlatTable, where: str, found: Found) -> None:
    """Note parameters that no kernel can work with."""
    kind, options = operator.number(3, "B"), operator.table(4)
    for field in _PARAMETERS.get(kind, ()) if options is not None else ():
        left_out = 1 if field in _DILATIONS.get(kind, ()) or (kind, field) == _DEPTH_MULTIPLIER else 0
        value = options.number(field, "i", left_out) if options is not None else 1
        if (kind, field) == _DEPTH_MULTIPLIER and value == 0:
            continue
        if not 0 < value <= _LARGEST:
            found.add(rule.PARAMETER, f"parameter {field} is {value:,}", where)


def calls(operator: FlatTable) -> Iterator[Call]:
    """Yield the graphs that an operator runs.

    Raises:
        FlatError: It lacks the options that name them.
    """
    kind, kind_2 = operator.number(3, "B"), operator.number(11, "B")
    for table, known, number, loop in (
        (operator.table(4), _CALLS, kind, _WHILE),
        (operator.table(12), _CALLS_2, kind_2, _WHILE_2),
    ):
        if table is None and number in known:
            raise FlatError(f"an operator at byte {operator.position:,} lacks its options")
        if table is not None:
            for field in known.get(number, ()):
                yield Call(table.number(field, "i"), condition=number == loop and field == 0)
    cases = operator.table(12)
    if kind_2 == _CASE_2 and cases is not None:
        for graph in cases.numbers(0, "i"):
            yield Call(graph, condition=False)
