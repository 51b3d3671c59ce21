"""What the Dockerfile copies is enough to build vetgate, and it does not run as root."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LINES = (ROOT / "Dockerfile").read_text(encoding="utf-8").splitlines()


def test_the_wheel_builds_from_what_is_copied_and_nothing_else(tmp_path: Path) -> None:
    pytest.importorskip("build")
    copied = [found[1].split() for line in LINES if (found := re.fullmatch(r"COPY ([^-].*)", line))]
    allowed = {line.removeprefix("!") for line in (ROOT / ".dockerignore").read_text().splitlines() if line[0] == "!"}
    assert {name for *names, _ in copied for name in names} == allowed
    for *names, _ in copied:
        for name in names:
            source, target = ROOT / name, tmp_path / "source" / name
            target.parent.mkdir(exist_ok=True)
            if source.is_dir():
                shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
            else:
                shutil.copy(source, target)
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(tmp_path)]
    subprocess.run([*command, str(tmp_path / "source")], check=True, stdout=subprocess.DEVNULL)
    assert len(list(tmp_path.glob("vetgate-*.whl"))) == 1


def test_it_runs_vetgate_as_a_user_without_rights() -> None:
    users = [line for line in LINES if line.startswith("USER ")]
    assert users == ["USER 1000"]
    assert 'ENTRYPOINT ["vetgate"]' in LINES


def test_every_install_is_held_to_the_constraints() -> None:
    installs = [line for line in LINES if "pip install" in line]
    assert installs
    assert all("--constraint constraints.txt" in line for line in installs)
