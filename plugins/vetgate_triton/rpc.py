"""The protocol over gRPC. Messages are tritonclient's; the connections are handed to us, so HTTP/2 is spoken by `h2`.

grpcio opens its sockets itself, in C, and takes none that is connected: a child without a network cannot use it.
"""

from __future__ import annotations

import ssl
import threading
import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

import numpy as np
from numpy.typing import NDArray

from vetgate.api import Inconclusive
from vetgate_triton.client import Refused, Wanted, hide, persist, require_version
from vetgate_triton.facts import DTYPES
from vetgate_triton.stream import Channel

if TYPE_CHECKING:
    import socket

_MOST_ANSWER = 1 << 30
_MOST_TOLD = 16 << 20
_CODES = {"3": 400, "5": 404, "7": 403, "8": 429, "12": 501, "14": 503, "16": 401}
"""Status of HTTP by that of gRPC."""
_LATE = "4"


class RpcClient:
    """Implements Client.

    Args:
        host: For the certificate.
        where: `HOST:PORT`, for the header and messages.
        connect: Makes a connection.
        headers: Sent with every request.
        context: Speaks TLS, where it is spoken.
        seconds: Patience with one answer.
    """

    def __init__(
        self,
        host: str,
        where: str,
        connect: Callable[[], socket.socket],
        headers: Mapping[str, str],
        context: ssl.SSLContext | None,
        seconds: float,
    ) -> None:
        self._host, self._where, self._connect = host, where, connect
        self._headers, self._context, self._seconds = headers, context, seconds
        self._idle: list[Channel] = []
        self._lock = threading.Lock()
        if context is not None:
            context.set_alpn_protocols(["h2"])

    def server(self) -> dict[str, Any]:
        """Return what the server says of itself."""
        from tritonclient.grpc import service_pb2

        return _as_dict(self._call("ServerMetadata", service_pb2.ServerMetadataRequest()))

    def model(self, name: str, version: str) -> dict[str, Any]:
        """Return what it says of a model."""
        from tritonclient.grpc import service_pb2

        return _as_dict(self._call("ModelMetadata", service_pb2.ModelMetadataRequest(name=name, version=version)))

    def config(self, name: str, version: str) -> dict[str, Any] | None:
        """Return how it was told to run it; None where it does not say such things."""
        from tritonclient.grpc import service_pb2

        told = self._if_there("ModelConfig", service_pb2.ModelConfigRequest(name=name, version=version))
        found = told.get("config") if told is not None else None
        return found if isinstance(found, dict) else None

    def statistics(self, name: str, version: str) -> dict[str, Any] | None:
        """Return what it counted of a model; None where it counts nothing."""
        from tritonclient.grpc import service_pb2

        told = self._if_there("ModelStatistics", service_pb2.ModelStatisticsRequest(name=name, version=version))
        every = told.get("model_stats") if told is not None else None
        return every[0] if isinstance(every, list) and every else None

    def ready(self, name: str, version: str) -> bool:
        """Return whether the model is ready."""
        from tritonclient.grpc import service_pb2

        told = self._call("ModelReady", service_pb2.ModelReadyRequest(name=name, version=version))
        return bool(told.ready)

    def infer(self, wanted: Wanted, batch: NDArray[np.generic], region: str = "") -> NDArray[np.generic]:
        """Return the output of a batch, of whatever shape."""
        from tritonclient.grpc import InferInput, InferRequestedOutput, InferResult, service_pb2

        given = InferInput(wanted.input, list(batch.shape), wanted.datatype)
        if region:
            given.set_shared_memory(region, batch.nbytes)
        else:
            given.set_data_from_numpy(batch)
        asked = InferRequestedOutput(wanted.output, class_count=wanted.labels)
        request = service_pb2.ModelInferRequest(model_name=wanted.model, model_version=wanted.version)
        request.inputs.append(given._get_tensor())  # what tritonclient's own client does; there is no public door
        if not region:
            request.raw_input_contents.append(given._get_content())
        request.outputs.append(asked._get_tensor())
        answer = self._call("ModelInfer", request, _MOST_ANSWER)
        require_version(wanted, answer.model_version)
        found = next((each for each in answer.outputs if each.name == wanted.output), None)
        if found is None:
            raise Inconclusive(f"the server answers without the output {wanted.output!r}")
        if not answer.raw_output_contents and found.datatype in DTYPES:
            return _typed(found)
        try:
            read = InferResult(answer).as_numpy(wanted.output)
        except Exception as error:  # whatever a stranger's bytes make of a parser
            raise Inconclusive(f"the answer of the server cannot be read ({type(error).__name__})") from None
        return np.asarray(read)

    def call(self, path: str, content: dict[str, Any]) -> None:
        """Ask what the protocol's extensions take; of those, shared memory alone."""
        from tritonclient.grpc import service_pb2

        *_, name, action = path.split("/")
        if action == "register":
            request = service_pb2.SystemSharedMemoryRegisterRequest(name=name, **content)
            self._call("SystemSharedMemoryRegister", request)
        else:
            self._call("SystemSharedMemoryUnregister", service_pb2.SystemSharedMemoryUnregisterRequest(name=name))

    def close(self) -> None:
        """End all connections."""
        with self._lock:
            while self._idle:
                self._idle.pop().close()

    def _if_there(self, method: str, request: Any) -> dict[str, Any] | None:  # noqa: ANN401  # a protobuf message
        try:
            return _as_dict(self._call(method, request))
        except Refused as refused:
            if refused.code in (400, 404, 501):
                return None
            raise

    def _call(self, method: str, request: Any, most: int = _MOST_TOLD) -> Any:  # noqa: ANN401  # protobuf messages
        from tritonclient.grpc import service_pb2

        content = request.SerializeToString()

        def once(until: float) -> tuple[dict[str, str], bytes]:
            with self._lock:
                channel = self._idle.pop() if self._idle else None
            channel = channel or self._open(until)
            try:
                answer = channel.ask(f"/inference.GRPCInferenceService/{method}", content, self._headers, most, until)
            except BaseException:
                channel.close()
                self.close()  # those that were kept are as old: the server may have hung up on them too
                raise
            with self._lock:
                self._idle.append(channel)
            return answer

        trailers, body = persist(self._where, self._seconds, once)
        status = trailers.get("grpc-status", "2")
        if status == _LATE:
            raise Inconclusive(f"{self._where} gave no answer within {self._seconds:.3g} s", hint="--timeout SECONDS")
        before = trailers.get(":status", "200")
        if before != "200":  # of something between, which knows of no gRPC
            raise Refused(int(before) if before.isdecimal() and len(before) == 3 else 500, "it speaks no gRPC")
        if status != "0":
            told = hide(unquote(trailers.get("grpc-message", f"status {status}")), self._headers)
            raise Refused(_CODES.get(status, 500), told)
        reply = getattr(service_pb2, f"{method}Response")()
        try:
            reply.ParseFromString(body)
        except Exception as error:  # whatever a stranger's bytes make of a parser
            raise Inconclusive(
                f"{self._where} answers {method} with no such message ({type(error).__name__})"
            ) from None
        return reply

    def _open(self, until: float) -> Channel:
        made = self._connect()
        try:
            made.settimeout(max(0.001, until - time.monotonic()))
            if self._context is not None:
                made = self._context.wrap_socket(made, server_hostname=self._host)
            return Channel(made, self._where, tls=self._context is not None)
        except BaseException:
            made.close()
            raise


def _as_dict(message: Any) -> dict[str, Any]:  # noqa: ANN401  # a protobuf message
    from google.protobuf.json_format import MessageToDict

    found: dict[str, Any] = MessageToDict(message, preserving_proto_field_name=True)
    return found


def _typed(tensor: Any) -> NDArray[np.generic]:  # noqa: ANN401  # a protobuf message
    """Return a tensor that came as numbers of its message, which servers other than Triton send."""
    contents = tensor.contents
    every = (contents.fp32_contents, contents.fp64_contents, contents.int_contents, contents.int64_contents)
    values = next((list(each) for each in (*every, contents.uint_contents, contents.uint64_contents) if each), [])
    try:
        return np.asarray(values, dtype=DTYPES[tensor.datatype]).reshape(tuple(tensor.shape))
    except (ValueError, OverflowError):
        raise Inconclusive("the answer of the server has another length than its shape says") from None
