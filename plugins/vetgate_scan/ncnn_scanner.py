"""Reads ncnn's text line by line, and walks the weights by what it says."""

from __future__ import annotations

from pathlib import Path

from vetgate_runtime import ncnn
from vetgate_runtime.ncnn import CutOffError, Layer, NcnnError

from vetgate.api import Finding, ScanContext, UnreadableArtifact
from vetgate_scan import ncnn_rules as rule
from vetgate_scan.beside import weights_of
from vetgate_scan.found import Found, quoted
from vetgate_scan.mapped import mapped
from vetgate_scan.wire import Data

_LONGEST = 64 << 20
_LARGEST = 1 << 30
"""A parameter that is a whole number; what ncnn means by -233 and -234 is `taken from elsewhere`."""
_LEAST = -1_000_000
_POSITIVE: dict[str, tuple[int, ...]] = {
    **dict.fromkeys(("Convolution", "Convolution1D", "Deconvolution", "Deconvolution1D"), (0, 1, 2, 3, 11, 12, 13)),
    **dict.fromkeys(("ConvolutionDepthWise", "DeconvolutionDepthWise"), (0, 1, 2, 3, 7, 11, 12, 13)),
    "InnerProduct": (0,),
    "ShuffleChannel": (0,),
    "PixelShuffle": (0,),
    "Reorg": (0,),
}
"""Parameters that stand for lengths, strides and numbers of parts: 1 at least where they are stated."""


class NcnnScanner:
    """Reads the list of layers, and the weights beside it."""

    def scan(self, context: ScanContext) -> tuple[Finding, ...]:
        """Return what was found.

        Raises:
            UnreadableArtifact: Text or weights are cut off and nothing worse.
        """
        return scan_files(context.artifact.file, weights_of(context))


def scan_files(text: Path, weights: Path | None) -> tuple[Finding, ...]:
    """Return what was found in a list of layers and its weights, if they are there.

    Raises:
        UnreadableArtifact: One of them is cut off and nothing worse.
    """
    found = Found(text.name)
    reading = text
    try:
        layers = _layers(text)
        _look_at_blobs(layers, found)
        for layer in layers:
            _look_at_layer(layer, found)
        if weights is not None and not found:
            reading = weights
            with mapped(weights) as data:
                _look_at_weights(layers, data, weights.name, found)
    except CutOffError as error:
        if not found:
            raise UnreadableArtifact(f"{reading.name} is truncated: {error}", hint=rule.DAMAGED.advice) from None
        found.add(rule.DAMAGED, str(error))
    except NcnnError as error:
        found.add(rule.DAMAGED, str(error))
    return found.all()


def _layers(text: Path) -> list[Layer]:
    if text.stat().st_size > _LONGEST:
        raise NcnnError(f"the list of layers has more than {_LONGEST:,} bytes")
    try:
        return ncnn.parse(text.read_bytes().decode("utf-8"))
    except UnicodeDecodeError:
        raise NcnnError("the list of layers is no text") from None


def _look_at_blobs(layers: list[Layer], found: Found) -> None:
    made: set[str] = set()
    for layer in layers:
        for bottom in layer.bottoms:
            if bottom not in made:
                found.add(rule.BLOB, f"it takes {quoted(bottom)}, which no layer before it makes", _where(layer))
        for top in layer.tops:
            if top in made:
                found.add(rule.BLOB, f"it makes {quoted(top)}, which another layer makes, too", _where(layer))
            made.add(top)


def _look_at_layer(layer: Layer, found: Found) -> None:
    if layer.type in ncnn.UNKNOWN:
        found.add(rule.UNKNOWN, f"{quoted(layer.type)} takes weights in ways that are not followed", _where(layer))
    elif layer.type not in ncnn.RULES and layer.type not in ncnn.FREE:
        found.add(rule.CUSTOM, f"{quoted(layer.type)} is no layer of ncnn", _where(layer))
    for key, value in layer.numbers.items():
        least = 1 if key in _POSITIVE.get(layer.type, ()) else _LEAST
        if isinstance(value, int) and not least <= value <= _LARGEST:
            found.add(rule.PARAMETER, f"its parameter {key} is {value:,}", _where(layer))


def _look_at_weights(layers: list[Layer], data: Data, name: str, found: Found) -> None:
    end = 0
    with memoryview(data) as view:
        for stored in ncnn.walk(layers, view):
            end = ncnn.end_of(stored)
    if end != len(data):
        told = f"{len(data) - end:,} bytes of the weights belong to no layer"
        found.add(rule.WEIGHTS, told, f"byte {end:,}", file=name)


def _where(layer: Layer) -> str:
    return f"layer {quoted(layer.name)}"
