"""Sigstore's keyless signatures, as far as they go without its services: what is no bundle of theirs is refused."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("sigstore")

from vetgate.attestation import Identity, Keyless, Trust
from vetgate.cli.app import run
from vetgate.domain.errors import Refused, UsageError

WHO = ("--identity", "ci@example.org", "--issuer", "https://token.example.org")


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{}",
        b"[]",
        b"\xff",
        b" " * (5 << 20),
        b'{"mediaType": "application/vnd.dev.sigstore.bundle.v0.3+json"}',
        b'{"mediaType": "a", "mediaType": "b"}',
        json.dumps(
            {
                "mediaType": "application/vnd.dev.sigstore.bundle.v0.3+json",
                "verificationMaterial": {"certificate": {"rawBytes": "AAAA"}, "tlogEntries": []},
                "dsseEnvelope": {"payload": "e30=", "payloadType": "x", "signatures": [{"sig": "AAAA"}]},
            }
        ).encode(),
    ],
)
def test_what_is_no_bundle_is_refused(vetted: Any, content: bytes) -> None:
    with pytest.raises(Refused) as caught:
        vetted.verify(content, trust=Trust(identity=Identity("ci@example.org", "https://token.example.org")))
    assert caught.value.cause == "envelope"


def test_an_envelope_that_a_key_signed_is_no_bundle(vetted: Any, capsys: pytest.CaptureFixture[str]) -> None:
    place = vetted.folder / "one.intoto.jsonl"
    place.write_bytes(vetted.sign())
    assert run(["verify", str(vetted.model), str(place), *WHO]) == 1
    assert "is no Sigstore bundle" in capsys.readouterr().err


def test_without_an_identity_nothing_is_vetted(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("ACTIONS_ID_TOKEN_REQUEST_TOKEN", "GITHUB_ACTIONS", "GITLAB_CI", "CIRCLECI", "BUILDKITE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("sigstore.oidc.detect_credential", lambda: None)
    with pytest.raises(UsageError, match="there is no identity to sign with"):
        Keyless().require_identity()


def test_an_issuer_needs_an_identity(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["verify", "m", "a", *WHO[2:]]) == 2
    assert "--identity NAME" in capsys.readouterr().err


def test_without_the_extra_it_is_named(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setitem(sys.modules, "sigstore.verify", None)
    assert run(["verify", "m", "a", *WHO]) == 3
    assert "pip install 'vetgate[sigstore]'" in capsys.readouterr().err
