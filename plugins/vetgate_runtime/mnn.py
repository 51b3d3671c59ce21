"""What an MNN model holds, after its schema (schema/default/MNN.fbs), with every offset and index checked."""

from __future__ import annotations

import struct
from collections.abc import Mapping
from dataclasses import dataclass

from vetgate_runtime.flatbuffer import Bytes, FlatBufferError, Table

_FIRST = """
AbsVal QuantizedAdd ArgMax AsString InstanceNorm BatchToSpaceND Copy BinaryOp Bnll Cast Concat Const Convolution
ConvolutionDepthwise Crop CropAndResize ImageProcess Deconvolution DeconvolutionDepthwise Dequantize DetectionOutput
Dropout Eltwise ELU Unique Exp ExpandDims Fill Flatten Im2Col Gather GatherV2 Im2Seq InnerProduct Input Interp Log LRN
LSTM MatMul MoE NonMaxSuppression NonMaxSuppressionV2 Normalize Pack Padding Permute Pooling Power PReLU PriorBox
Proposal QuantizedAvgPool QuantizedBiasAdd QuantizedConcat QuantizedDepthwiseConv2D QuantizedLogistic
RasterAndInterpolate QuantizedMaxPool Texture RasterDiff QuantizedReshape QuantizedSoftmax QuantizeMaxMin QuantizeV2
Range Rank ReduceJoin Reduction ReLU ReLU6 RequantizationRange Requantize Reshape Resize RNN ROIPooling Scale Selu
Seq2Out Shape Sigmoid Size Slice SliceTf Softmax SpaceToBatchND SpatialProduct Col2Im Segment Squeeze StridedSlice
CastLike StringSplit StringToNumber TanH TfQuantizedConv2D Threshold Tile TopKV2 Transpose UnaryOp Unpack Where Moments
RNNSequenceGRU BatchMatMul Unsqueeze CosineSimilarity DepthToSpace SpaceToDepth ReverseSequence Pooling3D Convolution3D
MatrixBandPart GatherND DetectionPostProcess UnravelIndex ScatterNd OneHot BroadcastTo Dilation2D Interp3D
"""
_SECOND = """
Raster ConvertTensor ArgMin LinSpace RandomUniform TensorArray TensorArraySize TensorArrayRead TensorArrayWrite
TensorArrayGather TensorArrayScatter TensorArraySplit TensorArrayConcat LSTMBlockCell Reverse ROIAlign RandomNormal
TensorArrayInsert TensorArrayErase EyeLike CumSum Det CumProd ScatterElements GatherElements Svd Histogram DynamicQuant
Stft
"""
OPERATORS: Mapping[int, str] = {
    **dict(enumerate(_FIRST.split())),
    **dict(enumerate(_SECOND.split(), 128)),
    256: "Plugin", 257: "Select", 258: "ZerosLike", 259: "Broastcast", 260: "SetDiff1D", 261: "ReluGrad",
    262: "Identity", 263: "PoolGrad", 264: "SoftmaxGrad", 265: "Conv2DBackPropFilter", 266: "TrainableParam",
    267: "BatchNorm", 268: "ConvTranspose3D", 269: "ZeroGrad", 299: "Attention", 300: "FmhaV2", 301: "Fmhca",
    302: "SeqLen2Spatial", 303: "SplitGeLU", 304: "GroupNorm", 305: "LinearAttention", 306: "RoPE", 307: "FusedLinear",
    308: "GatedRMSNorm", 512: "Extra", 513: "ConvInt8", 514: "Int8ToFloat", 515: "DepthwiseConvInt8",
    517: "FloatToInt8", 518: "EltwiseInt8", 600: "While", 601: "If", 603: "LayerNorm", 604: "GridSample",
}  # fmt: skip
"""MNN 3.6's operators by number."""
BLOB, CONVOLUTION, INPUT = 7, 9, 21
"""Numbers of kinds of parameters."""
_TYPES = {
    1: ("float32", 4), 2: ("float64", 8), 3: ("int32", 4), 4: ("uint8", 1), 5: ("int16", 2), 6: ("int8", 1),
    9: ("int64", 8), 10: ("bool", 1), 14: ("bfloat16", 2), 17: ("uint16", 2), 19: ("float16", 2),
}  # fmt: skip
"""Data types: numpy's name, and bytes."""
LAYOUTS = {0: "NCHW", 1: "NHWC", 2: "NCHW"}
"""Of an input; the last is kept in packs of four channels inside of MNN, and fed like the first."""


