"""The policy room: reads what people write, and judges evidence by it. Pure but for reading policy files."""

from vetgate.policy.gathered import Part
from vetgate.policy.judge import judge, open_rules
from vetgate.policy.language import schema
from vetgate.policy.lint import lint, needing_yardstick
from vetgate.policy.load import LoadedPolicy, find, load
from vetgate.policy.propose import Origin, propose
from vetgate.policy.sizes import SampleCounts, Size, Unsettled, sizes, unsettled
from vetgate.policy.waivers import tell_waivers, without_waivers
from vetgate.policy.words import render_policy, safety_words

__all__ = [
    "LoadedPolicy",
    "Origin",
    "Part",
    "SampleCounts",
    "Size",
    "Unsettled",
    "find",
    "judge",
    "lint",
    "load",
    "needing_yardstick",
    "open_rules",
    "propose",
    "render_policy",
    "safety_words",
    "schema",
    "sizes",
    "tell_waivers",
    "unsettled",
    "without_waivers",
]
