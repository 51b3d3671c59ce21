"""What a check hands on: figures with what is needed to bound them, findings and exhibits. Never a decision."""

from __future__ import annotations

from enum import IntEnum, StrEnum
from typing import Annotated, Literal, Self, TypeAlias

from pydantic import Field, PositiveInt, model_validator

from vetgate.domain.record import Record
from vetgate.domain.unit import Unit


class Of(StrEnum):
    """Whose figure it is: one model's, candidate minus reference, candidate over reference, or of the pair as such."""

    CANDIDATE = "candidate"
    REFERENCE = "reference"
    DELTA = "delta"
    RATIO = "ratio"
    PAIR = "pair"


class Better(StrEnum):
    """Which way a figure improves."""

    HIGHER = "higher"
    LOWER = "lower"
    NEITHER = "neither"


class Exact(Record):
    """No uncertainty: a file size, a count. Lower and upper bound are the value, and rules compare inclusively."""

    kind: Literal["exact"] = "exact"


class Counts(Record):
    """A single proportion: k of n images."""

    kind: Literal["counts"] = "counts"
    k: Annotated[int, Field(ge=0)]
    n: PositiveInt

    @model_validator(mode="after")
    def _within(self) -> Self:
        if self.k > self.n:
            raise ValueError(f"k = {self.k} is more than n = {self.n}")
        return self


class PairedCounts(Record):
    """A difference of proportions on the same n images: (c - b) / n.

    b images the reference has right and the candidate wrong, c the reverse.
    """

    kind: Literal["paired_counts"] = "paired_counts"
    b: Annotated[int, Field(ge=0)]
    c: Annotated[int, Field(ge=0)]
    n: PositiveInt

    @model_validator(mode="after")
    def _within(self) -> Self:
        if self.b + self.c > self.n:
            raise ValueError(f"b + c = {self.b + self.c} is more than n = {self.n}")
        return self


class Quantiles(Record):
    """Values of the estimate's distribution at ascending levels: the lower bound at 95 % is the value at 0.05."""

    kind: Literal["quantiles"] = "quantiles"
    levels: tuple[float, ...]
    values: tuple[float, ...]


class Pairs(Record):
    """Latency pairs: log(candidate / reference) of each, in the order taken."""

    kind: Literal["pairs"] = "pairs"
    log_ratios: tuple[float, ...]


class Capital(Record):
    """Capital of the two betting processes for one threshold (early stopping)."""

    kind: Literal["capital"] = "capital"
    threshold: float
    log_up: float
    log_down: float
    n: PositiveInt


class Unstated(Record):
    """A point estimate whose uncertainty nobody computed; a rule with a confidence on it is inconclusive."""

    kind: Literal["none"] = "none"


Uncertainty: TypeAlias = Annotated[
    Exact | Counts | PairedCounts | Quantiles | Pairs | Capital | Unstated, Field(discriminator="kind")
]


class Measurement(Record):
    """One figure."""

    metric: str
    """Such as `accuracy.top1`."""
    role: Of
    value: float
    unit: Unit
    better: Better
    n: PositiveInt
    """Images, pairs or files it rests on."""
    uncertainty: Uncertainty
    slice: str | None = None
    """Name of the class it is confined to, or None for all."""
    note: str = ""
    """What a reader must know to read it rightly, such as a floor that was applied."""


class Severity(IntEnum):
    """How bad a finding is; ordered."""

    INFO = 0
    LOW = 1
    MEDIUM = 2
    HIGH = 3
    CRITICAL = 4


class Finding(Record):
    """Something found that is no figure."""

    rule: str
    """Stable id, such as `contract.classes`."""
    severity: Severity
    message: str
    location: str = ""
    advice: str = ""


class Table(Record):
    """A table for the report."""

    kind: Literal["table"] = "table"
    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str | float | int | None, ...], ...]
    caption: str = ""


class Picture(Record):
    """A picture for the report."""

    kind: Literal["picture"] = "picture"
    title: str
    media_type: Literal["image/png", "image/svg+xml"]
    base64: str
    caption: str = ""


Exhibit: TypeAlias = Annotated[Table | Picture, Field(discriminator="kind")]


class Outcome(StrEnum):
    """Whether a check measured; only `measured` can ever lead to a pass."""

    MEASURED = "measured"
    SKIPPED = "skipped"
    ERRORED = "errored"


class Evidence(Record):
    """All that one check found."""

    check: str
    outcome: Outcome
    measurements: tuple[Measurement, ...] = ()
    findings: tuple[Finding, ...] = ()
    exhibits: tuple[Exhibit, ...] = ()
    reason: str = ""
    """Why it was skipped or errored."""
    seconds: float = 0.0
