"""Step 4 of the walk: nothing of a model is opened before it was scanned, and a scanner that dies is a finding."""

from __future__ import annotations

import json
import os
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest

CARD = """\
version: 1
input: {size: [4, 4], resize: none, colour: grey, scale: 1/255, mean: [0.5], std: [0.25], layout: NCHW}
output: {kind: logits}
"""
REQUIRED = "version: 1\nname: careful\nscan: required\nmetrics:\n  - {metric: similarity.agreement, at_least: 50%}\n"


def _scan(report: dict[str, Any]) -> dict[str, Any]:
    (found,) = [item for item in report["evidence"] if item["check"] == "scan"]
    return dict(found)


def _run(world: Any, *arguments: str, scan: str = "", of_reference: str = "", policy: str | None = None) -> int:
    reference = world.toy("reference.toy", scan=of_reference)
    candidate = world.toy("candidate.toy", noise=0.01, scan=scan)
    asked = policy or world.policy("metric: similarity.agreement, at_least: 50%")
    code: int = world.check(candidate, "--reference", reference, "--data", world.data(), "--policy", asked, *arguments)
    return code


def _write(world: Any, text: str) -> str:
    path = world.folder / "careful.yaml"
    path.write_text(text, encoding="utf-8")
    return str(path)


def test_models_that_are_clean_are_opened_and_the_report_says_who_read_them(world: Any) -> None:
    assert _run(world, policy=_write(world, REQUIRED)) == 0
    report = world.report()
    for role in ("candidate", "reference"):
        told = report[role]["scan"]
        assert (told["state"], told["sha256"]) == ("clean", report[role]["sha256"])
        assert "acme 0.1.0" in told["scanners"]
    assert _scan(report)["outcome"] == "measured"
    (ruling,) = [each for each in report["verdict"]["rulings"] if each["rule"] == "scan"]
    assert ruling["decision"] == "pass"
    assert "scan" in world.out
    assert "all models clean" in world.out


def test_a_grave_finding_fails_the_candidate_and_no_model_is_opened(world: Any) -> None:
    assert _run(world, scan="code") == 1
    report = world.report()
    (found,) = _scan(report)["findings"]
    assert (found["rule"], found["location"]) == ("ACME01", f"candidate {world.folder / 'candidate.toy'}: line 1")
    assert report["candidate"]["execution"] is None
    assert report["reference"]["execution"] is None
    assert all(item["outcome"] == "skipped" for item in report["evidence"] if item["check"] != "scan")
    assert "no model was opened, because of ACME01" in world.reasons()


def test_a_grave_finding_in_the_reference_fails_every_candidate(world: Any) -> None:
    assert _run(world, of_reference="code") == 1
    assert world.report()["candidate"]["execution"] is None
    assert "reference.toy: line 1" in _scan(world.report())["findings"][0]["location"]


def test_a_lesser_finding_is_told_and_the_models_are_vetted(world: Any) -> None:
    assert _run(world, scan="note") == 0
    report = world.report()
    assert [found["rule"] for found in _scan(report)["findings"]] == ["ACME02"]
    assert report["candidate"]["scan"]["state"] == "findings"
    assert report["candidate"]["execution"] is not None


@pytest.mark.parametrize(
    ("scan", "told"),
    [
        ("crash", "ended before its time"),
        ("raise", "failed with ValueError: acme's scanner lost a screw"),
        ("lie", "said what was not due"),
        ("memory", "ran out of its memory limit of 2 GB"),
        ("hang", "took longer than 8 s and was stopped"),
    ],
)
def test_a_file_that_ends_its_scanner_is_a_finding_and_stays_closed(world: Any, scan: str, told: str) -> None:
    patience = ("--scan-timeout", "8") if scan == "hang" else ()
    assert _run(world, *patience, scan=scan) == 1
    report = world.report()
    (found,) = [each for each in _scan(report)["findings"] if each["rule"] == "VG0001"]
    assert told in found["message"]
    assert "acme" in found["message"]
    assert report["candidate"]["scan"]["state"] == "failed"
    assert report["candidate"]["execution"] is None


