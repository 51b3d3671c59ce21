"""A private copy of each model: what was told, digested and scanned is what is opened."""

from __future__ import annotations

import hashlib
import shutil
import struct
import tempfile
import zipfile
from collections.abc import Sequence
from pathlib import Path, PurePosixPath
from types import TracebackType
from typing import Self

from vetgate.domain.artifact import Artifact, Member
from vetgate.domain.errors import Inconclusive, UnreadableArtifact, UsageError, VetgateError
from vetgate.domain.specs import BackendSpec, FormatSpec, Probe

HEAD = 4096
LONGEST_DIRECTORY = 32 << 20
"""Bytes of a zip's directory that are read: some 300,000 members. A hostile one of 100 MB took 12 s and 1 GB."""
_ZIP_TAIL = 22 + 65535 + 20
"""The end of a zip's directory with the longest comment and the 64-bit locator before it."""
_CHUNK = 1 << 20


class Vault:
    """A private folder that holds copies of models for the length of a run."""

    def __init__(self) -> None:
        self._folder: Path | None = None
        self._count = 0

    def __enter__(self) -> Self:
        try:
            self._folder = Path(tempfile.mkdtemp(prefix="vetgate-"))
        except OSError as error:
            raise Inconclusive(
                f"no folder for private copies can be made: {error}", hint="set TMPDIR to a folder with room"
            ) from None
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)

    @property
    def folder(self) -> Path:
        """The private folder (mode 0700)."""
        if self._folder is None:
            raise RuntimeError("the vault is not open")
        return self._folder

    def take(self, path: str, backends: Sequence[BackendSpec]) -> Artifact:
        """Copy a model and everything that ships with it, and tell its format by content.

        Args:
            path: The model file as the user typed it.
            backends: Who may open it.

        Raises:
            UsageError: The path does not exist or is a folder.
            UnreadableArtifact: It is empty, of no known format, or names files that are missing or elsewhere.
            Inconclusive: It cannot be copied: no permission, or no space left.
        """
        original = require_file(path)
        try:
            return self._take(path, original, backends)
        except OSError as error:
            raise Inconclusive(f"{path}: cannot be copied: {error.strerror or error}") from None

    def _take(self, path: str, original: Path, backends: Sequence[BackendSpec]) -> Artifact:
        if original.stat().st_size == 0:
            raise UnreadableArtifact(
                f"{path} is empty (0 bytes)", hint="was the download or the conversion interrupted?"
            )
        self._count += 1
        folder = self.folder / f"model{self._count}"
        folder.mkdir(mode=0o700)
        copy = folder / original.name
        members = [_copy(original, copy, original.name)]
        backend, known = tell_format(probe(copy), path, backends)
        if known.members is not None:
            names = _members(known, original, path)
            members += [_copy(original.parent / name, folder / name, name) for name in names]
            if names != _members(known, copy, path):
                raise UnreadableArtifact(
                    f"{path} changed while it was read", hint="run again when nothing writes to it"
                )
        return Artifact(path=str(copy), name=path, format=known.name, backend=backend.name, members=tuple(members))


def _members(known: FormatSpec, file: Path, name: str) -> tuple[str, ...]:
    """Return the further files that ship with a model file, none of them outside its folder."""
    if known.members is None:
        return ()
    try:
        names = known.members(file)
    except (VetgateError, OSError):
        raise
    except Exception as error:  # a parser of a stranger may raise anything on a malformed file
        raise UnreadableArtifact(f"{name}: its parts cannot be told: {type(error).__name__}: {error}") from None
    for member in names:
        if PurePosixPath(member).is_absolute() or ".." in PurePosixPath(member).parts:
            raise UnreadableArtifact(f"{name} names a part outside its folder: {member!r}")
    return names


