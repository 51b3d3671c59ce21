"""How the outputs of two models lie that tell another number of classes apart: measured, told and never applied."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np

from vetgate.domain.errors import VetgateError
from vetgate.domain.evidence import CLASSES, Evidence, Finding, Outcome, Severity
from vetgate.statistics import mcnemar_exact_p

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from vetgate.gate.entrant import Entrant
    from vetgate.gate.run import Run

CHECK = "offset"
IMAGES = 64
"""Both models are asked about at most so many."""
FARTHEST = 8
"""Outputs that one model may have more than the other; more are no background classes."""
CHANCE = 1e-3
"""Most chance (McNemar's test) that the best place would beat the next by as much."""


def look_for_offset(candidate: Entrant, reference: Entrant, run: Run, halting: Sequence[str]) -> Iterator[Evidence]:
    """Yield how many leading outputs are no class, as far as answers show it.

    Both models are opened for it, so only where nothing but their number of classes stands against that.

    Args:
        candidate: Scanned and described.
        reference: Likewise.
        run: Its images are asked about.
        halting: Rules of the findings that ended the run.
    """
    if set(halting) != {CLASSES} or run.sitting is None:
        return
    run.tell("infer", f"{candidate.path} and {reference.path}")
    try:
        raw = run.sitting.raw_answers(candidate, reference, run.tell, most=IMAGES)
    except VetgateError as error:
        yield Evidence(check=CHECK, outcome=Outcome.SKIPPED, reason=f"the offset was not looked for: {error.message}")
        return
    offsets = [entrant.require_card().card.output.offset for entrant in (candidate, reference)]
    kept = [answers[:, offset:] for answers, offset in zip(raw, offsets, strict=True)]
    larger = int(kept[0].shape[1] < kept[1].shape[1])
    if not 0 < kept[larger].shape[1] - kept[1 - larger].shape[1] <= FARTHEST:
        return
    found = _finding((candidate, reference)[larger], offsets[larger], kept[larger], kept[1 - larger])
    yield Evidence(check=CHECK, outcome=Outcome.MEASURED, findings=(found,))


def _finding(entrant: Entrant, offset: int, many: NDArray[np.float32], few: NDArray[np.float32]) -> Finding:
    """Return where the smaller model's classes lie among the outputs of the larger one."""
    classes, images = few.shape[1], len(few)
    theirs = few.argmax(axis=1)
    agrees = np.stack(
        [many[:, skip : skip + classes].argmax(axis=1) == theirs for skip in range(many.shape[1] - classes + 1)]
    )
    counts = agrees.sum(axis=1)
    ranked = np.argsort(-counts, kind="stable")
    best, second = int(ranked[0]), int(ranked[1])
    told = ", ".join(f"{count} if {_skipped(offset + skip)}" for skip, count in enumerate(counts.tolist()))
    message = f"of {images} images, both models name the same class on {told}"
    won, lost = (int(np.count_nonzero(agrees[one] & ~agrees[two])) for one, two in ((best, second), (second, best)))
    clear = mcnemar_exact_p(lost, won) <= CHANCE and len(np.unique(theirs[agrees[best]])) > 1
    return Finding(
        rule=f"{CHECK}.{'found' if clear else 'unclear'}",
        severity=Severity.INFO,
        message=message,
        location=entrant.name,
        advice=_advice(entrant, offset, best, many.shape[1] - classes, clear=clear),
    )


def _skipped(count: int) -> str:
    if not count:
        return "no output is skipped"
    return f"the first {'output is' if count == 1 else f'{count} outputs are'} skipped"


def _advice(entrant: Entrant, offset: int, best: int, most: int, *, clear: bool) -> str:
    if not clear:
        return "the answers do not show which outputs are no class; look at how the model was trained"
    if best == most:
        return f"write `output: {{offset: {offset + best}}}` in the card of {entrant.name}; nothing was applied"
    return (
        f"its last {'output seems' if most - best == 1 else 'outputs seem'} to be no class, which a card cannot skip: "
        "cut the end of its output off when exporting"
    )
