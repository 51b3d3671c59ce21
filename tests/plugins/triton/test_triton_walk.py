"""The gate's own command line on served models: agreement with the same file, what reports say, and `--serve`."""

from __future__ import annotations

import json
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from vetgate_triton.launch import VARIABLE, Installed
from vetgate_triton.settings import HEADERS

from tests.docs.doc_blocks import ROOT, blocks
from tests.plugins.triton.conftest import Up
from tests.plugins.triton.test_faults import SECRET, listening, relay
from tests.plugins.triton.tiny import CARD, CLASSES, write_linear
from vetgate.cli.app import run

ROWS = "{metric: similarity.agreement, at_least: 100%}"


@dataclass(frozen=True)
class Vetted:
    """What came of a check."""

    name: str
    code: int
    report: dict[str, Any]


@pytest.fixture
def world(tmp_path: Path) -> Path:
    """Return a folder with images, a card and the reference: the file that the server runs."""
    return fill(tmp_path)


def fill(folder: Path, count: int = 24) -> Path:
    """Write them."""
    pixels = np.random.default_rng(3).integers(0, 256, (count, 8, 8, 3), dtype=np.uint8)
    for number, image in enumerate(pixels):
        of_class = folder / "data" / CLASSES[number % 4]
        of_class.mkdir(parents=True, exist_ok=True)
        Image.fromarray(image).save(of_class / f"{number}.png")
    write_linear(folder / "base.onnx")
    (folder / "base.onnx.yaml").write_text(CARD, encoding="utf-8")
    (folder / "card.yaml").write_text(CARD, encoding="utf-8")
    return folder


def check(
    world: Path, candidate: str, *more: str, policy: str = "", rows: str = ROWS, with_card: bool = True
) -> tuple[int, dict[str, Any]]:
    """Return the exit code of `check`, and the report."""
    text = f"version: 1\nname: p\n{policy}\nmetrics:\n  - {rows}\n"
    (world / "policy.yaml").write_text(text, encoding="utf-8")
    card = ("--card", str(world / "card.yaml")) if with_card and not candidate.endswith(".onnx") else ()
    arguments = ["--reference", str(world / "base.onnx"), "--data", str(world / "data"), *card, *more]
    arguments += ["--policy", str(world / "policy.yaml"), "--report", f"json={world / 'report.json'}"]
    (world / "report.json").unlink(missing_ok=True)
    code = run(["check", candidate, *arguments])
    place = world / "report.json"
    return code, json.loads(place.read_text(encoding="utf-8"))["reports"][0] if place.exists() else {}


@pytest.fixture(scope="module", params=["triton", "triton+grpc"])
def vetted(request: pytest.FixtureRequest, up: Up, tmp_path_factory: pytest.TempPathFactory) -> Vetted:
    """Vet a served model once by either protocol, all walls required; by gRPC it has its card on the server."""
    world = fill(tmp_path_factory.mktemp("vetted"))
    with_card = request.param == "triton"
    name = up.name("linear" if with_card else "labelled", scheme=request.param)
    return Vetted(name, *check(world, name, "--threads", "1", policy="isolation: required", with_card=with_card))


def test_a_served_model_agrees_with_its_file(vetted: Vetted) -> None:
    code, candidate = vetted.code, vetted.report["candidate"]
    assert code == 0
    assert candidate["answered"] == 24
    assert (candidate["sha256"], candidate["size"], candidate["members"]) == (None, None, [])
    assert candidate["service"]["version"] == "1"
    assert len(candidate["service"]["config_sha256"]) == 64
    assert candidate["execution"]["runtime"] == "triton"
    assert candidate["scan"]["state"] == "not scanned"
    assert not candidate["from_cache"]


def test_threads_of_every_model_are_not_asked_of_one_on_a_server(vetted: Vetted) -> None:
    assert vetted.report["candidate"]["asked"] == []
    assert [(each["option"], each["value"]) for each in vetted.report["reference"]["asked"]] == [("threads", "1")]


def test_all_walls_stand_around_who_asks_a_server(vetted: Vetted) -> None:
    walls = {wall["name"]: wall for wall in vetted.report["candidate"]["walls"]}
    assert all(wall["stood"] for wall in walls.values())
    address = vetted.name.split("/")[2]
    assert walls["service"]["how"].endswith(f"to {address} alone")


