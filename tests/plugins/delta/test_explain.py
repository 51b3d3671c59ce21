from __future__ import annotations

import base64
import io
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from vetgate_delta.category import Category
from vetgate_delta.explain import Explanation, explain

from vetgate.api import CandidateSeen, ConceptMask, ImageSet, Inconclusive, Picture, Table, TrainerContext, Tuning
from vetgate.testing import toy_card

SIZE = 20
CLASSES = ("cat", "dog", "car")
Boxes = tuple[tuple[int, int, int, int], ...]
LEFT, RIGHT, LOW = (0, 0, 6, 6), (0, 14, 6, 6), (12, 12, 6, 6)


def _heat(*boxes: tuple[int, int, int, int], height: float = 1.0) -> NDArray[np.float32]:
    heat = np.zeros((SIZE, SIZE), dtype=np.float32)
    for top, left, rows, columns in boxes:
        heat[top : top + rows, left : left + columns] = height
    return heat


def _mask(image: int, name: str, *boxes: tuple[int, int, int, int], whole: bool = False) -> ConceptMask:
    inside = _heat(*boxes).ravel() > 0
    changes = np.flatnonzero(np.diff(np.concatenate([[False], inside])))
    runs = np.diff(np.concatenate([[0], changes, [inside.size]]))
    return ConceptMask(image=f"{image}.png", name=name, runs=tuple(int(run) for run in runs), whole=whole)


def _context(
    images: int,
    concepts: Sequence[ConceptMask] = (),
    labels: bool = True,
    label: Any = None,
    **tuning: Any,
) -> TrainerContext:
    """Return a context of images of cats that the candidate takes for dogs."""
    probabilities = np.tile([0.1, 0.8, 0.1], (images, 1))
    by_image: dict[str, tuple[ConceptMask, ...]] = {}
    for mask in concepts:
        by_image[mask.image] = (*by_image.get(mask.image, ()), mask)
    pixels = np.random.default_rng(0).integers(0, 255, (images, SIZE, SIZE, 3)).astype(np.uint8)
    ids = tuple(f"{index}.png" for index in range(images))
    given = np.zeros(images, dtype=np.int64) if labels else None
    return TrainerContext(
        reference=lambda: None,
        reference_card=toy_card(SIZE, SIZE, CLASSES),
        candidate=None,
        candidate_card=toy_card(SIZE, SIZE, CLASSES),
        candidate_name="small",
        classes=CLASSES,
        feature_map=None,
        feature_note="",
        vetted=ImageSet("vetted", ids, ids, pixels, given, CandidateSeen(probabilities, None, None, None)),
        training=None,
        concepts=by_image,
        normalise=lambda pixels: pixels.astype(np.float32),
        label=label,
        tuning=Tuning(**tuning),
        shelf=Path("unused"),
        reference_key="r",
        candidate_key="c",
        candidate_parameters=None,
        candidate_macs=None,
        seed=3,
        threads=1,
        tell=lambda _what, _done, _total: None,
        labeller="eye at example.org" if label else "",
    )


def _explain(
    context: TrainerContext, pairs: Sequence[tuple[Boxes, Boxes]], right: Sequence[bool] | None = None, **more: Any
) -> Explanation:
    """Explain images by (candidate's regions, DELTA's regions)."""
    return explain(
        context,
        np.arange(len(pairs)),
        np.array(right if right is not None else [True] * len(pairs)),
        np.stack([_heat(*delta) for _, delta in pairs]),
        np.stack([_heat(*candidate) for candidate, _ in pairs]),
        **more,
    )


FOUR = [((LEFT,), (RIGHT,)), ((LEFT,), (LEFT,)), ((LEFT,), (LEFT, LOW)), ((LEFT,), ())]


def _tables(found: Explanation) -> dict[str, Table]:
    return {exhibit.title: exhibit for exhibit in found.exhibits if isinstance(exhibit, Table)}


def _pictures(found: Explanation) -> list[Picture]:
    return [exhibit for exhibit in found.exhibits if isinstance(exhibit, Picture)]


def test_shares_of_all_seven_categories_are_told_at_three_thresholds_and_the_users_own() -> None:
    found = _explain(_context(5, threshold=0.4), [*FOUR, ((), (RIGHT,))], [True, True, True, True, False])
    assert list(found.categories) == [0.3, 0.4, 0.5, 0.7]
    counts = found.categories[0.4]
    assert counts[Category.COMPLEMENT_LOCAL] == counts[Category.ENHANCE_LOCAL] == counts[Category.MIX_GLOBAL] == 1
    assert counts[Category.NONE] == 2
    assert all(sum(at.values()) == 5 and len(at) == 7 for at in found.categories.values())
    table = _tables(found)["How DELTA's regions lie to the candidate's"]
    assert table.columns[1:-1] == ("images at 0.4", "share at 0.3", "share at 0.4", "share at 0.5", "share at 0.7")
    assert table.rows[0] == ("complement, local", 1, 0.2, 0.2, 0.2, 0.2, 0.0)


