"""Scans toy models, also those that attack their scanner: the gate must survive every one of them."""

import json
import os
import stat
import struct
import time
from collections.abc import Callable

from acme_vetgate.plugin import CODE, NOTE
from vetgate.api import Finding, RuleSpec, ScanContext, UnreadableArtifact


def _found(rule: RuleSpec, message: str) -> Finding:
    return Finding(rule=rule.id, severity=rule.severity, message=message, location="line 1", advice=rule.advice)


def _say(word: bytes) -> None:
    """Speak to the gate in the scanner's place, as code that took it over would."""
    for descriptor in range(3, 4096):  # a long test run has many files open, and a child keeps the number
        try:
            if stat.S_ISSOCK(os.fstat(descriptor).st_mode):
                os.write(descriptor, struct.pack("!i", len(word)) + word)
        except OSError:
            continue


class AcmeScanner:
    """Implements Scanner."""

    def scan(self, context: ScanContext) -> tuple[Finding, ...]:
        """Read the first line of the model file; import nothing that it names."""
        with context.artifact.file.open("rb") as file:
            line = file.readline(1 << 16)
        try:
            head = json.loads(line[4:])
        except ValueError:
            raise UnreadableArtifact(f"{context.artifact.file.name} is truncated: its first line is no JSON") from None
        what = str(head.get("scan", "")) if isinstance(head, dict) else ""
        _suffer(what, context)
        return _FINDS[what]() if what in _FINDS else ()


_FINDS: dict[str, Callable[[], tuple[Finding, ...]]] = {
    "code": lambda: (_found(CODE, "the file names code: os.system"),),
    "note": lambda: (_found(NOTE, "the file has a note"),),
    "flood": lambda: tuple(_found(CODE, f"call {i} \x1b[2J" + "x" * 5000) for i in range(10_000)),
}


def _suffer(what: str, context: ScanContext) -> None:
    """Do to the scanner what the file asks for."""
    match what:
        case "crash":
            os.abort()
        case "hang":
            time.sleep(3600)
        case "memory":
            hoard = [bytearray(1 << 27) for _ in range(1024)]
            raise AssertionError(len(hoard))
        case "raise":
            raise ValueError("acme's scanner lost a screw")
        case "lie":
            _say(b'{"kind":"ended"}')
        case "write":
            context.artifact.file.chmod(0o600)
            with context.artifact.file.open("ab") as file:
                file.write(b"more")
