"""A saved report that is newer, cut short or lacks something is told in one sentence by every command that reads it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

GOLDEN = Path(__file__).parent.parent / "golden" / "report.json"
POLICY = "metric: accuracy.top1, of: delta, at_least: -50pp"


def _changed(change: Callable[[dict[str, Any]], object]) -> str:
    saved = json.loads(GOLDEN.read_text(encoding="utf-8"))
    change(saved)
    return json.dumps(saved)


BAD: dict[str, Callable[[], str]] = {
    "newer": lambda: _changed(lambda saved: saved.update(schema_version=2, novelty={"of": "2031"})),
    "newer inside": lambda: _changed(lambda saved: saved["reports"][0].update(schema_version=2)),
    "cut short": lambda: GOLDEN.read_text(encoding="utf-8")[:5_000],
    "empty": lambda: "",
    "without evidence": lambda: _changed(lambda saved: saved["reports"][0].pop("evidence")),
    "without reports": lambda: _changed(lambda saved: saved.update(reports=[])),
    "another document": lambda: "[]",
}
READERS: dict[str, tuple[str, ...]] = {
    "judge": ("judge", "bad.json", "--policy", "policy.yaml"),
    "baseline": ("baseline", "bad.json"),
    "new baseline": ("baseline", "bad.json", "--to", "to.json", "--owner", "me", "--reason", "release"),
    "diff": ("diff", "bad.json", "good.json"),
    "diff to": ("diff", "good.json", "bad.json"),
    "check": ("check", "a.toy", "--reference", "a.toy", "--data", "data.npz", "--baseline", "bad.json"),
    "explain": ("explain", "a.toy", "--reference", "a.toy", "--data", "data.npz", "--noise-floor", "bad.json"),
}


@pytest.fixture
def readers(world: Any) -> Any:
    world.toy("a.toy")
    world.data()
    world.policy(POLICY)
    (world.folder / "good.json").write_bytes(GOLDEN.read_bytes())
    return world


@pytest.mark.parametrize("kind", BAD)
def test_every_reader_says_what_is_wrong_and_ends_with_2(readers: Any, kind: str) -> None:
    (readers.folder / "bad.json").write_text(BAD[kind](), encoding="utf-8")
    for name, command in READERS.items():
        assert readers.run(*command) == 2, (name, readers.err)
        lines = readers.err.splitlines()
        assert lines[0].startswith("error: bad.json "), (name, readers.err)
        assert len(lines) == 2, (name, readers.err)
        assert lines[1].startswith("hint: "), (name, readers.err)
        assert readers.out == ""
    assert not (readers.folder / "to.json").exists()
    if kind.startswith("newer"):
        assert "schema version 2" in readers.err


def test_a_report_whose_evidence_is_gone_is_inconclusive_and_no_pass(readers: Any) -> None:
    bare = _changed(lambda saved: saved["reports"][0].update(evidence=[]))
    (readers.folder / "bad.json").write_text(bare, encoding="utf-8")
    assert readers.run("judge", "bad.json", "--policy", "policy.yaml") == 3
    assert "is not known" in readers.out


def test_a_ranking_of_reports_says_that_they_are_no_models(readers: Any) -> None:
    (readers.folder / "bad.json").write_text(BAD["newer"](), encoding="utf-8")
    given = ["--reference", "a.toy", "--data", "data.npz", "--timing-budget", "0.1"]
    assert readers.run("rank", "bad.json", *given) == 3
    assert "bad.json is of no format" in " ".join(readers.out.split())
    assert "Traceback" not in readers.err


def test_a_report_is_no_attestation(readers: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VETGATE_KEY_PASSWORD", "a long enough one")
    assert readers.run("keygen", "release") == 0, readers.err
    for kind in ("newer", "cut short", "empty"):
        (readers.folder / "bad.json").write_text(BAD[kind](), encoding="utf-8")
        code = readers.run("verify", "a.toy", "bad.json", "--key", "release.pub")
        assert code in (1, 2), readers.err
        assert readers.err.startswith(("refused: ", "error: "))
        assert "bad.json" in readers.err or "attestation" in readers.err
        assert "Traceback" not in readers.err
