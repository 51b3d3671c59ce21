"""A policy proposed from a study, with the numbers that each threshold came from as comments. Pure.

What is proposed is what parts the faithful copies of this model from those that broke (see `gap`); where nothing does,
a comment says so and no rule is written.
"""

from __future__ import annotations

import datetime
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import yaml

from vetgate.deviation import INDEPENDENCE, NEAR, Deviation, Deviations, deviations
from vetgate.domain.errors import Inconclusive
from vetgate.domain.evidence import LABEL, Of, Unstated
from vetgate.domain.specs import MetricSpec
from vetgate.domain.study import Study
from vetgate.domain.unit import Unit, format_about
from vetgate.label import plain, shorten
from vetgate.policy.compare import bounds_of
from vetgate.policy.gap import ALLOWED, CONFIDENCE, Extreme, Gap, Groups, Wanted, find_gap, groups_of
from vetgate.policy.words import figure_words, level_words, limit_text, value_words

SIZE = "footprint.size_mb"
DIVERGENCE = "similarity.js_divergence"
WANTED = (
    Wanted("accuracy.top1", Of.DELTA, "at_least"),
    Wanted("accuracy.recall", Of.DELTA, "at_least", sliced=True, name="no-class-left-behind"),
    Wanted("similarity.agreement", Of.PAIR, "at_least", functional=True),
    Wanted("similarity.negative_flips", Of.PAIR, "at_most", functional=True),
)
MOST_NAMED = 12
"""Models that one comment names."""
WIDTH = 110
"""Characters of a comment's line."""
LABEL_WIDTH = 19
GLUE = "\ue000"
"""Stands for the blanks of a name until lines are broken; untrusted text holds none, see plain."""


@dataclass(frozen=True)
class Origin:
    """Where a proposal comes from, besides the study itself."""

    file: str
    """The study's file, as typed."""
    sha256: str
    """Of that file."""
    day: datetime.date


def propose(study: Study, name: str, origin: Origin, metrics: Mapping[str, MetricSpec]) -> str:
    """Return the policy as YAML that lints; its comments hold the numbers.

    Args:
        study: Variants with their reports, independents where there are any.
        name: Of the policy.
        origin: The study's file and the day.
        metrics: The known metrics, by id; no rule is on another.

    Raises:
        Inconclusive: The study has no faithful copy, or nothing parts those from the others in any figure.
    """
    table = deviations(study)
    groups = groups_of(table)
    if not groups.faithful:
        hint = "study gentler variants too, or give the study a yardstick"
        raise Inconclusive(_why_nothing(study, table), hint=hint)
    gaps = [find_gap(wanted, groups) for wanted in _wanted(table, groups) if wanted.metric in metrics]
    if all(gap.threshold is None for gap in gaps):
        reasons = "; ".join(f"{gap.wanted.metric}: {gap.why}" for gap in gaps)
        hint = "study harsher variants too, or give the study a yardstick"
        raise Inconclusive(f"nothing parts faithful copies from others in this study: {reasons}", hint=hint)
    lines = [*_head(study, table, groups, origin), "version: 1", *_dumped({"name": name})]
    lines += [*_dumped({"summary": f"Proposed from a study of {_name(study.reference.name)}."}), "metrics:"]
    for gap in gaps:
        lines += _rule(gap, study)
    lines += _size(groups) if SIZE in metrics else ()
    lines += ["  # latency: nothing is proposed; a study does not time its variants", "findings:", "  halt_at: high"]
    return "\n".join(lines) + "\n"


def _wanted(table: Deviations, groups: Groups) -> tuple[Wanted, ...]:
    """Return the figures to look at: independence where every faithful copy has it, else the plain divergence."""
    held = table.bracket is not None and all(row.independence is not None for row in groups.faithful)
    return (*WANTED, Wanted(INDEPENDENCE if held else DIVERGENCE, Of.PAIR, "at_most", functional=True))


