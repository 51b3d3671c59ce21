"""Certificates: who may sign, by a root that the user trusts instead of single keys.

The path is built and checked by pyca/cryptography (RFC 5280, as its client verifier has it); a signer's certificate
must be one for signing code (extended key usage 1.3.6.1.5.5.7.3.3), so that no web server's certificate of the same
root signs verdicts. Nothing is fetched: revocation is not asked for, so certificates that live shortly are better ones.
"""

from __future__ import annotations

import datetime
from dataclasses import dataclass
from typing import TYPE_CHECKING

from vetgate.attestation.keys import read_file, require_library
from vetgate.domain.errors import Refused, UsageError

if TYPE_CHECKING:
    from cryptography.x509 import Certificate
    from cryptography.x509.verification import PolicyBuilder
    from securesystemslib.signer import SSlibKey

DEEPEST = 4
"""Certificates between a signer's and a root."""


@dataclass(frozen=True)
class Roots:
    """Roots that are trusted, and whose certificate it must be that they vouch for."""

    path: str
    certificates: tuple[Certificate, ...]
    identity: str | None = None
    """A name (email, URI or DNS) that the signer's certificate must be of; None for anybody of these roots."""

    def key_of(self, chain: tuple[bytes, ...], signed: datetime.datetime, now: datetime.datetime) -> SSlibKey:
        """Return the key of a signer that the roots vouch for.

        Args:
            chain: DER, the signer's own first.
            signed: When it says that it signed; the signer's certificate must have been valid then.
            now: The chain must be valid now as well, for nobody witnessed when it was signed.

        Raises:
            Refused: They do not vouch for it, or it is another one's.
        """
        from cryptography import x509
        from cryptography.exceptions import UnsupportedAlgorithm
        from securesystemslib.signer import SSlibKey

        try:
            leaf, *between = (x509.load_der_x509_certificate(each) for each in chain)
            if not leaf.not_valid_before_utc <= signed <= leaf.not_valid_after_utc:
                raise Refused("certificate", "the signer's certificate was not valid when it says that it signed")
            self._verify(leaf, between, now)
            self._require_identity(leaf)
            return SSlibKey.from_crypto(leaf.public_key())
        except (ValueError, TypeError, UnsupportedAlgorithm) as error:
            raise Refused("certificate", f"the signer's certificate cannot be read: {_told(error)}") from None

    def _verify(self, leaf: Certificate, between: list[Certificate], now: datetime.datetime) -> None:
        from cryptography.x509.verification import PolicyBuilder, Store, VerificationError

        builder = PolicyBuilder().store(Store(list(self.certificates))).time(now).max_chain_depth(DEEPEST)
        try:
            _for_code(builder).build_client_verifier().verify(leaf, between)
        except VerificationError as error:
            raise Refused(
                "certificate", f"the signer's certificate is not vouched for by {self.path}: {_told(error)}"
            ) from None

    def _require_identity(self, leaf: Certificate) -> None:
        from cryptography import x509

        if self.identity is None:
            return
        try:
            names = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        except x509.ExtensionNotFound:
            names = None
        kinds = (x509.RFC822Name, x509.UniformResourceIdentifier, x509.DNSName)
        found = [str(name) for kind in kinds for name in (names.get_values_for_type(kind) if names else ())]
        if self.identity not in found:
            told = ascii(", ".join(found))[:200] if found else "nobody"
            raise Refused("certificate", f"the signer's certificate is of {told}, not of {self.identity!r}")


def _for_code(builder: PolicyBuilder) -> PolicyBuilder:
    from cryptography import x509
    from cryptography.x509.oid import ExtendedKeyUsageOID
    from cryptography.x509.verification import Criticality, ExtensionPolicy

    def is_no_authority(_: object, __: object, constraints: x509.BasicConstraints | None) -> None:
        if constraints is not None and constraints.ca:
            raise ValueError("it is an authority's own, which signs certificates and no verdicts")

    def signs(_: object, __: object, usage: x509.KeyUsage | None) -> None:
        if usage is not None and not usage.digital_signature:
            raise ValueError("it is not for signing (key usage digitalSignature)")

    def signs_code(_: object, __: object, usage: x509.ExtendedKeyUsage | None) -> None:
        if usage is None or ExtendedKeyUsageOID.CODE_SIGNING not in usage:
            raise ValueError("it is not for signing code (extended key usage codeSigning)")

    either = Criticality.AGNOSTIC
    signer = (
        ExtensionPolicy.permit_all()
        .may_be_present(x509.BasicConstraints, either, is_no_authority)
        .may_be_present(x509.KeyUsage, either, signs)
        .may_be_present(x509.ExtendedKeyUsage, either, signs_code)
    )
    return builder.extension_policies(ca_policy=ExtensionPolicy.webpki_defaults_ca(), ee_policy=signer)


def load_roots(path: str, identity: str | None) -> Roots:
    """Return the roots that a user trusts.

    Args:
        path: PEM file of one root or several.
        identity: Whose certificate they must vouch for; None for anybody.

    Raises:
        UsageError: The file is missing or holds no certificates.
        MissingExtra: The library is not installed.
    """
    require_library()
    return Roots(path, load_certificates(path), identity)


def load_certificates(path: str) -> tuple[Certificate, ...]:
    """Return the certificates of a PEM file, in its order; at least one.

    Raises:
        UsageError: The file is missing or holds no certificates.
    """
    from cryptography import x509

    try:
        found = tuple(x509.load_pem_x509_certificates(read_file(path, "certificate")))
    except ValueError:
        found = ()
    if not found:
        raise UsageError(f"certificate {path} holds no certificate in PEM")
    return found


def _told(error: Exception) -> str:
    """Return the reason within the words that the library puts around it."""
    reason = str(error).partition(" (encountered processing")[0].rpartition("ValueError: ")[2]
    return ascii(reason)[1:-1][:200] or type(error).__name__
