"""What one model takes and gives, from its file where that tells, else from its card."""

from __future__ import annotations

from dataclasses import dataclass

from vetgate.api import CardError, Port, Subject


@dataclass(frozen=True)
class Contract:
    """One model's contract; None where neither file nor card tells."""

    classes: int | None
    """Outputs that stand for classes, the card's offset taken off."""
    names: tuple[str, ...] | None
    channels: int
    size: tuple[int, int]
    """(height, width)"""
    kind: str
    offset: int
    input_type: str | None
    output_type: str | None


def contract_of(subject: Subject) -> Contract:
    """Return the contract of one model.

    Raises:
        CardError: The card lists another number of class names than the model has outputs for.
    """
    card, structure = subject.card, subject.structure
    given = structure.inputs[0] if len(structure.inputs) == 1 else None
    answer = _answer(subject)
    columns = answer.shape[-1] if answer is not None and len(answer.shape) >= 2 else None
    classes = columns - card.output.offset if columns is not None else None
    names = card.output.classes
    if names is not None and classes is not None and len(names) != classes:
        raise CardError(
            f"the card of {subject.artifact.name} lists {len(names)} classes, but the model has {classes} outputs "
            f"for classes (offset {card.output.offset})",
            hint="list every class once, and set output.offset if the first outputs are no class",
        )
    if classes is None and names is not None:
        classes = len(names)
    return Contract(
        classes=classes,
        names=names,
        channels=_channels(given, card.input.layout) or card.input.channels,
        size=card.input.size,
        kind=card.output.kind,
        offset=card.output.offset,
        input_type=given.dtype if given else None,
        output_type=answer.dtype if answer else None,
    )


def _answer(subject: Subject) -> Port | None:
    """Return the output that holds the classes, where it is clear which one that is."""
    wanted = subject.card.output.name
    ports = [port for port in subject.structure.outputs if wanted in (None, port.name)]
    return ports[0] if len(ports) == 1 else None


def _channels(port: Port | None, layout: str) -> int | None:
    if port is None or len(port.shape) != 4:
        return None
    return port.shape[1 if layout == "NCHW" else 3]
