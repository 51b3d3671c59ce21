"""npz, IDX and CIFAR binary: pixel arrays."""

from __future__ import annotations

import gzip
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from vetgate.api import DataError, SampleSet
from vetgate_data.cifar import open_cifar
from vetgate_data.idx import open_idx
from vetgate_data.npz import open_npz

GREY = np.arange(3 * 4 * 5, dtype=np.uint8).reshape(3, 4, 5)
EXAMPLE = Path(__file__).parents[3] / "examples" / "fashion" / "test.npz"


def _npz(folder: Path, **arrays: Any) -> SampleSet:  # noqa: ANN401  # whatever numpy saves
    np.savez(folder / "set.npz", **arrays)
    return open_npz(folder / "set.npz")


@pytest.mark.parametrize(
    ("images", "labels"), [("images", "labels"), ("x", "y"), ("X", "y"), ("x_test", "y_test"), ("data", "targets")]
)
def test_an_npz_is_read_by_any_of_the_usual_names(tmp_path: Path, images: str, labels: str) -> None:
    opened = _npz(tmp_path, **{images: GREY, labels: np.array([2, 0, 1], dtype=np.uint8)})
    assert opened.samples.labels is not None
    assert opened.samples.labels.dtype == np.int64
    assert opened.samples.labels.tolist() == [2, 0, 1]
    np.testing.assert_array_equal(opened.read(2), GREY[2])


def test_class_names_of_an_npz_are_kept_in_order(tmp_path: Path) -> None:
    opened = _npz(tmp_path, images=GREY, labels=np.array([[1], [0], [1]]), classes=np.array(["zebra", "ant"]))
    assert opened.samples.classes == ("zebra", "ant")
    assert opened.samples.labels is not None
    assert opened.samples.labels.tolist() == [1, 0, 1]


def test_an_npz_without_labels_is_unlabelled(tmp_path: Path) -> None:
    assert _npz(tmp_path, images=GREY).samples.labels is None


def test_one_channel_becomes_grey_and_three_stay(tmp_path: Path) -> None:
    assert _npz(tmp_path, images=GREY[..., np.newaxis]).read(0).shape == (4, 5)
    assert _npz(tmp_path, images=np.repeat(GREY[..., np.newaxis], 3, axis=3)).read(0).shape == (4, 5, 3)


def test_pixels_that_differ_and_shapes_that_differ_have_digests_that_differ(tmp_path: Path) -> None:
    opened = _npz(tmp_path, images=GREY).samples.digests
    turned = _npz(tmp_path, images=GREY.reshape(3, 5, 4)).samples.digests
    assert len({*opened, *turned}) == 6
    assert list(_npz(tmp_path, images=GREY[::-1]).samples.digests) == list(opened)[::-1]


def test_the_pixels_of_an_opened_set_cannot_be_changed(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="read-only"):
        _npz(tmp_path, images=GREY).read(0)[0, 0] = 9


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"images": GREY.astype(np.float32) / 255}, "float32"),
        ({"images": GREY.astype(np.int64)}, "int64"),
        ({"images": GREY[0]}, "shape"),
        ({"images": np.zeros((2, 3, 8, 8), np.uint8)}, "last axis"),
        ({"images": GREY[:0]}, "no images"),
        ({"images": GREY, "labels": np.array([0, 1])}, "labels"),
        ({"images": GREY, "labels": np.array([0, 1, -1])}, "negative"),
        ({"images": GREY, "labels": np.array([0.0, 1.0, 2.0])}, "integers"),
        ({"images": GREY, "labels": np.eye(3, dtype=np.int64)}, "shape"),
        ({"images": GREY, "labels": np.array([0, 1, 2]), "classes": np.array(["a", "b"])}, "2 classes"),
        ({"images": GREY, "x": GREY}, "either"),
        ({"pictures": GREY}, "pictures"),
        ({"images": np.array([{}, {}], dtype=object)}, "cannot be read"),
    ],
)
def test_an_npz_that_does_not_fit_is_refused(tmp_path: Path, arrays: dict[str, Any], message: str) -> None:
    with pytest.raises(DataError, match=message):
        _npz(tmp_path, **arrays)


def test_float_images_are_refused_with_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(DataError) as refused:
        _npz(tmp_path, images=GREY.astype(np.float32))
    assert "8-bit" in refused.value.hint


def test_a_truncated_npz_says_so(tmp_path: Path) -> None:
    np.savez(tmp_path / "set.npz", images=GREY)
    (tmp_path / "set.npz").write_bytes((tmp_path / "set.npz").read_bytes()[:-60])
    with pytest.raises(DataError, match="cannot be read"):
        open_npz(tmp_path / "set.npz")