def test_a_scan_that_failed_is_never_a_pass_where_only_critical_findings_halt(world: Any) -> None:
    lenient = REQUIRED.replace("scan: required", "findings: {halt_at: critical}")
    assert _run(world, scan="raise", policy=_write(world, lenient)) == 3
    assert world.report()["candidate"]["execution"] is None


def test_a_format_that_nobody_reads_is_told_and_opened_where_a_scan_is_preferred(world: Any) -> None:
    assert _run(world, scan="hide") == 0
    report = world.report()
    assert report["candidate"]["scan"]["state"] == "not scanned"
    assert [found["rule"] for found in _scan(report)["findings"]] == ["VG0002"]


def test_a_format_that_nobody_reads_is_inconclusive_and_closed_where_a_scan_is_required(world: Any) -> None:
    policy = _write(world, REQUIRED)
    assert _run(world, scan="hide", policy=policy) == 3
    report = world.report()
    assert report["candidate"]["execution"] is None
    assert "was not scanned: no scanner on offer reads acme files" in world.reasons()
    assert world.run("judge", str(world.folder / "report.json"), "--policy", policy) == 3


def test_a_saved_report_of_an_unscanned_model_is_no_pass_under_a_policy_that_requires_a_scan(world: Any) -> None:
    assert _run(world, scan="hide") == 0
    assert world.run("judge", str(world.folder / "report.json"), "--policy", _write(world, REQUIRED)) == 3


def test_a_copy_that_is_changed_while_it_is_scanned_is_not_opened(world: Any) -> None:
    code = _run(world, scan="write")
    assert code in (1, 3)
    assert world.report()["candidate"]["execution"] is None


def test_no_other_command_opens_what_a_scan_would_keep_closed(world: Any) -> None:
    bad, good = world.toy("bad.toy", scan="code"), world.toy("good.toy")
    data, other = world.data(), str(world.folder / "train.npz")
    pixels = np.random.default_rng(7).integers(0, 256, size=(20, 4, 4), dtype=np.uint8)
    np.savez(other, images=pixels, labels=np.arange(20) % 3)
    made = ("--only", "acme-trim-2", "--output", str(world.folder / "study"))
    for command in (
        ("inspect", bad),
        ("landscape", good, "--reference", bad, "--data", data),
        ("landscape", bad, "--reference", good, "--data", data),
        ("rank", good, "--reference", bad, "--data", data),
        ("explain", bad, "--reference", good, "--data", data, "--train-data", other),
        ("study", "compress", "--reference", bad, "--data", data, *made),
    ):
        code = world.run(*command)
        assert code in (1, 3), command
        assert "ACME01" in world.out + world.err, command


def test_what_is_timed_in_place_of_the_reference_is_scanned_as_well(world: Any) -> None:
    assert _run(world, "--latency-reference", world.toy("shipped.toy", scan="code")) == 1
    assert "shipped.toy" in _scan(world.report())["findings"][0]["location"]


def test_the_plan_says_what_could_not_be_scanned_although_it_must_be(world: Any) -> None:
    policy = _write(world, REQUIRED)
    names = ("--reference", world.toy("reference.toy"), "--data", world.data(), "--policy", policy)
    world.run("check", world.toy("candidate.toy"), *names, "--plan")
    assert "must be scanned" not in world.out
    world.run("policy", "show", policy)
    assert "scan: required" in world.out


def test_scan_alone_says_clean_found_and_not_scanned_by_its_exit_code(world: Any) -> None:
    assert world.run("scan", world.toy("clean.toy")) == 0
    assert "clean.toy: clean" in world.out
    assert world.run("scan", world.toy("note.toy", scan="note")) == 0
    assert "ACME02" in world.out
    assert world.run("scan", world.toy("note.toy", scan="note"), "--halt-at", "low") == 1
    assert world.run("scan", world.toy("hidden.toy", scan="hide")) == 3
    assert "VG0002" in world.out


def test_scan_alone_reads_several_files_and_says_the_worst(world: Any) -> None:
    (world.folder / "text.bin").write_text("no model at all", encoding="utf-8")
    names = (world.toy("bad.toy", scan="flood"), "text.bin")
    assert world.run("scan", *names, "--format", "json") == 1
    first, second = json.loads(world.out)["files"]
    assert (first["scanned"]["summary"]["state"], second["scanned"]["summary"]["state"]) == ("findings", "not scanned")
    found = first["scanned"]["findings"]
    assert len(found) == 101
    assert any("9900 further findings" in each["message"] for each in found)
    assert all(len(each["message"]) <= 1000 and each["message"].isprintable() for each in found)
    assert second["format"] is None


