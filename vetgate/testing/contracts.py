"""What every plugin of a kind must hold, as test classes to inherit. Subclasses give the abstract methods."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from vetgate.artifacts import Vault
from vetgate.domain.artifact import Artifact
from vetgate.domain.card import Card
from vetgate.domain.check import (
    Ask,
    Question,
)
from vetgate.domain.errors import Inconclusive, UnreadableArtifact
from vetgate.domain.evidence import (
    LABEL,
    Exact,
    Of,
    Slice,
)
from vetgate.domain.model import Model, OpenOptions, TappedModel
from vetgate.domain.report import ReportSet
from vetgate.domain.specs import BackendSpec, CheckSpec, DataSourceSpec, ReporterSpec

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True)
class Example:
    """A small model of a backend's format."""

    path: Path
    card: Card
    images: NDArray[np.float32]
    """(N, ...) as the card's layout says, normalised; N at least 3."""
    expected: NDArray[np.float32]
    """(N, C) raw outputs."""
    tolerance: float = 1e-5
    architecture: str | None = None


class BackendContract(ABC):
    """What a backend must hold."""

    @abstractmethod
    def spec(self) -> BackendSpec:
        """Return the spec under test."""

    @abstractmethod
    def example(self, folder: Path) -> Example:
        """Write a small model into a folder."""

    def _take(self, vault: Vault, path: Path) -> Artifact:
        return vault.take(str(path), [self.spec()])

    def _options(self, example: Example) -> OpenOptions:
        return OpenOptions(threads=1, batch_size=len(example.images), architecture=example.architecture)

    def test_the_format_is_told_by_content_and_not_by_suffix(self, tmp_path: Path) -> None:
        example = self.example(tmp_path)
        renamed = example.path.rename(example.path.with_name("model.bin"))
        with Vault() as vault:
            assert self._take(vault, renamed).backend == self.spec().name

    @pytest.mark.parametrize("content", [b"hello, I am text", b"\0" * 64, b"PK\x05\x06" + b"\0" * 18, b"\x08\x07"])
    def test_garbage_is_not_recognised(self, tmp_path: Path, content: bytes) -> None:
        (tmp_path / "garbage").write_bytes(content)
        with Vault() as vault, pytest.raises(Inconclusive):
            self._take(vault, tmp_path / "garbage")

    def test_the_parts_of_a_damaged_file_are_told_or_refused(self, tmp_path: Path) -> None:
        """The gate asks for them in its own process, before the scan."""
        content = self.example(tmp_path).path.read_bytes()
        damaged = [content[: len(content) * cut // 8] for cut in range(8)]
        places = range(0, min(len(content), 64), 8)
        damaged += [content[:place] + b"\xff" * 8 + content[place + 8 :] for place in places]
        for known in self.spec().formats:
            for number, each in enumerate(damaged if known.members is not None else ()):
                file = tmp_path / f"damaged{number}"
                file.write_bytes(each)
                with suppress(UnreadableArtifact):
                    parts = known.members(file) if known.members is not None else ()
                    assert all(isinstance(part, str) for part in parts)

    def test_what_it_describes_can_be_sent_between_processes(self, tmp_path: Path) -> None:
        example = self.example(tmp_path)
        with Vault() as vault:
            structure = (
                self.spec().factory().describe(self._take(vault, example.path), example.card, self._options(example))
            )
        assert type(structure).model_validate_json(structure.model_dump_json()) == structure
        assert all(0 <= tensor.nonzero <= tensor.elements for tensor in structure.tensors)
        assert all(tensor.distinct <= max(tensor.elements, 1) for tensor in structure.tensors)

    def test_it_answers_as_the_model_does(self, tmp_path: Path) -> None:
        example = self.example(tmp_path)
        answers = self._predict(example, example.images)
        assert answers.dtype == np.float32
        np.testing.assert_allclose(answers, example.expected, atol=example.tolerance, rtol=example.tolerance)

    def test_an_image_is_answered_alike_alone_and_in_a_batch(self, tmp_path: Path) -> None:
        example = self.example(tmp_path)
        alone = self._predict(example, example.images[1:2])
        np.testing.assert_allclose(alone, example.expected[1:2], atol=example.tolerance, rtol=example.tolerance)

    def test_a_truncated_file_is_an_error_that_says_so(self, tmp_path: Path) -> None:
        example = self.example(tmp_path)
        content = example.path.read_bytes()
        example.path.write_bytes(content[: len(content) // 2])
        with Vault() as vault, pytest.raises(Inconclusive):
            artifact = self._take(vault, example.path)
            with self.spec().factory().open(artifact, example.card, self._options(example)) as model:
                model.predict(example.images)

    def test_inner_tensors_are_named_once_and_come_as_they_are_told(self, tmp_path: Path) -> None:
        example = self.example(tmp_path)
        with self._opened(example) as model:
            if not isinstance(model, TappedModel):
                pytest.skip("it shows no inner tensors")
            taps = model.taps()
            assert model.taps() == taps, "they must not change from call to call"
            names = [tap.name for tap in taps]
            assert names
            assert len(set(names)) == len(names)
            assert [tap.layer for tap in taps] == sorted(tap.layer for tap in taps)
            assert sum(tap.weighted for tap in taps) <= taps[-1].layer
            assert sum(tap.features for tap in taps) <= 1
            assert sum(tap.spatial for tap in taps) <= 1
            found = model.capture(example.images, names)
            for tap in taps:
                assert found[tap.name].shape == (len(example.images), *tap.shape), tap.name
                assert found[tap.name].dtype == np.float32
            with pytest.raises(Inconclusive):
                model.capture(example.images, ["no such tensor"])

    def test_inner_tensors_are_alike_alone_and_in_a_batch_and_leave_answers_as_they_are(self, tmp_path: Path) -> None:
        example = self.example(tmp_path)
        with self._opened(example) as model:
            if not isinstance(model, TappedModel):
                pytest.skip("it shows no inner tensors")
            names = [tap.name for tap in model.taps()]
            together, alone = (model.capture(images, names) for images in (example.images, example.images[1:2]))
            for name in names:
                bound = example.tolerance * max(1.0, float(np.abs(together[name]).max()))
                np.testing.assert_allclose(alone[name], together[name][1:2], atol=bound, rtol=example.tolerance)
            answers = model.predict(example.images)
            np.testing.assert_allclose(answers, example.expected, atol=example.tolerance, rtol=example.tolerance)

    @contextmanager
    def _opened(self, example: Example) -> Iterator[Model]:
        with Vault() as vault:
            artifact = self._take(vault, example.path)
            with self.spec().factory().open(artifact, example.card, self._options(example)) as model:
                yield model

    def test_what_runs_is_told_by_a_name_that_can_be_asked_for(self, tmp_path: Path) -> None:
        known = set(self.spec().providers)
        with self._opened(self.example(tmp_path)) as model:
            ran = model.execution
        assert not known or {place.provider for place in ran.placed} <= known
        assert not known or ran.placed or ran.provider in known
        assert set(self.spec().accelerators) <= known

    def _predict(self, example: Example, images: NDArray[np.float32]) -> NDArray[np.float32]:
        with self._opened(example) as model:
            return model.predict(images)


class CheckContract(ABC):
    """What a check must hold."""

    @abstractmethod
    def spec(self) -> CheckSpec[Any]:
        """Return the spec under test."""

    @abstractmethod
    def context(self) -> Any:  # noqa: ANN401  # what the check's need says
        """Return a context that it can measure."""

    def _ask(self) -> Ask:
        """Return the questions of rules on every figure, with a confidence where one may be asked for."""
        sliced = [(metric.id, metric.columns or (LABEL,)) for metric in self.spec().metrics if metric.sliced]
        questions = [
            Question(metric=metric.id, of=role, confidence=0.95 if role in metric.bounded else None)
            for metric in self.spec().metrics
            for role in metric.roles
        ]
        questions += [
            Question(metric=name, of=Of.CANDIDATE, slice=Slice(by=by)) for name, columns in sliced for by in columns
        ]
        return Ask(questions=tuple(questions))

    def test_it_measures_only_what_it_declares(self) -> None:
        declared = {metric.id: metric for metric in self.spec().metrics}
        for figure in self.spec().factory().measure(self.context(), self._ask()).measurements:
            spec = declared[figure.metric]
            assert figure.role in spec.roles
            assert figure.better in (spec.better, "neither") or figure.role == "ratio"

    def test_figures_that_may_carry_a_confidence_state_their_uncertainty(self) -> None:
        declared = {metric.id: metric for metric in self.spec().metrics}
        for figure in self.spec().factory().measure(self.context(), self._ask()).measurements:
            if figure.role in declared[figure.metric].bounded:
                assert figure.uncertainty.kind != "none", figure.metric

    def test_figures_that_a_run_may_stop_early_on_come_as_counts_at_every_look(self) -> None:
        declared = {metric.id: metric for metric in self.spec().metrics}
        glance = self._ask().model_copy(update={"glance": True})
        for ask in (self._ask(), glance):
            for figure in self.spec().factory().measure(self.context(), ask).measurements:
                if figure.role in declared[figure.metric].counted:
                    assert figure.uncertainty.kind in ("counts", "paired_counts"), figure.metric

    def test_what_needs_live_models_says_what_ran(self) -> None:
        results = self.spec().factory().measure(self.context(), self._ask())
        if any(metric.live for metric in self.spec().metrics):
            assert results.ran is not None

    def test_the_same_context_gives_the_same_figures(self) -> None:
        first, second = (self.spec().factory().measure(self.context(), self._ask()) for _ in range(2))
        exact = [figure for figure in first.measurements if not isinstance(figure.uncertainty, Exact)]
        assert [figure.metric for figure in first.measurements] == [figure.metric for figure in second.measurements]
        assert all(figure in second.measurements for figure in exact)


class DataSourceContract(ABC):
    """What a data source must hold."""

    @abstractmethod
    def spec(self) -> DataSourceSpec:
        """Return the spec under test."""

    @abstractmethod
    def write(self, folder: Path) -> Path:
        """Write a small data set with at least two images and return its path."""

    def test_it_recognises_its_own_and_nothing_else(self, tmp_path: Path) -> None:
        text = tmp_path / "notes.txt"
        text.write_text("no images here", encoding="utf-8")
        assert not self.spec().recognise(text)
        (tmp_path / "set").mkdir()
        assert self.spec().recognise(self.write(tmp_path / "set"))

    def test_the_list_is_the_same_each_time_and_ids_are_unique(self, tmp_path: Path) -> None:
        path = self.write(tmp_path)
        first, second = self.spec().factory(path).samples, self.spec().factory(path).samples
        assert list(first.ids) == list(second.ids)
        assert list(first.digests) == list(second.digests)
        assert len(set(first.ids)) == len(first.ids) == len(first.digests) >= 2

    def test_images_come_as_eight_bit_pixels(self, tmp_path: Path) -> None:
        opened = self.spec().factory(self.write(tmp_path))
        for index in range(len(opened.samples)):
            pixels = opened.read(index)
            assert pixels.dtype == np.uint8
            assert pixels.ndim == 2 or (pixels.ndim == 3 and pixels.shape[2] == 3)


class ReporterContract(ABC):
    """What a reporter must hold."""

    @abstractmethod
    def spec(self) -> ReporterSpec:
        """Return the spec under test."""

    @abstractmethod
    def reports(self) -> ReportSet:
        """Return reports to write."""

    def test_the_decision_is_told(self) -> None:
        content = self.spec().factory().render(self.reports())
        text = content.decode() if isinstance(content, bytes) else content
        assert self.reports().decision.value in text.lower()

    def test_the_same_reports_give_the_same_document(self) -> None:
        assert self.spec().factory().render(self.reports()) == self.spec().factory().render(self.reports())
