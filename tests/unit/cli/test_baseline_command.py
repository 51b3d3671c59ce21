"""Changing what candidates must not fall behind is an act with a name, a reason and a history."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from vetgate.cli.app import run
from vetgate.domain.errors import UsageError
from vetgate.domain.report import ReportSet
from vetgate.domain.verdict import Decision
from vetgate.gate import load_baseline
from vetgate.gate import saved as gate_saved

GOLDEN = Path(__file__).parent.parent.parent / "golden" / "report.json"
WHO = ("--owner", "edge-team", "--reason", "release 2.1")
Save = Callable[..., str]


@pytest.fixture
def save(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Save:
    """Write a report of some decision; `seed` tells reports apart."""
    monkeypatch.chdir(tmp_path)
    golden = ReportSet.model_validate_json(GOLDEN.read_bytes()).reports[0]

    def write(name: str = "report.json", decision: Decision = Decision.PASS, seed: int = 0, count: int = 1) -> str:
        verdict = golden.verdict.model_copy(update={"decision": decision})
        reports = tuple(
            golden.model_copy(
                update={
                    "verdict": verdict,
                    "seed": seed,
                    "candidate": golden.candidate.model_copy(update={"name": f"models/{place}.onnx"}),
                }
            )
            for place in range(count)
        )
        Path(name).write_text(ReportSet(reports=reports).model_dump_json(indent=2) + "\n", encoding="utf-8")
        return name

    return write


def _read(path: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(Path(path).read_text(encoding="utf-8"))
    return found


def test_a_report_becomes_the_baseline_with_name_reason_and_digest(
    save: Save, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["baseline", save(), "--to", "new/baseline.json", *WHO]) == 0
    baseline, report = _read("new/baseline.json"), _read("report.json")
    assert baseline["reports"] == report["reports"]
    (act,) = baseline["promotions"]
    assert (act["owner"], act["reason"], act["replaces"]) == ("edge-team", "release 2.1", None)
    canonical = json.dumps(report["reports"][0], sort_keys=True, separators=(",", ":"))
    assert act["report_sha256"] == hashlib.sha256(canonical.encode()).hexdigest()
    assert "edge-team: release 2.1" in capsys.readouterr().out


def test_the_history_goes_on_and_is_shown_the_latest_first(save: Save, capsys: pytest.CaptureFixture[str]) -> None:
    run(["baseline", save(seed=1), "--to", "baseline.json", *WHO])
    run(["baseline", save(seed=2), "--to", "baseline.json", "--owner", "ops", "--reason", "faster\nand  smaller"])
    first, second = _read("baseline.json")["promotions"]
    assert second["replaces"] == first["report_sha256"]
    assert second["reason"] == "faster and smaller"
    assert _read("baseline.json")["reports"][0]["seed"] == 2

    capsys.readouterr()
    assert run(["baseline", "baseline.json"]) == 0
    out = capsys.readouterr().out
    assert out.startswith("baseline.json: models/0.onnx")
    assert out.index("ops: faster and smaller") < out.index("edge-team: release 2.1")


def test_a_report_that_nobody_named_is_shown_as_such(save: Save, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["baseline", save()]) == 0
    assert "never named a baseline" in capsys.readouterr().out


@pytest.mark.parametrize("decision", [Decision.FAIL, Decision.INCONCLUSIVE])
def test_a_report_that_did_not_pass_needs_force_and_the_history_tells(
    decision: Decision, save: Save, capsys: pytest.CaptureFixture[str]
) -> None:
    report = save(decision=decision)
    assert run(["baseline", report, "--to", "baseline.json", *WHO]) == 2
    assert f"the verdict of report.json is {decision.value}" in capsys.readouterr().err
    assert not Path("baseline.json").exists()
    assert run(["baseline", report, "--to", "baseline.json", *WHO, "--force"]) == 0
    assert (
        _read("baseline.json")["promotions"][0]["reason"] == f"release 2.1 (forced: its verdict was {decision.value})"
    )


def test_a_report_that_warns_needs_no_force(save: Save) -> None:
    assert run(["baseline", save(decision=Decision.WARN), "--to", "baseline.json", *WHO, "--force"]) == 0
    assert _read("baseline.json")["promotions"][0]["reason"] == "release 2.1"


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (("--to", "b.json", "--reason", "x"), "--owner WHO is missing"),
        (("--to", "b.json", "--owner", "x", "--reason", " \n"), "--reason WHY is missing"),
        (("--owner", "x"), "--owner is given, but no file to write"),
        (("--to", ".", *WHO), ". is no regular file"),
        (("--to", "report.json", *WHO), "report.json is the report itself"),
        (("--to", "junk.json", *WHO), "junk.json is not a report of this version of vetgate"),
        (("--to", "report.json/b.json", *WHO), "cannot be written"),
    ],
)
def test_an_act_without_a_name_or_a_place_is_refused(
    arguments: tuple[str, ...], complaint: str, save: Save, capsys: pytest.CaptureFixture[str]
) -> None:
    report = save()
    Path("junk.json").write_text("junk", encoding="utf-8")
    assert run(["baseline", report, *arguments]) == 2
    assert complaint in capsys.readouterr().err
    assert sorted(path.name for path in Path.cwd().iterdir()) == ["junk.json", "report.json"]
    assert Path("junk.json").read_text(encoding="utf-8") == "junk"


def test_the_same_report_is_not_promoted_twice(save: Save, capsys: pytest.CaptureFixture[str]) -> None:
    run(["baseline", save(), "--to", "baseline.json", *WHO])
    assert run(["baseline", "report.json", "--to", "baseline.json", *WHO]) == 2
    assert "report.json is the baseline of baseline.json already" in capsys.readouterr().err
    assert len(_read("baseline.json")["promotions"]) == 1


def test_a_baseline_that_was_edited_by_hand_is_refused(save: Save, capsys: pytest.CaptureFixture[str]) -> None:
    run(["baseline", save(), "--to", "baseline.json", *WHO])
    edited = _read("baseline.json")
    edited["reports"][0]["evidence"] = []
    Path("baseline.json").write_text(json.dumps(edited), encoding="utf-8")
    assert run(["baseline", "baseline.json"]) == 2
    told = capsys.readouterr().err
    assert "baseline.json does not hold the report that edge-team made the baseline on" in told
    assert "hint: restore it, or name a new one" in told


def test_indenting_a_baseline_otherwise_is_no_edit(save: Save) -> None:
    run(["baseline", save(), "--to", "baseline.json", *WHO])
    Path("baseline.json").write_text(json.dumps(_read("baseline.json"), sort_keys=True), encoding="utf-8")
    assert load_baseline("baseline.json").promotions[0].owner == "edge-team"


def test_of_several_candidates_one_is_named(save: Save, capsys: pytest.CaptureFixture[str]) -> None:
    report = save(count=2)
    assert run(["baseline", report]) == 2
    told = capsys.readouterr().err
    assert "report.json holds reports of 2 candidates: models/0.onnx, models/1.onnx" in told
    assert "hint: name one: report.json#models/0.onnx" in told
    assert load_baseline("report.json#models/1.onnx").report.candidate.name == "models/1.onnx"
    assert load_baseline("report.json#1.onnx").report.candidate.name == "models/1.onnx"
    with pytest.raises(UsageError, match=r"holds no report of '2\.onnx', but of models/0\.onnx, models/1\.onnx"):
        load_baseline("report.json#2.onnx")


def test_a_file_may_have_a_number_sign_in_its_name(save: Save) -> None:
    assert load_baseline(save("re#port.json")).report.seed == 0


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (b"", "is not a report of this version of vetgate: Invalid JSON"),
        (b'{"schema_version": 1, "reports": [', "Invalid JSON: EOF"),
        (b"\xff\xfe\x00", "Invalid JSON"),
        (b'{"schema_version": 2, "reports": []}', "has schema version 2, and this vetgate ("),
        (b'{"schema_version": 1, "reports": []}', "reports: Tuple should have at least 1 item"),
        (b'{"name": "a package"}', "reports: Field required"),
        (b"[" * 100_000, "is not a report of this version of vetgate"),
    ],
)
def test_what_is_no_report_is_refused_in_one_sentence(content: bytes, complaint: str, tmp_path: Path) -> None:
    (tmp_path / "r.json").write_bytes(content)
    with pytest.raises(UsageError) as refused:
        load_baseline(str(tmp_path / "r.json"))
    assert complaint in refused.value.message
    assert "\n" not in refused.value.message


def test_a_folder_a_device_and_nothing_are_refused(tmp_path: Path) -> None:
    for path, complaint in (
        (tmp_path, "no regular file"),
        ("/dev/null", "no regular file"),
        ("gone", "does not exist"),
    ):
        with pytest.raises(UsageError, match=complaint):
            load_baseline(str(path))
    with pytest.raises(UsageError, match="does not exist"):
        load_baseline("a\0b")


def test_a_name_that_no_report_can_hold_is_refused(save: Save) -> None:
    strange = "report\udcff.json"
    Path(save()).rename(strange)
    with pytest.raises(UsageError, match="no UTF-8"):
        load_baseline(strange)


def test_a_file_too_large_to_be_a_report_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "huge.json"
    with path.open("wb") as file:
        file.truncate(300_000_000)
    with pytest.raises(UsageError, match=f"has 300,000,000 bytes; a report has at most {gate_saved.LARGEST:,}"):
        load_baseline(str(path))
