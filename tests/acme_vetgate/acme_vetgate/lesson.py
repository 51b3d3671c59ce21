"""A check that trains: it fits the reference's answers to the candidate's features, by least squares and without torch.

It misbehaves where the candidate's name says so: the gate must survive that, too.
"""

import json
import os
import signal
import time
from pathlib import Path

import numpy as np

from acme_vetgate.learner import CONCEPTS, FUSED
from vetgate.api import (
    Ask,
    Counts,
    Finding,
    ImageSet,
    Inconclusive,
    Measurement,
    MetricSpec,
    Of,
    Results,
    Severity,
    Slice,
    TrainerContext,
)

FEWEST = 20
"""Images to fit on and to look at."""


class AcmeLesson:
    """Implements Check; runs in a child process only."""

    def measure(self, context: TrainerContext, ask: Ask) -> Results:
        """Return how often the fit answers as the labels say, and how many images show each concept.

        Raises:
            Inconclusive: There are too few images.
        """
        _misbehave(context)
        training = context.training or context.vetted
        if min(len(training), len(context.vetted)) < FEWEST:
            raise Inconclusive(f"{len(context.vetted)} images are too few to learn from; {FEWEST} are the least")
        fit, reused = _fit(context, training)
        right = _wanted(context, context.vetted) == (_features(context.vetted) @ fit).argmax(axis=1)
        figures = [_counted(FUSED, int(right.sum()), len(right))]
        names = [mask.name for image in context.vetted.ids for mask in context.concepts.get(image, ())]
        figures += [
            _counted(CONCEPTS, names.count(name), len(context.vetted), Slice(by="concept", value=name))
            for name in sorted(set(names))
        ]
        told = Finding(rule="acme.given", severity=Severity.INFO, message=json.dumps(_given(context, reused)))
        return Results(measurements=tuple(figures), findings=(told,))


def _features(images: ImageSet) -> np.ndarray:
    """Return what is fitted on: pooled features, or probabilities where the candidate shows no inner tensors."""
    seen = images.candidate.pooled if images.candidate.pooled is not None else images.candidate.probabilities
    return np.column_stack([np.asarray(seen, dtype=np.float64), np.ones(len(images))])


def _answers(context: TrainerContext, images: ImageSet) -> np.ndarray:
    """Return the reference's outputs."""
    return np.asarray(context.reference()(context.normalise(np.asarray(images.pixels))), dtype=np.float64)


def _wanted(context: TrainerContext, images: ImageSet) -> np.ndarray:
    """Return the labels, or the reference's own answers where there are none."""
    return _answers(context, images).argmax(axis=1) if images.labels is None else np.asarray(images.labels)


def _fit(context: TrainerContext, training: ImageSet) -> tuple[np.ndarray, bool]:
    """Return the fit, and whether an earlier run made it of the same things."""
    place = context.shelf / f"acme-{context.reference_key[:16]}-{context.candidate_key[:16]}-{len(training)}.npy"
    if place.exists():
        return np.load(place), True
    wanted = _answers(context, training)
    context.tell("fit", 0, 1)
    fit, *_ = np.linalg.lstsq(_features(training), wanted, rcond=None)
    part = place.with_suffix(f".{os.getpid()}.part.npy")
    np.save(part, fit)
    part.replace(place)
    context.tell("fit", 1, 1)
    return fit, False


def _counted(metric: MetricSpec, k: int, n: int, where: Slice | None = None) -> Measurement:
    return Measurement(
        metric=metric.id,
        role=Of.CANDIDATE,
        value=k / n,
        unit=metric.unit,
        better=metric.better,
        n=n,
        uncertainty=Counts(k=k, n=n),
        slice=where,
    )


def _given(context: TrainerContext, reused: bool) -> dict[str, object]:
    """Return what this check was given, for tests to look at."""
    seen, training, tap = context.vetted.candidate, context.training, context.feature_map
    maps, pooled = seen.maps, seen.pooled
    return {
        "reused": reused,
        "map": tap.name if tap else None,
        "note": context.feature_note,
        "vetted": len(context.vetted),
        "training": len(training) if training else None,
        "trained": training is not None and training.candidate.pooled is not None,
        "whole": training is not None and training.candidate.maps is not None,
        "pooled is mean": maps is not None
        and pooled is not None
        and np.allclose(np.asarray(maps).mean(axis=(2, 3)), pooled, atol=1e-6),
        "labels": context.vetted.labels is not None,
        "logits": seen.logits is not None,
        "module": context.candidate is not None,
        "parameters": context.candidate_parameters,
        "macs": context.candidate_macs,
        "budget": context.tuning.budget,
        "masks": {image: [[m.name, m.whole, list(m.runs)] for m in masks] for image, masks in context.concepts.items()},
        "named": _named(context),
        "channels": context.vetted.pixels.shape[3],
        "shelf": str(context.shelf),
    }


def _named(context: TrainerContext) -> list[str] | str:
    if context.label is None:
        return "nobody was asked"
    try:
        return [*context.label([b"png one", b"png two"], ["cat", ""]), context.labeller]
    except Inconclusive as error:
        return error.message


def _misbehave(context: TrainerContext) -> None:
    name = Path(context.candidate_name).name
    match name.partition("-")[0]:
        case "raise":
            raise ValueError("acme lost a screw")
        case "kill":
            os.kill(os.getpid(), signal.SIGKILL)
        case "exit":
            raise SystemExit(0)
        case "memory":
            hoard = [np.ones(1 << 27) for _ in range(1024)]
            raise AssertionError(len(hoard))
        case "hang":
            context.tell("hang", 0, 1)
            (context.shelf / "hanging").write_text(str(os.getpid()), encoding="ascii")
            time.sleep(3600)
        case "chatter":
            while True:
                context.tell("chatter", 0, 1)
                time.sleep(0.01)