def require_file(path: str) -> Path:
    """Return the path of a file that exists.

    Raises:
        UsageError: Nothing is there, it is a folder, or its name cannot be written in a report.
    """
    file = Path(path)
    if not _is_utf8(path):
        raise UsageError(f"{path!r} has a name that no report can hold: it is no UTF-8", hint="rename the file")
    if file.is_dir():
        raise UsageError(f"{path} is a folder, not a model file", hint="name the model file inside it")
    if not file.exists():
        raise UsageError(f"{path} does not exist", hint=_near(file))
    if not file.is_file():
        raise UsageError(f"{path} is not a regular file")
    return file


def _is_utf8(path: str) -> bool:
    try:
        return bool(path.encode()) or not path
    except UnicodeEncodeError:
        return False


def _near(file: Path) -> str:
    import difflib

    beside = [entry.name for entry in file.parent.iterdir()] if file.parent.is_dir() else []
    close = difflib.get_close_matches(file.name, beside, n=1)
    return f"did you mean {file.parent / close[0]}?" if close else ""


def probe(path: Path) -> Probe:
    """Look at a file's bytes and, in a zip, at its names."""
    with path.open("rb") as file:
        head = file.read(HEAD)
    names: tuple[str, ...] = ()
    if head.startswith(b"PK") and _directory_size(path) <= LONGEST_DIRECTORY:
        try:
            with zipfile.ZipFile(path) as archive:
                names = tuple(archive.namelist())
        except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError):  # the last: a zip of a later version
            names = ()
    return Probe(path, path.stat().st_size, head, names)


def _directory_size(path: Path) -> int:
    """Return the bytes that the directory of a zip says it has, or 0 where its end cannot be found."""
    size = path.stat().st_size
    with path.open("rb") as file:
        start = max(0, size - _ZIP_TAIL)
        file.seek(start)
        tail = file.read(_ZIP_TAIL)
        end = tail.rfind(b"PK\x05\x06")
        if end < 0 or len(tail) < end + 22:
            return 0
        stated: int = struct.unpack_from("<I", tail, end + 12)[0]
        if stated != 0xFFFFFFFF or end < 20:
            return stated
        file.seek(min(size, struct.unpack_from("<Q", tail, end - 20 + 8)[0]))
        record = file.read(56)
    return int(struct.unpack_from("<Q", record, 40)[0]) if record[:4] == b"PK\x06\x06" and len(record) == 56 else stated


def tell_format(look: Probe, name: str, backends: Sequence[BackendSpec]) -> tuple[BackendSpec, FormatSpec]:
    """Return who opens a file, by content.

    Raises:
        UnreadableArtifact: Nobody recognises it, or two backends do.
    """
    claims = [(backend, known) for backend in backends for known in backend.formats if _recognises(known, look)]
    if len(claims) == 1:
        return claims[0]
    if claims:
        who = ", ".join(f"{known.name} of {backend.name}" for backend, known in claims)
        raise UnreadableArtifact(
            f"{name} is claimed by several formats: {who}",
            hint="switch one off with --disable PLUGIN (see vetgate plugins)",
        )
    if look.head.startswith(b"PK") and not look.zip_members:
        raise UnreadableArtifact(
            f"{name} is a truncated, damaged or oversized zip archive", hint="copy or convert it again"
        )
    formats = ", ".join(sorted(known.name for backend in backends for known in backend.formats)) or "none"
    raise UnreadableArtifact(
        f"{name} is of no format that an installed plugin recognises (known: {formats})",
        hint="the format is told by content, not by suffix; vetgate plugins lists what is installed",
    )


def _recognises(known: FormatSpec, look: Probe) -> bool:
    try:
        return known.recognise(look)
    except Exception:  # it must never raise; one that does knows nothing of this file
        return False


def _copy(source: Path, target: Path, name: str) -> Member:
    """Copy one file, digesting the bytes that are written."""
    target.parent.mkdir(parents=True, exist_ok=True)
    digest, size = hashlib.sha256(), 0
    with source.open("rb") as reader, target.open("xb") as writer:
        while chunk := reader.read(_CHUNK):
            digest.update(chunk)
            size += writer.write(chunk)
    target.chmod(0o400)
    return Member(name=name, sha256=digest.hexdigest(), size=size)
