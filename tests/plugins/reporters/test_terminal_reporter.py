"""The text report: the decision leads, nothing hides, nothing untrusted acts."""

from __future__ import annotations

import re

import pytest
from rich.cells import cell_len
from vetgate_reporters.terminal import TerminalReporter

from vetgate.reporting import Decision, Evidence, Outcome, Report, ReportSet, Table

STYLE = re.compile(r"\x1b\[[0-9;]*m")
WIDTHS = pytest.mark.parametrize("width", [72, 80, 90, 100, 110, 120, 160])


def _draw(reports: ReportSet, width: int = 100, *, colour: bool = False) -> str:
    return TerminalReporter(width, colour).render(reports)


def _changed(reports: ReportSet, **changes: object) -> ReportSet:
    return ReportSet(reports=tuple(report.model_copy(update=changes) for report in reports.reports))


def _overlong(text: str, width: int) -> list[str]:
    """Return the lines over the width, but for digests and the command, which are left whole to be copied."""
    lines = text.splitlines()
    whole = re.compile(r"^\s*([0-9a-f]{64}  |vetgate check )")
    return [line for line in lines if cell_len(line) > width and not whole.match(line)]


def test_the_decision_leads_and_closes(canned: ReportSet) -> None:
    lines = _draw(canned).splitlines()
    assert lines[0] == "✘ FAIL  int8.onnx against reference.pt"
    assert "96.76 %" in lines[1]
    assert lines[-1] == "✘ FAIL  int8.onnx under policy edge"


def test_rulings_come_worst_first_and_before_the_evidence(canned: ReportSet) -> None:
    text = _draw(canned)
    places = [text.index(f"  {marked}") for marked in ("✘ fail", "? inconclusive", "! warn", "✔ pass")]
    assert places == sorted(places)
    assert places[-1] < text.index("── Evidence") < text.index("── To repeat it")


def test_every_ruling_that_does_not_pass_says_why_and_every_rule_stands_in_words(canned: ReportSet) -> None:
    text = " ".join(_draw(canned, 160).split())
    for ruling in canned.reports[0].verdict.rulings:
        assert ruling.words in text
        assert (ruling.because in text) == (ruling.decision is not Decision.PASS)
    assert "About 1,300 images or pairs would probably settle it." in text


def test_a_ruling_takes_one_line_where_there_is_room_and_two_where_there_is_not(canned: ReportSet) -> None:
    def heads(width: int) -> str:
        return next(line for line in _draw(canned, width).splitlines() if "asked" in line and "observed" in line)

    assert heads(120).split() == ["decision", "rule", "observed", "bounds", "asked", "decided", "by", "n"]
    assert heads(100).split() == ["decision", "rule", "observed", "bounds", "asked", "decided", "by"]
    assert heads(72).split() == ["observed", "asked"]


def test_what_a_reason_says_is_not_noted_again_and_a_family_is_named_once(canned: ReportSet) -> None:
    note = "batch 1, 1 thread; comparable on this machine only"
    assert _draw(canned, 160).count(note) == 1
    assert f"  latency.p50  {note}" in _draw(canned, 160)
    report = canned.reports[0]
    told = tuple(
        ruling.model_copy(update={"because": f"{ruling.because}; {note}"}) if ruling.waived else ruling
        for ruling in report.verdict.rulings
    )
    verdict = report.verdict.model_copy(update={"rulings": told})
    assert " ".join(_draw(_changed(canned, verdict=verdict), 160).split()).count(note) == 1


def test_many_candidates_leave_tables_of_detail_to_the_json_report(canned: ReportSet) -> None:
    text = _draw(ReportSet(reports=canned.reports * 2))
    assert "Where the candidate changed" not in text
    assert text.count("2 exhibits and the classes: check this candidate alone") == 2
    assert "Where the candidate changed" in _draw(canned)


