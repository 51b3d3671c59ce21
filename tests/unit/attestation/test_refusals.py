"""Every way in which an attestation must not vouch for what it is held against."""

from __future__ import annotations

import base64
import datetime
import json
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from vetgate.attestation import Files, Signer, Trust, parse_envelope, parse_statement
from vetgate.domain.errors import PolicyError, Refused, UsageError
from vetgate.domain.verdict import Decision

NOW = datetime.datetime(2027, 3, 1, 12, tzinfo=datetime.UTC)
DAY = datetime.timedelta(days=1)


def refusal(action: Callable[[], object]) -> Refused:
    with pytest.raises(Refused) as caught:
        action()
    return caught.value


def test_what_was_signed_and_not_changed_is_verified(vetted: Any) -> None:
    assert vetted.verify(vetted.sign()) == "pass"


def test_the_model_may_be_renamed_and_moved_with_what_belongs_to_it(vetted: Any, tmp_path: Path) -> None:
    envelope = vetted.sign()
    new = tmp_path / "device"
    (new / "weights").mkdir(parents=True)
    vetted.model.rename(new / "model.onnx")
    vetted.part.rename(new / "weights" / "int8.data")
    vetted.card.rename(new / "model.onnx.yaml")
    assert vetted.verify(envelope, files=Files(str(new / "model.onnx"))) == "pass"


@pytest.mark.parametrize(
    ("which", "cause", "said"),
    [
        ("model", "model", "int8.onnx is not the model that was vetted"),
        ("part", "member", "weights/int8.data, a part of the model, is not the one that was vetted"),
        ("card", "card", "int8.onnx.yaml is not the one that the model was vetted with"),
        ("policy", "policy", "by another policy, 'edge'"),
        ("report", "report", "is not the one that the verdict was signed with"),
    ],
)
@pytest.mark.parametrize("change", [lambda old: old + b" ", lambda old: old[:-1], lambda _: b""])
def test_a_changed_file_is_refused_and_named(
    vetted: Any, which: str, cause: str, said: str, change: Callable[[bytes], bytes]
) -> None:
    envelope, file = vetted.sign(), getattr(vetted, which)
    demand = vetted.demand()
    file.write_bytes(change(file.read_bytes()))
    from vetgate.attestation import verify

    refused = refusal(lambda: verify(envelope, demand, NOW))
    assert refused.cause == cause
    assert said in refused.message


@given(which=st.sampled_from(["model", "part", "card", "policy", "report"]), data=st.data())
@settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))
def test_any_bit_of_any_file_that_is_flipped_is_refused(kept: Any, which: str, data: Any) -> None:
    from vetgate.attestation import verify

    envelope, demand, file = kept.sign(), kept.demand(), getattr(kept, which)
    old = file.read_bytes()
    at, bit = data.draw(st.integers(0, len(old) - 1)), data.draw(st.integers(0, 7))
    file.write_bytes(old[:at] + bytes([old[at] ^ 1 << bit]) + old[at + 1 :])
    try:
        refusal(lambda: verify(envelope, demand, NOW))
    finally:
        file.write_bytes(old)


def test_every_byte_of_an_envelope_that_is_flipped_is_refused(vetted: Any) -> None:
    envelope = vetted.sign()
    for at in range(len(envelope)):
        changed = envelope[:at] + bytes([envelope[at] ^ 1 << at % 8]) + envelope[at + 1 :]
        refusal(partial(vetted.verify, changed))


@given(cut=st.integers(0, 5_000), put=st.binary(max_size=4), wide=st.integers(0, 4))
@settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))
def test_bytes_put_in_or_taken_out_are_refused(kept: Any, cut: int, put: bytes, wide: int) -> None:
    envelope = kept.sign()
    at = cut % (len(envelope) + 1)
    changed = envelope[:at] + put + envelope[at + wide :]
    if changed != envelope:
        refusal(lambda: kept.verify(changed))


@given(content=st.binary(max_size=300) | st.text(max_size=300).map(lambda text: text.encode("utf-8", "replace")))
@settings(max_examples=100, deadline=None)
def test_no_bytes_raise_anything_but_a_refusal(content: bytes) -> None:
    refusal(lambda: parse_envelope(content))
    refusal(lambda: parse_statement(content))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


