"""The parent's end of a child that makes one variant."""

from __future__ import annotations

from vetgate.domain.compress import Made
from vetgate.domain.errors import Inconclusive
from vetgate.inference.commission import ANSWERS, Commission, Finished, NoModule, Refusal
from vetgate.inference.errand import Errand, Tell
from vetgate.inference.process import printable

LONGEST = 1 << 20
"""Bytes of the longest message that is read."""


class NoLiveModule(Inconclusive):
    """The reference cannot be handed over as a live module."""


class Refused(Inconclusive):
    """The model cannot be compressed so: an answer of the compressor, where other errors are none."""


def make(name: str, commission: Commission, patience: float, tell: Tell, *, strict: bool = False) -> Made:
    """Let a child make one variant; return what it reports.

    Args:
        name: What the variant is called in messages.
        commission: What to make, and what of.
        patience: Seconds without progress after which the child counts as hung. Making it may take any time.
        tell: Told (what, done, total) of progress.
        strict: Whether all walls must stand around the child.

    Raises:
        NoLiveModule: It needs the reference as a live module, and that is none.
        Refused: The compressor says that the model cannot be compressed so.
        VetgateError: As it else says, or WorkerFailed.
    """
    threads, module = commission.threads, "vetgate.inference.bench"
    with Errand(name, module, threads, patience, accelerators=True, strict=strict) as errand:
        errand.send(commission)
        answer: Finished | Refusal | NoModule = errand.listen(ANSWERS, LONGEST, tell)
        if isinstance(answer, NoModule):
            raise NoLiveModule(f"{name}: {printable(answer.message)}")
        if isinstance(answer, Refusal):
            raise Refused(f"{name}: {printable(answer.message)}", hint=printable(answer.hint))
        errand.part()
        return answer.made
