"""Sets that are damaged, far away or oddly packed: an error that says so, or one unreadable image, never a crash."""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from vetgate_data.plugin import vetgate_data_sources

from vetgate.api import DataError, SampleSet, UnreadableImage

Make = Callable[[dict[str, bytes]], Path]
Encode = Callable[..., bytes]
OpenData = Callable[[Path], SampleSet]

EXAMPLE = Path(__file__).parents[3] / "examples" / "fashion" / "test.npz"


def test_the_example_of_this_project_opens(open_data: OpenData) -> None:
    samples = open_data(EXAMPLE).samples
    assert len(samples) == 10_000
    assert samples.classes is not None
    assert samples.classes[0] == "T-shirt/top"
    assert samples.labels is not None
    assert np.bincount(samples.labels).tolist() == [1000] * 10


def test_a_list_of_classes_that_is_a_dead_link_is_refused(grow: Make, encode: Encode, open_data: OpenData) -> None:
    root = grow({"cat/1.png": encode(), "dog/1.png": encode()})
    (root / "classes.txt").symlink_to(root / "nowhere")
    with pytest.raises(DataError, match="cannot be read"):
        open_data(root)


def test_a_zip_that_lists_its_folders_first_is_recognised(pack: Make, encode: Encode) -> None:
    path = pack({f"class{place}/": b"" for place in range(5000)} | {"class0/1.png": encode()})
    assert [spec.name for spec in vetgate_data_sources() if spec.recognise(path)] == ["zip"]


def test_a_zip_cut_short_is_still_a_zip_and_says_so(pack: Make, encode: Encode, open_data: OpenData) -> None:
    path = pack({"cat/1.png": encode(), "dog/1.png": encode()})
    path.write_bytes(path.read_bytes()[:-40])
    with pytest.raises(DataError, match="cut short"):
        open_data(path)


def test_what_a_mac_adds_to_a_zip_is_ignored(pack: Make, encode: Encode, open_data: OpenData) -> None:
    path = pack({"cat/1.png": encode(), "dog/1.png": encode(), "__MACOSX/cat/1.png": b"resource fork"})
    assert list(open_data(path).samples.ids) == ["cat/1.png", "dog/1.png"]


@pytest.mark.parametrize("name", ["gone.png", "../gone.png", "folder", "zero\0byte.png"])
def test_a_missing_file_is_an_unreadable_image_and_never_dropped(
    name: str, grow: Make, encode: Encode, open_data: OpenData
) -> None:
    rows = f"path,label\na.png,0\n{name},1\n".encode()
    found = open_data(grow({"a.png": encode(), "folder/x": b"", "set.csv": rows}) / "set.csv")
    assert len(found.samples) == 2
    assert found.samples.digests[1] == hashlib.sha256(b"").hexdigest()
    with pytest.raises(UnreadableImage):
        found.read(1)


def test_a_label_beyond_64_bits_is_refused(grow: Make, encode: Encode, open_data: OpenData) -> None:
    root = grow({"a.png": encode(), "set.csv": b"path,label\na.png,99999999999999999999\n"})
    with pytest.raises(DataError, match="64 bits"):
        open_data(root / "set.csv")


def test_an_idx_header_that_states_more_than_memory_holds_is_refused(grow: Make, open_data: OpenData) -> None:
    header = struct.pack(">IIII", 0x803, 0xFFFFFFFF, 0xFFFFFFFF, 0xFFFFFFFF)
    with pytest.raises(DataError, match="cut short or damaged"):
        open_data(grow({"t10k-images-idx3-ubyte": header}) / "t10k-images-idx3-ubyte")