def test_a_category_that_depends_on_the_threshold_is_told() -> None:
    two_heights = [_heat(RIGHT) + _heat(LEFT, height=0.6)] * 3
    found = explain(_context(3), np.arange(3), np.full(3, True), np.stack(two_heights), np.stack([_heat(LEFT)] * 3))
    (finding,) = [finding for finding in found.findings if finding.rule == "disparity.threshold"]
    assert "'mix, global' at 0.3" in finding.message
    assert "'complement, local' at 0.7" in finding.message
    steady = _explain(_context(3), FOUR[:1] * 3)
    assert "disparity.threshold" not in [finding.rule for finding in steady.findings]


def test_mean_overlap_is_of_the_images_with_a_category_and_has_an_interval() -> None:
    found = _explain(_context(40), (FOUR[:2] + FOUR[3:]) * 10 + [((LEFT,), (LEFT,))] * 10, [True] * 30 + [False] * 10)
    assert found.overlap is not None
    assert found.overlap.mean == 0.5
    assert found.overlap.images == 20
    assert found.overlap.uncertainty is not None
    bounds = dict(zip(found.overlap.uncertainty.levels, found.overlap.uncertainty.values, strict=True))
    assert 0 <= bounds[0.05] < 0.5 < bounds[0.95] <= 1


def test_without_any_region_there_is_no_overlap_and_no_picture() -> None:
    found = _explain(_context(2), FOUR[3:] * 2)
    assert found.overlap is None
    assert _pictures(found) == []
    assert "disparity.unnamed" in [finding.rule for finding in found.findings]


def test_one_image_has_an_overlap_without_an_interval() -> None:
    found = _explain(_context(1), FOUR[:1])
    assert found.overlap is not None
    assert found.overlap.uncertainty is None


def test_no_image_at_all_is_told_and_breaks_nothing() -> None:
    empty = np.zeros((0, SIZE, SIZE), dtype=np.float32)
    found = explain(_context(3), np.arange(0), np.zeros(0, dtype=bool), empty, empty)
    assert (found.images, found.overlap, found.concepts) == (0, None, ())


def test_an_annotated_object_decides_what_is_local() -> None:
    masks = [_mask(0, "cat", (0, 0, 20, 10), whole=True), _mask(1, "cat", (0, 10, 20, 10), whole=True)]
    found = _explain(_context(2, masks), FOUR[:1] * 2)
    assert found.categories[0.5][Category.COMPLEMENT_GLOBAL] == found.categories[0.5][Category.COMPLEMENT_LOCAL] == 1
    assert "annotated object." in _tables(found)["How DELTA's regions lie to the candidate's"].caption


def test_the_most_covered_part_is_the_missed_concept_with_its_share() -> None:
    masks = [
        *(_mask(index, "ear", (0, 14, 6, 12)) for index in range(3)),
        *(_mask(index, "tail", (0, 0, 20, 20)) for index in range(3)),
        _mask(3, "tail", (12, 12, 12, 6)),
    ]
    pairs = [((LEFT,), (RIGHT,))] * 3 + [((LEFT,), (LOW,))] + [((LEFT,), (RIGHT,))]
    found = _explain(_context(5, masks), pairs)
    assert [(count.name, count.images, count.shown) for count in found.concepts] == [("ear", 3, 3), ("tail", 1, 4)]
    assert found.concepts[0].covered == 1.0
    assert found.concept_images == 4
    table = _tables(found)["Most missed concepts"]
    assert table.rows[0][:3] == ("ear", 3, 0.75)
    (finding,) = [finding for finding in found.findings if finding.rule == "disparity.unannotated"]
    assert finding.message.startswith("1 of 5 explained images")
    first = _pictures(found)[0]
    assert first.title == "Missed: ear"
    assert "cat taken for dog, complement, local, overlap 0.00, ear (100% of it covered)" in first.caption
    assert "magenta" in first.caption
    assert "cyan" in first.caption


def test_images_without_a_category_name_no_concept() -> None:
    masks = [_mask(index, "ear", (0, 14, 6, 6)) for index in range(2)]
    found = _explain(_context(2, masks), FOUR[:1] * 2, [True, False])
    assert found.concepts[0].images == found.concept_images == 1


def test_regions_beside_every_part_count_among_the_images_but_name_nothing() -> None:
    masks = [_mask(0, "ear", (0, 14, 6, 6)), _mask(1, "ear", (18, 0, 2, 2))]
    found = _explain(_context(2, masks), FOUR[:1] * 2)
    assert (found.concepts[0].images, found.concept_images) == (1, 2)


def test_a_mask_of_another_size_is_refused() -> None:
    wrong = ConceptMask(image="0.png", name="ear", runs=(5, 5))
    with pytest.raises(Inconclusive, match="has 10 pixels"):
        _explain(_context(1, [wrong]), FOUR[:1])


def test_where_delta_failed_its_controls_no_concept_is_named_and_nobody_asked() -> None:
    def label(_: Sequence[bytes], __: Sequence[str]) -> tuple[str, ...]:
        raise AssertionError("asked")

    masks = [_mask(0, "ear", (0, 14, 6, 6))]
    for context in (_context(1, masks), _context(1, label=label)):
        found = _explain(context, FOUR[:1], complements=False)
        assert found.concepts == ()
        assert list(_tables(found)) == ["How DELTA's regions lie to the candidate's"]


