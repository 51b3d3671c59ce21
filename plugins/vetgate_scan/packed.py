"""What stands behind the end of a model: the zip of labels that belongs to TFLite, or something else."""

from __future__ import annotations

import zipfile
from pathlib import Path

from vetgate.api import RuleSpec, Severity
from vetgate_scan.executable import head_of, is_program_name
from vetgate_scan.found import Found, quoted
from vetgate_scan.onnx_external import leads_outside
from vetgate_scan.wire import Data
from vetgate_scan.zip_end import ZIP_DAMAGE, ZipEnd, zip_end

_MOST_MEMBERS = 1000
_MOST_DIRECTORY = 1 << 20
_MOST_BYTES = 64 << 20
_UNMEASURED = 1 << 14
"""Bytes at the end of a FlatBuffer that fields which nobody here reads may take."""


def look_at_packed(file: Path, data: Data, start: int, rule: RuleSpec, found: Found) -> None:
    """Note what is packed behind a model, where it is not what belongs there.

    Args:
        file: The model file.
        data: Its bytes.
        start: End of the model.
        rule: What it is told as.
        found: Where findings go.
    """
    end = zip_end(data)
    if end is None or end.first < start - 8:
        kind = next((told for at in (start, start + (-start % 16)) if (told := head_of(data, at))), None)
        rest = len(data) - start
        if kind or rest > _UNMEASURED:
            grave = Severity.CRITICAL if kind else Severity.HIGH
            found.add(rule, f"{kind or 'something'} of {rest:,} bytes follows its end", f"byte {start:,}", grave)
        return
    if end.members > _MOST_MEMBERS or end.directory > _MOST_DIRECTORY:
        found.add(rule, f"{end.members:,} files are packed behind its end", f"byte {start:,}")
        return
    _look_at_members(file, end, rule, found)


def _look_at_members(file: Path, end: ZipEnd, rule: RuleSpec, found: Found) -> None:
    try:
        with zipfile.ZipFile(file) as archive:
            members = archive.infolist()
            if sum(member.file_size for member in members) > _MOST_BYTES:
                found.add(rule, f"the files packed behind its end have more than {_MOST_BYTES:,} bytes")
                return
            for member in members:
                reason = _reason(archive, member)
                if reason:
                    found.add(rule, f"{quoted(member.filename)} is packed behind its end: {reason}")
    except ZIP_DAMAGE as error:
        found.add(rule, f"what is packed behind its end at byte {end.first:,} is a damaged zip: {error}")


def _reason(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> str | None:
    """Return why a packed file does not belong there, or None."""
    if leads_outside(member.filename):
        return "its path leads outside of the folder that it is unpacked to"
    if (member.external_attr >> 28) == 0xA:
        return "it is a link"
    if is_program_name(member.filename):
        return "its name is that of a program"
    with archive.open(member) as opened:
        kind = head_of(opened.read(4096))
    return f"it is {kind}" if kind else None
