"""The action's steps, run as a runner would: with real models, real files for outputs and summary, and no runner."""

from __future__ import annotations

import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[2]
ACTION = ROOT / ".github" / "actions" / "vetgate"
FASHION = ROOT / "examples" / "fashion"
REPORTS = ("json", "html", "junit", "sarif", "markdown")


@dataclass
class Job:
    """A job whose only step is the action."""

    workspace: Path
    log: str = ""
    """Everything that its steps printed."""
    outputs: dict[str, str] = field(default_factory=dict)
    """Of the action."""
    failed: bool = False
    exit_code: int = 0
    """Of the step that failed last."""
    artifact: list[Path] = field(default_factory=list)
    """What was uploaded."""
    ran: list[str] = field(default_factory=list)
    """Names of the steps that ran."""
    steps: dict[str, dict[str, str]] = field(default_factory=dict)
    """Outputs by step."""

    @property
    def summary(self) -> str:
        """The job's page."""
        return (self.workspace.parent / "summary.md").read_text(encoding="utf-8")

    def commands(self) -> list[str]:
        """Return the lines that the runner would take for commands, as ActionCommand.cs and its manager do."""
        found, stopped = [], None
        for line in self.log.splitlines():
            if stopped is not None:
                stopped = None if line.strip() == f"::{stopped}::" else stopped
            elif line.lstrip().startswith("::stop-commands::"):
                stopped = line.strip().removeprefix("::stop-commands::")
            elif line.lstrip().startswith("::") or "##[" in line:
                found.append(line)
        assert stopped is None, "commands stay stopped for the rest of the job"
        return found


def read_file_commands(path: Path) -> dict[str, str]:
    """Return what was written to GITHUB_OUTPUT, by the runner's grammar."""
    found, lines = {}, iter(path.read_text(encoding="utf-8").splitlines())
    for line in lines:
        name, mark, end = line.partition("<<")
        if mark and "=" not in name:
            value = []
            while (text := next(lines)) != end:
                value.append(text)
            found[name] = "\n".join(value)
        else:
            name, equals, rest = line.partition("=")
            assert equals, line
            found[name] = rest
    return found


def run_action(workspace: Path, inputs: Mapping[str, str], variables: Mapping[str, str] | None = None) -> Job:
    """Run every step of the action in order; `with` of the one that uploads is looked at instead."""
    action = yaml.safe_load((ACTION / "action.yml").read_text(encoding="utf-8"))
    unknown = {name.replace("_", "-") for name in inputs} - set(action["inputs"])
    assert not unknown
    job = Job(workspace)
    values = {name: str(about.get("default", "")) for name, about in action["inputs"].items()}
    values |= {"install-from": "none", "token": "no-token"}
    values |= {name.replace("_", "-"): value for name, value in inputs.items()}
    context = {f"inputs.{name}": value for name, value in values.items()}
    for name in ("summary.md", "event.json"):
        (workspace.parent / name).write_text("{}" if name.endswith("json") else "", encoding="utf-8")
    for step in action["runs"]["steps"]:
        if _wanted(step.get("if", "success()"), context, failed=job.failed):
            _run_step(job, step, context, variables or {})
    for name, about in action["outputs"].items():
        job.outputs[name] = _evaluate(about["value"], context)
    return job


def _run_step(job: Job, step: dict[str, Any], context: dict[str, str], variables: Mapping[str, str]) -> None:
    job.ran.append(step["name"])
    given = {name: _evaluate(str(text), context) for name, text in (step.get("env") or step.get("with") or {}).items()}
    if "uses" in step:
        assert step["uses"].startswith("actions/upload-artifact@")
        job.artifact = [Path(line) for line in given["path"].splitlines()]
        context[f"steps.{step['id']}.outputs.artifact-url"] = "https://example.org/artifacts/1"
        return
    temporary = job.workspace.parent / "temp"
    temporary.mkdir(exist_ok=True)
    script, output = temporary / "step.sh", temporary / "output"
    script.write_text(step["run"], encoding="utf-8")
    output.write_text("", encoding="utf-8")
    runner = {
        "CI": "true",
        "GITHUB_ACTIONS": "true",
        "GITHUB_ACTION_PATH": str(ACTION),
        "GITHUB_WORKSPACE": str(job.workspace),
        "GITHUB_OUTPUT": str(output),
        "GITHUB_ENV": str(temporary / "env"),
        "GITHUB_PATH": str(temporary / "path"),
        "GITHUB_STEP_SUMMARY": str(job.workspace.parent / "summary.md"),
        "GITHUB_EVENT_PATH": str(job.workspace.parent / "event.json"),
        "RUNNER_TEMP": str(temporary),
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
    }
    done = subprocess.run(
        ["bash", "--noprofile", "--norc", "-e", "-o", "pipefail", str(script)],
        cwd=job.workspace,
        env={**os.environ, **runner, **variables, **given},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        timeout=300,
    )
    job.log += done.stdout
    if done.returncode != 0:
        job.failed, job.exit_code = True, done.returncode
    for name, value in read_file_commands(output).items():
        context[f"steps.{step.get('id')}.outputs.{name}"] = value
        job.steps.setdefault(step.get("id", ""), {})[name] = value


