"""The parent's end of a child that scans one model."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from vetgate.domain.artifact import Artifact
from vetgate.domain.errors import VetgateError, WorkerFailed
from vetgate.domain.evidence import Finding
from vetgate.domain.scan import Scanned, ScanState, ScanSummary
from vetgate.domain.scan_rules import NOT_SCANNED, SCAN_FAILED, UNREADABLE, find
from vetgate.inference.errand import Errand, Tell
from vetgate.inference.process import on_one_line, printable
from vetgate.inference.scan_order import WORDS, Begun, Broke, Ended, Read, Ready, ScannerEntry, ScanOrder

START = 60.0
"""Seconds until the child must be there; no file has a say in that."""
LONGEST = 4 << 20
"""Bytes of the longest message that is read: 101 findings of three texts of 1,000 characters, with room."""


@dataclass
class _Heard:
    """What the child has told so far."""

    asked: list[Begun] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)
    unreadable: list[str] = field(default_factory=list)
    """What scanners say that the file is not."""
    due: float | None = None
    """Monotonic time by which it must have ended; None before it was there."""
    answered: int = 0
    """Scanners that have said how they fared."""
    ended: bool = False


def scan(name: str, order: ScanOrder, tell: Tell, *, lacking: str = "", strict: bool = False) -> Scanned:
    """Let a child scan a model; whatever becomes of the child once it is there is an answer.

    Args:
        name: What the model is called in messages.
        order: The model, the scanners, and the limits.
        tell: Told (what, done, total) of progress.
        lacking: Why scanners that know the format cannot be asked; empty where none of them lacks anything.
        strict: Whether all walls must stand around the child.

    Raises:
        Inconclusive: The child cannot be started or walled in, which no file has a say in.
    """
    start = time.perf_counter()
    heard = _Heard()
    longest = max(START, order.seconds)
    with Errand(f"scan of {name}", "vetgate.inference.scanner", 1, longest, strict=strict) as errand:
        try:
            errand.send(order)
            _listen(errand, order, heard, tell)
            errand.part()
        except VetgateError as error:
            if heard.due is None:
                raise
            heard.failures.append(_failure(heard, error, order))
    scanned = _scanned(order, heard, time.perf_counter() - start, lacking)
    return scanned.model_copy(update={"summary": scanned.summary.model_copy(update={"walls": errand.walls})})


def _listen(errand: Errand, order: ScanOrder, heard: _Heard, tell: Tell) -> None:
    start_by = time.monotonic() + START
    while not heard.ended:
        word = errand.listen(WORDS, LONGEST, tell, due=heard.due or start_by)
        _require_turn(word, heard, len(order.scanners))
        match word:
            case Ready():
                heard.due = time.monotonic() + order.seconds
            case Begun() as begun:
                heard.asked.append(begun)
                tell(f"scanner {printable(begun.scanner)}", len(heard.asked), len(order.scanners))
            case Read() as read:
                heard.answered += 1
                heard.findings += map(_clean, read.findings)
            case Broke() as broke:
                heard.answered += 1
                _note(broke, heard)
            case Ended():
                heard.ended = True


def _require_turn(word: object, heard: _Heard, most: int) -> None:
    """Make sure that a word is one that may come now: who took over the child may say anything.

    Raises:
        WorkerFailed: It is not.
    """
    asking = len(heard.asked) > heard.answered
    allowed = isinstance(word, Ready) if heard.due is None else isinstance(word, Read | Broke)
    if heard.due is not None and not asking:
        allowed = isinstance(word, Ended) or (isinstance(word, Begun) and len(heard.asked) < most)
    if not allowed:
        raise WorkerFailed("its process said what was not due")


def _note(broke: Broke, heard: _Heard) -> None:
    told = f"scanner {heard.asked[-1].scanner}: {printable(broke.message)}"
    heard.findings += map(_clean, broke.findings)
    if broke.unreadable:
        heard.unreadable.append(told)
    else:
        heard.failures.append(told)


def _failure(heard: _Heard, error: VetgateError, order: ScanOrder) -> str:
    """Return how the scan failed as a whole, and whom it was that the file ended."""
    who = f"scanner {heard.asked[-1].scanner}" if heard.asked else "the scan"
    if heard.due is not None and time.monotonic() >= heard.due:
        return f"{who} took longer than {order.seconds:g} s and was stopped"
    return f"{who} ended before its time: {error.message}"


def _clean(finding: Finding) -> Finding:
    """Return a finding without control characters: a file must not paint on the terminal of its gate."""
    texts = {name: on_one_line(getattr(finding, name)) for name in ("rule", "message", "location", "advice")}
    return finding.model_copy(update=texts)


def _scanned(order: ScanOrder, heard: _Heard, seconds: float, lacking: str) -> Scanned:
    vouched = [begun.scanner for begun in heard.asked if begun.vouches]
    findings = [*heard.findings, *(find(SCAN_FAILED, told) for told in heard.failures)]
    findings += (find(UNREADABLE, told) for told in heard.unreadable)
    state, reason = ScanState.FINDINGS if findings else ScanState.CLEAN, ""
    if heard.failures or heard.unreadable or not heard.ended:
        state, reason = ScanState.FAILED, "; ".join(heard.failures + heard.unreadable)
    elif not vouched:
        state, reason = ScanState.NOT_SCANNED, _unknown(order.artifact, order.format, lacking)
        findings.append(find(NOT_SCANNED, reason))
    findings.sort(key=lambda finding: (-finding.severity, finding.rule, finding.location, finding.message))
    worst = findings[0].severity if findings else None
    summary = ScanSummary(
        state=state,
        scanners=tuple(_names(order.scanners, heard)),
        sha256=order.artifact.sha256,
        seconds=seconds,
        reason=reason,
        worst=worst,
    )
    return Scanned(summary=summary, findings=tuple(findings))


def _names(scanners: Sequence[ScannerEntry], heard: _Heard) -> Iterator[str]:
    versions = {entry.name: entry.version for entry in scanners}
    for begun in heard.asked:
        yield f"{begun.scanner} {versions.get(begun.scanner, '')}".strip()


def _unknown(artifact: Artifact, known: str, lacking: str) -> str:
    what = f"{known} files" if known else "files of its kind"
    return f"{artifact.name} was not scanned: {lacking or f'no scanner on offer reads {what}'}"
