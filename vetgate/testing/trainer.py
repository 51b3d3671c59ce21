"""What every check that trains must hold, as a test class to inherit. Subclasses give the abstract methods."""

from __future__ import annotations

from abc import abstractmethod
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest

from vetgate.domain.check import Need, Results
from vetgate.domain.errors import Inconclusive
from vetgate.domain.trainer import CandidateSeen, ImageSet, TrainerContext
from vetgate.testing.contracts import CheckContract


class TrainerCheckContract(CheckContract):
    """What a check that trains must hold, besides what every check does."""

    @abstractmethod
    def lesson(self, shelf: Path) -> TrainerContext:
        """Return a small context that it can measure, its seed and images the same each time.

        Args:
            shelf: An empty folder.
        """

    @pytest.fixture(autouse=True)
    def _own_shelf(self, tmp_path: Path) -> None:
        self._folder = tmp_path

    def context(self) -> TrainerContext:
        """Return the lesson, its shelf the same throughout one test."""
        return self.lesson(self._shelf("shelf"))

    def _shelf(self, name: str) -> Path:
        folder = self._folder / name
        folder.mkdir(exist_ok=True)
        return folder

    def _measure(self, context: TrainerContext) -> Results:
        return self.spec().factory().measure(context, self._ask())

    def test_it_says_that_it_trains(self) -> None:
        assert self.spec().needs is Need.TRAINER

    def test_what_it_finds_can_be_sent_between_processes(self) -> None:
        found = self._measure(self.context())
        assert Results.model_validate_json(found.model_dump_json()) == found

    def test_it_tells_how_far_it_is(self) -> None:
        told: list[tuple[str, int, int]] = []
        self._measure(replace(self.context(), tell=lambda what, done, total: told.append((what, done, total))))
        assert told
        assert all(what and 0 <= done <= total for what, done, total in told)

    def test_a_shelf_changes_the_time_that_it_takes_and_no_figure(self) -> None:
        first, again = (self._measure(self.context()) for _ in range(2))
        other = self._measure(self.lesson(self._shelf("another shelf")))
        assert first.measurements == again.measurements == other.measurements

    def test_it_writes_to_the_shelf_alone_and_leaves_no_halves(self) -> None:
        self._measure(self.context())
        assert {path.name for path in self._folder.iterdir()} == {"shelf"}
        assert not [path for path in self._shelf("shelf").rglob("*") if path.is_file() and not path.stat().st_size]

    def test_it_changes_nothing_that_it_was_given(self) -> None:
        context = self.context()
        sets = [images for images in (context.vetted, context.training) if images is not None]
        for images in sets:
            images.pixels.flags.writeable = False
        before = [images.candidate.probabilities.copy() for images in sets]
        self._measure(context)
        assert all((old == images.candidate.probabilities).all() for old, images in zip(before, sets, strict=True))

    @pytest.mark.parametrize("lacking", ["feature map", "labels", "training", "module", "logits"])
    def test_what_nobody_gives_is_done_without_or_told(self, lacking: str) -> None:
        with suppress(Inconclusive):
            assert isinstance(self._measure(_without(self.context(), lacking)), Results)


def _without(context: TrainerContext, what: str) -> TrainerContext:
    match what:
        case "feature map":
            mapless = replace(context, feature_map=None, feature_note="it shows no inner tensors")
            return _each(mapless, ("pooled", "maps"))
        case "logits":
            return _each(context, ("logits",))
        case "labels":
            training = replace(context.training, labels=None) if context.training is not None else None
            return replace(context, vetted=replace(context.vetted, labels=None), training=training)
        case "training":
            return replace(context, training=None)
    return replace(context, candidate=None)


def _each(context: TrainerContext, lacking: tuple[str, ...]) -> TrainerContext:
    def changed(images: ImageSet) -> ImageSet:
        seen = images.candidate
        return replace(
            images,
            candidate=CandidateSeen(
                probabilities=seen.probabilities,
                logits=seen.logits if "logits" not in lacking else None,
                pooled=seen.pooled if "pooled" not in lacking else None,
                maps=seen.maps if "maps" not in lacking else None,
            ),
        )

    training = changed(context.training) if context.training is not None else None
    return replace(context, vetted=changed(context.vetted), training=training)
