"""Rules in words, and policies as people read them."""

from __future__ import annotations

from collections.abc import Mapping

import yaml

from vetgate.domain.evidence import Of, Slice, Versus
from vetgate.domain.policy import FEWEST, Asked, Policy, Requires, Rule
from vetgate.domain.unit import Unit, format_about, format_beside, format_limit, read_quantity
from vetgate.domain.verdict import Ruling
from vetgate.policy.where import images_noun, slice_text, slice_words

BY_PAIRS = "betting on signs"
"""The method whose figures rest on pairs of timings, not on images."""

_WHOSE = {
    Of.CANDIDATE: " of the candidate",
    Of.REFERENCE: " of the reference",
    Of.DELTA: " of candidate minus reference",
    Of.RATIO: " of candidate over reference",
    Of.PAIR: "",
}


_WHOSE_BESIDE_BASELINE = {Of.DELTA: " of candidate minus baseline", Of.RATIO: " of candidate over baseline"}
_TRAITS = (
    ("runtime", "in {}"),
    ("provider", "on {}"),
    ("threads", "with {} threads"),
    ("precision", "in {}"),
    ("fallback", "with fallback {}"),
)


_PLAIN = {Unit.SECONDS: "s", Unit.MEGABYTES: "MB"}
"""Suffixes of the units that limits are stored in, where a number without one means nothing."""


def figure_words(metric: str, of: Of, where: Slice | None = None, versus: Versus = Versus.REFERENCE) -> str:
    """Return what is bounded: `accuracy.recall of candidate minus reference for class 'cat'`."""
    whose = _WHOSE[of] if versus is Versus.REFERENCE else _WHOSE_BESIDE_BASELINE.get(of, _WHOSE[of])
    return f"{metric}{whose}{slice_words(where)}"


def rule_figure(rule: Rule) -> str:
    """Return what a rule bounds."""
    return figure_words(rule.metric, rule.of, rule.slice, rule.versus)


def traits_words(traits: Mapping[str, object]) -> str:
    """Return traits of a run: `in onnxruntime on CPUExecutionProvider with 4 threads`; empty for none."""
    return " ".join(words.format(traits[trait]) for trait, words in _TRAITS if traits.get(trait) is not None)


def required_traits(requires: Requires) -> dict[str, object]:
    """Return what the candidate must have run on, by trait."""
    return requires.model_dump(exclude={"same_runtime"}, exclude_none=True)


def limit_words(value: float, unit: Unit, of: Of) -> str:
    """Return a threshold as people write it, with its unit: `-1 pp`, `97.5 %`, `1.1 ×`."""
    words = format_limit(value, unit, signed=of is Of.DELTA)
    # A policy reads "at most 5 ms" of a difference as well as "+5 ms", and people write the former.
    return words.removeprefix("+")


def limit_text(value: float, unit: Unit, of: Of) -> str:
    """Return a threshold as the policy language reads it back: `-1pp`, `97.5%`, `1.1`."""
    return limit_words(value, unit, of).replace(" ×", "").replace(" ", "").replace(",", "")


def level_words(confidence: float) -> str:
    """Return a confidence level: `95 %`."""
    return f"{confidence * 100:.15g} %"


def value_words(value: float, limit: float, unit: Unit, of: Of) -> str:
    """Return a measured figure with its unit, told apart from the limit; differences carry their sign."""
    return format_beside(value, limit, unit, signed=of is Of.DELTA)


def asked_words(rule: Rule) -> str:
    """Return the limits of a rule: `at least -1 pp`, `at least 0.9 × and at most 1.1 ×`; differences are signed."""
    limits = (("at least", rule.at_least), ("at most", rule.at_most))
    return " and ".join(
        f"{side} {format_limit(value, rule.unit, signed=rule.of is Of.DELTA)}"
        for side, value in limits
        if value is not None
    )


def short_words(ruling: Ruling) -> str:
    """Return a ruling as a verdict names it: `similarity.agreement is 96.78 % (at least 97.5 % asked)`."""
    if ruling.observed is None or ruling.threshold is None or ruling.unit is None or ruling.of is None:
        named = ruling.because.startswith(f"{ruling.rule} ")  # a rule that bears its metric's name
        return ruling.because if named else f"{ruling.rule}: {ruling.because}"
    value = value_words(ruling.observed, ruling.threshold, ruling.unit, ruling.of)
    limit = format_limit(ruling.threshold, ruling.unit, signed=ruling.of is Of.DELTA)
    where = slice_words(ruling.slice)
    asides = [f"{'at most' if ruling.side == 'at_most' else 'at least'} {limit} asked"]
    if ruling.waived is not None:
        asides.append("waived")
    elif ruling.needed is not None:
        what = "pairs" if ruling.method == BY_PAIRS else images_noun(ruling.slice)
        asides.append(f"needs about {format_about(ruling.needed)} {what}")
    return f"{ruling.rule} is {value}{where} ({', '.join(asides)})"


