"""Whatever a report holds that its types allow, every reporter draws it, and nothing in it acts."""

from __future__ import annotations

import datetime
import re
from typing import Any, TypeVar

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from rich.cells import cell_len
from vetgate_reporters.json_report import JsonReporter
from vetgate_reporters.markdown import LONGEST, MarkdownReporter
from vetgate_reporters.terminal import TerminalReporter

from vetgate.reporting import (
    Answer,
    BaselineSummary,
    Better,
    Counts,
    DataSummary,
    Decision,
    Environment,
    Evidence,
    Exact,
    Execution,
    Finding,
    Gallery,
    Looks,
    Measurement,
    Member,
    ModelSummary,
    Of,
    Outcome,
    PairedCounts,
    Pairs,
    PerImage,
    Picture,
    PolicySummary,
    Promotion,
    Quantiles,
    Ran,
    Report,
    ReportSet,
    Ruling,
    Severity,
    Shot,
    Slice,
    Stopping,
    Table,
    Unit,
    Unstated,
    Verdict,
    Versus,
)

T = TypeVar("T")
METRICS = ("accuracy.top1", "latency.p50", "latency.cold_start", "footprint.peak_memory_mb", "opscore.total", "acme.x")
ODD = ("", " ", "\n", "\x1b[31m", "a" * 3_000, "模" * 200, "[red]", "| # `", "\u202e", "-" * 90, "/" * 90, "A.b_c/d-e")
DIGEST = "0123456789abcdef" * 4
WHOLE = re.compile(rf"^\s*({DIGEST}(  |$)|vetgate )")
"""Digests and the command are left whole to be copied."""

texts = st.sampled_from(ODD) | st.text(max_size=12)
floats = st.floats(allow_nan=False, allow_infinity=False) | st.sampled_from([0.0, -0.0, 1e-320, 1e308, -1e308])
counts = st.integers(0, 10**12)
digests = st.just(DIGEST)
moments = st.datetimes(timezones=st.just(datetime.UTC))


def few(of: st.SearchStrategy[T]) -> st.SearchStrategy[tuple[T, ...]]:
    return st.lists(of, max_size=3).map(tuple)


def or_none(of: st.SearchStrategy[T]) -> st.SearchStrategy[T | None]:
    return st.none() | of


@st.composite
def counted(draw: st.DrawFn) -> Counts | PairedCounts:
    b, c, rest = draw(counts), draw(counts), draw(st.integers(1, 10**9))
    return PairedCounts(b=b, c=c, n=b + c + rest) if draw(st.booleans()) else Counts(k=b, n=b + rest)


@st.composite
def looks(draw: st.DrawFn) -> Looks:
    n = draw(st.lists(st.integers(1, 10**6), min_size=1, max_size=4, unique=True).map(sorted))
    up = tuple(draw(st.integers(0, total)) for total in n)
    down = tuple(draw(st.integers(0, total - won)) for total, won in zip(n, up, strict=True))
    return Looks(up=up, down=draw(st.sampled_from([None, down])), n=tuple(n))