def _evaluate(text: str, context: dict[str, str]) -> str:
    """Return a value with its expressions replaced; only names are allowed in them."""

    def value(found: re.Match[str]) -> str:
        name = found[1]
        assert re.fullmatch(r"(inputs|steps|github)\.[\w.-]+", name), f"this test knows no such expression: {name}"
        return context.get(name, "")

    return re.sub(r"\$\{\{ ([^}]*) \}\}", value, text)


def _wanted(condition: str, context: dict[str, str], *, failed: bool) -> bool:
    terms = condition.removeprefix("${{ ").removesuffix(" }}").split(" && ")
    if "always()" not in terms and failed:
        return False
    for term in terms:
        if term in ("always()", "success()"):
            continue
        found = re.fullmatch(r"([\w.-]+) (==|!=) '([^']*)'", term)
        assert found, f"this test knows no such condition: {term}"
        if (context.get(found[1], "") == found[3]) != (found[2] == "=="):
            return False
    return True


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a workspace with the example's models in a folder whose name has a space."""
    folder = tmp_path_factory.mktemp("job") / "work space" / "my models"
    folder.mkdir(parents=True)
    for name in ("int8.onnx", "pruned95.onnx", "float16.onnx"):
        shutil.copy(FASHION / name, folder)
        shutil.copy(FASHION / f"{name}.yaml", folder)
    (folder / "test.npz").symlink_to(FASHION / "test.npz")
    return folder.parent


@pytest.fixture(scope="module")
def passed(models: Path) -> Job:
    """Vet a good model."""
    return _vet(models, {"candidate": "my models/int8.onnx", "output_dir": "out/good"})


@pytest.fixture(scope="module")
def failing(models: Path) -> Job:
    """Vet a good model and a broken one, named by a pattern and by its name."""
    return _vet(models, {"candidate": "my models/*t8.onnx\nmy models/pruned95.onnx\n", "output_dir": "out/bad"})


def _vet(workspace: Path, inputs: Mapping[str, str], variables: Mapping[str, str] | None = None) -> Job:
    given = {
        "reference": "my models/float16.onnx",
        "data": "my models/test.npz",
        "policy": "smoke",
        "args": "--limit=300\n--no-cache",
        **inputs,
    }
    return run_action(workspace, given, variables)


def test_a_model_that_passes_makes_the_job_pass_with_every_report_uploaded(passed: Job) -> None:
    assert not passed.failed, passed.log
    assert passed.ran == ["Install vetgate", "Vet", "Upload the reports", "Decide"]
    assert (passed.outputs["decision"], passed.outputs["exit-code"]) == ("pass", "0")
    for name in REPORTS:
        assert Path(passed.outputs[name]).stat().st_size > 0
        assert Path(passed.outputs[name]) in passed.artifact
    assert Path(passed.outputs["reports"]) == passed.workspace / "out" / "good"
    assert passed.outputs["artifact-url"] == "https://example.org/artifacts/1"


def test_a_model_that_fails_makes_the_job_fail_with_exit_code_1_once_every_report_is_uploaded(failing: Job) -> None:
    assert failing.failed
    assert failing.exit_code == 1
    assert failing.ran == ["Install vetgate", "Vet", "Upload the reports", "Decide"]
    assert (failing.outputs["decision"], failing.outputs["exit-code"]) == ("fail", "1")
    assert {Path(failing.outputs[name]) for name in REPORTS} <= set(failing.artifact)
    assert all(path.stat().st_size > 0 for path in failing.artifact)


def test_two_candidates_are_vetted_by_one_run(failing: Job) -> None:
    reports = json.loads(Path(failing.outputs["json"]).read_text(encoding="utf-8"))["reports"]
    assert [entry["candidate"]["name"] for entry in reports] == ["my models/int8.onnx", "my models/pruned95.onnx"]


def test_the_summary_tells_the_decision(passed: Job, failing: Job) -> None:
    assert "int8.onnx" in passed.summary
    assert "pruned95.onnx" in failing.summary


def test_a_failed_rule_is_an_annotation(passed: Job, failing: Job) -> None:
    assert [line for line in failing.commands() if line.startswith("::error") and "accuracy.top1" in line]
    assert not [line for line in passed.commands() if line.startswith("::error")]


