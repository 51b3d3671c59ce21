"""Folders and archives of images: one set of rules."""

from __future__ import annotations

import hashlib
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from vetgate_data import archive

from vetgate.api import DataError, SampleSet, UnreadableImage

Files = dict[str, bytes]
OpenData = Callable[[Path], SampleSet]
Make = Callable[[Files], Path]
Encode = Callable[..., bytes]


@pytest.fixture(params=["folder", "zip"])
def write(request: pytest.FixtureRequest, grow: Make, pack: Make) -> Make:
    return grow if request.param == "folder" else pack


def labelled(source: SampleSet) -> dict[str, int]:
    assert source.samples.labels is not None
    return dict(zip(source.samples.ids, source.samples.labels.tolist(), strict=True))


def test_folders_sorted_by_name_are_the_classes(write: Make, encode: Encode, open_data: OpenData) -> None:
    source = open_data(write({"dog/2.png": encode(2), "cat/1.jpg": encode(1, kind="JPEG"), "dog/1.PNG": encode(3)}))

    assert list(source.samples.ids) == ["cat/1.jpg", "dog/1.PNG", "dog/2.png"]
    assert labelled(source) == {"cat/1.jpg": 0, "dog/1.PNG": 1, "dog/2.png": 1}
    assert source.samples.classes == ("cat", "dog")
    assert source.samples.digests[2] == hashlib.sha256(encode(2)).hexdigest()
    pixels = source.read(2)
    assert pixels.shape == (4, 5, 3)
    assert pixels.dtype == np.uint8
    assert pixels[0, 0].tolist() == [2, 100, 200]


def test_images_may_lie_deeper_in_their_class(write: Make, encode: Encode, open_data: OpenData) -> None:
    source = open_data(write({"a/2020/x.png": encode(), "a/y.png": encode(), "b/x.png": encode()}))
    assert labelled(source) == {"a/2020/x.png": 0, "a/y.png": 0, "b/x.png": 1}


def test_a_flat_folder_has_no_labels(write: Make, encode: Encode, open_data: OpenData) -> None:
    source = open_data(write({"b.png": encode(1), "a.png": encode(2), "README.md": b"text"}))

    assert list(source.samples.ids) == ["a.png", "b.png"]
    assert source.samples.labels is None
    assert source.samples.classes is None


def test_hidden_files_and_other_kinds_are_ignored(write: Make, encode: Encode, open_data: OpenData) -> None:
    files = {"a/1.png": encode(), "a/.2.png": encode(), ".git/3.png": encode(), "a/notes.txt": b"", "LICENSE": b""}
    assert list(open_data(write(files)).samples.ids) == ["a/1.png"]


def test_a_folder_and_an_archive_of_it_are_the_same_data(
    grow: Make, pack: Make, encode: Encode, open_data: OpenData
) -> None:
    files = {"a/1.png": encode(1), "b/2.png": encode(2)}
    folder, packed = open_data(grow(files)).samples, open_data(pack(files)).samples

    assert list(folder.ids) == list(packed.ids)
    assert list(folder.digests) == list(packed.digests)
    assert folder.classes == packed.classes


def test_wrapping_changes_neither_names_nor_labels(write: Make, encode: Encode, open_data: OpenData) -> None:
    source = open_data(write({"images/b/1.png": encode(), "images/a/1.png": encode(), "classes.txt": b"b\na\nc\n"}))

    assert labelled(source) == {"a/1.png": 1, "b/1.png": 0}
    assert source.samples.classes == ("b", "a", "c")
    assert source.read(0).shape == (4, 5, 3)


def test_an_archive_may_wrap_its_content_in_its_own_name(pack: Make, encode: Encode, open_data: OpenData) -> None:
    source = open_data(pack({"packed/a/1.png": encode(), "packed/b/1.png": encode()}))
    assert labelled(source) == {"a/1.png": 0, "b/1.png": 1}


def test_a_lone_folder_with_folders_below_is_not_guessed_about(
    write: Make, encode: Encode, open_data: OpenData
) -> None:
    files = {"thing/a/1.png": encode(), "thing/b/1.png": encode()}
    with pytest.raises(DataError, match="'thing', with folders below: either may be the classes"):
        open_data(write(files))
    assert labelled(open_data(write({**files, "classes.txt": b"thing\n"}))) == {"thing/a/1.png": 0, "thing/b/1.png": 0}


