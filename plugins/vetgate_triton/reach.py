"""From an address and what lets us in to a client."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from vetgate_triton.client import Client
from vetgate_triton.settings import Keys

if TYPE_CHECKING:
    import socket


def reach(
    host: str, where: str, connect: Callable[[], socket.socket], keys: Keys, seconds: float, folder: Path, *, rpc: bool
) -> Client:
    """Return a client; nothing is connected before it is asked for something.

    Args:
        host: For the certificate.
        where: `HOST:PORT`, for headers and messages.
        connect: Makes a connection.
        keys: What lets us in.
        seconds: Patience with one answer.
        folder: Private, for the moment that a certificate of ours stands in a file.
        rpc: Whether gRPC is spoken.
    """
    context = keys.context(folder) if keys.tls else None
    if rpc:
        from vetgate_triton.rpc import RpcClient

        return RpcClient(host, where, connect, keys.headers, context, seconds)
    from vetgate_triton.rest import HttpClient

    return HttpClient(where, connect, keys.headers, context, seconds)