def test_a_scan_leaves_no_process_and_no_copy_behind(world: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    places = world.folder / "tmp"
    places.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(places))
    assert world.run("scan", world.toy("crash.toy", scan="crash")) == 1
    assert list(places.iterdir()) == []


def test_a_file_that_is_not_what_it_claims_to_be_is_inconclusive_and_stays_closed(world: Any) -> None:
    candidate, reference = world.toy("candidate.toy"), world.toy("reference.toy")
    (world.folder / "candidate.toy").write_bytes(b'ACME{"shape": [1, 4')
    policy = world.policy("metric: similarity.agreement, at_least: 50%")
    assert world.check(candidate, "--reference", reference, "--data", world.data(), "--policy", policy) == 3
    assert [found["rule"] for found in _scan(world.report())["findings"]] == ["VG0003"]
    assert "its first line is no JSON" in world.reasons()
    assert world.run("scan", candidate) == 3


def test_a_file_that_cannot_be_read_does_not_keep_others_from_being_scanned(world: Any, tmp_path: Path) -> None:
    (tmp_path / "empty.onnx").touch()
    (tmp_path / "evil.pkl").write_bytes(b"\x80\x02cposix\nsystem\nX\x04\x00\x00\x00true\x85R.")
    assert world.run("scan", str(tmp_path / "empty.onnx"), str(tmp_path / "evil.pkl")) == 1
    assert "empty.onnx: failed" in world.out
    assert "VG0101" in world.out


def test_harm_in_a_file_of_no_known_format_is_shown_and_fails(world: Any) -> None:
    mark = world.folder / "mark"

    class Payload:
        def __reduce__(self) -> tuple[Any, ...]:
            return os.mkdir, (str(mark),)

    path = world.folder / "model.bin"
    path.write_bytes(pickle.dumps(Payload()))
    (world.folder / "model.bin.yaml").write_text(CARD, encoding="utf-8")
    given = ["--reference", world.toy("reference.toy"), "--data", world.data()]
    asked = world.policy("metric: similarity.agreement, at_least: 50%")
    assert world.check(str(path), *given, "--policy", asked) == 1
    report = world.report()
    (found,) = [each for each in _scan(report)["findings"] if each["severity"] >= 4]
    assert found["location"].startswith(f"candidate {path}: ")
    assert "mkdir" in found["message"]
    assert report["candidate"]["scan"]["state"] == "findings"
    assert "is of no format that an installed plugin recognises" in world.reasons()
    assert not mark.exists()


def test_harm_in_a_file_of_no_known_format_is_no_scan_where_one_is_required(world: Any) -> None:
    path = world.folder / "model.bin"
    path.write_bytes(pickle.dumps(os.getcwd))
    (world.folder / "model.bin.yaml").write_text(CARD, encoding="utf-8")
    policy = _write(world, REQUIRED)
    given = ["--reference", world.toy("reference.toy"), "--data", world.data()]
    assert world.check(str(path), *given, "--policy", policy) == 1
    (ruling,) = [each for each in world.report()["verdict"]["rulings"] if each["rule"] == "scan"]
    assert ruling["decision"] == "inconclusive"
    assert "was scanned only in part" in ruling["because"]
    assert world.run("judge", str(world.folder / "report.json"), "--policy", policy) == 1


def test_a_harmless_file_of_no_known_format_stays_inconclusive_for_that_reason(world: Any) -> None:
    path = world.folder / "notes.txt"
    path.write_text("nothing to see here\n" * 20, encoding="utf-8")
    given = ["--reference", world.toy("reference.toy"), "--data", world.data()]
    asked = world.policy("metric: similarity.agreement, at_least: 50%")
    assert world.check(str(path), *given, "--policy", asked) == 3
    report = world.report()
    assert "is of no format that an installed plugin recognises" in report["verdict"]["because"]
    assert not [item for item in report["evidence"] if item["check"] == "scan"]
    assert report["candidate"]["scan"] is None