def test_a_lone_class_is_a_class(write: Make, encode: Encode, open_data: OpenData) -> None:
    assert labelled(open_data(write({"cat/1.png": encode()}))) == {"cat/1.png": 0}


def test_of_the_parts_of_a_data_set_the_test_part_is_read(write: Make, encode: Encode, open_data: OpenData) -> None:
    source = open_data(write({"train/a/1.png": encode(), "test/a/2.png": encode(), "test/b/3.png": encode()}))
    assert labelled(source) == {"a/2.png": 0, "b/3.png": 1}


def test_parts_without_a_test_part_are_not_taken_for_classes(write: Make, encode: Encode, open_data: OpenData) -> None:
    with pytest.raises(DataError, match="parts train, val, and no single test part"):
        open_data(write({"train/a/1.png": encode(), "val/a/2.png": encode()}))


def test_images_beside_class_folders_are_refused(write: Make, encode: Encode, open_data: OpenData) -> None:
    with pytest.raises(DataError, match=r"1 images beside its class folders, such as stray\.png"):
        open_data(write({"a/1.png": encode(), "stray.png": encode()}))


def test_a_folder_without_images_would_shift_labels_and_is_refused(
    tmp_path: Path, grow: Make, encode: Encode, open_data: OpenData
) -> None:
    root = grow({"b/1.png": encode(), "c/1.png": encode()})
    (root / "a").mkdir()
    with pytest.raises(DataError, match=r"folder a .* holds no images"):
        open_data(root)
    (root / "classes.txt").write_text("a\nb\nc\n")
    assert labelled(open_data(root)) == {"b/1.png": 1, "c/1.png": 2}


def test_an_indexed_list_gives_label_and_folder(write: Make, encode: Encode, open_data: OpenData) -> None:
    listing = b"2\tn03\tsnake\r\n0\tn01\ttench\r\n1\tn02\r\n"
    source = open_data(write({"classes.txt": listing, "images/n03/5.png": encode(), "images/n01/6.png": encode()}))

    assert source.samples.classes == ("n01", "n02", "n03")
    assert labelled(source) == {"n01/6.png": 0, "n03/5.png": 2}


@pytest.mark.parametrize(
    ("listing", "complaint"),
    [
        (b"cat\ncat\n", "lists the class 'cat' twice"),
        (b"a\nb\n", "none of the 2 classes"),
        (b"1\tcat\n", "not each of 0 to 0 once"),
        (b"0\tcat\n0\tdog\n", "not each of 0 to 1 once"),
        (b"0\tcat\ndog\n", r"classes\.txt:2: expected INDEX"),
        (b"x\tcat\n", r"classes\.txt:1: expected INDEX"),
        (b"cat\n\ndog\n", r"classes\.txt:2: the line is empty"),
        (b"\xff\xfe", "no UTF-8"),
    ],
)
def test_a_list_of_classes_that_is_in_doubt_is_refused(
    listing: bytes, complaint: str, write: Make, encode: Encode, open_data: OpenData
) -> None:
    with pytest.raises(DataError, match=complaint):
        open_data(write({"classes.txt": listing, "cat/1.png": encode()}))


def test_two_lists_that_differ_are_refused(write: Make, encode: Encode, open_data: OpenData) -> None:
    files = {"classes.txt": b"a\nb", "images/classes.txt": b"b\na", "images/a/1.png": encode()}
    with pytest.raises(DataError, match="two lists of classes that differ"):
        open_data(write(files))


def test_a_broken_image_is_listed_and_named_when_read(write: Make, encode: Encode, open_data: OpenData) -> None:
    source = open_data(write({"a/1.png": encode(7, size=(40, 40))[:60], "a/2.png": b"", "a/3.png": encode()}))

    assert len(source.samples) == 3
    with pytest.raises(UnreadableImage):
        source.read(0)
    with pytest.raises(UnreadableImage, match="empty"):
        source.read(1)
    assert source.read(2).shape == (4, 5, 3)


def test_an_image_that_vanished_has_the_digest_of_no_bytes(grow: Make, encode: Encode, open_data: OpenData) -> None:
    root = grow({"a/1.png": encode(), "a/2.png": encode()})
    source = open_data(root)
    (root / "a/1.png").unlink()

    assert list(source.samples.digests) == [hashlib.sha256(content).hexdigest() for content in (b"", encode())]
    with pytest.raises(UnreadableImage, match="No such file"):
        source.read(0)


