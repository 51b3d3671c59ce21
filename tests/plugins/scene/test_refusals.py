"""What cannot be compared is said in one sentence, before anything runs; what answers nonsense is never a pass."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from PIL import Image
from vetgate_data.coco import open_coco
from vetgate_data.masks import open_masks
from vetgate_data.recognise import Source, source_of

from tests.plugins.scene.conftest import World, figures
from tests.plugins.scene.rectangles import (
    detection_output,
    detector,
    draw,
    segmentation_output,
    segmenter,
    write_card,
    write_coco,
    write_masks,
)
from vetgate.api import DataError
from vetgate.artifacts.cards import parse_card
from vetgate.domain.errors import CardError


@pytest.mark.parametrize(
    ("model", "data", "policy", "told"),
    [
        ("sees.onnx", "masks", "edge", "which are of models for classification, but the card of reference"),
        ("finds.onnx", "coco", "segmentation", "the checks segmentation, which are of models for segmentation"),
        ("sees.onnx", "masks", "detection", "give a policy for segmentation, such as --policy segmentation"),
        ("sees.onnx", "masks", "edge", "says output.kind: segmentation"),
        ("sees.onnx", "masks", "edge", "write output.kind: logits or probabilities in the card"),
    ],
)
def test_a_policy_for_other_models_is_refused_at_the_plan_and_before_anything_runs(
    world: World, capsys: pytest.CaptureFixture[str], model: str, data: str, policy: str, told: str
) -> None:
    for more in (("--plan",), ()):
        code, report = world.check(model, model, data, "--policy", policy, *more)
        out, err = capsys.readouterr()
        assert told in " ".join((out + err).split())
        assert more or (code == 2 and not report)


def test_data_annotated_for_something_else_is_refused(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    code, report = world.check("finds.onnx", "finds.onnx", "masks", "--policy", "detection")
    assert code == 2
    assert not report
    assert "the data is annotated for segmentation, and the models are for detection" in capsys.readouterr().err


@pytest.mark.parametrize("data", ["masks", "coco"])
def test_a_classifier_on_masks_or_boxes_is_refused_at_the_plan_and_before_anything_runs(
    world: World, acme: Path, capsys: pytest.CaptureFixture[str], data: str
) -> None:
    from acme_vetgate.backend import write_toy

    toy = write_toy(world.folder / "classifier.toy", np.zeros((12, 4)), shape=(3, 2, 2))
    write_card(toy, {"kind": "logits"})
    told = f"the data is annotated for {'segmentation' if data == 'masks' else 'detection'}, and the models are for "
    for more in (("--plan",), ()):
        code, report = world.check("classifier.toy", "classifier.toy", data, "--policy", "edge", *more)
        out, err = capsys.readouterr()
        assert told + "classification" in " ".join((out + err).split())
        assert more or (code == 2 and not report)


def test_a_card_that_reads_scores_in_another_layout_is_refused_and_the_layouts_are_named(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    for layout, other, count in (("NCHW", "NHWC", 24), ("NHWC", "NCHW", 16)):
        path = segmenter(world.folder / "turned.onnx", layout=layout)
        write_card(path, segmentation_output(other))
        code, report = world.check("turned.onnx", "sees.onnx", "masks", "--policy", "segmentation")
        told = " ".join(capsys.readouterr().err.split())
        assert code == 2, report
        assert f"lists 4 classes, but its output ? x {'4 x 16 x 24' if layout == 'NCHW' else '16 x 24 x 4'}" in told
        assert f"has {count} in {other}" in told
        assert f"set output.segmentation.layout: {layout} in the card" in told


def test_classes_of_annotated_images_are_not_said_to_be_missing(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    world.check("sees.onnx", "sees.onnx", "masks", "--policy", "segmentation", "--plan")
    assert "has no column" not in capsys.readouterr().out


def test_early_stopping_is_for_classifiers(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    code, _ = world.check("sees.onnx", "sees.onnx", "masks", "--policy", "segmentation", "--sequential")
    assert code == 2
    assert "--sequential stops early on counts of images" in capsys.readouterr().err


def test_models_for_different_things_are_not_compared(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    code, _ = world.check("sees.onnx", "finds.onnx", "coco", "--policy", "detection")
    assert code == 2
    assert "says segmentation, and that of" in " ".join(capsys.readouterr().err.split())


def test_a_backend_that_reads_class_scores_alone_says_so(
    world: World, acme: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from acme_vetgate.backend import write_toy

    toy = write_toy(world.folder / "net.toy", np.zeros((12, 4)), shape=(3, 2, 2))
    write_card(toy, segmentation_output())
    world.check("net.toy", "sees.onnx", "masks", "--policy", "segmentation", "--plan")
    told = " ".join(capsys.readouterr().out.split())
    assert "reads class scores alone, and the card says segmentation" in told
    assert "in the format of a backend that can read it: litert, onnx" in told


def test_another_size_and_layout_is_brought_back_to_the_image(world: World) -> None:
    """It sees the middle of the images at half their size, so that what it never saw counts as wrong."""
    card = {"size": [32, 48], "resize": {"to": [64, 96], "interpolation": "nearest"}, "crop": "center"}
    output = segmentation_output("NHW")
    path = segmenter(world.folder / "middle.onnx", layout="NHW", batch=1)
    from tests.plugins.scene.rectangles import CARD

    write_card(path, output, input={**CARD["input"], **card})
    rule = {"metric": "segmentation.pixel_accuracy", "of": "delta", "at_least": "-50pp", "confidence": "95%"}
    code, report = world.check("middle.onnx", "sees.onnx", "masks", "--policy", world.policy(rule))
    assert code == 1
    assert [figure["value"] for figure in figures(report, "segmentation.pixel_accuracy", "candidate")] == [0.25]
    assert [figure["value"] for figure in figures(report, "segmentation.agreement", "pair")] == [0.25]


def test_a_detector_that_names_a_class_that_its_card_does_not_list_is_an_error(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    path = detector(world.folder / "strange.onnx")
    write_card(path, {**detection_output(), "offset": 0})
    rule = {"metric": "detection.found_again", "at_least": "10%"}
    code, _ = world.check("strange.onnx", "finds.onnx", "coco", "--policy", world.policy(rule))
    assert code == 2
    assert "names classes from 3 to 3, but the card lists 3" in " ".join(capsys.readouterr().err.split())


@pytest.mark.parametrize(
    ("output", "told"),
    [
        ({"kind": "segmentation", "classes": ["a"]}, "go together"),
        ({"kind": "logits", "segmentation": {"layout": "NHW"}}, "go together"),
        ({"kind": "segmentation", "segmentation": {"layout": "NHW"}}, "needs the names of all classes"),
        ({**detection_output(), "detection": {"boxes": "b", "scores": "s", "labels": "l"}}, "format"),
        (detection_output(threshold=1.0), "threshold"),
    ],
)
def test_a_card_that_says_too_little_or_two_things_is_malformed(output: dict[str, Any], told: str) -> None:
    from tests.plugins.scene.rectangles import CARD

    with pytest.raises(CardError, match=told):
        parse_card(yaml.safe_dump({**CARD, "output": output}), "card")


def test_cards_of_classifiers_keep_their_digest() -> None:
    """Of before there were sections for maps and boxes: attestations hold it."""
    text = (
        "version: 1\ninput: {size: [4, 4], resize: none, colour: grey, scale: 1, mean: [0], std: [1], layout: NCHW}\n"
        "output: {kind: logits}\n"
    )
    assert parse_card(text, "card").sha256 == "670f2996bd7c9a63715c34b38794f284e1a9e36efa0da748a54d17241af37c60"


def test_data_for_segmentation_and_detection_is_told_by_its_files(world: World) -> None:
    assert source_of(world.folder / "masks") is Source.MASKS
    assert source_of(world.folder / "coco") is Source.COCO


def test_masks_that_do_not_fit_their_images_are_errors(tmp_path: Path) -> None:
    folder = write_masks(tmp_path / "masks", draw(2))
    (folder / "classes.txt").write_text("nothing\nred\n", encoding="utf-8")
    with pytest.raises(DataError, match=r"holds the number [23], and classes.txt names 2"):
        [open_masks(folder).mask(index) for index in range(2)]  # type: ignore[attr-defined]
    Image.new("L", (5, 5)).save(folder / "masks" / "000.png")
    with pytest.raises(DataError, match="is 5 x 5, and its image 64 x 96"):
        open_masks(folder).mask(0)  # type: ignore[attr-defined]
    Image.new("RGB", (96, 64)).save(folder / "masks" / "000.png")
    with pytest.raises(DataError, match="its pixels are RGB"):
        open_masks(folder).mask(0)  # type: ignore[attr-defined]
    grey = zlib.compress(64 * (b"\0" + 48 * b"\x12"))  # of 4 bits: decoders make 17 and 34 of 1 and 2
    header = struct.pack(">IIBBBBB", 96, 64, 4, 0, 0, 0, 0)
    chunks = [(b"IHDR", header), (b"IDAT", grey), (b"IEND", b"")]
    (folder / "masks" / "000.png").write_bytes(
        b"\x89PNG\r\n\x1a\n"
        + b"".join(
            struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
            for kind, data in chunks
        )
    )
    with pytest.raises(DataError, match="its grey has 4 bits"):
        open_masks(folder).mask(0)  # type: ignore[attr-defined]
    (folder / "masks" / "000.png").unlink()
    with pytest.raises(DataError, match=r"has no mask masks/000\.png"):
        open_masks(folder)
    (folder / "images" / "000.png").unlink()
    (folder / "classes.txt").unlink()
    with pytest.raises(DataError, match=r"has masks and no classes\.txt"):
        open_masks(folder)


def test_images_and_masks_that_do_not_belong_together_are_named(tmp_path: Path) -> None:
    folder = write_masks(tmp_path / "masks", draw(3))
    (folder / "images" / "001.png").unlink()
    with pytest.raises(
        DataError, match=r"the mask masks/001\.png of .* belongs to no image in images \(1 such\)"
    ) as told:
        open_masks(folder)
    assert "add its image under the same name" in (told.value.hint or "")
    (folder / "masks" / "001.png").unlink()
    (folder / "images" / "000.png").rename(folder / "images" / "002.jpg")
    (folder / "masks" / "000.png").unlink()
    with pytest.raises(DataError, match=r"images/002\.jpg and images/002\.png of .* share the mask masks/002\.png"):
        open_masks(folder)


@pytest.mark.parametrize("listed", [True, False])
def test_a_third_folder_beside_images_and_masks_is_named(
    world: World, tmp_path: Path, capsys: pytest.CaptureFixture[str], *, listed: bool
) -> None:
    folder = write_masks(tmp_path / "street", draw(2))
    (folder / "notes.csv").write_text("ignored", encoding="utf-8")
    assert source_of(folder) is Source.MASKS
    assert len(open_masks(folder).samples.ids) == 2
    (folder / "edges").mkdir()
    if not listed:
        (folder / "classes.txt").unlink()
    assert world.check("sees.onnx", "sees.onnx", str(folder), "--policy", "segmentation")[0] == 2
    told = " ".join(capsys.readouterr().err.split())
    assert "holds the folders images and masks, and edges beside them" in told
    assert "a data set of masks holds these two folders, classes.txt and no other folder" in told


def test_masks_and_boxes_are_part_of_the_digest_of_the_data(tmp_path: Path) -> None:
    drawn = draw(2)
    masks, coco = write_masks(tmp_path / "masks", drawn), write_coco(tmp_path / "coco", drawn)
    before = [list(open_masks(masks).samples.annotations), list(open_coco(coco).samples.annotations)]
    Image.fromarray(drawn[0].mask * 0).save(masks / "masks" / "000.png")
    text = (coco / "instances.json").read_text(encoding="utf-8")
    (coco / "instances.json").write_text(text.replace('"iscrowd": 0', '"iscrowd": 1', 1), encoding="utf-8")
    after = [list(open_masks(masks).samples.annotations), list(open_coco(coco).samples.annotations)]
    assert before[0][0] != after[0][0]
    assert before[0][1] == after[0][1]
    assert before[1] != after[1]


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ('"category_id": 10', '"category_id": 11', "lists no such category"),
        ('"width": 96', '"width": 95', "says that image '000.png' is 64 x 95, but it is 64 x 96"),
        ('"file_name": "000.png"', '"file_name": "../000.png"', "outside the data set"),
        ('"images": [', '"pictures": [', "images: Field required"),
        ('"bbox": [', '"bbox": [NaN, ', "bbox"),
        ('"bbox": [', '"bbox": [96, 0, 5, 5], "before": [', "none of which lies in it"),
    ],
)
def test_annotations_that_do_not_fit_are_errors(tmp_path: Path, old: str, new: str, told: str) -> None:
    folder = write_coco(tmp_path / "coco", draw(2))
    text = (folder / "instances.json").read_text(encoding="utf-8")
    assert old in text
    (folder / "instances.json").write_text(text.replace(old, new), encoding="utf-8")
    with pytest.raises(DataError, match=told):
        open_coco(folder).boxes(0)  # type: ignore[attr-defined]


def test_the_plan_reads_masks_and_boxes_and_tells_the_first_that_is_wrong(
    world: World, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    drawn = draw(3)
    masks, coco = write_masks(tmp_path / "masks", drawn), write_coco(tmp_path / "coco", drawn)

    def planned(model: str, data: Path, task: str) -> str:
        code, _ = world.check(model, model, str(data), "--policy", task, "--plan")
        assert code == 0
        return " ".join(capsys.readouterr().out.partition("\nmissing\n")[2].split())

    assert planned("sees.onnx", masks, "segmentation") == planned("finds.onnx", coco, "detection")
    Image.fromarray(np.full(drawn[1].mask.shape, 77, dtype=np.uint8)).save(masks / "masks" / "001.png")
    assert "001.png holds the number 77, and classes.txt names 4 classes" in planned("sees.onnx", masks, "segmentation")
    (coco / "images" / "002.png").unlink()
    assert "1 of 3 images that were looked at cannot be read, such as '002.png'" in planned(
        "finds.onnx", coco, "detection"
    )
    Image.fromarray(np.zeros((5, 7, 3), dtype=np.uint8)).save(coco / "images" / "000.png")
    assert "but it is 5 x 7" in planned("finds.onnx", coco, "detection")


def test_annotations_beyond_any_bound_are_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = write_coco(tmp_path / "coco", draw(1))
    monkeypatch.setattr("vetgate_data.coco.LONGEST", 10)
    with pytest.raises(DataError, match="is larger than 10 bytes"):
        open_coco(folder)
