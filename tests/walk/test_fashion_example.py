"""What README and the documentation say of the example is what the gate says."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from vetgate.reporting import Report, Ruling
from vetgate.wording.rulings import asked, decided_by, interval, marked, observed

ROOT = Path(__file__).parent.parent.parent
FASHION = ROOT / "examples" / "fashion"
ROW = re.compile(r"^\| (\S+\.(?:onnx|tflite)) \| [^|]+ \| ([+-][\d.]+) pp \| ([\d.]+) % \| ([\d.]+) × \| (.+) \|$")


def _rows() -> dict[str, tuple[str, str, str, str]]:
    """Return (accuracy, agreement, size, verdict) by candidate, as README prints them."""
    lines = (ROOT / "README.md").read_text(encoding="utf-8").splitlines()
    matches = [match for match in map(ROW.match, lines) if match]
    return {match[1]: (match[2], match[3], match[4], match[5].replace("*", "")) for match in matches}


@pytest.fixture(scope="module")
def reports(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    """Vet every candidate of the example under the edge policy, by candidate."""
    for library in ("torch", "onnxruntime", "ai_edge_litert"):
        pytest.importorskip(library)
    from vetgate.cli.app import run

    folder = tmp_path_factory.mktemp("fashion")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(folder))
        patch.chdir(FASHION)
        candidates = sorted(file.name for file in FASHION.iterdir() if file.suffix in (".onnx", ".tflite"))
        code = run(["check", *candidates, "--reference", "reference.pt", "--report", f"json={folder / 'report.json'}"])
    assert code == 1
    saved = json.loads((folder / "report.json").read_text(encoding="utf-8"))
    return {report["candidate"]["name"]: report for report in saved["reports"]}


def _figure(report: dict[str, Any], metric: str, role: str) -> float:
    figures = [figure for evidence in report["evidence"] for figure in evidence["measurements"]]
    (found,) = [
        item["value"] for item in figures if (item["metric"], item["role"], item["slice"]) == (metric, role, None)
    ]
    return float(found)


def test_the_documentation_has_the_same_table_as_readme() -> None:
    readme, page = (ROOT / name for name in ("README.md", "docs/benchmarks.md"))
    told = [set(filter(ROW.match, file.read_text(encoding="utf-8").splitlines())) for file in (readme, page)]
    assert told[0] == told[1]


def test_readme_tells_every_candidate(reports: dict[str, dict[str, Any]]) -> None:
    assert set(_rows()) == set(reports)


@pytest.mark.parametrize("name", sorted(_rows()))
def test_readme_tells_the_verdict_and_its_figures(reports: dict[str, dict[str, Any]], name: str) -> None:
    report = reports[name]
    accuracy, agreement, size, verdict = _rows()[name]
    assert report["verdict"]["decision"] == verdict.partition(":")[0]
    assert f"{100 * _figure(report, 'accuracy.top1', 'delta'):+.2f}" == accuracy
    assert f"{100 * _figure(report, 'similarity.agreement', 'pair'):.2f}" == agreement
    assert f"{_figure(report, 'footprint.size_mb', 'ratio'):.2f}" == size
    failed = {item["metric"] for item in report["verdict"]["rulings"] if item["decision"] == "fail"}
    told = {"accuracy": "accuracy.top1", "agreement": "similarity.agreement"}
    reasons = verdict.partition(":")[2].partition(";")[0].partition("(")[0]
    assert failed == {metric for word, metric in told.items() if word in reasons}


SAMPLES = (("README.md", "int8.onnx"), ("docs/reading-a-report.md", "distilled.onnx"))
MEASURED_ANEW = ("latency.", "opscore.")
"""Families whose figures are others in every run."""


@pytest.mark.parametrize(("page", "name"), SAMPLES)
def test_rows_that_a_page_shows_of_a_report_are_those_of_the_report(
    page: str, name: str, reports: dict[str, dict[str, Any]]
) -> None:
    text = (ROOT / page).read_text(encoding="utf-8")
    (sample,) = [block for block in re.findall(r"```\w*\n(.*?)```", text, re.DOTALL) if f"{name} against" in block]
    shown = {" ".join(line.split()) for line in sample.splitlines()}
    report = Report.model_validate(reports[name])
    told = {_row(ruling): ruling for ruling in report.verdict.rulings}
    rows = [line for line in shown if re.match(r"[✔✘!?] (pass|fail|warn|inconclusive) ", line)]
    assert len(rows) >= 3
    for row in rows:
        assert row in told or row.split()[2].startswith(MEASURED_ANEW), f"{page}: {row}"
    assert report.verdict.because in shown


def _row(ruling: Ruling) -> str:
    """Return a row of the table of rules, as the terminal shows it, with single blanks."""
    cells = (
        marked(ruling.decision),
        ruling.rule,
        observed(ruling),
        interval(ruling),
        asked(ruling),
        decided_by(ruling),
    )
    return " ".join(" ".join(cells).split())


def test_the_files_stay_small_enough_to_clone() -> None:
    assert sum(file.stat().st_size for file in FASHION.iterdir() if file.is_file()) < 15e6


def test_the_reference_and_its_compressed_copies_have_the_parameters_that_their_network_has(
    reports: dict[str, dict[str, Any]],
) -> None:
    for name, report in reports.items():
        assert _figure(report, "footprint.params", "reference") == 147_066, name
        assert 146_000 < _figure(report, "footprint.params", "candidate") <= 147_066, name
        assert _figure(report, "footprint.macs", "ratio") == pytest.approx(1, abs=0.01), name
    assert _figure(reports["pruned95.onnx"], "footprint.sparsity", "candidate") == pytest.approx(0.95, abs=0.01)
