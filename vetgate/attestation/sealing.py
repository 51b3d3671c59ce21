"""Takes a statement out of a signed envelope, once the signature was verified."""

from __future__ import annotations

import datetime
from dataclasses import dataclass, field

from vetgate.attestation.envelope import PAYLOAD_TYPE, Envelope
from vetgate.attestation.keyless import Identity
from vetgate.attestation.keys import PublicKeys
from vetgate.attestation.roots import Roots
from vetgate.attestation.statement import Statement, parse_statement
from vetgate.domain.errors import Refused


@dataclass(frozen=True)
class Trust:
    """Whose signature counts: that of one of these keys, of whoever these roots vouch for, or of one identity."""

    keys: PublicKeys = field(default_factory=PublicKeys)
    roots: Roots | None = None
    identity: Identity | None = None


def open_envelope(envelope: Envelope, trust: Trust, now: datetime.datetime) -> Statement:
    """Return what somebody trusted signed; nothing of the payload counts before.

    Args:
        envelope: As read.
        trust: Whose signature counts.
        now: For certificates.

    Raises:
        Refused: Nobody trusted signed it, its signature is not of its payload, or it is no statement.
    """
    if trust.roots is None:
        return _of_key(envelope, trust.keys)
    if not envelope.certificates:
        raise Refused(
            "certificate", "the attestation carries no certificate: it was signed with a bare key", hint="--key PUB"
        )
    return _of_certificate(envelope, trust.roots, now)


def _of_key(envelope: Envelope, keys: PublicKeys) -> Statement:
    key = keys.find(envelope.keyid)
    if key is None:
        told = ascii(envelope.keyid)[1:-1][:12]
        raise Refused("key", f"the attestation was signed with another key: {told}, not {keys.told}")
    _verify(envelope, PublicKeys(((key.keyid, key),)))
    return parse_statement(envelope.payload)


def _of_certificate(envelope: Envelope, roots: Roots, now: datetime.datetime) -> Statement:
    """Verify by the signer's own certificate first, which says nothing yet of who that is; then ask the roots."""
    from cryptography import x509
    from cryptography.exceptions import UnsupportedAlgorithm
    from securesystemslib.signer import SSlibKey

    try:
        stated = SSlibKey.from_crypto(x509.load_der_x509_certificate(envelope.certificates[0]).public_key())
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise Refused("certificate", "the signer's certificate cannot be read") from None
    _verify(envelope, PublicKeys((("certificate", stated),)))
    statement = parse_statement(envelope.payload)
    roots.key_of(envelope.certificates, statement.predicate.time_verified, now)
    return statement


def _verify(envelope: Envelope, keys: PublicKeys) -> None:
    from securesystemslib.dsse import Envelope as Dsse
    from securesystemslib.exceptions import VerificationError
    from securesystemslib.signer import Signature

    signature = Signature(envelope.keyid, envelope.signature.hex())
    dsse = Dsse(envelope.payload, PAYLOAD_TYPE, {envelope.keyid: signature})
    try:
        dsse.verify([key for _, key in keys.keys], 1)
    except (VerificationError, ValueError):
        raise Refused(
            "signature", "the signature is not of this content: the verdict or the signature was changed or replaced"
        ) from None
