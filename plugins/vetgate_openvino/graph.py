"""A model as OpenVINO reads it."""

from __future__ import annotations

from pathlib import Path

import openvino
from vetgate_runtime.feed import image_shape, one_line

from vetgate.api import Artifact, Card, Port, UnreadableArtifact

_HINT = "vetgate inspect shows what the file holds; export, convert or copy it again"


def load(artifact: Artifact) -> openvino.Model:
    """Return the graph of a model.

    Raises:
        UnreadableArtifact: Truncated, damaged, without its weights, or of operators that OpenVINO does not know.
    """
    try:
        core = openvino.Core()
        if artifact.format == "onnx":
            return core.read_model(str(artifact.file))
        return core.read_model(_text(artifact.file), str(_weights(artifact)))
    except UnreadableArtifact:
        raise
    except Exception as error:  # OpenVINO raises RuntimeError, and what its bindings make of others
        raise refused("cannot read it", error, artifact) from None


def _text(file: Path) -> str:
    """Return the path of the XML, after making sure that it ends as XML does: OpenVINO's message for it is long."""
    with file.open("rb") as opened:
        opened.seek(max(0, file.stat().st_size - 4096))
        if not opened.read().rstrip().endswith(b"</net>"):
            raise UnreadableArtifact("ends too soon: its XML is not closed", hint="copy or convert it again")
    return str(file)


def _weights(artifact: Artifact) -> Path:
    if len(artifact.members) == 2:
        return artifact.file.parent / artifact.members[1].name
    weights = artifact.file.with_suffix(".bin")
    if weights == artifact.file or not weights.is_file():
        raise UnreadableArtifact(
            "has no weights beside it",
            hint="an OpenVINO model is two files: name the .xml, and keep the .bin of the same name in its folder",
        )
    return weights


def refused(what: str, error: Exception, artifact: Artifact) -> UnreadableArtifact:
    """Return the error for what OpenVINO says, without the places in its source."""
    text = one_line(error, 4000).replace(str(artifact.file.parent) + "/", "")
    parts = [part.strip() for part in text.split(": ")]
    told = [part for part in parts if not part.startswith(("Exception from src", "Check '"))]
    reason = one_line(ValueError(": ".join(told) or text))
    return UnreadableArtifact(f"OpenVINO {what}: {reason}", hint=_HINT)


def ports(found: list[openvino.Output]) -> tuple[Port, ...]:
    """Return inputs or outputs; the batch and other free lengths are None."""
    return tuple(
        Port(
            name=next(iter(sorted(port.get_names())), port.get_node().get_friendly_name()),
            shape=tuple(lengths(port)),
            dtype=type_name(port.get_element_type()),
        )
        for port in found
    )


def lengths(port: openvino.Output) -> list[int | None]:
    """Return the lengths of a port, None where one is free."""
    shape = port.get_partial_shape()
    if shape.rank.is_dynamic:
        return []
    return [None if length.is_dynamic else int(length.get_length()) for length in shape]


def type_name(kind: openvino.Type) -> str:
    """Return numpy's name of an element type; OpenVINO's own, where numpy has none."""
    own = str(kind.get_type_name())
    return _NAMES.get(own, own)


_NAMES = {
    "f32": "float32", "f16": "float16", "f64": "float64", "bf16": "bfloat16", "i8": "int8", "u8": "uint8",
    "i16": "int16", "u16": "uint16", "i32": "int32", "u32": "uint32", "i64": "int64", "u64": "uint64",
    "boolean": "bool", "i4": "int4", "u4": "uint4",
}  # fmt: skip


def fix_shapes(graph: openvino.Model, card: Card | None, batch: int = 1) -> bool:
    """Give a graph of one image input the card's lengths, and a batch where it is free; return whether all fit."""
    if len(graph.inputs) != 1:
        return False
    shape = lengths(graph.inputs[0])
    wanted: tuple[int | None, ...] = (batch, *image_shape(card)) if card is not None else (batch, None, None, None)
    if len(shape) != 4:
        return False
    chosen = [want if have is None else have for have, want in zip(shape, wanted, strict=True)]
    if None in chosen:
        return False
    try:
        graph.reshape({graph.inputs[0]: openvino.PartialShape(chosen)})
    except RuntimeError:
        return False
    return True
