"""The Markdown report: what it shows, that it fits, and that nothing untrusted breaks out."""

from __future__ import annotations

import re

import pytest
from markdown_it import MarkdownIt
from markdown_it.token import Token
from vetgate_reporters.escape import block, code, prose
from vetgate_reporters.markdown import LONGEST, MarkdownReporter

from vetgate.reporting import Decision, Evidence, Finding, Outcome, ReportSet, Severity

OURS = re.compile(r"</?details>|<summary>[^<>]*</summary>|</?code>|<br>|\s")


def _draw(reports: ReportSet) -> str:
    return MarkdownReporter().render(reports)


def _tokens(text: str) -> list[Token]:
    """Return all tokens of the text as GitHub's dialect, in order."""
    parser = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])
    return [inner for token in parser.parse(text) for inner in (token, *(token.children or []))]


def _shown(text: str) -> str:
    """Return what a reader sees."""
    return "".join(token.content for token in _tokens(text) if token.type in ("text", "code_inline", "fence"))


def _many_findings(reports: ReportSet, count: int) -> ReportSet:
    finding = Finding(rule="contract.shape", severity=Severity.LOW, message="shapes differ " * 20)
    evidence = Evidence(check="contract", outcome=Outcome.MEASURED, findings=(finding,) * count)
    return ReportSet(reports=tuple(report.model_copy(update={"evidence": (evidence,)}) for report in reports.reports))


def test_the_decision_leads_then_rulings_then_folded_evidence(canned: ReportSet) -> None:
    text = _draw(canned)
    assert text.startswith(
        "## ✘ FAIL: `int8.onnx` against `reference.pt`\n\n**Why:** 1 of 11 rules fails: similarity.agreement"
    )
    assert text.index("### Rules: 1 fail") < text.index("| ✘ fail |") < text.index("| ✔ pass |")
    assert text.index("| ✔ pass |") < text.index("<details>") < text.index("`footprint.macs`")
    assert text.count("<details>") == text.count("</details>")


def test_all_tables_are_read_as_tables(canned: ReportSet) -> None:
    tokens = _tokens(_draw(canned))
    assert sum(token.type == "table_open" for token in tokens) == 18
    assert "|" not in "".join(token.content for token in tokens if token.type == "text")


def test_hostile_text_does_not_become_structure(poisoned: ReportSet) -> None:
    tokens = _tokens(_draw(poisoned))
    foreign = [token.content for token in tokens if token.type.startswith("html") and OURS.sub("", token.content)]
    assert foreign == []
    kinds = {token.type for token in tokens}
    assert not kinds & {"link_open", "image", "s_open", "blockquote_open", "hr", "code_block"}
    assert {token.tag for token in tokens if token.type == "heading_open"} == {"h2", "h3"}


def test_hostile_text_is_still_shown(poisoned: ReportSet) -> None:
    shown = _shown(_draw(poisoned))
    assert "<script>alert(1)</script> | a | b\\| `` `" in shown
    assert r"\x1b[31mX" in shown
    assert r"\u202e" in shown
    assert "\x1b" not in shown


def test_hostile_text_pings_nobody_and_links_nowhere(poisoned: ReportSet) -> None:
    text = _draw(poisoned)
    outside = "".join(token.content for token in _tokens(text) if token.type == "text")
    assert not re.search(r"@\w|#\d|:tada:", outside)
    assert "www.evil" not in re.sub(r"```.*?```", "", text, flags=re.S)
    assert "http://" not in re.sub(r"```.*?```", "", text, flags=re.S)


def test_every_row_of_a_table_has_the_cells_of_its_head(poisoned: ReportSet) -> None:
    for table in re.findall(r"(?:^\|.*\n)+", _draw(poisoned), re.M):
        assert len({line.count("|") for line in table.splitlines()}) == 1


@pytest.mark.parametrize(
    "name", ["<script>", "|", "a|b", "`", "``x`", "\\", "a\\|b", "]( x", "&lt;", "_x_", "*", "~", "$a$", " a "]
)
def test_a_class_of_any_name_stays_in_its_cell(name: str) -> None:
    for cell in (code(name), prose(name)):
        tokens = _tokens(f"| class | n |\n| --- | --- |\n| {cell} | 7 |\n")
        cells = [tokens[index + 1] for index, token in enumerate(tokens) if token.type == "td_open"]
        shown = [
            "".join(child.content for child in cell.children or [] if child.type != "html_inline") for cell in cells
        ]
        assert [text.strip() for text in shown] == [name.strip(), "7"]


def test_a_command_with_backticks_stays_in_its_block() -> None:
    tokens = [token for token in _tokens(block("echo ````x```` ```")) if token.type == "fence"]
    assert [token.content for token in tokens] == ["echo ````x```` ```\n"]


