"""A model as the gate holds it: a file with the digests that pin it, or a service that answers for one."""

from __future__ import annotations

from pathlib import Path

from vetgate.domain.record import Record


class Member(Record):
    """One file of an artifact: the model itself or, for example, ONNX external data."""

    name: str
    """Path relative to the folder of the model file, with `/`."""
    sha256: str
    size: int
    """Bytes."""


class Service(Record):
    """A model that runs on a server, which answers and hands out no file."""

    url: str
    """`SCHEME://HOST:PORT`, without a login."""
    protocol: str
    """What it is spoken to in, such as `HTTP` or `gRPC`, with TLS where that is so."""
    model: str
    """As the server calls it."""
    version: str = ""
    """That is asked for in every request; empty where the server knows none."""
    config_sha256: str | None = None
    """Of the configuration that the server states for this model; None where it states none."""
    server: str = ""
    """What the server calls itself."""
    server_version: str = ""


class Artifact(Record):
    """A model on disk, identified by content, or a service.

    `path` is where it may be opened: after the snapshot that is a private copy with the same digests. Of a service it
    is a note of what it is, and there are no members.
    """

    path: str
    name: str
    """The path as the user typed it."""
    format: str
    """Format id that a backend declares, such as `onnx`."""
    backend: str
    """Name of the backend that opens it."""
    members: tuple[Member, ...]
    """Every file that ships, the model file first; none of a service."""
    service: Service | None = None
    """Who answers, where that is no file."""

    @property
    def file(self) -> Path:
        """The model file."""
        return Path(self.path)

    @property
    def sha256(self) -> str:
        """Digest of the model file; of one member its own, of several that of the list of digests.

        Of a service it is that of what is known of it, which does not pin its weights.
        """
        if len(self.members) == 1:
            return self.members[0].sha256
        import hashlib

        if self.service is not None:
            return hashlib.sha256(self.service.model_dump_json().encode()).hexdigest()
        listing = "\n".join(f"{member.sha256}  {member.name}" for member in self.members)
        return hashlib.sha256(listing.encode()).hexdigest()

    @property
    def size(self) -> int:
        """Bytes of everything that ships; 0 of a service, whose size nobody knows."""
        return sum(member.size for member in self.members)
