"""A zip of an image folder, read in place."""

from __future__ import annotations

import struct
import zipfile
import zlib
from pathlib import Path

from vetgate.api import DataError, SampleSet, UnreadableImage
from vetgate_data.encoded import EncodedImages
from vetgate_data.layout import Tree, arrange

LARGEST_MEMBER = 256_000_000
"""Bytes of one member when unpacked; a larger one is no image but a bomb."""
MOST_MEMBERS = 10_000_000

_DAMAGE = (
    *(OSError, EOFError, NotImplementedError, RuntimeError, ValueError),
    *(zipfile.BadZipFile, zlib.error, struct.error),
)
"""What zipfile raises on a damaged archive; NotImplementedError for a compression that it does not know."""
_ENCRYPTED = 0x1


def open_archive(path: Path) -> SampleSet:
    """Open a zip of an image folder; the rules are those of a folder, and nothing is written to disk.

    Not to be read from several threads.

    Raises:
        DataError: Damaged, encrypted or a bomb, no images, or it cannot be told which class an image is of.
    """
    try:
        archive = zipfile.ZipFile(path)
    except _DAMAGE as error:
        raise DataError(f"the zip {path} is cut short or damaged: {error}", hint="copy or download it again") from None
    members = _members(archive, path)
    tree = Tree(
        where=str(path),
        stem=path.stem,
        files={name for name in members if not name.endswith("/")},
        folders=_folders(members),
        read=lambda name: _unpack(archive, members[name]),
    )
    layout = arrange(tree)

    def fetch(index: int) -> bytes:
        return _unpack(archive, members[layout.files[index]])

    return EncodedImages(layout.ids, fetch, layout.labels, layout.classes, str(path), layout.columns)


def _members(archive: zipfile.ZipFile, path: Path) -> dict[str, zipfile.ZipInfo]:
    """Return what is not hidden by name, folders with their `/`.

    Raises:
        DataError: Too many or too large, encrypted, two of one name, or a name that leaves the archive.
    """
    listed = archive.infolist()
    if len(listed) > MOST_MEMBERS:
        raise DataError(f"the zip {path} has {len(listed):,} members; at most {MOST_MEMBERS:,} are read")
    members: dict[str, zipfile.ZipInfo] = {}
    for member in listed:
        parts = [part for part in member.filename.split("/") if part not in ("", ".")]
        name = "/".join(parts) + ("/" if member.is_dir() else "")
        _require_sane(member, parts, path)
        if name in members and not member.is_dir():
            raise DataError(f"the zip {path} holds {name!r} twice")
        if not any(part.startswith((".", "__MACOSX")) for part in parts):
            members[name] = member
    return members


def _require_sane(member: zipfile.ZipInfo, parts: list[str], path: Path) -> None:
    if ".." in parts:
        raise DataError(f"the zip {path} holds {member.filename!r}, a name that leaves the archive")
    if member.file_size > LARGEST_MEMBER:
        raise DataError(
            f"the member {member.filename!r} of the zip {path} unpacks to {member.file_size:,} bytes; "
            f"at most {LARGEST_MEMBER:,} are read"
        )
    if member.flag_bits & _ENCRYPTED:
        raise DataError(
            f"the member {member.filename!r} of the zip {path} is encrypted", hint="zip it without a password"
        )


def _folders(members: dict[str, zipfile.ZipInfo]) -> set[str]:
    """Return every folder that a member names or lies in."""
    folders: set[str] = set()
    for name in members:
        parent = name.rstrip("/") if name.endswith("/") else name.rpartition("/")[0]
        while parent and parent not in folders:
            folders.add(parent)
            parent = parent.rpartition("/")[0]
    return folders


def _unpack(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> bytes:
    try:
        return archive.read(member)
    except _DAMAGE as error:
        raise UnreadableImage(" ".join(str(error).split()) or type(error).__name__) from None
