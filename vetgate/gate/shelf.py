"""The folder of a study: variants with a note of what each was made of, so that none is made twice."""

from __future__ import annotations

import errno
import fcntl
import hashlib
import shutil
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from types import TracebackType
from typing import IO, Self

from pydantic import ValidationError

from vetgate.atomic import commit, partial, replace_whole, sweep
from vetgate.domain.artifact import Member
from vetgate.domain.compress import Made
from vetgate.domain.errors import Inconclusive, UsageError
from vetgate.domain.record import Record
from vetgate.inference.seal import NotOwn, Seal, user_seal

NOTES = "made"
"""Folder of the notes; what has none is no folder of a study."""
STEPS = "steps"
"""Folder of files between the steps of a recipe."""
LOCK = "lock"
"""File among the notes that a study holds as long as it lives; the system lets go of it when a process ends."""


class Note(Record):
    """What a variant was made of, and what came of it. Written after the variant itself."""

    key: str
    """Digest of everything that the variant depends on."""
    members: tuple[Member, ...]
    """Every file of it, the model file first."""
    made: Made
    seconds: float
    card_sha256: str = ""
    """Of the card beside it; empty where it has none."""
    code: str = ""
    """What the user's key gives all the rest; a note without it is nobody's."""


@dataclass(frozen=True)
class Shelved:
    """A variant on the shelf."""

    file: Path
    note: Note

    @property
    def parts(self) -> list[Path]:
        """Its files, the model file first."""
        return [
            self.file.parent / member.name if place else self.file for place, member in enumerate(self.note.members)
        ]


class Shelf:
    """Variants in one folder, which one study at a time holds.

    Args:
        folder: Made where it does not exist.

    Raises:
        UsageError: It holds something else, another study is at work in it, or it cannot be written.
    """

    def __init__(self, folder: str) -> None:
        self.folder = Path(folder)
        self._seal = _seal()
        try:
            self._require_own()
            for inner in (NOTES, STEPS):
                (self.folder / inner).mkdir(parents=True, exist_ok=True)
            self._lock = _held(self.folder / NOTES / LOCK)
            for inner in (".", NOTES, STEPS):
                sweep(self.folder / inner)
        except BlockingIOError:
            raise UsageError(
                f"another study is at work in {folder}", hint="wait until it ends, or name another folder: --output DIR"
            ) from None
        except OSError as error:
            raise UsageError(f"the folder {folder} cannot be written: {error.strerror or error}") from None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Let another study have the folder."""
        self._lock.close()

    def _require_own(self) -> None:
        """Refuse a folder whose files a study might replace."""
        if self.folder.exists() and not self.folder.is_dir():
            raise UsageError(f"{self.folder} is no folder", hint="--output DIR names a new or empty one")
        if self.folder.is_dir() and any(self.folder.iterdir()) and not (self.folder / NOTES).is_dir():
            raise UsageError(
                f"the folder {self.folder} holds files that no study made, and a study might replace them",
                hint="--output DIR names a new or empty one",
            )

    def find(self, name: str, key: str) -> Shelved | None:
        """Return what was made under this name of exactly these things, whole and unchanged; None where nothing was."""
        file = self._file(name)
        try:
            note = Note.model_validate_json(self._note(name).read_bytes())
        except (OSError, ValidationError):
            return None
        if note.key != key or not note.members or not self._seal.holds(note.code, *_told(name, note)):
            return None
        whole = all(_digest(file.parent / member.name) == member.sha256 for member in note.members)
        carded = name.startswith(f"{STEPS}/") or (note.card_sha256 and _digest(_card(file)) == note.card_sha256)
        return Shelved(file, note) if whole and carded else None

    def put(self, name: str, key: str, parts: Sequence[Path], made: Made, seconds: float, card: str) -> Shelved:
        """Put a variant on the shelf: its files, its card, and last of all the note.

        Args:
            name: Of the variant, or of a file between steps: `steps/NAME`.
            key: Of what it was made of.
            parts: Its files, the model file first, in one folder.
            made: What its maker reports.
            seconds: That making it took.
            card: YAML; empty for none.

        Raises:
            Inconclusive: There is no room for it.
        """
        file = self._file(name)
        try:
            self._note(name).unlink(missing_ok=True)
            members = [_copy(parts[0], file, file.name)]
            for part in parts[1:]:
                inner = str(PurePosixPath(part.relative_to(parts[0].parent)))
                (file.parent / inner).parent.mkdir(parents=True, exist_ok=True)
                members.append(_copy(part, file.parent / inner, inner))
            if card:
                replace_whole(_card(file), card.encode())
            digest = hashlib.sha256(card.encode()).hexdigest() if card else ""
            note = Note(key=key, members=tuple(members), made=made, seconds=seconds, card_sha256=digest)
            note = note.model_copy(update={"code": self._seal.code(*_told(name, note))})
            replace_whole(self._note(name), note.model_dump_json(indent=1).encode())
        except OSError as error:
            raise Inconclusive(f"{file} cannot be written: {error.strerror or error}") from None
        return Shelved(file, note)

    def _file(self, name: str) -> Path:
        return self.folder / f"{name}.onnx"

    def _note(self, name: str) -> Path:
        return self.folder / NOTES / f"{name.replace('/', '-')}.json"


def _held(path: Path) -> IO[bytes]:
    """Return a file that nobody else holds, and that is held until it is closed.

    Raises:
        BlockingIOError: Somebody does.
        OSError: It cannot be opened.
    """
    file = path.open("ab")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        if error.errno not in (errno.ENOLCK, errno.ENOTSUP):  # which a file system without locks says
            file.close()
            raise
    return file


def _seal() -> Seal:
    """Return what vouches for notes; without a key of the user's, what this study makes counts for itself alone."""
    with suppress(NotOwn):
        return user_seal() or Seal.fresh()
    return Seal.fresh()


def _told(name: str, note: Note) -> tuple[bytes, ...]:
    """Return what a note's code is of."""
    return b"variant", name.encode(), note.model_copy(update={"code": ""}).model_dump_json().encode()


def _card(file: Path) -> Path:
    return Path(f"{file}.yaml")


def _copy(source: Path, target: Path, name: str) -> Member:
    """Copy a file whole or not at all; return its digest and size under the name that it ships by."""
    with partial(target.parent) as file:
        with source.open("rb") as reader:
            shutil.copyfileobj(reader, file, 1 << 20)
        file.flush()
        part = Path(file.name)
        member = Member(name=name, sha256=_digest(part), size=part.stat().st_size)
        commit(file, target)
    return member


def _digest(path: Path) -> str:
    """Return the sha256 of a file in hex; empty where it cannot be read."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        return ""
