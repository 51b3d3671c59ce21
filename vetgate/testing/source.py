"""What every artifact source must hold, as a test class to inherit. Subclasses give the abstract methods."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from pathlib import Path

import pytest

from vetgate.domain.errors import Inconclusive, UsageError
from vetgate.domain.source import FetchContext, FetchedFile, scheme_of
from vetgate.domain.specs import ArtifactSourceSpec

_ODD = ("", "/", "a\x00b", "../../etc/passwd", "%2e%2e/%2e%2e/etc/passwd", "x/1#../../etc/passwd", "x/1#/etc/passwd")


class ArtifactSourceContract(ABC):
    """What a source must hold, on one that can be asked in a test: a server on this machine, or none at all."""

    @abstractmethod
    def spec(self) -> ArtifactSourceSpec:
        """Return the spec under test."""

    @abstractmethod
    def name(self) -> str:
        """Return a name of a model that is there, and that is larger than 16 bytes."""

    @abstractmethod
    def missing(self) -> str:
        """Return a well-formed name of a model that is not there."""

    @abstractmethod
    def content(self) -> bytes:
        """Return what that model's file holds."""

    def _context(self, folder: Path, **changed: object) -> FetchContext:
        folder.mkdir()
        wanted = self.content()

        def recognise(file: Path) -> str | None:
            return "toy" if file.read_bytes() == wanted else None

        given: dict[str, object] = {
            "folder": folder,
            "seconds": 60.0,
            "most_bytes": 1 << 30,
            "most_files": 1000,
            "recognise": recognise,
            "tell": lambda done, total: None,
        }
        return FetchContext(**{**given, **changed})  # type: ignore[arg-type]  # as given above

    def test_schemes_are_ones_that_no_path_begins_with(self) -> None:
        assert self.spec().schemes
        for scheme in self.spec().schemes:
            assert scheme_of(f"{scheme}:/x") == scheme
        assert scheme_of(self.name()) in self.spec().schemes
        assert scheme_of(self.missing()) in self.spec().schemes

    def test_a_model_is_written_as_it_is_into_the_folder_that_is_given(self, tmp_path: Path) -> None:
        fetched = self.spec().factory().fetch(self.name(), self._context(tmp_path / "run"))
        assert isinstance(fetched, FetchedFile)
        assert fetched.file.resolve().is_relative_to((tmp_path / "run").resolve())
        assert fetched.file.read_bytes() == self.content()
        assert not any(entry.is_symlink() for entry in (tmp_path / "run").rglob("*"))
        assert [entry.name for entry in tmp_path.iterdir()] == ["run"]

    def test_what_pins_it_can_stand_in_a_report(self, tmp_path: Path) -> None:
        facts = self.spec().factory().fetch(self.name(), self._context(tmp_path / "run")).facts
        assert all(isinstance(text, str) and text.isprintable() for pair in facts.items() for text in pair)
        assert not any(re.search(r"//[^/]*@", text) for text in facts.values()), "a login in an address"

    def test_a_model_that_is_not_there_is_a_mistake_of_who_named_it(self, tmp_path: Path) -> None:
        with pytest.raises(UsageError):
            self.spec().factory().fetch(self.missing(), self._context(tmp_path / "run"))

    @pytest.mark.parametrize("rest", _ODD)
    def test_a_malformed_name_is_refused_and_leaves_no_folder(self, tmp_path: Path, rest: str) -> None:
        with pytest.raises((UsageError, Inconclusive)):
            self.spec().factory().fetch(f"{self.spec().schemes[0]}:/{rest}", self._context(tmp_path / "run"))
        assert [entry.name for entry in tmp_path.iterdir()] == ["run"]

    def test_more_than_may_be_fetched_is_refused(self, tmp_path: Path) -> None:
        with pytest.raises(Inconclusive):
            self.spec().factory().fetch(self.name(), self._context(tmp_path / "run", most_bytes=16))
        written = sum(entry.stat().st_size for entry in (tmp_path / "run").rglob("*") if entry.is_file())
        assert written <= 16 + (1 << 20), "what was written before it noticed"

    def test_it_stops_once_nobody_waits_any_more(self, tmp_path: Path) -> None:
        def tell(done: int, total: int) -> None:
            raise Inconclusive("nobody waits")

        with pytest.raises(Inconclusive, match="nobody waits"):
            self.spec().factory().fetch(self.name(), self._context(tmp_path / "run", tell=tell))
