"""The one door by which saved reports come in: read within bounds, and what is no report told in one sentence."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from vetgate.domain.errors import UsageError
from vetgate.domain.report import SCHEMA_VERSION, ReportSet

LARGEST = 256_000_000
"""Bytes of a saved report; a larger file is none."""
WRITES_ONE = "vetgate check --report json=FILE writes one"
_KINDS = {"variants": "a study; its folder holds report.json", "points": "a landscape", "predicateType": "a statement"}
"""What a file is by a key of its own, where it is no report."""


@dataclass(frozen=True)
class SavedReports:
    """A file of reports."""

    path: Path
    content: bytes
    reports: ReportSet

    @property
    def sha256(self) -> str:
        """Return the digest of the file."""
        return hashlib.sha256(self.content).hexdigest()


def read_reports(path: Path, what: str) -> SavedReports:
    """Return the reports of a file.

    Args:
        path: The file; a named pipe is read, too.
        what: What messages call it, such as `report`.

    Raises:
        UsageError: It is not there, cannot be read, or is no report that this version of vetgate reads.
    """
    try:
        if path.is_dir():
            raise UsageError(f"{what} {path} cannot be read: it is a folder", hint="name a saved report: REPORT.json")
        if path.is_file() and path.stat().st_size > LARGEST:
            size = path.stat().st_size
            raise UsageError(f"{what} {path} has {size:,} bytes; a report has at most {LARGEST:,}")
        with path.open("rb") as file:
            content = file.read(LARGEST + 1)
    except (OSError, ValueError) as error:
        told = error.strerror if isinstance(error, OSError) else str(error)
        raise UsageError(f"{what} {path} cannot be read: {told}") from None
    if len(content) > LARGEST:
        raise UsageError(f"{what} {path} goes on after {LARGEST:,} bytes; a report has at most so many")
    return SavedReports(path, content, parse_reports(content, path))


def parse_reports(content: bytes, path: Path) -> ReportSet:
    """Return the reports that a file holds.

    Args:
        content: Of the file.
        path: Its name, for the refusal.

    Raises:
        UsageError: It is no report that this version of vetgate reads.
    """
    try:
        return ReportSet.model_validate_json(content)
    except ValidationError as error:
        refused = _refusal(error, content, path)
    raise refused


def find_candidate(saved: ReportSet, path: Path, candidate: str) -> int:
    """Return the place of the report of a candidate, by its name as typed or the last part of it.

    Raises:
        UsageError: There is none, or several.
    """
    names = [report.candidate.name for report in saved.reports]
    found = [place for place, name in enumerate(names) if candidate in (name, Path(name).name)]
    if len(found) != 1:
        count = "no report" if not found else f"{len(found)} reports"
        raise UsageError(f"{path} holds {count} of {candidate!r}, but of {', '.join(names)}")
    return found[0]


def _refusal(error: ValidationError, content: bytes, path: Path) -> UsageError:
    """Return one sentence on why a file is no report, and what to do."""
    document = _loaded(content)
    newest = max(_versions(document), default=SCHEMA_VERSION)
    if newest > SCHEMA_VERSION:
        return UsageError(
            f"{path} has schema version {newest}, and this vetgate ({version('vetgate')}) reads {SCHEMA_VERSION}",
            hint="update vetgate, or write the report anew with this one: vetgate check --report json=FILE",
        )
    kind = next((kind for key, kind in _KINDS.items() if isinstance(document, dict) and key in document), None)
    first = error.errors(include_url=False, include_input=False, include_context=False)[0]
    where = ".".join(map(str, first["loc"]))
    told = f"{path} is not a report of this version of vetgate: {f'{where}: ' if where else ''}{first['msg']}"
    if kind is not None:
        return UsageError(f"{told}; it is {kind}", hint=WRITES_ONE)
    if "EOF while parsing" in first["msg"] and content.strip():
        return UsageError(told, hint=f"the file ends too early: copy it again, or write it anew; {WRITES_ONE}")
    return UsageError(told, hint=_written_by_another(document) or WRITES_ONE)


def _loaded(content: bytes) -> Any:  # noqa: ANN401  # whatever a stranger's file holds
    try:
        return json.loads(content)
    except (ValueError, RecursionError):
        return None


def _versions(document: Any) -> list[int]:  # noqa: ANN401
    """Return the schema versions that a document names, of itself and of its reports."""
    return [
        part["schema_version"]
        for part in (document, *_reports(document))
        if isinstance(part, dict) and type(part.get("schema_version")) is int
    ]


def _reports(document: Any) -> list[Any]:  # noqa: ANN401
    reports = document.get("reports") if isinstance(document, dict) else None
    return reports if isinstance(reports, list) else []


def _written_by_another(document: Any) -> str:  # noqa: ANN401
    """Return what to do where another version of vetgate wrote a file; empty where none did."""
    own = version("vetgate")
    for report in _reports(document):
        environment = report.get("environment") if isinstance(report, dict) else None
        writer = environment.get("vetgate") if isinstance(environment, dict) else None
        if isinstance(writer, str) and writer != own:
            return f"vetgate {writer[:20]!r} wrote it, and this is {own}: read it with that one, or write it anew"
    return ""
