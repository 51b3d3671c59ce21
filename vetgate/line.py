"""Connections for a process that has no network: it asks on a line, and the gate connects, to one place alone.

The filter of system calls around a child refuses `socket` and `connect`, and stays as it is for the child of a service:
it is handed sockets that are connected already (SCM_RIGHTS). So it reaches one host and port and nothing else, which
neither a filter of system calls (it sees no addresses) nor Landlock (ports alone, from ABI 4) could grant. Names are
looked up by the gate, once a run; TLS is spoken by the child, so that what a server says is parsed behind the walls.
"""

from __future__ import annotations

import json
import mmap
import os
import secrets
import socket
import tempfile
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import IO

from vetgate.domain.errors import Inconclusive
from vetgate.domain.source import Door

MOST_CONNECTIONS = 100_000
"""That one child may ask for: a few at once, but one a request where the server hangs up after every answer."""
MOST_SHARED = 1 << 30
"""Bytes that one child may share in all."""
_CONNECTING = 10.0
"""Seconds; a host that drops packets would take two minutes."""
_LONGEST = 4096
"""Bytes of an answer on the line; it comes whole, for the other end waits for it before it asks again."""
_SHARED = Path("/dev/shm")  # noqa: S108  # POSIX shared memory: what the server opens by name


class Doorman:
    """The gate's end of one child's line.

    Args:
        door: Where to connect, and what the child needs there.
        seconds: Patience with one answer of the child, which it is told so that it can give up before.
        most: Connections that it may ask for.

    Raises:
        OSError: No line can be made.
    """

    def __init__(self, door: Door, seconds: float, *, most: int = MOST_CONNECTIONS) -> None:
        self._door, self._seconds = door, seconds
        self._most = self._left = most
        self._room = MOST_SHARED
        self._regions: set[Path] = set()
        self._ours, self.theirs = socket.socketpair()
        self._thread = threading.Thread(target=self._serve, name=f"door-{door.address}", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Let nobody ask any more, and remove what was shared."""
        with suppress(OSError):
            self._ours.shutdown(socket.SHUT_RDWR)
        self._thread.join(timeout=1)  # it may be connecting still, and then finds the line gone
        self._ours.close()
        self.theirs.close()
        self._unlink()

    def _serve(self) -> None:
        answers: dict[bytes, Callable[[int], tuple[dict[str, object], int]]] = {
            b"h": self._greet,
            b"c": self._connect,
            b"m": self._share,
            b"u": self._forget,
        }
        with suppress(OSError):
            while request := self._ours.recv(16):
                number = request[1:] or b"0"
                known = number.isdigit()
                self._answer(answers.get(request[:1]) if known else None, int(number) if known else 0)

    def _answer(self, ask: Callable[[int], tuple[dict[str, object], int]] | None, number: int) -> None:
        handed: list[int] = []
        try:
            told, descriptor = ask(number) if ask is not None else ({"error": "this is not understood"}, -1)
            handed = [descriptor] if descriptor >= 0 else []
        except OSError as error:
            told = {"error": (error.strerror or str(error) or type(error).__name__)[:300]}
        try:
            socket.send_fds(self._ours, [json.dumps(told).encode()], handed)
        finally:
            for each in handed:
                os.close(each)

    def _greet(self, _: int) -> tuple[dict[str, object], int]:
        """Tell who is asked for how long, and hand over the secret in a file without a name."""
        with _nameless() as file:
            file.write(self._door.secret)
            file.flush()
            file.seek(0)
            told: dict[str, object] = {"host": self._door.host, "address": self._door.address}
            return {**told, "seconds": self._seconds, "local": self._door.local}, os.dup(file.fileno())

    def _connect(self, _: int) -> tuple[dict[str, object], int]:
        if self._left <= 0:
            return {"error": f"{self._most:,} connections were made already"}, -1
        self._left -= 1
        place = (self._door.pinned or self._door.host, self._door.port)
        made = socket.create_connection(place, timeout=min(_CONNECTING, self._seconds))
        made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        made.setblocking(True)
        return {}, made.detach()

    def _share(self, size: int) -> tuple[dict[str, object], int]:
        if not self._door.local or not 0 < size <= self._room:
            return {"error": "no memory is shared with this server, or not so much"}, -1
        self._room -= size
        name = f"vetgate-{secrets.token_hex(8)}"
        place = _SHARED / name
        descriptor = os.open(place, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        self._regions.add(place)
        try:
            os.posix_fallocate(descriptor, 0, size)  # a hole would end whoever writes to it where the memory is full
        except OSError:
            os.close(descriptor)
            self._unlink()
            raise
        return {"key": f"/{name}"}, descriptor

    def _forget(self, _: int) -> tuple[dict[str, object], int]:
        self._unlink()
        return {}, -1

    def _unlink(self) -> None:
        """Remove the names of what was shared; who has it open keeps it."""
        while self._regions:
            self._regions.pop().unlink(missing_ok=True)


def _nameless() -> IO[bytes]:
    """Return a file that nobody else can open: in memory, or on the disk where the system has none such."""
    return os.fdopen(os.memfd_create("secret"), "w+b") if hasattr(os, "memfd_create") else tempfile.TemporaryFile()


class Line:
    """The child's end: what it is told, and connections.

    Args:
        descriptor: Of `OpenOptions.line`.

    Raises:
        Inconclusive: Nobody is at the other end.
    """

    def __init__(self, descriptor: int | None) -> None:
        if descriptor is None:
            raise Inconclusive("a service is asked through the gate's line, and there is none")
        self._lock = threading.Lock()
        self._socket = socket.socket(fileno=os.dup(descriptor))
        self._socket.settimeout(2 * _CONNECTING)
        told, file = self._ask(b"h")
        self.host, self.address = str(told["host"]), str(told["address"])
        self.seconds = float(str(told["seconds"]))
        """Patience of the gate with one answer of this process."""
        self.local = bool(told["local"])
        with os.fdopen(file, "rb") as secret:
            self.secret = secret.read()

    def connect(self) -> socket.socket:
        """Return a new connection to the server, blocking and without a timeout.

        Raises:
            ConnectionError: It cannot be made.
        """
        told, descriptor = self._ask(b"c")
        if descriptor < 0:
            raise ConnectionError(str(told.get("error", "no connection")))
        return socket.socket(fileno=descriptor)

    def share(self, size: int) -> tuple[str, mmap.mmap]:
        """Return memory that the server can map too: its key there, and a view.

        Args:
            size: Bytes.

        Raises:
            ConnectionError: There is none to share.
        """
        told, descriptor = self._ask(b"m%d" % size)
        if descriptor < 0:
            raise ConnectionError(str(told.get("error", "no memory")))
        try:
            return str(told["key"]), mmap.mmap(descriptor, size)
        finally:
            os.close(descriptor)

    def forget(self) -> None:
        """Let the name of shared memory go, once the server has it open."""
        self._ask(b"u")

    def close(self) -> None:
        """Hang up."""
        self._socket.close()

    def _ask(self, request: bytes) -> tuple[dict[str, object], int]:
        with self._lock:
            try:
                self._socket.sendall(request)
                content, handed, _, _ = socket.recv_fds(self._socket, _LONGEST, 1)
            except OSError:
                self._socket.close()  # an answer that comes late must not be taken for that to another question
                raise
        if not content:
            raise Inconclusive("the gate has hung up")
        told: dict[str, object] = json.loads(content)
        return told, handed[0] if handed else -1
