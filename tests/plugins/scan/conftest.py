from __future__ import annotations

import hashlib
import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from vetgate_scan.plugin import vetgate_scanners

from vetgate.api import Artifact, Finding, Member, ScanContext, Severity
from vetgate.probing import probe
from vetgate.testing.scanner import Sample

Scan = Callable[[Sample], tuple[Finding, ...]]
ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="session")
def scan() -> Scan:
    """Scan a sample as the gate does: with everybody who recognises one of its files."""

    def read(sample: Sample) -> tuple[Finding, ...]:
        files = [sample.path, *(sample.path.parent / part for part in sample.parts)]
        members = tuple(
            Member(name=name, sha256=hashlib.sha256(file.read_bytes()).hexdigest(), size=file.stat().st_size)
            for name, file in zip((sample.path.name, *sample.parts), files, strict=True)
        )
        artifact = Artifact(
            path=str(sample.path), name=sample.path.name, format=sample.format, backend="", members=members
        )
        context = ScanContext(artifact, sample.format, seconds=60.0, memory=2_000_000_000)
        looks = [probe(file) for file in files]
        called = [spec for spec in vetgate_scanners() if any(map(spec.recognise, looks))]
        assert called, f"nobody reads {sample.path.name}"
        return tuple(finding for spec in called for finding in spec.factory().scan(context))

    return read


@pytest.fixture(scope="session")
def is_grave() -> Callable[[Finding], bool]:
    """Tell findings that end a run before anything is opened."""
    return lambda finding: finding.severity >= Severity.HIGH


class Watch:
    """What a scan did that no scan may do, told by the interpreter's own audit events."""

    FORBIDDEN = frozenset(
        {"os.system", "os.exec", "subprocess.Popen", "socket.connect", "ctypes.dlopen", "pickle.find_class", "exec"}
    )

    def __init__(self) -> None:
        self.folder: Path | None = None
        self.seen: list[str] = []

    def hear(self, event: str, arguments: tuple[object, ...]) -> None:
        if self.folder is None:
            return
        if event in self.FORBIDDEN:
            self.seen.append(event)
        if event == "open" and isinstance(arguments[0], str | bytes):
            place = Path(os.fsdecode(arguments[0])).resolve()
            if not place.is_relative_to(self.folder) and not place.is_relative_to(ROOT / "plugins"):
                self.seen.append(f"open {place}")


@pytest.fixture(scope="session")
def _watch() -> Watch:
    watch = Watch()
    sys.addaudithook(watch.hear)  # there is no taking it away again, so there is one
    return watch


@pytest.fixture
def watched(_watch: Watch, scan: Scan, tmp_path: Path) -> Callable[[Sample], tuple[Finding, ...]]:
    """Scan as `scan` does, and assert that nothing ran and that no file outside of the sample's folder was opened."""

    def read(sample: Sample) -> tuple[Finding, ...]:
        scan(sample)  # whatever is imported late is imported now
        _watch.seen.clear()
        _watch.folder = sample.path.parent.resolve()
        try:
            found = scan(sample)
        finally:
            _watch.folder = None
        assert not _watch.seen, _watch.seen
        return found

    return read
