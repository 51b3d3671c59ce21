"""Checks that train: everything that they are given is laid out in files, and each measures in a child of its own."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from vetgate import environment
from vetgate.domain.check import Ask, Need, Results
from vetgate.domain.errors import Inconclusive
from vetgate.domain.evidence import Evidence
from vetgate.domain.predictions import Predictions, PredictionTable
from vetgate.domain.structure import Structure
from vetgate.gate.entrant import Entrant
from vetgate.gate.features import FeatureReader, find_feature_map
from vetgate.gate.house import entry_of
from vetgate.gate.lending import lend
from vetgate.gate.run import Run
from vetgate.gate.supplies import Laid, Supplies
from vetgate.host import Kind
from vetgate.inference.assignment import Assignment, ImageFiles
from vetgate.inference.commission import Entry
from vetgate.inference.features import Chosen
from vetgate.inference.table import class_order, make_predictions
from vetgate.inference.teaching import teach
from vetgate.measure import PlannedCheck, run_check

if TYPE_CHECKING:
    from numpy.typing import NDArray

KEEP_SECONDS = 5.0
"""Between two looks at what was trained so far; a run that is killed loses no more than that."""


def explain_disparity(candidate: Entrant, reference: Entrant, table: PredictionTable, run: Run) -> Iterator[Evidence]:
    """Yield the evidence of every check that trains.

    Args:
        candidate: Described.
        reference: Described; its process is ended, for memory, and started again where it must answer more.
        table: Both models' answers.
        run: The plan, the images and what is shared.

    Raises:
        UsageError: What the user names is not there, or data does not fit.
    """
    checks, supplies = run.plan.by_need(Need.TRAINER), run.supplies
    if supplies is None or not any(check.missing is None for check in checks):
        yield from (run_check(check, None) for check in checks)
        return
    folder = supplies.folder / "candidate"
    folder.mkdir(mode=0o700, exist_ok=True)
    lesson = _Lesson(candidate, reference, table, run, supplies, folder)
    try:
        for check in checks:
            run.tell("check", check.spec.name)
            yield run_check(_in_child(check, lesson), None)
    finally:
        lesson.leave_shelf()
        shutil.rmtree(folder, ignore_errors=True)
        run.house.cache.prune()


def _in_child(check: PlannedCheck, lesson: _Lesson) -> PlannedCheck:
    return replace(check, spec=replace(check.spec, factory=lambda: _Pupil(check, lesson)))


@dataclass(frozen=True)
class _Pupil:
    """A check that measures in a child. Implements Check, and looks at no context."""

    planned: PlannedCheck
    lesson: _Lesson

    def measure(self, context: None, ask: Ask) -> Results:
        """Return what the check finds, in a process of its own."""
        lesson, name = self.lesson, self.planned.spec.name
        order = lesson.assign(name, ask)
        limits, supplies = lesson.run.request.limits, lesson.supplies
        patience, strict = limits.seconds, lesson.run.house.walled
        return teach(
            f"{name} of {lesson.candidate.name}", order, patience, lesson.tell, supplies.labeller, strict=strict
        )


@dataclass(frozen=True)
class _Lesson:
    """What all checks that train are given for one candidate."""

    candidate: Entrant
    reference: Entrant
    table: PredictionTable
    run: Run
    supplies: Supplies
    folder: Path
    """Private, and this candidate's."""

    def tell(self, what: str, done: int, total: int) -> None:
        """Tell the run how far it is; what was trained by then is there for a run that goes on where this one ended."""
        self.run.tell("explain", f"{self.candidate.path}: {what}", done, total)
        self._keeper.keep()

    def leave_shelf(self) -> None:
        """Let another run have what was trained for the reference."""
        self._keeper.leave()

    def assign(self, check: str, ask: Ask) -> Assignment:
        """Return what one check is given.

        Raises:
            VetgateError: A model cannot be lent, or nobody offers the check.
        """
        offer = self.run.host.offer(Kind.CHECK, check)
        if offer is None:
            raise Inconclusive(f"the check {check!r} is not on offer")
        return self._common.model_copy(update={"entry": entry_of(self.run.host, offer), "check": check, "ask": ask})

    @cached_property
    def _common(self) -> Assignment:
        """Everything but the check; laid out once."""
        request, candidate, reference = self.run.request, self.candidate, self.reference
        threads = request.threads or environment.cores()
        house, architecture = self.run.house, request.architecture
        shelf = self._shelf()  # first, so that what is kept from here on does not push it out
        vetted, training, chosen = self._lay_out()
        for entrant in (candidate, reference):
            entrant.close()  # what trains gets their memory
        structure, labeller = candidate.structure, self.supplies.labeller
        return Assignment(
            entry=Entry(plugin="", value="", group=""),
            check="",
            ask=Ask(),
            reference=lend(reference, house, architecture, threads),
            candidate=lend(candidate, house, architecture, threads),
            candidate_name=candidate.path,
            classes=self.table.classes,
            feature_map=chosen.tap,
            feature_note=chosen.note,
            vetted=vetted,
            training=training,
            concepts=self._vetted.concepts,
            tuning=request.tuning,
            labeller=labeller.about if labeller is not None else None,
            shelf=str(shelf),
            reference_key=reference.key("what is trained for it"),
            candidate_key=candidate.key("what is trained for it", tap=chosen.tap.name if chosen.tap else None),
            candidate_parameters=_parameters(structure),
            candidate_macs=structure.macs if structure is not None else None,
            seed=request.seed,
            threads=threads,
            memory=house.memory,
        )

    @cached_property
    def _keeper(self) -> _Keeper:
        return _Keeper(self.reference)

    def _shelf(self) -> Path:
        """Return the folder of what is trained for the reference; one for this run alone where nothing is kept."""
        shelf = self._keeper.take()
        if shelf is None:
            shelf = self.supplies.folder / "shelf"
            shelf.mkdir(mode=0o700, exist_ok=True)
        return shelf

    def _lay_out(self) -> tuple[ImageFiles, ImageFiles | None, Chosen]:
        """Lay the images out and let the candidate answer what it has not yet."""
        chosen = find_feature_map(self.candidate, self.run.request.tuning.feature_map)
        mine = self.table.candidate
        vetted = self._files(self._vetted, mine, chosen, maps=True)
        card, structure = self.reference.require_card().card, self.reference.structure
        laid = self.supplies.lay_out_training(card, structure, self.tell)
        if laid is None or self.supplies.sitting is None:
            return vetted, None, chosen
        raw = self.supplies.sitting.answer(self.candidate, self.run.tell)
        output = self.candidate.require_card().card.output
        given = make_predictions(raw, output, class_order(output, card.output), self.candidate.name)
        if given.probabilities.shape[1] != mine.probabilities.shape[1]:
            raise Inconclusive(f"{self.candidate.name} tells another number of classes apart on {laid.images.name}")
        return vetted, self._files(laid, given, chosen, maps=False), chosen

    @cached_property
    def _vetted(self) -> Laid:
        card, table = self.reference.require_card().card, self.table
        return self.supplies.lay_out_vetted(table.ids, table.labels, card, table.classes, self.tell)

    def _files(self, laid: Laid, given: Predictions, chosen: Chosen, *, maps: bool) -> ImageFiles:
        """Write what the candidate gave for images beside them."""
        stem = "vetted" if maps else "training"
        logits = self.candidate.require_card().card.output.kind == "logits"
        whole = self.folder / f"{stem}.maps.npy" if maps and chosen.tap is not None else None
        pooled = None
        if chosen.tap is not None:
            found = FeatureReader(self.candidate, chosen.tap, self.run.house, self.tell).read(laid, whole)
            pooled = self._save(f"{stem}.pooled", found)
        return ImageFiles(
            name=laid.images.name,
            names=laid.names,
            images=laid.material,
            probabilities=self._save(f"{stem}.probabilities", given.probabilities),
            logits=self._save(f"{stem}.logits", given.raw) if logits else None,
            pooled=pooled,
            maps=None if whole is None else str(whole),
        )

    def _save(self, name: str, values: NDArray[Any]) -> str:
        path = self.folder / f"{name}.npy"
        try:
            np.save(path, values, allow_pickle=False)
        except OSError as error:
            raise Inconclusive(f"no room for {name}: {error}", hint="set TMPDIR to a folder with room") from None
        return str(path)


class _Keeper:
    """Vouches for what children put on the shelf of a reference, at intervals.

    Args:
        reference: Whose shelf it is.
    """

    def __init__(self, reference: Entrant) -> None:
        self._reference, self._key, self._due = reference, "", 0.0

    def take(self) -> Path | None:
        """Return the shelf; None where nothing is kept, or another run is at work on it."""
        self._key = self._reference.key("shelf")
        return self._reference.cache.shelf(self._key)

    def keep(self) -> None:
        """Vouch for what lies there now, where that is due."""
        if self._key and time.monotonic() >= self._due:
            self._reference.cache.keep_shelf(self._key)
            self._due = time.monotonic() + KEEP_SECONDS

    def leave(self) -> None:
        """Vouch for what lies there now, and let another run have it."""
        if self._key:
            self._reference.cache.leave_shelf(self._key)


def _parameters(structure: Structure | None) -> int | None:
    """Return the numbers that a model learned; None where its file shows none."""
    tensors = structure.tensors if structure is not None else ()
    return sum(tensor.elements for tensor in tensors if tensor.kind == "parameter") or None
