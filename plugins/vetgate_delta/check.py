"""What the candidate lost: DELTA is trained beside it, and explains what it brings back.

Z. Wang, "Characterizing Disparity Between Edge Models and High-Accuracy Base Models for Vision Tasks".
"""

from __future__ import annotations

import math
from dataclasses import dataclass, fields
from functools import partial

import numpy as np
import torch
from numpy.typing import NDArray

from vetgate.api import Ask, Finding, ImageSet, Inconclusive, Measurement, Results, TrainerContext
from vetgate_delta import figures, told
from vetgate_delta.answers import Answers, answer, maps_of
from vetgate_delta.candidate_cam import map_candidate
from vetgate_delta.explain import Explanation, explain
from vetgate_delta.figures import FEWEST, Sizes, Verdicts
from vetgate_delta.material import Base, Given, chosen_device, given_by, means_of, open_base
from vetgate_delta.network import Delta
from vetgate_delta.shelf import Shelf
from vetgate_delta.splits import Plan, make_plan
from vetgate_delta.studio import Studio, make_subgraph, taken_of

MOST_MAP_BYTES = 1 << 28
"""Of DELTA's maps at the images' size; with more to explain, as many as fit are drawn at random."""
_UNTOLD = "disparity.overlap was not measured, nor were categories and concepts"


class Disparity:
    """Trains DELTA beside one candidate and explains what it lost."""

    def measure(self, context: TrainerContext, ask: Ask) -> Results:
        """Return the figures of DELTA and its controls, and what it explains.

        Raises:
            DataError: Training images are among those to explain.
            Inconclusive: The reference cannot be taken apart, or there are too few images.
        """
        torch.set_num_threads(context.threads)
        plan = make_plan(context.vetted, context.training, context.tuning.folds, context.seed)
        shelf, device = Shelf(context.shelf), chosen_device(context)
        base = open_base(context)
        given = given_by(base, context, context.vetted, shelf, device)
        work = _Work(context, ask, plan, base, given, shelf, device)
        few = work.to_explain(plan.explained)
        if len(few) < FEWEST:
            among = plan.explained
            right = int(work.right(given.classes)[among].sum())
            return Results(
                measurements=(figures.explained(len(few), len(among)),),
                findings=(*work.notes(), *told.too_little(len(few), right, len(among))),
            )
        return work.results()


@dataclass(frozen=True)
class _Outcome:
    """What the folds gave, for the n images that are explained, in the order of their rows."""

    rows: NDArray[np.intp]
    answers: Answers
    fold: NDArray[np.intp]
    """(n,)"""
    maps: NDArray[np.float32]
    """(m, H, W) DELTA's, of the m shown rows."""
    shown: NDArray[np.intp]
    """(m,) rows."""
    delta: Delta
    """Of the first fold."""
    size: tuple[int, int]
    """(h', w') of its map."""


