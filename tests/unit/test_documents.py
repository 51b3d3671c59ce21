"""YAML with the line of every key."""

from __future__ import annotations

import pytest

from vetgate.documents import Mistakes, parse, read_record, suggest
from vetgate.domain.card import Card

GOOD = """\
version: 1
input: {size: [4, 4], resize: none, colour: grey, scale: 1/255, mean: [0], std: [1], layout: NCHW}
output: {kind: logits}
"""


def _mistakes(text: str) -> list[str]:
    with pytest.raises(Mistakes) as raised:
        read_record(parse(text, "card.yaml"), Card)
    return [str(mistake) for mistake in raised.value.mistakes]


def test_a_good_card_is_read() -> None:
    card = read_record(parse(GOOD, "card.yaml"), Card)
    assert card.input.scale == pytest.approx(1 / 255)


def test_an_unknown_key_gets_its_line_and_a_suggestion() -> None:
    (told,) = _mistakes(GOOD.replace("output: {kind", "output: {knid: 1, kind"))
    assert told.startswith("card.yaml:3: output.knid: unknown key; did you mean 'kind'?")


def test_a_missing_key_is_named_at_the_line_of_what_should_hold_it() -> None:
    (told,) = _mistakes(GOOD.replace("layout: NCHW", "").replace("[1], }", "[1]}"))
    assert told == "card.yaml:2: input.layout: is missing"


def test_a_wrong_value_is_shown() -> None:
    (told,) = _mistakes(GOOD.replace("grey", "green"))
    assert "card.yaml:2: input.colour" in told
    assert "'green'" in told


def test_every_mistake_is_told_at_once() -> None:
    assert len(_mistakes(GOOD.replace("grey", "green").replace("logits", "votes"))) == 2


def test_a_key_given_twice_is_a_mistake() -> None:
    assert _mistakes(GOOD + "version: 1\n")[0].startswith("card.yaml:4: version: this key is given twice")


def test_aliases_are_refused_for_a_few_lines_of_them_stand_for_gigabytes() -> None:
    assert "aliases are not allowed" in _mistakes("a: &x [1, 2]\nb: *x\n")[0]


def test_what_is_no_yaml_has_a_line() -> None:
    assert _mistakes("version: 1\ninput: [unclosed\n")[0].startswith("card.yaml:")


def test_a_list_where_keys_are_due_is_a_mistake() -> None:
    assert "expected keys and values" in _mistakes("- 1\n- 2\n")[0]


def test_a_huge_document_is_refused() -> None:
    assert "longer than" in _mistakes("x" * 1_000_001)[0]


def test_only_a_near_word_is_suggested() -> None:
    assert suggest("agremeent", ["agreement", "accuracy"]) == "; did you mean 'agreement'?"
    assert suggest("zebra", ["agreement"]) == ""


def test_deep_nesting_is_refused_before_the_c_loader_overflows_its_stack() -> None:
    assert "nested deeper" in _mistakes("[" * 400_000)[0]


def test_what_is_wrong_within_keys_and_values_is_not_told_again_as_their_not_being_a_word() -> None:
    (told,) = _mistakes(GOOD.replace("resize: none", "resize: {to: [4, 4]}"))
    assert told == "card.yaml:2: input.resize.interpolation: is missing"


def test_what_is_still_to_be_filled_in_is_told_once() -> None:
    (told,) = _mistakes(GOOD.replace("resize: none", "resize: FILL-IN"))
    assert told == "card.yaml:2: input.resize: is still FILL-IN"
