"""Pages in a real browser, looked at once for all tests of what it saw."""

from __future__ import annotations

import fcntl
import json
import os
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.plugins.html import conftest as shared

ROOT = Path(__file__).parents[2]
HERE = Path(__file__).parent
KEPT = ROOT / "build" / "screenshots"
"""Where screenshots and prints are kept for who wants to look at them."""
SECONDS = 300


canned, stopped, poisoned, illustrated = shared.canned, shared.stopped, shared.poisoned, shared.illustrated

Look = Callable[[Callable[[], Mapping[str, str]]], dict[str, Any]]


@pytest.fixture(scope="session")
def look(need: Callable[..., str], tmp_path_factory: pytest.TempPathFactory) -> Look:
    """Return what opens pages, by name, in chromium, and tells what it saw of each; screenshots are kept.

    Where several processes share the tests (pytest -n), the first one looks for all.
    """
    node, chromium = need("node"), need("chromium", "chromium-browser", "google-chrome")
    packages = (HERE / "node_modules" / "axe-core").is_dir()
    need("playwright-core", there=packages, hint="npm ci --prefix tests/browser")
    run = os.environ.get("PYTEST_XDIST_TESTRUNUID")
    folder = tmp_path_factory.getbasetemp().parent / f"pages-{run}" if run else tmp_path_factory.mktemp("pages")

    def once(draw: Callable[[], Mapping[str, str]]) -> dict[str, Any]:
        folder.mkdir(exist_ok=True)
        told = folder / "seen.json"
        with (folder / "lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not told.exists():
                told.write_text(_looked([node, str(HERE / "look.mjs"), chromium, str(KEPT)], folder, draw()))
        seen: dict[str, Any] = json.loads(told.read_text())
        return seen

    return once


def _looked(command: list[str], folder: Path, pages: Mapping[str, str]) -> str:
    """Return what the browser saw of pages, as JSON."""
    files = [folder / f"{name}.html" for name in pages]
    for file, page in zip(files, pages.values(), strict=True):
        file.write_text(page, encoding="utf-8")
    KEPT.mkdir(parents=True, exist_ok=True)
    done = subprocess.run([*command, *map(str, files)], capture_output=True, text=True, timeout=SECONDS, cwd=HERE)
    assert done.returncode == 0, done.stderr
    return done.stdout
