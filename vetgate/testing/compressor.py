"""What every compressor must hold, as a test class to inherit. Subclasses give the abstract methods."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from vetgate.artifacts import Vault
from vetgate.domain.compress import Bench, Made
from vetgate.domain.errors import UsageError
from vetgate.domain.model import OpenOptions
from vetgate.domain.setting import read_settings
from vetgate.domain.specs import CompressorSpec
from vetgate.host import find_plugins

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True)
class _Run:
    """One variant that was made."""

    bench: Bench
    source: bytes
    """Of the file that it was made from, before."""
    made: Made
    told: list[tuple[str, int, int]]

    @property
    def content(self) -> bytes:
        return self.bench.output.read_bytes()


class CompressorContract(ABC):
    """What a compressor must hold. Needs the extra `onnx`, for variants are opened as the gate opens them."""

    @abstractmethod
    def spec(self) -> CompressorSpec:
        """Return the spec under test."""

    @abstractmethod
    def bench(self, folder: Path) -> Bench:
        """Return what one step of it may use, on a small model: settings that it takes, files below `folder`."""

    @abstractmethod
    def images(self) -> NDArray[np.float32]:
        """Return three images as the bench's model takes them."""

    def _make(self, folder: Path) -> _Run:
        folder.mkdir()
        told: list[tuple[str, int, int]] = []
        bench = replace(self.bench(folder), tell=lambda what, done, total: told.append((what, done, total)))
        source = bench.source.read_bytes() if bench.source.exists() else b""
        return _Run(bench, source, self.spec().factory().compress(bench), told)

    def _predict(self, bench: Bench) -> NDArray[np.float32]:
        backends = {spec.name: spec for spec in find_plugins().backends()}
        with Vault() as vault:
            artifact = vault.take(str(bench.output), list(backends.values()))
            assert artifact.format == "onnx"
            options = OpenOptions(threads=1, batch_size=3)
            with backends[artifact.backend].factory().open(artifact, bench.card, options) as model:
                return model.predict(self.images())

    def test_what_it_writes_opens_in_vetgate_and_answers(self, tmp_path: Path) -> None:
        run = self._make(tmp_path / "first")
        answers = self._predict(run.bench)
        assert answers.shape[0] == 3
        assert answers.ndim == 2
        assert np.isfinite(answers).all()

    def test_the_same_seed_gives_the_same_file_and_leaves_its_source_alone(self, tmp_path: Path) -> None:
        first, second = self._make(tmp_path / "first"), self._make(tmp_path / "second")
        assert first.content == second.content
        assert first.made.notes == second.made.notes
        if first.source:
            assert first.bench.source.read_bytes() == first.source

    def test_it_tells_how_far_it_is_and_what_a_reader_must_know(self, tmp_path: Path) -> None:
        run = self._make(tmp_path / "first")
        assert run.told
        assert all(what and 0 <= done <= total for what, done, total in run.told)
        assert run.made.notes
        assert all(note.strip() and "\n" not in note for note in run.made.notes)
        assert Made.model_validate_json(run.made.model_dump_json()) == run.made

    def test_neither_file_nor_notes_tell_where_it_was_made(self, tmp_path: Path) -> None:
        run = self._make(tmp_path / "first")
        assert str(tmp_path).encode() not in run.content
        assert not any(str(tmp_path) in note for note in run.made.notes)

    def test_a_setting_that_it_does_not_know_is_refused_by_name(self, tmp_path: Path) -> None:
        bench = self.bench(tmp_path)
        bench = replace(bench, settings={**bench.settings, "no-such-setting": 1})
        with pytest.raises(UsageError, match="no-such-setting"):
            self.spec().factory().compress(bench)
        assert not bench.output.exists()

    def test_its_recipes_begin_with_itself_and_have_names_of_their_own(self) -> None:
        recipes = self.spec().recipes
        assert len({recipe.name for recipe in recipes}) == len(recipes)
        assert len({(recipe.family, recipe.label) for recipe in recipes}) == len(recipes)
        assert all(recipe.steps[0].compressor == self.spec().name for recipe in recipes)
        assert all(Path(recipe.name).name == recipe.name for recipe in recipes)

    def test_what_it_declares_of_its_settings_allows_what_its_recipes_state(self) -> None:
        declared = self.spec().settings
        for recipe in self.spec().recipes:
            if declared is not None:
                read_settings(self.spec().name, recipe.steps[0].settings, declared)
        assert len({spec.name for spec in declared or ()}) == len(declared or ())
        assert all(spec.help and (spec.default is None or spec.holds(spec.default)) for spec in declared or ())
