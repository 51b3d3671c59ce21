"""Step 4 of the walk: models are scanned before anything of them is opened, by everybody on offer who reads them."""

from __future__ import annotations

import time
from collections.abc import Collection, Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from vetgate.artifacts import Vault
from vetgate.domain.artifact import Artifact
from vetgate.domain.errors import Inconclusive, Unsafe, UsageError
from vetgate.domain.evidence import Evidence, Finding, FindingRule, Outcome
from vetgate.domain.scan import Scanned, ScanState, ScanSummary
from vetgate.domain.scan_rules import CORE_RULES, NOT_SCANNED, SERVED, UNREADABLE, UNSCANNED, find
from vetgate.domain.specs import RuleSpec, ScannerSpec
from vetgate.gate.house import Strictness, entry_of
from vetgate.host import Host, Kind, Offer
from vetgate.inference.errand import Tell
from vetgate.inference.scan import scan
from vetgate.inference.scan_order import ScannerEntry, ScanOrder

if TYPE_CHECKING:
    from vetgate.gate.entrant import Entrant
    from vetgate.gate.run import Run

CHECK = "scan"
"""Name of the evidence."""
_LONGEST_LIST = 2 << 20
"""Bytes of a list of digests: some 20,000."""


def scan_artifact(
    name: str,
    artifact: Artifact,
    host: Host,
    vault: Vault,
    strictness: Strictness,
    tell: Tell,
    *,
    walled: bool = False,
) -> Scanned:
    """Return what scanners found in a private copy; they read it in one child process.

    Args:
        name: What the model is called in messages.
        artifact: The copy.
        host: The plugins.
        vault: Holds the copy.
        strictness: What the scan may take.
        tell: Told (what, done, total) of progress.
        walled: Whether all walls must stand around the child.

    Raises:
        Inconclusive: The child cannot be started or walled in.
    """
    offers = [offer for spec in host.scanners() if (offer := host.offer(Kind.SCANNER, spec.name))]
    order = ScanOrder(
        scanners=tuple(_entry(host, offer) for offer in offers if not offer.missing),
        artifact=artifact,
        format=artifact.format,
        seconds=strictness.seconds,
        memory=strictness.memory,
        bad_digests=strictness.bad_digests,
    )
    scanned = scan(name, order, tell, lacking=_lacking(artifact.format, offers), strict=walled)
    vault.require_untouched(artifact)
    oddities = vault.findings(artifact)
    return _with(scanned, oddities) if oddities else scanned


def scan_service(name: str) -> Scanned:
    """Return what is known of a model that hands out no file, which is nothing."""
    found = find(SERVED, f"{name} is a service: it hands out no file, so nobody could scan it")
    summary = ScanSummary(state=ScanState.NOT_SCANNED, reason=found.message, worst=found.severity)
    return Scanned(summary=summary, findings=(found,))


def read_bad_digests(path: str | None) -> str:
    """Return the text of the user's list of bad digests; scanners say what they think of it. Empty where there is none.

    Raises:
        UsageError: It cannot be read.
    """
    if path is None:
        return ""
    try:
        file = Path(path)
        if file.stat().st_size > _LONGEST_LIST:
            raise UsageError(f"{path} is longer than {_LONGEST_LIST:,} bytes", hint="split or shorten the list")
        return file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{path} cannot be read: {error}", hint="check bad_digests in vetgate.yaml") from None


def _entry(host: Host, offer: Offer) -> ScannerEntry:
    return ScannerEntry(entry=entry_of(host, offer), name=offer.name, version=host.plugin_of(offer).version)


def _lacking(known: str, offers: Iterable[Offer]) -> str:
    """Return what scanners of a format lack that cannot be asked for it; empty where none lacks anything."""
    specs: list[tuple[ScannerSpec, Offer]] = [(offer.spec, offer) for offer in offers if offer.missing]
    return "; ".join(
        f"scanner {spec.name!r} needs {', '.join(offer.missing)}: pip install '{offer.distribution}[{spec.extra}]'"
        for spec, offer in specs
        if known in spec.vouches
    )


def _with(scanned: Scanned, oddities: tuple[Finding, ...]) -> Scanned:
    """Return a scan with what the vault had found before it."""
    findings = sorted((*scanned.findings, *oddities), key=lambda finding: -finding.severity)
    changes: dict[str, object] = {"worst": findings[0].severity}
    if scanned.summary.state is ScanState.CLEAN:
        changes["state"] = ScanState.FINDINGS
    unreadable = [finding.message for finding in oddities if finding.rule == UNREADABLE.id]
    if unreadable:
        changes |= {"state": ScanState.FAILED, "reason": "; ".join(unreadable)}
    return Scanned(summary=scanned.summary.model_copy(update=changes), findings=tuple(findings))


def require_safe(name: str, scanned: Scanned, strictness: Strictness) -> None:
    """Make sure that a model may be opened after its scan.

    Raises:
        Unsafe: Something at or over the limit was found.
        Inconclusive: The scan failed, or nobody could scan it and somebody must.
    """
    grave = [finding for finding in scanned.findings if finding.severity >= strictness.halt_at]
    if grave:
        worst, more = grave[0], f" and {len(grave) - 1} more" if len(grave) > 1 else ""
        where = f" ({worst.location})" if worst.location else ""
        raise Unsafe(
            f"{name} was not opened: {worst.rule} {worst.severity.name.lower()}: {worst.message}{where}{more}",
            hint=worst.advice or f"vetgate scan --rules tells what {worst.rule} means",
        )
    if strictness.artifact == "file" and _is_served(scanned.findings):
        raise Unsafe(f"{name} was not opened: the policy takes files, and this is a service", hint=SERVED.advice)
    refusal = _refusal(scanned, strictness)
    if refusal:
        raise Inconclusive(f"{name} was not opened: {refusal}", hint="vetgate scan FILE shows what scanners say of it")


