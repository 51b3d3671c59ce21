"""A policy as the judge reads it: units resolved, names settled."""

from __future__ import annotations

import datetime
from typing import Annotated, Literal

from pydantic import Field

from vetgate.domain.evidence import Of, Severity
from vetgate.domain.record import Record
from vetgate.domain.unit import Unit

EACH_LABEL = "each label"


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
    slice: str | None = None
    """`each label`, a class name, or None for all images."""
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
    waivers: tuple[Waiver, ...] = ()
    sha256: str
    """Of the resolved rules, so that two policies with one digest judge alike."""
