"""What this plugin declares: formats, each with what to do; it opens none of them."""

from __future__ import annotations

from collections.abc import Iterable

from vetgate.api import Backend, BackendSpec, FormatSpec, Inconclusive, hookimpl
from vetgate_elsewhere import recognise as told

_KERAS = (
    'turn it into an archive where you trust it: KERAS_BACKEND=torch python -c "import keras; '
    "keras.saving.load_model('MODEL', compile=False).save('model.keras')\", then vet model.keras"
)
_SAVED_MODEL = (
    "convert its folder where you trust it: python -m tf2onnx.convert --saved-model FOLDER --output model.onnx, or "
    "tf.lite.TFLiteConverter.from_saved_model(FOLDER), then vet that file"
)
_ENGINE = (
    "an engine runs on the GPU and the TensorRT it was built for alone: load it there into a Triton server and vet "
    "triton://HOST:PORT/MODEL, or vet the ONNX file that it was built from"
)
_NCNN = "name the .param of the text form in its place; ncnnoptimize and pnnx write it beside the binary one"
_PNNX = "name MODEL.ncnn.param in its place, which pnnx writes beside MODEL.pnnx.param, with MODEL.ncnn.bin"
_FORMATS = (
    FormatSpec("hdf5", "an HDF5 file, as Keras 2 wrote models", told.is_hdf5, advice=_KERAS),
    FormatSpec("saved-model", "the graph of a TensorFlow SavedModel", told.is_saved_model, advice=_SAVED_MODEL),
    FormatSpec("tensorrt", "a TensorRT engine", told.is_engine, advice=_ENGINE),
    FormatSpec("ncnn-binary", "ncnn's list of layers in binary, without names", told.is_binary_ncnn, advice=_NCNN),
    FormatSpec("pnnx", "PNNX's own list of operators, from which it makes ncnn's", told.is_pnnx, advice=_PNNX),
)


def _backend() -> Backend:
    raise Inconclusive("these formats are told, and not opened")


@hookimpl
def vetgate_backends() -> Iterable[BackendSpec]:
    """Declare the formats."""
    summary = "tells HDF5, SavedModel, TensorRT and PNNX files, and what to convert them to"
    return (BackendSpec(name="elsewhere", summary=summary, formats=_FORMATS, factory=_backend),)
