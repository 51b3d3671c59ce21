"""What every data source holds, and that at most one of them recognises a path."""

from __future__ import annotations

import io
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image
from vetgate_data.plugin import vetgate_data_sources

from vetgate.api import DataSourceSpec
from vetgate.testing import DataSourceContract

SPECS = {spec.name: spec for spec in vetgate_data_sources()}


def _png(shade: int) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (4, 3), (shade, 0, 255)).save(buffer, "PNG")
    return buffer.getvalue()


def _write_folder(folder: Path) -> Path:
    for place, name in enumerate(("cat/a.png", "cat/b.png", "dog/a.png")):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(_png(place))
    return folder


def _write_zip(folder: Path) -> Path:
    with zipfile.ZipFile(folder / "set.bin", "w") as archive:
        for place, name in enumerate(("cat/a.png", "dog/a.png")):
            archive.writestr(name, _png(place))
    return folder / "set.bin"


def _write_npz(folder: Path) -> Path:
    with (folder / "set.bin").open("wb") as file:
        np.savez(file, images=np.arange(2 * 4 * 3, dtype=np.uint8).reshape(2, 4, 3), labels=np.array([0, 1]))
    return folder / "set.bin"


def _write_idx(folder: Path) -> Path:
    pixels = bytes(range(2 * 4 * 3))
    (folder / "t10k-images-idx3-ubyte").write_bytes(struct.pack(">IIII", 0x803, 2, 4, 3) + pixels)
    (folder / "t10k-labels-idx1-ubyte").write_bytes(struct.pack(">II", 0x801, 2) + b"\1\0")
    return folder / "t10k-images-idx3-ubyte"


def _write_cifar(folder: Path) -> Path:
    (folder / "test_batch.bin").write_bytes(b"\3" + b"\x40" * 3072 + b"\7" + b"\x80" * 3072)
    return folder / "test_batch.bin"


def _write_parquet(folder: Path) -> Path:
    rows = [{"bytes": _png(place), "path": f"{place}.png"} for place in range(2)]
    pq.write_table(pa.table({"image": rows, "label": [0, 1]}), folder / "set.bin")
    return folder / "set.bin"


def _write_csv(folder: Path) -> Path:
    for place in range(2):
        (folder / f"{place}.png").write_bytes(_png(place))
    (folder / "set.bin").write_text("path,label\n0.png,cat\n1.png,dog\n", encoding="utf-8")
    return folder / "set.bin"


def _idx_folder(folder: Path) -> Path:
    return _write_idx(folder).parent


def _cifar_folder(folder: Path) -> Path:
    return _write_cifar(folder).parent


def _parquet_folder(folder: Path) -> Path:
    return _write_parquet(folder).rename(folder / "test-00000-of-00001.parquet").parent


WRITERS: dict[str, tuple[str, Callable[[Path], Path]]] = {
    "folder": ("image-folder", _write_folder),
    "zip": ("zip", _write_zip),
    "npz": ("npz", _write_npz),
    "idx": ("idx", _write_idx),
    "idx folder": ("idx", _idx_folder),
    "cifar": ("cifar-binary", _write_cifar),
    "cifar folder": ("cifar-binary", _cifar_folder),
    "parquet": ("parquet", _write_parquet),
    "parquet folder": ("parquet", _parquet_folder),
    "csv": ("csv", _write_csv),
}


class TestImageFolder(DataSourceContract):
    def spec(self) -> DataSourceSpec:
        return SPECS["image-folder"]

    def write(self, folder: Path) -> Path:
        return _write_folder(folder)


class TestZip(DataSourceContract):
    def spec(self) -> DataSourceSpec:
        return SPECS["zip"]

    def write(self, folder: Path) -> Path:
        return _write_zip(folder)


class TestNpz(DataSourceContract):
    def spec(self) -> DataSourceSpec:
        return SPECS["npz"]

    def write(self, folder: Path) -> Path:
        return _write_npz(folder)


class TestIdx(DataSourceContract):
    def spec(self) -> DataSourceSpec:
        return SPECS["idx"]

    def write(self, folder: Path) -> Path:
        return _write_idx(folder)


class TestCifarBinary(DataSourceContract):
    def spec(self) -> DataSourceSpec:
        return SPECS["cifar-binary"]

    def write(self, folder: Path) -> Path:
        return _write_cifar(folder)


class TestParquet(DataSourceContract):
    def spec(self) -> DataSourceSpec:
        return SPECS["parquet"]

    def write(self, folder: Path) -> Path:
        return _write_parquet(folder)


class TestCsv(DataSourceContract):
    def spec(self) -> DataSourceSpec:
        return SPECS["csv"]

    def write(self, folder: Path) -> Path:
        return _write_csv(folder)


@pytest.mark.parametrize("kind", WRITERS)
def test_exactly_one_source_claims_each_kind_of_set(tmp_path: Path, kind: str) -> None:
    owner, write = WRITERS[kind]
    path = write(tmp_path)
    assert [spec.name for spec in SPECS.values() if spec.recognise(path)] == [owner]
