"""The policy language as people write it, before names and units are settled."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, PositiveFloat, PositiveInt, StringConstraints, WithJsonSchema

from vetgate.domain.evidence import Of, Versus
from vetgate.domain.policy import Asked, Kinds
from vetgate.domain.record import Record
from vetgate.domain.specs import MetricSpec


def _as_text(value: object) -> str:
    """Return a number or text as text, so that `0.5` and `"0.5"` mean the same."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise ValueError("expected a number with its unit, such as -1pp, 97.5%, 12ms or 1.10")
    return value if isinstance(value, str) else repr(value)


def _as_day(value: object) -> object:
    """Refuse plain numbers, which would be read as seconds since 1970."""
    if isinstance(value, bool | int | float):
        raise ValueError("expected a day, such as 2027-03-31")
    return value


def _as_number(value: object) -> object:
    """Refuse texts and truth values, which would be read as numbers."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError("expected a number over 0")
    return value


def _as_slice(value: object) -> object:
    """Refuse what YAML takes for a number or a truth value; whether 3 was 3, 03 or 0x3 is lost by then."""
    if isinstance(value, bool | int | float):
        raise ValueError('expected a text; write names such as "3" or "no" in quotes')
    return value


Quantity = Annotated[
    str,
    BeforeValidator(_as_text),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "number"},
                {"type": "string", "pattern": r"^\s*[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?\s*[A-Za-z%/×µμ]*\s*$"},
            ]
        }
    ),
]
Said = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]
Number = Annotated[PositiveInt, BeforeValidator(_as_number)]
Weight = Annotated[PositiveFloat, BeforeValidator(_as_number)]


class RequiresText(Record):
    """What the candidate must really have run on for a rule's figures to count."""

    runtime: Said | None = Field(default=None, description="Such as onnxruntime.")
    provider: Said | None = Field(default=None, description="Execution provider or delegate.")
    threads: Number | None = Field(default=None, description="Threads of one inference.")
    precision: Said | None = Field(default=None, description="Of most of the arithmetic, such as int8.")
    fallback: Literal["forbidden"] | None = Field(
        default=None, description="All of its operators must have run on one provider."
    )


class RuleText(Record):
    """One bound on one figure, or the removal of an inherited one."""

    name: Said | None = Field(
        default=None,
        description="Unique; by default the metric, /of where it is not the usual, /slice, /baseline.",
    )
    metric: Said | None = Field(default=None, description="Metric id, such as accuracy.top1.")
    of: Of | None = Field(default=None, description="Whose figure; by default the first that the metric comes as.")
    at_least: Quantity | None = Field(default=None, description="Lower limit with its unit: -1pp, 97.5%, 1.0.")
    at_most: Quantity | None = Field(default=None, description="Upper limit with its unit: 12ms, 3.4MB, 1.10.")
    confidence: Quantity | None = Field(
        default=None,
        description="Confidence of the one-sided bound, such as 95%; without it the point estimate is compared.",
    )
    slice: Annotated[Said | None, BeforeValidator(_as_slice)] = Field(
        default=None,
        description="`each COLUMN`, COLUMN=VALUE, or the name of a class; columns are label, those of the data's "
        "metadata, brightness, contrast and size of the image, and batch for latency.",
    )
    fewest: Number | None = Field(
        default=None, description="Images under which a slice is not assessed; by default 10. Only beside `slice`."
    )
    versus: Versus | None = Field(
        default=None, description="What it is compared with: the reference (default), or the --baseline report."
    )
    same_runtime: Literal["required"] | None = Field(
        default=None,
        description="Only count figures of two models in one runtime, provider and threads; precision may differ.",
    )
    requires: RequiresText | None = Field(default=None, description="Only count figures of a candidate run on this.")
    otherwise: Literal["fail", "warn"] = Field(
        default="fail", description="The worst that this rule can make of the verdict."
    )
    if_missing: Literal["inconclusive", "fail", "warn"] = Field(
        default="inconclusive", description="The decision where nothing measured the figure."
    )
    remove: bool = Field(default=False, description="Drop the inherited rule of this name.")


class FindingsText(Record):
    """What findings do to the verdict."""

    halt_at: Literal["info", "low", "medium", "high", "critical"] | None = Field(
        default=None, description="A finding at or over this severity fails the candidate, and no model is opened."
    )


class WaiverText(Record):
    """A rule that someone vouches for until a day."""

    rule: Said = Field(description="Name of the rule.")
    reason: Said = Field(description="Why the candidate may go out although the rule does not hold.")
    owner: Said = Field(description="Who answers for it.")
    expires: Annotated[datetime.date, BeforeValidator(_as_day)] = Field(description="Last day on which it holds.")


class PolicyText(Record):
    """A vetgate policy: what a candidate must keep of its reference."""

    version: Literal[1] = Field(description="Version of the policy language.")
    name: Said
    summary: str = Field(default="", description="One line: what the policy is for.")
    extends: Said | None = Field(default=None, description="A carried policy, or a file relative to this one.")
    metrics: tuple[RuleText, ...] = Field(
        default=(), description="Rules; the later of one name replaces the inherited one."
    )
    findings: FindingsText = FindingsText()
    scan: Asked | None = Field(
        default=None,
        description="required: a model whose format no scanner reads is inconclusive and not opened; preferred (by "
        "default): that is a finding. The later of two policies counts, also where it asks for less.",
    )
    isolation: Asked | None = Field(
        default=None,
        description="required: a wall that could not be put up around a model makes the run inconclusive; preferred "
        "(by default): the report says so. The later of two policies counts, also where it asks for less.",
    )
    artifact: Kinds | None = Field(
        default=None,
        description="file: a model that is a service, which hands out no file, fails and is not opened; any (by "
        "default): it is vetted by its answers. The later of two policies counts, also where it asks for less.",
    )
    weights: dict[str, Weight] = Field(
        default={},
        description="How much each part of a weighted figure counts, by metric id: {opscore.inference: 0.7}.",
    )
    waivers: tuple[WaiverText, ...] = ()


def schema(metrics: Mapping[str, MetricSpec]) -> dict[str, Any]:
    """Return the JSON schema of policy files, for editors.

    Args:
        metrics: The known metrics by id; each is offered with its summary.
    """
    document = PolicyText.model_json_schema()
    ids = sorted(metrics)
    document["$schema"] = "https://json-schema.org/draft/2020-12/schema"
    document["$defs"]["RuleText"]["properties"]["metric"] = {
        "type": "string",
        "description": "Metric id.",
        "enum": ids,
        "enumDescriptions": [f"{metrics[name].summary} ({metrics[name].unit.value})" for name in ids],
    }
    return document
