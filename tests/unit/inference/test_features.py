"""Which inner tensor is the feature map, and what a stream through a child does with it."""

from __future__ import annotations

import pytest

from vetgate.domain.errors import UsageError
from vetgate.domain.model import Tap, mark_feature_map
from vetgate.inference.features import choose


def _tap(name: str, *shape: int, operator: str = "Conv") -> Tap:
    return Tap(name=name, shape=shape, layer=1, operator=operator)


TAPS = mark_feature_map(
    [_tap("first", 8, 12, 12), _tap("last", 16, 6, 6), _tap("pooled", 16, 1, 1, operator="GlobalAveragePool")]
)


def test_the_last_map_before_pooling_is_found_and_said() -> None:
    found = choose(TAPS, ("fusions are off",), None, "candidate a.onnx")
    assert found.tap is not None
    assert found.tap.name == "last"
    assert found.note == "last (16 x 6 x 6): the last one before pooling and classifier; fusions are off"


def test_a_model_of_vectors_has_none() -> None:
    found = choose([_tap("hidden", 32)], (), None, "candidate mlp.onnx")
    assert found.tap is None
    assert "no inner tensor of more than one position" in found.note


def test_another_map_may_be_named() -> None:
    found = choose(TAPS, (), "first", "candidate a.onnx")
    assert found.tap == TAPS[0]
    assert "named by the user" in found.note


@pytest.mark.parametrize(("name", "told"), [("third", "no inner tensor 'third'"), ("pooled", "cannot show where")])
def test_what_is_no_map_is_refused_with_what_there_is(name: str, told: str) -> None:
    with pytest.raises(UsageError, match=told) as refused:
        choose(TAPS, (), name, "candidate a.onnx")
    assert refused.value.hint.endswith("last first: last (16 x 6 x 6), first (8 x 12 x 12)")


def test_names_that_fusing_made_long_are_cut_in_the_note_alone() -> None:
    (long,) = mark_feature_map([_tap("fused;" * 60, 8, 4, 4)])
    found = choose([long], (), None, "candidate a.tflite")
    assert found.tap == long
    assert len(found.note) < 200
