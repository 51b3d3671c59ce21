"""Holds a signed statement against the files at hand, the policy in force, and the time."""

from __future__ import annotations

import datetime
import hashlib
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from vetgate.attestation.statement import Resource, Statement
from vetgate.domain.errors import Refused, UsageError
from vetgate.domain.report import PolicySummary
from vetgate.domain.verdict import Decision

SKEW = datetime.timedelta(minutes=5)
"""How far the clocks of the signer and of the verifier may lie apart."""
_CHUNK = 1 << 20


@dataclass(frozen=True)
class Files:
    """What is about to be rolled out, and what it is said to rest on."""

    model: str
    card: str | None = None
    """None where it is looked for beside the model."""
    report: str | None = None
    """None where none is at hand."""


def hold(statement: Statement, files: Files) -> None:
    """Make sure that a statement is of these files.

    Args:
        statement: What was signed.
        files: At hand.

    Raises:
        Refused: The first that differs.
        UsageError: The model, or a file that the user named, is not there.
    """
    _hold_model(statement, Path(files.model))
    _hold_card(statement, files)
    if files.report is not None:
        _hold_report(statement, files.report)


def hold_time(statement: Statement, longest: datetime.timedelta | None, now: datetime.datetime) -> None:
    """Make sure that a statement is neither too old nor of the future.

    Args:
        statement: What was signed.
        longest: Age from which on it no longer counts; None for any.
        now: In UTC.

    Raises:
        Refused: It is.
    """
    signed = statement.predicate.time_verified
    if signed > now + SKEW:
        raise Refused(
            "future",
            f"the attestation is of the future: signed {_day(signed)}, and it is {_day(now)}",
            hint="is a clock wrong, here or where it was signed?",
        )
    age = now - signed
    if longest is not None and age > longest:
        raise Refused(
            "expired",
            f"the attestation has expired: it is {_span(age)} old, and at most {_span(longest)} is allowed",
            hint="vetgate check ... --attest KEY makes a new one",
        )


def hold_policy_text(statement: Statement, path: str) -> None:
    """Make sure that a file is, byte for byte, the one that the policy was read from; it is not parsed.

    Raises:
        Refused: It is another one.
        UsageError: It cannot be read.
    """
    texts = statement.predicate.policy.texts
    if not texts or _digest(Path(path), "policy") != texts[0].digest.sha256:
        raise _other_policy(statement, f"file {path} is not the one that it was judged by")


def hold_policy(statement: Statement, policy: PolicySummary) -> None:
    """Make sure that a policy is the one that was judged by: its rules, and every text that it was read from.

    Raises:
        Refused: It is another one.
    """
    claim = statement.predicate.policy
    if claim.digest.sha256 != policy.sha256:
        raise _other_policy(statement, f"the rules of {policy.source} are not those that it was judged by")
    if [text.digest.sha256 for text in claim.texts] != [text.sha256 for text in policy.texts]:
        raise _other_policy(
            statement, f"the text of {policy.source}, or of what it extends, is not what it was judged by"
        )


def _other_policy(statement: Statement, what: str) -> Refused:
    claim = statement.predicate.policy
    return Refused("policy", f"the verdict is by another policy, {claim.name!r} of {claim.uri}: {what}")


def _hold_model(statement: Statement, model: Path) -> None:
    first, *others = statement.subject
    if _digest(model, "model") != first.digest.sha256:
        raise Refused(
            "model",
            f"{model} is not the model that was vetted ({first.name}): it is another file, or a byte of it was changed",
        )
    for member in others:
        _hold_member(member, model)


def _hold_member(member: Resource, model: Path) -> None:
    """Names are relative to the model's folder; the signer says so, and still none may lead out of it."""
    name = PurePosixPath(member.name)
    if name.is_absolute() or ".." in name.parts:
        raise Refused("member", f"the attestation names a part outside the model's folder: {member.name!a}")
    try:
        digest = _digest(model.parent / name, "part")
    except UsageError:
        raise Refused("member", f"{member.name}, a part of the model, is not beside {model}") from None
    if digest != member.digest.sha256:
        raise Refused("member", f"{member.name}, a part of the model, is not the one that was vetted")


def _hold_card(statement: Statement, files: Files) -> None:
    model, claim = Path(files.model), statement.predicate.card
    beside = Path(f"{model}.yaml")
    wanted = claim.files if claim is not None else ()
    if not wanted:
        extra = files.card or (str(beside) if beside.exists() else None)
        if extra is not None:
            told = "without one" if claim is None else f"by the card in {claim.source}"
            raise Refused("card", f"card {extra} was not there when the model was vetted: it was vetted {told}")
        return
    for index, card in enumerate(wanted):
        place = _place_of(card, files, beside, len(wanted), index)
        if place is None:
            raise Refused(
                "card", f"the card that the model was vetted with ({card.name}) is not beside it", hint="--card FILE"
            )
        if _digest(place, "card") != card.digest.sha256:
            raise Refused("card", f"card {place} is not the one that the model was vetted with")


def _place_of(card: Resource, files: Files, beside: Path, count: int, index: int) -> Path | None:
    """Return where a file of the card lies at hand: named by the user, beside the model, or of its own name there."""
    if files.card is not None and index == 0:
        return Path(files.card)
    name = PurePosixPath(card.name).name
    places = [beside] if count == 1 and beside.exists() else [beside.parent / name]
    return next((place for place in places if place.is_file()), None)


def _hold_report(statement: Statement, report: str) -> None:
    if _digest(Path(report), "report") not in [each.digest.sha256 for each in statement.predicate.reports]:
        raise Refused("report", f"report {report} is not the one that the verdict was signed with")


def hold_decision(statement: Statement, *, strict: bool) -> None:
    """Make sure that the verdict lets the model pass.

    Args:
        statement: What was signed.
        strict: Whether a warning counts as fail.

    Raises:
        Refused: It does not.
    """
    decision, because = statement.predicate.decision, statement.predicate.because
    if decision is Decision.PASS or (decision is Decision.WARN and not strict):
        return
    told = {
        Decision.WARN: "the model passed with a warning, and --strict allows none",
        Decision.INCONCLUSIVE: "the model was not cleared: the verdict is inconclusive",
        Decision.FAIL: "the model failed",
    }[decision]
    raise Refused("decision", f"{told}: {because}")


def _digest(file: Path, what: str) -> str:
    digest = hashlib.sha256()
    try:
        with file.open("rb") as reader:
            while chunk := reader.read(_CHUNK):
                digest.update(chunk)
    except (OSError, ValueError) as error:
        told = error.strerror if isinstance(error, OSError) else str(error)
        raise UsageError(f"{what} {file} cannot be read: {told}") from None
    return digest.hexdigest()


def _day(time: datetime.datetime) -> str:
    return f"{time.astimezone(datetime.UTC):%Y-%m-%d %H:%M} UTC"


def _span(time: datetime.timedelta) -> str:
    for unit, seconds in (("days", 86_400), ("hours", 3_600), ("minutes", 60)):
        if time.total_seconds() >= 2 * seconds:
            return f"{time.total_seconds() / seconds:.4g} {unit}"
    return f"{time.total_seconds():.4g} seconds"
