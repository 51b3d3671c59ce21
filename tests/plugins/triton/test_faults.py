"""Servers that are down, hang, break off, lie, or ask who we are. Nothing hangs longer than its timeout."""

from __future__ import annotations

import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from vetgate_triton.settings import AUTHORITY, HEADERS

from tests.plugins.triton.certificate import Certificates, make_certificates
from tests.plugins.triton.conftest import Up
from tests.plugins.triton.test_nonsense import SOURCE, ask
from tests.plugins.triton.tiny import expected, images
from vetgate.api import Inconclusive, UsageError
from vetgate.testing.service import found

SCHEMES = pytest.mark.parametrize("scheme", ["triton", "triton+grpc"])
SECRET = "s3cr3t-of-the-team"


@contextmanager
def listening(answer: Callable[[socket.socket], None]) -> Iterator[int]:
    """Yield the port of a server that gives each connection to `answer`."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            while True:
                try:
                    made, _ = server.accept()
                except OSError:
                    return
                threading.Thread(target=_guarded, args=(answer, made), daemon=True).start()

        threading.Thread(target=serve, daemon=True).start()
        yield server.getsockname()[1]
        server.shutdown(socket.SHUT_RDWR)


def _guarded(answer: Callable[[socket.socket], None], made: socket.socket) -> None:
    with made:
        try:
            answer(made)
        except OSError:
            return


def relay(
    port: int, *, most: list[int] | None = None, header: bytes = b"", seen: list[bytes] | None = None
) -> Callable[[socket.socket], None]:
    """Return what passes bytes on to a real server and back.

    Args:
        port: Of the real server.
        most: Bytes of answers that come through before it hangs up, one number a connection; then all.
        header: Without which it answers 401 itself, as a gateway of HTTP does.
        seen: Takes what was asked.
    """

    def answer(made: socket.socket) -> None:
        left = most.pop(0) if most else 1 << 40
        with socket.create_connection(("127.0.0.1", port)) as behind:
            threading.Thread(target=_pump, args=(behind, made, left), daemon=True).start()
            while came := made.recv(1 << 16):
                if seen is not None:
                    seen.append(came)
                if header and came.startswith((b"GET", b"POST")) and header not in came:
                    made.sendall(b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n")
                    return
                behind.sendall(came)

    return answer


def _pump(behind: socket.socket, made: socket.socket, left: int) -> None:
    try:
        while left > 0 and (came := behind.recv(min(left, 1 << 16))):
            made.sendall(came)
            left -= len(came)
        made.shutdown(socket.SHUT_RDWR)
    except OSError:
        return


@SCHEMES
def test_a_server_that_is_down_is_told_at_once(tmp_path: Path, scheme: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    start = time.monotonic()
    with pytest.raises(Inconclusive, match=r"cannot be reached: Connection refused"):
        found(SOURCE, f"{scheme}://127.0.0.1:{port}/linear", tmp_path / "run")
    assert time.monotonic() - start < 5


@SCHEMES
def test_a_server_that_says_nothing_is_given_up(tmp_path: Path, scheme: str) -> None:
    start = time.monotonic()
    with (
        listening(lambda made: time.sleep(30)) as port,
        pytest.raises(Inconclusive, match=r"gave no answer within 2 s"),
    ):
        found(SOURCE, f"{scheme}://127.0.0.1:{port}/linear", tmp_path / "run", seconds=2)
    assert time.monotonic() - start < 8


@SCHEMES
@pytest.mark.parametrize(
    "said",
    [
        b"hello\r\n\r\n",
        b"\0" * 64,
        b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n[1,2]",
        b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{",
    ],
)
def test_what_is_no_such_server_is_told(tmp_path: Path, scheme: str, said: bytes) -> None:
    def answer(made: socket.socket) -> None:
        made.recv(1 << 16)
        made.sendall(said)

    with listening(answer) as port, pytest.raises(Inconclusive):
        found(SOURCE, f"{scheme}://127.0.0.1:{port}/linear", tmp_path / "run", seconds=3)


def test_an_answer_without_end_is_refused(tmp_path: Path) -> None:
    def answer(made: socket.socket) -> None:
        made.recv(1 << 16)
        made.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n")
        while True:
            made.sendall(b" " * (1 << 16))

    with listening(answer) as port, pytest.raises(Inconclusive, match=r"where 16,777,216 are the most"):
        found(SOURCE, f"triton://127.0.0.1:{port}/linear", tmp_path / "run", seconds=5)


@SCHEMES
def test_a_connection_that_breaks_is_made_again(up: Up, tmp_path: Path, scheme: str) -> None:
    behind = up.grpc if "grpc" in scheme else up.http
    with listening(relay(behind, most=[30, 1 << 40, 1 << 40, 60])) as port:
        answers = ask(f"{scheme}://127.0.0.1:{port}/linear", tmp_path)
    np.testing.assert_allclose(answers, expected(images()), atol=1e-4)


@SCHEMES
def test_a_server_that_breaks_off_every_time_is_told(up: Up, tmp_path: Path, scheme: str) -> None:
    behind = up.grpc if "grpc" in scheme else up.http
    with (
        listening(relay(behind, most=[60] * 50)) as port,
        pytest.raises(Inconclusive, match=r"cannot be reached: .*broke off"),
    ):
        ask(f"{scheme}://127.0.0.1:{port}/linear", tmp_path)


def test_a_header_that_a_gateway_wants_comes_from_a_file(
    up: Up, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    headers = tmp_path / "headers"
    headers.write_text(f"# of the team\nAuthorization: Bearer {SECRET}\n", encoding="utf-8")
    with listening(relay(up.http, header=f"Authorization: Bearer {SECRET}".encode())) as port:
        name = f"triton://127.0.0.1:{port}/linear"
        with pytest.raises(Inconclusive, match=r"does not let us in .401.") as caught:
            found(SOURCE, name, tmp_path / "run")
        assert HEADERS in caught.value.hint
        monkeypatch.setenv(HEADERS, str(headers))
        np.testing.assert_allclose(ask(name, tmp_path), expected(images()), atol=1e-4)
        served = found(SOURCE, name, tmp_path / "run")
    assert SECRET not in f"{served!r} {served.service.model_dump_json()} {served.facts}"


def test_a_header_goes_with_grpc_too(up: Up, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    headers = tmp_path / "headers"
    headers.write_text("x-team: edge\n", encoding="utf-8")
    monkeypatch.setenv(HEADERS, str(headers))
    np.testing.assert_allclose(ask(up.name(scheme="triton+grpc"), tmp_path), expected(images()), atol=1e-4)


@pytest.mark.parametrize("line", ["no colon", "Host: elsewhere", "Bad Name: x", "X: a\x01b", "Content-Length: 1"])
def test_a_header_that_cannot_be_sent_is_refused_unquoted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, line: str
) -> None:
    (tmp_path / "headers").write_text(f"X-Key: {SECRET}\n{line}\n", encoding="utf-8")
    monkeypatch.setenv(HEADERS, str(tmp_path / "headers"))
    with pytest.raises(UsageError, match=r"line 2") as caught:
        found(SOURCE, "triton://127.0.0.1:1/linear", tmp_path / "run")
    assert SECRET not in caught.value.message


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return make_certificates(tmp_path_factory.mktemp("tls"))


def encrypted(port: int, certificates: Certificates, *, rpc: bool) -> Callable[[socket.socket], None]:
    """Return what speaks TLS in front of a real server."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificates.server, certificates.key)
    if rpc:
        context.set_alpn_protocols(["h2"])
    inner = relay(port)

    def answer(made: socket.socket) -> None:
        with context.wrap_socket(made, server_side=True) as safe:
            inner(safe)

    return answer


@pytest.mark.parametrize("scheme", ["triton+https", "triton+grpcs"])
def test_tls_with_an_authority_of_ones_own(
    up: Up, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, certificates: Certificates, scheme: str
) -> None:
    rpc = "grpc" in scheme
    with listening(encrypted(up.grpc if rpc else up.http, certificates, rpc=rpc)) as port:
        name = f"{scheme}://localhost:{port}/linear"
        monkeypatch.setenv(AUTHORITY, str(certificates.stranger))
        with pytest.raises(Inconclusive, match=r"the certificate of localhost:[0-9]+ does not hold"):
            found(SOURCE, name, tmp_path / "run")
        monkeypatch.setenv(AUTHORITY, str(certificates.authority))
        with pytest.raises(Inconclusive, match=r"does not hold.*127\.0\.0\.1"):
            found(SOURCE, name.replace("localhost", "127.0.0.1"), tmp_path / "run")
        np.testing.assert_allclose(ask(name, tmp_path), expected(images()), atol=1e-4)
        assert found(SOURCE, name, tmp_path / "run").service.protocol.endswith("over TLS")
