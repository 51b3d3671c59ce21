"""What the gate itself may find when it scans a model; what scanners find, they declare."""

from __future__ import annotations

from vetgate.domain.evidence import Finding, Severity
from vetgate.domain.specs import RuleSpec

SCAN_FAILED = RuleSpec(
    id="VG0001",
    severity=Severity.HIGH,
    title="the scan crashed, ran out of time or out of memory",
    why="A file that ends its own scanner is unknown, and may have been made to: what hides behind the crash, the "
    "endless loop or the bomb was not read by anybody.",
    advice="ask whoever made the file for another export; --scan-timeout SECONDS gives the scan of a large file longer",
    source="CWE-400, CWE-755",
)
NOT_SCANNED = RuleSpec(
    id="VG0002",
    severity=Severity.MEDIUM,
    title="no scanner on offer knows the format",
    why="Nothing is known of what opening the file could do. That is not the same as clean.",
    advice="install the extra that brings its scanner (vetgate plugins), or vet the model in another format",
    source="modelscan calls formats that it cannot read clean",
)
UNREADABLE = RuleSpec(
    id="VG0003",
    severity=Severity.MEDIUM,
    title="the file cannot be read as what it claims to be",
    why="Most such files were cut off on their way. But one that a scanner refuses and a runtime accepts hides its "
    "content from the first: scanners are evaded so. The model stays closed whatever the policy halts at, and the run "
    "is inconclusive.",
    advice="export, convert or copy it again",
    source="CWE-436",
)
LINKED = RuleSpec(
    id="VG0004",
    severity=Severity.MEDIUM,
    title="a file that ships with the model has a second name on this disk (hard link)",
    why="Weights that are a hard link can be anything that lies on the same disk, such as a private key that the model "
    "then gives away in its answers; and whoever holds the other name can change them.",
    advice="replace the link by a copy of the file",
    source="ONNX external data, CVE-2025-51480 and its kin",
)
SERVED = RuleSpec(
    id="VG0005",
    severity=Severity.MEDIUM,
    title="the model is a service: it hands out no file, so it cannot be scanned",
    why="What a server answers with can be measured; which weights and which code it runs, now or an hour later, "
    "nobody can tell from outside. A verdict on a service is one on its answers at that time.",
    advice="vet the file that the server loads, or write `scan: preferred` in a policy that may judge services; "
    "`artifact: file` refuses them",
    source="vetgate's design",
)
CORE_RULES = (SCAN_FAILED, NOT_SCANNED, UNREADABLE, LINKED, SERVED)
UNSCANNED = frozenset({NOT_SCANNED.id, SERVED.id})
"""Findings that say of a model that nobody could scan it."""


def find(rule: RuleSpec, message: str, location: str = "", advice: str | None = None) -> Finding:
    """Return a finding by a rule, with its usual severity and advice."""
    told = rule.advice if advice is None else advice
    return Finding(rule=rule.id, severity=rule.severity, message=message, location=location, advice=told)
