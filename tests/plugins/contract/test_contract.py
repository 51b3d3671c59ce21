"""The contract check names what makes two models incomparable, and what merely differs."""

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
    Input,
    Member,
    Output,
    Port,
    Severity,
    Structure,
    StructureContext,
    Subject,
)
from vetgate.testing import CheckContract


def _subject(
    outputs: int | None = 10,
    shape: tuple[int | None, ...] = (None, 3, 8, 8),
    dtype: str = "float32",
    size: tuple[int, int] = (8, 8),
    **output: Any,
) -> Subject:
    member = Member(name="m", sha256="0" * 64, size=1)
    artifact = Artifact(path="m", name="m.onnx", format="onnx", backend="onnx", members=(member,))
    taken = Input(size=size, resize="none", colour="rgb", scale=1, mean=(0,), std=(1,), layout="NCHW")
    card = Card(version=1, input=taken, output=Output.model_validate({"kind": "logits"} | output))
    ports = (Port(name="image", shape=shape, dtype=dtype),), (Port(name="out", shape=(None, outputs), dtype=dtype),)
    return Subject(artifact, card, Structure(inputs=ports[0], outputs=ports[1], tensors=(), operators=()), {})


def _findings(candidate: Subject, reference: Subject) -> dict[str, Finding]:
    (spec,) = vetgate_checks()
    results = spec.factory().measure(StructureContext(candidate, reference), Ask(metrics=()))
    return {finding.rule: finding for finding in results.findings}


class TestContractOfTheContractCheck(CheckContract):
    def spec(self) -> CheckSpec[Any]:
        (spec,) = vetgate_checks()
        return spec

    def context(self) -> StructureContext:
        return StructureContext(_subject(), _subject())


def test_equal_contracts_have_no_findings() -> None:
    assert _findings(_subject(), _subject()) == {}


def test_another_number_of_classes_is_critical() -> None:
    finding = _findings(_subject(9), _subject(10))["contract.classes"]
    assert finding.severity is Severity.CRITICAL
    assert "9" in finding.message
    assert "10" in finding.message


def test_a_background_class_is_pointed_at() -> None:
    assert "offset: 1" in _findings(_subject(1001), _subject(1000))["contract.classes"].advice
    assert set(_findings(_subject(1001, offset=1), _subject(1000))) == {"contract.offset"}


def test_another_number_of_channels_is_critical() -> None:
    assert _findings(_subject(shape=(None, 1, 8, 8)), _subject())["contract.channels"].severity is Severity.CRITICAL


def test_class_names_in_another_order_are_told_and_fine() -> None:
    findings = _findings(_subject(2, classes=["a", "b"]), _subject(2, classes=["b", "a"]))
    assert findings["contract.class-names"].severity is Severity.INFO


def test_other_class_names_are_critical_and_named() -> None:
    finding = _findings(_subject(2, classes=["a", "emu"]), _subject(2, classes=["b", "a"]))["contract.class-names"]
    assert finding.severity is Severity.CRITICAL
    assert "emu" in finding.message


def test_other_sizes_and_types_are_told_and_fine() -> None:
    findings = _findings(_subject(dtype="uint8", size=(9, 9)), _subject())
    assert {finding.severity for finding in findings.values()} == {Severity.INFO}
    assert {"contract.size", "contract.input-type", "contract.output-type"} == set(findings)


def test_an_unknown_number_of_classes_is_low_and_never_equal() -> None:
    assert _findings(_subject(None), _subject())["contract.classes-unknown"].severity is Severity.LOW


def test_a_card_that_lists_another_number_of_classes_than_its_model_has_is_refused() -> None:
    with pytest.raises(CardError, match="lists 2 classes, but the model has 10"):
        _findings(_subject(10, classes=["a", "b"]), _subject())
