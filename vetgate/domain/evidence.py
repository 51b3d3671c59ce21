"""What a check hands on: figures with what is needed to bound them, findings and exhibits. Never a decision."""

from __future__ import annotations

import itertools
from enum import IntEnum, StrEnum
from typing import Annotated, Literal, Self, TypeAlias

from pydantic import Field, PositiveInt, model_validator

from vetgate.domain.exhibit import Exhibit
from vetgate.domain.model import Execution
from vetgate.domain.record import Record
from vetgate.domain.unit import Better, Unit


class Of(StrEnum):
    """Whose figure it is: one model's, candidate minus reference, candidate over reference, or of the pair as such."""

    CANDIDATE = "candidate"
    REFERENCE = "reference"
    DELTA = "delta"
    RATIO = "ratio"
    PAIR = "pair"


class Versus(StrEnum):
    """What a figure is compared with: the reference of this run, or the candidate of a saved report."""

    REFERENCE = "reference"
    BASELINE = "baseline"


LABEL = "label"
"""The column that every labelled data set has."""
LOOKS_OF_IMAGES = ("brightness", "contrast", "size")
"""Columns that are computed from decoded images where a rule names them."""
BATCH = "batch"
"""The column of timed calls: how many images each took."""

CONCEPT = "concept"
"""The column of explained images: the named part that each shows. No data set has it; a check finds it."""


class Slice(Record):
    """The images (or timed calls) with one value in one column; without a value, all values of the column."""

    by: str
    """`label`, a metadata column of the data, one of LOOKS_OF_IMAGES, `batch` or `concept`."""
    value: str | None = None
    """None means each value in a rule, and in a measurement a figure over all of them, such as the worst."""

    @property
    def name(self) -> str:
        """Return it for tables: `class cat`, `weather rain`, `each label`."""
        if self.value is None:
            return f"each {self.by}"
        return f"{'class' if self.by == LABEL else self.by} {self.value}"


def of_label(name: str) -> Slice:
    """Return the slice of one class."""
    return Slice(by=LABEL, value=name)


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
    method: str = "quantiles"
    """How they were found, for the report: `BCa bootstrap`, `order statistics`, `MOVER`."""


class Pairs(Record):
    """Latency pairs: log(candidate / reference) of each, in the order taken.

    Collected until a rule was decided, so they are judged by betting on signs, which holds at any stopping time.
    """

    kind: Literal["pairs"] = "pairs"
    log_ratios: tuple[float, ...]


class Looks(Record):
    """Counts at every look of a run that could have stopped at any of them (early stopping).

    The capital of a fixed mixture of bets depends on the counts alone, so these bound the figure at any threshold and
    level, whenever the run stopped. The last look is what the value rests on.
    """

    kind: Literal["looks"] = "looks"
    down: tuple[int, ...] | None = None
    """(L,) b, images so far that only the reference has right; None for a single proportion."""
    up: tuple[int, ...]
    """(L,) c, images so far that only the candidate has right; k, those that count, for a single proportion."""
    n: Annotated[tuple[PositiveInt, ...], Field(min_length=1)]
    """(L,) images so far, ascending."""

    @model_validator(mode="after")
    def _of_one_length(self) -> Self:
        down = self.down if self.down is not None else (0,) * len(self.n)
        if not len(down) == len(self.up) == len(self.n):
            raise ValueError("down, up and n need one entry a look")
        if any(b < 0 or c < 0 or b + c > n for b, c, n in zip(down, self.up, self.n, strict=True)):
            raise ValueError("a look counts more images than it has")
        if any(later <= earlier for earlier, later in itertools.pairwise(self.n)):
            raise ValueError("looks must come in ascending order")
        return self


class Unstated(Record):
    """A point estimate whose uncertainty nobody computed; a rule with a confidence on it is inconclusive."""

    kind: Literal["none"] = "none"


Uncertainty: TypeAlias = Annotated[
    Exact | Counts | PairedCounts | Quantiles | Pairs | Looks | Unstated, Field(discriminator="kind")
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
    slice: Slice | None = None
    """What it is confined to, or None for all."""
    versus: Versus = Versus.REFERENCE
    """What differences and ratios compare with."""
    note: str = ""
    """What a reader must know to read it rightly, such as a floor that was applied."""


class Severity(IntEnum):
    """How bad a finding is; ordered."""

    INFO = 0
    LOW = 1
    MEDIUM = 2
    HIGH = 3
    CRITICAL = 4


CLASSES = "contract.classes"
"""Rule of the finding that two models tell another number of classes apart; the gate then looks for an offset."""


class Finding(Record):
    """Something found that is no figure."""

    rule: str
    """Stable id, such as `contract.classes`."""
    severity: Severity
    message: str
    """One sentence; one that opens with a metric's id is quoted by rules whose figure of it is missing."""
    location: str = ""
    advice: str = ""


class FindingRule(Record):
    """What a finding's rule id means, so that a report tells it to who has none of the plugins."""

    id: str
    title: str
    why: str
    """What it could do, and to whom."""
    advice: str
    source: str = ""
    """Advisory, CVE or documentation."""


class Ran(Record):
    """What really ran of both models, for figures that depend on it."""

    candidate: Execution
    reference: Execution


class PerImage(Record):
    """Yes or no for every image, so that a later run can be paired with this one."""

    metric: str
    role: Of
    n: PositiveInt
    bits: str
    """n bits in the order of the images, first image in the highest bit, base64."""


class SliceSize(Record):
    """How many images have one value in one column."""

    slice: Slice
    """With a value."""
    n: PositiveInt


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
    rules: tuple[FindingRule, ...] = ()
    """What its findings were found by, as far as somebody declared it; by id."""
    exhibits: tuple[Exhibit, ...] = ()
    ran: Ran | None = None
    """What ran for these figures; None where nothing had to run for them."""
    per_image: tuple[PerImage, ...] = ()
    sizes: tuple[SliceSize, ...] = ()
    """Of every slice that its figures come by or were wanted by: one that lacks a figure is unknown, and no pass."""
    reason: str = ""
    """Why it was skipped or errored."""
    seconds: float = 0.0