@dataclass(frozen=True)
class Op:
    """One operator."""

    number: int
    name: str
    inputs: tuple[int, ...]
    """Tensors that it takes; -1 for one that is left out."""
    outputs: tuple[int, ...]
    kind: int
    """Of its parameters; 0 where it has none."""
    table: Table | None
    """Its parameters."""
    elsewhere: str
    """Path of a file that holds a part of it; empty where none does."""

    @property
    def type(self) -> str:
        """Return the operator's name, its number where MNN 3.6 knows none."""
        return OPERATORS.get(self.number, f"operator {self.number}")


@dataclass(frozen=True)
class Entry:
    """What a model is fed."""

    name: str
    shape: tuple[int | None, ...]
    """None where a length is free."""
    dtype: str
    layout: str


@dataclass(frozen=True)
class Net:
    """All that is read of a file, but for the weights."""

    tensors: tuple[str, ...]
    ops: tuple[Op, ...]
    named: tuple[str, ...]
    """Outputs that the file names."""
    graphs: int
    """Further graphs, which loops and branches run."""
    usage: int
    """0 for inference; others are for training, or for one device."""
    regions: bool
    """Whether tensors are said to be views of others' memory."""

    @property
    def outputs(self) -> tuple[str, ...]:
        """Names of the outputs: what nobody takes, where the file names none."""
        if self.named:
            return self.named
        taken = {place for op in self.ops for place in op.inputs}
        return tuple(self.tensors[place] for op in self.ops for place in op.outputs if place not in taken)

    @property
    def inputs(self) -> tuple[Entry, ...]:
        """What is fed.

        Raises:
            FlatBufferError: An input has no parameters, or makes no tensor.
        """
        return tuple(_entry(op, self.tensors) for op in self.ops if op.type == "Input")


def read(data: memoryview) -> Net:
    """Return what a file holds.

    Raises:
        FlatBufferError: An offset, an index or a length leads nowhere.
    """
    try:
        root = Bytes(data).root()
        tensors = tuple(root.texts(7))
        ops = tuple(_op(table) for table in root.tables(3))
        regions = any(_fields(entry) for entry in root.tables(1))
        net = Net(tensors, ops, tuple(root.texts(4)), len(list(root.tables(10))), root.integer(9, "b"), regions)
    except struct.error as error:
        raise FlatBufferError(f"a list is cut off: {error}") from None
    if not ops:
        raise FlatBufferError("it holds no operator")
    return net


def _fields(entry: Table) -> bool:
    return any(True for _ in entry.tables(3)) or entry.table(0) is not None


def _op(table: Table) -> Op:
    return Op(
        number=table.integer(5, "i"),
        name=table.text(3),
        inputs=table.numbers(0, "i"),
        outputs=table.numbers(4, "i"),
        kind=table.integer(1, "B"),
        table=table.table(2),
        elsewhere=table.text(7),
    )


def _entry(op: Op, tensors: tuple[str, ...]) -> Entry:
    if op.table is None or op.kind != INPUT or len(op.outputs) != 1 or not 0 <= op.outputs[0] < len(tensors):
        raise FlatBufferError(f"input {op.name!r} does not say what it takes")
    shape = tuple(length if length > 0 else None for length in op.table.numbers(0, "i"))
    dtype, _ = data_type(op.table.integer(1, "i", 1))
    layout = LAYOUTS.get(op.table.integer(2, "b", 2), "unknown")
    return Entry(tensors[op.outputs[0]], shape, dtype, layout)


def data_type(number: int) -> tuple[str, int]:
    """Return numpy's name of a data type and the bytes of one number; 0 bytes where it is none that is known."""
    return _TYPES.get(number, (f"type {number}", 0))
