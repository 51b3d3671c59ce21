"""Signed verdicts by the gate's own command line: made by check, held to by verify."""

from __future__ import annotations

import json
import shutil
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

RULE = "metric: accuracy.top1, of: delta, at_least: -1pp"


@pytest.fixture
def keyed(world: Any) -> Any:
    """Return a world with a key pair: release.key and release.pub."""
    assert world.run("keygen", "release", "--no-password") == 0
    return world


def vet(world: Any, *candidates: str, more: tuple[str, ...] = ()) -> int:
    return int(
        world.check(
            *candidates,
            *("--reference", world.toy("ref.toy"), "--data", world.data()),
            *("--policy", world.policy(RULE), "--attest", "release.key", *more),
        )
    )


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("store")


@pytest.fixture
def signed(world: Any, store: Path) -> Any:
    """Return a world where a good candidate, a bad one and one that nobody knows were vetted, once for all tests."""
    if any(store.iterdir()):
        shutil.copytree(store, world.folder, dirs_exist_ok=True)
        return world
    assert world.run("keygen", "release", "--no-password") == 0
    for name, noise in (("good.toy", 0.0), ("bad.toy", 3.0), ("ref.toy", 0.0)):
        world.toy(name, noise=noise)
    Path("odd.toy").write_bytes(b"nothing that anybody knows")
    world.data()
    world.policy("metric: footprint.size_mb, of: ratio, at_most: 2", name="base.yaml")
    policy = Path(world.policy(RULE))
    policy.write_text("extends: base.yaml\n" + policy.read_text(encoding="utf-8"), encoding="utf-8")
    code = world.run(
        *("check", "good.toy", "bad.toy", "odd.toy", "--reference", "ref.toy", "--data", "data.npz"),
        *("--policy", "policy.yaml", "--attest", "release.key", "--attest-to", "signed"),
        *("--report", "json=report.json", "--report", "markdown=report.md"),
    )
    assert code == 1, world.err
    Path("stderr").write_text(world.err, encoding="utf-8")
    shutil.copytree(world.folder, store, dirs_exist_ok=True)
    return world


GOOD = ("verify", "good.toy", "signed/good.toy.intoto.jsonl", "--key", "release.pub")
BAD = ("verify", "bad.toy", "signed/bad.toy.intoto.jsonl", "--key", "release.pub")


def test_a_pass_is_signed_and_verified_by_everything_that_it_rests_on(signed: Any) -> None:
    assert "attestation: signed/good.toy.intoto.jsonl" in (signed.folder / "stderr").read_text(encoding="utf-8")
    assert signed.run(*GOOD, "--policy", "policy.yaml", "--report", "report.json", "--max-age", "30d") == 0
    assert "verified: good.toy passed policy 'policy'" in signed.out
    assert signed.run(*GOOD, "--strict", "--format", "json") == 0
    told = json.loads(signed.out)
    assert told["verified"] is True
    assert told["statement"]["predicate"]["verificationResult"] == "PASSED"


def test_what_is_signed_is_what_the_report_says(signed: Any) -> None:
    assert signed.run(*GOOD, "--format", "json") == 0
    statement, report = json.loads(signed.out)["statement"], signed.report()
    claim = statement["predicate"]
    subject = {each["name"]: each["digest"]["sha256"] for each in statement["subject"]}
    assert subject == {member["name"]: member["sha256"] for member in report["candidate"]["members"]}
    assert claim["policy"]["digest"]["sha256"] == report["policy"]["sha256"]
    assert len(claim["policy"]["texts"]) == 2
    assert claim["data"]["digest"]["sha256"] == report["data"]["sha256"]
    assert claim["card"]["digest"]["sha256"] == report["candidate"]["card_sha256"]
    assert claim["reference"][0]["digest"]["sha256"] == report["reference"]["sha256"]
    assert claim["scan"]["state"] == report["candidate"]["scan"]["state"]
    assert claim["verifier"]["version"] == {"vetgate": report["environment"]["vetgate"]}
    assert (claim["decision"], claim["because"]) == (report["verdict"]["decision"], report["verdict"]["because"])


