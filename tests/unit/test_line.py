"""A line hands connected sockets to one place to a process that cannot connect, and nothing else."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from vetgate.domain.errors import Inconclusive
from vetgate.domain.source import Door
from vetgate.line import MOST_SHARED, Doorman, Line


@pytest.fixture
def echo() -> Iterator[int]:
    """Yield the port of a server that says back what it is told."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            while True:
                try:
                    made, _ = server.accept()
                except OSError:
                    return
                with made:
                    made.sendall(made.recv(100))

        threading.Thread(target=serve, daemon=True).start()
        yield server.getsockname()[1]
        server.shutdown(socket.SHUT_RDWR)


@pytest.fixture
def doorman(echo: int) -> Iterator[Doorman]:
    """Yield the gate's end."""
    found = Doorman(Door("127.0.0.1", echo, b"x" * 300_000, local=True), 7.0)
    yield found
    found.close()


def test_the_child_gets_a_connection_that_works(doorman: Doorman) -> None:
    line = Line(doorman.theirs.fileno())
    with line.connect() as made:
        made.sendall(b"hello")
        assert made.recv(100) == b"hello"


def test_the_child_is_told_what_lets_it_in_and_for_how_long_it_is_waited_for(doorman: Doorman) -> None:
    line = Line(doorman.theirs.fileno())
    assert line.secret == b"x" * 300_000
    assert (line.host, line.seconds) == ("127.0.0.1", 7.0)


def test_a_secret_stands_in_no_representation() -> None:
    assert "hush" not in repr(Door("host", 1, b"hush"))


def test_a_place_that_is_not_there_is_a_failed_connection() -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    doorman = Doorman(Door("127.0.0.1", port), 1.0)
    with pytest.raises(ConnectionError, match="refused"):
        Line(doorman.theirs.fileno()).connect()
    doorman.close()


def test_connections_have_an_end(echo: int) -> None:
    doorman = Doorman(Door("127.0.0.1", echo), 7.0, most=2)
    line = Line(doorman.theirs.fileno())
    for _ in range(2):
        line.connect().close()
    with pytest.raises(ConnectionError, match="2 connections were made already"):
        line.connect()
    doorman.close()


def test_a_name_is_not_looked_up_again(echo: int) -> None:
    doorman = Doorman(Door("nowhere.invalid", echo, pinned="127.0.0.1"), 7.0)
    line = Line(doorman.theirs.fileno())
    assert line.host == "nowhere.invalid", "the certificate and the headers go by the name"
    line.connect().close()
    doorman.close()


def test_shared_memory_loses_its_name_and_stays_mapped(doorman: Doorman) -> None:
    line = Line(doorman.theirs.fileno())
    key, memory = line.share(4096)
    place = Path("/dev/shm") / key.removeprefix("/")
    assert place.stat().st_mode & 0o777 == 0o600
    line.forget()
    assert line.share(1)[0] != key, "it is asked in turn"
    assert not place.exists()
    memory[:5] = b"still"
    doorman.close()
    assert not list(Path("/dev/shm").glob(f"{place.name}*"))


def test_what_one_child_shares_has_a_bound_in_all(doorman: Doorman) -> None:
    line = Line(doorman.theirs.fileno())
    line.share(4096)
    with pytest.raises(ConnectionError, match="not so much"):
        line.share(MOST_SHARED)


@pytest.mark.parametrize("size", [0, 1 << 40])
def test_shared_memory_has_bounds(doorman: Doorman, size: int) -> None:
    with pytest.raises(ConnectionError):
        Line(doorman.theirs.fileno()).share(size)


def test_nothing_is_shared_with_a_server_elsewhere() -> None:
    doorman = Doorman(Door("127.0.0.1", 1), 1.0)
    with pytest.raises(ConnectionError, match="no memory is shared"):
        Line(doorman.theirs.fileno()).share(10)
    doorman.close()


def test_a_line_without_an_end_is_told() -> None:
    with pytest.raises(Inconclusive, match="through the gate's line"):
        Line(None)


def test_what_is_not_understood_is_refused(doorman: Doorman) -> None:
    for request in (b"x", b"mxyz", b"m-1", b"\xff" * 16, b"hhhhhhhh"):
        doorman.theirs.sendall(request)
        assert b"not understood" in doorman.theirs.recv(1024)
    Line(doorman.theirs.fileno()).connect().close()
