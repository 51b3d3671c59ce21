"""Tells ONNX from everything else by walking the first fields of a file. Standard library only."""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING

from vetgate_onnx.wire import LENGTH, VARINT, Field, TruncatedError, Window, WireError

if TYPE_CHECKING:
    from vetgate.api import Probe

_MODEL_FIELDS = {
    1: VARINT,  # ir_version
    2: LENGTH,  # producer_name
    3: LENGTH,  # producer_version
    4: LENGTH,  # domain
    5: VARINT,  # model_version
    6: LENGTH,  # doc_string
    7: LENGTH,  # graph
    8: LENGTH,  # opset_import
    14: LENGTH,  # metadata_props
    20: LENGTH,  # training_info
    25: LENGTH,  # functions
    26: LENGTH,  # configuration
}
_GRAPH_FIELDS = frozenset({1, 2, 5, 10, 11, 12, 13, 14, 15, 16})
_OPERATOR = re.compile(rb"[A-Za-z_][A-Za-z0-9_.:]{0,127}\Z")
_MOST_FIELDS = 20_000
"""Fields looked at in one message; a model of more functions or initialisers is judged by these."""
_MOST_FIELDS_IN_ALL = 10 * _MOST_FIELDS
_HIGHEST_IR = 99
_OP_TYPE = 4
_TEXT_FIELDS = frozenset({2, 3, 4})
_ENOUGH_TEXT = 256


@dataclass
class _Sight:
    """What has been seen of a file."""

    version: bool = False
    """A plausible IR version."""
    fields: int = 0
    """Further fields of a model."""
    graph: bool = False
    """A graph with a field that graphs have."""
    node: bool = False
    """A node with an operator type."""


def recognise(probe: Probe) -> bool:
    """Return whether the file is an ONNX model, or begins convincingly like one that was cut off."""
    sight = _Sight()
    try:
        with probe.path.open("rb") as file:
            _look_at_model(Window(file, probe.size, _MOST_FIELDS_IN_ALL), sight)
    except TruncatedError:
        return sight.node or (sight.version and (sight.graph or sight.fields > 0))
    except WireError:
        return sight.node and sight.version
    except (OSError, ValueError, OverflowError):
        return False
    return sight.graph and (sight.version or sight.node)


def _look_at_model(window: Window, sight: _Sight) -> None:
    """Walk the top of the file.

    Raises:
        TruncatedError: A field runs past the end of the file.
        WireError: Not ONNX, or damaged from here on.
    """
    for field in islice(window.fields(0, window.size), _MOST_FIELDS):
        if field.wire != _MODEL_FIELDS.get(field.number, field.wire):
            raise WireError(f"field {field.number} is of another type")
        if field.number == 1:
            sight.version = _plausible(field)
        elif field.number == 7:
            _look_at_graph(window, field, sight)
        elif field.number in _MODEL_FIELDS:
            _require_text(window, field)
            sight.fields += 1


def _look_at_graph(window: Window, graph: Field, sight: _Sight) -> None:
    for field in islice(window.fields(graph.start, graph.end), _MOST_FIELDS):
        if field.number in _GRAPH_FIELDS:
            if field.wire != LENGTH:
                raise WireError("no graph")
            sight.graph = True
        if field.number == 1 and _is_node(window, field):
            sight.node = True
            return


def _is_node(window: Window, node: Field) -> bool:
    """Return whether a message has an operator type, as every node has."""
    for field in islice(window.fields(node.start, node.end), _MOST_FIELDS):
        if field.number == _OP_TYPE:
            name = window.read(field.start, min(129, field.end - field.start))
            return field.wire == LENGTH and _OPERATOR.match(name) is not None
    return False


def _plausible(version: Field) -> bool:
    if not 0 < version.value <= _HIGHEST_IR:
        raise WireError("no version of ONNX")
    return True


def _require_text(window: Window, field: Field) -> None:
    """Refuse names that are no text: TensorFlow and Core ML keep other messages in these fields."""
    if field.number not in _TEXT_FIELDS:
        return
    data = window.read(field.start, min(_ENOUGH_TEXT, field.end - field.start))
    text = data.decode(errors="replace").rstrip("\ufffd")  # the last character may be cut in two
    if not all(character.isprintable() or character.isspace() for character in text):
        raise WireError("no text")
