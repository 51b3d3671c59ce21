"""Servers that are down, hang, break off, lie, or ask who we are. Nothing hangs longer than its timeout."""

from __future__ import annotations

import socket
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from vetgate_triton.launch import Installed, regions, serving
from vetgate_triton.repository import write_repository
from vetgate_triton.settings import AUTHORITY, CERTIFICATE, HEADERS, KEY

from tests.plugins.triton.certificate import Certificates, make_certificates
from tests.plugins.triton.conftest import Up
from tests.plugins.triton.test_nonsense import BACKEND, SOURCE, ask
from tests.plugins.triton.tiny import FREE, expected, images, make_card, write_linear
from vetgate.api import Inconclusive, UsageError
from vetgate.testing.service import asked, found

SCHEMES = pytest.mark.parametrize("scheme", ["triton", "triton+grpc"])
SECRET = "s3cr3t-of-the-team"


@contextmanager
def listening(answer: Callable[[socket.socket], None], host: str = "127.0.0.1") -> Iterator[int]:
    """Yield the port of a server that gives each connection to `answer`."""
    with socket.create_server((host, 0), family=socket.AF_INET6 if ":" in host else socket.AF_INET) as server:

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
        pytest.raises(Inconclusive, match=r"gave no answer within 1 s"),
    ):
        found(SOURCE, f"{scheme}://127.0.0.1:{port}/linear", tmp_path / "run", seconds=1)
    assert time.monotonic() - start < 5


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


def encrypted(
    port: int, certificates: Certificates, *, rpc: bool, mutual: bool = False
) -> Callable[[socket.socket], None]:
    """Return what speaks TLS in front of a real server, and asks who we are where that is mutual."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificates.server, certificates.key)
    if rpc:
        context.set_alpn_protocols(["h2"])
    if mutual:
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(certificates.authority)
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


@pytest.mark.parametrize("scheme", ["triton+https", "triton+grpcs"])
def test_a_server_that_asks_who_we_are_is_shown_our_certificate(
    up: Up, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, certificates: Certificates, scheme: str
) -> None:
    rpc = "grpc" in scheme
    monkeypatch.setenv(AUTHORITY, str(certificates.authority))
    with listening(encrypted(up.grpc if rpc else up.http, certificates, rpc=rpc, mutual=True)) as port:
        name = f"{scheme}://localhost:{port}/linear"
        with pytest.raises(Inconclusive, match=r"no terms over TLS: (tlsv13 alert certificate|EOF)") as caught:
            found(SOURCE, name, tmp_path / "run")
        assert CERTIFICATE in caught.value.hint
        monkeypatch.setenv(CERTIFICATE, str(certificates.server))
        monkeypatch.setenv(KEY, str(certificates.key))
        np.testing.assert_allclose(ask(name, tmp_path), expected(images()), atol=1e-4)
        assert not list((tmp_path / "run").iterdir()), "no key stays behind"


@SCHEMES
def test_who_speaks_no_tls_is_told(up: Up, tmp_path: Path, scheme: str) -> None:
    with pytest.raises(Inconclusive, match=r"cannot be reached: no terms over TLS"):
        found(SOURCE, up.name(scheme=scheme).replace("://", f"{'s' if 'grpc' in scheme else '+https'}://"), tmp_path)


def test_a_key_behind_a_password_is_refused_and_nobody_asked_for_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, certificates: Certificates
) -> None:
    for name, file in ((AUTHORITY, "authority"), (CERTIFICATE, "server"), (KEY, "locked")):
        monkeypatch.setenv(name, str(getattr(certificates, file)))
    with pytest.raises(UsageError, match=r"a certificate for the server cannot be read"):
        found(SOURCE, "triton+https://localhost:1/linear", tmp_path / "run")
    assert not list((tmp_path / "run").iterdir()), "no key stays behind"


def test_an_empty_file_of_authorities_is_not_whom_the_system_trusts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "nobody.pem").touch()
    monkeypatch.setenv(AUTHORITY, str(tmp_path / "nobody.pem"))
    with pytest.raises(UsageError, match=r"is empty"):
        found(SOURCE, "triton+https://localhost:1/linear", tmp_path / "run")


@SCHEMES
def test_an_address_of_ipv6_is_asked_by_its_name(up: Up, tmp_path: Path, scheme: str) -> None:
    seen: list[bytes] = []
    passes = relay(up.grpc if "grpc" in scheme else up.http, seen=seen)
    with listening(passes, host="::1") as port:
        name = f"{scheme}://[::1]:{port}/linear"
        np.testing.assert_allclose(ask(name, tmp_path), expected(images()), atol=1e-4)
        assert found(SOURCE, name, tmp_path / "run").door.pinned == "::1"
    assert b"PRI" in seen[0] if "grpc" in scheme else f"Host: [::1]:{port}\r\n".encode() in seen[0]


def test_a_server_that_is_killed_half_way_is_told_and_leaves_nothing(installed: Installed, tmp_path: Path) -> None:
    write_repository(tmp_path / "repository", [write_linear(tmp_path / "linear.onnx")], FREE, native=False)
    with serving(installed, tmp_path / "repository", tmp_path) as running:
        served = found(SOURCE, f"triton://127.0.0.1:{running.http}/candidate", tmp_path / "run")
        with asked(BACKEND, served, make_card(), batch=9) as model:
            model.predict(images())
            running.process.kill()
            start = time.monotonic()
            with pytest.raises(Inconclusive, match=r"cannot be reached"):
                model.predict(images())
            assert time.monotonic() - start < 5
    assert not list(Path("/dev/shm").glob(f"{regions(tmp_path)}*"))


def test_a_server_ends_with_the_gate_however_that_ends(installed: Installed, tmp_path: Path) -> None:
    write_repository(tmp_path / "repository", [write_linear(tmp_path / "linear.onnx")], FREE, native=False)
    named = installed.programs.parent if installed.programs else installed.binary
    gate = subprocess.Popen(
        [sys.executable, "-c", _GATE, str(named), str(tmp_path)], stdout=subprocess.PIPE, text=True, cwd=tmp_path
    )
    assert gate.stdout is not None
    server = Path("/proc") / gate.stdout.readline().strip()
    assert server.exists()
    gate.kill()
    gate.wait()
    end = time.monotonic() + 10
    while server.exists() and time.monotonic() < end:
        time.sleep(0.05)
    assert not server.exists()


_GATE = """
import sys, time
from pathlib import Path
from vetgate_triton.launch import find_server, serving
folder = Path(sys.argv[2])
with serving(find_server(sys.argv[1]), folder / "repository", folder) as running:
    print(running.process.pid, flush=True)
    time.sleep(60)
"""