def rule_words(rule: Rule) -> str:
    """Return the whole rule in words, as reports echo it."""
    level = f", at {level_words(rule.confidence)} confidence" if rule.confidence is not None else ""
    fewest = f", of slices with {rule.fewest} images or more" if rule.slice and rule.fewest != FEWEST else ""
    otherwise = "; otherwise warn" if rule.otherwise == "warn" else ""
    return f"{rule_figure(rule)} is {asked_words(rule)}{level}{fewest}{_run_words(rule.requires)}{otherwise}"


def _run_words(requires: Requires | None) -> str:
    if requires is None:
        return ""
    traits = traits_words(required_traits(requires))
    same = "both models in one runtime" if requires.same_runtime else ""
    parts = (same, f"the candidate {traits}" if traits else "")
    return f"; measured with {' and '.join(part for part in parts if part)}"


def render_policy(policy: Policy) -> str:
    """Return the resolved policy as YAML that loads to the same digest, each rule under its words."""
    head: dict[str, object] = {"version": policy.version, "name": policy.name}
    if policy.summary:
        head["summary"] = policy.summary
    lines = [f"# sha256 {policy.sha256}", _dump(head)]
    if policy.rules:
        lines.append("metrics:")
    for rule in policy.rules:
        # Names of columns and runtimes may hold what would end a comment.
        words = "".join(letter if letter.isprintable() else " " for letter in rule.words)
        lines += [f"  # {words}", _item(_rule_keys(rule))]
    if policy.weights:
        lines.append(_dump({"weights": dict(policy.weights)}))
    lines += ["findings:", f"  halt_at: {policy.halt_at.name.lower()}"]
    for key, asked in (("scan", policy.scan), ("isolation", policy.isolation)):
        lines += [f"# {safety_words(key, asked)}", f"{key}: {asked}"]
    if policy.artifact == "file":
        lines += ["# a model that is a service, which hands out no file, fails", "artifact: file"]
    if policy.waivers:
        lines += ["waivers:", *(_item(waiver.model_dump()) for waiver in policy.waivers)]
    return "\n".join(lines) + "\n"


def safety_words(key: str, asked: Asked) -> str:
    """Return in words how models are to be scanned (key `scan`) or isolated (key `isolation`)."""
    if key == "scan":
        told = "a model that nobody could scan is not opened, and the run is inconclusive"
        return told if asked == "required" else "a model that nobody could scan is opened, and a finding says so"
    told = "a wall that could not be put up around a model makes the run inconclusive"
    return told if asked == "required" else "a wall that could not be put up around a model is told in the report"


def _rule_keys(rule: Rule) -> dict[str, object]:
    limits = (("at_least", rule.at_least), ("at_most", rule.at_most))
    keys: dict[str, object] = {"name": rule.name, "metric": rule.metric, "of": rule.of.value}
    keys |= {key: _limit_key(value, rule) for key, value in limits if value is not None}
    if rule.confidence is not None:
        text = level_words(rule.confidence).replace(" ", "")
        keys["confidence"] = text if read_quantity(text, Unit.FRACTION) == rule.confidence else repr(rule.confidence)
    if rule.slice is not None:
        keys["slice"] = slice_text(rule.slice)
        keys |= {"fewest": rule.fewest} if rule.fewest != FEWEST else {}
    if rule.versus is not Versus.REFERENCE:
        keys["versus"] = rule.versus.value
    if rule.requires is not None:
        traits = required_traits(rule.requires)
        keys |= {"same_runtime": "required"} if rule.requires.same_runtime else {}
        keys |= {"requires": traits} if traits else {}
    return keys | {"otherwise": rule.otherwise, "if_missing": rule.if_missing}


def _limit_key(value: float, rule: Rule) -> str:
    """Return a limit as people write it, or with all its digits where that would lose some."""
    text = limit_text(value, rule.unit, rule.of)
    return text if read_quantity(text, rule.unit) == value else f"{value!r}{_PLAIN.get(rule.unit, '')}"


def _dump(keys: dict[str, object]) -> str:
    return yaml.safe_dump(keys, sort_keys=False, allow_unicode=True, width=1000).rstrip("\n")


def _item(keys: dict[str, object]) -> str:
    return "  - " + _dump(keys).replace("\n", "\n    ")
