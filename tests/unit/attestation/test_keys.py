"""Keys and certificates: who may sign, and whose signature counts."""

from __future__ import annotations

import datetime
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from vetgate.attestation import Files, Signer, Trust, generate, load_public, load_roots, load_signer
from vetgate.domain.errors import Refused, UsageError

NOW = datetime.datetime(2027, 3, 1, 12, tzinfo=datetime.UTC)
DAY = datetime.timedelta(days=1)
CODE = ExtendedKeyUsageOID.CODE_SIGNING
PrivateKey = ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey | rsa.RSAPrivateKey


def pem(key: PrivateKey) -> bytes:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def nobody() -> None:
    return None


class Authority:
    """Issues certificates, under a root or itself one."""

    def __init__(self, name: str, issuer: Authority | None = None) -> None:
        self.name, self.key = name, ec.generate_private_key(ec.SECP256R1())
        self.certificate = (issuer or self).issue(name, self.key, authority=True)

    def issue(
        self,
        name: str,
        key: Any,
        *,
        authority: bool = False,
        usage: x509.ObjectIdentifier | None = CODE,
        email: str | None = None,
        until: datetime.datetime = NOW + 30 * DAY,
    ) -> x509.Certificate:
        def named(text: str) -> x509.Name:
            return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])

        own = x509.KeyUsage(not authority, False, False, False, False, authority, authority, False, False)
        builder = (
            x509.CertificateBuilder()
            .subject_name(named(name))
            .issuer_name(named(self.name))
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(NOW - 10 * DAY)
            .not_valid_after(until)
            .add_extension(x509.BasicConstraints(authority, None), critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(self.key.public_key()), critical=False)
            .add_extension(own, critical=True)
        )
        if usage is not None and not authority:
            builder = builder.add_extension(x509.ExtendedKeyUsage([usage]), critical=False)
        if email is not None:
            builder = builder.add_extension(x509.SubjectAlternativeName([x509.RFC822Name(email)]), critical=False)
        return builder.sign(self.key, hashes.SHA256())


@pytest.fixture(scope="module")
def root() -> Authority:
    return Authority("root")


@pytest.fixture(scope="module")
def between(root: Authority) -> Authority:
    return Authority("between", root)


@pytest.fixture
def certified(tmp_path: Path, between: Authority) -> Callable[..., Signer]:
    """Return a signer whose certificate the authority between issued."""

    def make(key: PrivateKey | None = None, **more: Any) -> Signer:
        key = key or ec.generate_private_key(ec.SECP256R1())
        (tmp_path / "ci.key").write_bytes(pem(key))
        chain = (between.issue("ci", key, **more), between.certificate)
        (tmp_path / "ci.pem").write_bytes(b"".join(each.public_bytes(Encoding.PEM) for each in chain))
        return load_signer(str(tmp_path / "ci.key"), nobody, str(tmp_path / "ci.pem"))

    return make


@pytest.fixture
def trusted(tmp_path: Path, root: Authority) -> Callable[..., Trust]:
    def make(authority: Authority = root, identity: str | None = None) -> Trust:
        (tmp_path / "root.pem").write_bytes(authority.certificate.public_bytes(Encoding.PEM))
        return Trust(roots=load_roots(str(tmp_path / "root.pem"), identity))

    return make


def refusal(action: Callable[[], object]) -> Refused:
    with pytest.raises(Refused) as caught:
        action()
    return caught.value


@pytest.mark.parametrize("key", [ec.generate_private_key(ec.SECP384R1()), ed25519.Ed25519PrivateKey.generate()])
def test_a_certificate_under_the_root_is_trusted(vetted: Any, certified: Any, trusted: Any, key: PrivateKey) -> None:
    assert vetted.verify(vetted.sign(by=certified(key)), trust=trusted()) == "pass"


def test_a_certificate_of_another_root_is_refused(vetted: Any, certified: Any, trusted: Any) -> None:
    refused = refusal(lambda: vetted.verify(vetted.sign(by=certified()), trust=trusted(Authority("root"))))
    assert refused.cause == "certificate"
    assert "is not vouched for by" in refused.message


def test_a_web_servers_certificate_of_the_same_root_signs_no_verdicts(
    vetted: Any, certified: Any, trusted: Any
) -> None:
    for usage in (ExtendedKeyUsageOID.SERVER_AUTH, None):
        envelope = vetted.sign(by=certified(usage=usage))
        assert "codeSigning" in refusal(partial(vetted.verify, envelope, trust=trusted())).message


def test_an_authoritys_own_certificate_signs_no_verdicts(vetted: Any, certified: Any, trusted: Any) -> None:
    assert (
        refusal(lambda: vetted.verify(vetted.sign(by=certified(authority=True)), trust=trusted())).cause
        == "certificate"
    )


def test_whose_certificate_it_is_matters_where_a_name_is_given(vetted: Any, certified: Any, trusted: Any) -> None:
    envelope = vetted.sign(by=certified(email="ci@example.org"))
    assert vetted.verify(envelope, trust=trusted(identity="ci@example.org")) == "pass"
    refused = refusal(lambda: vetted.verify(envelope, trust=trusted(identity="boss@example.org")))
    assert "is of 'ci@example.org', not of 'boss@example.org'" in refused.message
    nameless = vetted.sign(by=certified())
    assert "is of nobody" in refusal(lambda: vetted.verify(nameless, trust=trusted(identity="x"))).message


