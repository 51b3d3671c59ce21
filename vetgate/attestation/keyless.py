"""Signing without a key of one's own: by Sigstore, which vouches for the identity of a CI job or a person.

Signing needs Sigstore's services and an identity token of the CI job. Verifying asks nobody: it goes by the roots that
the library has by it. The cryptography, the certificates and the transparency log are the library's business; what it
hands back is a payload like any other, and is held to the same rules.
"""

from __future__ import annotations

from dataclasses import dataclass

from vetgate.attestation.envelope import LONGEST, PAYLOAD_TYPE
from vetgate.attestation.notation import read_object
from vetgate.attestation.statement import Statement, parse_statement
from vetgate.domain.errors import Inconclusive, MissingExtra, Refused, UsageError


def require_sigstore() -> None:
    """Make sure that Sigstore's library is installed.

    Raises:
        MissingExtra: It is not.
    """
    try:
        import sigstore.verify  # noqa: F401
    except ImportError as error:
        raise MissingExtra(
            f"keyless signatures need sigstore ({error.name or error} is missing)",
            hint="pip install 'vetgate[sigstore]'",
        ) from None


class Keyless:
    """Signs as whoever the surrounding CI job is."""

    def require_identity(self) -> str:
        """Return the job's identity token.

        Raises:
            UsageError: There is none.
        """
        from sigstore.oidc import IdentityError, detect_credential

        try:
            token = detect_credential()
        except IdentityError as error:
            raise UsageError(f"the identity of this CI job cannot be had: {error}") from None
        if token is None:
            raise UsageError(
                "there is no identity to sign with: Sigstore signs for CI jobs that have one",
                hint="GitHub Actions: `permissions: {id-token: write}`; elsewhere --attest KEY",
            )
        return token

    def seal(self, payload: bytes) -> bytes:
        """Return a Sigstore bundle of a statement, as a file holds it.

        Raises:
            Inconclusive: Sigstore's services did not sign.
        """
        from sigstore.dsse import Statement as Signed
        from sigstore.models import ClientTrustConfig
        from sigstore.oidc import IdentityToken
        from sigstore.sign import SigningContext

        token = self.require_identity()  # a fresh one: the run may have outlived that of its start
        try:
            context = SigningContext.from_trust_config(ClientTrustConfig.production())
            with context.signer(IdentityToken(token)) as signer:
                return signer.sign_dsse(Signed(payload)).to_json().encode() + b"\n"
        except Exception as error:  # services, networks and clocks: whatever it is, nothing was signed
            raise Inconclusive(f"Sigstore did not sign: {type(error).__name__}: {error}") from None


@dataclass(frozen=True)
class Identity:
    """Who must have signed, and who vouches for that."""

    name: str
    """Email, or URI of a workflow."""
    issuer: str
    """URL of who made the identity token, such as https://token.actions.githubusercontent.com."""

    def open(self, content: bytes) -> Statement:
        """Return what this identity signed.

        Args:
            content: A Sigstore bundle.

        Raises:
            Refused: It is no bundle, or not one that this identity signed.
        """
        from sigstore.models import Bundle
        from sigstore.verify import Verifier
        from sigstore.verify.policy import Identity as Wanted

        what = "the attestation"
        if len(content) > LONGEST:
            raise Refused("envelope", f"{what} has more than {LONGEST >> 20} MB")
        read_object(content, what, "envelope")
        try:
            bundle = Bundle.from_json(content)
        except Exception as error:  # a parser of others may raise anything on a malformed file
            raise Refused("envelope", f"{what} is no Sigstore bundle: {_told(error)}") from None
        try:
            wanted = Wanted(identity=self.name, issuer=self.issuer)
            kind, payload = Verifier.production(offline=True).verify_dsse(bundle, wanted)
        except Exception as error:  # likewise; what did not verify is not verified
            raise Refused("signature", f"{what} was not signed by {self.name}: {_told(error)}") from None
        if kind != PAYLOAD_TYPE:
            raise Refused("envelope", f"{what} holds {kind[:80]!a}, and {PAYLOAD_TYPE!r} is wanted")
        return parse_statement(payload)


def _told(error: Exception) -> str:
    return ascii(str(error))[1:-1][:200] or type(error).__name__
