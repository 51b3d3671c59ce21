"""`vetgate judge`: files that are no report."""

from __future__ import annotations

from pathlib import Path

import pytest

from vetgate.cli.app import run


@pytest.mark.parametrize(
    ("content", "why"),
    [
        ("a: 1\n", "Invalid JSON"),
        ("{}", "reports: Field required"),
        ('{"reports": 3}', "reports: "),
        ("", "Invalid JSON"),
    ],
)
def test_a_file_that_is_no_report_is_told_in_one_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], content: str, why: str
) -> None:
    path = tmp_path / "camera.yaml"
    path.write_text(content, encoding="utf-8")
    assert run(["judge", str(path), "--policy", "smoke"]) == 2
    told = capsys.readouterr().err
    assert told.startswith(f"error: {path} is not a report of this version of vetgate: {why}")
    assert "validation error" not in told
    assert "pydantic" not in told


def test_a_report_that_cannot_be_read_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for path in (tmp_path, tmp_path / "none.json"):
        assert run(["judge", str(path), "--policy", "smoke"]) == 2
        assert f"error: report {path} cannot be read" in capsys.readouterr().err