def test_without_annotations_and_labeller_the_report_says_that_concepts_were_not_named() -> None:
    found = _explain(_context(1), FOUR[:1])
    (finding,) = found.findings
    assert "concepts were not named" in finding.message
    assert "--concepts" in finding.advice
    assert "--labeller" in finding.advice
    assert _pictures(found)[0].title == "Examples: complement, local"


def test_a_labeller_names_outlined_pictures_drawn_at_random_and_is_told_what_they_show() -> None:
    asked: list[tuple[int, tuple[str, ...]]] = []

    def label(images: Sequence[bytes], labels: Sequence[str]) -> tuple[str, ...]:
        assert all(Image.open(io.BytesIO(image)).format == "PNG" for image in images)
        asked.append((len(images), tuple(labels)))
        return tuple("The Ear" if index % 2 else "" for index in range(len(images)))

    found = _explain(_context(30, label=label, to_name=20), FOUR[:1] * 30)
    assert [count for count, _ in asked] == [8, 8, 4]
    assert {name for _, labels in asked for name in labels} == {"cat"}
    assert [(count.name, count.images, count.shown) for count in found.concepts] == [("ear", 10, None)]
    assert found.concept_images == 20
    assert "Named by eye at example.org, not by annotations" in _tables(found)["Most missed concepts"].caption
    assert "ear (named by the labeller)" in _pictures(found)[0].caption


def test_a_labeller_that_fails_half_way_leaves_what_it_named() -> None:
    calls: list[int] = []

    def label(images: Sequence[bytes], _: Sequence[str]) -> tuple[str, ...]:
        calls.append(len(images))
        if len(calls) > 1:
            raise Inconclusive("its limit of 1 requests is reached")
        return ("ear",) * len(images)

    found = _explain(_context(30, label=label), FOUR[:1] * 30)
    assert len(calls) == 2
    assert (found.concepts[0].images, found.concept_images) == (8, 8)
    (finding,) = [finding for finding in found.findings if finding.rule == "disparity.unnamed"]
    assert finding.message == "concepts of 16 of 24 pictures were not named: its limit of 1 requests is reached"


def test_a_labeller_that_gives_another_number_of_names_is_not_believed() -> None:
    found = _explain(_context(3, label=lambda _, __: ("ear",)), FOUR[:1] * 3)
    assert found.concepts == ()
    assert any("gave 1 names for 3 pictures" in finding.message for finding in found.findings)


def test_annotations_win_over_a_labeller() -> None:
    def label(_: Sequence[bytes], __: Sequence[str]) -> tuple[str, ...]:
        raise AssertionError("asked")

    found = _explain(_context(1, [_mask(0, "ear", (0, 14, 6, 6))], label=label), FOUR[:1])
    assert found.concepts[0].name == "ear"


@pytest.mark.parametrize(("examples", "shown"), [(0, []), (3, [3]), (6, [4, 2]), (12, [4, 4])])
def test_no_more_examples_are_shown_than_asked_for(examples: int, shown: list[int]) -> None:
    pairs = FOUR[:1] * 9 + FOUR[1:2] * 5
    found = _pictures(_explain(_context(14, examples=examples), pairs))
    assert [count for _, count in Counter(picture.title for picture in found).items()] == shown
    for picture in found:
        assert picture.caption.count("taken for") == 1
        assert Image.open(io.BytesIO(base64.b64decode(picture.base64))).format == "PNG"


def test_each_example_is_a_picture_of_one_image_so_that_a_gallery_finds_it() -> None:
    found = _pictures(_explain(_context(9), FOUR[:1] * 9))
    assert len({picture.image for picture in found}) == 4
    for picture in found:
        assert picture.caption.startswith(f"{picture.image}: cat taken for dog, ")
        assert "drawn at random of 9 such images" in picture.caption


def test_half_of_the_examples_are_the_worst_of_their_group_and_the_others_are_drawn() -> None:
    loss = np.array([0.1, 0.2, 0.9, 0.3, 0.95, 0.1, 0.1, 0.1, 0.1])
    found = _pictures(_explain(_context(9), FOUR[:1] * 9, loss=loss))
    assert [picture.image for picture in found][:2] == ["4.png", "2.png"]
    assert ["one of the worst of 9" in picture.caption for picture in found] == [True, True, False, False]
    assert not {"4.png", "2.png"} & {picture.image for picture in found[2:]}


def test_the_same_seed_gives_the_same_explanation() -> None:
    pairs = FOUR[:1] * 20
    assert _explain(_context(20), pairs) == _explain(_context(20), pairs)


def test_images_without_labels_take_the_references_answers() -> None:
    found = _explain(_context(1, labels=False), FOUR[:1], answers=np.array([2]))
    assert "car taken for dog" in _pictures(found)[0].caption
    with pytest.raises(ValueError, match="answers"):
        _explain(_context(1, labels=False), FOUR[:1])
