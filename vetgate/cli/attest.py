"""Signed verdicts on their way out: who signs, and where each goes."""

from __future__ import annotations

import datetime
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import click

from vetgate.attestation import PASSWORD_VARIABLE, Keyless, Seals, attest, load_signer, require_sigstore
from vetgate.cli import streams
from vetgate.cli.output import JSON, STDOUT, Target, require_writable, write_whole
from vetgate.cli.settings import Settings
from vetgate.domain.errors import Inconclusive, UsageError, VetgateError
from vetgate.domain.report import ReportSet
from vetgate.domain.source import stem_of
from vetgate.host import Host, Kind

SUFFIX = ".intoto.jsonl"
SIGSTORE = "sigstore"
"""In place of a key: sign as this CI job."""


@dataclass(frozen=True)
class Attester:
    """Signs the verdicts of one run."""

    signer: Seals
    places: Mapping[str, Path]
    """By candidate."""
    host: Host

    def sign(self, reports: ReportSet, written: Mapping[str, bytes]) -> dict[str, bytes]:
        """Write each candidate's attestation; the JSON report is bound also where nobody asked for its file.

        Args:
            reports: Of the run.
            written: Whole reports by format.

        Returns:
            The attestations by the name of their file.

        Raises:
            Inconclusive: One could not be signed or written.
        """
        signed = dict[str, bytes]()
        now = datetime.datetime.now(datetime.UTC)
        bound = {**_json(reports, self.host), **written}
        try:
            for candidate, envelope in attest(reports, bound, self.signer, now):
                if envelope is None:
                    streams.tell(f"warning: no attestation of {candidate}: it could not be read")
                    continue
                write_whole(self.places[candidate], envelope)
                signed[self.places[candidate].name] = envelope
                streams.tell(f"attestation: {self.places[candidate]}")
        except VetgateError as error:
            raise Inconclusive(f"a verdict was not signed: {error.message}", hint=error.hint) from None
        return signed


def choose_attester(
    settings: Settings, candidates: Sequence[str], host: Host, targets: Sequence[Target], spare: Sequence[str]
) -> Attester | None:
    """Return who signs, making sure before the run that it can; None where nobody asked.

    Args:
        settings: Of the run.
        candidates: As typed.
        host: Who writes formats.
        targets: Where reports go.
        spare: Files that the run reads.

    Raises:
        UsageError: The key cannot be read, or an attestation cannot be written where it should go.
        MissingExtra: What signs is not installed.
    """
    if settings.attest is None:
        given = {"--attest-to": settings.attest_to, "--attest-certificate": settings.attest_certificate}
        alone = next((flag for flag, value in given.items() if value is not None), None)
        if alone is not None:
            raise UsageError(f"{alone} is given, but no key signs", hint="--attest KEY")
        return None
    places = _places(settings, candidates)
    taken = {os.path.realpath(target.path): f"the {target.format} report" for target in targets}
    taken |= {
        os.path.realpath(file): "what this run reads" for file in (*spare, settings.attest) if Path(file).exists()
    }
    for candidate, place in places.items():
        real = os.path.realpath(place)
        if real in taken:
            raise UsageError(f"the attestation of {candidate} would replace {taken[real]}", hint="--attest-to FILE")
        taken[real] = f"that of {candidate}"
        require_writable(place, "attestation")
    return Attester(_signer(settings.attest, settings.attest_certificate), places, host)


def _signer(key: str, certificate: str | None) -> Seals:
    if key != SIGSTORE or Path(key).exists():
        return load_signer(key, ask_password, certificate)
    require_sigstore()
    keyless = Keyless()
    keyless.require_identity()
    return keyless


def _places(settings: Settings, candidates: Sequence[str]) -> dict[str, Path]:
    if settings.attest_to == STDOUT:
        raise UsageError("an attestation is written to a file, not to stdout", hint="--attest-to FILE")
    if settings.attest_to is not None and len(candidates) == 1 and not Path(settings.attest_to).is_dir():
        return {candidates[0]: Path(settings.attest_to)}
    folder = Path(settings.attest_to or settings.output_dir or ".")
    if folder.exists() and not folder.is_dir():
        raise UsageError(f"{folder} is no folder", hint="with several candidates --attest-to names a folder")
    return {candidate: folder / f"{stem_of(candidate)}{SUFFIX}" for candidate in candidates}


def _json(reports: ReportSet, host: Host) -> dict[str, bytes]:
    """Return the report as JSON, as its file would be; nothing where nobody here writes it."""
    offer = host.offer(Kind.REPORTER, JSON)
    if offer is None:
        return {}
    content = offer.spec.factory().render(reports)
    return {JSON: content if isinstance(content, bytes) else content.encode()}


def ask_password() -> str | None:
    """Return the password of a key: a variable's, else what is typed, else None."""
    return os.environ.get(PASSWORD_VARIABLE) or _typed(lambda: click.prompt("Password", hide_input=True, err=True))


def new_password() -> str | None:
    """Return the password of a new key: a variable's, else what is typed twice, else None."""
    return os.environ.get(PASSWORD_VARIABLE) or _typed(
        lambda: click.prompt("Password of the new key", hide_input=True, confirmation_prompt=True, err=True)
    )


def _typed(prompt: Callable[[], str]) -> str | None:
    return prompt() if sys.stdin is not None and sys.stdin.isatty() else None
