"""The contract of two models, from structures and cards made by hand."""

from __future__ import annotations

from typing import Any

import pytest
from vetgate_contract.plugin import vetgate_checks

from vetgate.api import (
    Artifact,
    Ask,
    Card,
    CardError,
    CheckSpec,
    Finding,
    Member,
    Need,
    Port,
    Results,
    Severity,
    Structure,
    StructureContext,
    Subject,
    Table,
)
from vetgate.testing import CheckContract

NAMES = ("cat", "dog", "emu")


def subject(
    *,
    colour: str = "rgb",
    layout: str = "NCHW",
    size: int = 8,
    inputs: tuple[Port, ...] | None = None,
    outputs: tuple[Port, ...] = (Port(name="scores", shape=(None, 3), dtype="float32"),),
    file: str = "model.onnx",
    **output: Any,
) -> Subject:
    card = Card.model_validate(
        {
            "version": 1,
            "input": {
                "size": [size, size],
                "resize": "none",
                "colour": colour,
                "scale": 1,
                "mean": [0],
                "std": [1],
                "layout": layout,
            },
            "output": {"kind": "logits", **output},
        }
    )
    artifact = Artifact(
        path=file, name=file, format="toy", backend="toy", members=(Member(name=file, sha256="0" * 64, size=1),)
    )
    entrance = (port(None, 3, 8, 8),) if inputs is None else inputs
    return Subject(artifact, card, Structure(inputs=entrance, outputs=outputs, tensors=(), operators=()), {})


def port(*shape: int | None, dtype: str = "float32", name: str = "image") -> Port:
    return Port(name=name, shape=shape, dtype=dtype)


def scores(columns: int | None, dtype: str = "float32", name: str = "scores") -> tuple[Port, ...]:
    return (Port(name=name, shape=(None, columns), dtype=dtype),)


def compare(candidate: Subject, reference: Subject) -> Results:
    (spec,) = vetgate_checks()
    results: Results = spec.factory().measure(StructureContext(candidate, reference), Ask())
    return results


def only(candidate: Subject, reference: Subject) -> Finding:
    (finding,) = compare(candidate, reference).findings
    return finding


class TestContractOfTheContractCheck(CheckContract):
    def spec(self) -> CheckSpec[Any]:
        (spec,) = vetgate_checks()
        return spec

    def context(self) -> StructureContext:
        return StructureContext(subject(), subject())


def test_the_check_runs_whatever_the_policy_names() -> None:
    (spec,) = vetgate_checks()
    assert (spec.name, spec.needs, spec.always, spec.metrics) == ("contract", Need.STRUCTURE, True, ())


def test_two_models_of_one_contract_have_no_finding() -> None:
    assert compare(subject(classes=NAMES), subject(classes=NAMES)).findings == ()


def test_another_number_of_classes_is_critical() -> None:
    finding = only(subject(outputs=scores(4)), subject())

    assert (finding.rule, finding.severity) == ("contract.classes", Severity.CRITICAL)
    assert "4" in finding.message
    assert "3" in finding.message
    assert finding.advice


def test_another_number_of_classes_is_critical_even_where_a_card_was_copied() -> None:
    finding = only(subject(outputs=scores(4), classes=NAMES), subject(classes=NAMES))
    assert (finding.rule, finding.severity) == ("contract.classes", Severity.CRITICAL)


def test_a_background_class_that_no_card_names_is_pointed_at() -> None:
    assert "output.offset: 1" in only(subject(outputs=scores(1001)), subject(outputs=scores(1000))).advice


def test_a_background_class_that_the_card_names_is_no_class() -> None:
    finding = only(subject(outputs=scores(4), offset=1), subject())
    assert (finding.rule, finding.severity) == ("contract.offset", Severity.INFO)


def test_the_number_of_names_stands_in_where_the_file_does_not_tell() -> None:
    assert compare(subject(outputs=scores(None), classes=NAMES), subject()).findings == ()
    finding = only(subject(outputs=scores(None), classes=NAMES[:2]), subject())
    assert finding.rule == "contract.classes"


def test_an_unknown_number_of_classes_is_said() -> None:
    finding = only(subject(outputs=scores(None)), subject())

    assert (finding.rule, finding.severity) == ("contract.classes-unknown", Severity.LOW)
    assert "candidate cannot" in finding.message


def test_of_several_outputs_the_cards_choice_is_read() -> None:
    both = (*scores(7, name="aux"), *scores(3))

    assert only(subject(outputs=both), subject()).rule == "contract.classes-unknown"
    assert compare(subject(outputs=both, name="scores"), subject()).findings == ()
    assert only(subject(outputs=both, name="aux"), subject()).rule == "contract.classes"


