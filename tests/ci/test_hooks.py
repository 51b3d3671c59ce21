"""The hooks that vetgate offers to pre-commit, run by pre-commit; only that it installs vetgate is left out."""

from __future__ import annotations

import os
import pickle
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
FASHION = ROOT / "examples" / "fashion"
TOOLS = Path(sys.executable).parent


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """Return a repository with a good policy, a good model and files that are neither, which runs both hooks."""
    hooks = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text(encoding="utf-8"))
    local = {"repos": [{"repo": "local", "hooks": [{**hook, "language": "system"} for hook in hooks]}]}
    folder = tmp_path / "repository"
    (folder / "policies").mkdir(parents=True)
    (folder / ".pre-commit-config.yaml").write_text(yaml.safe_dump(local), encoding="utf-8")
    (folder / "policies" / "camera.yaml").write_text("version: 1\nname: camera\nextends: edge\n", encoding="utf-8")
    shutil.copy(FASHION / "int8.onnx", folder / "my model.onnx")
    (folder / "notes.yaml").write_text("no: policy\n", encoding="utf-8")
    (folder / "my model.onnx.yaml").write_text("neither: a policy\n", encoding="utf-8")
    _git(folder, "init", "--quiet")
    return folder


def _git(folder: Path, *command: str) -> None:
    subprocess.run(["git", *command], cwd=folder, check=True, env={**os.environ, "GIT_CONFIG_GLOBAL": os.devnull})


def run_hooks(folder: Path) -> tuple[int, str]:
    """Return pre-commit's exit code and what it printed."""
    _git(folder, "add", "--all")
    path = f"{TOOLS}{os.pathsep}{os.environ['PATH']}"
    variables = {**os.environ, "PATH": path, "PRE_COMMIT_HOME": str(folder.parent / "cache")}
    done = subprocess.run(
        [str(TOOLS / "pre-commit"), "run", "--all-files", "--color=never"],
        cwd=folder,
        env=variables,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        timeout=120,
    )
    return done.returncode, done.stdout


def test_the_manifest_and_the_projects_own_configuration_are_valid() -> None:
    for command, file in (
        ("validate-manifest", ".pre-commit-hooks.yaml"),
        ("validate-config", ".pre-commit-config.yaml"),
    ):
        subprocess.run([str(TOOLS / "pre-commit"), command, str(ROOT / file)], check=True)


def test_good_policies_and_models_pass_and_other_files_are_left_alone(repository: Path) -> None:
    code, told = run_hooks(repository)
    assert code == 0, told
    assert told.count("Passed") == 2


def test_a_policy_with_a_mistake_is_told_by_file_and_line(repository: Path) -> None:
    wrong = "version: 1\nname: camera\nmetrics:\n  - metric: accuracy.topp1\n    at_least: 1\n"
    (repository / "policies" / "another.yaml").write_text(wrong, encoding="utf-8")
    code, told = run_hooks(repository)
    assert code == 1
    assert "policies/another.yaml:4: metrics[0].metric: unknown metric 'accuracy.topp1'" in told


class Payload:
    """Would run a command where it is unpickled."""

    def __reduce__(self) -> tuple[object, ...]:
        """Name it."""
        return os.system, ("true",)


def test_a_model_with_code_in_it_is_not_committed(repository: Path) -> None:
    (repository / "weights.pkl").write_bytes(pickle.dumps(Payload(), protocol=4))
    code, told = run_hooks(repository)
    assert code == 1
    assert "weights.pkl" in told
    assert "system" in told
