"""Scanning files alone, and the rules that scanners on offer have (`vetgate scan`)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from vetgate.artifacts import Vault
from vetgate.domain.errors import Inconclusive, UnreadableArtifact
from vetgate.domain.request import Limits
from vetgate.domain.scan import Scanned, ScannedFile, ScanState, ScanSummary
from vetgate.domain.scan_rules import CORE_RULES, UNREADABLE, find
from vetgate.domain.specs import RuleSpec
from vetgate.gate.house import Strictness
from vetgate.gate.scan import read_bad_digests, scan_artifact, scan_service
from vetgate.gate.sources import Sources
from vetgate.host import Host, Kind
from vetgate.inference.errand import unheard


@dataclass(frozen=True)
class Offered:
    """A rule, and who finds by it."""

    rule: RuleSpec
    scanner: str
    """Name; `the gate` for what it finds itself."""
    distribution: str


def scan_files(
    paths: Sequence[str], host: Host, limits: Limits, tell: Callable[[str], None], bad_digests: str | None = None
) -> Iterator[ScannedFile]:
    """Yield what scanners say of files of any format, one after the other; nothing of them is opened.

    Args:
        paths: As typed.
        host: The plugins.
        limits: What each scan may take.
        tell: Told of each file before it is scanned.
        bad_digests: File of the user's list of digests that are known to be bad.

    Raises:
        UsageError: A path does not exist or is a folder.
    """
    strictness = Strictness(
        seconds=limits.scan_seconds, memory=limits.scan_memory, bad_digests=read_bad_digests(bad_digests)
    )
    for path in paths:
        tell(path)
        yield _scan_file(path, host, strictness)


def _scan_file(path: str, host: Host, strictness: Strictness) -> ScannedFile:
    """Return what scanners say of one file; one that cannot be read must not keep others from being scanned."""
    with Vault() as vault:
        try:
            place = Sources(host, vault).place(path)
            if place.served is not None:
                return ScannedFile(name=path, format=place.served.format, members=(), scanned=scan_service(path))
            artifact = vault.hold(path, host.backends(), place.file)
        except (UnreadableArtifact, Inconclusive) as error:
            summary = ScanSummary(state=ScanState.FAILED)
            scanned = Scanned(summary=summary, findings=(find(UNREADABLE, error.message, path, error.hint),))
            return ScannedFile(name=path, format=None, members=(), scanned=scanned)
        scanned = scan_artifact(path, artifact, host, vault, strictness, unheard)
    return ScannedFile(name=path, format=artifact.format or None, members=artifact.members, scanned=scanned)


def list_rules(host: Host) -> tuple[Offered, ...]:
    """Return every rule by id."""
    found = [Offered(rule, "the gate", "vetgate") for rule in CORE_RULES]
    for spec in host.scanners():
        offer = host.offer(Kind.SCANNER, spec.name)
        if offer is not None:
            found += (Offered(rule, spec.name, offer.distribution) for rule in spec.rules)
    return tuple(sorted(found, key=lambda offered: (offered.rule.id, offered.scanner)))
