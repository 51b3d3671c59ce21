"""Models that are named and not lain somewhere: `SCHEME:/...`, and what is handed over for such a name."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol, TypeAlias, runtime_checkable

from vetgate.domain.artifact import Service
from vetgate.domain.record import Record
from vetgate.domain.structure import Structure

_SCHEME = re.compile(r"([a-z][a-z0-9+.-]+):/")
_ODD = re.compile(r"[^\w.@-]+")
_LOGIN = re.compile(r"//[^/\s]*@")


def scheme_of(name: str) -> str | None:
    """Return the scheme of a model's name, such as `models` of `models:/fashion/2`; None for a path."""
    found = _SCHEME.match(name)
    return found[1] if found else None


def stem_of(name: str) -> str:
    """Return what files about a model are called: the name of its file, or all of a name with a scheme on one level."""
    return Path(name).name if scheme_of(name) is None else _ODD.sub("-", name).strip("-")


def without_login(text: str) -> str:
    """Return a text, such as an address, without the user and password that may stand in it."""
    return _LOGIN.sub("//", text)


class ModelOrigin(Record):
    """Where a model that was named with a scheme came from, for the report."""

    source: str
    """Who fetched it, such as `mlflow`."""
    file: str
    """Path of the model file inside what was fetched, with `/`; empty for a service."""
    facts: dict[str, str] = {}
    """What pins it there, such as the version that an alias stood for; never a credential."""


@dataclass(frozen=True)
class FetchedFile:
    """A model that was fetched as files."""

    file: Path
    """The model file, in the folder that was given; what ships with it and its card lie beside it."""
    facts: Mapping[str, str] = field(default_factory=dict)
    """For the report, each a line; never a credential."""


@dataclass(frozen=True)
class Door:
    """The one place that a service's children are let to: they have no network, and the gate connects for them."""

    host: str
    port: int
    secret: bytes = field(default=b"", repr=False)
    """What its backend needs to be let in there, such as a header; told to its children alone and written nowhere."""
    local: bool = False
    """Whether its children may share memory with the server, which then runs on this machine."""
    pinned: str = ""
    """Address that the host's name stood for when the model was found; nobody looks the name up again in this run."""

    @property
    def address(self) -> str:
        """`HOST:PORT`."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


@dataclass(frozen=True)
class Served:
    """A model that a server answers for."""

    service: Service
    door: Door
    backend: str
    """Who talks to it: the name of a BackendSpec of the same plugin."""
    format: str
    """Format id for reports, such as `triton`."""
    facts: Mapping[str, str] = field(default_factory=dict)
    """For the report, each a line; never a credential."""


Sourced: TypeAlias = FetchedFile | Served
"""What a source may hand over: files, or a server that answers without handing out its file."""


@dataclass(frozen=True)
class FetchContext:
    """What a source is given for one name."""

    folder: Path
    """Empty and private; nothing is written elsewhere."""
    seconds: float
    """Patience with the whole of it; who takes longer is given up."""
    most_bytes: int
    """Bytes that may be fetched; who brings more is given up."""
    most_files: int
    recognise: Callable[[Path], str | None]
    """Tells the format of a file that was fetched, by content; None where nobody here opens it."""
    tell: Callable[[int, int], None]
    """Told (done, total) bytes, and raises Inconclusive once nobody waits any more: to be called often."""


@dataclass(frozen=True)
class ServeContext:
    """What a source is given to load a file into a server of its own."""

    files: tuple[Path, ...]
    """The private copy, which was scanned: the model file first; what ships with it lies beside it."""
    structure: Structure
    """What it takes and gives."""
    folder: Path
    """Empty and private; nothing is written elsewhere."""
    threads: int
    """Of one inference."""
    seconds: float
    """Patience with the server's start."""


class ArtifactSource(Protocol):
    """Fetches models by name. It runs in the gate's own process, which alone has the user's variables."""

    def fetch(self, name: str, context: FetchContext) -> Sourced:
        """Return the model of a name, as typed.

        What is fetched is untrusted: it is written as it is, and nothing of it is opened, unpacked or run.

        Raises:
            UsageError: The name is malformed, or nothing of that name exists.
            UnreadableArtifact: What is there holds no model, or several, or names that leave its folder.
            Inconclusive: Nobody answers, or too late, or with too much.
        """
        ...


@runtime_checkable
class ServingSource(ArtifactSource, Protocol):
    """A source that can also start a server of its own and load a file into it, before the file is rolled out."""

    def serve(self, context: ServeContext) -> AbstractContextManager[Served]:
        """Start a server on this machine that answers for a model; it is ended with the context.

        Raises:
            UsageError: The user named no server, or one that is not there.
            Inconclusive: It does not start, or does not load the model.
        """
        ...
