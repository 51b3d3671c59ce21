"""Reading a yardstick: it comes with a repository or from a stranger, so nothing in it is believed unseen."""

from __future__ import annotations

import ast
import hashlib
import json
import struct
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray
from pydantic import ValidationError

from vetgate.domain.errors import YardstickError
from vetgate.yardstick.content import MOST_PEERS, Content, Header, require_sound, require_sound_header
from vetgate.yardstick.gauge import Gauge, gauge, require_signal
from vetgate.yardstick.write import DIGESTS, HEADER, LABELS, LARGEST, REFERENCE, peer_member

LARGEST_HEADER = 64_000_000
"""Bytes of JSON: names of some million images."""
_END = struct.Struct("<4sHHHHIIH")
_DIGEST = 256
"""Most characters of an image's digest."""
_MAGIC = b"\x93NUMPY\x01\x00"
_REBUILD = "vetgate yardstick build makes one; was it cut short or changed on its way?"


@dataclass(frozen=True)
class Reading:
    """A yardstick from a file."""

    sha256: str
    """Of the file."""
    content: Content
    gauge: Gauge


def read(path: str, *, checkpoints: bool = True) -> Reading:
    """Return a yardstick.

    Args:
        path: Of the file.
        checkpoints: Whether to read the matrices of checkpoints too.

    Raises:
        YardstickError: It is not there, is no yardstick of a version that this one reads, was damaged, or cannot be
            measured with.
    """
    try:
        return _read(Path(path), checkpoints=checkpoints)
    except YardstickError as error:
        raise YardstickError(f"the yardstick {path}: {error.message}", hint=error.hint) from None
    except (OSError, ValueError) as error:
        told = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise YardstickError(f"the yardstick {path} cannot be read: {told}") from None


def _read(path: Path, *, checkpoints: bool) -> Reading:
    if not path.exists():
        raise YardstickError("there is no such file", hint="vetgate yardstick build -o FILE writes one")
    if not path.is_file():
        raise YardstickError("it is no regular file")
    with path.open("rb") as file:
        size = _require_end(file)
        digest = hashlib.file_digest(file, "sha256").hexdigest()
        try:
            with zipfile.ZipFile(file) as archive:
                content = _content(_Members(archive, size), checkpoints=checkpoints)
        except (zipfile.BadZipFile, EOFError, NotImplementedError, RuntimeError) as error:
            raise YardstickError(f"it is damaged: {error}", hint=_REBUILD) from None
    measured = gauge(content)
    require_signal(measured, len(content))
    return Reading(digest, content, measured)


def _require_end(file: IO[bytes]) -> int:
    """Return the size of a file in bytes; refuse one that does not end as a yardstick does.

    A directory of whatever size is not read.
    """
    size = file.seek(0, 2)
    if size > LARGEST:
        raise YardstickError(f"it has {size:,} bytes, and a yardstick {LARGEST:,} at most")
    file.seek(max(0, size - _END.size))
    tail = file.read(_END.size)
    file.seek(0)
    head = file.read(4)
    file.seek(0)
    if head != b"PK\x03\x04":
        raise YardstickError("it is empty" if not size else "it is no yardstick", hint=_REBUILD)
    if len(tail) < _END.size or tail[:4] != b"PK\x05\x06":
        raise YardstickError("its end is missing", hint=_REBUILD)
    _, _, _, here, entries, length, _, comment = _END.unpack(tail)
    if here != entries or comment or entries > MOST_PEERS + 4 or length > 256 * (MOST_PEERS + 4):
        raise YardstickError("it is no yardstick", hint=_REBUILD)
    return size


