"""Agreement corrected for chance: of the two models' answers, and of whether they are right.

Sources: J. Cohen, "A Coefficient of Agreement for Nominal Scales", Educational and Psychological Measurement 20 (1960);
R. Geirhos, K. Meding, F. A. Wichmann, "Beyond Accuracy: Quantifying Trial-by-Trial Behaviour of CNNs and Humans by
Measuring Error Consistency" (NeurIPS 2020), equations 1 to 3, for kappa of right and wrong.

With p_o the share of images that both give one class and p_e = sum_k a_k b_k the share that two models with these
shares of answers would by chance, kappa = 1 - (1 - p_o) / (1 - p_e). Where both give every image one and the same
class, p_e is 1 and kappa has no value; a resample in which that happens counts as full agreement.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from vetgate.api import Ask, Finding, Measurement, MetricSpec, Results
from vetgate.statistics import attainable_levels, bootstrap_images, proportion_bounds, unseen_share
from vetgate_similarity.compared import Compared, Floats
from vetgate_similarity.figures import Unseen, resampled_figure, undefined
from vetgate_similarity.metrics import ERROR_CONSISTENCY, KAPPA
from vetgate_similarity.parts import Part, alike, parts

CHANCE = 1e-12
"""Chance disagreement under which there is none but for rounding."""
NAMED = 3
"""Classes that a finding names."""

Codes = NDArray[np.int64]


def measure(compared: Compared, ask: Ask) -> Results:
    """Return kappa, also by class, and where there are labels error consistency; why there is none, where so.

    Nothing in a run that may stop early: they follow from no single count.
    """
    if ask.glance:
        return Results()
    table, labels = compared.table, compared.table.labels
    answers = table.candidate.answers, table.reference.answers
    given = [(KAPPA, answers, len(table.classes), True)]
    if labels is not None:
        right = ((answers[0] != labels).astype(np.int64), (answers[1] != labels).astype(np.int64))
        given.append((ERROR_CONSISTENCY, right, 2, False))
    if compared.constant:
        return Results(findings=tuple(undefined(spec, compared.constant_words) for spec, *_ in given))
    ratings, findings = list[_Rating](), list[Finding]()
    for spec, (one, other), size, each_class in given:
        found = [_Rating.of(spec, part, one, other, size) for part in parts(table, ask, spec, each_class=each_class)]
        ratings += [rating for rating in found if rating.chance < 1.0 - CHANCE]
        findings += _without(spec, [rating.part for rating in found if rating.chance >= 1.0 - CHANCE])
    return Results(measurements=tuple(_figures(ratings, ask)), findings=tuple(findings))


def _without(spec: MetricSpec, those: list[Part]) -> Iterator[Finding]:
    """Yield why all images have no kappa, and which parts of them have none."""
    same = "give every image one and the same class" if spec is KAPPA else "are right on every image, or on none"
    why = f"both models {same}, so that agreement by chance is already full"
    sliced = [part.where.name for part in those if part.where is not None]
    if len(sliced) < len(those):
        yield undefined(spec, why)
    if sliced:
        more = f" and {len(sliced) - NAMED} more" if len(sliced) > NAMED else ""
        yield undefined(spec, f"{why} (of {', '.join(sliced[:NAMED])}{more})")


@dataclass(frozen=True)
class _Rating:
    """Two ratings of the images of a part."""

    spec: MetricSpec
    part: Part
    one: Codes
    """(n,) the candidate's, in an order of their own: by the other's and then by this."""
    other: Codes
    shares: tuple[Floats, Floats]
    """(C,) share of each class among the candidate's, and among the reference's."""
    observed: float
    """Share of images with one class."""
    chance: float
    """Share that would have one class by chance."""

    @classmethod
    def of(cls, spec: MetricSpec, part: Part, one: Codes, other: Codes, size: int) -> _Rating:
        """Return the ratings of a part, of `size` classes."""
        mine, others = one[part.rows], other[part.rows]
        order = np.lexsort((mine, others))
        first, second = (np.bincount(codes, minlength=size) / len(codes) for codes in (mine, others))
        observed = float(np.mean(mine == others))
        return cls(spec, part, mine[order], others[order], (first, second), observed, float(first @ second))

    @property
    def both(self) -> Codes:
        """Return (K,) the classes that both give; one that either never gives adds nothing to chance."""
        return np.flatnonzero((self.shares[0] > 0) & (self.shares[1] > 0))

    def unseen(self) -> Unseen:
        """Return how far kappa moves if the models differ as often as counts allow, or agree where no image shows it.

        Where few images differ, resampled kappa is coarse, and its lower bound alone missed in up to 11 % (7 of 200
        images). So it is no higher than what the exact bound of Clopper and Pearson on that share gives, the further
        images so placed that chance agreement grows most. It rises farthest where both agree on what is rarest.
        """
        n, own = len(self.one), self._kappa(0.0, 0.0, 0.0)
        differ = int(np.count_nonzero(self.one != self.other))
        first, second = self.shares
        most = _most_of_two(first, second)
        least = float((first + second).min())

        def down(error: float) -> float:
            upper = proportion_bounds(differ, n, 1.0 - error).upper
            return own - self._kappa(1.0 - (1.0 - upper) / self.observed if self.observed else 0.0, most, 0.0)

        def up(error: float) -> float:
            return self._kappa(unseen_share(n, error), least, 1.0) - own

        return Unseen(down, up)

    def _kappa(self, moved: float, met: float, agreed: float) -> float:
        """Return kappa with a share moved to one pair of classes, of which `met` was given by the other model."""
        rest = 1.0 - moved
        observed = rest * self.observed + moved * agreed
        chance = rest**2 * self.chance + rest * moved * met + moved**2 * agreed
        return 1.0 - (1.0 - observed) / (1.0 - chance) if chance < 1.0 - CHANCE else 1.0


def _most_of_two(first: Floats, second: Floats) -> float:
    """Return the greatest first_j + second_i over i other than j."""
    top, other = int(first.argmax()), int(second.argmax())
    if top != other:
        return float(first[top] + second[other])
    next_first, next_second = (np.delete(shares, top).max() for shares in (first, second))
    return float(max(first[top] + next_second, next_first + second[top]))


def _figures(ratings: list[_Rating], ask: Ask) -> list[Measurement]:
    """Return kappa of each, in the order given."""
    found: dict[int, Measurement] = {}
    for some in alike([rating.part for rating in ratings]):
        found |= dict(zip(some, _alike([ratings[index] for index in some], ask), strict=True))
    return [found[index] for index in range(len(ratings))]


def _alike(ratings: list[_Rating], ask: Ask) -> Iterator[Measurement]:
    """Yield kappa of ratings of equally many images, with as many replicates."""
    design, starts = _design(ratings)
    chances = _Chances(len(ratings), len(ratings[0].one), starts)
    replicates = ratings[0].part.replicates
    resampled = bootstrap_images(
        chances.kappas,
        design,
        replicates=replicates,
        seed=ask.seed,
        levels=attainable_levels(ask.confidences, replicates),
    )
    for row, rating in enumerate(ratings):
        yield resampled_figure(rating.spec, resampled, row, rating.part, rating.unseen())


def _design(ratings: list[_Rating]) -> tuple[csr_array, Codes]:
    """Return which images count in each sum, and where each rating's classes start.

    The sums (2 * K + G) are: images with one class for each of G ratings, then by rating those that the candidate gives
    each class that both give, then the same of the reference.
    """
    images = len(ratings[0].one)
    classes = [rating.both for rating in ratings]
    sizes = np.array([max(len(both), 1) for both in classes])
    starts = np.cumsum(sizes) - sizes
    rows, across = list[Codes](), list[Codes]()
    for row, (rating, both, start) in enumerate(zip(ratings, classes, starts.tolist(), strict=True)):
        place = np.full(len(rating.shares[0]), -1)
        place[both] = np.arange(len(both))
        same = np.flatnonzero(rating.one == rating.other)
        rows.append(np.full(len(same), row))
        across.append(same)
        for half, codes in enumerate((place[rating.one], place[rating.other])):
            known = np.flatnonzero(codes >= 0)
            rows.append(codes[known] + (len(ratings) + half * int(sizes.sum()) + start))
            across.append(known)
    where = np.concatenate(rows), np.concatenate(across)
    shape = (len(ratings) + 2 * int(sizes.sum()), images)
    return csr_array((np.ones(len(where[0])), where), shape=shape), starts


@dataclass(frozen=True)
class _Chances:
    """From sums over images to kappas of G parts of n images each."""

    groups: int
    images: int
    starts: NDArray[np.int64]
    """(G,) where each part's classes start."""

    def kappas(self, sums: Floats) -> Floats:
        """Return (G, R) kappas: of G rows of images with one class, and of classes by part, first one's, then other's.

        Where chance agreement is full, so is agreement: 1.
        """
        same, classes = sums[: self.groups], sums[self.groups :]
        half = len(classes) // 2
        chance = np.add.reduceat(classes[:half] * classes[half:], self.starts, axis=0) / self.images**2
        missed = 1.0 - same / self.images
        beyond = 1.0 - chance
        return 1.0 - np.divide(missed, beyond, out=np.zeros_like(missed), where=beyond > CHANCE)
