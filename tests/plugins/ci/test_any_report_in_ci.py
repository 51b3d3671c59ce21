"""Whatever a report holds that its types allow, every format for CI writes it, and it can be read."""

from __future__ import annotations

import json
import re
from xml.etree.ElementTree import fromstring

from hypothesis import HealthCheck, given, settings
from vetgate_ci.github import GithubReporter
from vetgate_ci.gitlab import GitlabReporter
from vetgate_ci.junit import JunitReporter
from vetgate_ci.sarif import SarifReporter

from tests.plugins.reporters.test_any_report import sets
from vetgate.reporting import Decision, ReportSet


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(sets)
def test_any_report_is_written_in_every_format_and_is_empty_only_where_all_passes(drawn: ReportSet) -> None:
    sarif = json.loads(SarifReporter().render(drawn))
    gitlab = json.loads(GitlabReporter().render(drawn))
    github = GithubReporter().render(drawn)
    cases = fromstring(JunitReporter().render(drawn))  # noqa: S314  # our own
    assert all(re.match(r"::(error|warning) title=", line) for line in github.split("\n")[:-1])
    if drawn.decision is not Decision.PASS:
        assert sarif["runs"][0]["results"]
        assert gitlab
        assert github
    if drawn.decision.rank >= Decision.INCONCLUSIVE.rank:
        assert cases.find(".//failure") is not None or cases.find(".//error") is not None
