"""The folder of a study: what counts as made, and what must not be written over."""

from __future__ import annotations

from pathlib import Path

import pytest

from vetgate.domain.compress import Made
from vetgate.domain.errors import UsageError
from vetgate.gate.shelf import Shelf

MADE = Made(notes=("pruned",), training_seconds=2.0, epochs=3, images=4)
CARD = "version: 1\n"


@pytest.fixture
def part(tmp_path: Path) -> Path:
    """A file that a compressor wrote."""
    folder = tmp_path / "bench"
    folder.mkdir()
    file = folder / "small.onnx"
    file.write_bytes(b"model")
    return file


def _shelf(tmp_path: Path) -> Shelf:
    return Shelf(str(tmp_path / "study"))


def test_what_was_put_is_found_by_the_same_key_alone(tmp_path: Path, part: Path) -> None:
    with _shelf(tmp_path) as shelf:
        shelf.put("small", "key", [part], MADE, 1.5, "version: 1\n")
    shelf = _shelf(tmp_path)
    found = shelf.find("small", "key")
    assert found is not None
    assert found.file.read_bytes() == b"model"
    assert (found.note.made, found.note.seconds) == (MADE, 1.5)
    assert Path(f"{found.file}.yaml").read_text(encoding="utf-8") == "version: 1\n"
    assert shelf.find("small", "another") is None
    assert shelf.find("other", "key") is None


@pytest.mark.parametrize("content", [b"", b"other", None])
def test_a_file_that_is_not_what_was_put_does_not_count(tmp_path: Path, part: Path, content: bytes | None) -> None:
    shelf = _shelf(tmp_path)
    file = shelf.put("small", "key", [part], MADE, 1.0, CARD).file
    if content is None:
        file.unlink()
    else:
        file.write_bytes(content)
    assert shelf.find("small", "key") is None


@pytest.mark.parametrize("note", [b"", b"{", b"{}", b'{"key": "key", "members": [], "made": {}, "seconds": 1}'])
def test_a_note_that_was_cut_short_does_not_count(tmp_path: Path, part: Path, note: bytes) -> None:
    shelf = _shelf(tmp_path)
    shelf.put("small", "key", [part], MADE, 1.0, CARD)
    (tmp_path / "study" / "made" / "small.json").write_bytes(note)
    assert shelf.find("small", "key") is None


def test_a_variant_without_its_card_does_not_count(tmp_path: Path, part: Path) -> None:
    shelf = _shelf(tmp_path)
    file = shelf.put("small", "key", [part], MADE, 1.0, "version: 1\n").file
    Path(f"{file}.yaml").unlink()
    assert shelf.find("small", "key") is None


def test_parts_of_a_model_stand_beside_it_and_count(tmp_path: Path, part: Path) -> None:
    data = part.with_name("small.onnx.data")
    data.write_bytes(b"weights")
    shelf = _shelf(tmp_path)
    shelf.put("small", "key", [part, data], MADE, 1.0, CARD)
    found = shelf.find("small", "key")
    assert found is not None
    assert [path.name for path in found.parts] == ["small.onnx", "small.onnx.data"]
    (tmp_path / "study" / "small.onnx.data").unlink()
    assert shelf.find("small", "key") is None


def test_files_between_steps_stand_apart(tmp_path: Path, part: Path) -> None:
    shelf = _shelf(tmp_path)
    shelf.put("steps/abc", "key", [part], MADE, 1.0, "")
    assert (tmp_path / "study" / "steps" / "abc.onnx").is_file()
    assert shelf.find("steps/abc", "key") is not None


def test_a_folder_of_other_files_is_refused_and_an_empty_one_is_not(tmp_path: Path) -> None:
    folder = tmp_path / "study"
    folder.mkdir()
    Shelf(str(folder)).close()
    Shelf(str(folder)).close()
    other = tmp_path / "models"
    other.mkdir()
    (other / "float16.onnx").write_bytes(b"mine")
    with pytest.raises(UsageError, match="no study made"):
        Shelf(str(other))
    with pytest.raises(UsageError, match="is no folder"):
        Shelf(str(other / "float16.onnx"))


def test_a_second_study_in_the_same_folder_is_refused_as_long_as_the_first_holds_it(tmp_path: Path) -> None:
    with _shelf(tmp_path), pytest.raises(UsageError, match="another study is at work in") as told:
        _shelf(tmp_path)
    assert "--output" in told.value.hint
    _shelf(tmp_path).close()


def test_what_a_killed_study_had_half_written_is_swept_away_and_nothing_else(tmp_path: Path, part: Path) -> None:
    with _shelf(tmp_path) as shelf:
        shelf.put("small", "key", [part], MADE, 1.0, CARD)
    halves = [tmp_path / "study" / inner / ".vetgate-abcd1234" for inner in ("", "made", "steps")]
    for half in halves:
        half.write_bytes(b"half")
    shelf = _shelf(tmp_path)
    assert not any(half.exists() for half in halves)
    assert shelf.find("small", "key") is not None