def test_a_certificate_that_has_run_out_is_refused(vetted: Any, certified: Any, trusted: Any) -> None:
    envelope = vetted.sign(by=certified(until=NOW + DAY))
    late = refusal(lambda: vetted.verify(envelope, trust=trusted(), now=NOW + 2 * DAY))
    assert late.cause == "certificate"
    early = vetted.sign(by=certified(), at=NOW - 11 * DAY)
    assert "was not valid when" in refusal(lambda: vetted.verify(early, trust=trusted())).message


def test_a_bare_key_is_no_certificate_and_a_certificate_no_key(vetted: Any, certified: Any, trusted: Any) -> None:
    assert "carries no certificate" in refusal(lambda: vetted.verify(vetted.sign(), trust=trusted())).message
    assert refusal(lambda: vetted.verify(vetted.sign(by=certified()))).cause == "key"


def test_every_byte_of_an_envelope_with_certificates_that_is_flipped_is_refused(
    vetted: Any, certified: Any, trusted: Any
) -> None:
    envelope, trust = vetted.sign(by=certified()), trusted()
    for at in range(0, len(envelope), 3):
        changed = envelope[:at] + bytes([envelope[at] ^ 1 << at % 8]) + envelope[at + 1 :]
        refusal(partial(vetted.verify, changed, trust=trust))


def test_an_encrypted_key_needs_its_password(vetted: Any, tmp_path: Path) -> None:
    pair = generate("correct horse")
    (tmp_path / "a.key").write_bytes(pair.private)
    (tmp_path / "a.pub").write_bytes(pair.public)
    assert b"ENCRYPTED" in pair.private
    signer = load_signer(str(tmp_path / "a.key"), lambda: "correct horse")
    assert signer.keyid == pair.keyid
    assert vetted.verify(vetted.sign(by=signer), trust=Trust(load_public([str(tmp_path / "a.pub")]))) == "pass"
    with pytest.raises(UsageError, match="the password is wrong"):
        load_signer(str(tmp_path / "a.key"), lambda: "battery staple")
    with pytest.raises(UsageError, match="no password is given"):
        load_signer(str(tmp_path / "a.key"), nobody)


@pytest.mark.parametrize("curve", [ec.SECP256R1, ec.SECP384R1, ec.SECP521R1])
def test_ecdsa_keys_sign_as_well(vetted: Any, tmp_path: Path, curve: type[ec.EllipticCurve]) -> None:
    key = ec.generate_private_key(curve())
    (tmp_path / "e.key").write_bytes(pem(key))
    (tmp_path / "e.pub").write_bytes(key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
    trust = Trust(load_public([str(tmp_path / "e.pub")]))
    assert vetted.verify(vetted.sign(by=load_signer(str(tmp_path / "e.key"), nobody)), trust=trust) == "pass"


def test_keys_of_other_kinds_and_what_is_no_key_are_refused_before_the_run(tmp_path: Path) -> None:
    other = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    small = ec.generate_private_key(ec.SECP256K1())
    for content in (
        pem(other),
        pem(small),
        b"no key",
        b"",
        b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----",
    ):
        (tmp_path / "x.key").write_bytes(content)
        with pytest.raises(UsageError):
            load_signer(str(tmp_path / "x.key"), nobody)
        with pytest.raises(UsageError):
            load_public([str(tmp_path / "x.key")])
    for path in ("gone.key", str(tmp_path)):
        with pytest.raises(UsageError, match="cannot be read"):
            load_signer(path, nobody)
    (tmp_path / "large.pub").write_bytes(b" " * (2 << 20))
    with pytest.raises(UsageError, match="more than 1 MB"):
        load_public([str(tmp_path / "large.pub")])


def test_a_private_key_is_nothing_to_verify_with(tmp_path: Path) -> None:
    (tmp_path / "a.key").write_bytes(generate(None).private)
    with pytest.raises(UsageError, match="is a private key"):
        load_public([str(tmp_path / "a.key")])


def test_a_certificate_of_another_key_is_told_before_the_run(tmp_path: Path, between: Authority) -> None:
    mine, theirs = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    (tmp_path / "mine.key").write_bytes(pem(mine))
    (tmp_path / "theirs.pem").write_bytes(between.issue("them", theirs).public_bytes(Encoding.PEM))
    with pytest.raises(UsageError, match="is not that of key"):
        load_signer(str(tmp_path / "mine.key"), nobody, str(tmp_path / "theirs.pem"))
    (tmp_path / "none.pem").write_text("no certificate", encoding="utf-8")
    with pytest.raises(UsageError, match="holds no certificate"):
        load_roots(str(tmp_path / "none.pem"), None)


def test_files_are_held_also_where_a_certificate_is_trusted(vetted: Any, certified: Any, trusted: Any) -> None:
    envelope = vetted.sign(by=certified())
    vetted.model.write_bytes(b"another")
    refused = refusal(lambda: vetted.verify(envelope, trust=trusted(), files=Files(str(vetted.model))))
    assert refused.cause == "model"
