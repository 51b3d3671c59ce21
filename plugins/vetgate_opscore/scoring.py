"""From ingredients to measurements: each score of both models, its difference, and the interval of each."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from vetgate.api import Looks, Measurement, MetricSpec, Of
from vetgate_opscore.ingredient import Couple, Ingredients
from vetgate_opscore.interval import (
    Term,
    error_ratio_term,
    error_term,
    quantiles_of,
    scaled,
    time_ratio_term,
    time_term,
)
from vetgate_opscore.metrics import INFERENCE, TOTAL, TRAINING


@dataclass(frozen=True)
class Weights:
    """Shares of the two scores in the total, which add up to 1."""

    inference: float
    training: float
    given: bool
    """Whether the policy gives them."""

    @classmethod
    def of(cls, weights: dict[str, float]) -> Weights:
        """Return the shares; a score that the policy does not weigh has the weight 1."""
        parts = [weights.get(spec.id, 1.0) for spec in (INFERENCE, TRAINING)]
        whole = math.fsum(parts)
        given = INFERENCE.id in weights or TRAINING.id in weights
        if not (math.isfinite(whole) and whole > 0.0 and min(parts) >= 0.0):
            return cls(0.5, 0.5, given=False)
        return cls(parts[0] / whole, parts[1] / whole, given)

    @property
    def words(self) -> str:
        """Return them as a report tells them."""
        told = f"{self.inference:.4g} of it is the inference score and {self.training:.4g} the training score"
        return told if self.given else f"{told}, for the policy gives no weights"


@dataclass(frozen=True)
class Scored:
    """One of the scores: which share of it is inference time, and its value for one model."""

    spec: MetricSpec
    share: float
    """Of log10 of the inference time; the rest is that of the training time, which cards state exactly."""
    of: Callable[[Ingredients], float]


def inference() -> Scored:
    """Return the inference score."""
    return Scored(INFERENCE, 1.0, lambda model: model.inference)


def training() -> Scored:
    """Return the training score, of models whose cards state the time."""
    return Scored(TRAINING, 0.0, _training)


def total(weights: Weights) -> Scored:
    """Return the weighted average of both."""
    return Scored(
        TOTAL,
        weights.inference,
        lambda model: weights.inference * model.inference + weights.training * _training(model),
    )


def _training(model: Ingredients) -> float:
    if model.training is None:
        raise ValueError("the card states no training time")
    return model.training


def measurements(
    scored: Scored, couple: Couple, confidences: Sequence[float], remark: str = ""
) -> Iterator[Measurement]:
    """Yield a score of the candidate, of the reference, and its difference.

    Args:
        scored: Which score.
        couple: Both models.
        confidences: Levels that rules ask for.
        remark: What every note says besides.
    """
    for role, side in zip((Of.CANDIDATE, Of.REFERENCE), couple.sides, strict=True):
        model = side[1]
        terms = (error_term(model.accuracy), scaled(time_term(model.throughput), scored.share))
        mixed = _mixed(couple) if scored.share and role is Of.REFERENCE else ""
        yield _figure(scored, role, scored.of(model), couple, terms, confidences, _note(scored, (side,), remark, mixed))
    terms = (error_ratio_term(couple.right), scaled(time_ratio_term(couple.speed), scored.share))
    note = _note(scored, couple.sides, remark, *_of_pairs(scored, couple))
    yield _figure(scored, Of.DELTA, difference(scored, couple), couple, terms, confidences, note)


def difference(scored: Scored, couple: Couple) -> float:
    """Return candidate minus reference, with the times of the interleaved pairs and not the quotient of absolute ones.

    The machine drifts between the two models' calls, and the pairs do not: what the drift made is taken out.
    """
    candidate, reference = couple.candidate, couple.reference
    drift = -math.log10(couple.speed.value) - math.log10(candidate.seconds / reference.seconds)
    return scored.of(candidate) - scored.of(reference) + scored.share * drift


def _figure(
    scored: Scored,
    role: Of,
    value: float,
    couple: Couple,
    terms: Sequence[Term | None],
    confidences: Sequence[float],
    note: str,
) -> Measurement:
    return Measurement(
        metric=scored.spec.id,
        role=role,
        value=value,
        unit=scored.spec.unit,
        better=scored.spec.better,
        n=min(couple.candidate.images, couple.reference.images),
        uncertainty=quantiles_of(value, terms, confidences),
        note=note,
    )


def _note(scored: Scored, sides: Sequence[tuple[str, Ingredients]], *remarks: str) -> str:
    """Return at which batch the models were timed, whose error was floored, and what there is to say besides."""
    batches = list(dict.fromkeys(str(model.card.batch) for _, model in sides))
    timed = [f"timed at batch {' against '.join(batches)}"] if scored.share else []
    floors = [
        f"the {name} made no error on {model.images:,} images and is scored as if it made half of one"
        for name, model in sides
        if model.floored
    ]
    return "; ".join([*timed, *floors, *filter(None, remarks)])


def _of_pairs(scored: Scored, couple: Couple) -> Iterator[str]:
    if scored.share:
        yield _mixed(couple)
        yield "the times compared are those of interleaved pairs, not the quotient of the two absolute times"
    if isinstance(couple.accuracy.uncertainty, Looks):
        yield "in a run that may stop early the error rates are bounded apart, not on the same images: a wider interval"


def _mixed(couple: Couple) -> str:
    """Return that another build was timed than the one whose size and accuracy count; empty where it was not."""
    if couple.timed is None:
        return ""
    return f"{couple.timed} was timed in place of the reference, whose accuracy and size are those of its own file"
