"""The comment on a pull request, against a server that answers as GitHub's API does."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

SCRIPT = Path(__file__).parents[2] / ".github" / "actions" / "vetgate" / "comment.py"
TOKEN = "ghs_not_a_token"


class GitHub(ThreadingHTTPServer):
    """Comments of one issue."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Answers)
        self.comments: list[dict[str, Any]] = []
        self.refuse = 0
        self.asked: list[tuple[str, str]] = []

    def post(self, body: str, *, bot: bool = True) -> dict[str, Any]:
        """Add a comment."""
        number = len(self.comments) + 1
        comment = {"id": number, "body": body, "user": {"type": "Bot" if bot else "User"}, "html_url": f"url-{number}"}
        self.comments.append(comment)
        return comment


class Answers(BaseHTTPRequestHandler):
    """What GitHub answers."""

    server: GitHub

    def _handle(self) -> None:
        self.server.asked.append((self.command, self.path))
        length = int(self.headers.get("Content-Length") or 0)
        sent = json.loads(self.rfile.read(length)) if length else {}
        if self.server.refuse or self.headers["Authorization"] != f"Bearer {TOKEN}":
            self._answer(self.server.refuse or 401, {"message": "Resource not accessible by integration"})
        elif self.command == "GET":
            page = int(self.path.rpartition("page=")[2])
            self._answer(200, self.server.comments[(page - 1) * 100 : page * 100])
        elif self.command == "PATCH":
            comment = self.server.comments[int(self.path.rpartition("/")[2]) - 1]
            comment["body"] = sent["body"]
            self._answer(200, comment)
        else:
            self._answer(201, self.server.post(sent["body"]))

    do_GET = do_POST = do_PATCH = _handle  # noqa: N815  # as the class has them

    def _answer(self, status: int, value: object) -> None:
        data = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # as the class has it
        """Stay quiet."""


@pytest.fixture
def github() -> Iterator[GitHub]:
    server = GitHub()
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def comment(github: GitHub, folder: Path, text: str, *, event: object = None, artifact: str = "int8") -> str:
    """Run the script and return what it printed."""
    (folder / "comment.md").write_text(text, encoding="utf-8")
    told = {"pull_request": {"number": 7}} if event is None else event
    (folder / "event.json").write_text(json.dumps(told), encoding="utf-8")
    variables = {
        "GITHUB_API_URL": f"http://127.0.0.1:{github.server_port}",
        "GITHUB_REPOSITORY": "owner/models",
        "GITHUB_EVENT_PATH": str(folder / "event.json"),
        "COMMENT_FILE": str(folder / "comment.md"),
        "INPUT_TOKEN": TOKEN,
        "INPUT_ARTIFACT": artifact,
        "ARTIFACT_URL": "https://example.org/artifacts/1",
    }
    done = subprocess.run(
        [sys.executable, str(SCRIPT)],
        env={**os.environ, **variables},
        capture_output=True,
        encoding="utf-8",
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    assert TOKEN not in done.stdout + done.stderr
    return done.stdout


def test_the_first_run_comments_and_the_next_changes_that_comment(github: GitHub, tmp_path: Path) -> None:
    github.post("looks good", bot=False)
    comment(github, tmp_path, "FAIL int8.onnx\n")
    assert comment(github, tmp_path, "PASS int8.onnx\n") == "comment: url-2\n"
    assert len(github.comments) == 2
    assert "PASS int8.onnx" in github.comments[1]["body"]
    assert "FAIL" not in github.comments[1]["body"]
    assert "[All reports](https://example.org/artifacts/1)" in github.comments[1]["body"]
    assert ("POST", "/repos/owner/models/issues/7/comments") in github.asked


def test_the_comment_is_found_behind_hundreds_of_others(github: GitHub, tmp_path: Path) -> None:
    for _ in range(230):
        github.post("chatter", bot=False)
    comment(github, tmp_path, "FAIL\n")
    github.post("more chatter", bot=False)
    comment(github, tmp_path, "PASS\n")
    assert len(github.comments) == 232
    assert "PASS" in github.comments[230]["body"]


def test_each_call_of_the_action_has_a_comment_of_its_own(github: GitHub, tmp_path: Path) -> None:
    for artifact in ("int8", "int8-strict", "int8"):
        comment(github, tmp_path, "text\n", artifact=artifact)
    assert len(github.comments) == 2


def test_what_somebody_else_wrote_is_left_alone_whatever_marker_it_bears(github: GitHub, tmp_path: Path) -> None:
    comment(github, tmp_path, "text\n")
    forged = github.comments.pop()["body"]
    github.post(forged, bot=False)
    comment(github, tmp_path, "PASS\n")
    assert github.comments[0]["body"] == forged
    assert len(github.comments) == 2


def test_an_artifacts_name_cannot_end_the_marker(github: GitHub, tmp_path: Path) -> None:
    comment(github, tmp_path, "text\n", artifact="a--> <script>")
    assert github.comments[0]["body"].startswith("<!-- vetgate action: a-script- -->\n")


def test_the_reporters_own_marker_gives_way_to_the_actions(github: GitHub, tmp_path: Path) -> None:
    comment(github, tmp_path, "<!-- vetgate: policy=edge reference=base.onnx -->\nFAIL\n")
    comment(github, tmp_path, "### no verdict\n")
    assert len(github.comments) == 1
    assert github.comments[0]["body"].count("<!--") == 1
    assert "### no verdict" in github.comments[0]["body"]


def test_a_comment_is_never_longer_than_github_takes(github: GitHub, tmp_path: Path) -> None:
    comment(github, tmp_path, "x" * 70_000)
    assert len(github.comments[0]["body"]) == 65_536


def test_a_token_without_permission_is_a_warning_that_says_which(github: GitHub, tmp_path: Path) -> None:
    github.refuse = 403
    told = comment(github, tmp_path, "text\n")
    assert told.startswith("::warning title=vetgate::no comment: HTTP Error 403")
    assert "`pull-requests: write`" in told


def test_a_push_has_nothing_to_comment_on(github: GitHub, tmp_path: Path) -> None:
    assert comment(github, tmp_path, "text\n", event={"ref": "refs/heads/main"}).startswith("no comment")
    assert github.asked == []
