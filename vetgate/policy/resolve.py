"""From a rule as people write it to a rule as the judge reads it: names, units and ranges settled."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from vetgate.documents import Document, KeyPath, Mistake, key_text, suggest
from vetgate.domain.evidence import Of, Versus
from vetgate.domain.policy import FEWEST, Requires, Rule
from vetgate.domain.specs import MetricSpec
from vetgate.domain.unit import Unit
from vetgate.policy.language import RuleText
from vetgate.policy.quantity import Quantities
from vetgate.policy.where import counts_images, read_slice, slice_mistake
from vetgate.policy.words import rule_words

FINDINGS = "findings"
"""Name of the ruling on findings; no rule may take it."""
SCAN = "scan"
"""Name of the ruling on whether models were scanned, and of the evidence; no rule may take it."""
ISOLATION = "isolation"
"""Name of the ruling on walls that were missing, and of the evidence; no rule may take it."""
ARTIFACT = "artifact"
"""Name of the ruling on models that are services; no rule may take it."""
_RESERVED = {
    FINDINGS: "is the ruling on findings",
    SCAN: "is the ruling on the scan",
    ISOLATION: "is the ruling on isolation",
    ARTIFACT: "is the ruling on what models may be",
}
TIMES = (Unit.SECONDS, Unit.PER_SECOND)
"""Units of figures that depend on the machine and its load, so that two runs compare only relative to something."""


@dataclass
class Notes:
    """The mistakes found in one document so far."""

    document: Document
    mistakes: list[Mistake] = field(default_factory=list)

    def add(self, path: KeyPath, message: str) -> None:
        """Note one mistake at a key."""
        self.mistakes.append(Mistake(self.document.where(path), key_text(path), message))

    def any_below(self, path: KeyPath) -> bool:
        """Return whether a key inside `path` is wrong; what seems to lack there may be what it meant."""
        return any(mistake.key.startswith(f"{key_text(path)}.") for mistake in self.mistakes)


def rule_name(text: RuleText, metrics: Mapping[str, MetricSpec]) -> str | None:
    """Return a rule's name: its own, or `metric[/of][/slice][/baseline]`, where the usual `of` is left out.

    None where there is neither a name nor a metric.
    """
    if text.name is not None or text.metric is None:
        return text.name
    spec = metrics.get(text.metric)
    usual = _usual(spec, _versus(text)) if spec else None
    of = None if text.of in (None, usual) else text.of
    baseline = Versus.BASELINE if _versus(text) is Versus.BASELINE else None
    return "/".join(part for part in (text.metric, of, text.slice, baseline) if part is not None)


def resolve_rule(text: RuleText, path: KeyPath, metrics: Mapping[str, MetricSpec], notes: Notes) -> Rule | None:
    """Return the rule, or None where something was noted.

    Args:
        text: The rule as written, not a removal.
        path: Where it stands in the document.
        metrics: The known metrics by id.
        notes: Takes every mistake.
    """
    before = len(notes.mistakes)
    name = rule_name(text, metrics)
    spec = _spec(text, path, metrics, notes)
    if spec is None or name is None:
        return None
    if name in _RESERVED:
        notes.add((*path, "name"), f"{name!r} {_RESERVED[name]}; choose another name")
    of = _role(text, path, spec, notes)
    if of is None:
        return None
    _check_slice(text, path, spec, notes)
    _check_run(text, path, spec, notes)
    reader = Quantities(spec, of, _versus(text))
    at_least = _read(text.at_least, (*path, "at_least"), reader.limit, notes)
    at_most = _read(text.at_most, (*path, "at_most"), reader.limit, notes)
    confidence = _read(text.confidence, (*path, "confidence"), reader.confidence, notes)
    _check_limits(text, path, (at_least, at_most), notes)
    if len(notes.mistakes) > before or (at_least is None and at_most is None):
        return None
    rule = Rule(
        name=name,
        metric=spec.id,
        of=of,
        unit=reader.unit,
        at_least=at_least,
        at_most=at_most,
        confidence=confidence,
        slice=read_slice(text.slice) if text.slice is not None else None,
        fewest=text.fewest or FEWEST,
        versus=_versus(text),
        requires=_requires(text),
        otherwise=text.otherwise,
        if_missing=text.if_missing,
        words="",
    )
    return rule.model_copy(update={"words": rule_words(rule)})


def _versus(text: RuleText) -> Versus:
    return text.versus or Versus.REFERENCE


def _usual(spec: MetricSpec, versus: Versus) -> Of:
    """Return whose figure a rule without `of` bounds."""
    return Of.DELTA if versus is Versus.BASELINE else spec.roles[0]


def _check_slice(text: RuleText, path: KeyPath, spec: MetricSpec, notes: Notes) -> None:
    mistake = slice_mistake(text.slice, spec)
    if mistake:
        notes.add((*path, "slice"), mistake)
    if text.fewest is None:
        return
    if text.slice is None:
        notes.add((*path, "fewest"), "is for slices; drop `fewest`, or write a `slice`")
    elif spec.over_slices or not counts_images(read_slice(text.slice)):
        notes.add((*path, "fewest"), f"does not reach {spec.id}, which leaves no slice to the rule; drop `fewest`")


def _check_run(text: RuleText, path: KeyPath, spec: MetricSpec, notes: Notes) -> None:
    for key, given in (("same_runtime", text.same_runtime), ("requires", text.requires)):
        if given is not None and not spec.live:
            notes.add((*path, key), f"{spec.id} does not depend on what runs; drop `{key}`")


def _requires(text: RuleText) -> Requires | None:
    traits = text.requires.model_dump(exclude_none=True) if text.requires is not None else {}
    same = text.same_runtime is not None
    return Requires(same_runtime=same, **traits) if same or traits else None


def _spec(text: RuleText, path: KeyPath, metrics: Mapping[str, MetricSpec], notes: Notes) -> MetricSpec | None:
    if text.metric is None:
        if not notes.any_below(path):
            notes.add((*path, "metric"), "is missing")
        return None
    if text.metric not in metrics:
        near = suggest(text.metric, sorted(metrics))
        notes.add((*path, "metric"), f"unknown metric {text.metric!r}{near or _family(text.metric, metrics)}")
    return metrics.get(text.metric)


def _family(metric: str, metrics: Mapping[str, MetricSpec]) -> str:
    """Return the metrics of the same family, for a word that is near to none."""
    family = metric.partition(".")[0]
    known = sorted(name for name in metrics if name.partition(".")[0] == family)
    return f"; known are {', '.join(known)}" if known else "; `vetgate policy list --metrics` lists the known ones"


def _role(text: RuleText, path: KeyPath, spec: MetricSpec, notes: Notes) -> Of | None:
    if _versus(text) is Versus.BASELINE:
        return _role_beside_baseline(text, path, spec, notes)
    if text.of is None:
        return spec.roles[0]
    if text.of in spec.roles:
        return text.of
    if spec.roles == (Of.PAIR,):
        message = f"{spec.id} is a figure of the pair as such; drop `of`"
    else:
        message = f"{spec.id} comes as {', '.join(spec.roles)}, not as {text.of}"
    notes.add((*path, "of"), message)
    return None


def _role_beside_baseline(text: RuleText, path: KeyPath, spec: MetricSpec, notes: Notes) -> Of | None:
    """Return delta or ratio, as what another run's figure can be compared by."""
    of = text.of or Of.DELTA
    possible = [Of.DELTA] if spec.unit not in TIMES else []
    possible += [Of.RATIO] if Of.RATIO in spec.roles else []
    if of in possible:
        return of
    instead = " or ".join(f"`of: {role}`" for role in possible)
    if of is Of.DELTA:
        cure = f"use {instead}" if instead else "drop the rule"
        message = f"times of another run are not comparable; {cure}"
    elif of is Of.RATIO:
        message = f"{spec.id} does not come as ratio; use {instead}"
    else:
        message = f"`versus: baseline` compares two figures, and {of} is one; use {instead}"
    notes.add((*path, "of" if text.of is not None else "versus"), message)
    return None


def _read(text: str | None, path: KeyPath, parse: Callable[[str], float], notes: Notes) -> float | None:
    if text is None:
        return None
    try:
        return parse(text)
    except ValueError as error:
        notes.add(path, str(error))
        return None


def _check_limits(text: RuleText, path: KeyPath, limits: tuple[float | None, float | None], notes: Notes) -> None:
    if text.at_least is None and text.at_most is None and not notes.any_below(path):
        notes.add(path, "has no limit; write `at_least` or `at_most`")
    low, high = limits
    if low is not None and high is not None and low > high:
        notes.add(
            (*path, "at_least"), f"at_least {text.at_least} is over at_most {text.at_most}; nothing can satisfy both"
        )