@given(data=st.data())
@settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))
def test_a_statement_with_any_value_replaced_is_read_or_refused(kept: Any, data: Any) -> None:
    statement = json.loads(base64.b64decode(json.loads(kept.sign())["payload"]))
    place = statement
    for _ in range(data.draw(st.integers(0, 4))):
        inner = [value for value in (place.values() if isinstance(place, dict) else place) if value]
        nested = [value for value in inner if isinstance(value, dict | list)]
        if not nested:
            break
        place = data.draw(st.sampled_from(nested))
    key = data.draw(st.sampled_from(list(place) if isinstance(place, dict) else range(len(place))))
    place[key] = data.draw(JSON)
    with suppress(Refused):
        parse_statement(json.dumps(statement).encode())


def test_another_key_is_refused_and_both_are_named(
    vetted: Any, make_signer: Callable[[], tuple[Signer, Trust]]
) -> None:
    stranger, theirs = make_signer()
    refused = refusal(lambda: vetted.verify(vetted.sign(by=stranger)))
    assert refused.cause == "key"
    assert stranger.keyid[:12] in refused.message
    assert vetted.signer.keyid[:12] in refused.message
    refusal(lambda: vetted.verify(vetted.sign(), trust=theirs))


def test_one_key_of_several_suffices(vetted: Any, make_signer: Callable[[], tuple[Signer, Trust]]) -> None:
    from vetgate.attestation import PublicKeys

    _, other = make_signer()
    both = Trust(PublicKeys((*other.keys.keys, *vetted.trust.keys.keys)))
    assert vetted.verify(vetted.sign(), trust=both) == "pass"


def test_a_stranger_who_writes_our_key_id_is_refused(
    vetted: Any, make_signer: Callable[[], tuple[Signer, Trust]]
) -> None:
    forged = json.loads(vetted.sign(by=make_signer()[0]))
    forged["signatures"][0]["keyid"] = vetted.signer.keyid
    assert refusal(lambda: vetted.verify(spelled(forged))).cause == "signature"


def spelled(envelope: dict[str, Any]) -> bytes:
    return json.dumps(envelope, separators=(",", ":")).encode() + b"\n"


def test_a_replaced_verdict_is_refused(vetted: Any) -> None:
    failed = json.loads(vetted.sign(vetted.reports(Decision.FAIL)))
    passed = json.loads(vetted.sign())
    failed["payload"] = passed["payload"]
    assert refusal(lambda: vetted.verify(spelled(failed))).cause == "signature"


@pytest.mark.parametrize(
    ("decision", "strict", "said"),
    [
        (Decision.FAIL, False, "the model failed: because of all that"),
        (Decision.INCONCLUSIVE, False, "the model was not cleared: the verdict is inconclusive: because of all that"),
        (Decision.WARN, True, "passed with a warning, and --strict allows none"),
    ],
)
def test_a_verdict_that_is_no_pass_is_on_record_and_refused(
    vetted: Any, decision: Decision, strict: bool, said: str
) -> None:
    refused = refusal(lambda: vetted.verify(vetted.sign(vetted.reports(decision)), strict=strict))
    assert refused.cause == "decision"
    assert said in refused.message


def test_a_warning_is_let_through_unless_strict(vetted: Any) -> None:
    assert vetted.verify(vetted.sign(vetted.reports(Decision.WARN))) == "warn"


def test_an_attestation_expires_and_is_not_of_the_future(vetted: Any) -> None:
    minutes = datetime.timedelta(minutes=1)
    old, new = vetted.sign(at=NOW - 30 * DAY - minutes), vetted.sign(at=NOW + 6 * minutes)
    refused = refusal(lambda: vetted.verify(old))
    assert refused.cause == "expired"
    assert "30 days old, and at most 30 days is allowed" in refused.message
    assert vetted.verify(old, longest=None) == "pass"
    assert vetted.verify(vetted.sign(at=NOW - 30 * DAY + minutes)) == "pass"
    assert refusal(lambda: vetted.verify(new)).cause == "future"
    assert vetted.verify(vetted.sign(at=NOW + 4 * minutes)) == "pass"


def test_the_same_instant_in_another_zone_is_the_same_age(vetted: Any) -> None:
    far = datetime.timezone(datetime.timedelta(hours=14))
    assert vetted.verify(vetted.sign(at=NOW.astimezone(far))) == "pass"


def test_a_card_that_was_not_there_when_the_model_was_vetted_is_refused(vetted: Any) -> None:
    bare = vetted.sign(vetted.reports(card=None, card_sha256=None, card_files=()))
    refused = refusal(lambda: vetted.verify(bare))
    assert refused.cause == "card"
    assert "it was vetted without one" in refused.message
    vetted.card.unlink()
    assert vetted.verify(bare) == "pass"


