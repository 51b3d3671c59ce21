"""A policy as the judge reads it: units resolved, names settled."""

from __future__ import annotations

import datetime
from typing import Annotated, Literal

from pydantic import Field, PositiveInt

from vetgate.domain.evidence import Of, Severity, Slice, Versus
from vetgate.domain.record import Record
from vetgate.domain.unit import Unit

FEWEST = 10
"""Images under which a slice is listed as not assessed, unless the rule says another number."""

Asked = Literal["required", "preferred"]
Kinds = Literal["any", "file"]


class Requires(Record):
    """What must really have run for a rule's figures to count; None leaves a trait open."""

    same_runtime: bool = False
    """Whether both models must have run in the same runtime, provider and number of threads."""
    runtime: str | None = None
    """Of the candidate, as are the others."""
    provider: str | None = None
    threads: PositiveInt | None = None
    precision: str | None = None
    fallback: Literal["forbidden"] | None = None
    """Whether all of its operators must have run on one provider."""


class Rule(Record):
    """One bound on one figure."""

    name: str
    """Unique within the policy; waivers and rulings use it."""
    metric: str
    of: Of
    unit: Unit
    at_least: float | None = None
    """In `unit`; None where the rule has no lower limit."""
    at_most: float | None = None
    confidence: Annotated[float, Field(gt=0.5, lt=1)] | None = None
    """1 - a, or None for a rule on the point estimate."""
    slice: Slice | None = None
    """Without a value: each slice of the column. None for all images."""
    fewest: PositiveInt = FEWEST
    """Images under which a slice is not assessed."""
    versus: Versus = Versus.REFERENCE
    requires: Requires | None = None
    """On figures of live models only."""
    otherwise: Literal["fail", "warn"] = "fail"
    if_missing: Literal["inconclusive", "fail", "warn"] = "inconclusive"
    words: str
    """The rule in words, as the report echoes it."""


class Waiver(Record):
    """A rule that someone vouches for until a day."""

    rule: str
    reason: str
    owner: str
    expires: datetime.date


class Policy(Record):
    """What a candidate must keep."""

    version: Literal[1] = 1
    name: str
    summary: str = ""
    rules: tuple[Rule, ...]
    halt_at: Severity = Severity.HIGH
    """A finding at or over this severity fails the candidate, and no model is opened."""
    scan: Asked = "preferred"
    """Whether a model whose format nobody could scan is inconclusive, or only said to be `not scanned`."""
    isolation: Asked = "preferred"
    """Whether a wall that could not be put up around a model makes the run inconclusive, or is only told."""
    artifact: Kinds = "any"
    """Whether a model may be a service, or must be a file."""
    waivers: tuple[Waiver, ...] = ()
    weights: dict[str, float] = {}
    """Of the parts of a weighted figure (opscore.total), by metric id; positive."""
    sha256: str
    """Of the resolved rules, so that two policies with one digest judge alike."""