def test_other_class_names_are_critical() -> None:
    finding = only(subject(classes=("cat", "dog", "yak")), subject(classes=NAMES))

    assert (finding.rule, finding.severity) == ("contract.class-names", Severity.CRITICAL)
    assert "'yak' only in the candidate's" in finding.message
    assert "'emu' only in the reference's" in finding.message


def test_the_same_names_in_another_order_are_told_and_matched_by_name() -> None:
    finding = only(subject(classes=("dog", "cat", "emu")), subject(classes=NAMES))

    assert (finding.rule, finding.severity) == ("contract.class-names", Severity.INFO)
    assert "'dog' for the candidate, 'cat' for the reference" in finding.message
    assert "by name" in finding.advice


def test_names_in_one_card_alone_are_no_finding() -> None:
    assert compare(subject(classes=NAMES), subject()).findings == ()


@pytest.mark.parametrize("wrong_side", ["candidate", "reference"])
def test_a_card_that_contradicts_its_model_is_refused_with_both_numbers(wrong_side: str) -> None:
    wrong, right = subject(classes=NAMES[:2], file="wrong.onnx"), subject(classes=NAMES)
    pair = (wrong, right) if wrong_side == "candidate" else (right, wrong)

    with pytest.raises(CardError, match=r"wrong\.onnx lists 2 class names, but the model has 3 classes") as caught:
        compare(*pair)
    assert "output.classes" in caught.value.hint


def test_an_offset_that_leaves_no_output_is_refused() -> None:
    with pytest.raises(CardError, match="skips 3 leading outputs, but the model has 3"):
        compare(subject(offset=3), subject(offset=3))


def test_another_number_of_channels_is_critical_and_read_by_the_cards_layout() -> None:
    grey = subject(colour="grey", layout="NHWC", inputs=(port(None, 8, 8, 1),))
    finding = only(grey, subject())

    assert (finding.rule, finding.severity) == ("contract.channels", Severity.CRITICAL)
    assert finding.message == "The candidate takes 1 channel, the reference 3 channels."
    assert finding.location == "input image"


def test_the_file_outweighs_a_copied_card_about_channels() -> None:
    assert only(subject(inputs=(port(None, 1, 8, 8),)), subject()).rule == "contract.channels"


@pytest.mark.parametrize("untold", [(), (port(None, None, 8, 8),), (port(None, 64),), (port(1, 3), port(2, 3))])
def test_the_card_tells_the_channels_where_the_file_does_not(untold: tuple[Port, ...]) -> None:
    assert compare(subject(inputs=untold), subject()).findings == ()
    assert only(subject(inputs=untold, colour="grey"), subject()).rule == "contract.channels"


def test_both_layouts_of_one_image_agree() -> None:
    assert compare(subject(layout="NHWC", inputs=(port(None, 8, 8, 3),)), subject()).findings == ()


def test_differences_that_the_cards_settle_are_only_told() -> None:
    candidate = subject(
        size=16,
        inputs=(port(1, 3, 16, 16, dtype="uint8"),),
        outputs=scores(4, "int8"),
        offset=1,
        kind="probabilities",
    )
    findings = compare(candidate, subject()).findings

    assert {finding.rule for finding in findings} == {
        "contract.size",
        "contract.input-type",
        "contract.output-type",
        "contract.output-kind",
        "contract.offset",
    }
    assert {finding.severity for finding in findings} == {Severity.INFO}
    messages = {finding.rule: finding.message for finding in findings}
    assert messages["contract.size"] == "The candidate sees 16 x 16 pixels, the reference 8 x 8."
    assert messages["contract.input-type"] == "The candidate takes uint8, the reference float32."
    assert messages["contract.output-type"] == "The candidate gives int8, the reference float32."
    assert all(finding.advice for finding in findings)


def test_the_table_sets_both_contracts_side_by_side() -> None:
    (table,) = compare(subject(outputs=scores(4), offset=1, classes=NAMES), subject(inputs=())).exhibits
    assert isinstance(table, Table)

    rows = {row[0]: row[1:] for row in table.rows}
    assert rows["classes"] == (3, 3)
    assert rows["class names in the card"] == (3, None)
    assert rows["input shape"] == ("? x 3 x 8 x 8", None)
    assert rows["output name"] == ("scores", "scores")
    assert rows["channels"] == (3, 3)


def test_an_output_that_is_no_row_of_scores_tells_no_number_of_classes() -> None:
    spatial = (Port(name="scores", shape=(None, 3, 1, 1), dtype="float32"),)
    findings = compare(subject(outputs=spatial), subject()).findings
    assert [finding.rule for finding in findings] == ["contract.classes-unknown"]