def test_what_the_server_counted_stands_beside_what_was_timed_here(up: Up, world: Path) -> None:
    rows = "{metric: latency.p50, of: ratio, at_most: 1000}\n  - {metric: footprint.size_mb, at_most: 5MB}"
    code, report = check(world, up.name(), "--timing-budget", "1", rows=rows)
    assert code == 3, "a size that nobody knows is inconclusive"
    assert "a service hands out no file" in json.dumps(report["verdict"])
    tables = [each for item in report["evidence"] for each in item["exhibits"] if "of a request" in each["title"]]
    assert len(tables) == 1
    ((role, sent, whole, counted, queue, compute, rest),) = tables[0]["rows"]
    assert (role, sent > 10) == ("candidate", True)
    assert abs(counted - sent) <= max(2, sent // 50), "nobody else asks it; it counts a request after it has answered"
    assert 0 < queue + compute <= whole
    assert rest >= 0


@pytest.mark.parametrize(("policy", "code"), [("artifact: file", 1), ("scan: required", 3)])
def test_a_policy_may_refuse_services(up: Up, world: Path, policy: str, code: int) -> None:
    found, report = check(world, up.name(), policy=policy)
    assert found == code
    assert report["candidate"]["execution"] is None, "a refused model is not asked"


def test_the_policy_for_services_that_the_page_shows_asks_for_nothing_that_no_service_has(
    up: Up, tmp_path: Path
) -> None:
    world = fill(tmp_path, 800)
    (shown,) = (block for block in blocks(ROOT / "docs" / "triton.md") if "name: served" in block.text)
    (world / "served.yaml").write_text(shown.text, encoding="utf-8")
    arguments = ["--reference", str(world / "base.onnx"), "--data", str(world / "data"), "--timing-budget", "1"]
    arguments += ["--card", str(world / "card.yaml"), "--policy", str(world / "served.yaml")]
    run(["check", up.name(), *arguments, "--report", f"json={world / 'report.json'}"])
    (report,) = json.loads((world / "report.json").read_text(encoding="utf-8"))["reports"]
    rulings = {ruling["rule"]: ruling["decision"] for ruling in report["verdict"]["rulings"]}
    del rulings["latency.p50/ratio"]  # a server of a tiny model beside its file in this process: the network decides
    assert len(rulings) >= 4
    assert set(rulings.values()) == {"pass"}, rulings


def test_a_card_may_stand_in_the_servers_configuration(vetted: Vetted) -> None:
    inside = "labelled" in vetted.name
    assert ("card.yaml" in vetted.report["candidate"]["card"]) is not inside


def test_no_secret_reaches_a_report_or_the_terminal(
    up: Up, world: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    (world / "headers").write_text(f"Authorization: Bearer {SECRET}\n", encoding="utf-8")
    monkeypatch.setenv(HEADERS, str(world / "headers"))
    seen: list[bytes] = []
    with listening(relay(up.http, seen=seen)) as port:
        more = ("--report", "terminal", "--report", f"markdown={world / 'report.md'}")
        code, report = check(world, f"triton://127.0.0.1:{port}/linear", *more)
        again = check(world, f"triton://127.0.0.1:{port}/linear")[1]
    assert code == 0
    assert again["candidate"]["answered"] == 24, "answers of a server are never kept"
    assert any(SECRET.encode() in came for came in seen), "the server was shown it"
    captured = capfd.readouterr()
    written = [path.read_text(encoding="utf-8", errors="replace") for path in world.glob("report.*")]
    assert not any(SECRET in text for text in (*written, captured.out, captured.err, json.dumps(report)))


@pytest.mark.parametrize(
    ("name", "code", "told"),
    [
        ("triton://127.0.0.1:9/linear", 3, "cannot be reached"),
        ("triton://127.0.0.1:9", 2, "is no name of a served model"),
        ("triton://me:pw@127.0.0.1/linear", 2, "a name goes into reports"),
    ],
)
def test_exit_codes_of_names(world: Path, capfd: pytest.CaptureFixture[str], name: str, code: int, told: str) -> None:
    found, report = check(world, name)
    assert found == code
    assert told in json.dumps(report) + capfd.readouterr().err


def test_an_unknown_model_is_a_usage_error(up: Up, world: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert check(world, up.name("nobody"))[0] == 2
    assert "has no model nobody" in capfd.readouterr().err


def test_nonsense_is_inconclusive(up: Up, world: Path) -> None:
    code, report = check(world, up.name("nan"))
    assert code == 3
    assert "NaN or infinity" in json.dumps(report)


def test_a_candidate_is_vetted_through_a_server_of_its_own(
    installed: Installed, world: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(VARIABLE, str(installed.programs.parent if installed.programs else installed.binary))
    candidate = write_linear(world / "candidate.onnx")
    (world / "candidate.onnx.yaml").write_text(CARD, encoding="utf-8")
    code, report = check(world, str(candidate), "--serve", "triton", policy="artifact: file")
    told = report["candidate"]
    assert code == 0
    assert told["scan"]["state"] == "clean"
    assert told["sha256"] is not None
    assert told["execution"]["runtime"] == "triton"
    assert (told["service"]["model"], told["service"]["server"]) == ("candidate", "triton")
    assert [wall["name"] for wall in told["walls"] if not wall["stood"]] == ["server"]
    assert check(world, str(candidate), "--serve", "triton", policy="isolation: required")[0] == 3
    left = subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True, check=True).stdout
    assert str(told["service"]["url"].rpartition(":")[2]) not in left, "the server ended with the run"


def test_serving_without_a_server_says_what_to_name(
    world: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv(VARIABLE, str(world / "nothing"))
    candidate = write_linear(world / "candidate.onnx")
    (world / "candidate.onnx.yaml").write_text(CARD, encoding="utf-8")
    assert check(world, str(candidate), "--serve", "triton")[0] == 2
    assert VARIABLE in capfd.readouterr().err
    assert check(world, str(candidate), "--serve", "nobody")[0] == 2
    assert "known: triton" in capfd.readouterr().err


def test_a_model_that_is_on_a_server_is_loaded_into_no_other(
    up: Up, world: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert check(world, up.name(), "--serve", "triton")[0] == 2
    assert "is on a server already" in capfd.readouterr().err