levels = st.sampled_from([0.05, 0.5, 0.95]) | floats
uncertainties = (
    st.builds(Quantiles, levels=st.just((0.05, 0.95)), values=st.tuples(floats, floats))
    | st.builds(Quantiles, levels=few(levels), values=few(floats))
    | st.builds(Pairs, log_ratios=few(floats))
    | st.sampled_from([Exact(), Unstated()])
    | counted()
    | looks()
)
slices = st.builds(
    Slice, by=st.sampled_from(["label", "weather", "batch"]) | texts, value=or_none(st.sampled_from(["1", "²"]) | texts)
)
measurements = st.builds(
    Measurement,
    metric=st.sampled_from(METRICS) | texts,
    role=st.sampled_from(Of),
    value=floats,
    unit=st.sampled_from(Unit),
    better=st.sampled_from(Better),
    n=st.integers(1, 10**12),
    uncertainty=uncertainties,
    slice=or_none(slices),
    versus=st.sampled_from(Versus),
    note=texts,
)
executions = st.builds(
    Execution,
    runtime=texts,
    version=texts,
    provider=texts,
    threads=st.integers(),
    precision=texts,
    notes=few(texts),
)
values: st.SearchStrategy[Any] = texts | floats | st.integers(-(10**20), 10**20) | st.none()
answers = st.builds(Answer, name=texts, probability=st.floats(0, 1))
shots = st.builds(
    Shot,
    image=texts,
    label=or_none(texts),
    reference=answers,
    candidate=answers,
    media_type=st.sampled_from(["image/png", "image/jpeg"]),
    base64=texts,
)
exhibits = (
    st.builds(Table, title=texts, columns=few(texts), rows=few(few(values)), caption=texts)
    | st.builds(
        Picture, title=texts, media_type=st.just("image/png"), base64=texts, caption=texts, image=or_none(texts)
    )
    | st.builds(Gallery, title=texts, shots=few(shots), of=st.integers(1, 10**6), caption=texts)
)
evidence = st.builds(
    Evidence,
    check=texts,
    outcome=st.sampled_from(Outcome),
    measurements=st.lists(measurements, max_size=6).map(tuple),
    findings=few(
        st.builds(Finding, rule=texts, severity=st.sampled_from(Severity), message=texts, location=texts, advice=texts)
    ),
    exhibits=few(exhibits),
    ran=or_none(st.builds(Ran, candidate=executions, reference=executions)),
    per_image=few(st.builds(PerImage, metric=texts, role=st.sampled_from(Of), n=st.integers(1, 9), bits=texts)),
    reason=texts,
    seconds=floats,
)
models = st.builds(
    ModelSummary,
    name=texts,
    format=or_none(texts),
    sha256=or_none(digests),
    size=or_none(st.integers(0, 10**15)),
    members=few(st.builds(Member, name=texts, sha256=digests, size=counts)),
    card=or_none(texts),
    card_sha256=or_none(digests),
    execution=or_none(executions),
    from_cache=st.booleans(),
    answered=or_none(counts),
)
rulings = st.builds(
    Ruling,
    rule=st.sampled_from(["accuracy.top1/delta", "r" * 80]) | texts,
    words=texts,
    decision=st.sampled_from(Decision),
    because=texts,
    metric=or_none(st.sampled_from(METRICS) | texts),
    of=or_none(st.sampled_from(Of)),
    unit=or_none(st.sampled_from(Unit)),
    observed=or_none(floats),
    lower=or_none(floats),
    upper=or_none(floats),
    threshold=or_none(floats),
    side=st.sampled_from(["at_least", "at_most", None]),
    confidence=or_none(floats),
    method=st.sampled_from(["point", "quantiles"]) | texts,
    n=or_none(counts),
    needed=or_none(counts),
    slice=or_none(slices),
    versus=st.sampled_from(Versus),
    waived=or_none(st.sampled_from(Decision)),
)
promotions = st.builds(
    Promotion, owner=texts, reason=texts, at=moments, report_sha256=digests, replaces=or_none(digests)
)
reports = st.builds(
    Report,
    candidate=models,
    reference=models,
    data=or_none(
        st.builds(
            DataSummary,
            name=texts,
            sha256=digests,
            images=counts,
            available=counts,
            labelled=st.booleans(),
            classes=or_none(counts),
            unreadable=few(texts),
        )
    ),
    policy=st.builds(PolicySummary, name=texts, sha256=digests, source=texts),
    verdict=st.builds(
        Verdict,
        decision=st.sampled_from(Decision),
        because=texts,
        rulings=st.lists(rulings, max_size=5).map(tuple),
    ),
    evidence=few(evidence),
    timed_reference=or_none(models),
    stopping=or_none(
        st.builds(Stopping, images=counts, available=counts, looks=counts, early=st.booleans(), because=texts)
    ),
    baseline=or_none(
        st.builds(
            BaselineSummary,
            name=texts,
            sha256=digests,
            candidate=texts,
            candidate_sha256=or_none(digests),
            decision=st.sampled_from(Decision),
            started=moments,
            promotions=few(promotions),
        )
    ),
    environment=st.builds(
        Environment,
        vetgate=texts,
        python=texts,
        platform=texts,
        processor=texts,
        cores=counts,
        memory=counts,
        packages=st.dictionaries(texts, texts, max_size=3),
    ),
    warnings=few(texts),
    seed=st.integers(),
    command=few(texts),
    started=moments,
    seconds=floats,
)
sets = st.builds(ReportSet, reports=st.lists(reports, min_size=1, max_size=3).map(tuple), promotions=few(promotions))
odd_reports = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)


@odd_reports
@given(sets, st.integers(-1, 300), st.booleans())
def test_any_report_is_drawn_as_text_and_nothing_in_it_acts(drawn: ReportSet, width: int, colour: bool) -> None:
    reporter = TerminalReporter(width, colour)
    text = reporter.render(drawn)
    bare = re.sub(r"\x1b\[[0-9;]*m", "", text)
    assert not [char for char in bare if not char.isprintable() and char != "\n"]
    assert colour or bare == text
    assert reporter.render(drawn) == text
    longest = max(width, 24)
    assert not [line for line in bare.splitlines() if cell_len(line.rstrip()) > longest and not WHOLE.match(line)]


@odd_reports
@given(sets)
def test_any_report_is_drawn_as_markdown_that_fits(drawn: ReportSet) -> None:
    text = MarkdownReporter().render(drawn)
    assert len(text) <= LONGEST
    assert not [char for char in text if not char.isprintable() and char != "\n"]
    for table in re.findall(r"(?:^\|.*\n)+", text, re.M):
        assert len({line.count("|") for line in table.splitlines()}) == 1


@odd_reports
@given(sets)
def test_any_report_reads_back_from_its_json(drawn: ReportSet) -> None:
    assert ReportSet.model_validate_json(JsonReporter().render(drawn)) == drawn
