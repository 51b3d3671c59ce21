"""Finds a model on a server: which version answers, and how it was told to run it. Children ask for figures."""

from __future__ import annotations

import ipaddress
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from vetgate.api import (
    Door,
    FetchContext,
    Inconclusive,
    ServeContext,
    Served,
    Service,
    UnreadableArtifact,
    UsageError,
)
from vetgate_triton.client import Client, Refused, as_error
from vetgate_triton.facts import read_config, read_model, read_server
from vetgate_triton.launch import HOST, VARIABLE, find_server, serving
from vetgate_triton.names import NAME, Address, parse_name
from vetgate_triton.reach import reach
from vetgate_triton.repository import MODEL, VERSION, Ports, write_repository
from vetgate_triton.settings import Keys, read_keys

_ONE_ANSWER = 20.0
"""Seconds, at most."""
_CONNECTING = 10.0


@dataclass(frozen=True)
class TritonSource:
    """Implements ServingSource."""

    def fetch(self, name: str, context: FetchContext) -> Served:
        """Return who answers for a name; see vetgate.api.ArtifactSource."""
        address = parse_name(name)
        keys = read_keys(os.environ, tls=address.tls)
        return _found(address, keys, context.folder, context.seconds)

    @contextmanager
    def serve(self, context: ServeContext) -> Iterator[Served]:
        """Load a file into a server of its own; see vetgate.api.ServingSource."""
        installed = find_server(os.environ.get(VARIABLE))
        structure = context.structure
        repository = context.folder / "repository"
        repository.mkdir(mode=0o700)
        ports = Ports(structure.inputs, structure.outputs)
        write_repository(repository, context.files, ports, native=installed.native, threads=context.threads)
        with serving(installed, repository, context.folder, seconds=context.seconds) as running:
            own = Address("triton", HOST, running.http, MODEL, VERSION)
            found = _found(own, Keys(), context.folder, context.seconds)
            service = found.service.model_copy(update={"server": NAME})  # not the name for one run that it was given
            yield replace(found, service=service, facts=_facts(service))


def _found(address: Address, keys: Keys, folder: Path, patience: float) -> Served:
    """Return who answers at an address."""
    seconds = min(_ONE_ANSWER, patience)
    where = Door(address.host, address.port).address
    pinned: list[str] = []

    def connect() -> socket.socket:
        place = (pinned[0] if pinned else address.host, address.port)
        try:
            made = socket.create_connection(place, timeout=min(_CONNECTING, seconds))
        except TimeoutError:
            raise ConnectionError("no connection came about in time") from None
        pinned[:] = pinned or [str(made.getpeername()[0])]
        return made

    client = reach(address.host, where, connect, keys, seconds, folder, rpc=address.rpc)
    try:
        service = look_up(address, client, where)
    finally:
        client.close()
    local = ipaddress.ip_address(pinned[0].partition("%")[0]).is_loopback
    door = Door(address.host, address.port, keys.model_dump_json().encode(), local, pinned[0])
    return Served(service, door, backend=NAME, format=NAME, facts=_facts(service))


def look_up(address: Address, client: Client, where: str) -> Service:
    """Return who answers for a name, with the version that it stands for now.

    Raises:
        UsageError: The server knows no such model or version.
        UnreadableArtifact: It knows it and cannot run it.
        Inconclusive: It does not answer, or not as the protocol has it.
    """
    try:
        server = read_server(client.server())
    except Refused as refused:
        raise as_error(where, "say what it is", refused) from None
    try:
        model = read_model(client.model(address.model, address.version))
        version = address.version or _newest(model.versions)
        ready = client.ready(address.model, version)
        config = client.config(address.model, version)
    except Refused as refused:
        if refused.unknown:
            named = f"{address.model}/{address.version}" if address.version else address.model
            raise UsageError(f"{where} has no model {named} that is ready: {refused.reason}") from None
        raise as_error(where, "tell of the model", refused) from None
    if not ready:
        raise UnreadableArtifact(f"{where}: {address.model} is not ready", hint="the server's log says why")
    return Service(
        url=address.server,
        protocol=address.protocol,
        model=address.model,
        version=version,
        config_sha256=read_config(config).sha256 if config is not None else None,
        server=server.name,
        server_version=server.version,
    )


def _newest(versions: tuple[str, ...]) -> str:
    """Return the highest of versions that are numbers, which Triton takes where none is named; else the only one.

    Raises:
        Inconclusive: There are several, and which is meant cannot be told.
    """
    if len(versions) <= 1:
        return versions[0] if versions else ""
    if not all(version.isdecimal() for version in versions):
        raise Inconclusive(f"the server has the versions {', '.join(versions)}", hint="name one: .../MODEL/VERSION")
    return max(versions, key=int)


def _facts(service: Service) -> dict[str, str]:
    told = {
        "server": f"{service.server} {service.server_version}".strip(),
        "address": service.url,
        "model": service.model,
        "version": service.version,
        "config": service.config_sha256 or "not told",
    }
    return {key: value for key, value in told.items() if value}
