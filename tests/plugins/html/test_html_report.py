"""What stands on the page, in which order, and what is left out where there is too much."""

from __future__ import annotations

import html
import re

from vetgate_html.exhibit import LARGEST, MOST_ROWS
from vetgate_html.plugin import vetgate_reporters
from vetgate_html.report import HtmlReporter
from vetgate_html.ruling import MOST

from tests.golden import canned_stopped
from vetgate.reporting import (
    Chart,
    Decision,
    Evidence,
    Mark,
    Outcome,
    Picture,
    Report,
    ReporterSpec,
    ReportSet,
    Ruling,
    Table,
    Unit,
)
from vetgate.testing import ReporterContract

ROOM = 5_000_000
"""Bytes that a page may take."""


def drawn(reports: ReportSet) -> str:
    return HtmlReporter().render(reports)


def words(page: str) -> str:
    """Return what a reader sees: no styles, scripts, tags or entities."""
    body = re.sub(r"<(style|script|svg)\b.*?</\1>", " ", page, flags=re.DOTALL)
    return " ".join(html.unescape(re.sub(r"<[^>]*>", " ", body.replace("<wbr>", ""))).split())


def with_evidence(report: Report, *exhibits: Table | Picture) -> ReportSet:
    made = Evidence(check="acme", outcome=Outcome.MEASURED, exhibits=exhibits)
    return ReportSet(reports=(report.model_copy(update={"evidence": (made,)}),))


class TestHtmlReporter(ReporterContract):
    def spec(self) -> ReporterSpec:
        return vetgate_reporters()[0]

    def reports(self) -> ReportSet:
        return canned_stopped.canned()


def test_the_page_leads_with_the_decision_and_the_sentence_why(canned: ReportSet) -> None:
    told = words(drawn(canned))
    report = canned.reports[0]
    order = ["✘ FAIL", "int8.onnx against reference.pt", report.verdict.because, "Rules", "similarity.agreement"]
    order += ["Charts", "Evidence", "Slices", "Findings", "Not measured", "What ran", "To repeat it"]
    start = told.index("Skip to the report")
    for part in order:
        start = told.index(part, start)


def test_each_rule_is_told_in_words_with_its_figure_interval_limit_and_reason(canned: ReportSet) -> None:
    told = words(drawn(canned))
    for ruling in canned.reports[0].verdict.rulings:
        assert ruling.rule in told
        assert ruling.words in told
        assert ruling.because in told
    for part in ("96.45 to 97.05 %", "≥ 97.5 %", "Clopper-Pearson 95 %", "waived, else fail", "needs about 8 pairs"):
        assert part in told


def test_a_rule_leads_to_the_figure_that_it_judged_and_the_figure_back(canned: ReportSet) -> None:
    page = drawn(canned)
    rows = dict(re.findall(r'<tr role="row" id="(c1-(?:rule|figures|slices)-[\d-]+)"[^>]*>(.*?)</tr>', page, re.DOTALL))
    led = {}
    for id_, row in rows.items():
        found = re.search(r'<a class="evidence" href="#([^"]+)"', row)
        if found:
            led[id_] = found[1]
    ruled = {f"c1-rule-{number}": ruling for number, ruling in enumerate(canned.reports[0].verdict.rulings)}
    assert set(led) == set(ruled), "every rule has evidence, or a place that says why it has none"
    for id_, place in led.items():
        metric = ruled[id_].metric
        if place in rows:
            assert metric is not None
            where = ruled[id_].slice
            assert (where.value if where and where.by == "label" and where.value else metric) in words(rows[place])
            assert f'<a class="back" href="#{id_}">' in rows[place]
    assert {place for place in led.values() if place not in rows} == {"c1-gaps", "c1-findings"}


def test_charts_of_the_report_stand_in_the_page(canned: ReportSet) -> None:
    figures = re.findall(r'<figure class="drawn".*?</figure>', drawn(canned), re.DOTALL)
    assert len(figures) >= 4
    assert all(re.search(r"<svg [^>]*viewBox.*<path ", figure, re.DOTALL) for figure in figures)


def test_several_candidates_come_worst_first_after_a_table_of_all(thirty: ReportSet) -> None:
    page = drawn(thirty)
    told = words(page)
    assert told.index("30 candidates against") < told.index("All candidates")
    titles = [words(title) for title in re.findall(r'<h2 id="c\d+-title">.*?</h2>', page)]
    decisions = [title.split()[1] for title in titles]
    assert len(titles) == 30
    assert decisions == sorted(decisions, key=["FAIL", "INCONCLUSIVE", "WARN", "PASS"].index)
    ids = re.findall(r' id="([^"]+)"', page)
    assert len(ids) == len(set(ids)), "links of one candidate never lead to another"


