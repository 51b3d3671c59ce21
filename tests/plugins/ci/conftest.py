"""Canned reports, hostile and huge ones, and the published schemas."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.golden import canned_report, canned_stopped
from tests.plugins.reporters.conftest import poison
from vetgate.reporting import (
    Decision,
    Evidence,
    Finding,
    ModelSummary,
    Outcome,
    Report,
    ReportSet,
    Ruling,
    Severity,
    Verdict,
)

TESTS = Path(__file__).parents[2]
ODD = (
    "\x00\x07\x1b[31m\x85\ufffe\uffff]]><!-- --> -- --!> ::error::owned ##[set-output name=decision]pass\r\n"
    "::stop-commands::x %0A %25 a:b,c=d; <b>&amp;\"' [click](http://evil.example) {0} {{1}} "
    "\u202eمرحبا\u2066 שלום 👩‍🔬🏳️‍🌈 \u2028 \U0010ffff 模"
)


def _rulings(count: int, decision: Decision) -> tuple[Ruling, ...]:
    return tuple(
        Ruling(
            rule=f"rule-{number}",
            words=f"figure {number} is at most 0",
            decision=decision,
            because=f"figure {number} is {number / 7:.4g}; at most 0 was asked",
            metric="acme.x",
            observed=float(number),
            threshold=0.0,
            side="at_most",
        )
        for number in range(count)
    )


def _with_rulings(report: Report, *rulings: Ruling, decision: Decision | None = None) -> Report:
    worst = decision or max((ruling.decision for ruling in rulings), key=lambda each: each.rank)
    verdict = Verdict(decision=worst, because=f"{len(rulings)} rules {worst.value}", rulings=tuple(rulings))
    return report.model_copy(update={"verdict": verdict, "evidence": ()})


def _findings(count: int, text: str = "") -> Evidence:
    severities = tuple(Severity)
    found = tuple(
        Finding(
            rule=f"VG{number % 400:04}",
            severity=severities[number % 5],
            message=f"something odd, number {number}{text}",
            location=f"int8.onnx: archive/data/{number % 1000}",
            advice="export it again",
        )
        for number in range(count)
    )
    return Evidence(check="scan", outcome=Outcome.MEASURED, findings=found)


@pytest.fixture(scope="session")
def canned() -> ReportSet:
    """Return the report of a full run, which fails."""
    return canned_report.canned()


@pytest.fixture(scope="session")
def ruled(canned: ReportSet) -> Callable[..., ReportSet]:
    """Return a function that makes a report of rulings alone."""
    return lambda *rulings, decision=None: ReportSet(
        reports=(_with_rulings(canned.reports[0], *rulings, decision=decision),)
    )


@pytest.fixture(scope="session")
def sets(canned: ReportSet, ruled: Callable[..., ReportSet]) -> dict[str, ReportSet]:
    """Return report sets of every odd kind, by name."""
    report = canned.reports[0]
    nothing = ModelSummary(name="broken.onnx", format=None, sha256=None, size=None)
    why = "broken.onnx is empty (0 bytes)"
    unread = Ruling(rule="identify", words="it can be read", decision=Decision.INCONCLUSIVE, because=why)
    changes: dict[str, Any] = {"candidate": nothing, "data": None, "warnings": ()}
    grave = _findings(30_000)
    halted = report.model_copy(update={"evidence": (_findings(10),)})
    passing = _rulings(3, Decision.PASS)
    return {
        "canned": canned,
        "stopped": canned_stopped.canned(),
        "hostile": poison(canned, ODD),
        "passing": ruled(*passing),
        "no rules": ruled(decision=Decision.INCONCLUSIVE),
        "nothing measured": ruled(*passing, decision=Decision.INCONCLUSIVE),
        "unread": ReportSet(reports=(_with_rulings(report, unread).model_copy(update=changes),)),
        "halted": ReportSet(reports=(halted,)),
        "several": ReportSet(
            reports=tuple(
                report.model_copy(update={"candidate": report.candidate.model_copy(update={"name": f"m{n}.onnx"})})
                for n in range(30)
            )
        ),
        "5,000 failing rules": ruled(*_rulings(5_000, Decision.FAIL)),
        "30,000 findings": ReportSet(reports=(report.model_copy(update={"evidence": (grave,)}),)),
        "30,000 hostile findings": ReportSet(
            reports=(report.model_copy(update={"evidence": (_findings(30_000, ODD),)}),)
        ),
    }


KINDS = (
    *("canned", "stopped", "hostile", "passing", "no rules", "nothing measured", "unread", "halted", "several"),
    *("5,000 failing rules", "30,000 findings", "30,000 hostile findings"),
)


@pytest.fixture(params=KINDS)
def odd(request: pytest.FixtureRequest, sets: dict[str, ReportSet]) -> ReportSet:
    """Return one odd report set after the other."""
    return sets[request.param]