def _why_nothing(study: Study, table: Deviations) -> str:
    if not table.measured:
        return "the study has no variant that was measured, so there is nothing to propose from"
    if table.bracket is None and not study.data.labelled:
        return "the study has neither labels nor a yardstick, so nothing says which copies are faithful"
    return f"none of the {len(table.measured)} variants of the study is a faithful copy, so nothing says what must pass"


def _head(study: Study, table: Deviations, groups: Groups, origin: Origin) -> Iterator[str]:
    data, yardstick = study.data, study.yardstick
    held = "none" if yardstick is None else f"{_name(yardstick.name)}, sha256 {yardstick.sha256}"
    yield "# Proposed from a study. Read it, change what you know better, sign it."
    yield from _told("study", f"{_name(origin.file)}, sha256 {origin.sha256}", "")
    yield from _told("reference", f"{_name(study.reference.name)}, sha256 {study.reference.sha256 or 'unknown'}", "")
    yield from _told("data", f"{_name(data.name)}, {data.images:,} images, sha256 {data.sha256}", "")
    yield from _told("yardstick", held, "")
    yield from _told("proposed", origin.day.isoformat(), "")
    yield from _told("signed by", "(nobody yet)", "")
    yield "#"
    for title, rows in (
        ("faithful", groups.faithful),
        ("broken", groups.broken),
        ("far", groups.apart),
        ("between", groups.between),
    ):
        if rows:
            yield from _told(title, _names(rows), "")
    yield "#"
    yield from _comment(_principle(table), "")


def _principle(table: Deviations) -> str:
    faithful = (
        "no more than 1 pp or noise below the reference's accuracy, and at most "
        f"{NEAR:g} of the nearest independent model's distance"
        if table.bracket is not None
        else "whatever kept its accuracy, for no yardstick held: a model of another function that is as accurate may "
        "be among them (vetgate yardstick build, and propose again)"
    )
    return (
        f"Faithful is {faithful}. A threshold lies between the worst faithful copy and the nearest model that must not "
        "pass. Counted from an equal model, it is the geometric mean of the faithful copy's 95 % bound and the other's "
        f"figure, at most {ALLOWED:g} times that bound, rounded to the safe side; in a rule without a confidence the "
        "faithful copy's figure takes the place of its bound. Far is as far as independent models. "
        "Models between may fall on either side."
    )


def _rule(gap: Gap, study: Study) -> Iterator[str]:
    wanted = gap.wanted
    words = figure_words(wanted.metric, wanted.of) + (" for each class" if wanted.sliced else "")
    yield from _comment(f"{words}: nothing is proposed; {gap.why}" if gap.threshold is None else words)
    for title, extreme in (("worst faithful", gap.worst), ("must not pass", gap.nearest)):
        if extreme is not None:
            yield from _told(title, _extreme(extreme, gap))
    if gap.threshold is not None:
        yield from _rests_on(gap, study)
        yield from _item(_keys(gap, gap.threshold))


def _rests_on(gap: Gap, study: Study) -> Iterator[str]:
    wanted = gap.wanted
    if gap.needed is not None:
        noun = "of the class" if wanted.sliced else f"(here {study.data.images:,})"
        level = level_words(CONFIDENCE)
        about = f"about {format_about(gap.needed)} {noun} for all faithful copies to pass, probably, at {level}"
        yield from _told("images", about)
    if gap.why:
        yield from _told("no confidence", gap.why)
    for title, rows in (("between, passes", gap.passing), ("between, does not", gap.kept_out)):
        if rows:
            yield from _told(title, _names(rows))
    if wanted.metric == INDEPENDENCE and study.yardstick is not None:
        yield from _told("needs", f"--yardstick {_name(study.yardstick.name)}")


def _keys(gap: Gap, threshold: float) -> dict[str, object]:
    wanted = gap.wanted
    unit = gap.worst.figure.unit if gap.worst is not None else Unit.SCORE
    keys: dict[str, object] = {"name": wanted.name} if wanted.name else {}
    keys["metric"] = wanted.metric
    if wanted.of is not Of.PAIR:
        keys["of"] = wanted.of.value
    if wanted.sliced:
        keys["slice"] = f"each {LABEL}"
    keys[wanted.side] = limit_text(threshold, unit, wanted.of) if unit is Unit.FRACTION else threshold
    if gap.confidence is not None:
        keys["confidence"] = level_words(gap.confidence).replace(" ", "")
    return keys


