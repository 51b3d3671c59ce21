from __future__ import annotations

import io
import json
import subprocess
import sys
import zipfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vetgate.domain.errors import YardstickError
from vetgate.domain.yardstick import Distance, Peer
from vetgate.statistics import row_distances
from vetgate.yardstick import Content, dump, probabilities, read

Make = Callable[..., Content]
Save = Callable[[Content], str]


def members(content: Content) -> dict[str, np.ndarray]:
    """Return the arrays of a yardstick's file."""
    with np.load(io.BytesIO(dump(content)), allow_pickle=False) as arrays:
        return {name: arrays[name] for name in arrays.files}


def rewrite(path: Path, arrays: dict[str, np.ndarray]) -> str:
    """Write arrays as a yardstick's file is written; return its path."""
    with path.open("wb") as file:
        np.savez(file, **arrays)  # type: ignore[arg-type]  # numpy's stubs take the keywords for its own
    return str(path)


def rehead(arrays: dict[str, np.ndarray], **changes: Any) -> dict[str, np.ndarray]:
    """Return arrays with a changed header."""
    header = {**json.loads(arrays["header"].tobytes()), **changes}
    return {**arrays, "header": np.frombuffer(json.dumps(header).encode(), dtype=np.uint8)}


def refusal(path: str) -> str:
    """Return the one sentence with which a file is refused."""
    with pytest.raises(YardstickError) as caught:
        read(path)
    assert "\n" not in caught.value.message
    assert path in caught.value.message
    return caught.value.message


def test_what_was_written_is_read(content: Make, saved: Save) -> None:
    before = content()
    after = read(saved(before)).content
    assert after.header == before.header
    assert after.digests == before.digests
    assert after.peers == before.header.peers
    assert before.labels is not None
    assert after.labels is not None
    assert np.array_equal(after.labels, before.labels)
    assert np.array_equal(after.reference, before.reference)
    assert all(np.array_equal(one, other) for one, other in zip(after.matrices, before.matrices, strict=True))


def test_the_same_yardstick_is_the_same_file(content: Make) -> None:
    assert dump(content()) == dump(content())


def test_unlabelled_images_make_a_yardstick_too(content: Make, saved: Save) -> None:
    after = read(saved(content(labelled=False))).content
    assert after.labels is None
    assert after.accuracy(after.reference) is None


def test_a_check_reads_the_independents_and_leaves_their_checkpoints(content: Make, saved: Save) -> None:
    after = read(saved(content()), checkpoints=False).content
    assert [peer.name for peer in after.peers] == ["u1", "u2"]
    assert len(after.header.peers) == 3


def test_numpy_alone_reads_the_file(content: Make, saved: Save) -> None:
    script = (
        "import json, sys, numpy\n"
        "arrays = numpy.load(sys.argv[1], allow_pickle=False)\n"
        "header = json.loads(arrays['header'].tobytes())\n"
        "print(header['reference']['name'], arrays['reference'].shape, arrays['peer0003'].shape)\n"
    )
    command = [sys.executable, "-I", "-c", script, saved(content())]
    told = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert told.strip() == "reference (60, 3) (60, 3)"


@settings(max_examples=25, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    scale=st.floats(0.1, 30),
    classes=st.integers(2, 40),
    distance=st.sampled_from(Distance),
)
def test_reading_what_was_written_gives_the_same_distances_within_rounding(
    tmp_path_factory: pytest.TempPathFactory, seed: int, scale: float, classes: int, distance: Distance
) -> None:
    rng = np.random.default_rng(seed)
    logits = scale * rng.normal(size=(3, 40, classes))
    exact = np.exp(logits - logits.max(axis=2, keepdims=True))
    exact /= exact.sum(axis=2, keepdims=True)
    kept = [probabilities(matrix.astype(np.float32)) for matrix in exact]
    for one, other in ((0, 1), (0, 2), (1, 2)):
        true = row_distances(distance, exact[one], exact[other])
        found = row_distances(distance, kept[one], kept[other])
        if distance is not Distance.DISAGREEMENT:
            assert np.abs(found - true).max() < 1e-6
    assert np.abs(np.stack([rows.sum(axis=1) for rows in kept]) - 1).max() < 1e-12


def test_rows_are_found_by_the_digest_of_their_image(content: Make) -> None:
    some = content()
    assert some.rows([some.digests[7], some.digests[0]], ["x", "y"]).tolist() == [7, 0]


def test_an_image_that_is_not_in_it_is_other_data(content: Make) -> None:
    some = content()
    with pytest.raises(YardstickError, match=r"other data: 1 of 2 images .* the first 'new.png'"):
        some.rows([some.digests[0], "f" * 64], ["old.png", "new.png"])


@pytest.mark.parametrize(
    ("bytes_of", "why"),
    [
        (b"", "it is empty"),
        (b"version: 1\n", "it is no yardstick"),
        (b"PK\x03\x04" + b"\0" * 100, "its end is missing"),
    ],
)
def test_a_file_that_is_none_is_refused_in_a_sentence(tmp_path: Path, bytes_of: bytes, why: str) -> None:
    path = tmp_path / "some.yardstick"
    path.write_bytes(bytes_of)
    assert why in refusal(str(path))


