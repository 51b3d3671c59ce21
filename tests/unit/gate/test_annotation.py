"""COCO-style files are matched with the images of a run, and refused where they do not fit."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from vetgate.domain.errors import DataError, UsageError
from vetgate.gate.annotation import Annotations


def _file(folder: Path, *names: str, **changes: Any) -> Annotations:
    images = [{"id": at, "file_name": name, "height": 4, "width": 6} for at, name in enumerate(names)]
    annotations = [
        {"image_id": at, "category_id": category, "segmentation": [[0, 0, 2, 0, 2, 2]]}
        for at in range(len(names))
        for category in (1, 2, 3)
    ]
    categories = [
        {"id": 1, "name": "wheel", "supercategory": "part"},
        {"id": 2, "name": "body", "supercategory": "OBJECT"},
        {"id": 3, "name": "car", "supercategory": "vehicle"},
    ]
    path = folder / "parts.json"
    content = {"images": images, "annotations": annotations, "categories": categories, **changes}
    path.write_text(json.dumps(content), encoding="utf-8")
    return Annotations(str(path))


def test_images_are_matched_by_name_or_by_its_end_where_that_is_unique(tmp_path: Path) -> None:
    found = _file(tmp_path, "cat/1.jpg", "2.jpg", "elsewhere/3.jpg", "4.jpg", "none.jpg")
    ids = ("cat/1.jpg", "dog/2.jpg", "dog/3.jpg", "cat/4.jpg", "dog/4.jpg")
    assert found.match(ids) == {0: "cat/1.jpg", 1: "dog/2.jpg", 2: "dog/3.jpg"}


def test_objects_and_parts_are_told_apart(tmp_path: Path) -> None:
    drawn = list(_file(tmp_path, "a").drawn(("a",), {"a": (4, 6)}, ("car", "bike")))
    assert {each.name: each.whole for each in drawn} == {"wheel": False, "body": True, "car": True}
    assert all(each.size == (4, 6) for each in drawn)


def test_an_image_of_another_size_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="'a' is 4 x 6, but it is 8 x 12"):
        list(_file(tmp_path, "a").drawn(("a",), {"a": (8, 12)}, ()))


def test_annotations_without_an_outline_are_left_aside(tmp_path: Path) -> None:
    bare = [{"image_id": 0, "category_id": 1, "bbox": [0, 0, 1, 1]}]
    assert not list(_file(tmp_path, "a", annotations=bare).drawn(("a",), {}, ()))


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"categories": []}, "category 1, which it does not list"),
        ({"images": 3}, "no COCO-style annotations: images"),
        ({"images": [{"id": 1, "file_name": "a", "height": 0, "width": 2}]}, "images.0.height"),
    ],
)
def test_a_file_that_contradicts_itself_is_refused(tmp_path: Path, changes: dict[str, Any], told: str) -> None:
    with pytest.raises(DataError, match=told):
        _file(tmp_path, "a", **changes)


def test_no_image_in_common_names_one_of_each(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="its first is 'a', that of the data 'b'"):
        _file(tmp_path, "a").match(("b",))


def test_a_missing_file_is_a_usage_error(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot be read"):
        Annotations(str(tmp_path / "none.json"))