def test_too_many_findings_are_cut_with_a_line_that_counts_them(canned: ReportSet) -> None:
    text = _draw(_many_findings(canned, 3_000))
    assert len(text) <= LONGEST
    shown = text.count("- **low** `contract.shape`")
    left_out = re.search(r"_([\d,]+) items left out", text)
    assert left_out is not None
    assert shown > 0
    assert shown + int(left_out[1].replace(",", "")) == 3_000


def test_of_two_candidates_that_fail_the_one_that_misses_more_rules_leads(canned: ReportSet) -> None:
    few = canned.reports[0]
    rulings = tuple(ruling.model_copy(update={"decision": Decision.FAIL}) for ruling in few.verdict.rulings)
    many = few.model_copy(
        update={
            "candidate": few.candidate.model_copy(update={"name": "worse.onnx"}),
            "verdict": few.verdict.model_copy(update={"rulings": rulings}),
        }
    )
    text = _draw(ReportSet(reports=(few, many)))
    assert text.index("FAIL: `worse.onnx`") < text.index("FAIL: `int8.onnx`")


def test_thirty_candidates_fit_and_all_stand_in_the_table(thirty: ReportSet) -> None:
    text = _draw(thirty)
    assert len(text) <= LONGEST
    table = text[: text.index("\n## ", 1)]
    assert len(set(re.findall(r"`runs/sweep/variant-\d+\.onnx`", table))) == 30
    assert text.startswith("## ✘ FAIL: 30 candidates, 7 fail, 7 inconclusive, 8 warn, 8 pass")
    assert text.count("\n## ") == 30
    assert "All evidence was left out for length" in text


def test_sixty_hostile_candidates_still_fit(poisoned: ReportSet) -> None:
    text = _draw(ReportSet(reports=poisoned.reports * 30))
    assert len(text) <= LONGEST
    assert text.startswith("## ✘ FAIL: 60 candidates, 60 fail")
    assert "left out" in text


def test_sentences_of_nothing_but_marks_still_fit(canned: ReportSet) -> None:
    report = canned.reports[0]
    marks = "@a" * 5_000
    rulings = (
        tuple(ruling.model_copy(update={"because": marks, "words": marks}) for ruling in report.verdict.rulings) * 20
    )
    verdict = report.verdict.model_copy(update={"rulings": rulings, "because": marks})
    text = _draw(ReportSet(reports=(report.model_copy(update={"verdict": verdict, "warnings": (marks,) * 200}),)))
    assert len(text) <= LONGEST
    assert text.startswith("## ✘ FAIL")
    assert "left out" in text


def test_nothing_measured_is_said(unread: ReportSet) -> None:
    text = _draw(unread)
    assert text.startswith("## ? INCONCLUSIVE: `broken.onnx` against `reference.pt`")
    assert "format unknown · size unknown" in text
    assert "Nothing was measured." in text
    assert "- data: none" in text


def test_the_table_of_rules_names_what_would_settle_a_rule(canned: ReportSet) -> None:
    text = _draw(canned)
    assert "| `no-class-left-behind`<br>class Shirt<br>needs about 1,300 images of it |" in text
    assert "| `latency.p50/ratio/batch=16`<br>needs about 8 pairs |" in text


def test_early_stopping_and_the_baseline_stand_in_the_head(stopped: ReportSet) -> None:
    text = _draw(stopped)
    head = text[: text.index("### Rules")]
    assert "- images: stopped after 2,048 of 10,000 images: every rule on images is decided\n" in head
    assert "- baseline: `last-release.json`, quick-fix.onnx, judged fail on 2027-01-20 · never promoted\n" in head
    assert "- answered: candidate: 2,048 images · reference: none, all from the cache\n" in head
    assert "Named a baseline 2027-02-02 by edge-team: release 1.4" in text


def test_what_ran_stands_side_by_side_with_the_differences_marked(canned: ReportSet) -> None:
    text = _draw(canned)
    assert "| runtime | onnxruntime | torch | **differs** |\n| version | 1.23.2 | 2.9.1 |  |" in text
    assert "|  | candidate | timed reference |  |" in text


def test_one_candidate_with_too_many_rulings_keeps_reasons_and_says_what_is_missing(canned: ReportSet) -> None:
    report = canned.reports[0]
    because = "the bound is too low " * 60
    rulings = tuple(ruling.model_copy(update={"because": because}) for ruling in report.verdict.rulings) * 20
    verdict = report.verdict.model_copy(update={"rulings": rulings})
    text = _draw(ReportSet(reports=(report.model_copy(update={"verdict": verdict}),)))
    assert len(text) <= LONGEST
    assert "✘ fail `similarity.agreement`" in text
    assert re.search(r"\d+ (items|rows) left out", text)
    assert "All evidence was left out for length" in text
