"""The child process that scans one model. Started as `python -P -m vetgate.inference.scanner`; speaks `scan_order`."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from typing import cast

from vetgate.domain.errors import UnreadableArtifact, VetgateError
from vetgate.domain.evidence import Finding
from vetgate.domain.record import Record
from vetgate.domain.scan import ScanContext
from vetgate.domain.specs import Probe, ScannerSpec
from vetgate.inference.borrowing import load_plugin
from vetgate.inference.process import leave
from vetgate.inference.scan_order import Begun, Broke, Ended, Read, Ready, ScannerEntry, ScanOrder
from vetgate.inference.telling import Teller, run_errand
from vetgate.probing import probe

MOST_FINDINGS = 100
"""Of one scanner that are told; the gravest. A hostile file could make more than a report holds."""
LONGEST_TEXT = 1000
"""Characters of a finding's message, location or advice."""


def main(arguments: list[str]) -> int:
    """Scan one model and say what was found.

    Args:
        arguments: The descriptor of the connection.
    """
    return run_errand(arguments, ScanOrder, _scan)


def _scan(order: ScanOrder, tell: Teller) -> Ended:
    tell.say(Ready())
    context = ScanContext(order.artifact, order.format, order.seconds, order.memory, order.bad_digests)
    probes = [probe(file) for file in context.files]
    for entry in order.scanners:
        spec = _spec(entry)
        seen = [_recognises(spec, look) for look in probes]
        if any(seen):
            tell.say(Begun(scanner=spec.name, vouches=seen[0] and _vouches(spec, order.format)))
            tell.say(_ask(spec, context))
    return Ended()


def _spec(entry: ScannerEntry) -> ScannerSpec:
    specs = cast("list[ScannerSpec]", load_plugin(entry.entry).vetgate_scanners())
    return next(spec for spec in specs if spec.name == entry.name)


def _recognises(spec: ScannerSpec, look: Probe) -> bool:
    """Return whether a scanner has something to read; one that raises, which it must not, has."""
    try:
        return bool(spec.recognise(look))
    except Exception:  # what follows will tell
        return True


def _vouches(spec: ScannerSpec, known: str) -> bool:
    """Return whether a scanner stands for a format; what no backend opens is whatever a scanner recognises it as."""
    return known in spec.vouches if known else bool(spec.vouches)


def _ask(spec: ScannerSpec, context: ScanContext) -> Record:
    try:
        return Read(findings=tuple(_held(spec.factory().scan(context))))
    except UnreadableArtifact as error:
        return Broke(unreadable=True, message=error.message[:LONGEST_TEXT])
    except VetgateError as error:
        return Broke(unreadable=False, message=error.message[:LONGEST_TEXT])
    except MemoryError:
        return Broke(unreadable=False, message=f"ran out of its memory limit of {context.memory / 1e9:.3g} GB")
    except RecursionError:
        return Broke(unreadable=False, message="ran out of its stack: the file is nested too deeply")
    except (Exception, SystemExit) as error:  # a scanner may raise anything on a hostile file; that is a finding
        reason = " ".join(str(error).split())[:400]
        return Broke(unreadable=False, message=f"failed with {type(error).__name__}: {reason}")


def _held(found: Sequence[Finding]) -> Iterator[Finding]:
    """Yield the gravest findings, as much of each as a report holds, and last how many were left out."""
    ordered = sorted(found, key=lambda finding: -finding.severity)
    for finding in ordered[:MOST_FINDINGS]:
        texts = {name: getattr(finding, name)[:LONGEST_TEXT] for name in ("message", "location", "advice")}
        yield finding.model_copy(update=texts)
    left = ordered[MOST_FINDINGS:]
    if left:
        yield left[0].model_copy(update={"message": f"{len(left)} further findings are not listed", "location": ""})


if __name__ == "__main__":
    leave(main(sys.argv[1:]))
