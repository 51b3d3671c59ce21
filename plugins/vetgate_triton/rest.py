"""The protocol over HTTP/1.1. Requests and answers are tritonclient's; the connections are handed to us.

tritonclient opens its sockets itself, which a child cannot: `http.client` takes one that is connected already.
"""

from __future__ import annotations

import http.client
import io
import json
import socket
import ssl
import threading
import time
from collections.abc import Callable
from typing import Any, cast
from urllib.parse import quote

import numpy as np
from numpy.typing import NDArray

from vetgate.api import Inconclusive
from vetgate_triton.client import Refused, Wanted, bounded, hide, persist, require_version

_MOST_ANSWER = 1 << 30
_IDLE = 64


class _Connection(http.client.HTTPConnection):
    """Over a socket that somebody else connects."""

    until = 0.0
    """Monotonic time by which the answer that is waited for must have come to its end."""

    def __init__(self, where: str, connect: Callable[[], socket.socket], context: ssl.SSLContext | None) -> None:
        super().__init__(where)
        self._made, self._context = connect, context

    def connect(self) -> None:
        """Take a connection."""
        made = self._made()
        try:
            made.settimeout(self.left())
            if self._context is not None:
                made = self._context.wrap_socket(made, server_hostname=self.host)
        except BaseException:
            made.close()
            raise
        self.sock = _Patient(made, self.left)

    def left(self) -> float:
        """Return the seconds that are left.

        Raises:
            TimeoutError: None are.
        """
        left = self.until - time.monotonic()
        if left <= 0:
            raise TimeoutError
        return left


class _Patient:
    """What http.client needs of a socket, with one time for a whole answer, however little by little it comes."""

    def __init__(self, made: socket.socket, left: Callable[[], float]) -> None:
        self._socket, self._left = made, left

    def sendall(self, content: bytes) -> None:
        self._socket.settimeout(self._left())
        self._socket.sendall(content)

    def makefile(self, _: str) -> io.BufferedReader:
        return io.BufferedReader(_Words(self))

    def recv_into(self, room: memoryview) -> int:
        self._socket.settimeout(self._left())
        return self._socket.recv_into(room)

    def close(self) -> None:
        self._socket.close()


class _Words(io.RawIOBase):
    """The words of one answer; the connection outlives them."""

    def __init__(self, patient: _Patient) -> None:
        self._patient = patient

    def readable(self) -> bool:
        return True

    def readinto(self, room: Any) -> int:  # noqa: ANN401  # a buffer
        return self._patient.recv_into(room)


