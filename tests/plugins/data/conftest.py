from __future__ import annotations

import gzip
import io
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from vetgate_data.plugin import vetgate_data_sources

from vetgate.api import SampleSet

OpenData = Callable[[Path], SampleSet]


@pytest.fixture
def open_data() -> OpenData:
    """Open a path as the gate does: the one source that recognises it."""

    def open_path(path: Path) -> SampleSet:
        (spec,) = [spec for spec in vetgate_data_sources() if spec.recognise(path)]
        return spec.factory(path)

    return open_path


@pytest.fixture
def encode() -> Callable[..., bytes]:
    """Encode a small picture; `shade` tells pictures apart."""

    def make(shade: int = 0, mode: str = "RGB", kind: str = "PNG", size: tuple[int, int] = (5, 4)) -> bytes:
        file = io.BytesIO()
        Image.new("RGB", size, (shade, 100, 200)).convert(mode).save(file, kind)
        return file.getvalue()

    return make


@pytest.fixture
def grow(tmp_path: Path) -> Callable[[dict[str, bytes]], Path]:
    """Write files into a new folder `data`."""

    def make(files: dict[str, bytes]) -> Path:
        root = tmp_path / "data"
        for name, content in files.items():
            file = root / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(content)
        return root

    return make


@pytest.fixture
def pack(tmp_path: Path) -> Callable[[dict[str, bytes]], Path]:
    """Write files into a new archive `packed.zip`."""

    def make(files: dict[str, bytes]) -> Path:
        path = tmp_path / "packed.zip"
        with zipfile.ZipFile(path, "w") as archive:
            for name, content in files.items():
                archive.writestr(name, content)
        return path

    return make


@pytest.fixture
def idx_bytes() -> Callable[..., bytes]:
    def make(array: Any, *, zipped: bool = False) -> bytes:
        values = np.asarray(array, dtype=np.uint8)
        header = bytes((0, 0, 8, values.ndim)) + b"".join(length.to_bytes(4, "big") for length in values.shape)
        content = header + values.tobytes()
        return gzip.compress(content, mtime=0) if zipped else content

    return make


@pytest.fixture
def cifar_bytes() -> Callable[..., bytes]:
    """Encode (N, 32, 32, 3) images as CIFAR records; labels (N,) or (N, 2)."""

    def make(images: Any, labels: Any) -> bytes:
        planes = np.asarray(images, dtype=np.uint8).transpose(0, 3, 1, 2).reshape(len(images), -1)
        columns = np.asarray(labels, dtype=np.uint8).reshape(len(images), -1)
        return np.concatenate([columns, planes], axis=1).tobytes()

    return make
