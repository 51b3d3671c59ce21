"""ncnn's two files: the text that names layers and their parameters, and the binary with their weights one by one.

After ncnn's own readers (paramdict.cpp, modelbin.cpp, net.cpp and load_model of each layer). What a layer takes of the
weights file is told by its parameters alone, so that the file can be walked without running anything.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

MAGIC = "7767517"
MOST_LAYERS = 100_000
MOST_PARAMETERS = 32
"""Identifiers of parameters, from 0; ncnn keeps them in an array of this size."""
_ARRAY = -23300
_KEY = re.compile(r"[-+]?\d{1,10}\Z", re.ASCII)
_COUNT = re.compile(r"\d{1,6}\Z", re.ASCII)
_REAL = re.compile(r"[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d{1,3})?\Z", re.ASCII)
_STRANGE = re.compile(r"[^\S \t\r\n]|\0")
"""Signs that Python takes for space and C does not, or the other way round: ncnn would see other words."""
_LONGEST_WORD, _LONGEST_NUMBER = 255, 15
"""Characters after which ncnn goes on with the next word, or the next number."""

Data = bytes | memoryview


class NcnnError(ValueError):
    """The text is no list of layers, or the weights are not what it says."""


class CutOffError(NcnnError):
    """The weights, or the list of layers, end too soon."""


@dataclass(frozen=True)
class Layer:
    """One line of the text."""

    type: str
    name: str
    bottoms: tuple[str, ...]
    """Blobs that it takes."""
    tops: tuple[str, ...]
    """Blobs that it makes."""
    numbers: dict[int, float]
    """Parameters that are one number, by identifier: int where it is written without a point."""
    texts: dict[int, str]
    """Parameters that are lists, as they are written."""

    def whole(self, key: int, default: int = 0) -> int:
        """Return a parameter that is a whole number.

        Raises:
            NcnnError: It is written as another number or as a list, of which ncnn takes the bits for a whole one.
        """
        value = self.numbers.get(key, default)
        if key in self.texts or not isinstance(value, int):
            raise NcnnError(f"parameter {key} of layer {self.name!r} is no whole number")
        return value


@dataclass(frozen=True)
class Slot:
    """What a layer takes of the weights."""

    name: str
    shape: tuple[int, ...]
    tagged: bool
    """Whether four bytes before it say how it is stored; else it is float32."""
    kind: str = "parameter"
    """`parameter`, `normalisation` or `state`."""

    @property
    def count(self) -> int:
        """How many numbers it has."""
        total = 1
        for length in self.shape:
            total *= length
        return total


@dataclass(frozen=True)
class Stored:
    """A tensor in the weights file."""

    layer: Layer
    slot: Slot
    dtype: str
    """float32, float16, int8, or table: bytes that stand for 256 numbers."""
    start: int
    length: int
    """Bytes of the numbers; padding and tables are not among them."""


def parse(text: str) -> list[Layer]:
    """Return the layers of a text.

    Raises:
        CutOffError: It ends before as many layers as it says.
        NcnnError: A line is no layer.
    """
    strange = _STRANGE.search(text)
    if strange:
        raise NcnnError(f"it has the sign {strange[0]!r}")
    lines = text.split("\n")
    layers, blobs = _counts(lines)
    if lines[-1].strip():  # every writer ends with a line break
        raise CutOffError(f"its last line, {len(lines)} for {layers} layers, does not end")
    written = [(number, line) for number, line in enumerate(lines[2:], 3) if line.strip()]
    if len(written) < layers:
        raise CutOffError(f"it ends after {len(written)} of {layers} layers")
    if len(written) > layers:
        raise NcnnError(f"it says that it has {layers} layers and has {len(written)}")
    found = [_layer(line, number) for number, line in written]
    made = sum(len(layer.tops) for layer in found)
    if made > blobs:  # ncnn reserves so many
        raise NcnnError(f"it says that it has {blobs} blobs and makes {made}")
    return found


def _counts(lines: list[str]) -> tuple[int, int]:
    """Return how many layers and blobs a text says it has."""
    if lines[0].strip() != MAGIC:
        raise NcnnError(f"it does not begin with {MAGIC}")
    head = lines[1].split() if len(lines) > 1 else []
    if len(head) != 2 or not all(map(_COUNT.match, head)):
        if len(lines) < 3:
            raise CutOffError("it does not say how many layers it has")
        raise NcnnError("its second line is not the number of layers and blobs")
    layers, blobs = map(int, head)
    if not 0 < layers <= MOST_LAYERS or not blobs:
        raise NcnnError(f"it says that it has {layers:,} layers and {blobs:,} blobs")
    return layers, blobs


def _layer(line: str, number: int) -> Layer:
    parts = line.split()
    if len(parts) < 4 or not _COUNT.match(parts[2]) or not _COUNT.match(parts[3]):
        raise NcnnError(f"line {number} is no layer")
    bottoms, tops = int(parts[2]), int(parts[3])
    names = parts[4 : 4 + bottoms + tops]
    if len(names) < bottoms + tops:
        raise NcnnError(f"line {number} names fewer blobs than it says")
    if max(map(len, (*parts[:2], *names))) > _LONGEST_WORD:
        raise NcnnError(f"line {number} has a name of more than {_LONGEST_WORD} characters")
    numbers: dict[int, float] = {}
    texts: dict[int, str] = {}
    for part in parts[4 + bottoms + tops :]:
        key, _, value = part.partition("=")
        if not _KEY.match(key) or not value or not _keep(int(key), value, numbers, texts, number):
            raise NcnnError(f"line {number} has {part[:40]!r}, which is no parameter")
    return Layer(parts[0], parts[1], tuple(names[:bottoms]), tuple(names[bottoms:]), numbers, texts)


def _keep(key: int, value: str, numbers: dict[int, float], texts: dict[int, str], line: int) -> bool:
    """Keep a parameter; return whether its value is one that ncnn reads as it is written."""
    is_list = key <= _ARRAY
    place = _ARRAY - key if is_list else key
    if not 0 <= place < MOST_PARAMETERS:
        raise NcnnError(f"line {line} has a parameter {key}; ncnn keeps {MOST_PARAMETERS}")
    if place in numbers or place in texts:
        raise NcnnError(f"line {line} has parameter {key} twice")
    if is_list or "," in value or value[0] == '"' or value[0].isalpha():
        texts[place] = value
        return len(value) <= _LONGEST_WORD or is_list or "," in value
    if len(value) > _LONGEST_NUMBER or not _REAL.match(value):
        return False
    numbers[place] = float(value) if set(value) & set(".eE") else int(value)
    return abs(numbers[place]) < 1 << 31 or isinstance(numbers[place], float)


Rule = Callable[[Layer], "list[Slot] | None"]


def _weight_and_bias(channels: int, size: int, bias: int, shape: Callable[[Layer, int, int], tuple[int, ...]]) -> Rule:
    """Return the rule of a layer whose parameters say channels, numbers of its weight and whether it has a bias."""

    def rule(layer: Layer) -> list[Slot]:
        out, numbers = layer.whole(channels), layer.whole(size)
        slots = [Slot("weight", shape(layer, out, numbers), True)]
        if layer.whole(bias):
            slots.append(Slot("bias", (out,), False))
        return slots

    return rule


def _filters(layer: Layer, out: int, numbers: int) -> tuple[int, ...]:
    width = layer.whole(1)
    height = layer.whole(11, width)
    each = out * width * height
    return (out, numbers // each, height, width) if each > 0 and numbers % each == 0 else (numbers,)


def _lines(layer: Layer, out: int, numbers: int) -> tuple[int, ...]:
    each = out * layer.whole(1)
    return (out, numbers // each, layer.whole(1)) if each > 0 and numbers % each == 0 else (numbers,)


def _rows(layer: Layer, out: int, numbers: int) -> tuple[int, ...]:
    return (out, numbers // out) if out > 0 and numbers % out == 0 else (numbers,)


def _quantised(rule: Rule, scales: Callable[[Layer], list[int]]) -> Rule:
    """Return a rule for a layer that also has scales where its weight is int8 (parameter 8)."""

    def with_scales(layer: Layer) -> list[Slot] | None:
        if layer.whole(19):  # its weight comes from another layer
            return []
        slots = rule(layer)
        if slots is None or not layer.whole(8):
            return slots
        return slots + [Slot(f"scales{place}", (count,), False, "state") for place, count in enumerate(scales(layer))]

    return with_scales


def _conv_scales(layer: Layer) -> list[int]:
    return [layer.whole(0), 1] + ([1] if layer.whole(8) > 100 else [])


def _depthwise_scales(layer: Layer) -> list[int]:
    each = layer.whole(7, 1) if layer.whole(8) in (1, 101) else 1
    return [each, 1] + ([1] if layer.whole(8) > 100 else [])


def _norm(size: int, affine: int, parts: tuple[str, ...] = ("gamma", "beta")) -> Rule:
    def rule(layer: Layer) -> list[Slot]:
        if not layer.whole(affine, 1):
            return []
        return [Slot(part, (layer.whole(size),), False, "normalisation") for part in parts]

    return rule


def _batch_norm(layer: Layer) -> list[Slot]:
    kinds = {"slope": "normalisation", "mean": "state", "variance": "state", "bias": "normalisation"}
    return [Slot(name, (layer.whole(0),), False, kind) for name, kind in kinds.items()]


def _scale(layer: Layer) -> list[Slot]:
    if layer.whole(0) == -233:  # it comes from another layer
        return []
    names = ["scale", "bias"] if layer.whole(1) else ["scale"]
    return [Slot(name, (layer.whole(0),), False) for name in names]


def _memory(layer: Layer) -> list[Slot]:
    lengths = tuple(length for key in (2, 11, 1, 0) if (length := layer.whole(key)))
    return [Slot("data", lengths, layer.whole(21, 1) == 0)]


def _gemm(layer: Layer) -> list[Slot] | None:
    if layer.whole(18):
        return None
    rows, columns, inner = (layer.whole(key) for key in (7, 8, 9))
    third = {0: (1,), 1: (rows,), 2: (rows, 1), 3: (rows, columns), 4: (1, columns)}.get(layer.whole(10))
    slots = [Slot("A", (rows, inner), True)] if layer.whole(4) else []
    slots += [Slot("B", (columns, inner), True)] if layer.whole(5) else []
    return slots + ([Slot("C", third, True)] if layer.whole(6) and third else [])


def _attention(layer: Layer) -> list[Slot] | None:
    wide, size = layer.whole(0), layer.whole(2)
    if layer.whole(18) or wide <= 0 or size % wide:
        return None
    query = size // wide
    shapes = (("q", query, wide), ("k", layer.whole(3, wide), wide), ("v", layer.whole(4, wide), wide))
    slots = []
    for name, given, out in (*shapes, ("out", wide, query)):
        slots += [Slot(f"{name}.weight", (out, given), True), Slot(f"{name}.bias", (out,), False)]
    return slots


def _embedding(layer: Layer) -> list[Slot] | None:
    if layer.whole(18):
        return None
    out = layer.whole(0)
    return [Slot("weight", _rows(layer, out, layer.whole(3)), True)] + (
        [Slot("bias", (out,), False)] if layer.whole(2) else []
    )


_CONVOLUTION, _ALONG_A_LINE = _weight_and_bias(0, 6, 5, _filters), _weight_and_bias(0, 6, 5, _lines)
RULES: dict[str, Rule] = {
    "Convolution": _quantised(_CONVOLUTION, _conv_scales),
    "ConvolutionDepthWise": _quantised(_CONVOLUTION, _depthwise_scales),
    "Convolution1D": _quantised(_ALONG_A_LINE, _conv_scales),
    "ConvolutionDepthWise1D": _quantised(_ALONG_A_LINE, _depthwise_scales),
    **dict.fromkeys(("Deconvolution", "DeconvolutionDepthWise"), _CONVOLUTION),
    **dict.fromkeys(("Deconvolution1D", "DeconvolutionDepthWise1D"), _ALONG_A_LINE),
    "InnerProduct": _quantised(_weight_and_bias(0, 2, 1, _rows), lambda layer: [layer.whole(0), 1]),
    "BatchNorm": _batch_norm,
    "Scale": _scale,
    "Bias": lambda layer: [Slot("bias", (layer.whole(0),), False)],
    "PReLU": lambda layer: [Slot("slope", (layer.whole(0),), False)],
    "InstanceNorm": _norm(0, 2),
    "GroupNorm": _norm(1, 3),
    "LayerNorm": _norm(0, 2),
    "RMSNorm": _norm(0, 2, ("gamma",)),
    "MemoryData": _memory,
    "Gemm": _gemm,
    "MultiHeadAttention": _attention,
    "Embed": _embedding,
}
"""Layers that take weights, where they are known."""
_SCALED = frozenset({"Convolution", "ConvolutionDepthWise", "Convolution1D", "ConvolutionDepthWise1D", "InnerProduct"})
UNKNOWN = frozenset(
    {"LSTM", "GRU", "RNN", "Normalize", "Convolution3D", "ConvolutionDepthWise3D", "Deconvolution3D",
     "DeconvolutionDepthWise3D", "DeformableConv2D", "SDPA"}
)  # fmt: skip
"""Layers that take weights in ways that are not followed here."""
FREE = frozenset(
    {"AbsVal", "BNLL", "Concat", "Crop", "Dropout", "Eltwise", "ELU", "Exp", "Flatten", "Input", "Log",
     "LRN", "MVN", "Pooling", "Power", "Proposal", "Reduction", "ReLU", "Reshape", "ROIPooling", "Sigmoid", "Slice",
     "Softmax", "Split", "TanH", "Threshold", "Tile", "BinaryOp", "UnaryOp", "Padding", "Squeeze",
     "ExpandDims", "Permute", "PriorBox", "DetectionOutput", "Interp", "ShuffleChannel", "Quantize", "Dequantize",
     "Yolov3DetectionOutput", "YoloDetectionOutput", "PSROIPooling", "ROIAlign", "Packing", "Requantize", "Cast",
     "HardSigmoid", "SELU", "HardSwish", "Noop", "PixelShuffle", "DeepCopy", "Mish", "Reorg", "Swish",
     "Einsum", "MatMul", "GELU", "Pooling1D", "Pooling3D", "Fold", "Unfold", "GLU", "CELU", "Shrink", "Erf", "Diag",
     "GridSample", "CumulativeSum", "CopyTo", "StatisticsPooling", "Flip", "RotaryEmbed", "Spectrogram",
     "InverseSpectrogram"}
)  # fmt: skip
"""Layers that take no weights."""


def walk(layers: Sequence[Layer], data: Data) -> Iterator[Stored]:
    """Yield the tensors of a weights file in their order; the last one's end is where the file must end.

    Raises:
        CutOffError: The file ends too soon.
        NcnnError: A layer says that it takes an impossible number of weights, or what it takes is not known.
    """
    place = 0
    for layer in layers:
        if layer.type in FREE:
            continue
        rule = RULES.get(layer.type)
        slots = rule(layer) if rule is not None else None
        if slots is None:
            raise NcnnError(f"what layer {layer.name!r} of type {layer.type!r} takes of the weights is not known")
        for slot in slots:
            stored, place = _stored(layer, slot, data, place)
            yield stored


def end_of(stored: Stored) -> int:
    """Return where a tensor ends, its padding included."""
    return stored.start + stored.length + (-stored.length % 4)


def _stored(layer: Layer, slot: Slot, data: Data, place: int) -> tuple[Stored, int]:
    if any(length < 0 for length in slot.shape) or slot.count > 1 << 33:
        raise NcnnError(f"layer {layer.name!r} says that it takes {slot.shape} numbers")
    dtype, each = "float32", 4
    if slot.tagged:
        if place + 4 > len(data):
            raise CutOffError(f"the weights end too soon, at layer {layer.name!r}")
        tag = int.from_bytes(data[place : place + 4], "little")
        dtype, each, table = _KINDS.get(tag, ("table", 1, 1024))
        place += 4 + table
        if dtype == "int8" and (layer.type not in _SCALED or not layer.whole(8)):  # ncnn would look for its scales
            raise NcnnError(f"layer {layer.name!r} has weights of int8 and no scales for them")
    found = Stored(layer, slot, dtype, place, slot.count * each)
    if end_of(found) > len(data):
        raise CutOffError(f"the weights end too soon, at layer {layer.name!r}")
    return found, end_of(found)


_KINDS = {
    0: ("float32", 4, 0),
    0x01306B47: ("float16", 2, 0),
    0x000D4B38: ("int8", 1, 0),
    0x0002C056: ("float32", 4, 0),
}
"""The four bytes before a weight: how it is stored, bytes of a number, bytes of a table before it."""
