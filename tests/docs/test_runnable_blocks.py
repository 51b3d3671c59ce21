"""Pages do what they say: files that they show are written, and blocks marked as runnable run, in the example's folder.

<!-- file: PATH -->            the block is a file; it is written before what follows on the page
<!-- run -->                   a shell block that succeeds
<!-- run: exit 1 -->           one that ends with this code
<!-- run: prints -->           one whose output holds every line that the page shows without a prompt
<!-- run: exit 1, prints -->   both
"""

from __future__ import annotations

import doctest
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.docs.doc_blocks import ROOT, Block, blocks, pages, script
from vetgate.hookspecs import Hooks

FASHION = ROOT / "examples" / "fashion"
SERVICES = ("CI", "GITHUB_", "GITLAB_", "VETGATE_")
"""Begins variables of a CI service that this suite may run in, and settings."""
RUN = re.compile(r"run(?:: (?:exit (?P<code>\d+))?(?:, )?(?P<prints>prints)?)?")
RUNNABLE = [page for page in pages() if any(RUN.fullmatch(block.mark) for block in blocks(page))]
DOCTESTS = [page for page in pages() if any(block.language == "pycon" for block in blocks(page))]
DECLARING = [block for page in pages() for block in blocks(page) if block.mark == "exec"]


@pytest.fixture(scope="session")
def variables(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Return an environment with a cache of its own that all pages share."""
    folder = tmp_path_factory.mktemp("home")
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}"
    own = {"PATH": path, "XDG_CACHE_HOME": str(folder / "cache"), "XDG_DATA_HOME": str(folder / "data")}
    outer = {name: value for name, value in os.environ.items() if not name.startswith(SERVICES)}
    return {**outer, **own, "VETGATE_KEY_PASSWORD": "correct horse battery staple"}


def _run(block: Block, folder: Path, variables: dict[str, str]) -> None:
    found = RUN.fullmatch(block.mark)
    assert found is not None
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script(block)],
        cwd=folder,
        env=variables,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=300,
    )
    assert done.returncode == int(found["code"] or 0), f"{block}\n{done.stdout[-4000:]}"
    if found["prints"]:
        shown = [line for line in block.text.splitlines() if line.strip() and not line.startswith("$ ")]
        told = {line.strip() for line in done.stdout.splitlines()}
        lacking = [line for line in shown if line.strip() not in told]
        assert not lacking, f"{block}: not printed: {lacking}\n{done.stdout[-4000:]}"


@pytest.mark.parametrize("page", RUNNABLE, ids=lambda page: str(page.relative_to(ROOT)))
def test_a_page_does_what_it_says(page: Path, tmp_path: Path, variables: dict[str, str]) -> None:
    folder = tmp_path / "fashion"
    shutil.copytree(FASHION, folder, ignore=shutil.ignore_patterns("__pycache__", "made", "study"))
    for block in blocks(page):
        if block.mark.startswith("file: "):
            file = folder / block.mark.removeprefix("file: ")
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(block.text, encoding="utf-8")
        elif RUN.fullmatch(block.mark):
            _run(block, folder, variables)


@pytest.mark.parametrize("block", DECLARING, ids=str)
def test_a_plugin_that_a_page_shows_declares(block: Block) -> None:
    names: dict[str, Any] = {"__name__": "shown"}
    exec(compile(block.text, str(block), "exec"), names)  # noqa: S102  # our own pages
    hooks = {name: hook for name, hook in names.items() if name.startswith("vetgate_")}
    assert hooks
    for name, hook in hooks.items():
        assert hasattr(Hooks, name), f"there is no hook {name}"
        if name != "vetgate_observe":
            assert all(type(spec).__name__.endswith("Spec") and spec.summary for spec in hook())


@pytest.mark.parametrize("page", DOCTESTS, ids=lambda page: str(page.relative_to(ROOT)))
def test_what_sessions_of_python_show_is_what_they_print(page: Path) -> None:
    text = "\n".join(block.text for block in blocks(page) if block.language == "pycon")
    test = doctest.DocTestParser().get_doctest(text, {}, page.name, str(page), 0)
    told: list[str] = []
    found = doctest.DocTestRunner(verbose=False).run(test, out=told.append)
    assert found.attempted > 0
    assert not found.failed, "".join(told)


def test_marks_are_known() -> None:
    known = re.compile(
        rf"{RUN.pattern}|exec|file: \S+|refused(?:: .+)?|vetgate\.yaml|not a command|command: \w+|written by .*"
    )
    for page in pages():
        marks = [block.mark for block in blocks(page) if block.mark]
        assert [mark for mark in marks if not known.fullmatch(mark)] == []


def test_pages_have_blocks_that_run() -> None:
    assert len(RUNNABLE) >= 5
    assert DOCTESTS
