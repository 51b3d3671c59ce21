"""A model file as the gate holds it: what it is, and the digests that pin it."""

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


class Artifact(Record):
    """A model on disk, identified by content.

    `path` is where it may be opened: after the snapshot that is a private copy with the same digests.
    """

    path: str
    name: str
    """The path as the user typed it."""
    format: str
    """Format id that a backend declares, such as `onnx`."""
    backend: str
    """Name of the backend that opens it."""
    members: tuple[Member, ...]
    """Every file that ships, the model file first."""

    @property
    def file(self) -> Path:
        """The model file."""
        return Path(self.path)

    @property
    def sha256(self) -> str:
        """Digest of the model file; of one member its own, of several that of the list of digests."""
        if len(self.members) == 1:
            return self.members[0].sha256
        import hashlib

        listing = "\n".join(f"{member.sha256}  {member.name}" for member in self.members)
        return hashlib.sha256(listing.encode()).hexdigest()

    @property
    def size(self) -> int:
        """Bytes of everything that ships."""
        return sum(member.size for member in self.members)
