"""`vetgate diff`: two saved reports beside each other, from argv to exit code."""

from __future__ import annotations

import json
import os
import threading
from pathlib import Path
from typing import Any

import pytest

from vetgate.cli.app import run
from vetgate.domain.difference import Difference, Reading

FASHION = Path(__file__).parent.parent.parent / "examples" / "fashion"
KEPT = Path(__file__).parent.parent / "golden" / "schema-1"
POLICY = """\
version: 1
name: quick
metrics:
  - {metric: accuracy.top1, of: delta, at_least: -3pp}
  - {metric: similarity.agreement, at_least: 99.99%}
  - {metric: footprint.size_mb, of: ratio, at_most: 0.75, otherwise: warn}
"""


@pytest.fixture(scope="module")
def fashion(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Vet two candidates of the example on 1,000 images, and one again by a policy that asks less."""
    pytest.importorskip("onnxruntime")
    pytest.importorskip("torch")
    folder = tmp_path_factory.mktemp("diff")
    (folder / "quick.yaml").write_text(POLICY, "utf-8")
    (folder / "less.yaml").write_text(POLICY.replace("99.99%", "90%").replace("-3pp", "-1pp"), "utf-8")
    cache = os.environ.get("XDG_CACHE_HOME")
    os.environ["XDG_CACHE_HOME"] = str(folder / "cache")
    before = Path.cwd()
    os.chdir(FASHION)
    common = ["--reference", "reference.pt", "--data", "test.npz", "--architecture", "architecture.py:fashion_resnet"]
    common += ["--limit", "1000"]
    try:
        for name, candidates in (
            ("quick", ["int8.onnx", "pruned95.onnx"]),
            ("less", ["int8.onnx"]),
        ):
            saved = ["--report", f"json={folder / name}.json", "--policy", str(folder / f"{name}.yaml")]
            assert run(["check", *candidates, *common, *saved]) in (0, 1)
    finally:
        os.chdir(before)
        os.environ.pop("XDG_CACHE_HOME") if cache is None else os.environ.update(XDG_CACHE_HOME=cache)
    return folder


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def _diff(*arguments: str) -> tuple[int, Difference]:
    code = run(["diff", *arguments, "--report", "json=d.json"])
    return code, Difference.model_validate_json(Path("d.json").read_bytes())


def _reading(found: Difference, metric: str) -> Reading:
    (figure,) = [each for each in found.figures() if each.metric == metric and each.slice is None]
    return figure.reading


def test_a_broken_model_is_worse_and_fails_a_build_that_asks(fashion: Path) -> None:
    quick = str(fashion / "quick.json")
    chosen = (quick, quick, "--old-candidate", "int8.onnx", "--candidate", "pruned95.onnx")
    code, found = _diff(*chosen)
    assert code == 0
    assert _reading(found, "accuracy.top1") is Reading.WORSE
    (top1,) = [each for each in found.figures() if each.metric == "accuracy.top1" and each.slice is None]
    assert top1.basis.startswith("paired by image: ")
    assert top1.p is not None
    assert top1.p < 1e-12
    assert _reading(found, "footprint.size_mb") is Reading.WORSE
    assert _reading(found, "footprint.params") in (Reading.SAME, Reading.CHANGED, Reading.BETTER)
    assert run(["diff", *chosen, "--fail-on", "worse"]) == 1


def test_candidates_of_one_name_are_compared_and_others_named(
    fashion: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, found = _diff(str(fashion / "quick.json"), str(fashion / "less.json"))
    assert code == 0
    assert [each.new for each in found.candidates] == ["int8.onnx"]
    assert found.gone == ("pruned95.onnx",)
    assert not found.worse
    assert _reading(found, "accuracy.top1") is Reading.UNCLEAR
    (candidate,) = found.candidates
    told = {rule.rule: rule.readings[0].value for rule in candidate.rules}
    assert told["similarity.agreement"] == "newly passing"
    assert "threshold changed" in capsys.readouterr().out
    assert {(fact.of, fact.what) for fact in candidate.facts} >= {("policy", "sha256")}


def test_other_images_cannot_be_compared_and_sizes_still_are(fashion: Path) -> None:
    document = json.loads((fashion / "less.json").read_text("utf-8"))
    document["reports"][0]["data"]["sha256"] = "9" * 64
    Path("other.json").write_text(json.dumps(document), "utf-8")
    _, found = _diff(str(fashion / "less.json"), "other.json")
    assert _reading(found, "accuracy.top1") is Reading.INCOMPARABLE
    assert _reading(found, "footprint.size_mb") is Reading.SAME


def test_what_cannot_be_known_to_be_no_worse_is_3_for_a_build_that_asks(
    fashion: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    quick = str(fashion / "quick.json")
    saved = json.loads((fashion / "quick.json").read_text("utf-8"))
    int8 = saved["reports"].pop()
    assert int8["candidate"]["name"] == "pruned95.onnx"
    Path("part.json").write_text(json.dumps(saved), "utf-8")
    assert run(["diff", quick, "part.json"]) == 0
    capsys.readouterr()
    assert run(["diff", quick, "part.json", "--fail-on", "worse"]) == 3
    assert "not known: pruned95.onnx is in the old report alone" in capsys.readouterr().err
    assert run(["diff", quick, "part.json", "--fail-on", "worse", "--candidate", "int8.onnx"]) == 0
    saved["reports"][0]["data"]["sha256"] = "c" * 64
    Path("other.json").write_text(json.dumps(saved), "utf-8")
    assert run(["diff", "part.json", "other.json"]) == 0
    assert run(["diff", "part.json", "other.json", "--fail-on", "worse"]) == 3
    assert "accuracy.top1 cannot be compared: " in capsys.readouterr().err


def test_a_file_beside_itself_shows_no_change(fashion: Path, capsys: pytest.CaptureFixture[str]) -> None:
    quick = str(fashion / "quick.json")
    code, found = _diff(quick, quick, "--fail-on", "worse")
    assert code == 0
    assert all(candidate.same for candidate in found.candidates)
    assert "No change: both files hold the same report." in capsys.readouterr().out


def test_every_format_is_written_and_the_terminal_one_goes_to_stdout(
    fashion: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    quick = str(fashion / "quick.json")
    forms = ["--report", "markdown=d.md", "--report", "json", "--output-dir", "out"]
    assert run(["diff", quick, quick, "--candidate", "int8.onnx", *forms]) == 0
    assert capsys.readouterr().out.startswith("= No change")
    assert Path("d.md").read_text("utf-8").startswith("## = No change")
    assert Difference.model_validate_json(Path("out/diff.json").read_bytes()).comparable
    assert run(["diff", quick, quick, "--report", "markdown=-"]) == 0
    assert capsys.readouterr().out.startswith("## ")


def _saved(name: str, **changes: Any) -> str:
    """Write a kept report, changed, into the working directory."""
    document = json.loads((KEPT / "canned.json").read_text("utf-8"))
    document["reports"][0].update(changes)
    Path(name).write_text(json.dumps(document), "utf-8")
    return name


def test_reports_of_other_references_compare_what_is_the_candidates_own(capsys: pytest.CaptureFixture[str]) -> None:
    canned = json.loads((KEPT / "canned.json").read_text("utf-8"))["reports"][0]
    new = _saved("new.json", reference={**canned["reference"], "sha256": "9" * 64})
    code, found = _diff(str(KEPT / "canned.json"), new)
    assert code == 0
    assert _reading(found, "similarity.agreement") is Reading.INCOMPARABLE
    assert _reading(found, "accuracy.top1") is Reading.UNCLEAR
    assert "measured beside another reference" in capsys.readouterr().out


def test_nothing_to_compare_is_3_and_never_no_change(capsys: pytest.CaptureFixture[str]) -> None:
    verdict = {"decision": "inconclusive", "because": "no rule", "rulings": []}
    old = _saved("old.json", evidence=[], verdict=verdict)
    new = _saved("new.json", evidence=[], verdict=verdict, seed=5)
    for fail_on in ((), ("--fail-on", "worse")):
        assert run(["diff", old, new, *fail_on]) == 3
        told = capsys.readouterr().out
        assert told.startswith("? Nothing could be compared")
        assert "o change" not in told


def test_candidates_that_have_nothing_in_common_are_not_compared(
    fashion: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["diff", str(fashion / "quick.json"), str(KEPT / "stopped.json")]) == 3
    assert "--old-candidate NAME --candidate NAME" in " ".join(capsys.readouterr().out.split())


def test_thousands_of_rules_are_compared(capsys: pytest.CaptureFixture[str]) -> None:
    def verdict(decision: str) -> dict[str, Any]:
        rulings = [
            {"rule": f"rule {number}", "words": "w", "decision": decision, "because": "b"} for number in range(5000)
        ]
        return {"decision": decision, "because": "b", "rulings": rulings}

    old, new = _saved("old.json", verdict=verdict("pass")), _saved("new.json", verdict=verdict("fail"))
    assert run(["diff", old, new, "--report", "markdown=d.md", "--fail-on", "worse"]) == 1
    told = capsys.readouterr().out
    assert "5,000 newly failing" in told
    assert "and 4,940 more" in told
    assert len(Path("d.md").read_text("utf-8")) <= 60_000


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (["none.json"], "report none.json cannot be read: No such file or directory"),
        (["folder"], "report folder cannot be read: it is a folder"),
        (["empty.json"], "empty.json is not a report of this version of vetgate: Invalid JSON"),
        (["huge.json"], "report huge.json has 300,000,000 bytes; a report has at most 256,000,000"),
        (["zeros.json"], "zeros.json is not a report of this version of vetgate: Invalid JSON"),
        (["a.json", "--candidate", "nobody"], "a.json holds no report of 'nobody'"),
        (["a.json", "--report", "html="], "--report html= names no file"),
        (["a.json", "--report", "pdf"], "unknown report format 'pdf' (known: terminal, "),
        (["a.json", "--report", "json=a.json"], "the json report would replace a.json, which this run reads"),
        (["a.json", "--report", "json=-", "--report", "markdown=-"], "two reports would go to stdout"),
        (["a.json", "--report", "json=folder"], "report folder is a folder"),
        (["a.json", "--confidence", "1"], "it must be over 50 % and at most 99.99 %"),
        (["a.json", "--confidence", "nan"], "is not a number with a unit"),
        (["a.json", "--fail-on", "better"], "Invalid value for '--fail-on'"),
    ],
)
def test_bad_input_is_2_and_told_in_a_sentence(
    arguments: list[str], why: str, capsys: pytest.CaptureFixture[str]
) -> None:
    _saved("a.json")
    Path("folder").mkdir()
    Path("empty.json").touch()
    for name, size in (("huge.json", 300_000_000), ("zeros.json", 200_000_000)):
        with Path(name).open("wb") as file:
            file.truncate(size)
    assert run(["diff", "a.json", *arguments]) == 2
    told = capsys.readouterr()
    assert why in told.err
    assert "Traceback" not in told.err
    assert not told.out


def test_a_report_comes_out_of_a_pipe_as_well() -> None:
    os.mkfifo("pipe")
    content = (KEPT / "stopped.json").read_bytes()
    writer = threading.Thread(target=lambda: Path("pipe").write_bytes(content))
    writer.start()
    code, found = _diff(str(KEPT / "stopped.json"), "pipe")
    writer.join()
    assert code == 0
    assert found.candidates[0].same
