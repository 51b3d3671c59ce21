"""The room of signed verdicts: statements in envelopes, keys, and what is held against files at roll-out.

`parse_envelope` and `parse_statement` are pure: bytes in, what they say out, or `Refused`.
"""

from vetgate.attestation.envelope import LONGEST, Envelope, parse_envelope, render_envelope
from vetgate.attestation.held import Files
from vetgate.attestation.keyless import Identity, Keyless, require_sigstore
from vetgate.attestation.keys import (
    PASSWORD_VARIABLE,
    KeyPair,
    PublicKeys,
    Signer,
    generate,
    load_public,
    load_signer,
)
from vetgate.attestation.roots import Roots, load_roots
from vetgate.attestation.sealing import Trust, open_envelope
from vetgate.attestation.statement import (
    PREDICATE_TYPE,
    Statement,
    parse_statement,
    render_statement,
)
from vetgate.attestation.verdict import Demand, Seals, Wanted, attest, verify

__all__ = [
    "LONGEST",
    "PASSWORD_VARIABLE",
    "PREDICATE_TYPE",
    "Demand",
    "Envelope",
    "Files",
    "Identity",
    "KeyPair",
    "Keyless",
    "PublicKeys",
    "Roots",
    "Seals",
    "Signer",
    "Statement",
    "Trust",
    "Wanted",
    "attest",
    "generate",
    "load_public",
    "load_roots",
    "load_signer",
    "open_envelope",
    "parse_envelope",
    "parse_statement",
    "render_envelope",
    "render_statement",
    "require_sigstore",
    "verify",
]