def test_a_link_to_a_folder_above_is_refused(grow: Make, encode: Encode, open_data: OpenData) -> None:
    root = grow({"a/1.png": encode()})
    (root / "a/again").symlink_to(root)
    with pytest.raises(DataError, match="link to a folder above"):
        open_data(root)


def test_linked_class_folders_are_read(tmp_path: Path, grow: Make, encode: Encode, open_data: OpenData) -> None:
    root = grow({"a/1.png": encode()})
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere/2.png").write_bytes(encode())
    (root / "b").symlink_to(tmp_path / "elsewhere")
    assert labelled(open_data(root)) == {"a/1.png": 0, "b/2.png": 1}


def test_digests_of_a_drawn_sample_read_only_its_images(grow: Make, encode: Encode, open_data: OpenData) -> None:
    root = grow({"a/1.png": encode(1), "a/2.png": encode(2)})
    digests = open_data(root).samples.digests
    first = digests[0]
    (root / "a/1.png").write_bytes(b"changed")
    (root / "a/2.png").write_bytes(b"changed")

    assert digests[0] == first == hashlib.sha256(encode(1)).hexdigest()
    assert digests[-1] == hashlib.sha256(b"changed").hexdigest()
    assert digests[:] == [digests[0], digests[1]]
    with pytest.raises(IndexError):
        digests[2]


def test_an_archive_without_images_is_refused(pack: Make) -> None:
    with pytest.raises(DataError, match="no images, but 1 files of other kinds"):
        archive.open_archive(pack({"model/weights": b"abc"}))


def test_a_truncated_archive_is_refused(pack: Make, encode: Encode, open_data: OpenData) -> None:
    path = pack({"a/1.png": encode(), "a/2.png": encode()})
    path.write_bytes(path.read_bytes()[:-60])
    with pytest.raises(DataError, match="cut short or damaged"):
        open_data(path)


def test_a_damaged_member_is_unreadable_and_the_others_are_not(pack: Make, encode: Encode, open_data: OpenData) -> None:
    path = pack({"a/1.png": encode(1), "a/2.png": encode(2)})
    content = path.read_bytes()
    path.write_bytes(content.replace(encode(1), bytes(len(encode(1)))))
    source = open_data(path)

    with pytest.raises(UnreadableImage, match="CRC"):
        source.read(0)
    assert source.read(1)[0, 0].tolist() == [2, 100, 200]
    assert len(set(source.samples.digests)) == 2


def test_a_member_that_unpacks_to_a_bomb_is_refused(
    pack: Make, encode: Encode, open_data: OpenData, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = pack({"a/1.png": encode(), "a/huge.bin": bytes(5000)})
    monkeypatch.setattr(archive, "LARGEST_MEMBER", 4999)
    with pytest.raises(DataError, match=r"'a/huge\.bin' .* unpacks to 5,000 bytes"):
        open_data(path)


def test_an_archive_of_too_many_members_is_refused(
    pack: Make, encode: Encode, open_data: OpenData, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = pack({"a/1.png": encode(), "a/2.png": encode()})
    monkeypatch.setattr(archive, "MOST_MEMBERS", 1)
    with pytest.raises(DataError, match="2 members; at most 1"):
        open_data(path)


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_an_archive_with_one_name_twice_is_refused(tmp_path: Path, encode: Encode, open_data: OpenData) -> None:
    path = tmp_path / "twice.zip"
    with zipfile.ZipFile(path, "w") as packed:
        packed.writestr("a/1.png", encode(1))
        packed.writestr("a/1.png", encode(2))
    with pytest.raises(DataError, match=r"'a/1\.png' twice"):
        open_data(path)


def test_an_archive_with_a_name_that_leaves_it_is_refused(pack: Make, encode: Encode, open_data: OpenData) -> None:
    with pytest.raises(DataError, match="leaves the archive"):
        open_data(pack({"a/1.png": encode(), "../b/1.png": encode()}))


def test_an_encrypted_archive_is_refused(pack: Make, encode: Encode, open_data: OpenData) -> None:
    path = pack({"a/1.png": encode()})
    content = bytearray(path.read_bytes())
    content[content.index(b"PK\x01\x02") + 8] |= 1
    path.write_bytes(content)
    with pytest.raises(DataError, match="encrypted"):
        open_data(path)