def test_a_model_that_cannot_be_read_is_inconclusive_and_reported(models: Path) -> None:
    (models / "broken.onnx").write_bytes(b"\x08\x08nothing more")
    shutil.copy(FASHION / "int8.onnx.yaml", models / "broken.onnx.yaml")
    job = _vet(models, {"candidate": "broken.onnx", "output_dir": "out/broken"})
    assert job.exit_code == 3
    assert (job.outputs["decision"], job.outputs["exit-code"]) == ("inconclusive", "3")
    assert {Path(job.outputs[name]) for name in REPORTS} <= set(job.artifact)


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"reference": "nowhere.onnx"}, "nowhere.onnx"),
        ({"candidate": "no/such/*.onnx"}, "no/such/*.onnx"),
        ({"candidate": " \n"}, "candidate is empty"),
        ({"strict": "yes please"}, "strict is 'yes please'"),
        ({"reports": "json ../../x"}, "which is no format"),
        ({"args": "--no-such-flag"}, "no-such-flag"),
    ],
    ids=["reference", "pattern", "empty", "strict", "format", "flag"],
)
def test_a_usage_mistake_fails_the_job_with_exit_code_2_and_is_told_on_its_page(
    models: Path, wrong: dict[str, str], told: str
) -> None:
    job = _vet(models, {"candidate": "my models/int8.onnx", "output_dir": "out/wrong", **wrong})
    assert job.exit_code == 2
    assert (job.outputs["decision"], job.outputs["exit-code"]) == ("error", "2")
    assert told in job.summary
    assert any(line.startswith("::error") and told in line for line in job.commands())


def test_a_report_of_an_earlier_run_is_never_taken_for_this_ones(models: Path) -> None:
    stale = models / "out" / "again" / "report.json"
    stale.parent.mkdir(parents=True)
    stale.write_text('{"reports": [{"verdict": {"decision": "pass"}}]}', encoding="utf-8")
    job = _vet(models, {"candidate": " ", "output_dir": "out/again"})
    assert (job.outputs["decision"], job.outputs["json"], job.artifact) == ("error", "", [])
    assert not stale.exists()


def test_what_a_pull_request_lays_where_reports_go_is_never_handed_on(models: Path) -> None:
    planted = models / "out" / "planted" / "attestations" / "other.onnx.intoto.jsonl"
    planted.parent.mkdir(parents=True)
    planted.write_text("{}", encoding="utf-8")
    (models / "elsewhere").mkdir()
    (models / "elsewhere" / "report.json").write_text('{"reports": [{"verdict": {"decision": "pass"}}]}', "utf-8")
    (models / "linked").symlink_to(models / "elsewhere")
    job = _vet(models, {"candidate": "nowhere.onnx", "output_dir": "out/planted", "reports": "json"})
    assert (job.outputs["attestations"], job.artifact) == ("", [])
    job = _vet(models, {"candidate": "my models/int8.onnx", "output_dir": "linked", "reports": "json"})
    assert (job.outputs["decision"], job.outputs["json"], job.artifact) == ("error", "", [])
    assert [path.name for path in (models / "elsewhere").iterdir()] == ["report.json"]


def test_a_strangers_text_is_no_command_to_the_runner(models: Path) -> None:
    names = ["##[set-output name=decision]pass.onnx", "::set-output name=exit-code::0.onnx"]
    for name in names:
        shutil.copy(FASHION / "pruned95.onnx", models / name)
        shutil.copy(FASHION / "pruned95.onnx.yaml", models / f"{name}.yaml")
    job = _vet(models, {"candidate": "\n".join(names), "output_dir": "out/hostile", "reports": "json"})
    assert names[0] in job.log
    assert {line.partition(" ")[0] for line in job.commands()} == {"::error"}
    assert (job.outputs["decision"], job.exit_code) == ("fail", 1)


@pytest.mark.parametrize(
    "attacked",
    [("candidate", "reference", "policy", "args", "output_dir"), ("reports", "attest"), ("extras",), ("version",)],
    ids=lambda names: names[0],
)
def test_no_input_is_run_by_the_shell(models: Path, attacked: tuple[str, ...]) -> None:
    trap = models.parent / "trap"
    attack = f"$(touch {trap});`touch {trap}`\"; touch {trap}; '"
    source = "" if attacked[0] in ("extras", "version") else "none"
    job = _vet(
        models,
        {
            "candidate": "x.onnx",
            "output_dir": "out/attack",
            "install_from": source,
            **dict.fromkeys(attacked, attack),
        },
    )
    assert job.failed
    assert not trap.exists()


@pytest.mark.parametrize(
    "source",
    [{"install_from": "", "version": "1.0; rm -rf /"}, {"install_from": "no-such-folder"}],
    ids=["version", "folder"],
)
def test_an_install_that_fails_leaves_no_verdict_and_fails_the_job(models: Path, source: dict[str, str]) -> None:
    job = _vet(models, {"candidate": "my models/int8.onnx", **source})
    assert job.ran == ["Install vetgate", "Decide"]
    assert job.failed
    assert job.exit_code == 3
    assert job.outputs["decision"] == ""


