"""Asks a server in place of opening a file. Runs in a child process that has no network but the gate's line."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from vetgate.api import Artifact, Card, Inconclusive, Line, Model, OpenOptions, Port, Service, Structure
from vetgate_triton.client import Client, Refused, as_error
from vetgate_triton.facts import ConfigFacts, ModelFacts, read_config, read_model, read_server
from vetgate_triton.model import TritonModel
from vetgate_triton.reach import reach
from vetgate_triton.settings import Keys

_SHARE = 0.8
"""Of the gate's patience with one answer: who asks several times within it must be able to say what went wrong."""


@dataclass(frozen=True)
class Talk:
    """A server that is asked about one model."""

    client: Client
    keys: Keys
    line: Line
    service: Service
    binary: bool
    """Whether it takes and gives tensors as bytes."""
    model: ModelFacts
    config: ConfigFacts | None

    @property
    def where(self) -> str:
        """For messages."""
        return self.line.address

    def look_again(self) -> None:
        """Make sure that the server was told nothing else of the model since.

        Raises:
            Inconclusive: It was, or is away.
        """
        try:
            _configured(self.client, self.service, self.where)
        except Refused as refused:
            raise as_error(self.where, f"tell of {self.service.model}", refused) from None


class TritonBackend:
    """Implements Backend."""

    def describe(self, artifact: Artifact, card: Card | None, options: OpenOptions) -> Structure:
        """Return what the server says of the model; see vetgate.api.Backend."""
        with _talk(artifact, options) as talk:
            parameters = talk.config.parameters if talk.config is not None else {}
            notes = (
                "a service hands out no file: its size, weights and operators are not known",
                *_ran(talk),
            )
            return Structure(
                inputs=_unbatched(talk.model.inputs, talk.config),
                outputs=_unbatched(talk.model.outputs, talk.config),
                tensors=(),
                operators=(),
                metadata=dict(parameters),
                notes=notes,
            )

    @contextmanager
    def open(self, artifact: Artifact, card: Card, options: OpenOptions) -> Iterator[Model]:
        """Ask the server for answers; see vetgate.api.Backend."""
        with _talk(artifact, options) as talk:
            model = TritonModel(talk, card, options, _ran(talk))
            try:
                yield model
            finally:
                model.close()


def _unbatched(ports: tuple[Port, ...], config: ConfigFacts | None) -> tuple[Port, ...]:
    """Return ports as they are told; where the server has an axis for the batch, its length is free."""
    if config is None or not config.most:
        return ports
    return tuple(port.model_copy(update={"shape": (None, *port.shape[1:])}) for port in ports)


@contextmanager
def _talk(artifact: Artifact, options: OpenOptions) -> Iterator[Talk]:
    """Yield a server that is there, with the model that was found on it before.

    Raises:
        Inconclusive: It does not answer, or the model is another by now.
    """
    service = artifact.service
    if service is None:
        raise Inconclusive(f"{artifact.name} is no service")
    line = Line(options.line)
    keys = Keys.model_validate_json(line.secret)
    seconds = max(1.0, line.seconds * _SHARE)
    with tempfile.TemporaryDirectory() as folder:
        rpc = service.protocol.startswith("gRPC")
        client = reach(line.host, line.address, line.connect, keys, seconds, Path(folder), rpc=rpc)
    try:
        yield _asked(client, keys, line, service)
    finally:
        client.close()
        line.close()


def _asked(client: Client, keys: Keys, line: Line, service: Service) -> Talk:
    try:
        server = read_server(client.server())
        model = read_model(client.model(service.model, service.version))
        config = _configured(client, service, line.address)
    except Refused as refused:
        raise as_error(line.address, f"tell of {service.model}", refused) from None
    binary = service.protocol.startswith("gRPC") or "binary_tensor_data" in server.extensions
    return Talk(client, keys, line, service, binary, model, config)


def _configured(client: Client, service: Service, where: str) -> ConfigFacts | None:
    """Return how the server was told to run the model, which must be as it was when the run began."""
    told = client.config(service.model, service.version)
    config = read_config(told) if told is not None else None
    if (config.sha256 if config is not None else None) != service.config_sha256:
        raise Inconclusive(
            f"{where}: the configuration of {service.model} changed during the run",
            hint="run again when nobody deploys to the server",
        )
    return config


def _ran(talk: Talk) -> tuple[str, ...]:
    service, config = talk.service, talk.config
    version = f"version {service.version}" if service.version else "no version"
    digest = f"configuration sha256 {service.config_sha256}" if service.config_sha256 else "no configuration is told"
    return (
        f"answers of {service.url}/{service.model} by {service.protocol}: {version}, {digest}",
        *((f"instances: {config.instances}",) if config is not None and config.instances else ()),
        "threads and precision are the server's own, and it does not tell them",
    )
