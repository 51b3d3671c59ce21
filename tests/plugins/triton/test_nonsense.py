"""A model that is loaded, says that it is ready, and answers nonsense is an error; so is one that is not there."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import pytest
from vetgate_triton.plugin import vetgate_artifact_sources, vetgate_backends

from tests.plugins.triton.conftest import Up
from tests.plugins.triton.tiny import CLASSES, expected, images, make_card
from vetgate.api import Card, CardError, Inconclusive, UsageError
from vetgate.testing.service import asked, found

SCHEMES = pytest.mark.parametrize("scheme", ["triton", "triton+grpc"])
SOURCE, BACKEND = next(iter(vetgate_artifact_sources())), next(iter(vetgate_backends()))


def ask(name: str, folder: Path, *, card: Card | None = None, seconds: float = 20.0, count: int = 9) -> np.ndarray:
    """Return the answers of a served model to `count` images."""
    served = found(SOURCE, name, folder / "run", seconds=seconds)
    with asked(BACKEND, served, card or make_card(), batch=count, seconds=seconds) as model:
        return model.predict(images(count))


@SCHEMES
@pytest.mark.parametrize(
    ("model", "told"),
    [
        ("nan", "NaN or infinity"),
        ("constant", "the very same figures for 8 different images"),
        ("wide", "answers 9 images with a tensor of 9 x 9|did not answer"),
        ("few", "answers 9 images with a tensor of 8 x 4|did not answer"),
        ("refusing", "division by zero"),
    ],
)
def test_nonsense_is_told_and_never_scored(up: Up, tmp_path: Path, scheme: str, model: str, told: str) -> None:
    with pytest.raises(Inconclusive, match=told):
        ask(up.name(model, scheme=scheme), tmp_path)


@SCHEMES
def test_a_slow_model_is_given_up_after_its_time(up: Up, tmp_path: Path, scheme: str) -> None:
    start = time.monotonic()
    with pytest.raises(Inconclusive, match=r"gave no answer within"):
        ask(up.name("slow", scheme=scheme), tmp_path, seconds=1.5)
    assert time.monotonic() - start < 6


@SCHEMES
def test_a_model_whose_process_dies_while_it_answers_is_told(up: Up, tmp_path: Path, scheme: str) -> None:
    with pytest.raises(Inconclusive, match=r"did not answer|gave no answer"):
        ask(up.name("dying", scheme=scheme), tmp_path, seconds=20.0)


@SCHEMES
def test_a_version_that_is_not_there_is_a_mistake_of_who_named_it(up: Up, tmp_path: Path, scheme: str) -> None:
    with pytest.raises(UsageError, match=r"version 7"):
        found(SOURCE, up.name("linear/7", scheme=scheme), tmp_path / "run")


def test_the_version_that_answers_is_pinned_where_none_is_named(up: Up, tmp_path: Path) -> None:
    served = found(SOURCE, up.name("linear"), tmp_path / "run")
    assert served.service.version == "1"
    assert served.service.config_sha256 is not None
    assert len(served.service.config_sha256) == 64
    assert (served.service.server, served.service.server_version) == ("triton", "2.51.0")


def test_more_images_than_a_request_takes_go_in_several_at_once(
    up: Up, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VETGATE_TRITON_CONCURRENCY", "4")
    answers = ask(up.name("linear"), tmp_path, count=301)
    np.testing.assert_allclose(answers, expected(images(301)), atol=1e-4)


def test_class_names_of_the_server_are_held_against_the_card(up: Up, tmp_path: Path) -> None:
    ask(up.name("labelled"), tmp_path, card=make_card(classes=CLASSES))
    swapped = (CLASSES[1], CLASSES[0], *CLASSES[2:])
    with pytest.raises(CardError, match=r"differ first at index 0 .'dog' and 'cat'"):
        ask(up.name("labelled"), tmp_path, card=make_card(classes=swapped))
    with pytest.raises(CardError, match=r"3 and 4 in all"):
        ask(up.name("labelled", scheme="triton+grpc"), tmp_path, card=make_card(classes=CLASSES[:3]))


def test_an_image_of_another_size_than_the_server_takes_is_the_cards_mistake(up: Up, tmp_path: Path) -> None:
    card = make_card().model_copy(update={"input": make_card().input.model_copy(update={"size": (9, 9)})})
    with pytest.raises(CardError, match=r"takes \? x 3 x 8 x 8"):
        ask(up.name("linear"), tmp_path, card=card)


def test_a_configuration_that_changes_during_the_run_is_told(up: Up, tmp_path: Path) -> None:
    served = found(SOURCE, up.name("linear"), tmp_path / "run")
    service = served.service.model_copy(update={"config_sha256": "0" * 64})
    changed = type(served)(service, served.door, served.backend, served.format)
    with pytest.raises(Inconclusive, match=r"changed during the run"), asked(BACKEND, changed, make_card(), batch=1):
        pass
