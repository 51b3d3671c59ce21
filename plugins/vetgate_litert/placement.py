"""Where the operators of an opened model run."""

from __future__ import annotations

from typing import Any

from vetgate.api import Card, Placed
from vetgate_litert.declared import BUILTIN, XNNPACK

_DELEGATE = "DELEGATE"


def asked_provider(card: Card) -> str | None:
    """Return what the card asks for."""
    return card.execution.provider if card.execution is not None else None


def placement(
    operators: list[dict[str, Any]] | None, asked: str | None
) -> tuple[str, tuple[Placed, ...], tuple[str, ...]]:
    """Return the provider, how many operators run where, and notes on what it left to others.

    Args:
        operators: As the interpreter lists them: those of the file, then one for each part that a delegate took over;
            None where it does not say.
        asked: The provider that is asked for.
    """
    if operators is None:
        told = "this release of LiteRT does not say what its delegate took over"
        return (BUILTIN, (), ()) if asked == BUILTIN else ("unknown", (), (told,))
    own = [entry for entry in operators if entry["op_name"] != _DELEGATE]
    taken = _taken(own, [entry for entry in operators if entry["op_name"] == _DELEGATE])
    left = sorted({str(entry["op_name"]) for entry in own if entry["index"] not in taken})
    counts = ((XNNPACK, len(taken)), (BUILTIN, len(own) - len(taken)))
    placed = tuple(Placed(provider=name, operators=count) for name, count in counts if count)
    if not taken:
        return BUILTIN, placed, ()
    if not left:
        return XNNPACK, placed, ()
    note = f"XNNPACK runs {len(taken)} of {len(own)} operators; LiteRT's own kernels run the rest: {', '.join(left)}"
    return XNNPACK, placed, (note,)


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
