"""Models that are named and not lain somewhere: `SCHEME:/...`, and what is handed over for such a name."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol, TypeAlias

from vetgate.domain.record import Record

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
    """Path of the model file inside what was fetched, with `/`."""
    facts: dict[str, str] = {}
    """What pins it there, such as the version that an alias stood for; never a credential."""


@dataclass(frozen=True)
class FetchedFile:
    """A model that was fetched as files."""

    file: Path
    """The model file, in the folder that was given; what ships with it and its card lie beside it."""
    facts: Mapping[str, str] = field(default_factory=dict)
    """For the report, each a line; never a credential."""


Sourced: TypeAlias = FetchedFile
"""What a source may hand over. A service that answers without handing out its file would be a second kind."""


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
