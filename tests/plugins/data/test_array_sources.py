"""npz, IDX and CIFAR binary: pixels in memory."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from vetgate.api import DataError, SampleSet

OpenData = Callable[[Path], SampleSet]
GREY = np.arange(3 * 4 * 5, dtype=np.uint8).reshape(3, 4, 5)
COLOUR = np.random.default_rng(0).integers(0, 256, (4, 32, 32, 3), dtype=np.uint8)


def npz(folder: Path, **arrays: Any) -> Path:
    path = folder / "set.npz"
    np.savez(path, **arrays)
    return path


def labels(source: SampleSet) -> list[int] | None:
    return None if source.samples.labels is None else source.samples.labels.tolist()


def test_an_npz_holds_images_labels_and_classes(tmp_path: Path, open_data: OpenData) -> None:
    source = open_data(npz(tmp_path, images=GREY, labels=[2, 0, 1], classes=["a", "b", "c"]))

    assert list(source.samples.ids) == ["0", "1", "2"]
    assert labels(source) == [2, 0, 1]
    assert source.samples.classes == ("a", "b", "c")
    np.testing.assert_array_equal(source.read(1), GREY[1])
    assert len(set(source.samples.digests)) == 3


@pytest.mark.parametrize(("x", "y"), [("X", "y"), ("x_test", "y_test"), ("data", "targets"), ("x", "Y")])
def test_other_usual_names_are_known(x: str, y: str, tmp_path: Path, open_data: OpenData) -> None:
    source = open_data(npz(tmp_path, **{x: COLOUR, y: np.arange(4)[:, np.newaxis]}))
    assert labels(source) == [0, 1, 2, 3]
    assert source.read(3).shape == (32, 32, 3)


def test_one_channel_is_grey(tmp_path: Path, open_data: OpenData) -> None:
    source = open_data(npz(tmp_path, images=GREY[..., np.newaxis]))
    assert source.read(0).shape == (4, 5)
    assert labels(source) is None


def test_columns_first_in_memory_are_the_same_images(tmp_path: Path, open_data: OpenData) -> None:
    (tmp_path / "f").mkdir()
    plain = open_data(npz(tmp_path, images=COLOUR)).samples.digests[:]
    assert open_data(npz(tmp_path / "f", images=np.asfortranarray(COLOUR))).samples.digests[:] == plain


def test_pixels_cannot_be_changed_by_who_reads_them(tmp_path: Path, open_data: OpenData) -> None:
    source = open_data(npz(tmp_path, images=GREY))
    with pytest.raises(ValueError, match="read-only"):
        source.read(0)[0, 0] = 1


def test_the_shape_is_part_of_the_digest(tmp_path: Path, open_data: OpenData) -> None:
    (tmp_path / "turned").mkdir()
    upright = open_data(npz(tmp_path, images=GREY)).samples.digests[0]
    assert open_data(npz(tmp_path / "turned", images=GREY.reshape(3, 5, 4))).samples.digests[0] != upright


@pytest.mark.parametrize(
    ("arrays", "complaint", "hint"),
    [
        ({"images": GREY / 255}, "float64, but pixels must be uint8", "before scaling"),
        ({"images": GREY.astype(np.int64)}, "int64, but pixels must be uint8", "8-bit"),
        ({"images": COLOUR.transpose(0, 3, 1, 2)}, "last axis must hold 1 or 3", "transpose"),
        ({"images": COLOUR[..., :2]}, "last axis must hold 1 or 3", "RGB"),
        ({"images": GREY[0]}, r"shape \(4, 5\)", ""),
        ({"images": np.uint8(3), "labels": [1]}, "labels", ""),
        ({"images": GREY[:0]}, "no images", ""),
        ({"images": GREY, "x": GREY}, "images and x: either may be meant", "keep one"),
        ({"pictures": GREY}, "no array named images, but pictures", "images"),
        ({"images": GREY, "labels": [0, 1]}, r"shape \(2,\), but \(3,\)", ""),
        ({"images": GREY, "labels": np.eye(3, dtype=int)}, r"shape \(3, 3\)", "argmax"),
        ({"images": GREY, "labels": [0.0, 1.0, 2.0]}, "float64, but integers", ""),
        ({"images": GREY, "labels": [0, -1, 2]}, "negative label -1 at image '1'", "count from 0"),
        ({"images": GREY, "labels": [0, 1, 2], "classes": ["a", "b"]}, "label 2 at image '2', but names 2", ""),
        ({"images": GREY, "classes": ["a", "a"]}, "lists twice the class 'a'", ""),
        ({"images": GREY, "classes": [1, 2]}, "list of strings is needed", ""),
        ({"images": GREY, "labels": np.array([0, "x", None], dtype=object)}, "cannot be read", "savez"),
    ],
)
def test_arrays_that_are_no_data_set_are_refused(
    arrays: dict[str, Any], complaint: str, hint: str, tmp_path: Path, open_data: OpenData
) -> None:
    with pytest.raises(DataError, match=complaint) as caught:
        open_data(npz(tmp_path, **arrays))
    assert hint in caught.value.hint


def test_a_truncated_npz_is_refused(tmp_path: Path, open_data: OpenData) -> None:
    path = npz(tmp_path, images=GREY)
    path.write_bytes(path.read_bytes()[:-30])
    with pytest.raises(DataError, match="cannot be read"):
        open_data(path)


@pytest.mark.parametrize("zipped", [False, True])
def test_idx_labels_are_found_beside_the_images(
    zipped: bool, tmp_path: Path, idx_bytes: Callable[..., bytes], open_data: OpenData
) -> None:
    end = ".gz" if zipped else ""
    images = tmp_path / f"t10k-images-idx3-ubyte{end}"
    images.write_bytes(idx_bytes(GREY, zipped=zipped))
    (tmp_path / f"t10k-labels-idx1-ubyte{end}").write_bytes(idx_bytes([5, 6, 7], zipped=zipped))
    source = open_data(images)

    assert labels(source) == [5, 6, 7]
    np.testing.assert_array_equal(source.read(2), GREY[2])


def test_of_a_folder_of_idx_files_the_test_set_is_read(
    tmp_path: Path, idx_bytes: Callable[..., bytes], open_data: OpenData
) -> None:
    (tmp_path / "train-images-idx3-ubyte").write_bytes(idx_bytes(GREY))
    assert len(open_data(tmp_path).samples) == 3
    assert labels(open_data(tmp_path)) is None
    (tmp_path / "t10k-images-idx3-ubyte.gz").write_bytes(idx_bytes(GREY[:2], zipped=True))
    (tmp_path / "t10k-labels-idx1-ubyte").write_bytes(idx_bytes([1, 0]))
    assert labels(open_data(tmp_path)) == [1, 0]


def test_two_idx_sets_of_which_none_is_a_test_set_are_refused(
    tmp_path: Path, idx_bytes: Callable[..., bytes], open_data: OpenData
) -> None:
    for name in ("one", "two"):
        (tmp_path / f"{name}-images-idx3-ubyte").write_bytes(idx_bytes(GREY))
    with pytest.raises(DataError, match="no single file of test images"):
        open_data(tmp_path)


def test_broken_idx_files_are_refused(tmp_path: Path, idx_bytes: Callable[..., bytes], open_data: OpenData) -> None:
    images, beside = tmp_path / "images-idx3-ubyte", tmp_path / "labels-idx1-ubyte"
    whole = idx_bytes(GREY)
    for content, complaint in [
        (whole[:-1], "states 60 values, but holds 59"),
        (whole + b"x", "states 60 values, but holds more"),
        (whole[:7], "no IDX file"),
        (idx_bytes(GREY, zipped=True)[:-12], "cut short"),
        (idx_bytes(GREY[:0]), "no images"),
    ]:
        images.write_bytes(content)
        with pytest.raises(DataError, match=complaint):
            open_data(images)
    images.write_bytes(whole)
    beside.write_bytes(idx_bytes([1, 2]))
    with pytest.raises(DataError, match=r"3 images, but .* 2 labels"):
        open_data(images)
    with pytest.raises(DataError, match="holds labels"):
        open_data(beside)


def test_cifar10_records_become_rgb_images(
    tmp_path: Path, cifar_bytes: Callable[..., bytes], open_data: OpenData
) -> None:
    file = tmp_path / "mine.bin"
    file.write_bytes(cifar_bytes(COLOUR, [9, 0, 3, 3]))
    source = open_data(file)

    assert labels(source) == [9, 0, 3, 3]
    assert source.samples.classes is None
    for index in range(4):
        np.testing.assert_array_equal(source.read(index), COLOUR[index])


def test_cifar100_records_are_labelled_finely(
    tmp_path: Path, cifar_bytes: Callable[..., bytes], open_data: OpenData
) -> None:
    (tmp_path / "test.bin").write_bytes(cifar_bytes(COLOUR, [[1, 99], [2, 0], [19, 50], [0, 7]]))
    (tmp_path / "train.bin").write_bytes(cifar_bytes(COLOUR[:1], [[1, 1]]))
    (tmp_path / "fine_label_names.txt").write_text("\n".join(f"fine{place}" for place in range(100)))
    source = open_data(tmp_path)

    assert labels(source) == [99, 0, 50, 7]
    assert source.samples.classes is not None
    assert source.samples.classes[99] == "fine99"


def test_of_a_cifar_folder_the_test_batch_is_read(
    tmp_path: Path, cifar_bytes: Callable[..., bytes], open_data: OpenData
) -> None:
    for number in (1, 2):
        (tmp_path / f"data_batch_{number}.bin").write_bytes(cifar_bytes(COLOUR, [number] * 4))
    (tmp_path / "batches.meta.txt").write_text("\n".join("abcdefghij") + "\n\n")
    assert labels(open_data(tmp_path)) == [1] * 4 + [2] * 4
    (tmp_path / "test_batch.bin").write_bytes(cifar_bytes(COLOUR, [3, 4, 5, 6]))
    source = open_data(tmp_path)

    assert labels(source) == [3, 4, 5, 6]
    assert source.samples.classes == tuple("abcdefghij")


def test_a_truncated_cifar_batch_is_refused(
    tmp_path: Path, cifar_bytes: Callable[..., bytes], open_data: OpenData
) -> None:
    (tmp_path / "test_batch.bin").write_bytes(cifar_bytes(COLOUR, [1, 2, 3, 4])[:-1])
    with pytest.raises(DataError, match="cut short"):
        open_data(tmp_path)


def test_the_same_pixels_have_the_same_digest_in_every_source(
    tmp_path: Path, cifar_bytes: Callable[..., bytes], idx_bytes: Callable[..., bytes], open_data: OpenData
) -> None:
    (tmp_path / "c.bin").write_bytes(cifar_bytes(COLOUR, [0] * 4))
    assert open_data(tmp_path / "c.bin").samples.digests[:] == open_data(npz(tmp_path, x=COLOUR)).samples.digests[:]
    (tmp_path / "i-images-idx3-ubyte").write_bytes(idx_bytes(GREY))
    grey = open_data(npz(tmp_path, x=GREY)).samples.digests[:]
    assert open_data(tmp_path / "i-images-idx3-ubyte").samples.digests[:] == grey
