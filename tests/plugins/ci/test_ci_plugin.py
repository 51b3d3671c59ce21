"""What the plugin declares, held to the contract of every reporter."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path

from vetgate_ci.plugin import vetgate_reporters

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
        place = Path(__file__).parents[2] / "golden" / "canned_report.py"
        spec = importlib.util.spec_from_file_location("vetgate_ci_contract", place)
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        reports: ReportSet = module.canned()
        return reports


class TestJunitContract(_Contract):
    name = "junit"


class TestSarifContract(_Contract):
    name = "sarif"


class TestGitlabContract(_Contract):
    name = "gitlab"


class TestGithubContract(_Contract):
    name = "github"
