"""What holds of copies whatever the images."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from vetgate_hygiene.compare import likeness
from vetgate_hygiene.duplicates import copies_within, find_duplicates, find_overlap
from vetgate_hygiene.search import find_alike

from tests.plugins.hygiene.hygiene_sets import as_set, picture
from vetgate.inference.sketch import RECORD, digests_of, lumas_of, pack, sizes_of, sketch, unpack

SEEDS = st.lists(st.integers(0, 10_000), min_size=2, max_size=12, unique=True)
FEW = settings(max_examples=20, deadline=None)


@given(st.integers(0, 1000), st.integers(0, 1000))
@FEW
def test_likeness_does_not_depend_on_the_order_in_a_pair(one: int, other: int) -> None:
    images = as_set([picture(one), picture(other)]).sketches
    there, back = likeness(images[:1], images[1:]), likeness(images[1:], images[:1])
    np.testing.assert_allclose(there, back, atol=1e-6)
    assert 0 <= there[0] <= 1


@given(st.integers(0, 1000))
@FEW
def test_an_image_is_its_own_copy_whichever_way_round(seed: int) -> None:
    pixels = picture(seed)
    images = as_set([pixels, pixels[:, ::-1]]).sketches
    np.testing.assert_allclose(likeness(images[:1], images[:1]), 1, atol=1e-5)
    assert likeness(images[:1], images[1:])[0] > 0.999


@given(SEEDS)
@FEW
def test_a_set_overlaps_with_itself_in_every_image(seeds: list[int]) -> None:
    images = as_set([picture(seed) for seed in seeds])
    pairs = find_overlap(images, images)
    assert [(pair.first, pair.second, pair.exact) for pair in pairs] == [(row, row, True) for row in range(len(seeds))]


@given(SEEDS, st.randoms(use_true_random=False))
@FEW
def test_the_order_of_a_set_says_nothing(seeds: list[int], random: object) -> None:
    pixels = [picture(seed) for seed in seeds] + [picture(seeds[0])[:, ::-1], picture(seeds[1])]
    ids = [f"image {row}" for row in range(len(pixels))]
    order = list(range(len(pixels)))
    random.shuffle(order)  # type: ignore[attr-defined]
    plain = as_set(pixels, ids=ids)
    mixed = as_set([pixels[row] for row in order], ids=[ids[row] for row in order])
    found = []
    for images in (plain, mixed):
        pairs = find_duplicates(images)
        named = {frozenset((images.ids[pair.first], images.ids[pair.second])) for pair in pairs}
        twice = {images.ids[row] for row in np.flatnonzero(copies_within(images, pairs)).tolist()}
        found.append((named, twice))
    assert found[0] == found[1]
    assert {ids[0], ids[1], ids[-1], ids[-2]} <= found[0][1]


@given(st.integers(1, 7))
@settings(max_examples=7, deadline=None)
def test_a_record_comes_back_from_the_cache_as_it_went(count: int) -> None:
    records = np.random.default_rng(count).integers(0, 256, (count, RECORD), dtype=np.uint8)
    packed = pack(records)
    assert np.isfinite(packed).all()
    np.testing.assert_array_equal(unpack(packed), records)


def test_the_search_finds_what_all_products_find() -> None:
    from vetgate_hygiene.descriptor import COARSE, WHOLE, describe

    images = as_set([picture(seed) for seed in range(300)]).sketches
    rows, columns = find_alike(images[:40], images, 3)
    vectors = describe(images, (WHOLE,), COARSE)[:, 0]
    nearest = (vectors[:40] @ vectors.T).argmax(axis=1)
    first = {row: set(columns[rows == row].tolist()) for row in range(40)}
    assert all(int(nearest[row]) in first[row] for row in range(40))
    assert max(np.bincount(rows)) <= 3


def test_grey_stored_as_colour_has_the_digest_of_grey_and_another_shape_has_not() -> None:
    grey = picture(3, colour=False)
    one, other = sketch(grey), sketch(np.stack([grey] * 3, axis=-1))
    np.testing.assert_array_equal(one, other)
    flat = np.zeros((4, 8), dtype=np.uint8)
    assert sketch(flat)[:32].tobytes() != sketch(flat.reshape(8, 4))[:32].tobytes()
    assert sizes_of(sketch(flat)[np.newaxis]).tolist() == [[4, 8]]
    assert digests_of(one[np.newaxis]).shape == (1, 32)
    assert lumas_of(one[np.newaxis]).shape == (1, 32, 32)
