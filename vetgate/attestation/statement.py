"""What is signed: an in-toto statement that binds a verdict to the digests of all it rests on.

The predicate is the project's own. SLSA's Verification Summary Attestation comes near, and its words are used where
they mean the same (verifier, timeVerified, policy, verificationResult); but it states SLSA levels that were verified,
which nobody did here, it knows PASSED and FAILED alone, and it has no place for a reference, data or a card.

Statement v1: https://github.com/in-toto/attestation/blob/main/spec/v1/statement.md
"""

from __future__ import annotations

import datetime
import json
from typing import Annotated, Literal

from pydantic import ConfigDict, Field, StringConstraints
from pydantic.alias_generators import to_camel

from vetgate.attestation.notation import as_record, read_object
from vetgate.domain.errors import Refused
from vetgate.domain.record import Record
from vetgate.domain.scan import ScanState
from vetgate.domain.verdict import Decision

STATEMENT_TYPE = "https://in-toto.io/Statement/v1"
PREDICATE_TYPE = "https://vetgate.dev/attestation/verdict/v1"
VERIFIER = "https://vetgate.dev"
_WHAT = "the signed statement"

Sha256 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
Result = Literal["PASSED", "FAILED"]


class Part(Record):
    """A part of a statement; keys are written in camel case, as in-toto's are."""

    model_config = ConfigDict(alias_generator=to_camel, validate_by_name=True, validate_by_alias=True)


class Digests(Part):
    """By algorithm; there is one."""

    sha256: Sha256


class Resource(Part):
    """Something that the verdict rests on (in-toto's ResourceDescriptor)."""

    name: str
    digest: Digests


class PolicyClaim(Part):
    """The policy that was judged by."""

    uri: str
    """Where it came from: a path as typed, or `NAME (carried)`."""
    name: str
    digest: Digests
    """Of the resolved rules: two policies with one digest judge alike."""
    texts: tuple[Resource, ...] = ()
    """The file or carried text that it was read from, then those that it extends."""


class CardClaim(Part):
    """How the model was fed and read."""

    source: str
    digest: Digests
    """Of what the card says, not of its spelling."""
    files: tuple[Resource, ...] = ()
    """What it was read from; empty where that was the model file itself."""


class DataClaim(Part):
    """The images that the verdict rests on."""

    name: str
    digest: Digests
    """Of the frozen list: ids, digests, labels and class names."""
    images: int


class ScanClaim(Part):
    """How the model was scanned before anything opened it."""

    state: ScanState | None = None
    """None where the walk ended before the scan."""
    scanners: tuple[str, ...] = ()
    digest: Digests | None = None
    """Of what was scanned."""


class WallClaim(Part):
    """One limit that the model's process was to be held to."""

    name: str
    stood: bool
    how: str


class WaiverClaim(Part):
    """A rule that somebody vouched for, with what it would have been otherwise."""

    rule: str
    decision: Decision
    because: str


class Verifier(Part):
    """Who judged."""

    id: str = VERIFIER
    version: dict[str, str]


class Predicate(Part):
    """The verdict, and what it rests on."""

    verifier: Verifier
    time_started: datetime.datetime
    time_verified: datetime.datetime
    """When it was signed; UTC."""
    verification_result: Result
    """PASSED for pass and warn, as in the exit code 0; FAILED for all else."""
    decision: Decision
    because: str
    waived: tuple[WaiverClaim, ...] = ()
    format: str | None
    policy: PolicyClaim
    card: CardClaim | None
    """None where the model has none."""
    reference: tuple[Resource, ...]
    """Every file of the reference, the model file first; empty where it could not be read."""
    data: DataClaim | None
    """None where no images were given."""
    reports: tuple[Resource, ...]
    """Whole reports by format, as their files were written."""
    scan: ScanClaim
    walls: tuple[WallClaim, ...] = ()


class Statement(Part):
    """An in-toto statement."""

    type: Annotated[str, Field(alias="_type")] = STATEMENT_TYPE
    subject: Annotated[tuple[Resource, ...], Field(min_length=1)]
    """Every file of the model, the model file first; names are relative to its folder."""
    predicate_type: str = PREDICATE_TYPE
    predicate: Predicate


def parse_statement(payload: bytes) -> Statement:
    """Return the statement that a payload holds; its signature must have been verified before.

    Raises:
        Refused: It is no in-toto statement, or not one of a verdict of vetgate.
    """
    data = read_object(payload, _WHAT, "statement")
    if data.get("_type") != STATEMENT_TYPE:
        raise Refused("statement", f"{_WHAT} is of type {_told(data.get('_type'))}, and {STATEMENT_TYPE!r} is wanted")
    if data.get("predicateType") != PREDICATE_TYPE:
        told = _told(data.get("predicateType"))
        raise Refused("predicate", f"{_WHAT} makes a claim of type {told}, and {PREDICATE_TYPE!r} is wanted")
    statement = as_record(data, Statement, _WHAT, "statement")
    _require_sense(statement.predicate)
    return statement


def render_statement(statement: Statement) -> bytes:
    """Return the bytes that are signed."""
    content = statement.model_dump(mode="json", by_alias=True)
    return json.dumps(content, separators=(",", ":")).encode()


def result_of(decision: Decision) -> Result:
    """Return a decision in the words of SLSA's summaries."""
    return "PASSED" if decision in (Decision.PASS, Decision.WARN) else "FAILED"


def _require_sense(predicate: Predicate) -> None:
    for time in (predicate.time_started, predicate.time_verified):
        try:
            known = time.utcoffset() is not None and time.astimezone(datetime.UTC)
        except OverflowError:  # the last day of the year 9999, further west
            known = False
        if not known:
            raise Refused("statement", f"{_WHAT} has a time that is none in UTC")
    if predicate.verification_result != result_of(predicate.decision):
        raise Refused(
            "statement", f"{_WHAT} contradicts itself: {predicate.verification_result} and {predicate.decision.value!r}"
        )


def _told(value: object) -> str:
    return ascii(value)[:120] if isinstance(value, str) else "none"
