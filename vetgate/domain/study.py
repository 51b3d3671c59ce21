"""A study: a family of compressed variants of one reference, each vetted, beside independent models."""

from __future__ import annotations

import datetime
from typing import Literal

from vetgate.domain.compress import Made, Recipe
from vetgate.domain.evidence import Evidence
from vetgate.domain.landscape import Landscape
from vetgate.domain.record import Record
from vetgate.domain.report import DataSummary, Environment, ModelSummary, PolicySummary, Report
from vetgate.domain.yardstick import Peer, YardstickSummary


class Variant(Record):
    """One row of the deviation table that a compressor made."""

    recipe: Recipe
    file: str | None
    """Where it lies, relative to the study's folder; None where it could not be made."""
    made: Made | None = None
    problem: str = ""
    """Why it could not be made or measured; empty where it was."""
    skipped: bool = False
    """Whether that is for want of data, a donor or a package, not for the model."""
    refused: bool = False
    """Whether its compressor says that this model cannot be compressed so: an answer, where other problems are none."""
    seconds: float = 0.0
    """Spent on making it, also where that was in an earlier run."""
    reused: bool = False
    """Whether an earlier run made it, of the same things in the same way."""
    report: Report | None = None


class Comparison(Record):
    """One row that a yardstick brings: an independent model beside the reference."""

    peer: Peer
    evidence: tuple[Evidence, ...]
    """Of the checks on the prediction table, the peer in the candidate's place."""


class Study(Record):
    """Where a model breaks, before anybody writes a policy for it."""

    schema_version: Literal[1] = 1
    reference: ModelSummary
    data: DataSummary
    policy: PolicySummary | None
    """What the variants were judged by; None where nothing was."""
    variants: tuple[Variant, ...]
    independents: tuple[Comparison, ...] = ()
    yardstick: YardstickSummary | None = None
    landscape: Landscape | None = None
    environment: Environment
    seed: int
    command: tuple[str, ...]
    started: datetime.datetime
    seconds: float