def _extreme(extreme: Extreme, gap: Gap) -> str:
    """Return a model with its figure, and its bounds where the rule has a confidence."""
    figure, level = extreme.figure, gap.confidence
    where = f", class {_name(figure.slice.value)}" if figure.slice is not None and figure.slice.value else ""
    told = f"{_model(extreme.row)}{where}: {_value(figure.value, gap, figure.unit)}"
    if level is None or isinstance(figure.uncertainty, Unstated):
        return told
    ends = bounds_of(figure, level)
    return f"{told} ({_value(ends.lower, gap, figure.unit)} to {_value(ends.upper, gap, figure.unit)})"


def _value(value: float, gap: Gap, unit: Unit) -> str:
    return value_words(value, value if gap.threshold is None else gap.threshold, unit, gap.wanted.of)


def _size(groups: Groups) -> Iterator[str]:
    """Yield the rule on the file's size: nothing parts groups there, so faithful copies alone say what is large."""
    known = [(value, row) for row in groups.faithful if (value := row.value(SIZE, Of.RATIO)) is not None]
    if not known:
        return
    largest, smallest = max(known, key=lambda item: item[0]), min(known, key=lambda item: item[0])
    words = f"{SIZE} of candidate over reference"
    proposed = largest[0] <= 1.0
    yield from _comment(words if proposed else f"{words}: nothing is proposed; a faithful copy is the larger file")
    yield from _told("largest faithful", f"{_model(largest[1])}: {largest[0]:.3g} ×")
    yield from _told(
        "smallest faithful", f"{_model(smallest[1])}: {smallest[0]:.3g} ×; ask for it to ship no larger one"
    )
    if proposed:
        yield from _item({"metric": SIZE, "of": Of.RATIO.value, "at_most": _ceiled(largest[0])})


def _ceiled(value: float) -> float:
    """Return a ratio up to 1, rounded up to two decimals."""
    return min(1.0, float(f"{-(-value * 100 // 1) / 100:.2f}"))


def _model(row: Deviation) -> str:
    """Return a variant by its family and label, an independent by its name; its blanks end no line."""
    name = _name(row.name) if row.variant is None else f"{_name(row.family)} {_name(row.label)}".strip()
    return name.replace(" ", GLUE)


def _names(rows: Sequence[Deviation]) -> str:
    more = f" and {len(rows) - MOST_NAMED} more" if len(rows) > MOST_NAMED else ""
    return ", ".join(_model(row) for row in rows[:MOST_NAMED]) + more


def _name(text: str) -> str:
    """Return a name that cannot end a comment."""
    return shorten(plain(text), 80)


def _comment(words: str, indent: str = "  ") -> Iterator[str]:
    """Yield words as lines of comments."""
    for line in textwrap.wrap(words, WIDTH, break_long_words=False, break_on_hyphens=False):
        yield f"{indent}# {line.replace(GLUE, ' ')}"


def _told(label: str, words: str, indent: str = "  ") -> Iterator[str]:
    """Yield a label and what is told of it as lines of comments."""
    lines = textwrap.wrap(words, WIDTH - LABEL_WIDTH, break_long_words=False, break_on_hyphens=False)
    for number, line in enumerate(lines):
        yield f"{indent}#   {'' if number else label:<{LABEL_WIDTH}}{line.replace(GLUE, ' ')}"


def _dumped(keys: Mapping[str, object]) -> list[str]:
    return yaml.safe_dump(dict(keys), sort_keys=False, allow_unicode=True, width=1000).rstrip("\n").split("\n")


def _item(keys: Mapping[str, object]) -> list[str]:
    first, *rest = _dumped(keys)
    return [f"  - {first}", *(f"    {line}" for line in rest)]