def test_a_fail_is_on_record_and_refused(signed: Any) -> None:
    assert signed.run(*BAD) == 1
    assert signed.err.startswith("refused: the model failed: ")
    assert signed.run(*BAD, "--format", "json") == 1
    assert json.loads(signed.out)["cause"] == "decision"


def test_the_attestation_of_another_candidate_is_refused(signed: Any) -> None:
    assert signed.run("verify", "bad.toy", *GOOD[2:]) == 1
    assert "bad.toy is not the model that was vetted (good.toy)" in signed.err


def test_a_candidate_that_cannot_be_read_is_told_to_have_none(signed: Any) -> None:
    assert "no attestation of odd.toy" in (signed.folder / "stderr").read_text(encoding="utf-8")
    assert not (signed.folder / "signed" / "odd.toy.intoto.jsonl").exists()


ALL = ("--policy", "policy.yaml", "--report", "report.json")
FILES = ("good.toy", "good.toy.yaml", "policy.yaml", "base.yaml", "report.json", "signed/good.toy.intoto.jsonl")


@settings(max_examples=50, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_any_bit_that_is_flipped_is_refused_without_a_traceback(signed: Any, data: Any) -> None:
    file = Path(data.draw(st.sampled_from(FILES)))
    old = file.read_bytes()
    at, bit = data.draw(st.integers(0, len(old) - 1)), data.draw(st.integers(0, 7))
    file.write_bytes(old[:at] + bytes([old[at] ^ 1 << bit]) + old[at + 1 :])
    try:
        assert signed.run(*GOOD, *ALL) == 1, (file, at, bit)
        assert signed.err.startswith("refused: ")
        assert "Traceback" not in signed.err
    finally:
        file.write_bytes(old)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("gone.toy", "signed/good.toy.intoto.jsonl", "--key", "release.pub"), "model gone.toy cannot be read"),
        (("good.toy", "gone", "--key", "release.pub"), "attestation gone cannot be read"),
        (("good.toy", "signed/good.toy.intoto.jsonl", "--key", "gone.pub"), "key gone.pub cannot be read"),
        (("good.toy", "signed/good.toy.intoto.jsonl", "--key", "release.key"), "is a private key"),
        (("good.toy", "signed/good.toy.intoto.jsonl"), "whose signature counts?"),
        (("good.toy", "signed/good.toy.intoto.jsonl", "--certificate-chain", "release.pub"), "holds no certificate"),
        ((*GOOD[1:], "--identity", "x"), "a key has none"),
        ((*GOOD[1:], "--max-age", "soon"), "is no age"),
        ((*GOOD[1:], "--policy", "edgy"), "unknown policy"),
        ((*GOOD[1:], "--report", "gone"), "report gone cannot be"),
        (("good.toy", ".", "--key", "release.pub"), "attestation . cannot be read"),
    ],
)
def test_a_mistake_of_the_command_is_no_refusal(signed: Any, arguments: tuple[str, ...], said: str) -> None:
    assert signed.run("verify", *arguments) == 2
    assert said in signed.err


def test_another_policy_is_refused(signed: Any) -> None:
    assert signed.run(*GOOD, "--policy", "edge") == 1
    assert "by another policy, 'policy' of policy.yaml" in signed.err


def test_every_report_that_was_written_is_bound(signed: Any) -> None:
    assert signed.run(*GOOD, "--report", "report.md") == 0
    assert signed.run(*GOOD, "--report", "policy.yaml") == 1


