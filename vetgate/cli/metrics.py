"""What a policy can ask for, as text, JSON and as the page of the documentation."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

import click

from vetgate.domain.evidence import Of
from vetgate.domain.specs import MetricSpec
from vetgate.domain.unit import Unit, format_limit

if TYPE_CHECKING:
    from vetgate.host import Host

UNITS = {
    Unit.FRACTION: "fraction; write `97.5%`, of a difference `-1pp`",
    Unit.RATIO: "ratio; write `1.10`",
    Unit.SECONDS: "seconds; write `12ms` or `1.5s`",
    Unit.MEGABYTES: "MB, decimal; write `3.4MB`",
    Unit.BITS: "bit; write `0.005`",
    Unit.COUNT: "count; write `1000` or `1.5M`",
    Unit.PER_SECOND: "per second; write `100/s`",
    Unit.SCORE: "plain number",
    Unit.DECIBELS: "dB; write `20dB`",
}
"""What a unit is, and how a policy writes a limit in it."""
HEAD = """\
# Metrics

<!-- written by `vetgate policy list --metrics --format markdown`; edit the checks' specs instead -->

Everything that a rule of a policy can bound. `vetgate policy list --metrics` prints the same, with the metrics of your
own plugins in it.

- **of**: whose figure it comes as; the first is what a rule without `of` means. `delta` is candidate minus reference,
  `ratio` is candidate over reference, `pair` is one figure of the two models, or of the images.
- **confidence**: roles for which the uncertainty is stated, so that a rule may ask for a `confidence`. *exact* figures
  have none.
- **slices**: columns by which it also comes, for `slice: each COLUMN` or `slice: COLUMN=VALUE`.
- **stops early**: roles on which `--sequential` can settle a rule before all images were seen."""


def list_metrics(host: Host, style: str) -> None:
    """Print every metric.

    Args:
        host: Whose checks are asked.
        style: `text`, `json` or `markdown`.
    """
    if style == "markdown":
        click.echo(metrics_page(host.metrics().values()), nl=False)
    elif style == "json":
        click.echo(json.dumps([_record(metric) for metric in _sorted(host)], indent=2, ensure_ascii=False))
    else:
        for metric in _sorted(host):
            roles = "|".join(role.value for role in metric.roles)
            sliced = f"{_sliced(metric)}{', needs a yardstick' if metric.needs_yardstick else ''}"
            click.echo(f"{metric.id}\n    {metric.summary}")
            click.echo(f"    unit {metric.unit.value}, better {metric.better.value}, of {roles}{sliced}")


def metrics_page(metrics: Iterable[MetricSpec]) -> str:
    """Return the page of metrics, in Markdown; `docs/metrics.md` is that of our own checks."""
    families: dict[str, list[MetricSpec]] = {}
    for metric in sorted(metrics, key=lambda metric: metric.id):
        families.setdefault(metric.id.partition(".")[0], []).append(metric)
    parts = [HEAD]
    for family, members in families.items():
        parts += [f"## {family}", *map(_section, members)]
    return "\n\n".join(parts) + "\n"


def _sorted(host: Host) -> list[MetricSpec]:
    return sorted(host.metrics().values(), key=lambda metric: metric.id)


def _sliced(metric: MetricSpec) -> str:
    if not metric.sliced and not metric.over_slices:
        return ""
    columns = " or ".join(metric.columns) or "any column"
    return f", over the slices of {columns}" if metric.over_slices else f", also by {columns}"


def _record(metric: MetricSpec) -> dict[str, object]:
    return {
        "id": metric.id,
        "summary": metric.summary,
        "unit": metric.unit.value,
        "low": metric.low,
        "high": metric.high,
        "better": metric.better.value,
        "roles": [role.value for role in metric.roles],
        "confidence": [role.value for role in metric.bounded],
        "exact": metric.exact,
        "sliced": metric.sliced,
        "over_slices": metric.over_slices,
        "columns": list(metric.columns),
        "stops_early": [role.value for role in metric.counted],
        "needs": _needs(metric),
        "source": metric.source,
    }


def _section(metric: MetricSpec) -> str:
    lines = (
        (("unit", UNITS[metric.unit]), ("range", _range(metric)), ("better", metric.better.value)),
        (("of", _roles(metric.roles)), ("confidence", _confidence(metric)), ("stops early", _roles(metric.counted))),
        (("slices", _columns(metric)), ("needs", "; ".join(_needs(metric)))),
        (("source", metric.source),),
    )
    told = (" · ".join(f"**{name}** {text}" for name, text in line if text) for line in lines)
    return "\n".join([f"### {metric.id}\n\n{_sentence(metric.summary)}\n", *(f"- {line}" for line in told if line)])


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}{'' if text.endswith('.') else '.'}"


def _roles(roles: Iterable[Of]) -> str:
    return ", ".join(f"`{role.value}`" for role in roles)


def _confidence(metric: MetricSpec) -> str:
    if metric.exact:
        return "*exact*"
    return _roles(metric.bounded) or "none: the estimate decides"


def _columns(metric: MetricSpec) -> str:
    columns = _listed(metric.columns) or "any column of the images"
    if metric.over_slices:
        return f"one figure over the slices of {columns}; a rule must name it"
    return columns if metric.sliced else ""


def _listed(columns: Sequence[str]) -> str:
    return ", ".join(f"`{column}`" for column in columns)


def _range(metric: MetricSpec) -> str:
    low, high = (None if end is None else format_limit(end, metric.unit) for end in (metric.low, metric.high))
    if low is not None and high is not None:
        return f"{low} to {high}"
    if low is not None:
        return f"{low} or more"
    return "any" if high is None else f"{high} or less"


def _needs(metric: MetricSpec) -> list[str]:
    needs = (
        (metric.needs_labels, "labels"),
        (metric.needs_yardstick, "a yardstick (`--yardstick`)"),
        (metric.needs_other_images, "other images (`--calibration-data` or `--train-data`)"),
        (metric.live, "live models, so that a rule may say what must have run (`requires`, `same_runtime`)"),
    )
    return [words for wanted, words in needs if wanted]