def test_an_image_stands_beside_its_map_with_what_both_models_said(illustrated: ReportSet) -> None:
    page = drawn(illustrated)
    shots = re.findall(r'<figure class="shot">.*?</figure>', page, re.DOTALL)
    assert len(shots) == 6
    assert len(re.findall("<img", shots[0])) == 2, "the image, and the map of it"
    assert "map of shirts/0" in shots[0]
    assert page.count("map of shirts/0") == 1, "beside the image, and nowhere else"
    told = words(shots[1])
    assert "reference Shirt 93 %" in told
    assert "candidate Coat 81 %" in told
    assert 'alt="Image shirts/1.png: labelled Shirt; the reference says Shirt, the candidate Coat"' in shots[1]
    assert "6 of 176" in words(page)


def test_a_damaged_or_huge_picture_is_named_and_not_carried(canned: ReportSet) -> None:
    huge = Picture(title="huge", media_type="image/png", base64="A" * (LARGEST + 4))
    damaged = Picture(title="damaged", media_type="image/png", base64="not base64")
    told = words(drawn(with_evidence(canned.reports[0], huge, damaged)))
    assert told.count("damaged or too large for a page") == 2


def test_a_long_table_says_how_many_rows_are_left_out_and_where_they_stand(canned: ReportSet) -> None:
    table = Table(title="confusions", columns=("class", "images"), rows=tuple((f"n{n}", n) for n in range(1000)))
    page = drawn(with_evidence(canned.reports[0], table))
    assert f"{1000 - MOST_ROWS} rows more are left out here; they stand in the JSON report." in words(page)
    assert "<summary>confusions" in page


def test_cells_that_are_drawn_are_printed_in_their_unit(canned: ReportSet) -> None:
    chart = Chart(mark=Mark.BARS, label="class", values=("lost",), unit=Unit.FRACTION)
    table = Table(title="lost", columns=("class", "lost"), rows=(("Shirt", 0.0375), ("Coat", 0.01)), chart=chart)
    assert "Shirt 3.75 %" in words(drawn(with_evidence(canned.reports[0], table)))


def test_a_table_without_columns_or_with_too_many_is_told_and_not_drawn(canned: ReportSet) -> None:
    wide = Table(title="wide", columns=tuple(map(str, range(40))), rows=(tuple(range(40)),))
    empty = Table(title="empty", columns=(), rows=())
    told = words(drawn(with_evidence(canned.reports[0], wide, empty)))
    assert "wide : 1 row of 40 columns, too wide for a page" in told
    assert "empty : 0 rows of 0 columns" in told


def test_five_thousand_failing_rules_fit_and_those_left_out_are_counted(canned: ReportSet) -> None:
    report = canned.reports[0]
    rulings = tuple(
        Ruling(
            rule=f"rule-{n}",
            words="a figure is at least 3",
            decision=Decision.FAIL,
            because="it is 2. " * 40,
            observed=2.0,
            threshold=3.0,
            side="at_least",
        )
        for n in range(5000)
    )
    verdict = report.verdict.model_copy(update={"rulings": rulings})
    page = drawn(ReportSet(reports=(report.model_copy(update={"verdict": verdict}),)))
    assert len(page.encode()) < ROOM
    assert f"{5000 - MOST:,} rules more are left out here" in words(page)
    assert "5000 fail" in words(page)


def test_a_policy_without_rules_and_a_candidate_that_cannot_be_read_have_a_page(
    canned: ReportSet, unread: ReportSet
) -> None:
    report = canned.reports[0]
    bare = report.model_copy(update={"verdict": report.verdict.model_copy(update={"rulings": ()})})
    assert "The policy has no rule that applies." in words(drawn(ReportSet(reports=(bare,))))
    told = words(drawn(unread))
    assert "? INCONCLUSIVE" in told
    assert "broken.onnx is empty (0 bytes)" in told
    assert "Nothing was measured." in told


def test_hundreds_of_candidates_fit_and_each_is_in_the_table(canned: ReportSet) -> None:
    report = canned.reports[0]
    named = (report.candidate.model_copy(update={"name": f"sweep/{number}.onnx"}) for number in range(300))
    reports = ReportSet(reports=tuple(report.model_copy(update={"candidate": candidate}) for candidate in named))
    page = drawn(reports)
    assert len(page.encode()) < ROOM
    told = words(page)
    assert all(f"sweep/{number}.onnx" in told for number in range(300))
    assert "The evidence on this candidate is left out here; it stands in the JSON report." in told


def test_the_command_can_be_copied_as_one_line(canned: ReportSet) -> None:
    found = re.search(r"<pre[^>]*><code>(.*?)</code>", drawn(canned), re.DOTALL)
    assert found is not None
    assert html.unescape(found[1]).startswith(
        "vetgate check int8.onnx --reference reference.pt --data 'my data/test.npz'"
    )