def _refusal(scanned: Scanned, strictness: Strictness) -> str:
    """Return why a model stays closed although nothing grave was found; empty where it may be opened."""
    if scanned.known or (scanned.summary.state is ScanState.NOT_SCANNED and strictness.asked == "preferred"):
        return ""
    return scanned.summary.reason or "its scan did not end"


def scan_models(entrants: Iterable[Entrant], host: Host, tell: Tell) -> Evidence:
    """Return the evidence of scanning admitted models; each is scanned once in a run.

    Args:
        entrants: The candidate first, then what it is vetted with.
        host: The plugins.
        tell: Told (what, done, total) of progress.

    Raises:
        Inconclusive: There is no room for another process.
    """
    start = time.perf_counter()
    return _evidence([(entrant.name, entrant.scan(tell)) for entrant in entrants], host, start)


def scan_unopened(entrants: Iterable[Entrant], host: Host, tell: Tell) -> Iterator[Evidence]:
    """Yield the evidence of scanning files that nobody can open: what is found in them says why to throw them away.

    Args:
        entrants: Those that were not admitted.
        host: The plugins.
        tell: Told (what, done, total) of progress.
    """
    start = time.perf_counter()
    scans = [(entrant.name, scanned) for entrant in entrants if (scanned := entrant.scan_unopened(tell)) is not None]
    if scans:
        yield _evidence([(name, _of_no_format(name, scanned)) for name, scanned in scans], host, start)


def _of_no_format(name: str, scanned: Scanned) -> Scanned:
    """Return a scan with the finding that nobody knows the format: what was found need not be all that there is."""
    if any(finding.rule == NOT_SCANNED.id for finding in scanned.findings):
        return scanned
    told = f"{name} was scanned only in part: it is of no format that is known here, so there may be more in it"
    return scanned.model_copy(update={"findings": (*scanned.findings, find(NOT_SCANNED, told))})


def _is_served(findings: Iterable[Finding]) -> bool:
    return any(found.rule == SERVED.id for found in findings)


def _evidence(scans: Iterable[tuple[str, Scanned]], host: Host, start: float) -> Evidence:
    """Return what scans came to, by name of the model."""
    findings: list[Finding] = []
    failures: list[str] = []
    for name, scanned in scans:
        findings += _located(name, scanned)
        if scanned.summary.state is ScanState.FAILED:
            failures.append(f"{name}: {scanned.summary.reason or 'its scan did not end'}")
    return Evidence(
        check=CHECK,
        outcome=Outcome.ERRORED if failures else Outcome.MEASURED,
        findings=tuple(findings),
        rules=_told({finding.rule for finding in findings}, host),
        reason="; ".join(failures),
        seconds=time.perf_counter() - start,
    )


def _told(wanted: Collection[str], host: Host) -> tuple[FindingRule, ...]:
    """Return what rules mean; one that a scanner never declared is left out."""
    declared: dict[str, RuleSpec] = {rule.id: rule for spec in host.scanners() for rule in spec.rules}
    declared |= {rule.id: rule for rule in CORE_RULES}
    return tuple(
        FindingRule(id=rule.id, title=rule.title, why=rule.why, advice=rule.advice, source=rule.source)
        for rule in (declared[id_] for id_ in sorted(wanted) if id_ in declared)
    )


def _located(name: str, scanned: Scanned) -> Iterator[Finding]:
    """Yield findings whose location says in which model they are."""
    for finding in scanned.findings:
        where = f"{name}: {finding.location}" if finding.location else name
        yield finding.model_copy(update={"location": where})


def keeps_closed(evidence: Evidence, strictness: Strictness) -> str:
    """Return why no model may be opened after a scan; empty where they may be."""
    grave = dict.fromkeys(found.rule for found in evidence.findings if found.severity >= strictness.halt_at)
    if grave:
        return f"no model was opened, because of {', '.join(grave)}"
    if strictness.artifact == "file" and _is_served(evidence.findings):
        return "no model was opened, because the policy takes files and no services"
    unknown = strictness.asked == "required" and any(found.rule in UNSCANNED for found in evidence.findings)
    return "no model was opened, because not all could be scanned" if unknown or evidence.reason else ""


def scan_first(entrant: Entrant, run: Run) -> None:
    """Scan an admitted model outside of the walk, and warn of one that nobody could scan but that may be opened.

    Raises:
        Unsafe: The scan found something at or over the limit.
        Inconclusive: The scan failed, or nobody could scan it and somebody must.
    """
    run.tell("scan", entrant.path)
    entrant.require_safe()
    summary = entrant.scan().summary
    run.warn(summary.reason if summary.state is ScanState.NOT_SCANNED else "")


def foresee_scan(name: str, artifact: Artifact, host: Host, strictness: Strictness) -> str:
    """Return why a model could not be scanned although it must be, as far as its format tells; empty where it could."""
    if artifact.service is not None:
        takes_files = strictness.artifact == "file" or strictness.asked == "required"
        return f"{name} would not be opened, for it is a service that nobody can scan" if takes_files else ""
    offers = [offer for spec in host.scanners() if (offer := host.offer(Kind.SCANNER, spec.name))]
    known = any(artifact.format in offer.spec.vouches for offer in offers if not offer.missing)
    if known or strictness.asked == "preferred":
        return ""
    why = _lacking(artifact.format, offers) or f"no scanner on offer reads {artifact.format} files"
    return f"{name} would not be opened, for it must be scanned: {why}"
