"""The text report: the decision leads, nothing hides, nothing untrusted acts."""

from __future__ import annotations

import re

import pytest
from rich.cells import cell_len
from vetgate_reporters.terminal import TerminalReporter

from vetgate.reporting import Chart, Decision, Evidence, Mark, Outcome, Report, ReportSet, Table

STYLE = re.compile(r"\x1b\[[0-9;]*m")
WIDTHS = pytest.mark.parametrize("width", [36, 40, 50, 60, 71, 72, 80, 90, 100, 110, 120, 140, 160])


def _draw(reports: ReportSet, width: int = 100, *, colour: bool = False) -> str:
    return TerminalReporter(width, colour).render(reports)


def _changed(reports: ReportSet, **changes: object) -> ReportSet:
    return ReportSet(reports=tuple(report.model_copy(update=changes) for report in reports.reports))


def _overlong(text: str, width: int) -> list[str]:
    """Return the lines over the width, but for digests and the command, which are left whole to be copied."""
    lines = text.splitlines()
    whole = re.compile(r"^\s*([0-9a-f]{64}(  |$)|vetgate check )")
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


def test_a_ruling_takes_one_line_where_there_is_room_and_two_where_there_is_not(canned: ReportSet) -> None:
    def heads(width: int) -> str:
        return next(line for line in _draw(canned, width).splitlines() if "asked" in line and "observed" in line)

    assert heads(160).split() == ["decision", "rule", "observed", "bounds", "asked", "decided", "by", "n"]
    assert heads(120).split() == ["decision", "rule", "observed", "bounds", "asked", "decided", "by"]
    assert heads(72).split() == ["observed", "asked"]


def test_names_of_rules_are_not_broken_where_another_layout_keeps_them_whole(canned: ReportSet) -> None:
    table = _draw(canned)[: _draw(canned).index("✘ fail  similarity")]
    for ruling in canned.reports[0].verdict.rulings:
        assert ruling.rule in table


def test_what_a_reason_says_is_not_noted_again_and_a_family_is_named_once(canned: ReportSet) -> None:
    note = "timed at batch 1"
    assert _draw(canned, 160).count(note) == 1
    assert f"\n  {note}\n" in _draw(canned, 160)
    report = canned.reports[0]
    told = tuple(
        ruling.model_copy(update={"because": f"{ruling.because}; {note}"}) if ruling.waived else ruling
        for ruling in report.verdict.rulings
    )
    verdict = report.verdict.model_copy(update={"rulings": told})
    assert " ".join(_draw(_changed(canned, verdict=verdict), 160).split()).count(note) == 1


def test_what_notes_of_several_figures_share_is_said_once(canned: ReportSet) -> None:
    text = _draw(canned, 160)
    assert text.count("120 pairs of blocks of 20 calls") == 1
    assert "\n  p50, throughput: half of the pairs lie within ±0.71 % of the median ratio\n" in text


def test_many_candidates_leave_tables_of_detail_to_the_json_report(canned: ReportSet) -> None:
    text = _draw(ReportSet(reports=canned.reports * 2))
    assert "Where the candidate changed" not in text
    assert text.count("4 exhibits and the slices: check this candidate alone") == 2
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
    assert "-0.999 to -0.45 pp" in _draw(canned)


