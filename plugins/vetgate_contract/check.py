"""The contract check: findings where the two models do not take or give the same."""

from __future__ import annotations

from collections.abc import Iterator

from vetgate.api import Ask, Finding, Results, Severity, StructureContext, Table
from vetgate_contract.contract import Contract, contract_of


class ContractCheck:
    """Implements Check on structures."""

    def measure(self, context: StructureContext, ask: Ask) -> Results:
        """Return findings and the table of both contracts.

        Raises:
            CardError: A card contradicts its model.
        """
        candidate, reference = contract_of(context.candidate), contract_of(context.reference)
        findings = (*_breaks(candidate, reference), *_differences(candidate, reference))
        return Results(findings=findings, exhibits=(_table(candidate, reference),))


def _breaks(candidate: Contract, reference: Contract) -> Iterator[Finding]:
    """Yield what makes the two models incomparable."""
    if None in (candidate.classes, reference.classes):
        message = "how many classes a model tells apart is not known before it runs"
        yield _finding("classes-unknown", Severity.LOW, message, "list the classes in its card")
    elif candidate.classes != reference.classes:
        message = f"the candidate tells {candidate.classes} classes apart, the reference {reference.classes}"
        advice = "1,001 against 1,000 is a background class: set output.offset: 1 in the card of the larger one"
        off_by_one = {candidate.classes, reference.classes} == {1000, 1001}
        yield _finding(
            "classes", Severity.CRITICAL, message, advice if off_by_one else "vet it against its own original"
        )
    if candidate.channels != reference.channels:
        message = f"the candidate takes {candidate.channels} channels, the reference {reference.channels}"
        yield _finding("channels", Severity.CRITICAL, message, "vet it against its own original")
    yield from _names(candidate, reference)


def _names(candidate: Contract, reference: Contract) -> Iterator[Finding]:
    if candidate.names is None or reference.names is None or candidate.names == reference.names:
        return
    only_candidate = sorted(set(candidate.names) - set(reference.names))
    only_reference = sorted(set(reference.names) - set(candidate.names))
    if only_candidate or only_reference:
        mine, theirs = ", ".join(only_candidate[:3]) or "none", ", ".join(only_reference[:3]) or "none"
        message = f"the cards name different classes; only the candidate: {mine}; only the reference: {theirs}"
        yield _finding("class-names", Severity.CRITICAL, message, "name the same classes in both cards")
    else:
        message = "the cards list the same classes in another order; they are matched by name"
        yield _finding("class-names", Severity.INFO, message, "")


def _differences(candidate: Contract, reference: Contract) -> Iterator[Finding]:
    """Yield differences that are fine and that a reader should know."""
    pairs = (
        ("size", "input size", candidate.size, reference.size),
        ("input-type", "input type", candidate.input_type, reference.input_type),
        ("output-type", "output type", candidate.output_type, reference.output_type),
        ("output-kind", "kind of output", candidate.kind, reference.kind),
        ("offset", "number of leading outputs that are no class", candidate.offset, reference.offset),
    )
    for rule, what, mine, theirs in pairs:
        if mine is not None and theirs is not None and mine != theirs:
            message = f"the {what} differs: candidate {_text(mine)}, reference {_text(theirs)}"
            yield _finding(rule, Severity.INFO, message, "")


def _finding(rule: str, severity: Severity, message: str, advice: str) -> Finding:
    return Finding(rule=f"contract.{rule}", severity=severity, message=message, advice=advice)


def _table(candidate: Contract, reference: Contract) -> Table:
    properties = (
        ("classes", candidate.classes, reference.classes),
        ("channels", candidate.channels, reference.channels),
        ("input size", candidate.size, reference.size),
        ("input type", candidate.input_type, reference.input_type),
        ("output type", candidate.output_type, reference.output_type),
        ("output kind", candidate.kind, reference.kind),
        ("offset", candidate.offset, reference.offset),
    )
    rows = tuple((name, _text(mine), _text(theirs)) for name, mine, theirs in properties)
    return Table(title="Contract", columns=("property", "candidate", "reference"), rows=rows)


def _text(value: object) -> str:
    if value is None:
        return "not known"
    return " x ".join(map(str, value)) if isinstance(value, tuple) else str(value)
