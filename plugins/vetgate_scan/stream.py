"""Read files of pickles: one, or several after each other."""

from __future__ import annotations

from collections.abc import Callable

from vetgate_scan import pickle_rules as rules
from vetgate_scan.allowed import Global, Standing, standing
from vetgate_scan.follow import follow
from vetgate_scan.log import Log
from vetgate_scan.machine import Followed

MOST_PICKLES = 100


def read_pickle(
    data: memoryview,
    log: Log,
    where: str,
    judge: Callable[[Global], Standing] = standing,
    *,
    storages: bool = False,
) -> Followed:
    """Follow a file that is one pickle, and whatever stands behind it."""
    followed = follow(data, 0, log, where, judge, storages=storages)
    if followed.stopped and followed.end < len(data):
        log.found(rules.TRAILING, f"{len(data) - followed.end} bytes follow the pickle", where)
        read_rest(data, followed.end, log, where)
    return followed


def read_rest(data: memoryview, place: int, log: Log, where: str) -> None:
    """Follow further pickles, for a loader may be called again on the same file."""
    for _ in range(MOST_PICKLES):
        if place >= len(data) or not is_pickle(data[place:], log, where):
            return
        trial = log.trial()
        followed = follow(data, place, trial, where)
        log.spent(trial)
        log.adopt(trial)
        if not followed.stopped:
            return
        place = followed.end


def is_pickle(data: memoryview, log: Log, where: str) -> bool:
    """Return whether bytes of unknown kind run as a pickle that imports: followed on trial, nothing is noted."""
    trial = log.trial()
    followed = follow(data, 0, trial, where)
    log.spent(trial)
    named = [found for found in followed.imports if _is_name(found)]
    return bool(named) and (followed.calls > 0 or followed.stopped)


def read_unknown(data: memoryview, log: Log, where: str) -> None:
    """Look for a pickle where none was expected, which need not begin with a magic number (protocol 0)."""
    if not is_pickle(data, log, where):
        return
    log.found(rules.OUT_OF_PLACE, "the bytes run as a pickle that imports", where)
    read_pickle(data, log, where)


def _is_name(found: Global) -> bool:
    parts = f"{found.module}.{found.name}".split(".")
    return found == Global("?", "?") or all(part.isidentifier() for part in parts)