@dataclass(frozen=True)
class _Work:
    """One measurement as it goes."""

    context: TrainerContext
    ask: Ask
    plan: Plan
    base: Base
    given: Given
    shelf: Shelf
    device: torch.device

    @property
    def labels(self) -> NDArray[np.int64]:
        """Return the right classes (N,): the reference's own answers where nobody labelled the images."""
        labels = self.context.vetted.labels
        return self.given.classes if labels is None else np.asarray(labels)

    def right(self, classes: NDArray[np.intp]) -> NDArray[np.bool_]:
        """Return which of all vetted images (N,) answers get right."""
        hits: NDArray[np.bool_] = classes == self.labels
        return hits

    def to_explain(self, rows: NDArray[np.intp]) -> NDArray[np.intp]:
        """Return those rows that the reference gets right and the candidate wrong."""
        candidate = self.right(np.asarray(self.context.vetted.candidate.probabilities).argmax(axis=1))
        return rows[(self.right(self.given.classes) & ~candidate)[rows]]

    def notes(self) -> list[Finding]:
        """Return what is told of every run."""
        findings = [told.note("images", self.plan.note)]
        return findings if self.context.vetted.labels is not None else [*findings, told.unlabelled()]

    def results(self) -> Results:
        """Return all figures, findings and exhibits."""
        context, subgraph = self.context, make_subgraph(self.context, self.base, self.plan, self.shelf, self.device)
        studio = Studio(context, self.base, self.plan, subgraph, self.shelf, self.device, self._seen)
        outcome = self._run(studio)
        right = self._verdicts(outcome)
        found = told.controls(right)
        failed = [*told.replaced(found), *told.powerless(right)]
        findings = [*self.notes(), *studio.notes(outcome.delta), *failed]
        measurements = [*self._figures(outcome, right, studio, findings)]
        exhibits: list[object] = [
            told.accuracy_table(right, found, self.plan.note),
            told.making_table(context, self.base, subgraph.made, outcome.delta, studio.course, taken_of(context).note),
        ]
        explanation = self._explanation(outcome, complements=not failed, findings=findings)
        shares = explanation.categories[context.tuning.threshold] if explanation is not None else {}
        findings.insert(0, told.summary(right, shares, failed))
        if explanation is not None:
            described = list(figures.of_explanation(explanation, context.tuning.threshold))
            kept, withheld = told.withheld(described, self.ask, failed)
            measurements += kept
            findings += [*withheld, *explanation.findings]
            exhibits += explanation.exhibits
        return Results.model_validate(
            {"measurements": tuple(measurements), "findings": tuple(findings), "exhibits": tuple(exhibits)}
        )

    def _seen(self, images: ImageSet) -> Given:
        """Return what the reference gives for a set."""
        if images is self.context.vetted:
            return self.given
        return given_by(self.base, self.context, images, self.shelf, self.device)

    def _run(self, studio: Studio) -> _Outcome:
        context, everything = self.context, self.plan.explained
        shown = self._shown(self.to_explain(everything))
        vetted, taken = context.vetted, taken_of(context).vetted
        means = means_of(studio.subgraph.made.module, context, vetted, studio.subgraph.key, self.shelf, self.device)
        parts, maps, number, first = [], [], [], None
        for index, fold in enumerate(self.plan.folds):
            delta, alone = studio.fitted(index, fold), studio.alone(index, fold)
            parts.append(answer(delta, alone, context, fold.explain, taken, means, self.device))
            rows = shown[np.isin(shown, fold.explain)]
            maps.append(maps_of(delta, context, vetted, rows, taken, self.given.classes[rows], self.device))
            number.append(np.full(len(fold.explain), index))
            first = first or delta
        rows = np.concatenate([fold.explain for fold in self.plan.folds])
        order = np.argsort(rows, kind="stable")
        drawn = np.concatenate([shown[np.isin(shown, fold.explain)] for fold in self.plan.folds])
        assert first is not None  # noqa: S101  # a plan has a fold
        names = [each.name for each in fields(Answers)]
        return _Outcome(
            rows[order],
            Answers(*(np.concatenate([getattr(part, name) for part in parts])[order] for name in names)),
            np.concatenate(number)[order],
            np.concatenate(maps)[np.argsort(drawn, kind="stable")],
            shown,
            first,
            studio.subgraph.made.size,
        )

    def _shown(self, rows: NDArray[np.intp]) -> NDArray[np.intp]:
        """Return the rows whose maps are made, ascending: all of them, or as many as memory has room for."""
        height, width = self.context.vetted.pixels.shape[1:3]
        most = max(MOST_MAP_BYTES // (4 * height * width), FEWEST)
        if len(rows) <= most:
            return rows
        return np.sort(np.random.default_rng(self.context.seed).permutation(rows)[:most])

    def _verdicts(self, outcome: _Outcome) -> Verdicts:
        rows, labels = outcome.rows, self.labels[outcome.rows]
        candidate = np.asarray(self.context.vetted.candidate.probabilities).argmax(axis=1)
        answers = outcome.answers
        return Verdicts(
            self.given.classes[rows] == labels,
            candidate[rows] == labels,
            answers.fused == labels,
            answers.permuted == labels,
            answers.alone == labels,
        )

    def _figures(
        self, outcome: _Outcome, right: Verdicts, studio: Studio, findings: list[Finding]
    ) -> list[Measurement]:
        context, chosen = self.context, right.reference & ~right.candidate
        found = [*figures.accuracies(right), figures.explained(int(chosen.sum()), len(right))]
        recovered = figures.recovery(right, self.ask)
        if recovered is None:
            behind = "disparity.recovery has no value: the candidate gets no fewer images right than the reference"
            findings.append(told.note("recovery", behind))
        answers = outcome.answers
        correlated = figures.correlation(answers.added[chosen], answers.resized[chosen], outcome.fold[chosen], self.ask)
        found += [figure for figure in (recovered, correlated) if figure is not None]
        own = told.sizes_of(outcome.delta, studio.subgraph.made)
        candidate = Sizes(context.candidate_parameters, context.candidate_macs)
        return [*found, *figures.ratios(own, candidate, Sizes(self.base.cost.parameters, self.base.cost.macs))]

    def _explanation(self, outcome: _Outcome, *, complements: bool, findings: list[Finding]) -> Explanation | None:
        context, rows = self.context, outcome.shown
        if math.prod(outcome.size) < 2:
            findings.append(told.note("map", f"{_UNTOLD}: DELTA's map has a single position"))
            return None
        try:
            candidate = map_candidate(context, rows)
        except Inconclusive as error:
            findings.append(told.note("map", f"{_UNTOLD}: {error.message}", advice=error.hint))
            return None
        total = len(self.to_explain(outcome.rows))
        if len(rows) < total:
            findings.append(told.note("shown", f"{len(rows):,} of {total:,} images were drawn to be explained"))
        fused = dict(zip(outcome.rows.tolist(), outcome.answers.fused.tolist(), strict=True))
        made = partial(explain, context, rows, np.array([fused[row] for row in rows.tolist()]) == self.labels[rows])
        how = "; ".join(filter(None, (candidate.method, candidate.note)))
        answers = self.given.classes[rows]
        loss = (
            self.given.probabilities[rows, answers] - np.asarray(context.vetted.candidate.probabilities)[rows, answers]
        )
        return made(outcome.maps, candidate.maps, answers=answers, complements=complements, method=how, loss=loss)
