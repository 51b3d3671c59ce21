from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from vetgate.domain.evidence import Of
from vetgate.domain.policy import Policy
from vetgate.domain.specs import MetricSpec, PolicySpec
from vetgate.domain.unit import Better, Unit
from vetgate.policy.load import LoadedPolicy, load

MODELS = (Of.CANDIDATE, Of.REFERENCE)
DELTAS = (*MODELS, Of.DELTA)
RATIOS = (*MODELS, Of.RATIO)
HIGHER, LOWER, NEITHER = Better.HIGHER, Better.LOWER, Better.NEITHER

PAIR = (Of.PAIR,)
LIVE: dict[str, Any] = {"bounded": (Of.RATIO,), "live": True, "sliced": True, "columns": ("batch",)}
LIVE |= {"paired": (Of.RATIO,)}

SPECS = (
    MetricSpec(
        "accuracy.top1", "Right.", Unit.FRACTION, HIGHER, DELTAS, 0, 1, sliced=True, counted=DELTAS, bounded=DELTAS
    ),
    MetricSpec(
        "accuracy.recall",
        "By class.",
        *(Unit.FRACTION, HIGHER, DELTAS, 0, 1),
        sliced=True,
        columns=("label",),
        counted=DELTAS,
        bounded=DELTAS,
    ),
    MetricSpec("accuracy.worst_slice", "Worst.", Unit.FRACTION, HIGHER, DELTAS, 0, 1, over_slices=True, bounded=DELTAS),
    MetricSpec("accuracy.f1_macro", "Mean F1.", Unit.FRACTION, HIGHER, DELTAS, 0, 1, bounded=(Of.DELTA,)),
    MetricSpec("similarity.agreement", "Same.", Unit.FRACTION, HIGHER, PAIR, 0, 1, counted=PAIR, bounded=PAIR),
    MetricSpec("similarity.negative_flips", "Worse.", Unit.FRACTION, LOWER, PAIR, 0, 1, counted=PAIR, bounded=PAIR),
    MetricSpec("similarity.js_divergence", "Of answers.", Unit.BITS, LOWER, PAIR, 0, 1),
    MetricSpec("segmentation.miou", "Maps.", Unit.FRACTION, HIGHER, DELTAS, 0, 1, bounded=DELTAS, unseen=DELTAS),
    MetricSpec(
        "segmentation.iou",
        "By class.",
        *(Unit.FRACTION, HIGHER, DELTAS, 0, 1),
        sliced=True,
        columns=("label",),
        bounded=DELTAS,
        unseen=DELTAS,
    ),
    MetricSpec("detection.found_again", "Same.", Unit.FRACTION, HIGHER, PAIR, 0, 1, bounded=PAIR, unseen=PAIR),
    MetricSpec("footprint.size_mb", "File size.", Unit.MEGABYTES, LOWER, RATIOS, 0, bounded=RATIOS, exact=True),
    MetricSpec("footprint.params", "Parameters.", Unit.COUNT, NEITHER, RATIOS, 0, bounded=RATIOS, exact=True),
    MetricSpec("latency.p50", "Median time.", Unit.SECONDS, LOWER, RATIOS, 0, **LIVE),
    MetricSpec("latency.p95", "Slow time.", Unit.SECONDS, LOWER, RATIOS, 0, live=True),
    MetricSpec("latency.p99", "Slowest.", Unit.SECONDS, LOWER, RATIOS, 0, bounded=RATIOS, live=True),
    MetricSpec("latency.throughput", "Images a second.", Unit.PER_SECOND, HIGHER, RATIOS, 0, **LIVE),
    MetricSpec("opscore.inference", "Operational score.", Unit.SCORE, LOWER, DELTAS),
    MetricSpec("opscore.training", "Operational score.", Unit.SCORE, LOWER, DELTAS),
)

Write = Callable[[str], Path]
Resolve = Callable[[str], Policy]


@pytest.fixture(scope="session")
def metrics() -> Mapping[str, MetricSpec]:
    return {spec.id: spec for spec in SPECS}


BASE = """\
version: 1
name: base
metrics:
  - {metric: accuracy.top1, of: delta, at_least: -5pp, confidence: 95%}
  - {metric: latency.p50, of: ratio, at_most: 1.2, confidence: 95%}
waivers:
  - {rule: latency.p50/ratio, reason: soon, owner: team, expires: 2027-03-31}
"""


@pytest.fixture(scope="session")
def carried() -> Mapping[str, PolicySpec]:
    texts = {"base": BASE, "loop": "version: 1\nname: loop\nextends: loop\n"}
    return {name: PolicySpec(name, name, lambda text=text: text) for name, text in texts.items()}  # type: ignore[misc]  # bound early


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Writes a policy whose head is given, and returns its path."""

    def _write(body: str, name: str = "mine.yaml") -> Path:
        path = tmp_path / name
        path.write_text(f"version: 1\nname: mine\n{body}", encoding="utf-8")
        return path

    return _write


@pytest.fixture
def resolved(
    write: Write, carried: Mapping[str, PolicySpec], metrics: Mapping[str, MetricSpec]
) -> Callable[[str], LoadedPolicy]:
    """Loads a policy whose head is given."""
    return lambda body: load(str(write(body)), carried, metrics)


@pytest.fixture(scope="session")
def rule_policy(
    tmp_path_factory: pytest.TempPathFactory, carried: Mapping[str, PolicySpec], metrics: Mapping[str, MetricSpec]
) -> Resolve:
    """Returns the policy of one list of rules, written in YAML's flow style."""
    path = tmp_path_factory.mktemp("rules") / "rules.yaml"

    def _policy(rules: str) -> Policy:
        path.write_text(f"version: 1\nname: rules\nmetrics: [{rules}]\n", encoding="utf-8")
        return load(str(path), carried, metrics).policy

    return _policy
