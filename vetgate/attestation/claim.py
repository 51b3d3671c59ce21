"""From a report to the statement that is signed. Pure: the time is passed in."""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Sequence
from pathlib import PurePath

from vetgate.attestation.statement import (
    CardClaim,
    DataClaim,
    Digests,
    PolicyClaim,
    Predicate,
    Resource,
    ScanClaim,
    Statement,
    Verifier,
    WaiverClaim,
    WallClaim,
    result_of,
)
from vetgate.domain.artifact import Member
from vetgate.domain.report import DataSummary, ModelSummary, Report


def make_statement(report: Report, reports: Sequence[Resource], now: datetime.datetime) -> Statement | None:
    """Return the statement of one candidate's verdict, of whatever kind that is.

    Args:
        report: Of the candidate.
        reports: The whole reports that hold it, by format.
        now: When it is signed.

    Returns:
        None where the model could not even be read, so that there is nothing to bind a verdict to.
    """
    candidate = report.candidate
    if not candidate.members:
        return None
    predicate = Predicate(
        verifier=Verifier(version={"vetgate": report.environment.vetgate}),
        time_started=report.started.astimezone(datetime.UTC),
        time_verified=now.astimezone(datetime.UTC),
        verification_result=result_of(report.verdict.decision),
        decision=report.verdict.decision,
        because=report.verdict.because,
        waived=tuple(
            WaiverClaim(rule=ruling.rule, decision=ruling.waived, because=ruling.because)
            for ruling in report.verdict.rulings
            if ruling.waived is not None
        ),
        format=candidate.format,
        policy=PolicyClaim(
            uri=report.policy.source,
            name=report.policy.name,
            digest=Digests(sha256=report.policy.sha256),
            texts=_resources(report.policy.texts),
        ),
        card=_card(candidate),
        reference=_resources(report.reference.members),
        data=_data(report.data),
        reports=tuple(reports),
        scan=_scan(candidate),
        walls=tuple(WallClaim(name=wall.name, stood=wall.stood, how=wall.how) for wall in candidate.walls),
    )
    return Statement(subject=_resources(candidate.members), predicate=predicate)


def _resources(members: Iterable[Member]) -> tuple[Resource, ...]:
    return tuple(Resource(name=member.name, digest=Digests(sha256=member.sha256)) for member in members)


def _card(model: ModelSummary) -> CardClaim | None:
    if model.card is None or model.card_sha256 is None:
        return None
    # The folder is that of the run; at roll-out the file lies elsewhere.
    files = (member.model_copy(update={"name": PurePath(member.name).name}) for member in model.card_files)
    return CardClaim(source=model.card, digest=Digests(sha256=model.card_sha256), files=_resources(files))


def _data(data: DataSummary | None) -> DataClaim | None:
    if data is None:
        return None
    return DataClaim(name=data.name, digest=Digests(sha256=data.sha256), images=data.images)


def _scan(model: ModelSummary) -> ScanClaim:
    scan = model.scan
    if scan is None:
        return ScanClaim()
    digest = Digests(sha256=scan.sha256) if scan.sha256 is not None else None
    return ScanClaim(state=scan.state, scanners=scan.scanners, digest=digest)
