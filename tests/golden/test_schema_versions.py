"""Reports that released versions wrote are read for ever; what this version cannot read is told in one sentence.

The files of schema-1 are never written anew: a change of the records by which one of them does not load any more needs
another schema version, and a reader for this one. They are the canned reports, a real run of examples/fashion (scan,
gallery, waiver, times) and a real explanation (`vetgate explain`).
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from vetgate.cli.app import run
from vetgate.domain.errors import UsageError
from vetgate.domain.report import SCHEMA_VERSION, Report
from vetgate.gate import read_reports
from vetgate.host import Kind, find_plugins
from vetgate.reporting import Gallery

KEPT = Path(__file__).with_name("schema-1")
FILES = sorted(path.name for path in KEPT.glob("*.json"))
NOT_DRAWN = ("bubble", "bubble-png")
"""Charts of a ranking, which these are none of."""


@pytest.mark.parametrize("name", FILES)
def test_a_kept_report_is_read(name: str) -> None:
    for report in read_reports(KEPT / name, "report").reports.reports:
        assert report.schema_version == 1
        assert report.evidence
        assert report.verdict.because


def test_the_kept_reports_hold_what_a_full_run_can_hold() -> None:
    reports = [report for name in FILES for report in read_reports(KEPT / name, "report").reports.reports]
    evidence = [entry for report in reports for entry in report.evidence]
    assert {"quality", "similarity", "footprint", "latency", "opscore", "scan", "disparity"} <= {
        entry.check for entry in evidence
    }
    assert any(report.candidate.scan is not None for report in reports)
    assert any(isinstance(shown, Gallery) and shown.shots for entry in evidence for shown in entry.exhibits)
    kinds = {figure.uncertainty.kind for entry in evidence for figure in entry.measurements}
    assert kinds == {"exact", "counts", "paired_counts", "quantiles", "pairs", "looks", "none"}
    assert any(ruling.waived for report in reports for ruling in report.verdict.rulings)
    assert any(entry.per_image for entry in evidence)


@pytest.mark.parametrize("name", FILES)
def test_a_kept_report_is_judged_compared_and_drawn_by_this_version(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    kept = str(KEPT / name)
    assert run(["judge", kept, "--policy", "smoke"]) in (0, 1, 3)
    assert run(["diff", kept, kept]) == 0
    told = capsys.readouterr()
    assert "No change: both files hold the same report." in told.out
    assert not told.err
    reports = read_reports(Path(kept), "report").reports
    for form, offer in find_plugins().offers[Kind.REPORTER].items():
        if form in NOT_DRAWN or offer.spec.extra is not None or "rank" in form:
            continue
        assert offer.spec.factory().render(reports), form


def _optional(record: Any) -> list[str]:
    return [name for name, field in type(record).model_fields.items() if not field.is_required()]


def test_a_report_without_the_optional_fields_that_later_versions_added_still_loads() -> None:
    document = json.loads((KEPT / "canned.json").read_text(encoding="utf-8"))
    report = document["reports"][0]
    (loaded,) = read_reports(KEPT / "canned.json", "report").reports.reports
    for record, entry in ((loaded, report), (loaded.candidate, report["candidate"])):
        for name in _optional(record):
            entry.pop(name, None)
    for evidence in report["evidence"]:
        for name in ("ran", "per_image", "sizes", "exhibits", "findings"):
            evidence.pop(name, None)
    document.pop("schema_version")
    assert Report.model_validate_json(json.dumps(report)).candidate.name == loaded.candidate.name


Edit = Callable[[dict[str, Any]], Any]


def _written(folder: Path, edit: Edit) -> Path:
    document = json.loads((KEPT / "canned.json").read_text(encoding="utf-8"))
    edit(document)
    path = folder / "report.json"
    path.write_text(json.dumps(document), encoding="utf-8")
    return path


def _newer(document: dict[str, Any]) -> None:
    document["schema_version"] = SCHEMA_VERSION + 1


def _newer_inside(document: dict[str, Any]) -> None:
    document["reports"][0]["schema_version"] = SCHEMA_VERSION + 2
    document["reports"][0]["telepathy"] = True


def _without_evidence(document: dict[str, Any]) -> None:
    del document["reports"][0]["evidence"]


def _no_reports(document: dict[str, Any]) -> None:
    document["reports"] = []


def _more(document: dict[str, Any]) -> None:
    document["reports"][0]["telepathy"] = True
    document["reports"][0]["environment"]["vetgate"] = "9.9.0"


def _no_number(document: dict[str, Any]) -> None:
    document["reports"][0]["seconds"] = float("nan")


@pytest.mark.parametrize(
    ("edit", "message", "hint"),
    [
        (_newer, "has schema version 2, and this vetgate (", "update vetgate, or write the report anew"),
        (_newer_inside, "has schema version 3, and this vetgate (", "update vetgate"),
        (_without_evidence, "reports.0.evidence: Field required", "vetgate check --report json=FILE"),
        (_no_reports, "reports: Tuple should have at least 1 item", "vetgate check --report json=FILE"),
        (_more, "reports.0.telepathy: Extra inputs are not permitted", "vetgate '9.9.0' wrote it"),
        (_no_number, "reports.0.seconds: Input should be a finite number", "vetgate check --report json=FILE"),
    ],
)
def test_what_is_no_report_of_this_version_is_told_with_what_to_do(
    tmp_path: Path, edit: Edit, message: str, hint: str
) -> None:
    path = _written(tmp_path, edit)
    with pytest.raises(UsageError) as caught:
        read_reports(path, "report")
    assert caught.value.message.startswith(str(path))
    assert message in caught.value.message
    assert hint in caught.value.hint


@pytest.mark.parametrize("command", ["diff", "judge", "baseline"])
def test_every_command_that_reads_reports_refuses_a_newer_one_alike(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], command: str
) -> None:
    path = str(_written(tmp_path, _newer))
    more = {"diff": [str(KEPT / "canned.json")], "judge": ["--policy", "smoke"], "baseline": []}[command]
    assert run([command, path, *more]) == 2
    assert f"error: {path} has schema version 2" in capsys.readouterr().err


def test_a_report_that_was_cut_off_says_so(tmp_path: Path) -> None:
    path = tmp_path / "cut.json"
    path.write_bytes((KEPT / "canned.json").read_bytes()[:20_000])
    with pytest.raises(UsageError, match="EOF while parsing") as caught:
        read_reports(path, "report")
    assert "the file ends too early" in caught.value.hint


def test_a_study_is_named_as_what_it_is() -> None:
    with pytest.raises(UsageError, match=r"it is a study; its folder holds report\.json"):
        read_reports(Path(__file__).with_name("study.json"), "report")
