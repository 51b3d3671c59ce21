"""What a command does not need, it does not import."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

FASHION = Path(__file__).parent.parent.parent / "examples" / "fashion"
WATCH = """
import runpy, sys
sys.argv = ["vetgate", *sys.argv[1:]]
try:
    runpy.run_module("vetgate", run_name="__main__")
finally:
    print("IMPORTED", *sorted({name.partition(".")[0] for name in sys.modules}), file=sys.stderr)
"""
MODEL_LIBRARIES = {"torch", "torchvision", "timm", "onnx", "onnxruntime", "ai_edge_litert", "safetensors", "pyarrow"}


def _imported(*arguments: str) -> set[str]:
    """Return the top-level modules of a `vetgate` process at its end."""
    done = subprocess.run(
        [sys.executable, "-c", WATCH, *arguments], cwd=FASHION, capture_output=True, text=True, check=False
    )
    (line,) = [line for line in done.stderr.splitlines() if line.startswith("IMPORTED")]
    return set(line.split()[1:])


def test_help_imports_nothing_heavy() -> None:
    assert not _imported("--help") & {"numpy", "pydantic", "rich", "yaml", "pluggy", *MODEL_LIBRARIES}


@pytest.mark.parametrize("command", [("plugins",), ("policy", "lint", "edge"), ("policy", "list", "--metrics")])
def test_looking_at_plugins_and_policies_imports_no_model_library(command: tuple[str, ...]) -> None:
    assert not _imported(*command) & {"numpy", "scipy", *MODEL_LIBRARIES}


def test_vetting_onnx_against_onnx_imports_no_torch_in_any_process(tmp_path: Path) -> None:
    """A torch that cannot be imported stands first on the path of the gate and of its children."""
    for name in ("torch", "torchvision", "ai_edge_litert"):
        (tmp_path / f"{name}.py").write_text("raise AssertionError('it was imported')\n", encoding="utf-8")
    command = [sys.executable, "-m", "vetgate", "check", "int8.onnx", "--reference", "float16.onnx", "--limit", "300"]
    done = subprocess.run(
        [*command, "--policy", "smoke", "--no-cache"],
        cwd=FASHION,
        env=os.environ | {"PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