class HttpClient:
    """Implements Client.

    Args:
        where: `HOST:PORT`, for the header, the certificate and messages.
        connect: Makes a connection.
        headers: Sent with every request.
        context: Speaks TLS, where it is spoken.
        seconds: Patience with one answer.
    """

    def __init__(
        self,
        where: str,
        connect: Callable[[], socket.socket],
        headers: dict[str, str],
        context: ssl.SSLContext | None,
        seconds: float,
    ) -> None:
        self._where, self._connect = where, connect
        self._headers, self._context, self._seconds = headers, context, seconds
        self._idle: list[_Connection] = []
        self._lock = threading.Lock()

    def server(self) -> dict[str, Any]:
        """Return what the server says of itself."""
        return self._told("GET", "v2")

    def model(self, name: str, version: str) -> dict[str, Any]:
        """Return what it says of a model."""
        return self._told("GET", _path(name, version))

    def config(self, name: str, version: str) -> dict[str, Any] | None:
        """Return how it was told to run it; None where it does not say such things."""
        return self._if_there(f"{_path(name, version)}/config")

    def statistics(self, name: str, version: str) -> dict[str, Any] | None:
        """Return what it counted of a model; None where it counts nothing."""
        told = self._if_there(f"{_path(name, version)}/stats")
        every = told.get("model_stats") if told is not None else None
        return every[0] if isinstance(every, list) and every and isinstance(every[0], dict) else None

    def ready(self, name: str, version: str) -> bool:
        """Return whether the model is ready."""
        status, _, _ = self._ask("GET", f"{_path(name, version)}/ready", None, {})
        if status in (401, 403):
            raise Refused(status, "not let in")
        return status == 200

    def infer(self, wanted: Wanted, batch: NDArray[np.generic], region: str = "") -> NDArray[np.generic]:
        """Return the output of a batch, of whatever shape."""
        from tritonclient.http import InferenceServerClient, InferInput, InferRequestedOutput

        given = InferInput(wanted.input, list(batch.shape), wanted.datatype)
        if region:
            given.set_shared_memory(region, batch.nbytes)
        else:
            given.set_data_from_numpy(batch, binary_data=wanted.binary)
        asked = InferRequestedOutput(wanted.output, binary_data=wanted.binary, class_count=wanted.labels)
        body, head = InferenceServerClient.generate_request_body([given], outputs=[asked])
        headers = {"Inference-Header-Content-Length": str(head)} if head is not None else {}
        status, told, content = self._ask(
            "POST", f"{_path(wanted.model, wanted.version)}/infer", body, headers, _MOST_ANSWER
        )
        if status != 200:
            raise Refused(status, hide(_reason(content), self._headers))
        length = told.get("inference-header-content-length")
        return _output(content, int(length) if length and length.isdecimal() and len(length) < 20 else None, wanted)

    def call(self, path: str, content: dict[str, Any]) -> None:
        """Post what the protocol's extensions take."""
        self._told("POST", path, json.dumps(content).encode())

    def close(self) -> None:
        """End all connections."""
        with self._lock:
            while self._idle:
                self._idle.pop().close()

    def _if_there(self, path: str) -> dict[str, Any] | None:
        try:
            return self._told("GET", path)
        except Refused as refused:
            if refused.code in (400, 404, 405, 501):
                return None
            raise

    def _told(self, method: str, path: str, body: bytes | None = None) -> dict[str, Any]:
        status, _, content = self._ask(method, path, body, {})
        if status != 200:
            raise Refused(status, hide(_reason(content), self._headers))
        try:
            found = json.loads(content or b"{}")
        except (ValueError, RecursionError):
            found = None
        if not isinstance(found, dict):
            raise Inconclusive(f"{self._where} answers /{path} with something that is no JSON object")
        return found

    def _ask(
        self, method: str, path: str, body: bytes | None, headers: dict[str, str], most: int | None = None
    ) -> tuple[int, dict[str, str], bytes]:
        """Return status, headers by lower-case name, and content."""

        def once(until: float) -> tuple[int, dict[str, str], bytes]:
            with self._lock:
                connection = self._idle.pop() if self._idle else None
            connection = connection or _Connection(self._where, self._connect, self._context)
            connection.until = until
            try:
                answer = _exchange(connection, method, path, body, {**self._headers, **headers}, most)
            except BaseException:
                connection.close()
                self.close()  # those that were kept are as old: the server may have hung up on them too
                raise
            with self._lock:
                if len(self._idle) < _IDLE:
                    self._idle.append(connection)
            return answer

        return persist(self._where, self._seconds, once)


def _exchange(
    connection: _Connection, method: str, path: str, body: bytes | None, headers: dict[str, str], most: int | None
) -> tuple[int, dict[str, str], bytes]:
    """Send one request and read its answer to the end.

    Raises:
        ConnectionError: It breaks off, or is no HTTP.
    """
    try:
        connection.request(method, f"/{path}", body=body, headers=headers)
        answer = connection.getresponse()
        if answer.length is None and not answer.chunked:  # headers that were cut off look like ones without a length
            raise ConnectionError("it broke off in the middle, or does not say how long its answer is")
        most = bounded(answer.length or 0, *((most,) if most else ())) or most or 16 << 20
        content = answer.read(most + 1)
    except http.client.HTTPException as error:
        raise ConnectionError(f"it broke off in the middle ({type(error).__name__})") from None
    bounded(len(content), most)
    if answer.length:
        raise ConnectionError("it broke off in the middle of its answer")
    return answer.status, {key.lower(): value for key, value in answer.getheaders()}, content


def _path(name: str, version: str) -> str:
    return f"v2/models/{quote(name, safe='')}" + (f"/versions/{quote(version, safe='')}" if version else "")


def _reason(content: bytes) -> str:
    try:
        found = json.loads(content[:4096])
    except (ValueError, RecursionError):
        found = None
    said = found.get("error") or found.get("detail") if isinstance(found, dict) else None
    return said if isinstance(said, str) else content[:4096].decode(errors="replace")


def _output(content: bytes, head: int | None, wanted: Wanted) -> NDArray[np.generic]:
    from tritonclient.http import InferenceServerClient

    try:
        result = InferenceServerClient.parse_response_body(content, header_length=head)
        version = result.get_response().get("model_version")
        found = result.as_numpy(wanted.output)
    except Exception as error:  # whatever a stranger's bytes make of a parser
        raise Inconclusive(f"the answer of the server cannot be read ({type(error).__name__})") from None
    if found is None:
        raise Inconclusive(f"the server answers without the output {wanted.output!r}")
    require_version(wanted, version)
    return cast("NDArray[np.generic]", found)
