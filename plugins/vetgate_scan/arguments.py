"""Harmless functions that are harmless only with the arguments that checkpoints give them."""

from __future__ import annotations

import re
from collections.abc import Callable

from vetgate_scan.allowed import Global, Standing

_PLAIN_TYPE = re.compile(r"[<>|=]?([biufc?]\d{0,2}|[SUV]\d{0,9})", re.ASCII)
"""NumPy's numbers, texts and bytes of one length; arrays of objects hold pointers."""
_FLAGS = frozenset({0, 8, 16})
"""Of plain types; 8: their memory is to be set to zero, 16: elements are got through Python."""
MOST_BYTES = 1 << 30
"""A pickle of a few bytes can ask for a bytearray of any size."""


def oddity(called: Global, arguments: object, judge: Callable[[Global], Standing]) -> str:
    """Return what is odd about a call's arguments, or an empty text.

    Args:
        called: A name that may be called.
        arguments: A tuple of abstract values, or what the pickle gave instead of one.
        judge: Tells what may be done with a name.
    """
    if not isinstance(arguments, tuple):
        return "with arguments that are no tuple"
    check = _CHECKS.get(called.name)
    return check(arguments, judge) if check is not None else ""


def odd_state(made_by: Global | None, state: object) -> str:
    """Return what is odd about the state that something made is given, or an empty text.

    The state of a NumPy type says whether its elements are pointers; one that lies makes pointers of the file's bytes.

    Args:
        made_by: What was called to make it.
        state: An abstract value.
    """
    if made_by != Global("numpy", "dtype"):
        return ""
    if not isinstance(state, tuple) or len(state) != 8 or state[2:5] != (None, None, None):
        return "has parts: fields, or another type within"
    return "" if state[7] in _FLAGS and isinstance(state[7], int) else "states flags that no plain type has"


def _encode(arguments: tuple[object, ...], judge: Callable[[Global], Standing]) -> str:
    # other codecs compress and look modules up by name; Python writes bytes so in protocol 2
    return "" if len(arguments) == 2 and arguments[1] in ("latin1", "latin-1") else "with a codec other than latin1"


def _rebuild(arguments: tuple[object, ...], judge: Callable[[Global], Standing]) -> str:
    """Check who is called by `_rebuild_from_type_v2(function, type, arguments, state)`."""
    inner = arguments[0] if arguments else None
    if not isinstance(inner, Global) or not inner.name.startswith("_rebuild_") or judge(inner) is not Standing.CALL:
        return "to call what rebuilds no tensor"
    return ""


def _array(arguments: tuple[object, ...], judge: Callable[[Global], Standing]) -> str:
    kind = arguments[0] if arguments else None
    return "" if kind == Global("numpy", "ndarray") else "for a class other than numpy.ndarray"


def _default(arguments: tuple[object, ...], judge: Callable[[Global], Standing]) -> str:
    factory = arguments[0] if arguments else None
    harmless = factory is None or (isinstance(factory, Global) and judge(factory) is Standing.CALL)
    return "" if harmless else "with a factory that is no plain type"


def _sized(arguments: tuple[object, ...], judge: Callable[[Global], Standing]) -> str:
    huge = any(isinstance(value, int) and abs(value) > MOST_BYTES for value in arguments)
    return "for more than a gigabyte" if huge else ""


def _type(arguments: tuple[object, ...], judge: Callable[[Global], Standing]) -> str:
    kind = arguments[0] if arguments else None
    return "" if isinstance(kind, str) and _PLAIN_TYPE.fullmatch(kind) else "for a type that is not plain"


_CHECKS = {
    "dtype": _type,
    "encode": _encode,
    "_rebuild_from_type_v2": _rebuild,
    "_reconstruct": _array,
    "defaultdict": _default,
    **dict.fromkeys(("bytearray", "bytes", "list", "tuple", "set", "range"), _sized),
}
