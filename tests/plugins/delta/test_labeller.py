"""The labeller against a real server on this machine that answers well, is slow, lies, costs too much and sends on."""

from __future__ import annotations

import base64
import io
import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from PIL import Image
from vetgate_delta.labeller import OpenAILabeller, make_labeller
from vetgate_delta.labeller_settings import SETTINGS, read_settings
from vetgate_delta.plugin import vetgate_labellers

from vetgate.api import Inconclusive, Labeller, LabellerSpec, UsageError
from vetgate.testing import LabellerContract

KEY = "sk-not-to-be-seen"


def _png(grey: int = 0) -> bytes:
    stream = io.BytesIO()
    Image.new("L", (8, 8), grey).save(stream, "PNG")
    return stream.getvalue()


def _chat(content: Any, **more: Any) -> bytes:
    text = content if isinstance(content, str) else json.dumps(content)
    return json.dumps({"choices": [{"message": {"role": "assistant", "content": text}}], **more}).encode()


@dataclass
class Endpoint:
    """A real HTTP server; a test says what it does with a request."""

    act: Callable[[BaseHTTPRequestHandler, dict[str, Any]], None]
    asked: list[dict[str, Any]] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    paths: list[str] = field(default_factory=list)
    stop: threading.Event = field(default_factory=threading.Event)
    url: str = ""


def _reply(
    content: bytes, status: int = 200, headers: dict[str, str] | None = None
) -> Callable[[BaseHTTPRequestHandler, dict[str, Any]], None]:
    def act(handler: BaseHTTPRequestHandler, _: dict[str, Any]) -> None:
        handler.send_response(status)
        for name, value in (headers or {}).items():
            handler.send_header(name, value)
        handler.send_header("Content-Length", str(len(content)))
        handler.end_headers()
        handler.wfile.write(content)

    return act


def _in_turn(*acts: Callable[[BaseHTTPRequestHandler, dict[str, Any]], None]) -> Callable[..., None]:
    left = iter(acts)

    def act(handler: BaseHTTPRequestHandler, body: dict[str, Any]) -> None:
        next(left)(handler, body)

    return act


Serve = Callable[[Callable[[BaseHTTPRequestHandler, dict[str, Any]], None]], Endpoint]


@pytest.fixture
def serve() -> Iterator[Serve]:
    running: list[tuple[ThreadingHTTPServer, Endpoint]] = []

    def start(act: Callable[[BaseHTTPRequestHandler, dict[str, Any]], None]) -> Endpoint:
        endpoint = Endpoint(act)

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                endpoint.asked.append(body)
                endpoint.headers.append(dict(self.headers))
                endpoint.paths.append(self.path)
                try:
                    endpoint.act(self, body)
                except (BrokenPipeError, ConnectionResetError):
                    self.close_connection = True

            def log_message(self, *_: Any) -> None:
                pass

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        server.daemon_threads = True
        server.block_on_close = False
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        endpoint.url = f"http://127.0.0.1:{server.server_port}/v1"
        running.append((server, endpoint))
        return endpoint

    yield start
    for server, endpoint in running:
        endpoint.stop.set()
        server.shutdown()
        server.server_close()


def _labeller(url: str, **settings: str) -> tuple[OpenAILabeller, list[float]]:
    """Return a labeller and the pauses that it made, which take no time."""
    given = {name.replace("_", "-"): value for name, value in settings.items()}
    waited: list[float] = []
    return OpenAILabeller(read_settings({"base-url": url, "model": "eye", **given}), wait=waited.append), waited


