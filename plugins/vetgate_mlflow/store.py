"""What lies under an address of MLflow's artifact stores: listed and fetched within bounds."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlsplit

from vetgate.api import FetchContext, Inconclusive, UnreadableArtifact
from vetgate_mlflow.client import asking, has_credentials, is_elsewhere, is_remote, public
from vetgate_mlflow.names import is_inside

if TYPE_CHECKING:
    from mlflow.store.artifact.artifact_repo import ArtifactRepository

DEEPEST = 16
CHUNK = 1 << 16
"""Bytes that are waited for at once: a server that trickles is noticed after each."""


@dataclass(frozen=True)
class Entry:
    """One file of an artifact."""

    path: str
    """Inside it, with `/`."""
    size: int
    """Bytes, as announced."""


@dataclass(frozen=True)
class Store:
    """What lies under one address.

    Args:
        name: As the user typed it, for messages.
        repository: MLflow's own way to it.
    """

    name: str
    repository: ArtifactRepository

    def entries(self, context: FetchContext, path: str = "") -> list[Entry]:
        """Return every file under a path, or the file that it is.

        Raises:
            UnreadableArtifact: A name leads out of it, or there are too many, or too deep.
            VetgateError: It cannot be listed.
        """
        found: list[Entry] = []
        for entry in self._walk(path, 0, context):
            found.append(entry)
            if len(found) > context.most_files:
                raise UnreadableArtifact(f"{self.name} holds more than {context.most_files:,} files")
        return found

    def beside(self, folder: str) -> list[Entry]:
        """Return the files that lie in a folder itself.

        Raises:
            VetgateError: It cannot be listed, or a name leads out of it.
        """
        return [entry for entry, is_folder in self._list(folder) if not is_folder]

    def _walk(self, folder: str, depth: int, context: FetchContext) -> Iterator[Entry]:
        if depth > DEEPEST:
            raise UnreadableArtifact(f"{self.name} holds folders deeper than {DEEPEST} levels")
        context.tell(0, 0)
        for entry, is_folder in self._list(folder):
            if is_folder:
                yield from self._walk(entry.path, depth + 1, context)
            else:
                yield entry

    def _list(self, folder: str) -> list[tuple[Entry, bool]]:
        """Return what lies in a folder, and which of it are folders."""
        with asking(self.name, named=False):
            listed = self.repository.list_artifacts(folder or None)
        for info in listed:
            if not is_inside(str(info.path)) or posixpath.dirname(info.path) != folder:
                raise UnreadableArtifact(
                    f"{self.name} holds a file whose name leads out of its folder: {str(info.path)[:200]!r}",
                    hint="log it anew under a plain name",
                )
        return [(Entry(info.path, max(0, int(info.file_size or 0))), bool(info.is_dir)) for info in listed]

    def fetch(self, entries: list[Entry], context: FetchContext) -> None:
        """Write files to the folder of a fetch, under their names.

        Raises:
            Inconclusive: They are more bytes than allowed, as announced or as they come.
            VetgateError: One cannot be fetched.
        """
        total = sum(entry.size for entry in entries)
        if total > context.most_bytes:
            raise Inconclusive(
                f"{self.name} holds {total / 1e6:,.4g} MB, and {context.most_bytes / 1e6:,.4g} MB are the most that is "
                "fetched",
                hint="name a smaller artifact; --memory-limit sets how large a model may be, and TMPDIR where it goes",
            )
        done = 0
        for entry in entries:
            context.tell(done, total)
            target = context.folder / entry.path
            target.parent.mkdir(parents=True, exist_ok=True)
            with asking(f"{self.name}#{entry.path}", named=False):
                done += self._fetch(entry, target, done, total, context)

    def _fetch(self, entry: Entry, target: Path, done: int, total: int, context: FetchContext) -> int:
        from mlflow.store.artifact.http_artifact_repo import HttpArtifactRepository

        if not isinstance(self.repository, HttpArtifactRepository):
            self.repository.download_artifacts(entry.path, str(context.folder))  # type: ignore[no-untyped-call]
            return target.stat().st_size
        size = 0
        with target.open("xb") as file:
            for chunk in _chunks(self.repository, entry.path):
                size += file.write(chunk)
                context.tell(done + size, total)
                if done + size > context.most_bytes:
                    raise Inconclusive(
                        f"{self.name} sends more than the {context.most_bytes / 1e6:,.4g} MB that are fetched at most"
                    )
        return size


def _chunks(repository: Any, path: str) -> Iterator[bytes]:  # noqa: ANN401  # its credentials have no public name
    """Yield a file as it comes: MLflow's own loop neither counts bytes nor can be told to stop."""
    from mlflow.utils import rest_utils

    ask: Any = rest_utils
    with ask.http_request(repository._host_creds, f"/{quote(path)}", "GET", stream=True) as answer:
        ask.augmented_raise_for_status(answer)
        yield from answer.iter_content(CHUNK)


def open_store(name: str, uri: str) -> Store:
    """Return what lies under an address that a server gave.

    Raises:
        UnreadableArtifact: It is a place on this machine, which a server of another process must not choose, or
            another server, which MLflow's client would show the user's credentials: whoever registers a version chooses
            its address.
        VetgateError: MLflow knows no such kind of store, or its library is missing.
    """
    if is_remote() and urlsplit(uri).scheme in ("", "file"):
        raise UnreadableArtifact(
            f"{name}: the server says that it lies in a folder of this machine, and that is not believed",
            hint="let the server hand out artifacts (mlflow server --serve-artifacts), or name the file itself",
        )
    if has_credentials() and is_elsewhere(uri):
        raise UnreadableArtifact(
            f"{name} lies on another server ({public(uri)[:200]}), which would be shown the credentials of this one",
            hint="let the server itself hand out artifacts (mlflow server --serve-artifacts)",
        )
    from mlflow.store.artifact.artifact_repository_registry import get_artifact_repository

    with asking(name, named=False):
        return Store(name, get_artifact_repository(uri))
