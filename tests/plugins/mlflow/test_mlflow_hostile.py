"""A server that means harm: it answers as MLflow's does, and names, sends and holds back what it likes."""

from __future__ import annotations

import json
import re
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest


class Answering(BaseHTTPRequestHandler):
    """Answers with what the test wants."""

    files: dict[str, list[dict[str, Any]]] = {}
    """What lies in each folder, by its path."""
    body: str = ""
    """How files are sent: as they are, `endless`, `slow`, `short` or `error`."""
    source = "mlflow-artifacts:/1/model"
    status = "READY"
    where = "/api/2.0/mlflow-artifacts/artifacts"

    def do_GET(self) -> None:
        """Answer."""
        place = urlsplit(self.path)
        if place.path.endswith("/model-versions/get"):
            version = {"name": "toy", "version": "1", "status": self.status, "run_id": "r", "source": self.source}
            self._say({"model_version": version})
        elif place.path.endswith("/registered-models/get"):
            self._say({"registered_model": {"name": "toy"}})
        elif place.path.endswith("/model-versions/get-download-uri"):
            self._say({"artifact_uri": self.source})
        elif place.path == self.where:
            asked = parse_qs(place.query).get("path", [""])[0].removeprefix("1/model").strip("/")
            self._say({"files": self.files.get(asked, [])})
        elif place.path.startswith(self.where):
            self._send()
        else:
            self.send_error(404)

    def _say(self, answer: Any) -> None:
        content = json.dumps(answer).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def _send(self) -> None:
        if self.body == "error":
            self.send_error(500, "<b>\x1b[2J</b>")
            return
        self.send_response(200)
        if self.body == "short":
            self.send_header("Content-Length", "1000000")
        self.end_headers()
        self.wfile.write(b"ACME" + bytes(100))
        end = time.monotonic() + 20
        while self.body in ("endless", "slow") and time.monotonic() < end:
            try:
                self.wfile.write(bytes(1 << 16) if self.body == "endless" else b".")
                self.wfile.flush()
            except OSError:
                return
            time.sleep(0.0 if self.body == "endless" else 0.1)

    def log_message(self, *args: Any) -> None:
        """Say nothing."""


@pytest.fixture
def hostile(monkeypatch: pytest.MonkeyPatch) -> Iterator[type[Answering]]:
    """Start the server; yield what it answers with."""
    answering = type("Own", (Answering,), {"files": {"": [_file("model.toy")]}})
    server = ThreadingHTTPServer(("127.0.0.1", 0), answering)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"http://127.0.0.1:{server.server_address[1]}")
    yield answering
    server.shutdown()
    server.server_close()


def _file(path: str, size: int = 104, is_dir: bool = False) -> dict[str, Any]:
    return {"path": path, "is_dir": is_dir, "file_size": size}


def vet(gate: Any, *more: str) -> int:
    base = str(gate.model("base") / "model.toy")
    return int(gate.check("models:/toy/1", "--reference", base, *more))


@pytest.mark.parametrize(
    "path",
    [
        *("../evil.toy", "../../../../evil.toy", "/etc/evil.toy", "a/../../evil.toy", "..", ".", ""),
        *("%2e%2e/evil.toy", "..%2fevil.toy", "a\\..\\evil.toy", "inner/evil.toy", "x" * 300, "file:///etc/passwd"),
    ],
)
def test_a_name_that_leads_out_of_the_artifact_is_refused(hostile: Any, gate: Any, path: str) -> None:
    hostile.files = {"": [_file("model.toy"), _file(path)]}
    assert vet(gate) == 3
    assert gate.report()["candidate"]["sha256"] is None
    (reason,) = (item["reason"] for item in gate.report()["evidence"] if item["check"] == "models")
    assert "leads out of its folder" in reason or "Invalid path" in reason, reason
    assert not list(gate.folder.rglob("*evil*"))
    assert not list(Path("/tmp").glob("*evil*"))


@pytest.mark.parametrize("path", ["evil\x00.toy", "evil\n.toy", "evil\x1b[2J.toy", "evil\u202egnp.toy"])
def test_a_name_that_a_terminal_would_obey_is_not_told_as_it_is(hostile: Any, gate: Any, path: str) -> None:
    hostile.files = {"": [_file("model.toy"), _file(path)]}
    assert vet(gate) == 3
    assert not {"\x1b", "\x00", "\u202e"} & set(gate.out + gate.err)
    (reason,) = (item["reason"] for item in gate.report()["evidence"] if item["check"] == "models")
    assert reason.isprintable()


def test_folders_without_end_are_not_followed(hostile: Any, gate: Any) -> None:
    hostile.files = {"/".join(["a"] * depth): [_file("a", is_dir=True)] for depth in range(40)}
    assert vet(gate) == 3
    assert "deeper than 16 levels" in gate.told()


def test_files_without_end_are_not_fetched(hostile: Any, gate: Any) -> None:
    hostile.files = {"": [_file(f"{number}.toy") for number in range(10_001)]}
    assert vet(gate) == 3
    assert "more than 10,000 files" in gate.told()


def test_a_file_that_is_announced_too_large_is_not_asked_for(hostile: Any, gate: Any) -> None:
    hostile.files = {"": [_file("model.toy", 1 << 50)]}
    assert vet(gate) == 3
    assert "are the most that is fetched" in gate.told()


def test_a_file_that_never_ends_is_cut_off(hostile: Any, gate: Any) -> None:
    hostile.body = "endless"
    assert vet(gate, "--memory-limit", "20MB") == 3
    assert re.search(r"more than (the )?20 MB", gate.told())  # who fetches sees it, or who watches the folder


def test_a_file_that_trickles_is_given_up(hostile: Any, gate: Any) -> None:
    hostile.body = "slow"
    assert vet(gate, "--timeout", "2") == 3
    assert "could not be fetched within 2 s" in gate.told()


@pytest.mark.parametrize("body", ["short", "error"])
def test_a_file_that_does_not_come_whole_is_no_model(hostile: Any, gate: Any, body: str) -> None:
    hostile.body = body
    assert vet(gate) == 3
    assert gate.report()["candidate"]["sha256"] is None
    assert "\x1b[2J" not in gate.out + gate.err


@pytest.mark.parametrize("source", ["file:///etc", "/etc", "file://localhost/etc", "nonsense:/x"])
def test_a_place_that_the_server_must_not_choose_is_not_read(hostile: Any, gate: Any, source: str) -> None:
    hostile.source = source
    assert vet(gate) == 3
    (reason,) = (item["reason"] for item in gate.report()["evidence"] if item["check"] == "models")
    assert "folder of this machine" in reason or "nonsense" in reason, reason


def test_a_version_that_is_not_ready_is_not_fetched(hostile: Any, gate: Any) -> None:
    hostile.status = "PENDING_REGISTRATION"
    assert vet(gate) == 3
    assert "is not ready" in gate.told()
