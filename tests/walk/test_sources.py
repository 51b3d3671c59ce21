"""Models that are named with a scheme, and results that are published, by a stranger's plugin."""

from __future__ import annotations

import json
import re
import shutil
import tempfile
from pathlib import Path
from typing import Any

import pytest

RULE = "metric: accuracy.top1, of: delta, at_least: -1pp"
CARD = "card: odd"


@pytest.fixture
def depot(world: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Return a world with a depot that holds base, good and bad."""
    monkeypatch.setenv("ACME_DEPOT", str(world.folder / "depot"))
    for name, noise in (("base", 0.0), ("good", 0.0), ("bad", 3.0)):
        (world.folder / "depot" / name).mkdir(parents=True)
        world.toy(f"depot/{name}/model.toy", noise=noise)
    world.data()
    world.policy(RULE)
    return world


def check(world: Any, *candidates: str, reference: str = "acme:/base", more: tuple[str, ...] = ()) -> int:
    asked = ("--reference", reference, "--data", "data.npz", "--policy", "policy.yaml", *more)
    return int(world.check(*candidates, *asked))


def test_a_name_with_a_scheme_is_vetted_like_any_file_and_keeps_its_name(depot: Any) -> None:
    assert check(depot, "acme:/good") == 0, depot.err
    found = depot.report()["candidate"]
    assert found["name"] == "acme:/good"
    assert found["origin"] == {"source": "acme", "file": "model.toy", "facts": {"shelf": "good"}}
    assert found["card"] == "acme:/good#model.toy.yaml"
    assert [file["name"] for file in found["card_files"]] == ["acme:/good#model.toy.yaml"]
    assert [member["name"] for member in found["members"]] == ["model.toy"]
    assert found["scan"]["state"] == "clean"
    assert "acme: model.toy of shelf good" in depot.out


def test_a_file_and_the_same_file_by_name_have_one_digest_and_one_verdict(depot: Any) -> None:
    assert check(depot, "acme:/bad", "depot/bad/model.toy") == 1
    one, other = depot.report(0), depot.report(1)
    assert one["candidate"]["sha256"] == other["candidate"]["sha256"]
    assert one["verdict"] == other["verdict"]
    assert other["candidate"]["origin"] is None


def test_nothing_that_was_fetched_is_left_behind(depot: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    room = depot.folder / "room"
    room.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(room))
    assert check(depot, "acme:/good") == 0
    assert list(room.iterdir()) == []
    assert str(room) not in json.dumps(depot.report())


@pytest.mark.parametrize("name", ["acme:/nowhere", "amce:/good", "models:/x/../y"])
def test_a_name_of_nothing_is_a_mistake_in_the_command(depot: Any, name: str) -> None:
    if name.startswith("models"):
        pytest.importorskip("vetgate_mlflow")
        pytest.importorskip("mlflow")
    assert check(depot, name) == 2
    assert len(depot.err.strip().splitlines()) <= 2
    assert name in depot.err


def test_an_unknown_scheme_is_told_with_those_that_are_known(depot: Any) -> None:
    assert check(depot, "amce:/good") == 2
    assert "did you mean 'acme'" in depot.err
    assert "acme:/" in depot.err


@pytest.mark.parametrize(
    ("how", "told"),
    [
        ("outside", "names a file that is not among what it fetched"),
        ("link", "holds links"),
        ("missing", "names a file that is not among what it fetched"),
        ("nothing", "handed over neither a file nor a service"),
        ("raise", "could not be fetched by acme: ValueError"),
    ],
)
def test_a_source_that_misbehaves_is_inconclusive_and_told(depot: Any, how: str, told: str) -> None:
    assert check(depot, f"acme:/bad-{how}") == 3
    assert told in depot.reasons()
    assert "open-sesame" not in depot.out + depot.err + json.dumps(depot.report())


def test_a_source_that_hangs_is_given_up(depot: Any) -> None:
    assert check(depot, "acme:/bad-hang", more=("--timeout", "3")) == 3
    assert "could not be fetched within 3 s" in depot.reasons()


def test_a_source_that_never_ends_is_stopped_at_the_most_that_a_model_may_take(depot: Any) -> None:
    assert check(depot, "acme:/bad-flood", more=("--memory-limit", "30MB")) == 3
    assert "more than 30 MB" in depot.reasons()


def test_one_candidate_that_cannot_be_fetched_does_not_keep_others_from_being_vetted(depot: Any) -> None:
    assert check(depot, "acme:/bad-raise", "acme:/good") == 3
    assert [depot.report(place)["verdict"]["decision"] for place in (0, 1)] == ["inconclusive", "pass"]


def test_a_scheme_in_the_configuration_is_no_path(depot: Any) -> None:
    (depot.folder / "vetgate.yaml").write_text(
        "reference: acme:/base\ndata: data.npz\npolicy: policy.yaml\n", encoding="utf-8"
    )
    inner = depot.folder / "inner"
    inner.mkdir()
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(inner)
        assert depot.check("acme:/good") == 0, depot.err
    assert depot.report()["reference"]["name"] == "acme:/base"


def test_the_other_commands_take_names_too(depot: Any) -> None:
    assert depot.run("scan", "acme:/good") == 0
    assert "acme:/good: clean" in depot.out
    assert depot.run("inspect", "acme:/good", "--write-card") == 0
    assert "acme:/good#model.toy.yaml" in depot.out
    assert (depot.folder / "acme-good.yaml").is_file()
    asked = ("--reference", "acme:/base", "--data", "data.npz")
    assert depot.run("yardstick", "build", "--independent", "acme:/bad", "good.toy", *asked, "-o", "y") == 2
    assert "good.toy does not exist" in depot.err
    assert check(depot, "acme:/good", more=("--latency-reference", "acme:/base", "--plan")) == 0
    assert check(depot, "acme:/good", more=("--attest", "no.key")) == 2


def test_a_model_without_a_card_is_told_where_one_would_be_looked_for(depot: Any) -> None:
    Path("depot/good/model.toy.yaml").unlink()
    assert check(depot, "acme:/good") == 2
    assert "acme:/good has no card" in depot.err
    Path("depot/good/model.toy.yaml").write_text(CARD, encoding="utf-8")
    assert check(depot, "acme:/good") == 2
    assert "acme:/good#model.toy.yaml" in depot.err
    assert tempfile.gettempdir() not in depot.err


def test_reports_are_published_once_they_are_written_and_signed(depot: Any) -> None:
    assert depot.run("keygen", "release", "--no-password") == 0
    more = ("--publish", "acme:shelf=notes", "--attest", "release.key", "--report", "markdown=report.md")
    assert check(depot, "acme:/good", more=more) == 0, depot.err
    assert "acme: noted on shelf notes" in depot.err
    notes = depot.folder / "depot" / "notes"
    assert (notes / "kinds").read_text(encoding="utf-8") == "json markdown attestation"
    assert (notes / "report.json").read_bytes() == Path("report.json").read_bytes()
    assert (notes / "acme-good.intoto.jsonl").read_bytes() == Path("acme-good.intoto.jsonl").read_bytes()
    assert (notes / "in-use").read_text(encoding="utf-8") == "acme:/good"


def test_the_json_report_is_published_also_where_nobody_wanted_its_file(depot: Any) -> None:
    asked = ("--reference", "acme:/base", "--data", "data.npz", "--policy", "policy.yaml", "--publish", "acme")
    assert depot.run("check", "acme:/bad", *asked) == 1
    saved = json.loads((depot.folder / "depot" / "notes" / "report.json").read_text(encoding="utf-8"))
    assert saved["reports"][0]["verdict"]["decision"] == "fail"
    assert not (depot.folder / "depot" / "notes" / "in-use").exists()
    assert not Path("report.json").exists()


@pytest.mark.parametrize(("candidate", "code"), [("acme:/good", 3), ("acme:/bad", 1)])
@pytest.mark.parametrize("how", ["raise", "refuse"])
def test_what_could_not_be_published_is_no_pass_and_a_fail_stays_one(
    depot: Any, candidate: str, code: int, how: str
) -> None:
    more = ("--publish", f"acme:misbehave={how}")
    assert check(depot, candidate, more=more) == code
    assert "the result was not published: acme: " in depot.err
    assert "open-sesame" not in depot.err
    assert depot.report()["verdict"]["decision"] == ("pass" if code == 3 else "fail"), "the verdict is what it was"


def test_nothing_is_published_of_a_run_whose_report_was_lost(depot: Any) -> None:
    place = depot.folder / "out"
    place.mkdir()
    shutil.rmtree(depot.folder / "depot" / "bad")
    more = ("--publish", "acme", "--report", "markdown=/dev/full")
    assert check(depot, "acme:/good", more=more) == 3
    assert not (depot.folder / "depot" / "notes").exists()


@pytest.mark.parametrize(
    ("texts", "told"),
    [
        (("acmee",), "did you mean 'acme'"),
        (("acme:colour=red",), "no setting 'colour'"),
        (("acme:shelf",), "write NAME:KEY=VALUE"),
        (("acme:shelf=a,shelf=b",), "shelf is set twice"),
        (("acme", "acme:shelf=a"), "is given twice"),
    ],
)
def test_a_mistake_in_what_to_publish_is_told_before_anything_runs(
    depot: Any, texts: tuple[str, ...], told: str
) -> None:
    more = tuple(part for text in texts for part in ("--publish", text))
    assert check(depot, "acme:/good", more=more) == 2
    assert told in depot.err
    assert not Path("report.json").exists()


def test_a_publisher_refuses_candidates_before_anything_runs(depot: Any) -> None:
    assert check(depot, "acme:/good", "acme:/bad", "acme:/base", more=("--publish", "acme")) == 2
    assert re.search("two notes at a time", depot.err)


def test_where_to_publish_may_stand_in_the_configuration_or_a_variable(
    depot: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    (depot.folder / "vetgate.yaml").write_text("publish: ['acme:shelf=filed']\n", encoding="utf-8")
    assert check(depot, "acme:/good") == 0
    assert (depot.folder / "depot" / "filed" / "in-use").is_file()
    (depot.folder / "vetgate.yaml").unlink()
    monkeypatch.setenv("VETGATE_PUBLISH", "acme:shelf=told,misbehave=no")
    assert check(depot, "acme:/good") == 0
    assert (depot.folder / "depot" / "told" / "in-use").is_file()