def test_a_long_exhibit_is_cut_with_a_count_but_never_for_a_line_or_two(canned: ReportSet) -> None:
    def drawn(rows: int) -> str:
        table = Table(
            title="Operators", columns=("type", "MACs, candidate"), rows=tuple(("Conv", 1) for _ in range(rows))
        )
        evidence = Evidence(check="footprint", outcome=Outcome.MEASURED, exhibits=(table,))
        return _draw(_changed(canned, evidence=(evidence,)))

    assert "more, in the JSON report" not in drawn(14)
    assert "and 8 rows more, in the JSON report" in drawn(20)


def test_a_command_names_its_program(canned: ReportSet) -> None:
    assert "\n    vetgate check a.onnx\n" in _draw(_changed(canned, command=("check", "a.onnx")))


def test_a_waived_rule_shows_its_true_decision(canned: ReportSet) -> None:
    assert "waived, else fail" in _draw(canned)


def test_a_bound_beside_its_threshold_shows_the_digit_that_decided(canned: ReportSet) -> None:
    assert "-0.996 to -0.44 pp" in _draw(canned)


@WIDTHS
def test_every_figure_is_whole_at_every_width(canned: ReportSet, width: int) -> None:
    text = _draw(canned, width)
    for figure in (
        "91.01 %",
        "-0.72 pp",
        "96.46 to 97.04 %",
        "147,066",
        "9,412,864",
        "0.3123 ms",
        "3,187 /s",
        "≥ 97.5 %",
    ):
        assert figure in text
    assert "…" not in text
    assert _overlong(text, width) == []


@WIDTHS
def test_no_line_ends_between_a_number_and_its_unit(canned: ReportSet, width: int) -> None:
    lines = [line.strip() for line in _draw(canned, width).splitlines()]
    assert not [line for line in lines if re.match(r"(%|pp|ms|MB|×|/s)(\W|$)", line)]


def test_plain_text_has_no_escape_codes_and_no_blanks_at_line_ends(canned: ReportSet) -> None:
    text = _draw(canned)
    assert "\x1b" not in text
    assert not [line for line in text.splitlines() if line != line.rstrip()]


def test_colour_only_repeats_what_the_words_say(canned: ReportSet) -> None:
    coloured = _draw(canned, colour=True)
    assert "\x1b[31m" in coloured or "\x1b[1;31m" in coloured
    bare = "\n".join(line.rstrip() for line in STYLE.sub("", coloured).splitlines()) + "\n"
    assert bare == _draw(canned)


def test_styled_gives_a_reporter_of_that_width_and_leaves_this_one_alone(canned: ReportSet) -> None:
    reporter = TerminalReporter()
    assert reporter.styled(80, True).render(canned) == _draw(canned, 80, colour=True)
    assert reporter.render(canned) == _draw(canned)


def test_the_surroundings_change_nothing(canned: ReportSet, monkeypatch: pytest.MonkeyPatch) -> None:
    before = [_draw(canned), _draw(canned, colour=True)]
    for name, value in {"NO_COLOR": "1", "FORCE_COLOR": "1", "COLUMNS": "40", "TERM": "dumb", "LINES": "5"}.items():
        monkeypatch.setenv(name, value)
    assert [_draw(canned), _draw(canned, colour=True)] == before


@pytest.mark.parametrize("colour", [False, True])
def test_hostile_text_is_shown_and_never_acts(poisoned: ReportSet, colour: bool) -> None:
    text = _draw(poisoned, 160, colour=colour)
    bare = STYLE.sub("", text)
    assert "[red]evil[/red]" in bare
    assert r"\x1b[31mX" in bare
    assert r"\u202e" in bare
    assert not [char for char in bare if not char.isprintable() and char != "\n"]
    assert not [line for line in bare.splitlines() if line.lstrip().startswith("✔ PASS")]
    if colour:
        assert "\x1b[31mX" not in text


def test_hostile_text_does_not_break_the_page(poisoned: ReportSet) -> None:
    text = _draw(poisoned)
    assert len([line for line in text.splitlines() if line.startswith("✘ FAIL")]) == 4


