"""The messages of onnx.proto (IR version 14): which fields each has, how they are written, how often they may come."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto

from vetgate_scan.wire import FIXED32, FIXED64, LENGTH, VARINT


class Kind(Enum):
    """A message."""

    MODEL = auto()
    GRAPH = auto()
    NODE = auto()
    ATTRIBUTE = auto()
    TENSOR = auto()
    SPARSE = auto()
    FUNCTION = auto()
    TRAINING = auto()
    VALUE = auto()
    TYPE = auto()
    TENSOR_TYPE = auto()
    SEQUENCE = auto()
    MAP = auto()
    OPAQUE = auto()
    SHAPE = auto()
    DIMENSION = auto()
    ENTRY = auto()
    OPSET = auto()
    ANNOTATION = auto()
    SEGMENT = auto()
    DEVICE = auto()
    NODE_DEVICE = auto()
    SHARDING = auto()
    INTEGERS = auto()
    SHARDED = auto()
    SIMPLE = auto()


@dataclass(frozen=True)
class Slot:
    """A field."""

    wire: int
    many: bool = False
    text: bool = False
    """Meant for people or as a name."""
    child: Kind | None = None
    packable: bool = False


def _slots(
    numbers: str = "", texts: str = "", blobs: str = "", children: dict[str, Kind] | None = None, **packed: str
) -> dict[int, Slot]:
    """Return slots by field number; a `*` after the number says that it may come many times."""
    slots = {_number(name): Slot(VARINT, "*" in name) for name in numbers.split()}
    slots |= {_number(name): Slot(LENGTH, "*" in name, text=True) for name in texts.split()}
    slots |= {_number(name): Slot(LENGTH, "*" in name) for name in blobs.split()}
    slots |= {_number(name): Slot(LENGTH, "*" in name, child=kind) for name, kind in (children or {}).items()}
    for wire, names in packed.items():
        slots |= {_number(name): Slot(_WIRES[wire], "*" in name, packable="*" in name) for name in names.split()}
    return slots


def _number(name: str) -> int:
    return int(name.rstrip("*"))


_WIRES = {"varints": VARINT, "floats": FIXED32, "doubles": FIXED64}

SLOTS: dict[Kind, dict[int, Slot]] = {
    Kind.MODEL: _slots(
        "1 5", "2 3 4 6",
        children={"8*": Kind.OPSET, "7": Kind.GRAPH, "14*": Kind.ENTRY, "20*": Kind.TRAINING, "25*": Kind.FUNCTION,
                  "26*": Kind.DEVICE},
    ),
    Kind.GRAPH: _slots(
        "", "2 10",
        children={"1*": Kind.NODE, "5*": Kind.TENSOR, "15*": Kind.SPARSE, "11*": Kind.VALUE, "12*": Kind.VALUE,
                  "13*": Kind.VALUE, "14*": Kind.ANNOTATION, "16*": Kind.ENTRY},
    ),
    Kind.NODE: _slots("", "1* 2* 3 4 6 7 8",
                      children={"5*": Kind.ATTRIBUTE, "9*": Kind.ENTRY, "10*": Kind.NODE_DEVICE}),
    Kind.ATTRIBUTE: _slots(
        "3 20", "1 13 21", "4 9*",
        {"5": Kind.TENSOR, "6": Kind.GRAPH, "10*": Kind.TENSOR, "11*": Kind.GRAPH, "14": Kind.TYPE, "15*": Kind.TYPE,
         "22": Kind.SPARSE, "23*": Kind.SPARSE},
        floats="2 7*", varints="8*",
    ),
    Kind.TENSOR: _slots(
        "2 14", "8 12", "6* 9", {"3": Kind.SEGMENT, "13*": Kind.ENTRY, "16*": Kind.ENTRY},
        varints="1* 5* 7* 11*", floats="4*", doubles="10*",
    ),
    Kind.SPARSE: _slots(children={"1": Kind.TENSOR, "2": Kind.TENSOR}, varints="3*"),
    Kind.FUNCTION: _slots(
        "2 3", "1 4* 5* 6* 8 10 13",
        children={"7*": Kind.NODE, "9*": Kind.OPSET, "11*": Kind.ATTRIBUTE, "12*": Kind.VALUE, "14*": Kind.ENTRY},
    ),
    Kind.TRAINING: _slots(children={"1": Kind.GRAPH, "2": Kind.GRAPH, "3*": Kind.ENTRY, "4*": Kind.ENTRY}),
    Kind.VALUE: _slots("", "1 3", children={"2": Kind.TYPE, "4*": Kind.ENTRY}),
    Kind.TYPE: _slots(
        "", "6",
        children={"1": Kind.TENSOR_TYPE, "4": Kind.SEQUENCE, "5": Kind.MAP, "9": Kind.SEQUENCE, "8": Kind.TENSOR_TYPE,
                  "7": Kind.OPAQUE},
    ),
    Kind.TENSOR_TYPE: _slots("1", children={"2": Kind.SHAPE}),
    Kind.SEQUENCE: _slots(children={"1": Kind.TYPE}),
    Kind.MAP: _slots("1", children={"2": Kind.TYPE}),
    Kind.OPAQUE: _slots("", "1 2"),
    Kind.SHAPE: _slots(children={"1*": Kind.DIMENSION}),
    Kind.DIMENSION: _slots("1", "2 3"),
    Kind.ENTRY: _slots("", "1 2"),
    Kind.OPSET: _slots("2", "1"),
    Kind.ANNOTATION: _slots("", "1", children={"2*": Kind.ENTRY}),
    Kind.SEGMENT: _slots("1 2"),
    Kind.DEVICE: _slots("2", "1 3*"),
    Kind.NODE_DEVICE: _slots("3", "1", children={"2*": Kind.SHARDING}),
    Kind.SHARDING: _slots("", "1", children={"3*": Kind.INTEGERS, "4*": Kind.SHARDED}, varints="2*"),
    Kind.INTEGERS: _slots("1", varints="2*"),
    Kind.SHARDED: _slots("1", children={"2*": Kind.SIMPLE}),
    Kind.SIMPLE: _slots("1 3", "2"),
}  # fmt: skip
