"""What every scanner must hold, as a test class to inherit. Subclasses give the abstract methods."""

from __future__ import annotations

import hashlib
import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from vetgate.domain.artifact import Artifact, Member
from vetgate.domain.errors import UnreadableArtifact
from vetgate.domain.evidence import Finding, Severity
from vetgate.domain.scan import ScanContext
from vetgate.domain.specs import ScannerSpec
from vetgate.probing import probe

_GARBAGE = (
    b"",
    b"hello, I am text",
    bytes(64),
    b"\xff" * 64,
    b"PK\x05\x06" + bytes(18),
    b"PK\x03\x04" + b"\xff" * 60,
    b"\x80\x02",
    b"\x08\x07",
    b"\x89HDF\r\n\x1a\n",
    b"\xff" * 8 + b"{",
)
_CUTS = 12


@dataclass(frozen=True)
class Sample:
    """A model on disk."""

    path: Path
    format: str = ""
    """Format id, as its backend declares it; empty where none opens it."""
    parts: tuple[str, ...] = ()
    """Further files that ship, relative to the folder of `path`."""


class Payload:
    """Writes an empty file when it is unpickled, so that a test sees whether code in a model ran.

    Args:
        mark: The file.
    """

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple[Callable[..., object], tuple[Path]]:
        return Path.touch, (self.mark,)


class ScannerContract(ABC):
    """What a scanner must hold."""

    @abstractmethod
    def spec(self) -> ScannerSpec:
        """Return the spec under test."""

    @abstractmethod
    def harmless(self, folder: Path) -> Sequence[Sample]:
        """Write models of what it recognises that nobody need fear into an empty folder; at least one."""

    @abstractmethod
    def harmful(self, folder: Path, mark: Path) -> Mapping[str, Sample]:
        """Write models by the rule that they break into an empty folder; code in them would write the file `mark`."""

    def scan(self, sample: Sample) -> tuple[Finding, ...]:
        """Scan a sample in this process, as the gate does in a child."""
        files = [sample.path, *(sample.path.parent / part for part in sample.parts)]
        members = tuple(
            Member(name=name, sha256=hashlib.sha256(file.read_bytes()).hexdigest(), size=file.stat().st_size)
            for name, file in zip((sample.path.name, *sample.parts), files, strict=True)
        )
        artifact = Artifact(
            path=str(sample.path), name=sample.path.name, format=sample.format, backend="", members=members
        )
        context = ScanContext(artifact, sample.format, seconds=60.0, memory=2_000_000_000)
        return self.spec().factory().scan(context)

    def test_every_rule_says_why_and_what_to_do(self) -> None:
        rules = self.spec().rules
        assert len({rule.id for rule in rules}) == len(rules)
        for rule in rules:
            assert re.fullmatch(r"[A-Z]+[0-9]+", rule.id), rule.id
            for text in (rule.title, rule.why, rule.advice):
                assert text.strip(), rule.id
                assert text.isprintable(), rule.id
            assert isinstance(rule.severity, Severity)

    def test_what_is_harmless_is_recognised_and_clean(self, tmp_path: Path) -> None:
        samples = self.harmless(tmp_path)
        assert samples
        for sample in samples:
            assert self.spec().recognise(probe(sample.path)), sample.path.name
            assert self.scan(sample) == (), sample.path.name

    def test_what_is_harmful_is_found_and_not_run(self, tmp_path: Path) -> None:
        mark = tmp_path / "mark"
        (tmp_path / "models").mkdir()
        for rule, sample in self.harmful(tmp_path / "models", mark).items():
            assert self.spec().recognise(probe(sample.path)), rule
            found = self.scan(sample)
            assert rule in {finding.rule for finding in found}, f"{rule}: {found}"
            assert all(finding.message.strip() for finding in found), rule
        assert not mark.exists()

    def test_it_finds_only_what_it_declares(self, tmp_path: Path) -> None:
        declared = {rule.id for rule in self.spec().rules}
        for sample in self.harmful(tmp_path, tmp_path / "mark").values():
            assert {finding.rule for finding in self.scan(sample)} <= declared

    def test_it_leaves_files_as_they_are(self, tmp_path: Path) -> None:
        samples = self.harmless(tmp_path)
        before = {file: file.read_bytes() for file in tmp_path.rglob("*") if file.is_file()}
        for sample in samples:
            self.scan(sample)
        assert {file: file.read_bytes() for file in tmp_path.rglob("*") if file.is_file()} == before

    @pytest.mark.parametrize("content", _GARBAGE)
    def test_garbage_ends_in_an_answer(self, tmp_path: Path, content: bytes) -> None:
        file = tmp_path / "garbage"
        file.write_bytes(content)
        recognised = self.spec().recognise(probe(file))
        assert isinstance(recognised, bool)
        if recognised:
            self._ask(Sample(file))

    def test_a_file_that_is_cut_off_ends_in_an_answer(self, tmp_path: Path) -> None:
        for sample in self.harmless(tmp_path):
            content = sample.path.read_bytes()
            for cut in range(_CUTS):
                sample.path.write_bytes(content[: len(content) * cut // _CUTS])
                if self.spec().recognise(probe(sample.path)):
                    self._ask(sample)

    def _ask(self, sample: Sample) -> None:
        try:
            self.scan(sample)
        except UnreadableArtifact as error:
            told = error.message.strip()
            if not told:
                raise AssertionError("it does not say what is wrong with the file") from error
