"""The sentences of rulings: the figure, what was asked, what it rests on, and what would settle it."""

from __future__ import annotations

import math

from vetgate.domain.evidence import Counts, Exact, Looks, Measurement, PairedCounts, Pairs
from vetgate.domain.policy import Rule
from vetgate.domain.unit import format_about
from vetgate.domain.verdict import Decision
from vetgate.policy.compare import Comparison
from vetgate.policy.gathered import listing
from vetgate.policy.slices import SlicesCompared
from vetgate.policy.where import images_noun, slices_noun
from vetgate.policy.words import asked_words, figure_words, level_words, value_words

SMALLEST = 1e-300
"""p-values under it are not told apart: floating point ends a little below."""
_METHODS = {
    "exact": "",
    "point": "point estimate",
    "exact paired": "exact unconditional paired test",
}
"""Methods that a table names more shortly than a sentence."""


def figure_sentence(figure: Measurement, compared: Comparison, rule: Rule) -> str:
    """Return the figure, what was asked, what it rests on, and what would settle it."""
    name = figure_words(figure.metric, figure.role, figure.slice, figure.versus)
    value = value_words(figure.value, compared.limit.value, rule.unit, rule.of)
    were = "was" if rule.at_least is None or rule.at_most is None else "were"
    asked = f"{asked_words(rule)} {were} asked"
    if compared.reason:
        told = f"{name} is {value}, but {compared.reason}; {asked}"
    else:
        detail = ", ".join(part for part in (_bounds(compared, rule), _method(compared), _detail(figure)) if part)
        told = f"{name} is {value}; {asked}{f' ({detail})' if detail else ''}"
    return f"{told}{_settle(figure, compared)}{f'; {figure.note}' if figure.note else ''}"


def _bounds(compared: Comparison, rule: Rule) -> str:
    if compared.lower is None or compared.upper is None or compared.method == "exact" or rule.confidence is None:
        return ""
    ends = [
        value_words(bound, compared.limit.value, rule.unit, rule.of) if math.isfinite(bound) else "unbounded"
        for bound in (compared.lower, compared.upper)
    ]
    number, _, unit = ends[0].partition(" ")
    if unit and ends[1].endswith(f" {unit}"):
        ends[0] = number
    return f"{level_words(rule.confidence)} bounds {ends[0]} to {ends[1]}"


def _method(compared: Comparison) -> str:
    return _METHODS.get(compared.method, compared.method)


def _detail(figure: Measurement) -> str:
    match figure.uncertainty:
        case Exact():
            return ""
        case Counts(k=k, n=n):
            return f"{k:,} of {n:,}"
        case PairedCounts(b=b, c=c, n=n):
            from vetgate.statistics import mcnemar_exact_p

            return f"{b:,} flips down, {c:,} up, n = {n:,}, McNemar's exact p {_p_words(mcnemar_exact_p(b, c))}"
        case Looks(up=up, n=n, down=None):
            return f"{up[-1]:,} of {n[-1]:,} after {_looks(n)}"
        case Looks(up=up, n=n, down=down) if down is not None:
            return f"{down[-1]:,} flips down, {up[-1]:,} up, n = {n[-1]:,} after {_looks(n)}"
        case Pairs(log_ratios=log_ratios):
            pairs = f"{len(log_ratios):,} {'pair' if len(log_ratios) == 1 else 'pairs'}"
            return "" if figure.note.startswith(pairs.replace(",", "")) else pairs
    return f"n = {figure.n:,}"


def _p_words(p: float) -> str:
    return f"= {p:.2g}" if p >= SMALLEST else f"< {SMALLEST:g}"


def _settle(figure: Measurement, compared: Comparison) -> str:
    if compared.needed is None:
        return ""
    what = "pairs" if isinstance(figure.uncertainty, Pairs) else images_noun(figure.slice)
    return f"; about {format_about(compared.needed)} {what} would probably settle it"


def _looks(n: tuple[int, ...]) -> str:
    return f"{len(n):,} {'look' if len(n) == 1 else 'looks'}"


def slices_sentence(together: SlicesCompared, rule: Rule) -> str:
    """Return how many classes decided and which, up to the worst one's own sentence."""
    by = rule.slice.by if rule.slice is not None else ""
    count, all_of = len(together.deciding), slices_noun(by, together.assessed)
    if together.decision is Decision.PASS:
        return f"all {all_of} hold; at worst, "
    failed = together.decision is Decision.FAIL
    if count == 1:
        verb = "fails after Holm's correction" if failed else "is undecided"
        return f"1 of {all_of} {verb}: "
    verb = "fail after Holm's correction" if failed else "are undecided"
    return f"{count:,} of {all_of} {verb}: {listing(together.deciding)}; at worst, "
