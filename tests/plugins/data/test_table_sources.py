"""CSV manifests and parquet files."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from vetgate.api import DataError, SampleSet, UnreadableImage

OpenData = Callable[[Path], SampleSet]
Make = Callable[[dict[str, bytes]], Path]
Encode = Callable[..., bytes]


def labels(source: SampleSet) -> list[int] | None:
    return None if source.samples.labels is None else source.samples.labels.tolist()


def test_paths_are_relative_to_the_manifest(grow: Make, encode: Encode, open_data: OpenData) -> None:
    root = grow({"list.csv": b"path,label\r\nx/1.png,1\r\n./2.png,0\r\n\r\n", "x/1.png": encode(1), "2.png": encode(2)})
    source = open_data(root / "list.csv")

    assert list(source.samples.ids) == ["x/1.png", "2.png"]
    assert labels(source) == [1, 0]
    assert source.samples.classes is None
    assert source.samples.digests[1] == hashlib.sha256(encode(2)).hexdigest()
    assert source.read(0)[0, 0].tolist() == [1, 100, 200]


@pytest.mark.parametrize("header", [b"Image;label", b"\xef\xbb\xbffile;Label", b"label\tpath"])
def test_names_sorted_are_the_classes(header: bytes, grow: Make, encode: Encode, open_data: OpenData) -> None:
    mark = b"\t" if b"\t" in header else b";"
    rows = [(b"1.png", b"emu"), (b"2.png", b"cat, small"), (b"3.png", b"emu")]
    if header.startswith(b"label"):
        rows = [(second, first) for first, second in rows]
    text = b"\n".join([header, *(mark.join(row) for row in rows)])
    source = open_data(grow({"list.csv": text, "1.png": encode()}) / "list.csv")

    assert labels(source) == [1, 0, 1]
    assert source.samples.classes == ("cat, small", "emu")


def test_a_manifest_without_labels_is_unlabelled(grow: Make, open_data: OpenData) -> None:
    source = open_data(grow({"list.csv": b"path\na.png\n"}) / "list.csv")
    assert labels(source) is None


def test_missing_files_are_listed_and_unreadable(grow: Make, encode: Encode, open_data: OpenData) -> None:
    root = grow({"list.csv": b"path\ngone.png\nthere.png\nfolder\n", "there.png": encode(), "folder/x": b""})
    source = open_data(root / "list.csv")

    expected = [hashlib.sha256(content).hexdigest() for content in (b"", encode(), b"")]
    assert list(source.samples.digests) == expected
    with pytest.raises(UnreadableImage, match="No such file"):
        source.read(0)
    assert source.read(1).shape == (4, 5, 3)
    with pytest.raises(UnreadableImage, match="no regular file"):
        source.read(2)


def test_a_path_may_leave_the_folder_and_is_unreadable_where_it_leads_nowhere(
    grow: Make, encode: Encode, open_data: OpenData
) -> None:
    root = grow({"lists/list.csv": b"path\n../1.png\n", "1.png": encode()})
    assert open_data(root / "lists/list.csv").read(0).shape == (4, 5, 3)
    (root / "1.png").unlink()
    with pytest.raises(UnreadableImage, match="No such file"):
        open_data(root / "lists/list.csv").read(0)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        (b"path,label\n", "no images"),
        (b"path,label\na.png\n", r"list\.csv:2: 1 columns, but the header has 2"),
        (b"path,label\na.png,1\nb.png,\n", r"list\.csv:3: no label"),
        (b"path,label\n,1\n", r"list\.csv:2: no path"),
        (b"path,label\na.png,1\nb.png,cat\n", "'cat' stands beside '1'"),
        (b"path,label\na.png,-1\n", "negative label -1"),
        (b"path\na.png\n./a.png\n", r"two images named 'a\.png'"),
        (b'path\n"a.png\n', "unexpected end"),
        (b"path\n\xff\xff.png\n", "no UTF-8"),
        (b"path,label\na.png,1\nb.png," + b"9" * 5000 + b"\n", r"list\.csv:3: a label beyond 64 bits"),
    ],
)
def test_rows_that_say_too_little_are_refused(text: bytes, complaint: str, grow: Make, open_data: OpenData) -> None:
    with pytest.raises(DataError, match=complaint):
        open_data(grow({"list.csv": text}) / "list.csv")


@pytest.fixture
def write_parquet(tmp_path: Path) -> Callable[..., Path]:

    def write(
        columns: dict[str, Any], name: str = "set.parquet", names: list[str] | None = None, **options: Any
    ) -> Path:
        table = pa.table(columns)
        if names is not None:
            info = {"info": {"features": {"label": {"names": names, "_type": "ClassLabel"}}}}
            table = table.replace_schema_metadata({"huggingface": json.dumps(info)})
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        pq.write_table(table, path, **options)
        return path

    return write


def test_parquet_as_hugging_face_writes_it(
    write_parquet: Callable[..., Path], encode: Encode, open_data: OpenData
) -> None:
    images = [{"bytes": encode(shade), "path": f"{shade}.png"} for shade in range(5)]
    path = write_parquet({"image": images, "label": [1, 0, 1, 1, 0]}, names=["cat", "dog"], row_group_size=2)
    source = open_data(path)

    assert labels(source) == [1, 0, 1, 1, 0]
    assert source.samples.classes == ("cat", "dog")
    assert source.samples.digests[3] == hashlib.sha256(encode(3)).hexdigest()
    for index in (4, 0, 3, 1, 2):
        assert source.read(index)[0, 0].tolist() == [index, 100, 200]


def test_parquet_with_bare_bytes_and_names(
    write_parquet: Callable[..., Path], encode: Encode, open_data: OpenData
) -> None:
    source = open_data(write_parquet({"img": [encode(1), None], "label": ["dog", "cat"]}))

    assert labels(source) == [1, 0]
    assert source.samples.classes == ("cat", "dog")
    with pytest.raises(UnreadableImage, match="no image bytes"):
        source.read(1)


def test_parquet_without_labels_is_unlabelled(
    write_parquet: Callable[..., Path], encode: Encode, open_data: OpenData
) -> None:
    assert labels(open_data(write_parquet({"image": [encode()]}))) is None


def test_shards_are_one_data_set_in_the_order_of_their_names(
    write_parquet: Callable[..., Path], encode: Encode, open_data: OpenData
) -> None:
    for shard in (1, 0):
        columns = {"image": [encode(shard * 10 + row) for row in range(3)], "label": [f"c{2 - shard}"] * 3}
        folder = write_parquet(columns, name=f"set/data/test-{shard:05}-of-00002.parquet").parent.parent
    write_parquet({"image": [encode(99)], "label": ["other"]}, name="set/data/train-00000-of-00001.parquet")
    source = open_data(folder)

    assert list(source.samples.ids)[3] == "test-00001-of-00002/0"
    assert labels(source) == [1, 1, 1, 0, 0, 0]
    assert source.samples.classes == ("c1", "c2")
    assert source.read(4)[0, 0].tolist() == [11, 100, 200]


def test_shards_that_disagree_are_refused(
    write_parquet: Callable[..., Path], encode: Encode, open_data: OpenData
) -> None:
    first = write_parquet({"image": [encode()], "label": [0]}, name="d/a.parquet", names=["x", "y"])
    write_parquet({"image": [encode()], "label": [0]}, name="d/b.parquet", names=["y", "x"])
    with pytest.raises(DataError, match="name different classes"):
        open_data(first.parent)
    write_parquet({"image": [encode()]}, name="d/b.parquet")
    with pytest.raises(DataError, match="differ in their columns"):
        open_data(first.parent)


def test_parts_without_a_test_part_are_refused(
    write_parquet: Callable[..., Path], encode: Encode, open_data: OpenData
) -> None:
    write_parquet({"image": [encode()]}, name="d/train-00000-of-00001.parquet")
    path = write_parquet({"image": [encode()]}, name="d/validation-00000-of-00001.parquet")
    with pytest.raises(DataError, match="parts train, validation, and no test part"):
        open_data(path.parent)


@pytest.mark.parametrize(
    ("columns", "complaint"),
    [
        ({"picture": [b"x"]}, "no column image, but picture"),
        ({"image": ["a.png"]}, "holds string, but image bytes"),
        ({"image": [b"x", b"y"], "label": [1, None]}, "rows without a label"),
        ({"image": [b"x"], "label": [0.5]}, "holds double, but integers or names"),
        ({"image": [b"x"], "label": [-1]}, "negative label -1"),
    ],
)
def test_columns_that_are_no_data_set_are_refused(
    columns: dict[str, Any], complaint: str, write_parquet: Callable[..., Path], open_data: OpenData
) -> None:
    with pytest.raises(DataError, match=complaint):
        open_data(write_parquet(columns))


def test_a_truncated_parquet_file_is_refused(
    write_parquet: Callable[..., Path], encode: Encode, open_data: OpenData
) -> None:
    path = write_parquet({"image": [encode()]})
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(DataError, match="cut short or damaged"):
        open_data(path)


def test_lines_may_end_with_a_carriage_return_alone(grow: Make, open_data: OpenData) -> None:
    samples = open_data(grow({"list.csv": b"path,label\ra.png,1\rb.png,0\r"}) / "list.csv").samples
    assert list(samples.ids) == ["a.png", "b.png"]


def test_two_parquet_columns_of_labels_are_refused(tmp_path: Path, open_data: OpenData) -> None:
    table = pa.table([pa.array([b"1"]), pa.array([0]), pa.array([1])], names=["image", "label", "label"])
    pq.write_table(table, tmp_path / "set.parquet")
    with pytest.raises(DataError, match="two columns are named 'label'"):
        open_data(tmp_path / "set.parquet")