def test_nothing_measured_is_said(unread: ReportSet) -> None:
    text = _draw(unread)
    assert text.startswith("? INCONCLUSIVE  broken.onnx against reference.pt\n  broken.onnx is empty (0 bytes)\n")
    assert "format unknown · size unknown" in text
    assert "Nothing was measured." in text
    assert "data       none" in text


def test_what_was_skipped_or_failed_stands_with_its_reason(canned: ReportSet) -> None:
    text = _draw(canned)
    assert "opscore  errored: ZeroDivisionError" in text
    assert "scan     skipped: vetgate_scan is switched off" in text


def test_the_worst_classes_come_worst_first(canned: ReportSet) -> None:
    text = _draw(canned)
    table = text[text.index("Worst classes") : text.index("Where the candidate")]
    assert re.findall(r"^  (Shirt|Coat|T-shirt/top|Pullover|Ankle boot|Dress)", table, re.M) == [
        "Shirt",
        "Coat",
        "T-shirt/top",
        "Pullover",
        "Ankle boot",
    ]


def test_long_names_keep_both_ends_and_never_break_the_page(canned: ReportSet) -> None:
    long = canned.reports[0].candidate.model_copy(update={"name": "start-" + "x" * 5_000 + "-end.onnx"})
    text = _draw(_changed(canned, candidate=long), 80)
    assert "start-" in text.splitlines()[0]
    assert "-end.onnx" in text[:400]
    assert _overlong(text, 80) == []


def test_wide_letters_do_not_break_the_page(canned: ReportSet) -> None:
    wide = canned.reports[0].candidate.model_copy(update={"name": "模型" * 40 + ".onnx"})
    assert _overlong(_draw(_changed(canned, candidate=wide), 80), 80) == []


def test_thirty_candidates_start_with_a_table_worst_first(thirty: ReportSet) -> None:
    for width in (80, 120):
        text = _draw(thirty, width)
        assert text.startswith("✘ FAIL  30 candidates: 7 fail, 7 inconclusive, 8 warn, 8 pass\n")
        table = text[: text.index("═══ candidate 1 of 30")]
        order = re.findall(r"^  (✘ fail|\? inconclusive|! warn|✔ pass) +(variant-\d+\.onnx) ", table, re.M)
        assert len({name for _, name in order}) == 30
        ranks = {"✘ fail": 0, "? inconclusive": 1, "! warn": 2, "✔ pass": 3}
        assert [ranks[decision] for decision, _ in order] == sorted(ranks[decision] for decision, _ in order)
        assert "✘ 96.76 %" in table
        assert "candidates of runs/sweep/" in table
        assert text.count("═══ candidate ") == 30
        assert text.rstrip().splitlines()[-1] == "✘ FAIL  30 candidates: 7 fail, 7 inconclusive, 8 warn, 8 pass"


def test_rules_that_do_not_fit_the_table_of_candidates_are_named_below_it(thirty: ReportSet) -> None:
    text = _draw(thirty, 80)
    head = " ".join(text[: text.index("═══ candidate 1")].split())
    assert "not in this table: " in head
    assert "footprint.size_mb/ratio" in head


def test_a_command_stays_on_one_line_however_long(canned: ReportSet) -> None:
    command = ("vetgate", "check", *(f"variant {number}.onnx" for number in range(60)))
    line = next(line for line in _draw(_changed(canned, command=command), 80).splitlines() if "vetgate check" in line)
    assert line.endswith("'variant 59.onnx'")


def test_no_rule_and_no_measurement_leave_no_empty_table(canned: ReportSet) -> None:
    report: Report = canned.reports[0]
    verdict = report.verdict.model_copy(update={"rulings": ()})
    text = _draw(_changed(canned, verdict=verdict, evidence=()))
    assert "The policy has no rule that applies." in text
    assert "decision" not in text[: text.index("── Evidence")]
