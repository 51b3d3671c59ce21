"""The child in which a check trains. Started as `python -P -m vetgate.inference.trainer`; speaks `assignment`."""

from __future__ import annotations

import base64
import sys
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from vetgate.domain.check import Results
from vetgate.domain.errors import Inconclusive, WorkerFailed
from vetgate.domain.specs import CheckSpec
from vetgate.domain.trainer import CandidateSeen, ConceptMask, ImageSet, TrainerContext
from vetgate.inference.assignment import DRAWN, REPLIES, Assignment, ImageFiles, Names, Taught, Unnamed
from vetgate.inference.borrowing import hands_over, load_module, load_plugin, normalise_for
from vetgate.inference.message import Failed
from vetgate.inference.telling import Teller, run_errand

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


def main(arguments: list[str]) -> int:
    """Measure one check that trains and say what it found.

    Args:
        arguments: The descriptor of the connection.
    """
    return run_errand(arguments, Assignment, _measure)


def _measure(assignment: Assignment, tell: Teller) -> Taught:
    specs = cast("list[CheckSpec[Any]]", load_plugin(assignment.entry).vetgate_checks())
    check = next(spec for spec in specs if spec.name == assignment.check).factory()
    results = check.measure(lay_out(assignment, tell), assignment.ask)
    if not isinstance(results, Results):
        raise WorkerFailed(f"returned a {type(results).__name__}, not what it found")
    return Taught(results=results)


def lay_out(assignment: Assignment, tell: Teller) -> TrainerContext:
    """Return the context with everything that was lent to this check."""
    candidate = assignment.candidate
    return TrainerContext(
        reference=partial(load_module, assignment.reference),
        reference_card=assignment.reference.card,
        candidate=partial(load_module, candidate) if hands_over(candidate) else None,
        candidate_card=candidate.card,
        candidate_name=assignment.candidate_name,
        classes=assignment.classes,
        feature_map=assignment.feature_map,
        feature_note=assignment.feature_note,
        vetted=_images(assignment.vetted),
        training=_images(assignment.training) if assignment.training is not None else None,
        concepts=_concepts(assignment, tell),
        normalise=partial(normalise_for, assignment.reference),
        tuning=assignment.tuning,
        shelf=Path(assignment.shelf),
        reference_key=assignment.reference_key,
        candidate_key=assignment.candidate_key,
        candidate_parameters=assignment.candidate_parameters,
        candidate_macs=assignment.candidate_macs,
        seed=assignment.seed,
        threads=assignment.threads,
        tell=tell,
        label=partial(_label, tell) if assignment.labeller is not None else None,
        labeller=assignment.labeller or "",
    )


def _label(tell: Teller, images: Sequence[bytes], labels: Sequence[str]) -> tuple[str, ...]:
    """Let the parent ask the labeller; see `vetgate.api.Labeller`."""
    texts = tuple(base64.b64encode(image).decode() for image in images)
    reply = REPLIES.validate_json(tell.ask(Unnamed(images=texts, labels=tuple(labels))))
    if isinstance(reply, Failed):
        raise Inconclusive(reply.message, hint=reply.hint)
    return reply.names


def _images(files: ImageFiles) -> ImageSet:
    names = Names.model_validate_json(Path(files.names).read_bytes())
    labels = files.images.labels
    return ImageSet(
        name=files.name,
        ids=names.ids,
        digests=names.digests,
        pixels=_open(files.images.pixels),
        labels=None if labels is None else _open(labels),
        candidate=CandidateSeen(
            probabilities=_open(files.probabilities),
            logits=None if files.logits is None else _open(files.logits),
            pooled=None if files.pooled is None else _open(files.pooled),
            maps=None if files.maps is None else _open(files.maps),
        ),
    )


def _open(path: str) -> NDArray[Any]:
    import numpy as np

    opened: NDArray[np.generic] = np.load(path, mmap_mode="r", allow_pickle=False)
    return opened


def _concepts(assignment: Assignment, tell: Teller) -> Mapping[str, tuple[ConceptMask, ...]]:
    if assignment.concepts is None:
        return {}
    from vetgate.inference.mask import fit_masks

    drawn = DRAWN.validate_json(Path(assignment.concepts).read_bytes())
    return fit_masks(drawn, assignment.reference.card.input, partial(tell, "fitting annotations"))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
