"""What the plugin declares, held to the contract of every reporter."""

from __future__ import annotations

import subprocess
import sys

from vetgate_ci.plugin import vetgate_reporters

from tests.golden import canned_report
from vetgate.api import ReporterSpec
from vetgate.reporting import ReportSet
from vetgate.testing import ReporterContract

SPECS = {spec.name: spec for spec in vetgate_reporters()}


def test_the_formats_are_declared_with_their_suffixes() -> None:
    assert {name: spec.suffix for name, spec in SPECS.items()} == {
        "junit": ".xml",
        "sarif": ".sarif",
        "gitlab": ".gitlab.json",
        "github": ".github.txt",
    }


def test_declaring_them_imports_none_of_them() -> None:
    told = (
        "import sys, vetgate_ci.plugin; print(sorted(name for name in sys.modules if name.startswith('vetgate_ci.')))"
    )
    done = subprocess.run([sys.executable, "-c", told], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "['vetgate_ci.plugin']"


class _Contract(ReporterContract):
    name = ""

    def spec(self) -> ReporterSpec:
        return SPECS[self.name]

    def reports(self) -> ReportSet:
        return canned_report.canned()


class TestJunitContract(_Contract):
    name = "junit"


class TestSarifContract(_Contract):
    name = "sarif"


class TestGitlabContract(_Contract):
    name = "gitlab"


class TestGithubContract(_Contract):
    name = "github"
