"""What the reporters plugin declares, and the JSON reporter."""

from __future__ import annotations

import json
import subprocess
import sys

from vetgate_reporters.json_report import JsonReporter
from vetgate_reporters.plugin import vetgate_reporters

from vetgate.reporting import ReportSet, StyledReporter


def test_the_formats_are_declared_with_their_suffixes() -> None:
    assert {spec.name: spec.suffix for spec in vetgate_reporters()} == {
        "terminal": ".txt",
        "json": ".json",
        "markdown": ".md",
        "comment": ".comment.md",
        "github-summary": ".summary.md",
        "explanation": ".txt",
        "explanation-markdown": ".md",
    }


def test_every_declared_reporter_draws_the_canned_report(canned: ReportSet) -> None:
    for spec in vetgate_reporters():
        reporter = spec.factory()
        first, second = reporter.render(canned), spec.factory().render(canned)
        assert first == second
        assert "int8.onnx" in str(first)
        assert isinstance(reporter, StyledReporter) == (spec.name in ("terminal", "explanation"))


def test_declaring_imports_neither_rich_nor_numpy() -> None:
    code = (
        "import sys; from vetgate_reporters.plugin import vetgate_reporters; vetgate_reporters();"
        "print([name for name in ('rich', 'numpy') if name in sys.modules])"
    )
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert answer.stdout.strip() == "[]"


def test_json_reads_back_to_an_equal_report_set(canned: ReportSet, poisoned: ReportSet, unread: ReportSet) -> None:
    for reports in (canned, poisoned, unread):
        assert ReportSet.model_validate_json(JsonReporter().render(reports)) == reports


def test_json_keeps_letters_beyond_ascii(canned: ReportSet) -> None:
    assert "größe/0003.png" in JsonReporter().render(canned)


def test_json_has_the_keys_that_machines_rely_on(canned: ReportSet) -> None:
    document = json.loads(JsonReporter().render(canned))
    assert document["schema_version"] == 1
    report = document["reports"][0]
    assert report["verdict"]["decision"] == "fail"
    assert {"rule", "decision", "observed", "because"} <= report["verdict"]["rulings"][0].keys()
    evidence = next(entry for entry in report["evidence"] if entry["check"] == "quality")
    assert {"check", "outcome", "reason", "seconds", "measurements"} <= evidence.keys()
    assert {"metric", "role", "value", "unit", "n", "uncertainty"} <= evidence["measurements"][0].keys()
    for role in ("candidate", "reference"):
        assert {"format", "sha256", "size"} <= report[role].keys()
    assert report["environment"]["python"] == "3.11.9"