def test_a_good_answer_names_each_picture_in_order(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MY_KEY", KEY)
    endpoint = serve(_reply(_chat(["wheel", " left ear ", ""])))
    labeller, _ = _labeller(endpoint.url, key_env="MY_KEY")
    assert labeller.requests == 0
    assert labeller.name([_png(0), _png(1), _png(2)], ["car", "cat", ""]) == ("wheel", "left ear", "")
    assert endpoint.paths == ["/v1/chat/completions"]
    assert endpoint.headers[0]["Authorization"] == f"Bearer {KEY}"
    (body,) = endpoint.asked
    assert body["model"] == "eye"
    assert body["max_tokens"] > 0
    parts = body["messages"][0]["content"]
    sent = [part["image_url"]["url"] for part in parts if part["type"] == "image_url"]
    assert [base64.b64decode(url.removeprefix("data:image/png;base64,")) for url in sent] == [_png(0), _png(1), _png(2)]
    words = " ".join(part["text"] for part in parts if part["type"] == "text")
    assert "Picture 1 shows: car" in words
    assert "Picture 2 shows: cat" in words
    assert "exactly 3 strings" in words


def test_nobody_is_asked_when_it_is_made_or_given_nothing(serve: Serve) -> None:
    endpoint = serve(_reply(_chat([])))
    labeller = make_labeller({"base-url": endpoint.url, "model": "eye"})
    assert labeller.name([], []) == ()
    assert endpoint.asked == []


def test_no_key_is_sent_without_one(serve: Serve) -> None:
    endpoint = serve(_reply(_chat(["wheel"])))
    _labeller(endpoint.url)[0].name([_png()], [""])
    assert "Authorization" not in endpoint.headers[0]


def test_pictures_go_out_in_batches(serve: Serve) -> None:
    def echo(handler: BaseHTTPRequestHandler, body: dict[str, Any]) -> None:
        count = sum(part["type"] == "image_url" for part in body["messages"][0]["content"])
        _reply(_chat([f"part {number}" for number in range(count)]))(handler, body)

    endpoint = serve(echo)
    labeller, _ = _labeller(endpoint.url, batch="2", limit_field="max_completion_tokens")
    assert labeller.name([_png()] * 5, [""] * 5) == ("part 0", "part 1", "part 0", "part 1", "part 0")
    assert len(endpoint.asked) == 3
    assert "max_completion_tokens" in endpoint.asked[0]
    assert "max_tokens" not in endpoint.asked[0]


def test_a_fence_around_the_array_is_taken_off(serve: Serve) -> None:
    endpoint = serve(_reply(_chat('```json\n["wheel"]\n```')))
    assert _labeller(endpoint.url)[0].name([_png()], [""]) == ("wheel",)


def test_a_silent_endpoint_is_given_up_in_time(serve: Serve) -> None:
    def silent(_: BaseHTTPRequestHandler, __: dict[str, Any]) -> None:
        endpoint.stop.wait(20)

    endpoint = serve(silent)
    started = time.monotonic()
    with pytest.raises(Inconclusive, match=r"did not answer within 0\.3 s"):
        _labeller(endpoint.url, timeout="0.3")[0].name([_png()], [""])
    assert time.monotonic() - started < 3
    assert len(endpoint.asked) == 1


@pytest.mark.parametrize("part", ["status", "header", "body"])
def test_an_endpoint_that_drips_is_given_up_in_time(serve: Serve, part: str) -> None:
    def drip(handler: BaseHTTPRequestHandler, _: dict[str, Any]) -> None:
        start = {"status": b"", "header": b"HTTP/1.1 200 OK\r\nX: ", "body": b"HTTP/1.1 200 OK\r\n\r\n"}[part]
        handler.wfile.write(start)
        while not endpoint.stop.wait(0.05):
            handler.wfile.write(b"H")
            handler.wfile.flush()

    endpoint = serve(drip)
    started = time.monotonic()
    with pytest.raises(Inconclusive, match="did not answer within"):
        _labeller(endpoint.url, timeout="0.5")[0].name([_png()], [""])
    assert time.monotonic() - started < 3


def test_endless_text_is_cut_off(serve: Serve) -> None:
    def endless(handler: BaseHTTPRequestHandler, _: dict[str, Any]) -> None:
        handler.send_response(200)
        handler.end_headers()
        while not endpoint.stop.is_set():
            handler.wfile.write(b" " * 65_536)

    endpoint = serve(endless)
    with pytest.raises(Inconclusive, match="more than 1,048,576 bytes"):
        _labeller(endpoint.url, timeout="20")[0].name([_png()], [""])


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (b"<html>hello</html>", "did not answer with JSON"),
        (b"", "did not answer with JSON"),
        (b"\xff\xfe\x00", "did not answer with JSON"),
        (b"[" * 200_000, "did not answer with JSON"),
        (b"[]", "form of a chat completion"),
        (b'{"choices": []}', "form of a chat completion"),
        (b'{"choices": [{"message": {"content": null}}]}', "form of a chat completion"),
        (b'{"choices": {"0": 1}}', "form of a chat completion"),
        (_chat("a wheel"), "not the JSON array"),
        (_chat("[" * 100_000), "not the JSON array"),
        (_chat({"names": ["wheel"]}), "not an array of strings"),
        (_chat([1]), "not an array of strings"),
        (_chat([["wheel"]]), "not an array of strings"),
        (_chat(["wheel", "door"]), "gave 2 names for 1 pictures"),
        (_chat([]), "gave 0 names for 1 pictures"),
        (_chat(["wheel\x1b[31m"]), "control characters"),
        (_chat(["wheel\n| forged | row |"]), "control characters"),
        (_chat(["wheel\u202egnp"]), "control characters"),
        (_chat(["w" * 500]), "endless text"),
    ],
)
def test_a_lie_is_told_and_not_believed(serve: Serve, content: bytes, what: str) -> None:
    endpoint = serve(_reply(content))
    with pytest.raises(Inconclusive, match=what):
        _labeller(endpoint.url)[0].name([_png()], [""])
    assert len(endpoint.asked) == 1


