"""One gRPC connection: requests one after the other over HTTP/2, on a socket that is connected already."""

from __future__ import annotations

import socket
import struct
import time
from collections.abc import Mapping

import h2.config
import h2.connection
import h2.errors
import h2.events
import h2.exceptions
import h2.settings

from vetgate_triton.client import bounded

_WINDOW = (1 << 31) - 1
_PIECE = 1 << 18
_LONGEST_WAIT = 10**8 - 1
"""Of what `grpc-timeout` takes: eight digits."""


class Channel:
    """Speaks with one server over one connection.

    Args:
        made: Connected, with a timeout; TLS spoken where it is wanted.
        where: `HOST:PORT`.
        tls: Whether the connection is encrypted.
    """

    def __init__(self, made: socket.socket, where: str, *, tls: bool) -> None:
        self._socket, self._where, self._tls = made, where, tls
        config = h2.config.H2Configuration(client_side=True, header_encoding="utf-8")
        self._state = h2.connection.H2Connection(config)
        self._state.local_settings = h2.settings.Settings(
            client=True,
            initial_values={
                h2.settings.SettingCodes.ENABLE_PUSH: 0,
                h2.settings.SettingCodes.INITIAL_WINDOW_SIZE: _WINDOW,
                h2.settings.SettingCodes.MAX_FRAME_SIZE: 1 << 20,
            },
        )
        self._state.initiate_connection()
        self._state.increment_flow_control_window(_WINDOW - 65535)

    def ask(
        self, path: str, content: bytes, headers: Mapping[str, str], most: int, until: float
    ) -> tuple[dict[str, str], bytes]:
        """Return headers with trailers, and the message of the answer; empty where there is none.

        Args:
            path: Of the method.
            content: The message.
            headers: Sent besides.
            most: Bytes that an answer may have.
            until: Monotonic time by which it must have come to its end.

        Raises:
            ConnectionError: It breaks off, or what comes is no HTTP/2.
            TimeoutError: It takes too long.
        """
        call = _Call(most)
        try:
            stream = self._state.get_next_available_stream_id()
            self._state.send_headers(stream, self._headers(path, headers, until))
            self._send(stream, struct.pack(">BI", 0, len(content)) + content, call, until)
            while not call.ended:
                self._receive(stream, call, until)
        except h2.exceptions.ProtocolError as error:
            raise ConnectionError(f"it speaks no HTTP/2 ({type(error).__name__})") from None
        return call.told, call.message()

    def close(self) -> None:
        """Hang up."""
        self._socket.close()

    def _headers(self, path: str, more: Mapping[str, str], until: float) -> list[tuple[str, str]]:
        scheme = "https" if self._tls else "http"
        left = int(max(0.0, until - time.monotonic()) * 1000)
        wait = f"{min(left + 1000, _LONGEST_WAIT)}m"  # our own patience ends first, so that how it ended is known
        fixed = {":method": "POST", ":scheme": scheme, ":authority": self._where, ":path": path, "te": "trailers"}
        ours = {**fixed, "content-type": "application/grpc", "grpc-timeout": wait, "user-agent": "vetgate"}
        return list((ours | {name.lower(): value for name, value in more.items()}).items())

    def _send(self, stream: int, content: bytes, call: _Call, until: float) -> None:
        """Send a message in pieces, as fast as the other side makes room."""
        view, start = memoryview(content), 0
        while start < len(view) and not call.ended:
            room = self._state.local_flow_control_window(stream)
            if room <= 0:
                self._flush(until)
                self._receive(stream, call, until)
                continue
            end = min(start + min(room, _PIECE), len(view))
            for place in range(start, end, self._state.max_outbound_frame_size):
                stop = min(place + self._state.max_outbound_frame_size, end)
                self._state.send_data(stream, bytes(view[place:stop]), end_stream=stop == len(view))
            start = end
            self._flush(until)

    def _receive(self, stream: int, call: _Call, until: float) -> None:
        self._wait(until)
        came = self._socket.recv(1 << 18)
        if not came:
            raise ConnectionError("it broke off in the middle of its answer")
        for event in self._state.receive_data(came):
            if isinstance(event, h2.events.DataReceived) and event.flow_controlled_length:
                self._state.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
            call.take(event, stream)
        self._flush(until)

    def _flush(self, until: float) -> None:
        out = self._state.data_to_send()
        if out:
            self._wait(until)
            self._socket.sendall(out)

    def _wait(self, until: float) -> None:
        left = until - time.monotonic()
        if left <= 0:
            raise TimeoutError
        self._socket.settimeout(left)


class _Call:
    """What has come of one answer so far."""

    def __init__(self, most: int) -> None:
        self.ended = False
        self.told: dict[str, str] = {}
        self._most, self._size = most, 0
        self._pieces: list[bytes] = []

    def take(self, event: h2.events.Event, stream: int) -> None:
        """Take in what came.

        Raises:
            ConnectionError: The server ends the connection or this request.
        """
        if isinstance(event, h2.events.ConnectionTerminated):
            raise ConnectionError("it ended the connection")
        if getattr(event, "stream_id", None) != stream:
            return
        if isinstance(event, h2.events.DataReceived):
            self._size += len(event.data)
            bounded(self._size, self._most)
            self._pieces.append(event.data)
        elif isinstance(event, h2.events.ResponseReceived | h2.events.TrailersReceived):
            self.told |= {str(name): str(value) for name, value in event.headers or ()}
        elif isinstance(event, h2.events.StreamReset):
            self._reset(event)
        elif isinstance(event, h2.events.StreamEnded):
            self.ended = True

    def _reset(self, event: h2.events.StreamReset) -> None:
        """Let an answer stand that came before the request was read to its end, such as a refusal."""
        if "grpc-status" not in self.told or event.error_code not in (h2.errors.ErrorCodes.NO_ERROR, 0):
            raise ConnectionError("it broke off the request")
        self.ended = True

    def message(self) -> bytes:
        """Return the message, without the five bytes before it.

        Raises:
            ConnectionError: It is cut off, or compressed, which nobody asked for.
        """
        content = b"".join(self._pieces)
        if not content:
            return b""
        if len(content) < 5 or content[0] != 0 or struct.unpack(">I", content[1:5])[0] != len(content) - 5:
            raise ConnectionError("its message is cut off, or compressed")
        return content[5:]
