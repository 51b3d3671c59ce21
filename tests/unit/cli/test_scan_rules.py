"""Every rule of every scanner is documented, once."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from vetgate.cli.app import run
from vetgate.cli.scan import rules_page
from vetgate.gate import list_rules
from vetgate.host import Host, find_plugins

PAGE = Path(__file__).parents[3] / "docs" / "scan-rules.md"


@pytest.fixture(scope="module")
def host() -> Host:
    return find_plugins()


def test_the_page_of_rules_is_what_the_scanners_declare(host: Host) -> None:
    own = [offered for offered in list_rules(host) if offered.distribution == "vetgate"]
    again = "vetgate scan --rules --format markdown > docs/scan-rules.md"
    assert PAGE.read_text(encoding="utf-8") == rules_page(own), f"write it again: {again}"


def test_an_id_means_one_thing(host: Host) -> None:
    rules = [offered.rule for offered in list_rules(host) if offered.distribution == "vetgate"]
    meanings = {rule.id: rule for rule in rules}
    assert all(meanings[rule.id] == rule for rule in rules)
    assert all(re.fullmatch(r"VG[01]\d{3}", rule.id) for rule in rules)
    assert all(rule.title and rule.why and rule.advice for rule in rules)


def test_every_format_that_a_backend_opens_has_a_scanner(host: Host) -> None:
    opened = {
        known.name
        for backend in host.backends()
        for known in backend.formats
        if not backend.name.startswith("acme") and not known.advice and known.name != "triton"  # which has no file
    }
    assert opened <= {known for spec in host.scanners() for known in spec.vouches}


def test_rules_come_as_text_and_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["scan", "--rules"]) == 0
    assert "VG0001  high" in capsys.readouterr().out
    assert run(["scan", "--rules", "--format", "json"]) == 0
    first = json.loads(capsys.readouterr().out)[0]
    assert (first["id"], first["severity"], first["scanner"]) == ("VG0001", "high", "the gate")


def test_a_scan_of_nothing_is_a_usage_error(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["scan"]) == 2
    assert "no file was named" in capsys.readouterr().err


def test_the_rule_on_services_says_what_a_policy_writes_to_judge_one(host: Host) -> None:
    (advice,) = {offered.rule.advice for offered in list_rules(host) if offered.rule.id == "VG0005"}
    assert "`scan: preferred`" in advice
