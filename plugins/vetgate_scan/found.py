"""Collects what a scanner finds, so many of each rule, for a hostile file could make a million of one."""

from __future__ import annotations

from collections import Counter

from vetgate.api import Finding, RuleSpec, Severity

MOST_OF_A_RULE = 5
"""Findings of one rule in one file that are told one by one; the next says how many more there are."""
_LONGEST = 120


class Found:
    """The findings of one file.

    Args:
        file: The file inside the artifact that is being read.
    """

    def __init__(self, file: str) -> None:
        self._file = file
        self._findings: list[Finding] = []
        self._counts: Counter[str] = Counter()
        self._rules: dict[str, RuleSpec] = {}

    def add(
        self, rule: RuleSpec, message: str, where: str = "", severity: Severity | None = None, file: str = ""
    ) -> None:
        """Note one finding.

        Args:
            rule: Which.
            message: One sentence.
            where: The place inside the file.
            severity: Where it differs from the rule's usual one.
            file: Where it is another file of the model, such as the one with its weights.
        """
        self._counts[rule.id] += 1
        self._rules[rule.id] = rule
        if self._counts[rule.id] > MOST_OF_A_RULE:
            return
        told = file or self._file
        self._findings.append(
            Finding(
                rule=rule.id,
                severity=rule.severity if severity is None else severity,
                message=message,
                location=f"{told}: {where}" if where else told,
                advice=rule.advice,
            )
        )

    def __bool__(self) -> bool:
        return bool(self._findings)

    def all(self) -> tuple[Finding, ...]:
        """Return every finding, and for each rule that was met too often how many are not listed."""
        more = [
            Finding(
                rule=name,
                severity=max(told.severity for told in self._findings if told.rule == name),
                message=f"{count - MOST_OF_A_RULE:,} more of these are not listed",
                location=self._file,
                advice=self._rules[name].advice,
            )
            for name, count in self._counts.items()
            if count > MOST_OF_A_RULE
        ]
        return (*self._findings, *more)


def quoted(text: bytes | str) -> str:
    """Return untrusted text for a message: in quotes, unseen characters spelled out, cut where it is long."""
    written = text.decode(errors="replace") if isinstance(text, bytes) else text
    return repr(written if len(written) <= _LONGEST else f"{written[:_LONGEST]}...")
