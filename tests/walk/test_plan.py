"""What --plan tells is missing without opening any model."""

from __future__ import annotations

import json
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from .conftest import CARD

NAMED = CARD.replace("kind: logits", "kind: logits, classes: [T-shirt/top, Bag]")


def _folder(world: Any, *names: str) -> str:
    for name in names:
        place: Path = world.folder / "eval" / name
        place.mkdir(parents=True)
        Image.fromarray(np.zeros((4, 4), dtype=np.uint8)).save(place / "a.png")
    return str(world.folder / "eval")


def _plan(world: Any, candidate: str, reference: str, *more: str) -> str:
    arguments = [candidate, "--reference", reference, "--policy", "smoke", "--plan", *more]
    assert world.run("check", *arguments) == 0, world.err
    told: str = world.out.partition("\nmissing\n")[2].partition("\n\n")[0]
    return told


def test_class_names_that_the_card_lacks_are_told_by_the_plan_as_by_the_run(world: Any) -> None:
    models = [world.toy("same.toy", card=NAMED, classes=2), world.toy("ref.toy", card=NAMED, classes=2)]
    data = _folder(world, "Bag", "T-shirt-top")
    told = _plan(world, *models, "--data", data)
    assert "the data names 1 class that the reference's card lacks, such as 'T-shirt-top'" in told
    assert "classes.txt" in told
    assert world.run("check", models[0], "--reference", models[1], "--data", data, "--policy", "smoke") == 2
    assert "'T-shirt-top'" in world.err


def test_cards_that_list_different_classes_are_told(world: Any) -> None:
    other = NAMED.replace("Bag", "Coat")
    told = _plan(world, world.toy("one.toy", card=other, classes=2), world.toy("ref.toy", card=NAMED, classes=2))
    assert "one.toy: the cards list different classes: the candidate's lacks 'Bag'" in told


def _weights(world: Any, card: str | None) -> str:
    pytest.importorskip("torch")
    pytest.importorskip("safetensors")
    header = json.dumps({"w": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}}).encode()
    path = world.folder / "ref.safetensors"
    path.write_bytes(struct.pack("<Q", len(header)) + header + bytes(4))
    if card is not None:
        Path(f"{path}.yaml").write_text(card, encoding="utf-8")
    return str(path)


def test_weights_whose_architecture_nobody_names_are_told(world: Any) -> None:
    reference, candidate = _weights(world, CARD), world.toy("one.toy")
    told = _plan(world, candidate, reference)
    assert f"reference {reference} holds weights alone, and nothing names their architecture: pass" in told
    assert "candidate" not in told
    assert "architecture" not in _plan(world, candidate, reference, "--architecture", "torchvision/resnet18")
    _weights(world, f"{CARD}architecture: torchvision/resnet18\n")
    assert "architecture" not in _plan(world, candidate, reference)


def test_a_card_that_may_be_inside_is_not_called_missing_until_the_file_was_described(world: Any) -> None:
    reference, bare = world.toy("ref.toy"), world.toy("bare.toy", card=None)
    assert "has no card beside it, and whether it carries one inside shows when" in _plan(world, bare, reference)
    inside = world.toy("inside.toy", card=None, metadata=True)
    data = ["--data", world.data()]
    assert world.run("check", inside, "--reference", reference, "--policy", "smoke", *data) == 0, world.err
    assert not _plan(world, inside, reference, *data)
    assert world.run("check", bare, "--reference", reference, "--policy", "smoke", *data) == 2
    assert f"{bare} has no card: how to feed it" in _plan(world, bare, reference)


def test_a_file_that_cannot_go_into_a_server_of_its_own_is_told_by_the_plan_and_before_anything_is_measured(
    world: Any,
) -> None:
    pytest.importorskip("tritonclient")
    models, more = [world.toy("same.toy"), world.toy("ref.toy")], ("--data", world.data(), "--serve", "triton")
    assert "files cannot be loaded into triton (it takes: onnx)" in _plan(world, *models, *more)
    assert world.check(models[0], "--reference", models[1], "--policy", "smoke", *more) == 3
    assert "files cannot be loaded into triton (it takes: onnx)" in world.reasons()
    assert not [item for item in world.report()["evidence"] if item["check"] == "footprint"]
