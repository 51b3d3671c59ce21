"""The same images reach every model, and each answer stands in the row of its image, whatever goes wrong elsewhere."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from vetgate.domain.card import Card, Input, Output
from vetgate.domain.errors import CardError, UnreadableImage
from vetgate.domain.samples import Samples
from vetgate.inference import feed as feeding
from vetgate.inference.feed import Feed, Lane
from vetgate.inference.memory import SharedBuffer


def grey(size: int, **changes: Any) -> Card:
    """Return the card of a model that takes grey squares, resized to `size`, as 0 to 1."""
    given: dict[str, Any] = {
        "size": [size, size],
        "colour": "grey",
        "scale": "1/255",
        "mean": [0],
        "std": [1],
        "layout": "NCHW",
    }
    given |= {"resize": {"to": [size, size], "interpolation": "nearest"}}
    return Card(version=1, input=Input.model_validate(given | changes), output=Output(kind="logits"))


class Pixels:
    """Images in memory; a row without an image gives what is put in its place."""

    def __init__(self, images: list[Any]) -> None:
        self._images = images
        ids = [f"i{row}" for row in range(len(images))]
        self.samples = Samples(ids, ids, None, None)

    def read(self, index: int) -> Any:
        image = self._images[index]
        if isinstance(image, Exception):
            raise image
        return image


RNG = np.random.default_rng(11)
FOUR, EIGHT = RNG.normal(size=(16, 3)).astype(np.float32), RNG.normal(size=(64, 5)).astype(np.float32)
IMAGES = [RNG.integers(0, 256, (8, 8), dtype=np.uint8) for _ in range(25)]


def _expected(images: list[Any], weight: np.ndarray, size: int) -> np.ndarray:
    step = 8 // size
    rows = [image[step // 2 :: step, step // 2 :: step].reshape(-1) / 255 for image in images]
    answers: np.ndarray = np.asarray(rows, dtype=np.float32) @ weight
    return answers


def _run(ring: SharedBuffer, source: Any, lanes: list[Lane], batch: int, indices: list[int] | None = None) -> Feed:
    feed = Feed(ring, source, indices or range(len(source.samples)), lanes, batch)
    feed.run(lambda done, total: None)
    return feed


def _lane(make_worker: Any, weight: np.ndarray, size: int, images: int = 25, **more: Any) -> Lane:
    worker, card = make_worker(weight, size, **more), grey(size)
    worker.open(card)
    return Lane(worker, card, np.ones(images, dtype=bool))


@pytest.mark.parametrize("batch", [1, 7, 25, 64])
def test_two_geometries_share_each_decoded_batch_and_no_answer_leaves_its_row(
    make_worker: Any, ring: SharedBuffer, batch: int
) -> None:
    lanes = [_lane(make_worker, FOUR, 4), _lane(make_worker, EIGHT, 8)]
    _run(ring, Pixels(IMAGES), lanes, batch)
    for lane, weight, size in zip(lanes, (FOUR, EIGHT), (4, 8), strict=True):
        assert lane.error is None
        assert lane.raw is not None
        np.testing.assert_allclose(lane.raw, _expected(IMAGES, weight, size), rtol=1e-4, atol=1e-4)
        assert not lane.wanted.any()


@pytest.mark.parametrize("slot", [1, 100, 200])
def test_a_slot_smaller_than_an_image_or_a_batch_holds_fewer_images_and_at_least_one(
    make_worker: Any, ring: SharedBuffer, slot: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feeding, "SLOT_BYTES", slot)
    lane = _lane(make_worker, EIGHT, 8)
    feed = _run(ring, Pixels(IMAGES), [lane], 64)
    assert feed.batch == max(1, slot // 64)
    assert lane.raw is not None
    np.testing.assert_allclose(lane.raw, _expected(IMAGES, EIGHT, 8), rtol=1e-4, atol=1e-4)


def test_unreadable_images_are_named_and_move_no_other_answer(make_worker: Any, ring: SharedBuffer) -> None:
    broken: list[Any] = list(IMAGES)
    broken[3] = UnreadableImage("cut short")
    broken[4] = ValueError("a source lost a screw")
    broken[5] = np.zeros((8, 8, 4), dtype=np.uint8)
    broken[6] = np.zeros((8, 8), dtype=np.float32)
    broken[24] = np.zeros((0, 8), dtype=np.uint8)
    lane = _lane(make_worker, EIGHT, 8)
    feed = _run(ring, Pixels(broken), [lane], 5)
    assert sorted(feed.unreadable) == [3, 4, 5, 6, 24]
    assert feed.unreadable[3] == "cut short"
    assert "a source lost a screw" in feed.unreadable[4]
    assert lane.wanted.nonzero()[0].tolist() == [3, 4, 5, 6, 24]
    assert lane.raw is not None
    kept = ~lane.wanted
    np.testing.assert_allclose(lane.raw[kept], _expected(IMAGES, EIGHT, 8)[kept], rtol=1e-4, atol=1e-4)


def test_a_chosen_list_of_images_is_answered_in_its_own_order(make_worker: Any, ring: SharedBuffer) -> None:
    indices = [20, 3, 11]
    lane = _lane(make_worker, EIGHT, 8, images=3)
    _run(ring, Pixels(IMAGES), [lane], 2, indices)
    assert lane.raw is not None
    np.testing.assert_allclose(lane.raw, _expected([IMAGES[i] for i in indices], EIGHT, 8), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("misbehave", ["crash", "nan", "lie", "raise"])
def test_one_model_that_fails_half_way_stops_no_other(make_worker: Any, ring: SharedBuffer, misbehave: str) -> None:
    lanes = [_lane(make_worker, EIGHT, 8), _lane(make_worker, FOUR, 4, misbehave=misbehave, when=2)]
    _run(ring, Pixels(IMAGES), lanes, 5)
    good, bad = lanes
    assert good.error is None
    assert good.raw is not None
    np.testing.assert_allclose(good.raw, _expected(IMAGES, EIGHT, 8), rtol=1e-4, atol=1e-4)
    assert bad.error is not None
    assert bad.wanted.sum() >= 15
    assert not bad.worker.alive


def test_a_model_that_hangs_is_stopped_while_others_go_on(make_worker: Any, ring: SharedBuffer) -> None:
    lanes = [_lane(make_worker, EIGHT, 8), _lane(make_worker, FOUR, 4, misbehave="hang", patience=1.0)]
    _run(ring, Pixels(IMAGES), lanes, 5)
    assert lanes[0].error is None
    assert "no answer within 1 s" in str(lanes[1].error)


def test_a_feed_that_is_broken_off_leaves_no_answer_for_the_next_question(make_worker: Any, ring: SharedBuffer) -> None:
    """An answer left in the connection would be taken for that to the first batch of the next feed."""
    worker, card = make_worker(EIGHT, 8), grey(8, resize="none")
    worker.open(card)
    broken = [*IMAGES[:9], np.zeros((5, 5), dtype=np.uint8)]
    with pytest.raises(CardError, match="'i9' is 5 x 5"):
        _run(ring, Pixels(broken), [Lane(worker, card, np.ones(10, dtype=bool))], 3)
    if worker.alive:
        lane = Lane(worker, card, np.ones(25, dtype=bool))
        _run(ring, Pixels(IMAGES), [lane], 3)
        assert lane.raw is not None
        np.testing.assert_allclose(lane.raw, _expected(IMAGES, EIGHT, 8), rtol=1e-4, atol=1e-4)


def test_answers_known_before_stay_and_another_number_of_outputs_is_refused(
    make_worker: Any, ring: SharedBuffer
) -> None:
    worker, card = make_worker(EIGHT, 8), grey(8)
    worker.open(card)
    wanted = np.arange(25) >= 10
    known = np.full((25, 4), 7, dtype=np.float32)
    lane = Lane(worker, card, wanted, known)
    _run(ring, Pixels(IMAGES), [lane], 5)
    assert "answered 5 outputs after 4" in str(lane.error)
    assert lane.wanted.sum() == 15


def test_a_card_that_asks_for_huge_images_is_refused_before_any_room_is_made(
    make_worker: Any, ring: SharedBuffer
) -> None:
    worker = make_worker(EIGHT, 8)
    with pytest.raises(CardError, match="100000 x 100000"):
        Feed(ring, Pixels(IMAGES), range(25), [Lane(worker, grey(100_000), np.ones(25, dtype=bool))], 1)


def test_every_decoded_image_is_shown_once_by_its_place_in_the_list_and_the_child_counts_what_it_answers(
    make_worker: Any, ring: SharedBuffer
) -> None:
    images: list[Any] = [*IMAGES]
    images[3] = UnreadableImage("broken")
    lanes = [_lane(make_worker, FOUR, 4, images=20), _lane(make_worker, EIGHT, 8, images=20)]
    lanes[0].wanted[10:] = False
    indices = list(range(24, 4, -1))
    shown: list[tuple[int, int]] = []
    feed = Feed(
        ring, Pixels(images), indices, lanes, 5, seen=lambda row, pixels: shown.append((row, int(pixels[0, 0])))
    )
    feed.run(lambda done, total: None)
    assert shown == [(row, int(IMAGES[index][0, 0])) for row, index in enumerate(indices)]
    assert [lane.worker.answered for lane in lanes] == [10, 20]
    assert [int(lane.answered.sum()) for lane in lanes] == [10, 20]