def test_nothing_is_vetted_where_nobody_could_sign(keyed: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    same = keyed.toy("same.toy")
    rest = ("--reference", keyed.toy("ref.toy"), "--data", keyed.data(), "--policy", keyed.policy(RULE))
    for more, said in (
        (("--attest", "gone.key"), "key gone.key cannot be read"),
        (("--attest", "release.pub"), "holds no private key"),
        (("--attest-to", "x"), "no key signs"),
        (("--attest", "release.key", "--attest-to", "same.toy"), "would replace what this run reads"),
        (("--attest", "release.key", "--attest-to", "release.key"), "would replace what this run reads"),
        (("--attest", "release.key", "--attest-to", "report.json"), "would replace the json report"),
        (("--attest", "release.key", "--attest-to", "-"), "not to stdout"),
        (("--attest", "release.key", "--attest-certificate", "gone.pem"), "gone.pem cannot be read"),
    ):
        assert keyed.check(same, *rest, *more) == 2, more
        assert said in keyed.err
        assert not (keyed.folder / "report.json").exists()
    monkeypatch.setenv("VETGATE_KEY_PASSWORD", "correct horse")
    assert keyed.run("keygen", "locked") == 0
    monkeypatch.setenv("VETGATE_KEY_PASSWORD", "wrong")
    assert keyed.check(same, *rest, "--attest", "locked.key") == 2
    assert "the password is wrong" in keyed.err
    monkeypatch.delenv("VETGATE_KEY_PASSWORD")
    monkeypatch.setattr("sys.stdin", None)
    assert keyed.check(same, *rest, "--attest", "locked.key") == 2
    assert "set VETGATE_KEY_PASSWORD" in keyed.err


def test_keygen_guards_the_private_key_and_writes_over_nothing(world: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VETGATE_KEY_PASSWORD", "correct horse")
    assert world.run("keygen", "ci") == 0
    private = world.folder / "ci.key"
    assert stat.S_IMODE(private.stat().st_mode) == 0o600
    assert b"ENCRYPTED PRIVATE KEY" in private.read_bytes()
    assert "correct horse" not in world.out + world.err
    before = private.read_bytes()
    assert world.run("keygen", "ci") == 2
    assert "is there already" in world.err
    private.unlink()
    assert world.run("keygen", "ci") == 2
    assert not private.exists()
    (world.folder / "link.key").symlink_to(world.folder / "elsewhere")
    assert world.run("keygen", "link") == 2
    assert not (world.folder / "elsewhere").exists()
    assert before


def test_a_key_without_a_password_must_be_asked_for(world: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("VETGATE_KEY_PASSWORD", raising=False)
    monkeypatch.setattr("sys.stdin", None)
    assert world.run("keygen", "ci") == 2
    assert "--no-password" in world.err
    assert not (world.folder / "ci.key").exists()


def test_verify_starts_without_what_runs_models() -> None:
    heavy = "[name for name in ('numpy', 'torch', 'vetgate.gate') if name in sys.modules]"
    code = f"import sys, vetgate.cli.verify, vetgate.attestation; print({heavy})"
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert told.stdout.strip() == "[]"


def test_without_the_extra_nothing_is_verified(signed: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "securesystemslib.dsse", None)
    assert signed.run(*GOOD) == 3
    assert "pip install 'vetgate[attest]'" in signed.err


def test_parts_of_an_onnx_model_are_held_too(keyed: Any) -> None:
    onnx = pytest.importorskip("onnx")
    numpy = pytest.importorskip("numpy")
    weight = onnx.numpy_helper.from_array(keyed.weight.astype(numpy.float32), "weight")
    nodes = [
        onnx.helper.make_node("Flatten", ["image"], ["flat"]),
        onnx.helper.make_node("MatMul", ["flat", "weight"], ["scores"]),
    ]
    ports = [
        onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, size)
        for name, size in (("image", ["n", 1, 4, 4]), ("scores", ["n", 3]))
    ]
    graph = onnx.helper.make_graph(nodes, "g", ports[:1], ports[1:], [weight])
    model = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 17)], ir_version=8)
    onnx.save(model, "m.onnx", save_as_external_data=True, location="m.data", size_threshold=0)
    card = Path(keyed.toy("other.toy") + ".yaml").read_text(encoding="utf-8")
    Path("m.onnx.yaml").write_text(card, encoding="utf-8")
    assert vet(keyed, "m.onnx") == 0
    arguments = ("verify", "m.onnx", "m.onnx.intoto.jsonl", "--key", "release.pub")
    assert keyed.run(*arguments) == 0
    content = Path("m.data").read_bytes()
    Path("m.data").write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    assert keyed.run(*arguments) == 1
    assert "m.data, a part of the model, is not the one that was vetted" in keyed.err
