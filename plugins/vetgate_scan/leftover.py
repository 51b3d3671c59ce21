"""Look for harm in an archive that has no directory, such as one that was cut off.

Readers that go from header to header still unpack its members, so a payload among them must be told as what it is.
"""

from __future__ import annotations

import re
import struct
import zlib

from vetgate_scan.allowed import Global, Standing, script_standing, standing
from vetgate_scan.follow import follow
from vetgate_scan.log import Log
from vetgate_scan.pickle_rules import MALFORMED
from vetgate_scan.unpacking import DEFLATED

_HEADER = re.compile(rb"PK\x03\x04")
_MOST_MEMBERS = 1000
_MOST_UNPACKED = 1 << 20
"""Bytes of one member; the imports of a pickle stand near its beginning."""


def read_members(data: memoryview, log: Log, where: str) -> None:
    """Follow what stands behind each header, and note what of it imports what it must not."""
    for number, header in enumerate(_HEADER.finditer(data)):
        at = header.start()
        if number >= _MOST_MEMBERS or at + 30 > len(data):
            return
        (method,) = struct.unpack_from("<H", data, at + 8)
        start = at + 30 + sum(struct.unpack_from("<2H", data, at + 26))
        content = _unpacked(data[start:], log) if method == DEFLATED else data[start:]
        _read_pickle(content, log, where)


def _unpacked(packed: memoryview, log: Log) -> memoryview:
    try:
        content = zlib.decompressobj(-15).decompress(packed, min(_MOST_UNPACKED, max(1, log.expanded)))
    except zlib.error:
        return memoryview(b"")
    log.expanded -= len(content)
    return memoryview(content)


def _read_pickle(content: memoryview, log: Log, where: str) -> None:
    trial = log.trial()
    followed = follow(content, 0, trial, where, _judge, storages=True)
    log.spent(trial)
    names = [found for found in followed.imports if f"{found.module}.{found.name}".replace(".", "_").isidentifier()]
    if any(_judge(found) in (Standing.DANGEROUS, Standing.UNKNOWN) for found in names):
        # that it breaks off is known already
        trial.findings = [finding for finding in trial.findings if finding.rule != MALFORMED.id]
        log.adopt(trial)


def _judge(imported: Global) -> Standing:
    """Return what either reader of PyTorch allows: without a directory nobody knows which it would be."""
    verdict = standing(imported)
    return verdict if verdict in (Standing.CALL, Standing.VALUE) else script_standing(imported)
