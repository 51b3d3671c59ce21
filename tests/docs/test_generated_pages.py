"""Pages that are written by a program are what it writes."""

from __future__ import annotations

import json
import runpy
from pathlib import Path

import pytest

from vetgate.cli.app import run
from vetgate.cli.metrics import metrics_page
from vetgate.domain.specs import MetricSpec
from vetgate.host import Kind, find_plugins

ROOT = Path(__file__).parent.parent.parent
DOCS = ROOT / "docs"


def _own() -> list[MetricSpec]:
    offers = find_plugins().offers[Kind.CHECK].values()
    return [metric for offer in offers if offer.distribution == "vetgate" for metric in offer.spec.metrics]


def test_the_page_of_metrics_is_what_the_checks_declare() -> None:
    again = "vetgate policy list --metrics --format markdown > docs/metrics.md"
    assert (DOCS / "metrics.md").read_text(encoding="utf-8") == metrics_page(_own()), f"write it again: {again}"


def test_the_page_of_commands_is_what_help_texts_say() -> None:
    page = runpy.run_path(str(ROOT / ".ci" / "command_reference.py"))["page"]()
    again = "python .ci/command_reference.py > docs/commands.md"
    assert (DOCS / "commands.md").read_text(encoding="utf-8") == page, f"write it again: {again}"


def test_every_metric_says_what_it_is() -> None:
    lacking = [metric.id for metric in _own() if len(metric.summary) < 10 or not metric.roles]
    assert not lacking


def test_metrics_come_as_text_json_and_markdown(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["policy", "list", "--metrics"]) == 0
    assert "accuracy.top1\n    share of images" in capsys.readouterr().out
    assert run(["policy", "list", "--metrics", "--format", "json"]) == 0
    first = json.loads(capsys.readouterr().out)[0]
    assert first["unit"] == "fraction"
    assert run(["policy", "list", "--metrics", "--format", "markdown"]) == 0
    assert "### accuracy.top1" in capsys.readouterr().out


def test_policies_come_as_text_alone(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["policy", "list", "--format", "json"]) == 2
    assert "--format json is for --metrics" in capsys.readouterr().err