def test_a_redirect_to_another_host_is_not_followed(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MY_KEY", KEY)
    thief = serve(_reply(_chat(["wheel"])))
    for status in (301, 302, 303, 307, 308):
        endpoint = serve(_reply(b"", status, {"Location": f"{thief.url}/chat/completions"}))
        with pytest.raises(Inconclusive, match="sends requests on to 127"):
            _labeller(endpoint.url, key_env="MY_KEY")[0].name([_png()], [""])
        assert len(endpoint.asked) == 1
    assert thief.asked == []


def test_a_redirect_to_a_file_is_not_followed(serve: Serve) -> None:
    endpoint = serve(_reply(b"", 302, {"Location": "file:///etc/passwd"}))
    with pytest.raises(Inconclusive, match=r"status 302|sends requests on"):
        _labeller(endpoint.url)[0].name([_png()], [""])


@pytest.mark.parametrize("status", [429, 500, 503])
def test_what_may_pass_is_tried_again(serve: Serve, status: int) -> None:
    endpoint = serve(_in_turn(_reply(b"busy", status), _reply(b"busy", status), _reply(_chat(["wheel"]))))
    labeller, waited = _labeller(endpoint.url)
    assert labeller.name([_png()], [""]) == ("wheel",)
    assert waited == [1.0, 2.0]
    assert labeller.requests == 3


@pytest.mark.parametrize("status", [429, 500])
def test_tries_are_bounded(serve: Serve, status: int) -> None:
    endpoint = serve(_reply(b"{}", status))
    with pytest.raises(Inconclusive, match=f"status {status} after 3 tries"):
        _labeller(endpoint.url)[0].name([_png()], [""])
    assert len(endpoint.asked) == 3


@pytest.mark.parametrize(("asks", "pause"), [("3", 3.0), ("100000", 20.0), ("-5", 0.0), ("soon", 1.0), ("nan", 1.0)])
def test_a_pause_that_is_asked_for_is_kept_within_reason(serve: Serve, asks: str, pause: float) -> None:
    endpoint = serve(_in_turn(_reply(b"", 429, {"Retry-After": asks}), _reply(_chat(["wheel"]))))
    labeller, waited = _labeller(endpoint.url)
    labeller.name([_png()], [""])
    assert waited == [pause]


@pytest.mark.parametrize("status", [400, 401, 404])
def test_a_mistake_is_not_repeated_and_its_reason_told_without_the_key(
    serve: Serve, monkeypatch: pytest.MonkeyPatch, status: int
) -> None:
    monkeypatch.setenv("MY_KEY", KEY)
    words = f"no model eye\x1b[31m for {KEY}" + " and so on" * 100
    endpoint = serve(_reply(json.dumps({"error": {"message": words}}).encode(), status))
    with pytest.raises(Inconclusive) as caught:
        _labeller(endpoint.url, key_env="MY_KEY")[0].name([_png()], [""])
    assert "no model eye" in caught.value.message
    assert KEY not in caught.value.message
    assert caught.value.message.isprintable()
    assert len(caught.value.message) < 300
    assert len(endpoint.asked) == 1


def test_a_connection_that_breaks_is_tried_again(serve: Serve) -> None:
    def hang_up(handler: BaseHTTPRequestHandler, _: dict[str, Any]) -> None:
        handler.close_connection = True
        handler.connection.shutdown(socket.SHUT_RDWR)

    endpoint = serve(_in_turn(hang_up, _reply(_chat(["wheel"]))))
    assert _labeller(endpoint.url)[0].name([_png()], [""]) == ("wheel",)


def test_nobody_at_home_is_told() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}/v1"
    with pytest.raises(Inconclusive, match=r"status 0 after 3 tries: .*refused"):
        _labeller(url)[0].name([_png()], [""])


