"""The report: everything a reader needs to believe, doubt or repeat a verdict."""

from __future__ import annotations

import datetime
from typing import Annotated, Literal

from pydantic import Field

from vetgate.domain.artifact import Member, Service
from vetgate.domain.deployment import Asked
from vetgate.domain.evidence import Evidence
from vetgate.domain.model import Execution
from vetgate.domain.record import Record
from vetgate.domain.scan import ScanSummary
from vetgate.domain.source import ModelOrigin
from vetgate.domain.verdict import Decision, Verdict
from vetgate.domain.wall import Wall
from vetgate.domain.yardstick import YardstickSummary

SCHEMA_VERSION: Literal[1] = 1


class ModelSummary(Record):
    """One model of the report."""

    name: str
    """The path, or the name with a scheme, as typed."""
    origin: ModelOrigin | None = None
    """Where it was fetched from; None for a file that lay there, and for one that could not be fetched."""
    format: str | None
    """None where it could not be told."""
    sha256: str | None
    size: int | None
    """Bytes of everything that ships."""
    members: tuple[Member, ...] = ()
    service: Service | None = None
    """Who answered, where that was a server; such a model has neither digest nor size."""
    card: str | None = None
    """Where the card came from."""
    card_sha256: str | None = None
    """Of what the card says, not of its spelling."""
    card_files: tuple[Member, ...] = ()
    """What it was read from; empty where that was the model file itself."""
    asked: tuple[Asked, ...] = ()
    """What card and run ask of how it runs."""
    execution: Execution | None = None
    """What really ran; None where no inference was needed or possible."""
    from_cache: bool = False
    """Whether predictions came from the cache."""
    recalled: int | None = None
    """Images whose answers the cache had; None where it had none."""
    answered: int | None = None
    """Images that its process answered in this run, by its own count; None where it answered none."""
    scan: ScanSummary | None = None
    """None where the walk ended before the scan."""
    walls: tuple[Wall, ...] = ()
    """Around the processes that opened it in this run; empty where none did."""


class DataSummary(Record):
    """The images of the report."""

    name: str
    sha256: str
    """Of the frozen list: ids, digests, labels and class names."""
    images: int
    """Images that both models answered."""
    available: int
    """Images of the source before --limit."""
    labelled: bool
    classes: int | None
    unreadable: tuple[str, ...] = ()
    """Ids of images that could not be decoded."""


class Stopping(Record):
    """How a run that might stop early (`--sequential`) went."""

    images: int
    """Images on which the verdict rests."""
    available: int
    """Images that it might have used."""
    looks: int
    """How often the rules were asked."""
    early: bool
    because: str
    """One sentence: why it stopped there."""
    population: dict[str, dict[str, int]] = {}
    """Images that it might have used, by value, of the columns that its rules slice by."""


class Promotion(Record):
    """Who made a report the baseline, and why."""

    owner: str
    reason: str
    at: datetime.datetime
    report_sha256: str
    """Of the report that was promoted."""
    replaces: str | None = None
    """Digest of the report that was the baseline before; None for the first."""


class BaselineSummary(Record):
    """The saved report that rules `versus: baseline` compare with."""

    name: str
    """The path as typed."""
    sha256: str
    """Of the file."""
    candidate: str
    """Name of its candidate."""
    candidate_sha256: str | None
    decision: Decision
    started: datetime.datetime
    promotions: tuple[Promotion, ...] = ()
    """First to last; empty for a report that nobody named a baseline."""


class PolicySummary(Record):
    """The policy of the report."""

    name: str
    sha256: str
    """Of the resolved rules."""
    source: str
    texts: tuple[Member, ...] = ()
    """The file or carried text that it was read from, then those that it extends."""


class Environment(Record):
    """Where it ran."""

    vetgate: str
    python: str
    platform: str
    processor: str
    cores: int
    memory: int
    """Bytes."""
    packages: dict[str, str]
    """Versions of the distributions that took part."""


class Report(Record):
    """One candidate's verdict and what it rests on."""

    schema_version: Literal[1] = SCHEMA_VERSION
    candidate: ModelSummary
    reference: ModelSummary
    data: DataSummary | None
    policy: PolicySummary
    verdict: Verdict
    evidence: tuple[Evidence, ...]
    timed_reference: ModelSummary | None = None
    """What was timed in place of the reference; None where that was the reference."""
    stopping: Stopping | None = None
    """None for a run that took all images from the start."""
    baseline: BaselineSummary | None = None
    yardstick: YardstickSummary | None = None
    """What functional distances were held against; None where nobody gave one."""
    environment: Environment
    warnings: tuple[str, ...] = ()
    """Anything a reader must know that is no ruling: an observer that failed, a runtime that differs."""
    seed: int
    command: tuple[str, ...]
    started: datetime.datetime
    seconds: float


class ReportSet(Record):
    """What `check` writes, also for one candidate."""

    schema_version: Literal[1] = SCHEMA_VERSION
    reports: Annotated[tuple[Report, ...], Field(min_length=1)]
    promotions: tuple[Promotion, ...] = ()
    """First to last, where this file was named a baseline (`vetgate baseline`)."""

    @property
    def decision(self) -> Decision:
        """The worst decision of all candidates."""
        return max((report.verdict.decision for report in self.reports), key=lambda decision: decision.rank)
