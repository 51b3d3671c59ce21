"""One model's terms: what its file and its card say about what goes in and what comes out."""

from __future__ import annotations

from dataclasses import dataclass

from vetgate.api import CardError, Port, Subject, Task


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
    """Classes that the output tells apart, offset included, as the file says; None where it does not say."""
    names: tuple[str, ...] | None
    """Class names of the card."""
    kind: str
    """`logits`, `probabilities`, `segmentation` or `detection`, from the card."""

    @property
    def classes(self) -> int | None:
        """Number of classes: outputs less the offset, else the number of names in the card."""
        if self.outputs is not None:
            return self.outputs - self.offset
        return None if self.names is None else len(self.names)


def terms_of(subject: Subject) -> Terms:
    """Return the terms of one model.

    Raises:
        CardError: The card's layout contradicts the file.
    """
    card, structure = subject.card, subject.structure
    entrance = structure.inputs[0] if len(structure.inputs) == 1 else None
    exits = [port for port in structure.outputs if card.output.name in (None, port.name)]
    way_out = exits[0] if len(exits) == 1 else None
    channels = _channels(entrance, subject)
    return Terms(
        channels=card.input.channels if channels is None else channels,
        size=card.input.size,
        input=entrance,
        output=way_out,
        offset=card.output.offset,
        outputs=_classes(way_out, subject) if way_out else None,
        names=card.output.classes,
        kind=card.output.kind,
    )


def _classes(port: Port, subject: Subject) -> int | None:
    """Return how many classes the file says that an output tells apart, those of the offset among them."""
    output = subject.card.output
    if output.segmentation is not None:
        return _classes_of_maps(port, subject, output.segmentation.layout)
    return port.shape[1] if output.task is Task.CLASSIFICATION and len(port.shape) == 2 else None


def _classes_of_maps(port: Port, subject: Subject, layout: str) -> int | None:
    """Return the classes of maps of scores, read by the card's layout.

    Raises:
        CardError: The card has the layout the wrong way round: only the other one fits the classes that it lists.
    """
    if layout == "NHW" or len(port.shape) != 4:
        return None
    output = subject.card.output
    names = len(output.classes or ())
    listed = names + output.offset
    here, there = (1, 3) if layout == "NCHW" else (3, 1)
    if port.shape[here] not in (None, listed) and port.shape[there] == listed:
        shape = " x ".join("?" if length is None else str(length) for length in port.shape)
        raise CardError(
            f"the card of {subject.artifact.name} lists {names} classes, but its output {shape} has {port.shape[here]} "
            f"in {layout}",
            hint=f"set output.segmentation.layout: {'NHWC' if layout == 'NCHW' else 'NCHW'} in the card; it is NCHW, "
            "NHWC or NHW",
        )
    return port.shape[here]


def _channels(port: Port | None, subject: Subject) -> int | None:
    """Return the channels that the file says, read by the card's layout.

    Raises:
        CardError: The card has the layout the wrong way round: only the other one fits its own colour.
    """
    if port is None or len(port.shape) != 4:
        return None
    card = subject.card.input
    here, there = (1, 3) if card.layout == "NCHW" else (3, 1)
    if port.shape[here] not in (None, card.channels) and port.shape[there] == card.channels:
        shape = " x ".join("?" if length is None else str(length) for length in port.shape)
        raise CardError(
            f"the card of {subject.artifact.name} says layout: {card.layout} and colour: {card.colour}, "
            f"but the model takes {shape}",
            hint=f"set layout: {'NHWC' if card.layout == 'NCHW' else 'NCHW'} in the card",
        )
    return port.shape[here]