def test_requests_are_limited_retries_included(serve: Serve) -> None:
    endpoint = serve(_reply(_chat(["wheel"])))
    labeller, _ = _labeller(endpoint.url, most_requests="2")
    labeller.name([_png()], [""])
    labeller.name([_png()], [""])
    with pytest.raises(Inconclusive, match="limit of 2 requests is reached"):
        labeller.name([_png()], [""])
    busy = serve(_reply(b"", 503))
    labeller, _ = _labeller(busy.url, most_requests="2", retries="10")
    with pytest.raises(Inconclusive, match="limit of 2 requests"):
        labeller.name([_png()], [""])
    assert len(endpoint.asked) == len(busy.asked) == 2


PRICED = {"price_in": "10", "price_out": "30"}


def test_what_costs_too_much_is_not_asked_again(serve: Serve) -> None:
    usage = {"prompt_tokens": 40_000, "completion_tokens": 1_000}
    endpoint = serve(_reply(_chat(["wheel"], usage=usage)))
    labeller, _ = _labeller(endpoint.url, most_cost="1", **PRICED)
    assert labeller.name([_png()], [""]) == ("wheel",)
    assert labeller.spent == pytest.approx(0.43)
    assert labeller.name([_png()], [""]) == ("wheel",)
    with pytest.raises(Inconclusive, match=r"limit of 1 would be passed: 0\.86 is spent.*may cost 0\.43"):
        labeller.name([_png()], [""])
    assert len(endpoint.asked) == 2


def test_a_limit_below_the_first_request_asks_nobody(serve: Serve) -> None:
    endpoint = serve(_reply(_chat(["wheel"])))
    for limit in ("0", "0.001"):
        with pytest.raises(Inconclusive, match="would be passed: 0 is spent"):
            _labeller(endpoint.url, most_cost=limit, **PRICED)[0].name([_png()], [""])
    assert endpoint.asked == []


@pytest.mark.parametrize(
    "usage",
    [None, {}, [], {"prompt_tokens": -4, "completion_tokens": 1}, {"prompt_tokens": "4", "completion_tokens": True}],
)
def test_an_endpoint_that_hides_its_cost_is_not_asked_again_under_a_limit(serve: Serve, usage: Any) -> None:
    endpoint = serve(_reply(_chat(["wheel"], usage=usage)))
    labeller, _ = _labeller(endpoint.url, most_cost="100", **PRICED)
    with pytest.raises(Inconclusive, match="does not say how many tokens"):
        labeller.name([_png()], [""])
    with pytest.raises(Inconclusive, match="would be passed"):
        labeller.name([_png()], [""])
    assert len(endpoint.asked) == 1


