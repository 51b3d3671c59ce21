"""How similarity is shown: what a distance is held against, and no more slices than a reader can use."""

from __future__ import annotations

import pytest
from vetgate_reporters.markdown import MarkdownReporter
from vetgate_reporters.terminal import TerminalReporter

from vetgate.reporting import LABEL, Decision, Evidence, Of, Report, Reporter, ReportSet, Ruling, Slice
from vetgate.wording.slices import further_slices, slice_tables

LINE = "no yardstick was given: how far is an independent model? --yardstick FILE"
REPORTERS = (TerminalReporter(100), MarkdownReporter())


def _changed(canned: ReportSet, **changes: object) -> Report:
    return canned.reports[0].model_copy(update=changes)


def _drawn(reporter: Reporter, report: Report) -> str:
    return str(reporter.render(ReportSet(reports=(report,))))


@pytest.mark.parametrize("reporter", REPORTERS)
def test_a_report_names_its_yardstick_and_its_digest(reporter: Reporter, canned: ReportSet) -> None:
    drawn = _drawn(reporter, canned.reports[0])
    assert "3 independent models · js divergence · 10,000 images" in drawn
    assert canned.reports[0].yardstick is not None
    assert canned.reports[0].yardstick.sha256 in drawn
    assert LINE not in drawn


@pytest.mark.parametrize("reporter", REPORTERS)
def test_similarity_without_a_yardstick_says_so_once(reporter: Reporter, canned: ReportSet) -> None:
    assert _drawn(reporter, _changed(canned, yardstick=None)).count(LINE) == 1


@pytest.mark.parametrize("reporter", REPORTERS)
def test_a_report_without_similarity_asks_for_no_yardstick(reporter: Reporter, canned: ReportSet) -> None:
    evidence = tuple(entry for entry in canned.reports[0].evidence if entry.check not in ("similarity", "layers"))
    assert LINE not in _drawn(reporter, _changed(canned, yardstick=None, evidence=evidence))


def test_of_the_pairs_slices_one_figure_has_a_table_and_the_others_are_named(canned: ReportSet) -> None:
    report = canned.reports[0]
    shown = [table.metric for table in slice_tables(report) if table.ordered_by is Of.PAIR]
    assert shown == ["similarity.agreement"]
    assert further_slices(report) == "Also in the JSON report: similarity.kappa by class."


def test_a_figure_that_a_rule_slices_has_its_table(canned: ReportSet) -> None:
    report = canned.reports[0]
    ruling = Ruling(
        rule="kappa",
        words="kappa of each class",
        decision=Decision.PASS,
        because="it holds",
        metric="similarity.kappa",
        slice=Slice(by=LABEL, value="Shirt"),
    )
    verdict = report.verdict.model_copy(update={"rulings": (*report.verdict.rulings, ruling)})
    ruled = report.model_copy(update={"verdict": verdict})
    assert "similarity.kappa" in [table.metric for table in slice_tables(ruled)]
    assert further_slices(ruled) == ""


def test_of_many_classes_only_the_worst_are_listed_and_the_title_counts_them(canned: ReportSet) -> None:
    text = _drawn(TerminalReporter(100), canned.reports[0])
    assert "Worst classes by similarity.agreement: 5 of 10" in text


def test_a_long_table_of_layers_is_cut_after_the_worst(canned: ReportSet) -> None:
    text = _drawn(TerminalReporter(100), canned.reports[0])
    assert "and 8 rows more, in the JSON report" in text
    assert "7.431 dB" in text


def test_evidence_without_slices_names_none(canned: ReportSet) -> None:
    bare = (Evidence(check="similarity", outcome=canned.reports[0].evidence[0].outcome),)
    assert further_slices(_changed(canned, evidence=bare)) == ""
