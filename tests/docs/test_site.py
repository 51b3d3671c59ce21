"""The documentation builds without a warning, and every link in it leads somewhere."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest
import yaml

from tests.docs.doc_blocks import ROOT, pages


class _Page(HTMLParser):
    """What a page of the site links to, loads and can be linked at."""

    def __init__(self) -> None:
        super().__init__()
        self.links: list[str] = []
        self.loads: list[str] = []
        self.anchors: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        self.anchors |= {given[name] for name in ("id", "name") if name in given}
        if tag == "a" and "href" in given:
            self.links.append(given["href"])
        if tag in ("img", "script", "iframe", "source") and "src" in given:
            self.loads.append(given["src"])
        if tag == "link" and given.get("rel") in ("stylesheet", "icon", "preload", "modulepreload"):
            self.loads.append(given["href"])


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> dict[Path, _Page]:
    """Build the site in a copy, so that the checkout stays as it is; return its pages."""
    copy = tmp_path_factory.mktemp("site")
    shutil.copy(ROOT / "mkdocs.yml", copy)
    shutil.copytree(ROOT / "docs", copy / "docs")
    build = [sys.executable, "-m", "zensical", "build", "--strict"]
    done = subprocess.run(build, cwd=copy, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    folder = copy / "build" / "site"
    return {page.relative_to(folder): _parsed(page) for page in sorted(folder.rglob("*.html"))} | _files(folder)


def _parsed(path: Path) -> _Page:
    page = _Page()
    page.feed(path.read_text(encoding="utf-8"))
    return page


def _files(folder: Path) -> dict[Path, _Page]:
    others = (path for path in folder.rglob("*") if path.is_file() and path.suffix != ".html")
    return {path.relative_to(folder): _Page() for path in others}


def _dead(site: dict[Path, _Page], page: Path, link: str) -> bool:
    parts = urlsplit(link)
    if parts.scheme or parts.netloc or link.startswith("/"):
        return False
    parent = page.parent / unquote(parts.path) if parts.path else page
    steps: list[str] = []
    for step in parent.parts:
        steps = steps[:-1] if step == ".." else [*steps, step]
    target = Path(*steps)
    target = target / "index.html" if target / "index.html" in site else target
    known = site.get(target)
    return known is None or bool(parts.fragment and parts.fragment not in known.anchors)


def test_every_link_of_the_site_leads_somewhere(site: dict[Path, _Page]) -> None:
    dead = [
        f"{page}: {link}"
        for page, found in site.items()
        if page.name != "404.html"
        for link in [*found.links, *found.loads]
        if _dead(site, page, link)
    ]
    assert not dead


def test_the_site_loads_nothing_from_elsewhere(site: dict[Path, _Page]) -> None:
    assert not {load for page in site.values() for load in page.loads if urlsplit(load).netloc}


def test_every_page_stands_in_the_navigation() -> None:
    config = yaml.safe_load((ROOT / "mkdocs.yml").read_text(encoding="utf-8"))
    listed = {name for part in config["nav"] for name in _names(part)}
    assert listed == {path.relative_to(ROOT / "docs").as_posix() for path in (ROOT / "docs").rglob("*.md")}


def _names(part: Any) -> list[str]:  # a page, or pages by title, or a list of either
    if isinstance(part, str):
        return [part]
    return [name for each in (part.values() if isinstance(part, dict) else part) for name in _names(each)]


def test_links_between_files_of_the_repository_lead_somewhere() -> None:
    dead = []
    for page in pages():
        text = re.sub(r"```.*?```|`[^`\n]*`", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)
        for link in re.findall(r"\]\(([^)\s]+)\)", text):
            path = urlsplit(link)
            if not path.scheme and path.path and not (page.parent / unquote(path.path)).exists():
                dead.append(f"{page.relative_to(ROOT)}: {link}")
    assert not dead
