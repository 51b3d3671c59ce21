"""Every report goes where it was asked to go, whole or not at all."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from vetgate.cli.output import Target, choose, deliver, write_whole
from vetgate.domain.errors import UsageError
from vetgate.domain.report import ReportSet
from vetgate.host import Host, find_plugins


@pytest.fixture(scope="module")
def host() -> Host:
    return find_plugins()


@pytest.fixture
def saved() -> ReportSet:
    golden = Path(__file__).parent.parent.parent / "golden" / "report.json"
    return ReportSet.model_validate_json(golden.read_bytes())


class _Raises:
    def render(self, reports: ReportSet) -> str:
        raise ZeroDivisionError("odd")


class _Exits:
    def render(self, reports: ReportSet) -> str:
        sys.exit(0)


class _Text:
    def render(self, reports: ReportSet) -> str:
        return "text\n"


def _places(wanted: list[str], folder: str | None, host: Host) -> list[tuple[str, str]]:
    return [(target.format, target.path) for target in choose(wanted, folder, host)]


def test_the_terminal_report_goes_to_stdout_unless_another_one_does(tmp_path: Path, host: Host) -> None:
    assert _places([], None, host) == [("terminal", "-")]
    assert _places(["json=-"], None, host) == [("json", "-")]
    assert _places([f"json={tmp_path / 'r.json'}"], None, host)[0] == ("terminal", "-")


def test_a_report_without_a_path_goes_to_the_output_folder(tmp_path: Path, host: Host) -> None:
    places = dict(_places(["json", "markdown"], str(tmp_path / "new" / "out"), host))
    assert places["json"] == str(tmp_path / "new" / "out" / "report.json")
    assert places["markdown"].endswith("report.md")


def test_a_path_may_hold_an_equals_sign(tmp_path: Path, host: Host) -> None:
    assert _places([f"json={tmp_path}/a=b.json"], None, host)[1] == ("json", f"{tmp_path}/a=b.json")


@pytest.mark.parametrize("wanted", [["json=-", "markdown=-"], ["json=same", "markdown=./same"]])
def test_two_reports_for_one_place_are_a_usage_error(
    wanted: list[str], tmp_path: Path, host: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UsageError, match="two reports would go to"):
        choose(wanted, None, host)


def test_an_equals_sign_without_a_path_is_a_usage_error(host: Host) -> None:
    """An unset variable must not send the report elsewhere in silence."""
    with pytest.raises(UsageError, match="names no file"):
        choose(["json="], None, host)


def test_an_unknown_format_gets_a_suggestion(host: Host) -> None:
    with pytest.raises(UsageError, match="did you mean 'json'"):
        choose(["jsn"], None, host)


def test_a_folder_is_no_report(tmp_path: Path, host: Host) -> None:
    with pytest.raises(UsageError, match="is a folder"):
        choose([f"json={tmp_path}"], None, host)


@pytest.mark.parametrize("reporter", [_Raises(), _Exits()])
def test_a_reporter_that_fails_keeps_no_other_report_back_and_never_gives_a_pass(
    tmp_path: Path, saved: ReportSet, reporter: _Raises | _Exits, capsys: pytest.CaptureFixture[str]
) -> None:
    targets = [Target("odd", str(tmp_path / "odd"), reporter), Target("text", str(tmp_path / "text"), _Text())]
    passed = saved.model_copy(update={"reports": saved.reports[:1]})
    assert deliver(passed, targets, strict=False) in (1, 3)
    assert (tmp_path / "text").read_text(encoding="utf-8") == "text\n"
    assert not (tmp_path / "odd").exists()
    assert "a report was not written: odd" in capsys.readouterr().err


def test_a_file_is_replaced_whole_and_a_link_is_followed(tmp_path: Path) -> None:
    (tmp_path / "real").write_text("old", encoding="utf-8")
    (tmp_path / "link").symlink_to(tmp_path / "real")
    write_whole(tmp_path / "link", b"new")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "real").read_bytes() == b"new"
    assert {entry.name for entry in tmp_path.iterdir()} == {"real", "link"}


def test_a_device_is_written_and_not_replaced(tmp_path: Path, host: Host) -> None:
    if not Path("/dev/null").exists():
        pytest.skip("this system has no /dev/null")
    link = tmp_path / "null"
    link.symlink_to("/dev/null")
    choose([f"json={link}"], None, host)
    write_whole(link, b"x")
    assert not Path("/dev/null").is_file()
    assert list(tmp_path.iterdir()) == [link]


def test_what_cannot_be_written_is_a_usage_error_and_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot be written"):
        write_whole(tmp_path / ("x" * 300), b"new")
    assert not list(tmp_path.iterdir())
