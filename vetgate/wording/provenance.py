"""What ran, what pins a run and what repeats it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from vetgate.domain.deployment import Asked
from vetgate.domain.evidence import Evidence, Outcome
from vetgate.domain.model import Execution
from vetgate.domain.report import ModelSummary, Promotion, Report
from vetgate.domain.source import ModelOrigin
from vetgate.wording.text import counted

PREDICTIONS = "predictions"
UNKNOWN = "–"
TIMED = "timed reference"
DIFFERS = "differs"


@dataclass(frozen=True)
class RunTable:
    """What really ran of both models, trait by trait."""

    of: tuple[str, ...]
    """What it ran for: `predictions`, or checks."""
    other: str
    """Title of the column of the other side: `reference`, or `timed reference`."""
    rows: tuple[tuple[str, str, str, bool], ...]
    """Trait, of the candidate, of the other side, and whether that makes figures less comparable."""


def run_tables(report: Report) -> tuple[RunTable, ...]:
    """Return what really ran, first for the predictions; checks for which the same ran share a table."""
    shared: dict[tuple[str, tuple[tuple[str, str, str, bool], ...]], list[str]] = {}
    for of, other, candidate, reference in _runs(report):
        theirs = report.timed_reference if other == TIMED and report.timed_reference is not None else report.reference
        traits = _traits(candidate, reference) + _asked(report.candidate, theirs)
        shared.setdefault((other, traits), []).append(of)
    return tuple(
        RunTable(tuple(of), other, traits + (_answers(report) if PREDICTIONS in of else ()))
        for (other, traits), of in shared.items()
    )


def _runs(report: Report) -> Iterator[tuple[str, str, Execution | None, Execution | None]]:
    both = (report.candidate, report.reference)
    if any(model.execution is not None or model.from_cache or model.answered for model in both):
        yield PREDICTIONS, "reference", report.candidate.execution, report.reference.execution
    for entry in report.evidence:
        if entry.ran is not None:
            timed = report.timed_reference is not None and _is_timing(entry)
            yield entry.check, TIMED if timed else "reference", entry.ran.candidate, entry.ran.reference


def _is_timing(evidence: Evidence) -> bool:
    return any(figure.metric.startswith("latency.") for figure in evidence.measurements)


def _traits(candidate: Execution | None, reference: Execution | None) -> tuple[tuple[str, str, str, bool], ...]:
    """Return the traits; versions of different runtimes are no difference of their own."""
    one, other = _told(candidate), _told(reference)
    known = candidate is not None and reference is not None
    runtimes_differ = one[0] != other[0]
    rows = []
    for trait, left, right in zip(("runtime", "version", "provider", "threads", "precision"), one, other, strict=True):
        rows.append((trait, left, right, known and left != right and not (trait == "version" and runtimes_differ)))
    placed = tuple(placed_words(run) for run in (candidate, reference))
    if any(placed):
        rows.append(("operators", placed[0], placed[1], False))
    notes = tuple("; ".join(run.notes) if run is not None else "" for run in (candidate, reference))
    if any(notes):
        rows.append(("notes", notes[0], notes[1], False))
    return tuple(rows)


def _told(run: Execution | None) -> tuple[str, ...]:
    if run is None:
        return (UNKNOWN,) * 5
    return run.runtime, run.version, run.provider, f"{run.threads:,}", run.precision


def placed_words(run: Execution | None) -> str:
    """Return how many operators run where: `9 on XNNPACK, 2 on builtin`; empty where that is not known."""
    return ", ".join(f"{place.operators:,} on {place.provider}" for place in run.placed) if run is not None else ""


def _asked(candidate: ModelSummary, other: ModelSummary) -> tuple[tuple[str, str, str, bool], ...]:
    """Return what was asked of how the two run, option by option."""
    options = dict.fromkeys(asked.option for model in (candidate, other) for asked in model.asked)
    return tuple(
        (f"asked: {option}", asked_words(candidate.asked, option), asked_words(other.asked, option), False)
        for option in options
    )


def asked_words(asked: Sequence[Asked], option: str) -> str:
    """Return what was asked of an option, and by whom: `XNNPACK (card, overruled), builtin (run)`."""
    return ", ".join(
        f"{each.value} ({each.by}{'' if each.heeded else ', overruled'})" for each in asked if each.option == option
    )


def _answers(report: Report) -> tuple[tuple[str, str, str, bool], ...]:
    return (("answered", answered(report, report.candidate), answered(report, report.reference), False),)


def answered(report: Report, model: ModelSummary) -> str:
    """Return how many images a model's process answered in this run: `512 images`, `none, all from the cache`."""
    if not model.answered:
        return "none, all from the cache" if model.from_cache else "none"
    return counted(model.answered, "image") + (f", {model.recalled:,} from the cache" if model.recalled else "")


def models(report: Report) -> tuple[tuple[str, ModelSummary], ...]:
    """Return the models by role."""
    timed = ((TIMED, report.timed_reference),) if report.timed_reference is not None else ()
    return (("candidate", report.candidate), ("reference", report.reference), *timed)


def digests(report: Report) -> tuple[tuple[str, str], ...]:
    """Return everything that pins the run, as label and sha256."""
    listed: list[tuple[str, str | None]] = []
    for role, model in models(report):
        listed.append((role, model.sha256))
        if len(model.members) > 1:
            listed.extend((f"{role}: {member.name}", member.sha256) for member in model.members)
        listed.append((f"{role} card", model.card_sha256))
    listed.append(("data", report.data.sha256 if report.data else None))
    listed.append(("policy", report.policy.sha256))
    if report.baseline is not None:
        listed.append(("baseline", report.baseline.sha256))
        listed.append(("baseline candidate", report.baseline.candidate_sha256))
    if report.yardstick is not None:
        listed.append(("yardstick", report.yardstick.sha256))
        listed.extend((f"yardstick: {peer.name}", peer.sha256) for peer in report.yardstick.peers if peer.final)
    return tuple((label, digest) for label, digest in listed if digest is not None)


def origins(report: Report) -> tuple[tuple[str, str], ...]:
    """Return where models came from that were fetched, as role and words: `mlflow: int8.onnx of name fashion, ...`."""
    fetched = ((role, model.origin) for role, model in models(report))
    return tuple((role, _origin_words(origin)) for role, origin in fetched if origin is not None)


def _origin_words(origin: ModelOrigin) -> str:
    facts = ", ".join(f"{name} {value}" for name, value in origin.facts.items())
    if not origin.file:
        return f"{origin.source}: {facts}"
    return f"{origin.source}: {origin.file}{f' of {facts}' if facts else ''}"


def promotion_words(promotion: Promotion) -> str:
    """Return who made a report the baseline, when and why: `2026-11-02 by edge-team: first release`."""
    return f"{promotion.at.date().isoformat()} by {promotion.owner}: {promotion.reason}"


def measured(report: Report) -> str:
    """Return the checks that ran, with their time."""
    return ", ".join(
        f"{evidence.check} {evidence.seconds:.1f} s"
        for evidence in report.evidence
        if evidence.outcome is Outcome.MEASURED
    )


def software(report: Report) -> str:
    """Return the versions of what ran, each package once."""
    environment = report.environment
    packages = [f"{package} {version}" for package, version in sorted(environment.packages.items())]
    own = f"vetgate {environment.vetgate}"
    return ", ".join([own, f"Python {environment.python}", *(package for package in packages if package != own)])


def command(report: Report) -> tuple[str, ...]:
    """Return the command that repeats the run, its program first."""
    given = report.command
    return given if given[:1] == ("vetgate",) else ("vetgate", *given)
