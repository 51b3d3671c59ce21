"""Looks in any file for what no model holds: programs, and a second format in the same bytes."""

from __future__ import annotations

from pathlib import Path

from vetgate.api import Finding, Probe, ScanContext
from vetgate_scan import other_rules as rule
from vetgate_scan.executable import document_in, head_of, programs
from vetgate_scan.found import Found
from vetgate_scan.mapped import mapped
from vetgate_scan.wire import Data
from vetgate_scan.zip_end import zip_end

_ZIP = b"PK"
_ZIP_HEADS = (b"PK\x03\x04", b"PK\x05\x06")
_TFLITE = b"TFL3"
_TAR_MARK, _TAR_AT = b"ustar", 257
_GZIP = b"\x1f\x8b\x08"
_MOST_PROGRAMS = 20


def recognise(probe: Probe) -> bool:
    """Return True: there is something to look for in every file that has bytes."""
    return probe.size > 0


class PolyglotScanner:
    """Reads every file that ships."""

    def scan(self, context: ScanContext) -> tuple[Finding, ...]:
        """Return what was found."""
        return tuple(finding for file in context.files for finding in scan_file(file))


def scan_file(file: Path) -> tuple[Finding, ...]:
    """Return what was found in one file."""
    found = Found(file.name)
    with mapped(file) as data:
        kind = head_of(data)
        if kind:
            found.add(rule.PROGRAM, f"it begins as {kind} does")
        for number, (position, told) in enumerate(programs(data)):
            if position:
                found.add(rule.INSIDE, f"{told} begins inside of it", f"byte {position:,}")
            if number >= _MOST_PROGRAMS:
                break
        _look_at_formats(data, found)
    return found.all()


def _look_at_formats(data: Data, found: Found) -> None:
    head = data[:4096]
    mark = document_in(head)
    if mark is not None:
        found.add(rule.TWO_FORMATS, f"{mark!r} in its first bytes makes it a page or document for viewers")
    if not head.startswith(_ZIP) and head[_TAR_AT : _TAR_AT + 5] == _TAR_MARK and head[4:8] == _TFLITE:
        found.add(rule.TWO_FORMATS, "it is a tar archive, too")
    end = zip_end(data)
    if head.startswith(_ZIP_HEADS):
        _look_around_zip(data, found)
    elif end is not None and head[4:8] != _TFLITE:  # there it is the place of labels, and looked at with the model
        found.add(rule.TWO_FORMATS, f"it is a zip, too, of {end.members} files", f"byte {end.first:,}")


def _look_around_zip(data: Data, found: Found) -> None:
    end = zip_end(data)
    if end is None:
        return  # that it is cut off or damaged is for the scanner of archives
    if end.first:
        found.add(rule.APPENDED, f"{end.first:,} bytes stand before the archive that its readers find")
    if end.end and end.end < len(data):
        found.add(rule.APPENDED, f"{len(data) - end.end:,} bytes stand behind the archive", f"byte {end.end:,}")
