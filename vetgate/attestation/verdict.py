"""The two ends of an attestation: verdicts signed after a run, and held to at roll-out."""

from __future__ import annotations

import datetime
import hashlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Protocol

from vetgate.attestation.claim import make_statement
from vetgate.attestation.envelope import parse_envelope
from vetgate.attestation.held import Files, hold, hold_decision, hold_policy, hold_policy_text, hold_time
from vetgate.attestation.sealing import Trust, open_envelope
from vetgate.attestation.statement import Digests, Resource, Statement, render_statement
from vetgate.domain.errors import PolicyError, Refused
from vetgate.domain.report import PolicySummary, ReportSet


class Seals(Protocol):
    """Signs statements."""

    def seal(self, payload: bytes) -> bytes:
        """Return a signed envelope of a statement, as a file holds it."""
        ...


def attest(
    reports: ReportSet, written: Mapping[str, bytes], signer: Seals, now: datetime.datetime
) -> Iterator[tuple[str, bytes | None]]:
    """Yield each candidate's name and its signed verdict, of whatever kind that is.

    Args:
        reports: Of the run.
        written: Whole reports by format, as they were written.
        signer: Signs.
        now: When.

    Yields:
        The envelope as a file holds it; None for a candidate that could not even be read.
    """
    bound = [
        Resource(name=name, digest=Digests(sha256=hashlib.sha256(content).hexdigest()))
        for name, content in written.items()
    ]
    for report in reports.reports:
        statement = make_statement(report, bound, now)
        yield report.candidate.name, None if statement is None else signer.seal(render_statement(statement))


@dataclass(frozen=True)
class Wanted:
    """The policy that must have been judged by."""

    name: str
    """As typed."""
    file: str | None
    """Where it is a file, that is compared byte for byte before anything parses it."""
    load: Callable[[], PolicySummary]
    """Resolves it; may raise PolicyError."""


@dataclass(frozen=True)
class Demand:
    """What an attestation must withstand."""

    files: Files
    trust: Trust
    policy: Wanted | None = None
    """None for any."""
    longest: datetime.timedelta | None = None
    """Age from which on it no longer counts; None for any."""
    strict: bool = False
    """Whether a warning counts as fail."""


def verify(content: bytes, demand: Demand, now: datetime.datetime) -> Statement:
    """Return the statement of an attestation that withstands everything that is demanded of it.

    Args:
        content: Of the attestation's file.
        demand: What it must withstand.
        now: In UTC.

    Raises:
        Refused: It does not; the sentence says what differs.
        UsageError: A file that the user named is not there.
    """
    statement = _open(content, demand.trust, now)
    hold_time(statement, demand.longest, now)
    hold(statement, demand.files)
    if demand.policy is not None:
        _hold_policy(statement, demand.policy)
    hold_decision(statement, strict=demand.strict)
    return statement


def _open(content: bytes, trust: Trust, now: datetime.datetime) -> Statement:
    if trust.identity is not None:
        return trust.identity.open(content)
    return open_envelope(parse_envelope(content), trust, now)


def _hold_policy(statement: Statement, wanted: Wanted) -> None:
    if wanted.file is not None:
        hold_policy_text(statement, wanted.file)
    try:
        policy = wanted.load()
    except PolicyError as error:  # its own text is the one that was judged by, so it is what it extends or needs
        raise Refused("policy", f"policy {wanted.name} cannot be read here: {error.message}", hint=error.hint) from None
    hold_policy(statement, policy)
