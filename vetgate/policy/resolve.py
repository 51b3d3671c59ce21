"""From a rule as people write it to a rule as the judge reads it: names, units and ranges settled."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from vetgate.documents import Document, KeyPath, Mistake, key_text, suggest
from vetgate.domain.evidence import LABEL, Of
from vetgate.domain.policy import Rule
from vetgate.domain.specs import MetricSpec
from vetgate.domain.unit import Unit, parse_quantity
from vetgate.policy.language import RuleText
from vetgate.policy.words import EACH, limit_text, limit_words, read_slice, rule_words

FINDINGS = "findings"
"""Name of the ruling on findings; no rule may take it."""


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
    """Return a rule's name: its own, or `metric[/of][/slice]`, where `of` is left out if it is the metric's usual.

    None where there is neither a name nor a metric.
    """
    if text.name is not None or text.metric is None:
        return text.name
    spec = metrics.get(text.metric)
    usual = spec.roles[0] if spec else None
    parts = (text.metric, None if text.of in (None, usual) else text.of, text.slice)
    return "/".join(part for part in parts if part is not None)


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
    if name == FINDINGS:
        notes.add((*path, "name"), f"{FINDINGS!r} is the ruling on findings; choose another name")
    of = _role(text, path, spec, notes)
    if of is None:
        return None
    if text.slice is not None and not spec.sliced:
        notes.add((*path, "slice"), f"{spec.id} does not come per class; drop `slice`")
    where = read_slice(text.slice) if text.slice is not None else None
    each_label = f"{EACH} {LABEL}"
    if where is not None and where.value is not None and suggest(str(text.slice), [each_label]):
        notes.add((*path, "slice"), f"no class is called {text.slice!r}{suggest(str(text.slice), [each_label])}")
    reader = _Reader(spec, of)
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
        slice=where,
        otherwise=text.otherwise,
        if_missing=text.if_missing,
        words="",
    )
    return rule.model_copy(update={"words": rule_words(rule)})


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


def limits_of(spec: MetricSpec, of: Of) -> tuple[float | None, float | None]:
    """Return the least and greatest value that a figure can take in a role; None where there is no limit."""
    if of is Of.RATIO:
        return 0.0, None
    if of is Of.DELTA:
        if spec.low is None or spec.high is None:
            return None, None
        return spec.low - spec.high, spec.high - spec.low
    return spec.low, spec.high


@dataclass(frozen=True)
class _Reader:
    """Reads the quantities of a rule on one figure; every refusal is a ValueError with the cure."""

    spec: MetricSpec
    of: Of

    @property
    def unit(self) -> Unit:
        return Unit.RATIO if self.of is Of.RATIO else self.spec.unit

    def limit(self, text: str) -> float:
        value = _quantity(text, self.unit)
        if self.unit is Unit.FRACTION:
            self._check_points(text, value)
        low, high = limits_of(self.spec, self.of)
        if self.of is Of.RATIO and value <= 0:
            raise ValueError(f"{text} is no ratio; 1 is no change, 0.5 is half of the reference")
        if (low is not None and value < low) or (high is not None and value > high):
            raise ValueError(f"{text} is out of range: {self._role()} {self._range(low, high)}")
        return value

    def _check_points(self, text: str, value: float) -> None:
        delta = self.of is Of.DELTA
        if delta and text.rstrip().endswith("%"):
            raise ValueError(f"{text} of a difference could be points or a share; write {text.strip(' %')}pp")
        if _plain(text) and (abs(value) > 1 or (delta and abs(value) == 1)):
            suffix = "pp" if delta else "%"
            meant = limit_words(value, self.unit, self.of)
            raise ValueError(f"{text} without a unit means {meant}; write {text.strip()}{suffix}")

    def _role(self) -> str:
        return f"{self.spec.id} of {self.of.value}" if self.of is not Of.PAIR else self.spec.id

    def _range(self, low: float | None, high: float | None) -> str:
        ends = [limit_text(end, self.unit, self.of) if end is not None else "" for end in (low, high)]
        if low is not None and high is not None:
            return f"lies between {ends[0]} and {ends[1]}"
        return f"is at least {ends[0]}" if low is not None else f"is at most {ends[1]}"

    def confidence(self, text: str) -> float:
        value = _quantity(text, Unit.FRACTION)
        if _plain(text) and value > 1:
            raise ValueError(f"{text} without a unit means {value * 100:g} %; write {text.strip()}%")
        if text.rstrip().endswith("pp") or not 0.5 < value < 1:
            raise ValueError(f"{text} is no confidence; write one over 50% and under 100%, such as 95%")
        if self.of not in self.spec.bounded:
            raise ValueError(
                f"nobody states the uncertainty of {self._role()}; drop `confidence` to compare the point estimate"
            )
        return value


def _quantity(text: str, unit: Unit) -> float:
    """Return the number as people would type it in `unit`: 57% is 0.57, and not 0.5700000000000001."""
    return float(f"{parse_quantity(text, unit):.15g}")


def _plain(text: str) -> bool:
    return not text.rstrip().endswith(("%", "pp"))