def test_a_proxy_gets_nothing_that_stays_on_this_machine(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    proxy, endpoint = serve(_reply(_chat(["stolen"]))), serve(_reply(_chat(["wheel"])))
    monkeypatch.setenv("http_proxy", proxy.url)
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.delenv("NO_PROXY", raising=False)
    assert _labeller(endpoint.url)[0].name([_png()], [""]) == ("wheel",)
    assert proxy.asked == []


GOOD = {"base-url": "https://example.org/v1", "model": "eye"}


@pytest.mark.parametrize(
    ("settings", "what"),
    [
        ({}, "needs base-url"),
        ({"base-url": "https://example.org/v1"}, "needs model"),
        ({**GOOD, "colour": "red"}, "no setting 'colour'"),
        ({**GOOD, "base-url": "file:///etc/passwd"}, "no http or https address"),
        ({**GOOD, "base-url": "example.org"}, "no http or https address"),
        ({**GOOD, "base-url": "https://example.org/v1?x=1"}, "no http or https address"),
        ({**GOOD, "base-url": "https://[::1/v1"}, "no http or https address"),
        ({**GOOD, "base-url": "https://example.org:99999/v1"}, "no http or https address"),
        ({**GOOD, "base-url": "https://exa mple.org/v1\r\nX: y"}, "no http or https address"),
        ({**GOOD, "base-url": "https://me:secret@example.org/v1"}, "holds a user name or password"),
        ({**GOOD, "base-url": "http://example.org/v1", "key-env": "MY_KEY"}, "unencrypted"),
        ({**GOOD, "key-env": "NOT_SET"}, "not set"),
        ({**GOOD, "timeout": "0"}, "timeout is '0'"),
        ({**GOOD, "timeout": "nan"}, "timeout is 'nan'"),
        ({**GOOD, "most-requests": "2.5"}, "must be a whole number"),
        ({**GOOD, "most-requests": "0"}, "must be from 1"),
        ({**GOOD, "batch": "many"}, "batch is 'many'"),
        ({**GOOD, "most-cost": "5"}, "needs price-in and price-out"),
        ({**GOOD, "price-in": "-1"}, "price-in is '-1'"),
        ({**GOOD, "limit-field": "tokens"}, "limit-field"),
    ],
)
def test_a_bad_setting_is_told_before_anybody_is_asked(
    settings: dict[str, str], what: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MY_KEY", KEY)
    with pytest.raises(UsageError, match=what) as caught:
        make_labeller(settings)
    assert KEY not in str(caught.value) + caught.value.hint


def test_a_key_that_was_pasted_for_its_name_is_not_quoted() -> None:
    with pytest.raises(UsageError) as caught:
        make_labeller({**GOOD, "key-env": KEY})
    assert KEY not in str(caught.value) + caught.value.hint


def test_the_environment_stands_in_and_the_command_line_wins() -> None:
    environment = {
        "VETGATE_LABELLER_BASE_URL": "https://example.org/v1/",
        "VETGATE_LABELLER_MODEL": "eye",
        "VETGATE_LABELLER_KEY_ENV": "MY_KEY",
        "VETGATE_LABELLER_MOST_REQUESTS": "7",
        "MY_KEY": KEY,
    }
    found = read_settings({"model": "other"}, environment)
    assert (found.base_url, found.model, found.key, found.most_requests) == ("https://example.org/v1", "other", KEY, 7)
    assert KEY not in repr(found)


class TestOpenAICompatible(LabellerContract):
    @pytest.fixture(autouse=True)
    def _endpoint(self, serve: Serve) -> None:
        def echo(handler: BaseHTTPRequestHandler, body: dict[str, Any]) -> None:
            count = sum(part["type"] == "image_url" for part in body["messages"][0]["content"])
            _reply(_chat(["wheel"] * count))(handler, body)

        self.endpoint = serve(echo)

    def spec(self) -> LabellerSpec:
        return next(iter(vetgate_labellers()))

    def settings(self) -> dict[str, str]:
        return {"base-url": self.endpoint.url, "model": "eye"}

    def asked(self) -> int:
        return len(self.endpoint.asked)

    def test_every_setting_is_declared(self) -> None:
        assert self.spec().settings == SETTINGS

    def test_it_says_who_is_asked_and_no_key(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("MY_KEY", KEY)
        labeller: Labeller = self.spec().factory({**self.settings(), "key-env": "MY_KEY"})
        assert labeller.about == f"eye at {self.endpoint.url.removeprefix('http://').removesuffix('/v1')}"
        assert KEY not in repr(labeller)
