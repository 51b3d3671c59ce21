"""What makes an entry of the cache ours: a message authentication code with a key that lies outside the cache.

Whoever can write the cache (another user, a pipeline that restores it from elsewhere) can still not plant an answer.
"""

from __future__ import annotations

import errno
import hashlib
import hmac
import os
import secrets
import stat
from pathlib import Path

from vetgate.atomic import commit, partial

KEY_BYTES = 32
_OTHERS = 0o022
"""Permission to write, of group and of all."""


class NotOwn(Exception):
    """A key or a folder that others could have written, or read; the message says which, and what to do."""


class Seal:
    """HMAC-SHA256 over parts whose lengths count too, so that no two lists of parts share a code.

    Args:
        key: KEY_BYTES secret bytes.
    """

    def __init__(self, key: bytes) -> None:
        self._key = key

    @classmethod
    def fresh(cls) -> Seal:
        """Return one whose key nobody keeps, for what lives no longer than this process."""
        return cls(secrets.token_bytes(KEY_BYTES))

    def code(self, *parts: bytes) -> str:
        """Return the code of these parts in hex."""
        told = hmac.new(self._key, digestmod=hashlib.sha256)
        for part in parts:
            told.update(len(part).to_bytes(8, "big"))
            told.update(part)
        return told.hexdigest()

    def holds(self, code: str, *parts: bytes) -> bool:
        """Return whether a code is that of these parts."""
        return hmac.compare_digest(code.encode(errors="replace"), self.code(*parts).encode())


def key_path() -> Path:
    """Return where the user's key lies: in the user's data folder, never in the cache."""
    import platformdirs

    return Path(platformdirs.user_data_dir("vetgate", appauthor=False)) / "cache-key"


def user_seal() -> Seal | None:
    """Return the seal with the user's key, which is made where there is none; None where none can be kept.

    Raises:
        NotOwn: The key, or the folder that it lies in, is not the user's alone.
    """
    path = key_path()
    if not path.is_absolute():
        return None
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        require_own(path.parent)
        if not os.path.lexists(path):
            _make(path)
        return Seal(_read(path))
    except OSError as error:
        if error.errno == errno.ELOOP:
            raise NotOwn(f"the cache's key {path} is a link; remove it, and a new one is made") from None
        return None


def require_own(folder: Path) -> None:
    """Refuse a folder that somebody else owns or may write; one that is not there passes.

    Raises:
        NotOwn: It is not the user's alone.
        OSError: It cannot be looked at.
    """
    try:
        found = folder.stat()
    except FileNotFoundError:
        return
    if found.st_uid != os.geteuid():
        raise NotOwn(f"the folder {folder} belongs to another user (id {found.st_uid})")
    if found.st_mode & _OTHERS:
        raise NotOwn(f"others may write the folder {folder}; run: chmod go-w {folder}")


def _read(path: Path) -> bytes:
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        found = os.fstat(descriptor)
        if not stat.S_ISREG(found.st_mode) or found.st_uid != os.geteuid():
            raise NotOwn(f"the cache's key {path} belongs to somebody else; remove it, and a new one is made")
        if found.st_mode & 0o077:
            raise NotOwn(f"others may read the cache's key {path}; remove it, and a new one is made")
        key = os.read(descriptor, KEY_BYTES + 1)
    finally:
        os.close(descriptor)
    if len(key) != KEY_BYTES:
        raise NotOwn(f"the cache's key {path} is damaged; remove it, and a new one is made")
    return key


def _make(path: Path) -> None:
    """Make a key; where two runs do at once, both use the one that was there first."""
    with partial(path.parent) as file:
        file.write(secrets.token_bytes(KEY_BYTES))
        file.flush()
        try:
            os.fsync(file.fileno())
            os.link(file.name, path)
        except FileExistsError:
            return
        except OSError:  # a file system without hard links
            commit(file, path, mode=0o600)
