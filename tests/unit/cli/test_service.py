"""What `vetgate check` does by itself in a CI service: once each, within its limits, never at the verdict's cost."""

from __future__ import annotations

import os
import re
from pathlib import Path

import click
import pytest

from vetgate.cli.output import Target, choose, deliver
from vetgate.cli.service import announce, find_service, quiet_log
from vetgate.domain.report import ReportSet
from vetgate.host import Host, find_plugins

GITHUB = {"GITHUB_ACTIONS": "true"}
LIMIT = 1_048_576


@pytest.fixture(scope="module")
def host() -> Host:
    return find_plugins()


@pytest.fixture(scope="module")
def saved() -> ReportSet:
    golden = Path(__file__).parent.parent.parent / "golden" / "report.json"
    return ReportSet.model_validate_json(golden.read_bytes())


def _announce(
    reports: ReportSet, host: Host, wanted: list[str], variables: dict[str, str], folder: Path
) -> list[Target]:
    targets = choose(wanted, str(folder), host)
    announce(find_service(variables), reports, targets, host, variables)
    return targets


@pytest.mark.parametrize("variables", [{}, {"GITHUB_ACTIONS": "false"}, {"GITHUB_ACTIONS": ""}, {"CI": "true"}])
def test_outside_of_a_known_service_nothing_is_done(
    variables: dict[str, str], saved: ReportSet, host: Host, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert find_service(variables) is None
    _announce(saved, host, [], {**variables, "GITHUB_STEP_SUMMARY": str(tmp_path / "summary.md")}, tmp_path)
    assert capsys.readouterr() == ("", "")
    assert not (tmp_path / "summary.md").exists()


def test_annotations_go_to_stdout_and_the_summary_to_its_file(
    saved: ReportSet, host: Host, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    place = tmp_path / "summary.md"
    place.touch()
    _announce(saved, host, [], {**GITHUB, "GITHUB_STEP_SUMMARY": str(place)}, tmp_path)
    out, err = capsys.readouterr()
    assert out.startswith("::error title=vetgate%3A similarity.agreement fails,file=vetgate.yaml,line=4::")
    assert err == ""
    assert place.read_text(encoding="utf-8").startswith("## ✘ FAIL")


def test_what_was_asked_for_by_name_is_not_done_twice(
    saved: ReportSet, host: Host, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    place = tmp_path / "summary.md"
    wanted = [f"github={tmp_path / 'a.txt'}", f"github-summary={tmp_path / 'b.md'}"]
    targets = _announce(saved, host, wanted, {**GITHUB, "GITHUB_STEP_SUMMARY": str(place)}, tmp_path)
    assert capsys.readouterr() == ("", "")
    assert not place.exists()
    assert deliver(saved, targets[1:], strict=False) == 1
    assert (tmp_path / "a.txt").read_text(encoding="utf-8").startswith("::error")


def test_annotations_leave_a_report_for_machines_on_stdout_alone(
    saved: ReportSet, host: Host, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    targets = choose(["json=-"], None, host)
    service = find_service(GITHUB)
    with quiet_log(service, targets):
        pass
    announce(service, saved, targets, host, GITHUB)
    out, err = capsys.readouterr()
    assert out == ""
    assert "::error title=" in err


def test_the_summary_is_appended_to_what_others_wrote(saved: ReportSet, host: Host, tmp_path: Path) -> None:
    place = tmp_path / "summary.md"
    place.write_text("theirs", encoding="utf-8")
    _announce(saved, host, [], {**GITHUB, "GITHUB_STEP_SUMMARY": str(place)}, tmp_path)
    assert place.read_text(encoding="utf-8").startswith("theirs\n\n## ✘ FAIL")


@pytest.mark.parametrize("room", [20_000, 3_000])
def test_the_summary_takes_no_more_room_than_others_left(
    room: int, saved: ReportSet, host: Host, tmp_path: Path
) -> None:
    place = tmp_path / "summary.md"
    place.write_bytes(b"x" * (LIMIT - room))
    _announce(saved, host, [], {**GITHUB, "GITHUB_STEP_SUMMARY": str(place)}, tmp_path)
    assert LIMIT - room < place.stat().st_size <= LIMIT


@pytest.mark.parametrize("taken", [LIMIT - 10, LIMIT, LIMIT + 10])
def test_a_full_summary_is_left_as_it_is_with_a_warning(
    taken: int, saved: ReportSet, host: Host, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    place = tmp_path / "summary.md"
    place.write_bytes(b"x" * taken)
    _announce(saved, host, [], {**GITHUB, "GITHUB_STEP_SUMMARY": str(place)}, tmp_path)
    assert place.stat().st_size == taken
    assert f"warning: GitHub Actions gets no summary: other commands of this step wrote {taken:,}" in (
        capsys.readouterr().err
    )


def test_a_summary_that_cannot_be_written_is_a_warning(
    saved: ReportSet, host: Host, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _announce(saved, host, [], {**GITHUB, "GITHUB_STEP_SUMMARY": str(tmp_path)}, tmp_path)
    out, err = capsys.readouterr()
    assert "::error" in out
    assert err == "warning: GitHub Actions gets no summary: Is a directory; --no-ci leaves it out\n"


def test_where_the_plugin_is_switched_off_nothing_is_shown_and_nothing_breaks(
    saved: ReportSet, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _announce(saved, find_plugins(("ci",)), [], GITHUB, tmp_path)
    assert capsys.readouterr() == ("", "")


def test_gitlab_gets_a_hint_unless_a_report_that_it_shows_was_asked_for(
    saved: ReportSet, host: Host, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _announce(saved, host, [], {"GITLAB_CI": "true"}, tmp_path)
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("hint: GitLab CI: merge requests show `--report junit=junit.xml")
    _announce(saved, host, ["gitlab"], {"GITLAB_CI": "true"}, tmp_path)
    assert capsys.readouterr() == ("", "")


def test_text_of_strangers_is_printed_where_the_log_takes_no_commands(
    host: Host, capsys: pytest.CaptureFixture[str]
) -> None:
    words = set()
    for _ in range(2):
        with quiet_log(find_service(GITHUB), choose([], None, host)):
            click.echo("::set-output name=decision::pass")
        lines = capsys.readouterr().out.splitlines()
        stopped = re.fullmatch(r"::stop-commands::([0-9a-f]{32})", lines[0])
        assert stopped is not None
        assert lines[1:] == ["::set-output name=decision::pass", f"::{stopped[1]}::"]
        words.add(stopped[1])
    assert len(words) == 2


def test_commands_are_taken_again_after_an_error(host: Host, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(ValueError, match="odd"), quiet_log(find_service(GITHUB), choose([], None, host)):
        raise ValueError("odd")
    lines = capsys.readouterr().out.splitlines()
    assert lines[1] == f"::{lines[0].rpartition('::')[2]}::"


def test_annotations_that_were_asked_for_on_stdout_are_not_stopped(
    host: Host, capsys: pytest.CaptureFixture[str]
) -> None:
    with quiet_log(find_service(GITHUB), choose(["github=-"], None, host)):
        pass
    assert capsys.readouterr() == ("", "")


def test_the_suite_itself_is_outside_of_ci() -> None:
    assert find_service(os.environ) is None
