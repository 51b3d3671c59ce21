"""An archive, looked at before Keras reads it, and the network that Keras makes of it."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

from vetgate_runtime.feed import one_line
from vetgate_runtime.keras import strangers

from vetgate.api import MissingExtra, UnreadableArtifact

_MEMBERS = frozenset({"config.json", "metadata.json", "model.weights.h5"})
_LONGEST_CONFIG = 64 << 20
_SUFFIX = ".keras"
_HINT = "save it again with model.save('model.keras') of Keras 3"
CONVERT = (
    "import keras; m = keras.saving.load_model('MODEL', compile=False); m(keras.ops.zeros([1, *m.input_shape[1:]])); "
    "m.export('model.onnx', format='onnx')"
)
"""Keras exports only what was called before."""
_CONVERT = f'where you trust it, KERAS_BACKEND=torch python -c "{CONVERT}", then vet model.onnx'


@cache
def keras() -> Any:  # noqa: ANN401  # a module that sets itself up by variables
    """Return Keras on PyTorch and the CPU, with none of the user's settings.

    Raises:
        MissingExtra: It was loaded before on something else, or cannot be.
    """
    os.environ.update(KERAS_BACKEND="torch", KERAS_TORCH_DEVICE="cpu", KERAS_HOME=f"{os.devnull}/keras")
    try:
        import keras as found
    except ImportError as error:
        raise MissingExtra(f"Keras cannot be loaded: {one_line(error)}") from None
    if found.config.backend() != "torch":
        raise MissingExtra(f"Keras runs on {found.config.backend()} here, and vetgate opens models on torch")
    found.config.set_floatx("float32")
    found.config.set_image_data_format("channels_last")
    return found


def load(path: Path) -> Any:  # noqa: ANN401  # a keras.Model
    """Return the network of an archive, not compiled.

    Raises:
        UnreadableArtifact: Truncated or damaged, or it names more than Keras' own layers.
    """
    _require_known(path)
    found = keras()
    with _named(path) as named:
        try:
            return found.saving.load_model(str(named), compile=False, safe_mode=True)
        except Exception as error:  # Keras and h5py raise what they come upon
            raise UnreadableArtifact(
                f"Keras {found.__version__} cannot open it: {one_line(error)}", hint=_HINT
            ) from None


@contextmanager
def _named(path: Path) -> Iterator[Path]:
    """Yield the archive under a name that Keras takes: a copy where its own is another, for walls allow no link."""
    if path.suffix == _SUFFIX:
        yield path
        return
    with tempfile.TemporaryDirectory() as folder:
        yield Path(shutil.copyfile(path, Path(folder, f"model{_SUFFIX}")))


def _require_known(path: Path) -> None:
    try:
        with zipfile.ZipFile(path) as archive:
            names = sorted(member.filename for member in archive.infolist())
            if names != sorted(_MEMBERS):
                raise UnreadableArtifact(f"holds {', '.join(names)[:200]}, not the three parts of a model", hint=_HINT)
            with archive.open("config.json") as opened:
                text = opened.read(_LONGEST_CONFIG + 1)
        if len(text) > _LONGEST_CONFIG:
            raise UnreadableArtifact("has a longer configuration than any network", hint=_HINT)
        strange = list(dict.fromkeys(strangers(json.loads(text))))
    except (
        zipfile.BadZipFile,
        zlib.error,
        OSError,
        EOFError,
        ValueError,
        RecursionError,
        NotImplementedError,  # zipfile's word for a compression that it does not know
    ) as error:
        raise UnreadableArtifact(f"is a truncated or damaged Keras archive: {one_line(error)}", hint=_HINT) from None
    if strange:
        raise UnreadableArtifact(
            f"names {', '.join(strange[:5])}; vetgate opens archives of Keras' own plain layers alone", hint=_CONVERT
        )
