"""Where the operators of an opened model run."""

from __future__ import annotations

from typing import Any

_DELEGATE = "DELEGATE"


def placement(operators: list[dict[str, Any]] | None) -> tuple[str, tuple[str, ...]]:
    """Return the provider and notes on what it left to others.

    Args:
        operators: As the interpreter lists them: those of the file, then one for each part that a delegate took over;
            None where it does not say.
    """
    if operators is None:
        return "unknown", ("this release of LiteRT does not say what its delegate took over",)
    own = [entry for entry in operators if entry["op_name"] != _DELEGATE]
    taken = _taken(own, [entry for entry in operators if entry["op_name"] == _DELEGATE])
    left = sorted({str(entry["op_name"]) for entry in own if entry["index"] not in taken})
    if not taken:
        return "LiteRT kernels", ()
    if not left:
        return "XNNPACK", ()
    note = f"XNNPACK runs {len(taken)} of {len(own)} operators; LiteRT's own kernels run the rest: {', '.join(left)}"
    return "XNNPACK", (note,)


def _taken(own: list[dict[str, Any]], parts: list[dict[str, Any]]) -> set[int]:
    """Return the operators between the inputs and outputs of the delegate's parts."""
    makers = {int(tensor): entry for entry in own for tensor in entry["outputs"]}
    taken: set[int] = set()
    for part in parts:
        borders = {int(tensor) for tensor in part["inputs"]}
        pending = [int(tensor) for tensor in part["outputs"]]
        while pending:
            tensor = pending.pop()
            maker = makers.get(tensor)
            if tensor in borders or maker is None or int(maker["index"]) in taken:
                continue
            taken.add(int(maker["index"]))
            pending += [int(given) for given in maker["inputs"]]
    return taken
