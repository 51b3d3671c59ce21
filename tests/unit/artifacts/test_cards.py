"""A card comes from the user, from beside the model, from inside it or from a Hugging Face folder; never guessed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from vetgate.artifacts import find_card
from vetgate.artifacts.cards import METADATA_KEY, missing_card
from vetgate.domain.errors import CardError

CARD = """\
version: 1
input: {size: [8, 8], resize: none, colour: rgb, scale: 1/255, mean: [0.5], std: [0.25], layout: NCHW}
output: {kind: logits}
"""
HUB = {
    "do_resize": True,
    "size": {"height": 8, "width": 8},
    "resample": 2,
    "image_mean": [0.5, 0.5, 0.5],
    "image_std": [0.25, 0.25, 0.25],
}
CONFIG = {"architectures": ["ToyForImageClassification"], "id2label": {"0": "cat", "1": "dog"}}


@pytest.fixture
def model(tmp_path: Path) -> str:
    return str(tmp_path / "model.onnx")


def _hub(model: str, **changes: object) -> None:
    folder = Path(model).parent
    (folder / "preprocessor_config.json").write_text(json.dumps(HUB | changes), encoding="utf-8")
    (folder / "config.json").write_text(json.dumps(CONFIG), encoding="utf-8")


def test_without_any_source_there_is_no_card(model: str) -> None:
    assert find_card(model, None, {}) is None


def test_the_users_word_stands_over_a_card_beside_the_model(model: str, tmp_path: Path) -> None:
    Path(f"{model}.yaml").write_text(CARD, encoding="utf-8")
    named = tmp_path / "named.yaml"
    named.write_text(CARD.replace("logits", "probabilities"), encoding="utf-8")
    found = find_card(model, str(named), {METADATA_KEY: CARD})
    assert found is not None
    assert (found.card.output.kind, found.source) == ("probabilities", str(named))


def test_a_card_beside_the_model_is_read_before_one_inside(model: str) -> None:
    Path(f"{model}.yaml").write_text(CARD + "batch: 4\n", encoding="utf-8")
    found = find_card(model, None, {METADATA_KEY: CARD + "batch: 4\n"})
    assert found is not None
    assert found.source == f"{model}.yaml"


def test_a_card_beside_the_model_and_one_inside_that_disagree_name_both(model: str) -> None:
    Path(f"{model}.yaml").write_text(CARD, encoding="utf-8")
    with pytest.raises(CardError, match=r"model\.onnx\.yaml and metadata of .* disagree on output\.kind") as raised:
        find_card(model, None, {METADATA_KEY: CARD.replace("logits", "probabilities")})
    assert "--card" in raised.value.hint


def test_cards_that_spell_one_number_differently_agree(model: str) -> None:
    Path(f"{model}.yaml").write_text(CARD, encoding="utf-8")
    assert find_card(model, None, {METADATA_KEY: CARD.replace("1/255", "0.00392156862745098")}) is not None


def test_the_digest_is_of_what_a_card_says_and_not_of_its_spelling(model: str, tmp_path: Path) -> None:
    other = tmp_path / "other.yaml"
    other.write_text("# a comment\n" + CARD, encoding="utf-8")
    Path(f"{model}.yaml").write_text(CARD, encoding="utf-8")
    digests = {found.sha256 for found in (find_card(model, None, {}), find_card(model, str(other), {})) if found}
    assert len(digests) == 1


def test_a_complete_hugging_face_folder_is_a_card(model: str) -> None:
    _hub(model)
    found = find_card(model, None, None)
    assert found is not None
    card = found.card
    assert (card.input.size, card.input.layout, card.output.kind) == ((8, 8), "NCHW", "logits")
    assert card.output.classes == ("cat", "dog")
    assert card.input.scale == pytest.approx(1 / 255)


def test_a_hugging_face_folder_that_contradicts_the_card_is_an_error(model: str) -> None:
    _hub(model, image_mean=[0.4, 0.4, 0.4])
    Path(f"{model}.yaml").write_text(CARD.replace("[0.5]", "[0.5, 0.5, 0.5]"), encoding="utf-8")
    with pytest.raises(CardError, match=r"preprocessor_config\.json disagree on input\."):
        find_card(model, None, None)


@pytest.mark.parametrize("step", [{"crop_pct": 0.875}, {"rescale_offset": True}, {"do_pad": True}])
def test_a_processor_with_steps_of_its_own_is_no_card(model: str, step: dict[str, object]) -> None:
    _hub(model, **step)
    assert find_card(model, None, None) is None


def test_a_flipped_channel_order_is_bgr(model: str) -> None:
    _hub(model, do_flip_channel_order=True)
    found = find_card(model, None, None)
    assert found is not None
    assert found.card.input.colour == "bgr"


@pytest.mark.parametrize("text", ["[1, 2]", "{", '{"rescale_factor": "much"}'])
def test_an_odd_hugging_face_file_is_an_error_that_names_it(model: str, text: str) -> None:
    (Path(model).parent / "preprocessor_config.json").write_text(text, encoding="utf-8")
    with pytest.raises(CardError, match=r"preprocessor_config\.json"):
        find_card(model, None, None)


def test_a_hugging_face_file_of_an_older_kind_is_no_card(model: str) -> None:
    _hub(model, size=224, crop_size=[8])
    assert find_card(model, None, None) is None


def test_a_card_that_cannot_be_read_names_its_file(model: str) -> None:
    with pytest.raises(CardError, match=r"nowhere\.yaml cannot be read"):
        find_card(model, "nowhere.yaml", None)


@pytest.mark.parametrize("scale", ["1/0", "1e999999999", "1/2/3", "much", "-1", "0"])
def test_a_scale_that_is_no_positive_number_is_a_mistake(model: str, scale: str) -> None:
    Path(f"{model}.yaml").write_text(CARD.replace("1/255", scale), encoding="utf-8")
    with pytest.raises(CardError, match=r"model\.onnx\.yaml:2: input\.scale"):
        find_card(model, None, None)


def test_a_model_on_a_server_without_a_card_is_told_where_one_may_stand() -> None:
    hint = missing_card("triton://127.0.0.1:8000/net").hint
    assert "--card FILE" in hint
    assert "`vetgate.card` in the config.pbtxt" in hint
    assert "--write-card" in missing_card("net.onnx").hint