class _Members:
    """The arrays of an archive, each read only where it has the type and shape that it must have.

    Args:
        archive: Open.
        size: Bytes of its file.
    """

    def __init__(self, archive: zipfile.ZipFile, size: int) -> None:
        self._archive = archive
        infos = archive.infolist()
        self.names = {info.filename.removesuffix(".npy") for info in infos if info.filename.endswith(".npy")}
        if len(self.names) != len(infos):
            raise YardstickError("it is no yardstick: its list of members is not one", hint=_REBUILD)
        if any(info.compress_type != zipfile.ZIP_STORED or info.file_size != info.compress_size for info in infos):
            raise YardstickError("it is no yardstick: members are compressed, which those of one are not")
        if sum(info.file_size for info in infos) > size:
            raise YardstickError("it is no yardstick: its members overlap")

    def array(self, name: str, kind: str, shape: tuple[int | None, ...], most: int = LARGEST) -> NDArray[Any]:
        """Return a member.

        Args:
            name: Without suffix.
            kind: numpy's letter, such as `f`, `i`, `u` or `S`.
            shape: That it must have; None for any length.
            most: Bytes.
        """
        if name not in self.names:
            raise YardstickError(f"its member {name!r} is missing", hint=_REBUILD)
        info = self._archive.getinfo(f"{name}.npy")
        if info.file_size > most:
            raise YardstickError(f"its member {name!r} has {info.file_size:,} bytes, and {most:,} are the most")
        data = self._archive.read(info)
        length = struct.unpack_from("<H", data, 8)[0] if data.startswith(_MAGIC) and len(data) >= 10 else None
        found = _layout(data[10 : 10 + length]) if length is not None else None
        if length is None or found is None or found[0].kind != kind or not _fits(found[1], shape):
            raise YardstickError(f"its member {name!r} is not what it must be", hint=_REBUILD)
        dtype, lengths = found
        body = memoryview(data)[10 + length :]
        if body.nbytes != dtype.itemsize * int(np.prod(lengths, dtype=object)):
            raise YardstickError(f"its member {name!r} is not as long as it says", hint=_REBUILD)
        return np.frombuffer(body, dtype=dtype).reshape(lengths)


_KINDS = {"<f4": "f", "<i4": "i", "|u1": "u", "|i1": "i"}


def _layout(head: bytes) -> tuple[np.dtype[Any], tuple[int, ...]] | None:
    """Return what the head of an array says: type and shape; None for any that no yardstick has."""
    try:
        said = ast.literal_eval(head.decode("ascii").strip())
        kind, columns, shape = said["descr"], said["fortran_order"], said["shape"]
    except (ValueError, SyntaxError, KeyError, TypeError, MemoryError, RecursionError):
        return None
    text = isinstance(kind, str) and (kind in _KINDS or (kind[:2] == "|S" and kind[2:].isdecimal()))
    if not text or columns is not False or not isinstance(shape, tuple):
        return None
    if not all(type(length) is int and 0 <= length <= LARGEST for length in shape):
        return None
    if kind[:2] == "|S" and not 0 < int(kind[2:]) <= _DIGEST:
        return None
    return np.dtype(kind), shape


def _fits(found: tuple[int, ...], wanted: tuple[int | None, ...]) -> bool:
    return len(found) == len(wanted) and all(want in (None, length) for length, want in zip(found, wanted, strict=True))


def _content(members: _Members, *, checkpoints: bool) -> Content:
    header = _header(members)
    require_sound_header(header)
    expected = {HEADER, DIGESTS, REFERENCE, *(peer_member(place) for place in range(len(header.peers)))}
    if header.labelled:
        expected.add(LABELS)
    if members.names != expected:
        raise YardstickError("it is no yardstick: its list of members is not one", hint=_REBUILD)
    shape = (header.images, len(header.classes))
    wanted = [place for place, peer in enumerate(header.peers) if peer.final or checkpoints]
    content = Content(
        header=header,
        digests=_texts(members.array(DIGESTS, "S", shape[:1])),
        labels=_labels(members.array(LABELS, "i", shape[:1]), shape[1]) if header.labelled else None,
        reference=members.array(REFERENCE, "f", shape),
        peers=tuple(header.peers[place] for place in wanted),
        matrices=tuple(members.array(peer_member(place), "f", shape) for place in wanted),
    )
    require_sound(content)
    return content


def _header(members: _Members) -> Header:
    text = members.array(HEADER, "u", (None,), LARGEST_HEADER).tobytes()
    try:
        said = json.loads(text)
    except (ValueError, RecursionError):
        said = None
    if not isinstance(said, dict) or said.get("kind") != Header.model_fields["kind"].default:
        raise YardstickError("it is no yardstick", hint=_REBUILD)
    version, known = said.get("schema_version"), Header.model_fields["schema_version"].default
    if version != known:
        raise YardstickError(
            f"it is of version {version}, and this vetgate reads version {known}",
            hint="install the vetgate that it was made with, or build it anew",
        )
    try:
        return Header.model_validate_json(text)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False, include_context=False)[0]
        where = ".".join(map(str, first["loc"]))
        raise YardstickError(f"its header is malformed: {where}: {first['msg']}", hint=_REBUILD) from None


def _texts(digests: NDArray[np.bytes_]) -> tuple[str, ...]:
    try:
        return tuple(digest.decode("ascii") for digest in digests.tolist())
    except UnicodeDecodeError:
        raise YardstickError("its digests of images are malformed", hint=_REBUILD) from None


def _labels(labels: NDArray[np.int32], classes: int) -> NDArray[np.int32]:
    if len(labels) and not (labels.min() >= 0 and labels.max() < classes):
        raise YardstickError("its labels are out of range", hint=_REBUILD)
    return labels
