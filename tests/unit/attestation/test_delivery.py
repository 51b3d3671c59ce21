"""Verdicts are signed once their reports are written, and a verdict that cannot be signed is none."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from vetgate.cli.attest import Attester
from vetgate.cli.output import Sign, Target, deliver
from vetgate.domain.report import ReportSet
from vetgate.domain.verdict import Decision
from vetgate.host import find_plugins


class Words:
    """Writes few words."""

    def render(self, reports: ReportSet) -> str:
        return f"{reports.decision.value}\n"


class Broken:
    """Writes nothing."""

    def render(self, reports: ReportSet) -> str:
        raise ValueError("no ink")


def _noting(told: list[Mapping[str, bytes]]) -> Sign:
    """Return what signs nothing and notes what it was given."""

    def sign(reports: ReportSet, written: Mapping[str, bytes]) -> Mapping[str, bytes]:
        told.append(written)
        return {}

    return sign


def test_what_is_signed_is_what_was_written(vetted: Any, tmp_path: Path) -> None:
    told: list[Mapping[str, bytes]] = []
    targets = [Target("words", str(tmp_path / "words"), Words())]
    assert deliver(vetted.reports(), targets, strict=False, sign=_noting(told)) == 0
    assert told == [{"words": (tmp_path / "words").read_bytes()}]


@pytest.mark.parametrize(("decision", "code"), [(Decision.PASS, 3), (Decision.FAIL, 1)])
def test_a_verdict_whose_report_was_lost_is_not_signed(
    vetted: Any, tmp_path: Path, decision: Decision, code: int
) -> None:
    told: list[Mapping[str, bytes]] = []
    targets = [Target("broken", str(tmp_path / "lost"), Broken())]
    reports = vetted.reports(decision)
    assert deliver(reports, targets, strict=False, sign=_noting(told)) == code
    assert told == []


def test_a_verdict_that_cannot_be_signed_is_inconclusive(vetted: Any, capsys: pytest.CaptureFixture[str]) -> None:
    attester = Attester(vetted.signer, {"out/int8.onnx": Path("/dev/full")}, find_plugins())
    assert deliver(vetted.reports(), [], strict=False, sign=attester.sign) == 3
    assert "a verdict was not signed: /dev/full cannot be written" in capsys.readouterr().err


def test_the_json_report_is_bound_also_where_nobody_asked_for_its_file(vetted: Any, tmp_path: Path) -> None:
    place = tmp_path / "one.intoto.jsonl"
    attester = Attester(vetted.signer, {"out/int8.onnx": place}, find_plugins())
    assert deliver(vetted.reports(), [], strict=False, sign=attester.sign) == 0
    vetted.report.write_text(vetted.reports().model_dump_json(indent=2) + "\n", encoding="utf-8")
    from vetgate.attestation import Files

    files = Files(str(vetted.model), report=str(vetted.report))
    import datetime

    assert vetted.verify(place.read_bytes(), files=files, now=datetime.datetime.now(datetime.UTC)) == "pass"
