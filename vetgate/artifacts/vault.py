"""A private copy of each model: what was told, digested and scanned is what is opened."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from types import TracebackType
from typing import Self

from vetgate.artifacts.copy import Copied, copy_file, copying, inside
from vetgate.domain.artifact import Artifact, Service
from vetgate.domain.errors import Inconclusive, UnreadableArtifact, UsageError, VetgateError
from vetgate.domain.evidence import Finding
from vetgate.domain.scan_rules import LINKED, UNREADABLE, find
from vetgate.domain.specs import BackendSpec, FormatSpec, Probe
from vetgate.private import PrivateFolder, clear_remains
from vetgate.probing import probe

MOST_PARTS = 10_000
"""Files that may ship with a model."""
_MOST_BESIDE = 16
"""Files named like another that are looked at: is one the model of which that is a part?"""


@dataclass(frozen=True)
class _Seal:
    """What a private copy was when it was made."""

    state: tuple[tuple[str | int, ...], ...]
    findings: tuple[Finding, ...]


def _state(folder: Path) -> tuple[tuple[str | int, ...], ...]:
    """Return name, inode, size and times of all that lies in a folder; who writes there cannot put the last back."""
    entries = sorted(entry for entry in folder.rglob("*") if entry.is_symlink() or not entry.is_dir())
    stats = ((entry, entry.lstat()) for entry in entries)
    return tuple(
        (str(entry.relative_to(folder)), stat.st_ino, stat.st_mode, stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns)
        for entry, stat in stats
    )


class Vault:
    """A private folder that holds copies of models for the length of a run."""

    def __init__(self) -> None:
        self._private: PrivateFolder | None = None
        self._count = 0
        self._seals: dict[str, _Seal] = {}

    def __enter__(self) -> Self:
        clear_remains()
        try:
            self._private = PrivateFolder()
        except OSError as error:
            raise Inconclusive(
                f"no folder for private copies can be made: {error}", hint="set TMPDIR to a folder with room"
            ) from None
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._private is not None:
            self._private.close()

    @property
    def folder(self) -> Path:
        """The private folder (mode 0700)."""
        if self._private is None:
            raise RuntimeError("the vault is not open")
        return self._private.path

    def take(self, path: str, backends: Sequence[BackendSpec], place: Path | None = None) -> Artifact:
        """Copy a model and everything that ships with it, and tell its format by content.

        Args:
            path: The model file as the user typed it.
            backends: Who may open it.
            place: Where it lies, if not there.

        Raises:
            UsageError: The path does not exist or is a folder.
            UnreadableArtifact: It is empty, of no known format, or names files that are missing or elsewhere.
            Inconclusive: It cannot be copied: no permission, or no space left.
        """
        with copying(path):
            original, copied = self._copy_model(path, place)
            backend, known = tell_format(probe(copied.file), path, backends, original)
            parts = _copy_parts(path, known, original, copied.file)
        return self._held(path, (known.name, backend.name), (copied, *parts))

    def hold(self, path: str, backends: Sequence[BackendSpec], place: Path | None = None) -> Artifact:
        """Copy a file of any format for a scan alone; what cannot be told of it is a finding.

        Args:
            path: The file as the user typed it.
            backends: Who may know its format.
            place: Where it lies, if not there.

        Raises:
            UsageError: The path does not exist or is a folder.
            UnreadableArtifact: It is empty.
            Inconclusive: It cannot be copied: no permission, or no space left.
        """
        parts: tuple[Copied, ...] = ()
        trouble: tuple[Finding, ...] = ()
        with copying(path):
            original, copied = self._copy_model(path, place)
            try:
                backend, known = tell_format(probe(copied.file), path, backends)
            except UnreadableArtifact:  # scanners may know what no backend opens
                return self._held(path, ("", ""), (copied,))
            try:
                parts = _copy_parts(path, known, original, copied.file)
            except UnreadableArtifact as error:
                trouble = (find(UNREADABLE, error.message, copied.member.name),)
        return self._held(path, (known.name, backend.name), (copied, *parts), trouble)

    def make_folder(self) -> Path:
        """Return a new private folder that ends with the run."""
        self._count += 1
        folder = self.folder / f"model{self._count}"
        folder.mkdir(mode=0o700)
        return folder

    def note(self, name: str, service: Service, backend: str, known: str) -> Artifact:
        """Take in a model that is a service: a note of what it is stands where its file would.

        Args:
            name: As the user typed it.
            service: Who answers.
            backend: Who talks to it.
            known: Format id, for reports.
        """
        folder = self.make_folder()
        file = folder / "service.json"
        file.write_text(service.model_dump_json(indent=2), encoding="utf-8")
        self._seals[str(file)] = _Seal(_state(folder), ())
        return Artifact(path=str(file), name=name, format=known, backend=backend, members=(), service=service)

    def _copy_model(self, path: str, place: Path | None) -> tuple[Path, Copied]:
        original = require_file(path) if place is None else place
        if original.stat().st_size == 0:
            raise UnreadableArtifact(
                f"{path} is empty (0 bytes)", hint="was the download or the conversion interrupted?"
            )
        folder = self.make_folder()
        return original, copy_file(original, folder / original.name, original.name)

    def _held(
        self, path: str, told: tuple[str, str], files: tuple[Copied, ...], trouble: tuple[Finding, ...] = ()
    ) -> Artifact:
        first, *parts = files
        members = tuple(copied.member for copied in files)
        artifact = Artifact(path=str(first.file), name=path, format=told[0], backend=told[1], members=members)
        links = (
            find(LINKED, f"{part.member.name} is a hard link: the same file has another name", part.member.name)
            for part in parts
            if part.linked
        )
        self._seals[artifact.path] = _Seal(_state(first.file.parent), (*trouble, *links))
        return artifact

    def findings(self, artifact: Artifact) -> tuple[Finding, ...]:
        """Return what was odd about the files when they were copied."""
        return self._seals[artifact.path].findings

    def require_untouched(self, artifact: Artifact) -> None:
        """Make sure that a private copy is what it was when it was made, with nothing beside it.

        Raises:
            Inconclusive: It was changed since, so it is not what was scanned.
        """
        if self._seals[artifact.path].state != _state(artifact.file.parent):
            raise Inconclusive(
                f"{artifact.name}: its private copy was changed during the run, so what would be opened is not what "
                "was scanned",
                hint="look for what ran meanwhile under your name",
            )


def _copy_parts(path: str, known: FormatSpec, original: Path, copy: Path) -> tuple[Copied, ...]:
    """Copy what ships with a model file; the copy must name the same files as the original did."""
    names = _names(known, original, path)
    parts = tuple(copy_file(inside(original, name, path), copy.parent / name, name) for name in names)
    if names != _names(known, copy, path):
        raise UnreadableArtifact(f"{path} changed while it was read", hint="run again when nothing writes to it")
    return parts


def _names(known: FormatSpec, file: Path, name: str) -> tuple[str, ...]:
    """Return the further files that ship with a model file, none of them outside its folder.

    This parses bytes of a stranger in this process: what a format declares for it must be bounded (FormatSpec.members).
    """
    if known.members is None:
        return ()
    try:
        names = known.members(file)
    except (VetgateError, OSError):
        raise
    except Exception as error:  # a parser of a stranger may raise anything on a malformed file
        raise UnreadableArtifact(f"{name}: its parts cannot be told: {type(error).__name__}: {error}") from None
    if len(names) > MOST_PARTS:
        raise UnreadableArtifact(f"{name} names {len(names):,} parts; {MOST_PARTS:,} are allowed")
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


def tell_format(
    look: Probe, name: str, backends: Sequence[BackendSpec], original: Path | None = None
) -> tuple[BackendSpec, FormatSpec]:
    """Return who opens a file, by content.

    Args:
        look: Its first bytes.
        name: What it is called in messages.
        backends: Who may open it.
        original: Where it lies among the user's files, so that a part of a model beside it is told as one.

    Raises:
        UnreadableArtifact: Nobody recognises it, or two backends do.
    """
    claims = [(backend, known) for backend in backends for known in backend.formats if _recognises(known, look)]
    if len(claims) == 1:
        return _openable(name, *claims[0])
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
    openable = sorted(known.name for backend in backends for known in backend.formats if not known.advice)
    formats = ", ".join(openable) or "none"
    whole = _part_of(original, backends) if original is not None else ()
    if whole:
        raise UnreadableArtifact(
            f"{name} is a part of a model, of {' and of '.join(whole)}", hint=f"name {' or '.join(whole)} beside it"
        )
    raise UnreadableArtifact(
        f"{name} is of no format that an installed plugin recognises (known: {formats})",
        hint="the format is told by content, not by suffix; vetgate plugins lists what is installed",
    )


def _part_of(file: Path, backends: Sequence[BackendSpec]) -> tuple[str, ...]:
    """Return the models beside a file and named like it that ship with it, by name."""
    try:
        alike = sorted(entry for entry in file.parent.iterdir() if file.stem in (entry.stem, entry.name))
        beside = [entry for entry in alike[:_MOST_BESIDE] if entry != file and entry.is_file()]
    except OSError:  # a folder that nobody may list
        return ()
    return tuple(entry.name for entry in beside if _has_part(entry, file, backends))


def _has_part(model: Path, part: Path, backends: Sequence[BackendSpec]) -> bool:
    try:
        _, known = tell_format(probe(model), model.name, backends)
        return part.name in _names(known, model, model.name)
    except (VetgateError, OSError):  # it is no model, or none that can be read
        return False


def _openable(name: str, backend: BackendSpec, known: FormatSpec) -> tuple[BackendSpec, FormatSpec]:
    """Return who opens a format.

    Raises:
        UnreadableArtifact: It is one that is only told.
    """
    if known.advice:
        raise UnreadableArtifact(f"{name} is {known.summary}, which no installed plugin opens", hint=known.advice)
    return backend, known


def recognised_as(file: Path, backends: Sequence[BackendSpec]) -> str | None:
    """Return the format of a file, by content; None where no backend or several recognise it, or it cannot be read."""
    try:
        return tell_format(probe(file), file.name, backends)[1].name
    except (UnreadableArtifact, OSError):
        return None


def _recognises(known: FormatSpec, look: Probe) -> bool:
    try:
        return known.recognise(look)
    except Exception:  # it must never raise; one that does knows nothing of this file
        return False
