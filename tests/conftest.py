"""What tests share: a stranger's plugin installed for real, and a cache of one's own."""

from __future__ import annotations

import importlib
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType

import pytest

from tests.golden import canned_study

ROOT = Path(__file__).parent.parent
NEEDS = {
    "plugins/torch": ("torch", "torchvision", "timm", "safetensors"),
    "plugins/onnx": ("onnx", "onnxruntime"),
    "plugins/compress": ("torch", "onnx", "onnxruntime", "onnxscript", "torch_pruning", "sklearn"),
    "plugins/delta": ("torch", "torch_pruning", "onnx2torch", "pytorch_grad_cam", "pycocotools"),
    "plugins/litert": ("ai_edge_litert",),
    "plugins/openvino": ("openvino", "onnx", "onnxruntime"),
    "plugins/ncnn": ("ncnn",),
    "plugins/keras": ("keras", "torch", "h5py"),
    "plugins/mnn": ("MNN", "onnx", "torch", "ai_edge_litert"),
    "plugins/executorch": ("torch", "executorch"),
    "plugins/formats": (
        "torch",
        "onnx",
        "onnxruntime",
        "ai_edge_litert",
        "openvino",
        "ncnn",
        "MNN",
        "keras",
        "executorch",
    ),
    "plugins/odd": ("torch", "onnx", "onnxruntime", "ai_edge_litert", "openvino"),
    "plugins/triton": ("tritonclient", "geventhttpclient", "grpc", "h2", "onnx", "onnxruntime", "cryptography"),
    "plugins/mlflow": ("mlflow", "sqlalchemy", "alembic"),
    "plugins/mlflow/test_mlflow_server.py": ("flask", "flask_cors", "graphene", "gunicorn"),
    "ci/test_action.py": ("onnx", "onnxruntime", "matplotlib", "jinja2", "hatchling", "build"),
    "ci/test_hooks.py": ("pre_commit",),
    "unit/attestation": ("securesystemslib", "cryptography"),
    "walk/test_attestation.py": ("securesystemslib", "cryptography"),
    "plugins/data": ("pyarrow",),
    "plugins/scan/test_pickles.py": ("torch",),
    "plugins/scan/test_archives.py": ("torch",),
    "plugins/scan/test_torch_files.py": ("torch",),
    "plugins/scan/test_harmless_torch_files.py": ("torch", "torchvision", "timm"),
    "plugins/scan/test_scan_end_to_end.py": ("torch",),
    "plugins/scan/test_onnx_attacks.py": ("onnx",),
    "plugins/scan/test_tflite_attacks.py": ("ai_edge_litert",),
    "plugins/scan/test_polyglots.py": ("onnx",),
    "plugins/scan/test_scanner_contracts.py": ("onnx",),
    "plugins/scan/test_keras_attacks.py": ("h5py",),
    "plugins/scan/test_honest_models.py": (
        "torch",
        "torchvision",
        "timm",
        "onnx",
        "onnxruntime",
        "onnxscript",
        "ai_edge_litert",
        "safetensors",
    ),
    "plugins/charts/test_bubble_chart.py": ("matplotlib",),
    "plugins/scene": ("onnx", "onnxruntime", "pycocotools"),
    "plugins/ci/test_junit.py": ("xmlschema",),
    "plugins/ci/test_sarif.py": ("jsonschema",),
    "plugins/html": ("matplotlib", "jinja2"),
    "browser": ("matplotlib", "jinja2"),
    "golden/test_golden_html.py": ("matplotlib", "jinja2"),
    "plugins/layers/test_layers_check.py": ("torch", "onnx", "onnxscript", "ai_edge_litert"),
    "plugins/footprint/test_formats_agree.py": ("torch", "onnx", "ai_edge_litert"),
    "docs/test_site.py": ("zensical",),
    "docs/test_runnable_blocks.py": (
        "torch",
        "onnxruntime",
        "ai_edge_litert",
        "matplotlib",
        "jinja2",
        "cryptography",
        "securesystemslib",
        "hatchling",
    ),
}
"""Libraries without which tests are not collected; the header of the run says so."""


def _lacking() -> dict[str, list[str]]:
    found = {place: [name for name in names if find_spec(name) is None] for place, names in NEEDS.items()}
    return {place: names for place, names in found.items() if names}


REQUIRE_ALL = "VETGATE_REQUIRE_ALL"
"""Where this variable is set, as in our CI, a test that lacks something fails instead of being left out."""


def _need(tool: str, *others: str, there: bool | None = None, hint: str = "") -> str:
    """Return the path of a program that tests need beside Python's packages, or skip the test that has not got it.

    Args:
        tool: Its name.
        others: Names of what does as well.
        there: Whether it is there, for what is no program on the path.
        hint: How to get it.
    """
    if there is None:
        found = next(filter(None, map(shutil.which, (tool, *others))), None)
    else:
        found = tool if there else None
    if found is not None:
        return found
    reason = f"{tool} is not installed" + (f": {hint}" if hint else "")
    if os.environ.get(REQUIRE_ALL):
        pytest.fail(reason)
    pytest.skip(reason)


@pytest.fixture(scope="session")
def need() -> Callable[..., str]:
    """Return what looks for a tool, for tests and fixtures; see `_need`."""
    return _need


def pytest_configure() -> None:
    """Refuse to leave tests out where all are required."""
    lacking = _lacking()
    if lacking and os.environ.get(REQUIRE_ALL):
        raise pytest.UsageError(f"{REQUIRE_ALL} is set, and libraries are missing: {lacking}")


def pytest_ignore_collect(collection_path: Path) -> bool | None:
    """Leave out tests whose library is not installed."""
    return True if any(collection_path == ROOT / "tests" / place for place in _lacking()) else None


def pytest_report_header() -> list[str]:
    """Say what was left out."""
    return [f"not collected: tests/{place} needs {', '.join(names)}" for place, names in _lacking().items()]


@pytest.fixture(scope="session")
def acme_site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Install tests/acme_vetgate into a folder of its own, as a user would install a plugin."""
    site = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-build-isolation"]
    subprocess.run([*command, "--target", str(site), str(ROOT / "tests" / "acme_vetgate")], check=True)
    return site


@pytest.fixture
def acme(acme_site: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Let this process and its children see the stranger's plugin."""
    monkeypatch.syspath_prepend(str(acme_site))
    monkeypatch.setenv("PYTHONPATH", str(acme_site))
    importlib.invalidate_caches()
    yield acme_site
    for name in [name for name in sys.modules if name.startswith("acme_vetgate")]:
        del sys.modules[name]


@pytest.fixture(autouse=True)
def own_cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Keep the user's cache, and the key to it, out of tests."""
    folder = tmp_path_factory.mktemp("cache")
    monkeypatch.setenv("XDG_CACHE_HOME", str(folder))
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path_factory.mktemp("data")))
    return folder


@pytest.fixture(autouse=True)
def outside_of_ci(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let no run of a test speak to the CI service that runs the suite."""
    for variable in ("GITHUB_ACTIONS", "GITHUB_STEP_SUMMARY", "GITLAB_CI"):
        monkeypatch.delenv(variable, raising=False)


@pytest.fixture(scope="session")
def studies() -> ModuleType:
    """Return the module that makes canned studies."""
    return canned_study
