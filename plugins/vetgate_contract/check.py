"""Compares two models' terms: what keeps them from being compared is critical, what each card settles is told."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import chain

from vetgate.api import Ask, CardError, Finding, Port, Results, Severity, StructureContext, Table
from vetgate_contract.pixels import input_doubts
from vetgate_contract.terms import Terms, terms_of


class ContractCheck:
    """Finds where the two models differ in what they take and give."""

    def measure(self, context: StructureContext, ask: Ask) -> Results:
        """Return the findings and a table of both models' terms.

        Raises:
            CardError: A card lists another number of class names than its model has classes.
        """
        candidate, reference = terms_of(context.candidate), terms_of(context.reference)
        classes = tuple(_classes(candidate, reference))
        if not any(finding.rule == "contract.classes" for finding in classes):
            # Two models that differ in their classes fail for that, whatever a copied card says.
            _require_names_fit(candidate, context.candidate.artifact.name)
            _require_names_fit(reference, context.reference.artifact.name)
            classes += tuple(_names(candidate, reference))
        scales = (finding for side in (context.candidate, context.reference) for finding in input_doubts(side))
        findings = chain(classes, _shapes(candidate, reference), _kinds(candidate, reference), scales)
        return Results(findings=tuple(findings), exhibits=(_table(candidate, reference),))


def _require_names_fit(terms: Terms, name: str) -> None:
    if terms.classes is not None and terms.classes < 1:
        raise CardError(
            f"the card of {name} skips {terms.offset} leading outputs, but the model has {terms.outputs}",
            hint="correct output.offset in the card",
        )
    if terms.names is None or terms.classes == len(terms.names):
        return
    less = f" ({terms.outputs} outputs less the offset {terms.offset})" if terms.offset else ""
    raise CardError(
        f"the card of {name} lists {len(terms.names)} class names, but the model has {terms.classes} classes{less}",
        hint="correct output.classes or output.offset in the card",
    )


def _classes(candidate: Terms, reference: Terms) -> Iterable[Finding]:
    if candidate.classes is None or reference.classes is None:
        unknown = [who for who, terms in (("candidate", candidate), ("reference", reference)) if terms.classes is None]
        yield Finding(
            rule="contract.classes-unknown",
            severity=Severity.LOW,
            message=(
                f"The number of classes of the {' and of the '.join(unknown)} cannot be told: the candidate has "
                f"{_text(candidate.classes)} classes and the reference {_text(reference.classes)}."
            ),
            advice="List the class names under output.classes in the card.",
        )
    elif candidate.classes != reference.classes:
        yield Finding(
            rule="contract.classes",
            severity=Severity.CRITICAL,
            message=f"The candidate tells {candidate.classes} classes apart, the reference {reference.classes}.",
            location=_at("output", candidate.output),
            advice=_class_advice(candidate, reference),
        )


def _class_advice(candidate: Terms, reference: Terms) -> str:
    if candidate.classes is not None and reference.classes is not None:
        fewer, more = sorted((candidate.classes, reference.classes))
        if more - fewer == 1 and fewer > 1:
            who, terms = ("candidate", candidate) if candidate.classes == more else ("reference", reference)
            return (
                f"{more:,} against {fewer:,} is what a background class looks like: if the first output of the {who} "
                f"is none of the classes, set output.offset: {terms.offset + 1} in its card."
            )
    return "Vet it against its own original; if some outputs are no classes, set output.offset in the card."


def _names(candidate: Terms, reference: Terms) -> Iterable[Finding]:
    if candidate.names is None or reference.names is None or candidate.names == reference.names:
        return
    ours, theirs = set(candidate.names), set(reference.names)
    if ours == theirs:
        place = next(index for index, name in enumerate(candidate.names) if name != reference.names[index])
        yield Finding(
            rule="contract.class-names",
            severity=Severity.INFO,
            message=(
                f"The two cards list the same {len(ours)} classes in another order (class {place} is "
                f"{candidate.names[place]!r} for the candidate, {reference.names[place]!r} for the reference)."
            ),
            advice="Outputs are matched by name; make sure that each card lists its own model's order.",
        )
        return
    yield Finding(
        rule="contract.class-names",
        severity=Severity.CRITICAL,
        message=(
            f"The two cards list different classes: {_few(ours - theirs)} only in the candidate's, "
            f"{_few(theirs - ours)} only in the reference's."
        ),
        advice="Name the same classes alike in both cards, or drop the names from one to match by index.",
    )


def _shapes(candidate: Terms, reference: Terms) -> Iterable[Finding]:
    if candidate.channels != reference.channels:
        yield Finding(
            rule="contract.channels",
            severity=Severity.CRITICAL,
            message=f"The candidate takes {_channels(candidate)}, the reference {_channels(reference)}.",
            location=_at("input", candidate.input),
            advice="Compare models that see the same image; if a card's layout is wrong, correct it.",
        )
    if candidate.size != reference.size:
        yield _told(
            "contract.size",
            f"The candidate sees {_size(candidate)} pixels, the reference {_size(reference)}.",
            "Each model is fed at its own card's size; check that the smaller one is meant.",
        )


def _kinds(candidate: Terms, reference: Terms) -> Iterable[Finding]:
    sides = (("input", candidate.input, reference.input), ("output", candidate.output, reference.output))
    for side, ours, theirs in sides:
        if ours is not None and theirs is not None and ours.dtype != theirs.dtype:
            verb = "takes" if side == "input" else "gives"
            yield _told(
                f"contract.{side}-type",
                f"The candidate {verb} {ours.dtype}, the reference {theirs.dtype}.",
                "Quantised values go through the file's own scale and zero point; check that both state them.",
            )
    if candidate.kind != reference.kind:
        yield _told(
            "contract.output-kind",
            f"The candidate gives {candidate.kind}, the reference {reference.kind}.",
            "Logits are turned into probabilities before anything is compared; check output.kind in both cards.",
        )
    if candidate.offset != reference.offset:
        yield _told(
            "contract.offset",
            f"The candidate's card skips {candidate.offset} leading outputs, the reference's {reference.offset}.",
            "Check that only one of the models has a background class.",
        )


def _told(rule: str, message: str, advice: str) -> Finding:
    return Finding(rule=rule, severity=Severity.INFO, message=message, advice=advice)


def _table(candidate: Terms, reference: Terms) -> Table:
    rows = zip(_column(candidate).items(), _column(reference).values(), strict=True)
    return Table(
        title="Contract",
        columns=("property", "candidate", "reference"),
        rows=tuple((name, ours, theirs) for (name, ours), theirs in rows),
        caption="What each model takes and gives, from its file where that tells, else from its card.",
    )


def _column(terms: Terms) -> dict[str, str | int | None]:
    return {
        "classes": terms.classes,
        "outputs that are no class": terms.offset,
        "class names in the card": len(terms.names) if terms.names is not None else None,
        "channels": terms.channels,
        "input size": _size(terms),
        **_port("input", terms.input),
        **_port("output", terms.output),
        "output kind": terms.kind,
    }


def _port(side: str, port: Port | None) -> dict[str, str | int | None]:
    shape = " x ".join(_text(length) for length in port.shape) if port else None
    return {
        f"{side} name": port.name if port else None,
        f"{side} shape": shape,
        f"{side} type": port.dtype if port else None,
    }


def _text(length: int | None) -> str:
    return "?" if length is None else str(length)


def _size(terms: Terms) -> str:
    return f"{terms.size[0]} x {terms.size[1]}"


def _channels(terms: Terms) -> str:
    return "1 channel" if terms.channels == 1 else f"{terms.channels} channels"


def _few(names: set[str]) -> str:
    shown = ", ".join(map(repr, sorted(names)[:3])) or "none"
    return f"{shown} and {len(names) - 3} more" if len(names) > 3 else shown


def _at(side: str, port: Port | None) -> str:
    return f"{side} {port.name}" if port else side
