"""Where something stands: a file that a CI can show, a line in it, a part inside it.

Names come as they were typed, or from inside of models. A CI links what it can find in the repository; whatever cannot
be there still has to be a valid path.
"""

from __future__ import annotations

import posixpath
import re
from dataclasses import dataclass
from urllib.parse import quote

from vetgate.reporting import Report
from vetgate.wording.provenance import models
from vetgate.wording.text import shorten

LONGEST = 1_024
"""Characters of a path; a longer one is no file's."""
UNNAMED = "unnamed"
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+:/")
_LINE = re.compile(r"(.+):([1-9][0-9]{0,8})")
_CARRIED = " (carried)"
"""How the source of a policy ends that comes with a plugin and is no file."""


@dataclass(frozen=True)
class Place:
    """A place in a file."""

    path: str
    """As typed; a file, or a name with a scheme such as `models:/classifier/3`."""
    line: int = 1
    """From 1; of a file that has no lines, 1."""
    member: str = ""
    """What it is about inside the file; empty where it is the whole."""

    @property
    def is_file(self) -> bool:
        """Whether it may be a file here."""
        return bool(self.path) and not _SCHEME.match(self.path)

    @property
    def uri(self) -> str:
        """A URI that is valid whatever the name, and relative where the file is named so.

        GitHub refuses a whole document over one URI with a scheme other than `file`, so that of a model which was
        fetched is told as a folder.
        """
        path = shorten(self.path, LONGEST) or UNNAMED
        if path.startswith("/"):
            return f"file:///{quote(path.lstrip('/'), errors='replace')}"
        return quote(path, errors="replace")

    @property
    def relative(self) -> str:
        """A path without `./`, `..` or a first slash, as GitLab wants it."""
        path = posixpath.normpath(shorten(self.path, LONGEST) or UNNAMED)
        parts = [part for part in path.split("/") if part not in ("", ".", "..")]
        return "/".join(parts) or UNNAMED


def of_policy(report: Report) -> Place:
    """Return where the rules stand: in the policy's file, or for a carried one with the candidate."""
    source = report.policy.source
    if not source or source.endswith(_CARRIED):
        return Place(report.candidate.name)
    lined = _LINE.fullmatch(source)
    return Place(lined[1], int(lined[2])) if lined else Place(source)


def of_finding(report: Report, location: str) -> Place:
    """Return where a finding is: its location opens with the model's name where the scan found it."""
    best = ""
    for _, model in models(report):
        opens = location == model.name or location.startswith(f"{model.name}: ")
        if opens and len(model.name) > len(best):
            best = model.name
    if best:
        return Place(best, member=location[len(best) + 2 :])
    return Place(report.candidate.name, member=location)
