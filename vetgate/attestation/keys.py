"""Keys: made, read and named. The cryptography is that of pyca/cryptography, by way of securesystemslib."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vetgate.attestation.envelope import PAYLOAD_TYPE, Envelope, render_envelope
from vetgate.domain.errors import MissingExtra, UsageError

if TYPE_CHECKING:
    from securesystemslib.signer import CryptoSigner, SSlibKey

LARGEST_FILE = 1 << 20
"""Bytes of a key or a chain of certificates; a larger one is something else."""
PASSWORD_VARIABLE = "VETGATE_KEY_PASSWORD"  # noqa: S105  # the name of a variable
KINDS = "Ed25519, or ECDSA on P-256, P-384 or P-521"
_KEY_TYPES = ("ed25519", "ecdsa")

Ask = Callable[[], str | None]
"""Returns the password of an encrypted key, None where there is none to be had."""


@dataclass(frozen=True)
class KeyPair:
    """A new pair of keys, as files hold it."""

    private: bytes
    """PEM (PKCS#8), encrypted where a password was given."""
    public: bytes
    """PEM (SubjectPublicKeyInfo)."""
    keyid: str


@dataclass(frozen=True)
class Signer:
    """A private key, and the certificates that say whose it is."""

    signer: CryptoSigner
    certificates: tuple[bytes, ...] = ()
    """DER, the signer's own first."""

    @property
    def keyid(self) -> str:
        """Name of the public key: SHA-256 of its canonical form, as securesystemslib makes it."""
        return str(self.signer.public_key.keyid)

    def seal(self, payload: bytes) -> bytes:
        """Return a signed envelope of a statement, as a file holds it."""
        from securesystemslib.dsse import Envelope as Dsse

        signature = Dsse(payload, PAYLOAD_TYPE, {}).sign(self.signer)
        return render_envelope(
            Envelope(
                payload=payload,
                signature=bytes.fromhex(signature.signature),
                keyid=signature.keyid,
                certificates=self.certificates,
            )
        )


@dataclass(frozen=True)
class PublicKeys:
    """Public keys that are trusted, by the file that each came from."""

    keys: tuple[tuple[str, SSlibKey], ...] = ()

    def find(self, keyid: str) -> SSlibKey | None:
        """Return the key of a name."""
        return next((key for _, key in self.keys if key.keyid == keyid), None)

    @property
    def told(self) -> str:
        """Return them for messages."""
        return ", ".join(f"{file} ({key.keyid[:12]})" for file, key in self.keys)


def require_library() -> None:
    """Make sure that what signs and verifies is installed.

    Raises:
        MissingExtra: It is not.
    """
    try:
        import cryptography.x509.verification  # noqa: F401
        import securesystemslib.dsse  # noqa: F401
    except ImportError as error:
        raise MissingExtra(
            f"signed verdicts need securesystemslib and cryptography ({error.name or error} is missing)",
            hint="pip install 'vetgate[attest]'",
        ) from None


def generate(password: str | None) -> KeyPair:
    """Return a new Ed25519 pair.

    Args:
        password: Encrypts the private key; None leaves it plain.

    Raises:
        MissingExtra: The library is not installed.
    """
    require_library()
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import (
        BestAvailableEncryption,
        Encoding,
        NoEncryption,
        PrivateFormat,
        PublicFormat,
    )
    from securesystemslib.signer import SSlibKey

    private = Ed25519PrivateKey.generate()
    public = private.public_key()
    lock = BestAvailableEncryption(password.encode()) if password is not None else NoEncryption()
    return KeyPair(
        private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, lock),
        public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo),
        SSlibKey.from_crypto(public).keyid,
    )


def load_signer(path: str, ask: Ask, certificate: str | None = None) -> Signer:
    """Return the signer that a private key makes.

    Args:
        path: PEM file.
        ask: Asked where the key is encrypted.
        certificate: PEM file of the signer's certificate and those between it and the root, in this order.

    Raises:
        UsageError: A file is missing or holds no such key, the password is wrong, or the certificate is of another key.
        MissingExtra: The library is not installed.
    """
    require_library()
    from securesystemslib.signer import CryptoSigner

    from vetgate.attestation.roots import load_certificates

    private = _private(path, read_file(path, "key"), ask)
    try:
        signer = CryptoSigner(private)
    except ValueError:
        signer = None
    if signer is None or signer.public_key.keytype not in _KEY_TYPES:
        raise UsageError(f"key {path} is of a kind that vetgate does not sign with", hint=f"use {KINDS}")
    if certificate is None:
        return Signer(signer)
    from cryptography.hazmat.primitives.serialization import Encoding

    chain = load_certificates(certificate)
    if chain[0].public_key() != private.public_key():
        raise UsageError(f"the first certificate of {certificate} is not that of key {path}")
    return Signer(signer, tuple(each.public_bytes(Encoding.DER) for each in chain))


def load_public(paths: Sequence[str]) -> PublicKeys:
    """Return public keys that a user trusts.

    Raises:
        UsageError: A file is missing or holds no public key of a kind that signs.
        MissingExtra: The library is not installed.
    """
    require_library()
    return PublicKeys(tuple((path, _public(path)) for path in paths))


def _public(path: str) -> SSlibKey:
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.serialization import load_pem_public_key
    from securesystemslib.signer import SSlibKey

    content = read_file(path, "key")
    if b"PRIVATE KEY-----" in content:
        raise UsageError(f"key {path} is a private key", hint="verify with its public half, the .pub file")
    try:
        key = SSlibKey.from_crypto(load_pem_public_key(content))
    except (ValueError, UnsupportedAlgorithm):
        raise UsageError(f"key {path} holds no public key in PEM that vetgate knows", hint=f"use {KINDS}") from None
    if key.keytype not in _KEY_TYPES:
        raise UsageError(f"key {path} is of a kind that vetgate does not verify with", hint=f"use {KINDS}")
    return key


def _private(path: str, content: bytes, ask: Ask) -> Any:  # noqa: ANN401  # one of the library's many key types
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    locked = b"ENCRYPTED" in content
    password = ask() if locked else None
    if locked and not password:
        raise UsageError(
            f"key {path} is encrypted, and no password is given", hint=f"set {PASSWORD_VARIABLE}, or run in a terminal"
        )
    try:
        return load_pem_private_key(content, password.encode() if password else None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        why = "the password is wrong, or it is damaged" if locked else "it holds no private key in PEM"
        hint = (
            f"give the password that it was made with in {PASSWORD_VARIABLE}"
            if locked
            else "vetgate keygen makes a pair"
        )
        raise UsageError(f"key {path} cannot be read: {why}", hint=hint) from None


def read_file(path: str, what: str) -> bytes:
    """Return a small file.

    Raises:
        UsageError: It is missing, cannot be read, or is too large to be what it is named as.
    """
    try:
        with Path(path).open("rb") as file:
            content = file.read(LARGEST_FILE + 1)
    except (OSError, ValueError) as error:
        told = error.strerror if isinstance(error, OSError) else str(error)
        raise UsageError(f"{what} {path} cannot be read: {told}") from None
    if len(content) > LARGEST_FILE:
        raise UsageError(f"{what} {path} is no {what}: it has more than {LARGEST_FILE >> 20} MB")
    return content