def test_a_card_that_is_gone_is_refused_and_may_be_named(vetted: Any, tmp_path: Path) -> None:
    envelope = vetted.sign()
    elsewhere = vetted.card.rename(tmp_path / "card.yaml")
    refused = refusal(lambda: vetted.verify(envelope))
    assert (refused.cause, refused.hint) == ("card", "--card FILE")
    assert vetted.verify(envelope, files=Files(str(vetted.model), card=str(elsewhere))) == "pass"


def test_a_part_of_the_model_that_is_gone_is_refused(vetted: Any) -> None:
    envelope = vetted.sign()
    vetted.part.unlink()
    assert "is not beside" in refusal(lambda: vetted.verify(envelope)).message


def test_a_part_outside_the_models_folder_is_never_read(vetted: Any) -> None:
    (first, part) = vetted.summary().members
    for name in ("../secret", "/etc/passwd", "a/../../secret"):
        envelope = vetted.sign(vetted.reports(members=(first, part.model_copy(update={"name": name}))))
        assert "names a part outside" in refusal(partial(vetted.verify, envelope)).message


def test_a_policy_that_extends_another_text_is_refused(vetted: Any) -> None:
    from vetgate.attestation import Wanted

    told = vetted.policy_summary()
    base = told.texts[0].model_copy(update={"name": "base.yaml", "sha256": "9" * 64})
    other = told.model_copy(update={"texts": (*told.texts, base)})
    refused = refusal(lambda: vetted.verify(vetted.sign(), policy=Wanted("edge", None, lambda: other)))
    assert (refused.cause, "or of what it extends" in refused.message) == ("policy", True)


def test_other_rules_under_the_same_name_are_refused(vetted: Any) -> None:
    from vetgate.attestation import Wanted

    other = vetted.policy_summary().model_copy(update={"sha256": "9" * 64})
    refused = refusal(lambda: vetted.verify(vetted.sign(), policy=Wanted("edge", None, lambda: other)))
    assert (refused.cause, "the rules of" in refused.message) == ("policy", True)


def test_a_policy_that_cannot_be_read_here_is_refused(vetted: Any) -> None:
    from vetgate.attestation import Wanted

    def broken() -> Any:
        raise PolicyError("policy 'edge' names a metric that nobody measures")

    refused = refusal(lambda: vetted.verify(vetted.sign(), policy=Wanted("edge", str(vetted.policy), broken)))
    assert (refused.cause, "cannot be read here" in refused.message) == ("policy", True)


def test_files_that_are_not_there_are_a_mistake_of_the_command(vetted: Any) -> None:
    envelope = vetted.sign()
    for files in (Files("gone.onnx"), Files(str(vetted.model), card="gone"), Files(str(vetted.model), report="gone")):
        with pytest.raises(UsageError, match="gone"):
            vetted.verify(envelope, files=files)


def signed(vetted: Any, payload: bytes, payload_type: str = "application/vnd.in-toto+json") -> bytes:
    """Return an envelope of any payload, signed by the right key."""
    from securesystemslib.dsse import Envelope

    signature = Envelope(payload, payload_type, {}).sign(vetted.signer.signer)
    sig = base64.b64encode(bytes.fromhex(signature.signature)).decode()
    content = {"payload": base64.b64encode(payload).decode(), "payloadType": payload_type}
    return spelled({**content, "signatures": [{"keyid": signature.keyid, "sig": sig}]})


def statement(vetted: Any, **changes: Any) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(base64.b64decode(json.loads(vetted.sign())["payload"]))
    predicate = {key: value for key, value in changes.items() if key in content["predicate"]}
    content["predicate"] |= predicate
    return content | {key: value for key, value in changes.items() if key not in predicate}


@pytest.mark.parametrize(
    ("changes", "cause", "said"),
    [
        ({"predicateType": "https://slsa.dev/verification_summary/v1"}, "predicate", "slsa.dev/verification_summary"),
        ({"predicateType": 7}, "predicate", "claim of type none"),
        ({"_type": "https://in-toto.io/Statement/v0.1"}, "statement", "Statement/v0.1"),
        ({"subject": []}, "statement", "'subject'"),
        ({"subject": [{"name": "x", "digest": {"sha256": "F" * 64}}]}, "statement", "sha256"),
        ({"subject": [{"name": "x", "digest": {"sha256": "f" * 64 + "\n"}}]}, "statement", "sha256"),
        ({"subject": [{"name": "x", "digest": {"md5": "f" * 32}}]}, "statement", "sha256"),
        ({"decision": "fine"}, "statement", "'predicate.decision'"),
        ({"verificationResult": "FAILED"}, "statement", "contradicts itself"),
        ({"timeVerified": "2027-03-01T12:00:00"}, "statement", "none in UTC"),
        ({"timeVerified": "9999-12-31T23:59:59-12:00"}, "statement", "none in UTC"),
        ({"timeVerified": None}, "statement", "timeVerified"),
        ({"and": "more"}, "statement", "'and'"),
    ],
)
def test_a_statement_of_another_kind_is_refused_though_the_key_is_right(
    vetted: Any, changes: dict[str, Any], cause: str, said: str
) -> None:
    refused = refusal(lambda: vetted.verify(signed(vetted, json.dumps(statement(vetted, **changes)).encode())))
    assert refused.cause == cause
    assert said in refused.message