def test_the_example_of_this_project_opens() -> None:
    samples = open_npz(EXAMPLE).samples
    assert len(samples) == 10_000
    assert samples.classes is not None
    assert samples.classes[0] == "T-shirt/top"
    assert samples.labels is not None
    assert np.bincount(samples.labels).tolist() == [1000] * 10


def _idx(folder: Path, name: str, labels: bytes | None, first: int = 0) -> None:
    zipped = name.endswith(".gz")
    pixels = bytes(range(first, first + 12))
    images = struct.pack(">IIII", 0x803, 2, 2, 3) + pixels
    (folder / name).write_bytes(gzip.compress(images) if zipped else images)
    if labels is not None:
        content = struct.pack(">II", 0x801, len(labels)) + labels
        beside = folder / name.replace("images-idx3", "labels-idx1")
        beside.write_bytes(gzip.compress(content) if zipped else content)


@pytest.mark.parametrize("name", ["t10k-images-idx3-ubyte", "t10k-images-idx3-ubyte.gz"])
def test_idx_images_come_with_the_labels_beside_them(tmp_path: Path, name: str) -> None:
    _idx(tmp_path, name, b"\x05\x02")
    opened = open_idx(tmp_path / name)
    assert opened.samples.labels is not None
    assert opened.samples.labels.tolist() == [5, 2]
    assert opened.read(1).tolist() == [[6, 7, 8], [9, 10, 11]]


def test_of_an_idx_folder_the_test_part_is_read(tmp_path: Path) -> None:
    _idx(tmp_path, "train-images-idx3-ubyte", b"\0\0", first=100)
    _idx(tmp_path, "t10k-images-idx3-ubyte", b"\1\1")
    assert open_idx(tmp_path).read(0)[0, 0] == 0


def test_idx_images_without_labels_are_unlabelled(tmp_path: Path) -> None:
    _idx(tmp_path, "t10k-images-idx3-ubyte", None)
    assert open_idx(tmp_path).samples.labels is None


def test_idx_labels_of_another_number_are_refused(tmp_path: Path) -> None:
    _idx(tmp_path, "t10k-images-idx3-ubyte", b"\1\1\1")
    with pytest.raises(DataError, match="2 images"):
        open_idx(tmp_path)


@pytest.mark.parametrize(
    "content",
    [
        struct.pack(">IIII", 0x803, 2, 2, 3) + bytes(11),
        struct.pack(">IIII", 0x803, 2, 2, 3) + bytes(13),
        struct.pack(">IIII", 0x803, 0xFFFFFFFF, 0xFFFFFFFF, 0xFFFFFFFF),
        struct.pack(">II", 0x803, 2),
        struct.pack(">II", 0x801, 2) + bytes(2),
        gzip.compress(struct.pack(">IIII", 0x803, 2, 2, 3) + bytes(range(12)))[:-12],
    ],
)
def test_a_damaged_idx_file_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "t10k-images-idx3-ubyte").write_bytes(content)
    with pytest.raises(DataError):
        open_idx(tmp_path / "t10k-images-idx3-ubyte")


def _record(labels: bytes, red: int, green: int, blue: int) -> bytes:
    return labels + bytes([red]) * 1024 + bytes([green]) * 1024 + bytes([blue]) * 1024


def test_cifar10_planes_become_rgb_pixels(tmp_path: Path) -> None:
    (tmp_path / "test_batch.bin").write_bytes(_record(b"\3", 1, 2, 3) + _record(b"\x09", 4, 5, 6))
    (tmp_path / "data_batch_1.bin").write_bytes(_record(b"\0", 9, 9, 9))
    (tmp_path / "batches.meta.txt").write_text("".join(f"class {place}\n" for place in range(10)) + "\n")
    opened = open_cifar(tmp_path)
    assert opened.samples.labels is not None
    assert opened.samples.labels.tolist() == [3, 9]
    assert opened.samples.classes is not None
    assert opened.samples.classes[9] == "class 9"
    assert opened.read(1).shape == (32, 32, 3)
    assert opened.read(1)[31, 0].tolist() == [4, 5, 6]


def test_cifar100_is_labelled_by_the_fine_label(tmp_path: Path) -> None:
    (tmp_path / "test.bin").write_bytes(_record(b"\x13\x63", 1, 2, 3) + _record(b"\0\x07", 4, 5, 6))
    opened = open_cifar(tmp_path)
    assert opened.samples.labels is not None
    assert opened.samples.labels.tolist() == [99, 7]
    assert opened.read(0)[0, 0].tolist() == [1, 2, 3]


def test_a_truncated_cifar_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "test_batch.bin").write_bytes(_record(b"\3", 1, 2, 3)[:-1])
    with pytest.raises(DataError, match="cut short"):
        open_cifar(tmp_path)