def test_a_file_that_is_not_there_and_a_folder_are_refused(tmp_path: Path) -> None:
    assert "there is no such file" in refusal(str(tmp_path / "nowhere"))
    assert "no regular file" in refusal(str(tmp_path))


@pytest.mark.parametrize("share", [0.2, 0.5, 0.9, 0.999])
def test_a_truncated_file_is_refused(content: Make, saved: Save, share: float) -> None:
    path = Path(saved(content()))
    whole = path.read_bytes()
    path.write_bytes(whole[: int(len(whole) * share)])
    assert "its end is missing" in refusal(str(path))


@settings(max_examples=60, deadline=None)
@given(place=st.floats(0, 1, exclude_max=True), value=st.integers(0, 255))
def test_a_damaged_file_is_refused_or_reads_as_it_was(
    tmp_path_factory: pytest.TempPathFactory, whole: bytes, place: float, value: int
) -> None:
    damaged = bytearray(whole)
    damaged[int(place * len(whole))] = value
    path = tmp_path_factory.mktemp("damaged") / "some.yardstick"
    path.write_bytes(damaged)
    with suppress(YardstickError):
        assert dump(read(str(path)).content) == whole


def test_a_compressed_file_is_refused_unread(content: Make, tmp_path: Path) -> None:
    path = tmp_path / "bomb.yardstick"
    with path.open("wb") as file:
        np.savez_compressed(file, **members(content()))  # type: ignore[arg-type]
    assert "compressed" in refusal(str(path))


def test_a_member_that_says_a_huge_shape_is_refused_unread(content: Make, tmp_path: Path) -> None:
    arrays = members(content())
    path = tmp_path / "huge.yardstick"
    with zipfile.ZipFile(path, "w") as archive:
        for name, array in arrays.items():
            buffer = io.BytesIO()
            np.save(buffer, array)
            data = buffer.getvalue()
            if name == "reference":
                data = data.replace(b"(60, 3), }       ", b"(60000000000, 3),}")
                assert b"60000000000" in data
            archive.writestr(f"{name}.npy", data)
    assert "its member 'reference' is not what it must be" in refusal(str(path))


def test_a_pickled_member_is_refused_unread(content: Make, tmp_path: Path) -> None:
    arrays = members(content())
    arrays["digests"] = np.asarray([{}] * 60, dtype=object)
    assert "its member 'digests' is not what it must be" in refusal(rewrite(tmp_path / "pickled", arrays))


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"kind": "something else"}, "it is no yardstick"),
        ({"schema_version": 2}, "it is of version 2, and this vetgate reads version 1"),
        ({"distance": "cosine"}, "its header is malformed: distance"),
        ({"images": 61}, "images"),
        ({"classes": ["only"]}, "fewer than two classes"),
        ({"classes": ["a", "b", "c", "d"]}, "its member 'reference' is not what it must be"),
        ({"labelled": False}, "its list of members is not one"),
        ({"peers": []}, "no independent model"),
        ({"created": "soon"}, "its header is malformed: created"),
        ({"more": 1}, "its header is malformed: more"),
    ],
)
def test_a_header_that_does_not_hold_is_refused(
    content: Make, tmp_path: Path, change: dict[str, Any], why: str
) -> None:
    assert why in refusal(rewrite(tmp_path / "some.yardstick", rehead(members(content()), **change)))


@pytest.mark.parametrize("value", [np.nan, np.inf, -0.5, 7.0])
def test_rows_that_are_no_probabilities_are_refused(content: Make, tmp_path: Path, value: float) -> None:
    arrays = members(content())
    arrays["peer0002"] = arrays["peer0002"].copy()
    arrays["peer0002"][5] = value
    told = refusal(rewrite(tmp_path / "some.yardstick", arrays))
    assert "the answers of u1 are" in told


def test_a_member_more_or_less_is_refused(content: Make, tmp_path: Path) -> None:
    arrays = members(content())
    assert "list of members" in refusal(rewrite(tmp_path / "more", {**arrays, "peer0004": arrays["reference"]}))
    del arrays["peer0003"]
    assert "list of members" in refusal(rewrite(tmp_path / "less", arrays))


def test_one_independent_is_too_few(content: Make, tmp_path: Path, peer: Callable[..., Peer], saved: Save) -> None:
    arrays = members(content())
    alone = [
        json.loads(each.model_dump_json()) for each in (peer("u1-early", run="u1", final=False), peer("u1", step=2))
    ]
    del arrays["peer0003"]
    told = refusal(rewrite(tmp_path / "alone", rehead(arrays, peers=alone)))
    assert "1 independent model, and takes 2 at least" in told


def test_labels_out_of_range_are_refused(content: Make, tmp_path: Path) -> None:
    arrays = members(content())
    arrays["labels"] = arrays["labels"] + 3
    assert "its labels are out of range" in refusal(rewrite(tmp_path / "some.yardstick", arrays))
