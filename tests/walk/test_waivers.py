"""Waivers in every report: what they lift, and those that expired or lift nothing."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

POLICY = """\
version: 1
name: waived
metrics:
  - {metric: accuracy.top1, of: delta, at_least: -1pp}
  - {metric: footprint.size_mb, of: ratio, at_most: 2}
waivers:
"""
TOP1, SIZE = "accuracy.top1/delta", "footprint.size_mb/ratio"


def write_policy(*waivers: tuple[str, str]) -> str:
    rest = "reason: new data lands in March, owner: edge-team"
    listed = "".join(f"  - {{rule: {rule}, {rest}, expires: {expires}}}\n" for rule, expires in waivers)
    Path("waived.yaml").write_text(POLICY + listed, encoding="utf-8")
    return "waived.yaml"


def findings(report: dict[str, Any]) -> list[str]:
    return [found["rule"] for item in report["evidence"] for found in item["findings"] if "waiver" in found["rule"]]


def flat(text: str) -> str:
    return " ".join(text.split())


def test_waivers_are_shown_in_every_report(world: Any) -> None:
    bad, reference, data = world.toy("bad.toy", noise=3.0), world.toy("ref.toy"), world.data()
    waived = write_policy((TOP1, "2099-12-31"))
    arguments = ("--reference", reference, "--data", data, "--policy", waived, "--report", "markdown=report.md")
    assert world.check(bad, *arguments) == 0
    ruling = next(item for item in world.report()["verdict"]["rulings"] if item["waived"])
    assert (ruling["rule"], ruling["decision"], ruling["waived"]) == (TOP1, "warn", "fail")
    for report in (world.out, Path("report.md").read_text(encoding="utf-8"), ruling["because"]):
        told = flat(report)
        assert "edge-team" in told
        assert "new data lands in March" in told
        assert "2099-12-31" in told
    assert "waived, else fail" in flat(world.out)
    assert "waived, else fail" in Path("report.md").read_text(encoding="utf-8")
    assert findings(world.report()) == []
    _judged_again(world)


def _judged_again(world: Any) -> None:
    """Judge the saved report by policies whose waivers expired or lift nothing; that runs no model."""
    reports = ("--report", "markdown=report.md", "--report", "json=again.json")
    expired = write_policy((TOP1, "2020-01-31"), (SIZE, "2099-12-31"))
    assert world.run("judge", "report.json", "--policy", expired, *reports) == 1
    again = Path("again.json").read_text(encoding="utf-8")
    assert findings(json.loads(again)["reports"][0]) == ["waiver.expired", "waiver.unused"]
    for report in (flat(world.out), flat(Path("report.md").read_text(encoding="utf-8")), again):
        assert "waiver.expired" in report
        assert "expired on 2020-01-31" in report
        assert "lifts nothing: the rule passes without it" in report
    unused = write_policy((SIZE, "2099-12-31"))
    assert world.run("judge", "again.json", "--policy", unused, "--report", "json=last.json") == 1
    last = json.loads(Path("last.json").read_text(encoding="utf-8"))["reports"][0]
    assert findings(last) == ["waiver.unused"], "what an earlier judging told of waivers is gone"
