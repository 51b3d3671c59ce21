"""What a scan found so far, and what it may still spend."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from vetgate.api import Finding, RuleSpec

MOST_OF_A_RULE = 8
"""Findings of one rule that are told one by one; a pickled module offends with every class that it names."""
DEEPEST = 8
"""Archives within archives; an exported program has two levels."""
MOST_MEMBERS = 100_000
MOST_OPCODES = 2_000_000
"""Some 3 s; a checkpoint with optimiser of 10,000 tensors has some 600,000."""
LEAST_EXPANDED = 512 << 20
"""Bytes that any file may expand to."""
MOST_RATIO = 20
"""Expanded bytes for each byte of the file, where that is more; weights hardly compress."""


@dataclass
class Log:
    """Findings, and the budget that all members of an artifact share."""

    size: int
    """Bytes of the artifact."""
    findings: list[Finding] = field(default_factory=list)
    opcodes: int = MOST_OPCODES
    members: int = MOST_MEMBERS
    depth: int = 0
    cut: Finding | None = None
    """That the file itself ends too soon, which by itself is an accident and not an attack."""
    _seen: set[tuple[str, str, str]] = field(default_factory=set)
    _counts: Counter[str] = field(default_factory=Counter)
    expanded: int = -1
    """Bytes that may still be unpacked."""

    def __post_init__(self) -> None:
        """Set what may be unpacked by the artifact's size."""
        if self.expanded < 0:
            self.expanded = max(LEAST_EXPANDED, MOST_RATIO * self.size)

    def found(self, rule: RuleSpec, message: str, where: str) -> None:
        """Note a finding once."""
        self._add(Finding(rule=rule.id, severity=rule.severity, message=message, location=where, advice=rule.advice))

    def cut_off(self, rule: RuleSpec, message: str, where: str) -> None:
        """Note that something ends too soon: of a whole file apart from its findings, of a member as one of them."""
        if self.depth > 1:
            self.found(rule, message, where)
        elif self.cut is None:
            self.cut = Finding(
                rule=rule.id, severity=rule.severity, message=message, location=where, advice=rule.advice
            )

    def settle(self) -> None:
        """Make a finding of a file's being cut off."""
        if self.cut is not None:
            self._add(self.cut)
            self.cut = None

    def _add(self, finding: Finding) -> None:
        key = (finding.rule, finding.message, finding.location)
        if key in self._seen or self._counts[finding.rule] > 10 * MOST_OF_A_RULE:
            return
        self._counts[finding.rule] += 1
        if self._counts[finding.rule] <= MOST_OF_A_RULE:
            self._seen.add(key)
            self.findings.append(finding)

    def all(self) -> tuple[Finding, ...]:
        """Return every finding, the last of a rule that was met too often saying so."""
        last = {finding.rule: index for index, finding in enumerate(self.findings)}
        return tuple(
            finding.model_copy(update={"message": f"{finding.message}; there are more of these"})
            if last[finding.rule] == index and self._counts[finding.rule] > MOST_OF_A_RULE
            else finding
            for index, finding in enumerate(self.findings)
        )

    def trial(self) -> Log:
        """Return a log for reading what may not be what it looks like; it spends of the same budget."""
        return Log(self.size, opcodes=self.opcodes, members=self.members, depth=self.depth, expanded=self.expanded)

    def spent(self, trial: Log) -> None:
        """Take over what a trial spent."""
        self.opcodes, self.members, self.expanded = trial.opcodes, trial.members, trial.expanded

    def adopt(self, trial: Log) -> None:
        """Take over what a trial found."""
        for finding in trial.findings:
            self._add(finding)


def shown(text: str) -> str:
    """Return a stranger's text so that it can stand in a sentence."""
    clean = "".join(letter if letter.isprintable() else "?" for letter in text[:121])
    return f"{clean[:117]}..." if len(clean) > 120 else clean