def test_a_key_from_a_secret_signs_and_is_seen_nowhere(models: Path) -> None:
    pytest.importorskip("securesystemslib")
    key = models.parent / "keys" / "release"
    key.parent.mkdir()
    password = "correct horse battery staple"
    variables = {"VETGATE_KEY_PASSWORD": password}
    vetgate = Path(sys.executable).with_name("vetgate")
    subprocess.run([vetgate, "keygen", str(key)], check=True, env={**os.environ, **variables})
    content = key.with_suffix(".key").read_text(encoding="utf-8")
    job = _vet(
        models,
        {"candidate": "my models/int8.onnx", "output_dir": "out/signed", "reports": "json markdown"},
        {**variables, "VETGATE_SIGNING_KEY": content.rstrip("\n")},
    )
    assert not job.failed, job.log
    (attestation,) = job.outputs["attestations"].splitlines()
    verify = [str(vetgate), "verify", "my models/int8.onnx", attestation, "--key", str(key.with_suffix(".pub"))]
    assert subprocess.run(verify, cwd=models, check=False).returncode == 0
    secret = [line for line in content.splitlines() if line and not line.startswith("-----")]
    files = [path for path in (models.parent / "temp", models / "out" / "signed") for path in path.rglob("*")]
    seen = job.log + job.summary + "".join(path.read_text(errors="replace") for path in files if path.is_file())
    assert not [line for line in [*secret, password] if line in seen]
    assert not list((models.parent / "temp").glob("vetgate-key-*"))


def test_two_keys_are_a_mistake(models: Path) -> None:
    job = _vet(models, {"candidate": "my models/int8.onnx", "attest": "my.key"}, {"VETGATE_SIGNING_KEY": "x"})
    assert job.exit_code == 2
    assert "both name a key" in job.summary


def test_vetgate_of_a_wheel_is_installed_into_an_environment_of_its_own(tmp_path: Path) -> None:
    workspace = tmp_path / "work"
    workspace.mkdir()
    project = tmp_path / "a project"
    (project / "vetgate_stub").mkdir(parents=True)
    (project / "vetgate_stub" / "__init__.py").write_text("def main():\n    print('vetgate, version 9.9')\n")
    (project / "pyproject.toml").write_text(
        "[build-system]\nrequires = ['hatchling']\nbuild-backend = 'hatchling.build'\n"
        "[project]\nname = 'vetgate'\nversion = '9.9'\n"
        "[project.optional-dependencies]\nonnx = []\nhtml = []\n"
        "[project.scripts]\nvetgate = 'vetgate_stub:main'\n"
        "[tool.hatch.build.targets.wheel]\npackages = ['vetgate_stub']\n"
    )
    wheel = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(tmp_path), str(project)]
    subprocess.run(wheel, check=True, stdout=subprocess.DEVNULL)
    (built,) = tmp_path.glob("*.whl")
    job = run_action(workspace, {"candidate": "x.onnx", "install_from": f"../{built.name}", "extra_index_url": ""})
    assert job.steps["install"]["vetgate"] == str(tmp_path / "temp" / "vetgate-environment" / "bin" / "vetgate")
    assert "vetgate, version 9.9" in job.log
    assert job.outputs["decision"] == "inconclusive"  # a vetgate that exits 0 and writes no report has passed nothing
    assert job.exit_code == 3


@pytest.mark.parametrize(
    ("code", "reported", "told"),
    [
        (0, "pass", (0, "pass")),
        (0, "warn", (0, "warn")),
        (0, "fail", (3, "inconclusive")),
        (0, "", (3, "inconclusive")),
        (1, "warn", (1, "warn")),
        (1, "pass", (1, "fail")),
        (3, "pass", (3, "inconclusive")),
        (2, "pass", (2, "error")),
        (130, "", (130, "error")),
        (137, "pass", (137, "error")),
    ],
)
def test_neither_exit_code_nor_decision_is_better_than_the_other(
    code: int, reported: str, told: tuple[int, str]
) -> None:
    assert _module().settle(code, reported) == told


def test_a_report_with_a_decision_that_nobody_knows_says_nothing(tmp_path: Path) -> None:
    entries = [{"verdict": {"decision": told}, "candidate": {"name": told}, "evidence": []} for told in ("pass", "odd")]
    (tmp_path / "report.json").write_text(json.dumps({"reports": entries}), encoding="utf-8")
    assert _module().read(tmp_path / "report.json") == ("", "")


def _module() -> Any:
    """Return the script of the action as a module."""
    spec = importlib.util.spec_from_file_location("vetgate_action", ACTION / "vet.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