def test_the_payload_of_another_type_is_refused_though_the_key_is_right(vetted: Any) -> None:
    envelope = signed(vetted, b"{}", "application/json")
    assert "application/json" in refusal(lambda: vetted.verify(envelope)).message


def test_two_signatures_none_and_a_key_given_twice_are_refused(vetted: Any) -> None:
    one = json.loads(vetted.sign())
    two = spelled(one | {"signatures": one["signatures"] * 2})
    assert "2 signatures" in refusal(lambda: vetted.verify(two)).message
    assert "no signatures" in refusal(lambda: vetted.verify(spelled(one | {"signatures": []}))).message
    twice = vetted.sign()[:-2] + b',"payload":""}\n'
    assert "'payload' twice" in refusal(lambda: vetted.verify(twice)).message
    inner = json.dumps(statement(vetted)).encode()[:-1] + b', "predicateType": "x"}'
    assert "'predicateType' twice" in refusal(lambda: vetted.verify(signed(vetted, inner))).message


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"\xff\xfe{}", id="no UTF-8"),
        pytest.param(b"\xef\xbb\xbf{}", id="byte-order mark"),
        pytest.param(b"[" * 200_000, id="deep"),
        pytest.param(b'{"a":' * 100_000, id="deep objects"),
        pytest.param(b'{"payload":' + b"9" * 10_000 + b"}", id="long number"),
        pytest.param(b'{"payload":NaN}', id="no number"),
        pytest.param(b'{"payload":"\\ud800","payloadType":"x","signatures":[]}', id="half a character"),
        pytest.param(b"null", id="nothing"),
        pytest.param(b"{}", id="no keys"),
        pytest.param(b" " * (5 << 20), id="huge"),
    ],
)
def test_what_is_no_envelope_is_refused(vetted: Any, content: bytes) -> None:
    assert refusal(lambda: vetted.verify(content)).cause == "envelope"


def test_an_indented_envelope_is_refused_and_compacting_puts_it_right(vetted: Any) -> None:
    envelope = vetted.sign()
    refused = refusal(lambda: vetted.verify(json.dumps(json.loads(envelope), indent=2).encode()))
    assert "jq -c" in refused.hint
    assert vetted.verify(spelled(json.loads(envelope))) == "pass"


def test_spare_bits_of_base64_are_not_spare(vetted: Any) -> None:
    letters = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    envelope = vetted.sign()
    at = envelope.index(b'=="}]')
    assert at > 0, "an Ed25519 signature has 64 bytes, so its base64 ends in =="
    twin = letters[letters.index(envelope[at - 1]) ^ 1]
    changed = envelope[: at - 1] + bytes([twin]) + envelope[at:]
    assert base64.b64decode(json.loads(changed)["signatures"][0]["sig"]) == base64.b64decode(
        json.loads(envelope)["signatures"][0]["sig"]
    )
    assert refusal(lambda: vetted.verify(changed)).cause == "envelope"


def test_a_model_that_could_not_be_read_has_no_attestation(vetted: Any) -> None:
    from vetgate.attestation import attest

    reports = vetted.reports(members=(), sha256=None)
    assert list(attest(reports, {}, vetted.signer, NOW)) == [("out/int8.onnx", None)]


def test_the_statement_is_one_to_in_totos_own_library(vetted: Any) -> None:
    library = pytest.importorskip("in_toto_attestation.v1.statement")
    protocol = pytest.importorskip("in_toto_attestation.v1.statement_pb2")
    json_format = pytest.importorskip("google.protobuf.json_format")
    payload = base64.b64decode(json.loads(vetted.sign())["payload"])
    read = json_format.Parse(payload, protocol.Statement())
    library.Statement.copy_from_pb(read).validate()
    assert read.subject[0].digest["sha256"] == json.loads(payload)["subject"][0]["digest"]["sha256"]
