"""The parent's end of a child in which a check trains."""

from __future__ import annotations

import base64

from vetgate.domain.check import Results
from vetgate.domain.errors import VetgateError
from vetgate.domain.trainer import Labeller
from vetgate.inference.assignment import WORDS, Assignment, Named, Taught, Unnamed
from vetgate.inference.errand import Errand, Tell
from vetgate.inference.message import Failed

LONGEST = 256 << 20
"""Bytes of the longest message that is read; pictures of a hundred images take some 50 MB."""
VARIABLES = ("CUDA_VISIBLE_DEVICES", "CUBLAS_WORKSPACE_CONFIG")
"""What says which accelerator is used, and whether it repeats itself."""


def teach(
    name: str,
    assignment: Assignment,
    patience: float,
    tell: Tell,
    labeller: Labeller | None = None,
    *,
    strict: bool = False,
) -> Results:
    """Let a child measure a check that trains; return what it found.

    Args:
        name: What the work is called in messages.
        assignment: The check, and what it may use.
        patience: Seconds without progress after which the child counts as hung. Training may take any time.
        tell: Told (what, done, total) of progress.
        labeller: Asked here for what the child wants named.
        strict: Whether all walls must stand around the child.

    Raises:
        VetgateError: As the check says, or WorkerFailed.
    """
    threads, module = assignment.threads, "vetgate.inference.trainer"
    with Errand(name, module, threads, patience, VARIABLES, accelerators=True, strict=strict) as errand:
        errand.send(assignment)
        answer: Unnamed | Taught = errand.listen(WORDS, LONGEST, tell)
        while isinstance(answer, Unnamed):
            tell("naming", 0, len(answer.images))
            errand.send(_name(answer, labeller))
            answer = errand.listen(WORDS, LONGEST, tell)
        errand.part()
        return answer.results


def _name(asked: Unnamed, labeller: Labeller | None) -> Named | Failed:
    """Return the labeller's names; a failure of it is the check's to tell, and ends nothing here."""
    if labeller is None:
        return Failed(error="Inconclusive", message="no labeller was named")
    try:
        names = labeller.name([base64.b64decode(image) for image in asked.images], asked.labels)
        if len(names) != len(asked.images):
            return Failed(error="Inconclusive", message=f"it gave {len(names)} names for {len(asked.images)} images")
        return Named(names=names)
    except VetgateError as error:
        return Failed(error="Inconclusive", message=error.message, hint=error.hint)
    except Exception as error:  # a stranger's labeller may raise anything; the figures must not be lost for it
        return Failed(error="Inconclusive", message=f"it failed with {type(error).__name__}: {error}"[:400])