@WIDTHS
def test_every_figure_is_whole_at_every_width(canned: ReportSet, width: int) -> None:
    text = _draw(canned, width)
    for figure in (
        "91.01 %",
        "-0.72 pp",
        "96.45 to 97.05 %",
        "147,066",
        "9,412,864",
        "0.3123 ms",
        "3,202 /s",
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
    assert "acme_blur  errored: ZeroDivisionError" in text
    assert "scan       skipped: vetgate_scan is switched off" in text


def test_the_worst_classes_come_worst_first(canned: ReportSet) -> None:
    text = _draw(canned)
    table = text[text.index("Worst classes") : text.index("Worst classes by similarity")]
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


def _head(text: str) -> dict[str, str]:
    """Return the lines under the verdict by their label, as a reader puts them together."""
    words = re.sub(r"\n {13}", " ", text[: text.index("── Rules")])
    return dict(line.strip().split(maxsplit=1) for line in words.splitlines()[4:] if line.strip())


def test_an_early_stop_a_baseline_and_the_cache_stand_in_the_head(stopped: ReportSet) -> None:
    head = _head(_draw(stopped, 80))
    assert head["images"] == "stopped after 2,048 of 10,000 images: every rule on images is decided"
    assert head["baseline"] == "last-release.json · quick-fix.onnx, judged fail on 2027-01-20 · never promoted"
    assert head["answered"] == "candidate: 2,048 images · reference: none, all from the cache"


def test_a_run_that_could_not_stop_early_says_so_and_a_promoted_baseline_by_whom(canned: ReportSet) -> None:
    head = _head(_draw(canned, 80))
    reason = "cannot stop early because of rule accuracy.worst_slice/weather"
    assert head["images"] == f"all 10,000 images were used: {reason}"
    assert head["baseline"].endswith("promoted 2026-11-02 by edge-team: release 1.3 is in the shops")
    assert head["timed"] == "shipped/float32.onnx · onnx · 0.6124 MB · in place of the reference"


def test_models_that_answered_every_image_themselves_need_no_line(canned: ReportSet) -> None:
    reference = canned.reports[0].reference.model_copy(update={"from_cache": False, "answered": 10_000})
    assert "answered" not in _head(_draw(_changed(canned, reference=reference)))


def test_images_that_no_process_answered_came_from_the_cache(canned: ReportSet) -> None:
    candidate = canned.reports[0].candidate.model_copy(update={"answered": 9_000, "recalled": 1_000})
    told = "candidate: 9,000 images, 1,000 from the cache · reference: none, all from the cache"
    assert _head(_draw(_changed(canned, candidate=candidate), 120))["answered"] == told


def test_a_report_that_was_named_a_baseline_says_by_whom_and_why(stopped: ReportSet) -> None:
    assert "named a baseline 2027-02-02 by edge-team: release 1.4\n" in _draw(stopped)


def test_figures_against_the_baseline_stand_apart_from_those_against_the_reference(canned: ReportSet) -> None:
    text = _draw(canned)
    own = re.search(r"^  accuracy  .*\n.*\n  accuracy.top1 +91.01 % +91.73 % +-0.72 pp", text, re.M)
    other = re.search(r"^  against the baseline .*\n.*\n  accuracy.top1 +91.01 % +90.88 % +\+0.13 pp", text, re.M)
    assert own
    assert other


def test_counts_of_many_looks_are_shown_by_the_last(stopped: ReportSet) -> None:
    text = _draw(stopped)
    assert "15 down, 14 up of 2,048" in text
    assert "2,005 of 2,048" in text


def test_bounds_are_shown_where_a_figure_has_them_and_too_few_pairs_are_named(canned: ReportSet) -> None:
    text = _draw(canned)
    assert re.search(r"accuracy.f1_macro .*\n +90.50 to 91.44 %  91.22 to 92.12 %  -1.00 to -0.43 pp\n", text)
    assert "Below a figure stand its one-sided 95 % bounds." in text
    assert re.search(r"latency.p50 .* 0.6839 × .*\n.* too few\n", text)
    assert "∞" not in text


@WIDTHS
def test_bounds_of_differences_are_shown_at_every_width(canned: ReportSet, width: int) -> None:
    assert "-1.00 to -0.43 pp" in _draw(canned, width)


def test_latency_stands_by_batch_and_cold_start_with_memory_apart(canned: ReportSet) -> None:
    text = _draw(canned)
    first, second = text.index("latency, batch 1 "), text.index("latency, batch 16")
    apart = text.index("cold start and memory")
    assert first < text.index("latency.p99") < second < apart < text.index("latency.cold_start")
    assert apart < text.index("footprint.peak_memory_mb")


def test_slices_by_any_column_come_worst_first(canned: ReportSet) -> None:
    text = _draw(canned)
    table = text[text.index("By weather, worst difference of accuracy.top1 first: all 3") :]
    assert re.findall(r"^  (fog|rain|sun) ", table, re.M) == ["fog", "rain", "sun"]
    assert "accuracy.worst_slice by weather" in text


def test_what_ran_stands_side_by_side_with_the_differences_marked(canned: ReportSet) -> None:
    text = _draw(canned)
    assert re.search(r"^  runtime +onnxruntime +torch +differs$", text, re.M)
    assert re.search(r"^  version +1.23.2 +2.9.1$", text, re.M)
    latency = text[text.index("What ran: latency") :]
    assert "timed reference" in latency
    assert re.search(r"^  precision +int8 +float32 +differs$", latency, re.M)


def test_many_candidates_show_the_images_each_was_judged_on(canned: ReportSet, stopped: ReportSet) -> None:
    text = _draw(ReportSet(reports=canned.reports + stopped.reports), 120)
    table = text[: text.index("═══ candidate 1")]
    assert re.search(r"int8.onnx +10,000 ", table)
    assert re.search(r"pruned.onnx +2,048 ", table)


def test_a_table_that_only_makes_sense_drawn_is_left_out_and_one_that_may_be_drawn_is_not(canned: ReportSet) -> None:
    def table(title: str, *, only: bool) -> Table:
        chart = Chart(mark=Mark.BARS, label="a", values=("b",), only=only)
        return Table(title=title, columns=("a", "b"), rows=(("x", 1),), chart=chart)

    tables = (table("drawn and read", only=False), table("drawn alone", only=True))
    text = _draw(_changed(canned, evidence=(Evidence(check="acme", outcome=Outcome.MEASURED, exhibits=tables),)))
    assert "drawn and read" in text
    assert "drawn alone" not in text
