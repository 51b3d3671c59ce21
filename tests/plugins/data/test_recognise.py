"""Which source a path belongs to: one at most, told by content, without reading much."""

from __future__ import annotations

import json
import pickle
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from vetgate_data.plugin import vetgate_data_sources
from vetgate_data.recognise import Source, source_of

Make = Callable[[dict[str, bytes]], Path]
BLACK = np.zeros((1, 32, 32, 3), dtype=np.uint8)


def claims(path: Path) -> list[str]:
    return [spec.name for spec in vetgate_data_sources() if spec.recognise(path)]


def test_each_file_is_claimed_by_its_own_source_under_any_name(
    grow: Make,
    pack: Make,
    encode: Callable[..., bytes],
    idx_bytes: Callable[..., bytes],
    cifar_bytes: Callable[..., bytes],
    tmp_path: Path,
) -> None:
    np.savez(tmp_path / "a.npz", images=BLACK)
    np.savez_compressed(tmp_path / "b.npz", images=BLACK)
    files = {
        "zip": pack({"a/1.png": encode()}).read_bytes(),
        "npz": (tmp_path / "a.npz").read_bytes(),
        "idx": idx_bytes(np.zeros((2, 3, 3))),
        "cifar-binary": cifar_bytes(BLACK, [3]),
        "parquet": b"PAR1 and the rest",
        "csv": b"path,label\na.png,0\n",
    }
    for expected, content in files.items():
        path = grow({"anything.dat": content}) / "anything.dat"
        assert claims(path) == [expected]
    assert claims(tmp_path / "b.npz") == ["npz"]
    assert claims(grow({"x.gz": idx_bytes(np.zeros((2, 3, 3)), zipped=True)}) / "x.gz") == ["idx"]


def test_each_folder_is_claimed_by_one_source(
    tmp_path: Path, encode: Callable[..., bytes], cifar_bytes: Callable[..., bytes]
) -> None:
    folders = {
        "image-folder": ("deep/er/1.JPG", encode()),
        "idx": ("t10k-images-idx3-ubyte.gz", b""),
        "cifar-binary": ("test_batch.bin", cifar_bytes(BLACK, [3])),
        "parquet": ("data/test-00000-of-00001.parquet", b"PAR1"),
    }
    for expected, (name, content) in folders.items():
        file = tmp_path / expected / name
        file.parent.mkdir(parents=True)
        file.write_bytes(content)
        (tmp_path / expected / "README.md").write_text("text")
        assert claims(tmp_path / expected) == [expected]


def test_a_folder_that_fits_several_sources_is_still_claimed_once(
    grow: Make, encode: Callable[..., bytes], cifar_bytes: Callable[..., bytes]
) -> None:
    names = {"a/1.png": encode(), "x-images-idx3-ubyte": b"", "x.parquet": b"", "test.bin": cifar_bytes(BLACK, [1])}
    assert claims(grow(names)) == ["cifar-binary"]


def test_a_dark_cifar_image_is_no_idx_file(grow: Make, cifar_bytes: Callable[..., bytes]) -> None:
    dark = BLACK.copy()
    dark[0, 0, :4, 0] = (0, 8, 3, 0)
    content = cifar_bytes(dark, [0])
    assert content[:4] == bytes((0, 0, 8, 3))
    assert claims(grow({"a.bin": content}) / "a.bin") == ["cifar-binary"]


def test_an_idx_file_of_the_size_of_a_cifar_record_is_an_idx_file(grow: Make, idx_bytes: Callable[..., bytes]) -> None:
    content = idx_bytes(np.zeros((1, 1, 3073 - 16)))
    assert len(content) == 3073
    assert claims(grow({"a": content}) / "a") == ["idx"]


def _checkpoint(folder: Path) -> Path:
    with zipfile.ZipFile(folder / "model", "w") as archive:
        archive.writestr("model/data.pkl", pickle.dumps({"weight": [1.0]}))
        archive.writestr("model/data/0", bytes(16))
        archive.writestr("model/extra/preview.png", b"")
    return folder / "model"


def _content(content: bytes) -> Callable[[Path], Path]:
    def write(folder: Path) -> Path:
        (folder / "file").write_bytes(content)
        return folder / "file"

    return write


def _loop(folder: Path) -> Path:
    (folder / "again").symlink_to(folder)
    return folder


@pytest.mark.parametrize(
    "write",
    [
        pytest.param(_checkpoint, id="a PyTorch checkpoint"),
        pytest.param(_content(b""), id="an empty file"),
        pytest.param(_content(b"PK\x05\x06" + bytes(18)), id="an empty zip"),
        pytest.param(_content(b"PK\x03\x04" + b"\xff" * 40), id="zip garbage"),
        pytest.param(_content(b"\x1f\x8b" + bytes(30)), id="gzip garbage"),
        pytest.param(_content(json.dumps({"path": 1}).encode()), id="JSON"),
        pytest.param(_content(b"a,b,c\n1,2,3\n"), id="a table of something else"),
        pytest.param(_content(b"text about a path"), id="text"),
        pytest.param(_content(b"name,label\n"), id="a table without paths"),
        pytest.param(_content(b"path,file\n"), id="a table with two columns of paths"),
        pytest.param(_content(bytes(3072)), id="less than a CIFAR record"),
        pytest.param(_content(b"\x0b" * 3073), id="a label that CIFAR does not have"),
        pytest.param(lambda folder: folder, id="an empty folder"),
        pytest.param(lambda folder: folder / "nowhere", id="nothing"),
        pytest.param(_loop, id="a folder that links to itself"),
    ],
)
def test_what_is_no_image_set_is_claimed_by_nobody(tmp_path: Path, write: Callable[[Path], Path]) -> None:
    assert claims(write(tmp_path)) == []


def test_what_does_not_hold_images_is_nobodys(grow: Make, tmp_path: Path) -> None:
    assert claims(grow({"a/model.onnx": b"", ".hidden/1.png": b""})) == []
    assert claims(tmp_path / "missing") == []
    assert claims(Path("/dev/null")) == []


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    start=st.sampled_from([b"", b"PK\x03\x04", b"PAR1", b"\x1f\x8b", b"\x00\x00\x08\x03", b"path,", b"\xef\xbb\xbf"]),
    rest=st.binary(max_size=200),
)
def test_any_bytes_have_at_most_one_source_and_raise_nothing(start: bytes, rest: bytes, tmp_path: Path) -> None:
    path = tmp_path / "any"
    path.write_bytes(start + rest)
    assert len(claims(path)) <= 1


def test_every_source_is_offered_once() -> None:
    specs = vetgate_data_sources()
    assert [spec.name for spec in specs] == [source.value for source in Source]
    assert {spec.name: spec.extra for spec in specs if spec.extra} == {"parquet": "parquet"}
    assert source_of(Path("/nowhere")) is None


def test_declaring_and_recognising_import_no_library(tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(b"PAR1")
    path = str(tmp_path / "x")
    code = (
        "import sys, pathlib, vetgate_data.plugin as plugin\n"
        f"names = [s.name for s in plugin.vetgate_data_sources() if s.recognise(pathlib.Path({path!r}))]\n"
        "assert names == ['parquet'], names\n"
        "heavy = {'numpy', 'PIL', 'pyarrow', 'scipy'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, env={"PYTHONPATH": ":".join(sys.path)})
