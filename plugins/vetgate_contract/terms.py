"""One model's terms: what its file and its card say about what goes in and what comes out."""

from __future__ import annotations

from dataclasses import dataclass

from vetgate.api import Port, Subject


@dataclass(frozen=True)
class Terms:
    """What one model takes and gives; None where neither file nor card tells."""

    channels: int
    """Of the input: as the file says, else as the card does."""
    size: tuple[int, int]
    """(height, width) in pixels, from the card."""
    input: Port | None
    output: Port | None
    offset: int
    outputs: int | None
    """Length of the output (N, C), offset included, as the file says; None where it is no (N, C)."""
    names: tuple[str, ...] | None
    """Class names of the card."""
    kind: str
    """`logits` or `probabilities`, from the card."""

    @property
    def classes(self) -> int | None:
        """Number of classes: outputs less the offset, else the number of names in the card."""
        if self.outputs is not None:
            return self.outputs - self.offset
        return None if self.names is None else len(self.names)


def terms_of(subject: Subject) -> Terms:
    """Return the terms of one model."""
    card, structure = subject.card, subject.structure
    entrance = structure.inputs[0] if len(structure.inputs) == 1 else None
    exits = [port for port in structure.outputs if card.output.name in (None, port.name)]
    way_out = exits[0] if len(exits) == 1 else None
    channels = _channels(entrance, card.input.layout)
    return Terms(
        channels=card.input.channels if channels is None else channels,
        size=card.input.size,
        input=entrance,
        output=way_out,
        offset=card.output.offset,
        outputs=way_out.shape[1] if way_out and len(way_out.shape) == 2 else None,
        names=card.output.classes,
        kind=card.output.kind,
    )


def _channels(port: Port | None, layout: str) -> int | None:
    if port is None or len(port.shape) != 4:
        return None
    return port.shape[1] if layout == "NCHW" else port.shape[3]
