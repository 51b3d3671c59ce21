"""The policy room: reads what people write, and judges evidence by it. Pure but for reading policy files."""

from vetgate.policy.judge import judge
from vetgate.policy.language import schema
from vetgate.policy.lint import SampleCounts, Unsettled, lint, unsettled
from vetgate.policy.load import LoadedPolicy, load
from vetgate.policy.words import render_policy

__all__ = [
    "LoadedPolicy",
    "SampleCounts",
    "Unsettled",
    "judge",
    "lint",
    "load",
    "render_policy",
    "schema",
    "unsettled",
]
