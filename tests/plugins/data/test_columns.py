"""Metadata columns: what is known of every image besides its class, by which a policy can slice."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st
from vetgate_data.column import number_text

from vetgate.api import DataError, Samples, SampleSet

OpenData = Callable[[Path], SampleSet]
Make = Callable[[dict[str, bytes]], Path]
Encode = Callable[..., bytes]


@pytest.fixture(params=["folder", "zip"])
def write(request: pytest.FixtureRequest, grow: Make, pack: Make) -> Make:
    return grow if request.param == "folder" else pack


def columns(samples: Samples) -> dict[str, list[str]]:
    return {name: list(values) for name, values in samples.columns.items()}


def test_every_other_column_of_a_manifest_is_metadata(grow: Make, open_data: OpenData) -> None:
    text = b",path, weather ,label,night\n0,a.png,rain,0,yes\n1,b.png,,1, no \n"
    source = open_data(grow({"list.csv": text}) / "list.csv")
    assert columns(source.samples) == {"weather": ["rain", ""], "night": ["yes", "no"]}


def test_data_without_metadata_has_no_columns(
    grow: Make, encode: Encode, open_data: OpenData, tmp_path: Path, cifar_bytes: Callable[..., bytes]
) -> None:
    np.savez(tmp_path / "set.npz", images=np.zeros((2, 3, 3), np.uint8), labels=[0, 1], classes=["a", "b"])
    plain = {
        "list.csv": b"path,label\na.png,0\n",
        "test_batch.bin": cifar_bytes(np.zeros((1, 32, 32, 3)), [3]),
        "folder/cat/1.png": encode(),
    }
    root = grow(plain)
    for path in (root / "list.csv", root / "test_batch.bin", root / "folder", tmp_path / "set.npz"):
        assert columns(open_data(path).samples) == {}


@pytest.mark.parametrize("name", ["brightness", "Contrast", "size", "batch"])
def test_a_name_that_slices_use_otherwise_is_refused_with_the_line(name: str, grow: Make, open_data: OpenData) -> None:
    root = grow({"list.csv": f"path,label,{name}\na.png,0,1\n".encode()})
    with pytest.raises(DataError, match=rf"list\.csv:1: the column '{name}' has a name that slices use") as refused:
        open_data(root / "list.csv")
    assert f"rename it, such as to {name}_of_scene" in refused.value.hint


def test_two_columns_of_labels_are_not_silently_none(grow: Make, open_data: OpenData) -> None:
    with pytest.raises(DataError, match=r"the column 'label' has a name|two columns are named"):
        open_data(grow({"list.csv": b"path,label,Label\na.png,0,1\n"}) / "list.csv")


@pytest.mark.parametrize(
    ("header", "complaint"),
    [
        ("path,weather,weather", "two columns are named 'weather'"),
        ("path," + ",".join(f"c{place}" for place in range(65)), "65 columns of metadata, but at most 64"),
    ],
)
def test_names_that_cannot_be_told_apart_are_refused(
    header: str, complaint: str, grow: Make, open_data: OpenData
) -> None:
    row = ",".join("x" * len(header.split(",")))
    with pytest.raises(DataError, match=complaint):
        open_data(grow({"list.csv": f"{header}\n{row}\n".encode()}) / "list.csv")


def test_parquet_scalars_are_metadata_and_nested_columns_are_left_out(tmp_path: Path, open_data: OpenData) -> None:
    table: dict[str, Any] = {
        "image": [b"1", b"2", b"3"],
        "label": [0, 1, 0],
        "night": [True, False, None],
        "site": pa.array([7, None, 9], pa.int16()),
        "zoom": pa.array([0.1, 2.0, float("nan")], pa.float32()),
        "weather": pa.array(["rain", " fog ", None]).dictionary_encode(),
        "boxes": [[1], [2], []],
    }
    pq.write_table(pa.table(table), tmp_path / "set.parquet")
    assert columns(open_data(tmp_path / "set.parquet").samples) == {
        "night": ["true", "false", ""],
        "site": ["7", "", "9"],
        "zoom": ["0.1", "2", ""],
        "weather": ["rain", "fog", ""],
    }


def test_class_labels_of_hugging_face_print_as_their_names(tmp_path: Path, open_data: OpenData) -> None:
    metadata = {"huggingface": '{"info": {"features": {"superclass": {"names": ["fish", "bird"]}}}}'}
    table = pa.table({"image": [b"1", b"2", b"3"], "label": [0, 1, 2], "superclass": [1, 0, -1]})
    pq.write_table(table.replace_schema_metadata(metadata), tmp_path / "set.parquet")
    assert columns(open_data(tmp_path / "set.parquet").samples) == {"superclass": ["bird", "fish", ""]}


def test_shards_without_a_column_of_the_first_are_refused(tmp_path: Path, open_data: OpenData) -> None:
    pq.write_table(pa.table({"image": [b"1"], "night": [True]}), tmp_path / "a.parquet")
    pq.write_table(pa.table({"image": [b"2"]}), tmp_path / "b.parquet")
    with pytest.raises(DataError, match="not all have night"):
        open_data(tmp_path)


def test_npz_arrays_of_one_value_an_image_are_metadata(tmp_path: Path, open_data: OpenData) -> None:
    np.savez(
        tmp_path / "set.npz",
        images=np.zeros((3, 2, 2), np.uint8),
        y=[0, 1, 0],
        night=[True, False, True],
        lux=np.array([0.5, np.nan, 3], np.float32),
        site=np.array(["a", "b ", ""]),
        code=np.array([b"x", b"y", b"z"]),
        y_train=[1, 2],
        masks=np.zeros((3, 2)),
        thoughts=np.array([{}, None, 1], dtype=object),
    )
    assert columns(open_data(tmp_path / "set.npz").samples) == {
        "night": ["true", "false", "true"],
        "lux": ["0.5", "", "3"],
        "site": ["a", "b", ""],
        "code": ["x", "y", "z"],
    }


def test_npz_with_a_taken_name_is_refused(tmp_path: Path, open_data: OpenData) -> None:
    np.savez(tmp_path / "set.npz", images=np.zeros((3, 2, 2), np.uint8), size=[1, 2, 3])
    with pytest.raises(DataError, match="the column 'size' has a name"):
        open_data(tmp_path / "set.npz")


def test_metadata_beside_class_folders_speaks_by_path(write: Make, encode: Encode, open_data: OpenData) -> None:
    files = {"cat/1.png": encode(1), "dog/2.png": encode(2), "dog/deep/3.png": encode(3)}
    text = b"path;weather\ndog/deep/3.png;fog\n./cat/1.png;rain\n"
    samples = open_data(write({**files, "metadata.csv": text})).samples
    assert list(samples.ids) == ["cat/1.png", "dog/2.png", "dog/deep/3.png"]
    assert columns(samples) == {"weather": ["rain", "", "fog"]}


def test_metadata_of_a_flat_folder(write: Make, encode: Encode, open_data: OpenData) -> None:
    samples = open_data(write({"b.png": encode(1), "a.png": encode(2), "metadata.csv": b"path,w\nb.png,2\n"})).samples
    assert columns(samples) == {"w": ["", "2"]}


@pytest.mark.parametrize(
    ("top", "row"), [("images/", "cat/1.png"), ("", "images/cat/1.png"), ("images/test/", "cat/1.png")]
)
def test_paths_are_relative_to_the_folder_of_metadata(
    top: str, row: str, write: Make, encode: Encode, open_data: OpenData
) -> None:
    part = "test/" if "test" in top else ""
    files = {f"images/{part}cat/1.png": encode(1), f"images/{part}dog/2.png": encode(2)}
    samples = open_data(write({**files, f"{top}metadata.csv": f"path,w\n{row},fog\n".encode()})).samples
    assert columns(samples) == {"w": ["fog", ""]}


def test_rows_for_another_part_of_the_data_are_passed_over(write: Make, encode: Encode, open_data: OpenData) -> None:
    files = {"train/cat/1.png": encode(1), "test/cat/1.png": encode(2)}
    text = b"path,w\ntrain/cat/1.png,fog\ntest/cat/1.png,rain\n"
    assert columns(open_data(write({**files, "metadata.csv": text})).samples) == {"w": ["rain"]}


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        (b"path,w\ncat/1.png,x\ncat/9.png,y\n", r"metadata\.csv:3: there is no image 'cat/9\.png'"),
        (b"path,w\nmetadata.csv,x\n", r"metadata\.csv:2: there is no image 'metadata\.csv'"),
        (b"path,w\ncat/1.png,x\n./cat/1.png,y\n", r"metadata\.csv:3: 'cat/1\.png' has a row already"),
        (b"path,label\ncat/1.png,0\n", "has a column label, but the folders tell the classes"),
        (b"name,w\ncat/1.png,x\n", "has no single column named path"),
        (b"path,w\ncat/1.png\n", r"metadata\.csv:2: 1 columns, but the header has 2"),
        (b"path,w\n,x\n", r"metadata\.csv:2: no path"),
        (b"\xff\xfe", "no UTF-8"),
        (b"", "has no single column named path"),
        (b'path,w\n"cat/1.png\n', "unexpected end"),
    ],
)
def test_metadata_that_does_not_fit_is_refused_by_line(
    text: bytes, complaint: str, write: Make, encode: Encode, open_data: OpenData
) -> None:
    with pytest.raises(DataError, match=complaint):
        open_data(write({"cat/1.png": encode(1), "dog/1.png": encode(2), "metadata.csv": text}))


@given(st.floats(allow_nan=False, width=32))
def test_numbers_print_in_the_fewest_digits_that_tell_them(value: float) -> None:
    text = number_text(np.float32(value))
    assert np.float32(text) == np.float32(value)
    assert not text.endswith(".0")


def test_numbers_of_half_precision_print_without_a_warning() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert [number_text(np.float16(value)) for value in (2, 0.1, math.inf, math.nan)] == ["2", "0.1", "inf", ""]
