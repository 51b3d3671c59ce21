"""What a configuration of Keras may name, so that Keras may build it: networks, layers and numbers of Keras' own."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

_LAYERS = """
InputLayer Dense EinsumDense Activation ReLU LeakyReLU PReLU ELU Softmax Identity Flatten Reshape Permute RepeatVector
Conv1D Conv2D Conv3D DepthwiseConv1D DepthwiseConv2D SeparableConv1D SeparableConv2D Conv1DTranspose Conv2DTranspose
Conv3DTranspose MaxPooling1D MaxPooling2D MaxPooling3D AveragePooling1D AveragePooling2D AveragePooling3D
GlobalMaxPooling1D GlobalMaxPooling2D GlobalMaxPooling3D GlobalAveragePooling1D GlobalAveragePooling2D
GlobalAveragePooling3D BatchNormalization LayerNormalization GroupNormalization UnitNormalization RMSNormalization
Normalization Rescaling Resizing CenterCrop ZeroPadding1D ZeroPadding2D ZeroPadding3D Cropping1D Cropping2D Cropping3D
UpSampling1D UpSampling2D UpSampling3D Concatenate Add Subtract Multiply Average Maximum Minimum Dot Dropout
SpatialDropout1D SpatialDropout2D SpatialDropout3D GaussianNoise GaussianDropout AlphaDropout MultiHeadAttention
GroupQueryAttention Attention AdditiveAttention Embedding LSTM GRU SimpleRNN ConvLSTM2D Bidirectional TimeDistributed
LSTMCell GRUCell SimpleRNNCell RNN StackedRNNCells Masking RandomFlip RandomRotation RandomZoom RandomTranslation
RandomCrop RandomContrast RandomBrightness
"""
_INITIALIZERS = """
Zeros Ones Constant Identity GlorotUniform GlorotNormal HeUniform HeNormal LecunUniform LecunNormal
RandomNormal RandomUniform TruncatedNormal VarianceScaling Orthogonal
"""
_NUMPY = """
Absolute Add Clip Concatenate Divide TrueDivide Exp ExpandDims Flip Matmul Max Maximum Mean Min Minimum Moveaxis
Multiply Negative Pad Power Ravel Repeat Reshape Sqrt Square Squeeze Stack Subtract Sum Tanh Transpose
"""
_NN = """
Relu Relu6 Sigmoid Softmax LogSoftmax Softplus Softsign Silu Gelu Elu Selu LeakyRelu HardSigmoid HardSilu
HardTanh MaxPool AveragePool Conv DepthwiseConv BatchNorm
"""
_ACTIVATIONS = """
linear relu relu6 sigmoid tanh softmax log_softmax softplus softsign swish silu gelu elu selu leaky_relu hard_sigmoid
hard_silu hard_swish hard_tanh exponential mish celu glu squareplus tanh_shrink soft_shrink hard_shrink sparse_plus
sparsemax log_sigmoid threshold
"""
ACTIVATIONS = frozenset(_ACTIVATIONS.split())
KNOWN: Mapping[str, frozenset[str]] = {
    "keras": frozenset({"Sequential", "DTypePolicy"}),
    "keras.src.models.functional": frozenset({"Functional"}),
    "keras.src.models.sequential": frozenset({"Sequential"}),
    "keras.layers": frozenset(_LAYERS.split()),
    "keras.initializers": frozenset(_INITIALIZERS.split()),
    "keras.regularizers": frozenset({"L1", "L2", "L1L2", "OrthogonalRegularizer"}),
    "keras.constraints": frozenset({"MaxNorm", "MinMaxNorm", "NonNeg", "UnitNorm"}),
    "keras.src.ops.numpy": frozenset(_NUMPY.split()),
    "keras.src.ops.nn": frozenset(_NN.split()),
}
"""Modules to classes that do nothing but arithmetic on what they are given, and read no file."""
_TENSOR = "__keras_tensor__"
_FUNCTIONS = frozenset({"builtins", "keras.activations"})
_COMPILED = "compile_config"
_MOST = 2_000_000


def strangers(config: object) -> Iterator[str]:
    """Yield what a model's configuration names that is not known to be harmless, each as a few words.

    Args:
        config: The parsed `config.json`. How the model was compiled is left out: it is not compiled again.
    """
    if not isinstance(config, dict):
        yield "no model"
        return
    waiting: list[object] = [{key: value for key, value in config.items() if key != _COMPILED}]
    for _ in range(_MOST):
        if not waiting:
            return
        value = waiting.pop()
        if isinstance(value, list):
            waiting += value
        elif isinstance(value, dict):
            told = _stranger(value)
            if told:
                yield told
            waiting += value.values()
    yield "more than any network"


def _stranger(value: dict[str, Any]) -> str:
    """Return what is strange about one object, not about those inside of it; empty where nothing is."""
    if value.get(_COMPILED):
        return "a model inside of the model that is compiled"
    for key in ("activation", "recurrent_activation"):
        if isinstance(value.get(key), str) and value[key] not in ACTIVATIONS:
            return f"activation {value[key][:100]}"
    if not {"class_name", "module", "registered_name"} & set(value):
        return ""
    name, module, registered = (value.get(key) for key in ("class_name", "module", "registered_name"))
    if name == _TENSOR and module is None:
        return ""
    if not isinstance(name, str) or not isinstance(module, str) or registered not in (None, name):
        return f"{str(module)[:100]}.{str(name)[:100]}, registered as {str(registered)[:100]}"
    if name == "function":
        known = module in _FUNCTIONS and isinstance(value.get("config"), str) and value["config"] in ACTIVATIONS
    else:
        known = name in KNOWN.get(module, ())
    return "" if known else f"{module[:100]}.{name[:100]}"
