"""The envelope: DSSE, as in-toto attestations come in.

Reading is strict: exactly one signature, no unknown key, and byte for byte what `render_envelope` writes of it, so that
nothing that no signature covers (blanks, the order of keys, spare bits of base64) can be changed unseen. That is what
`jq -c .` prints, so an envelope that was indented on its way can be put right again.

DSSE v1: https://github.com/secure-systems-lab/dsse/blob/master/protocol.md; certificates stand in the signature's
`extension`, which that protocol has for material that a verifier needs.
"""

from __future__ import annotations

import base64
import binascii
import json
from typing import Annotated, Literal

from pydantic import Field

from vetgate.attestation.notation import as_record, read_object
from vetgate.domain.errors import Refused
from vetgate.domain.record import Record

PAYLOAD_TYPE = "application/vnd.in-toto+json"
LONGEST = 4 << 20
"""Bytes of an attestation; one of a model with 1,000 files has some 150 kB."""
CERTIFICATES: Literal["https://vetgate.dev/attestation/certificates/v1"] = (
    "https://vetgate.dev/attestation/certificates/v1"
)
"""Kind of the extension that holds the signer's certificate and those between it and the root."""
MOST_CERTIFICATES = 8
_WHAT = "the attestation"


class Chain(Record):
    """The signer's certificate and those between it and a root, DER in base64."""

    certificates: Annotated[tuple[str, ...], Field(min_length=1, max_length=MOST_CERTIFICATES)]


class Extension(Record):
    """What a verifier needs besides the signature; nothing that it may trust."""

    kind: Literal["https://vetgate.dev/attestation/certificates/v1"] = CERTIFICATES
    ext: Chain


class SignatureText(Record):
    """One signature."""

    keyid: str
    sig: str
    """Base64."""
    extension: Extension | None = None


class EnvelopeText(Record):
    """An envelope as it is written."""

    payload: str
    """Base64."""
    payloadType: str  # noqa: N815  # the protocol's spelling
    signatures: tuple[SignatureText, ...]


class Envelope(Record):
    """A signed payload, as read; nothing of it is trusted before its signature was verified."""

    payload: bytes
    signature: bytes
    keyid: str
    certificates: tuple[bytes, ...] = ()
    """DER, the signer's own first; empty where a bare key signed."""


def parse_envelope(content: bytes) -> Envelope:
    """Return the envelope that bytes hold.

    Raises:
        Refused: They are too many, no DSSE envelope of an in-toto statement with one signature, or not spelled as
            `render_envelope` does.
    """
    if len(content) > LONGEST:
        raise Refused("envelope", f"{_WHAT} has more than {LONGEST >> 20} MB")
    text = as_record(read_object(content, _WHAT, "envelope"), EnvelopeText, _WHAT, "envelope")
    if text.payloadType != PAYLOAD_TYPE:
        raise Refused("envelope", f"{_WHAT} holds {text.payloadType[:80]!a}, and {PAYLOAD_TYPE!r} is wanted")
    if len(text.signatures) != 1:
        count = len(text.signatures) or "no"
        raise Refused("envelope", f"{_WHAT} has {count} signatures, and exactly one is wanted")
    (signature,) = text.signatures
    chain = signature.extension.ext.certificates if signature.extension else ()
    envelope = Envelope(
        payload=_decode(text.payload, "payload"),
        signature=_decode(signature.sig, "sig"),
        keyid=signature.keyid,
        certificates=tuple(_decode(certificate, "certificates") for certificate in chain),
    )
    if render_envelope(envelope) != content:
        raise Refused(
            "envelope",
            f"{_WHAT} is not spelled as it was written: its bytes were changed outside of what is signed",
            hint="if a tool indented it, `jq -c .` puts it right",
        )
    return envelope


def render_envelope(envelope: Envelope) -> bytes:
    """Return an envelope as one line of JSON: a file of it is an in-toto bundle (.intoto.jsonl) as well."""
    signature: dict[str, object] = {"keyid": envelope.keyid, "sig": _encode(envelope.signature)}
    if envelope.certificates:
        chain = [_encode(certificate) for certificate in envelope.certificates]
        signature["extension"] = {"kind": CERTIFICATES, "ext": {"certificates": chain}}
    content = {"payload": _encode(envelope.payload), "payloadType": PAYLOAD_TYPE, "signatures": [signature]}
    return json.dumps(content, separators=(",", ":")).encode() + b"\n"


def _encode(content: bytes) -> str:
    return base64.b64encode(content).decode("ascii")


def _decode(text: str, key: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise Refused("envelope", f"{_WHAT} is malformed at '{key}': no base64") from None
