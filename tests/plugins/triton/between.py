"""What stands between us and a real server and answers requests for answers in its place, over both protocols."""

from __future__ import annotations

import http.client
import socket
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import IO, Any

import grpc
from tritonclient.grpc import service_pb2

from tests.plugins.triton.test_faults import listening

INFER = "/inference.GRPCInferenceService/ModelInfer"


def said(status: str, content: bytes = b"", *headers: str) -> bytes:
    """Return an answer of HTTP."""
    head = [f"HTTP/1.1 {status}", f"Content-Length: {len(content)}", *headers]
    return "\r\n".join(head).encode() + b"\r\n\r\n" + content


def over_http(
    port: int,
    answer: Callable[[socket.socket], None] | None,
    change: Callable[[str, bytes], bytes] = lambda path, content: content,
) -> Callable[[socket.socket], None]:
    """Return what passes requests on to a real server, but for those for answers.

    Args:
        port: Of the real server.
        answer: Given the connection on which answers are asked for; None passes them on too.
        change: Of what the real server says, by path.
    """

    def between(made: socket.socket) -> None:
        with made.makefile("rb") as words:
            while line := words.readline():
                method, path, _ = line.decode().split()
                headers = dict(iter(lambda: _header(words), ("", "")))
                body = words.read(int(headers.get("content-length", 0)))
                if path.endswith("/infer") and answer is not None:
                    answer(made)
                    return
                behind = http.client.HTTPConnection("127.0.0.1", port)
                behind.request(method, path, body, {**headers, "connection": "close"})
                found = behind.getresponse()
                content = change(path, found.read())
                behind.close()
                head = found.getheader("Inference-Header-Content-Length")
                more = (f"Inference-Header-Content-Length: {head}",) if head else ()
                made.sendall(said(f"{found.status} {found.reason}", content, *more))

    return between


def _header(words: IO[bytes]) -> tuple[str, str]:
    name, _, value = words.readline().decode().strip().partition(":")
    return name.lower(), value.strip()


def sending(content: bytes, *, again: bool = False, pause: float = 0.0) -> Callable[[socket.socket], None]:
    """Return what sends these bytes, once and hangs up, or without end."""

    def answer(made: socket.socket) -> None:
        made.sendall(content)
        while again:
            time.sleep(pause)
            made.sendall(content[-1:] if pause else content[-(1 << 16) :])

    return answer


@contextmanager
def over_http_listening(port: int, answer: Callable[[socket.socket], None]) -> Iterator[int]:
    """Yield the port of it."""
    with listening(over_http(port, answer)) as found:
        yield found


class _Between(grpc.GenericRpcHandler):  # type: ignore[misc]  # it has no types
    def __init__(self, port: int, answer: Callable[[bytes, grpc.ServicerContext], bytes]) -> None:
        self._behind, self._answer = grpc.insecure_channel(f"127.0.0.1:{port}"), answer

    def service(self, details: grpc.HandlerCallDetails) -> Any:
        def pass_on(request: bytes, context: grpc.ServicerContext) -> bytes:
            if details.method == INFER:
                return self._answer(request, context)
            try:
                found: bytes = self._behind.unary_unary(details.method)(request)
            except grpc.RpcError as error:
                context.abort(error.code(), error.details())
            return found

        return grpc.unary_unary_rpc_method_handler(pass_on)


@contextmanager
def over_grpc_listening(port: int, answer: Callable[[bytes, grpc.ServicerContext], bytes]) -> Iterator[int]:
    """Yield the port of what passes calls on to a real server, but for those for answers."""
    server = grpc.server(ThreadPoolExecutor(4), options=(("grpc.max_receive_message_length", -1),))
    server.add_generic_rpc_handlers((_Between(port, answer),))
    found = server.add_insecure_port("127.0.0.1:0")
    server.start()
    try:
        yield found
    finally:
        server.stop(0)


def aborting(code: grpc.StatusCode, told: str) -> Callable[[bytes, grpc.ServicerContext], bytes]:
    """Return what refuses."""

    def answer(_: bytes, context: grpc.ServicerContext) -> bytes:
        context.abort(code, told)
        raise AssertionError("abort raises")

    return answer


def replying(content: bytes, shape: tuple[int, ...], *, version: str = "1") -> bytes:
    """Return an answer of gRPC with one tensor of FP32."""
    reply = service_pb2.ModelInferResponse(model_name="linear", model_version=version)
    reply.outputs.add(name="logits", datatype="FP32", shape=shape)
    reply.raw_output_contents.append(content)
    sent: bytes = reply.SerializeToString()
    return sent
