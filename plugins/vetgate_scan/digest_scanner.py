"""Holds every file of an artifact against lists of digests that are known to be bad."""

from __future__ import annotations

import re
from collections.abc import Mapping
from importlib import resources
from typing import Any

import yaml

from vetgate.api import Finding, Probe, ScanContext, UsageError
from vetgate_scan import other_rules as rule
from vetgate_scan.found import Found

_DIGEST = re.compile(r"[0-9a-f]{64}\Z")
_CARRIED = "bad_digests.yaml"


def recognise(probe: Probe) -> bool:
    """Return True: every file has a digest."""
    return probe.size >= 0


class DigestScanner:
    """Compares digests with the list that is carried and with the user's."""

    def scan(self, context: ScanContext) -> tuple[Finding, ...]:
        """Return one finding for each file that is on a list.

        Raises:
            UsageError: The user's list is none.
        """
        known = read_list(resources.files("vetgate_scan").joinpath(_CARRIED).read_text(), _CARRIED)
        if context.bad_digests:
            known |= read_list(context.bad_digests, "the list of bad digests")
        findings: list[Finding] = []
        for member in context.artifact.members:
            if member.sha256 in known:
                found = Found(member.name)
                found.add(rule.BAD, f"sha256 {member.sha256} is known to be bad: {known[member.sha256]}"[:900])
                findings += found.all()
        return tuple(findings)


def read_list(text: str, name: str) -> dict[str, str]:
    """Return digests in lower case with what is known of each.

    Args:
        text: YAML: `version: 1` and `digests`, a mapping of SHA-256 to a text.
        name: What the list is called in messages.

    Raises:
        UsageError: It is no such list.
    """
    try:
        told: Any = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise UsageError(f"{name} is no YAML: {str(error)[:300]}", hint="write `version: 1` and `digests:`") from None
    digests = told.get("digests") if isinstance(told, Mapping) and told.get("version") == 1 else None
    if not isinstance(digests, Mapping):
        raise UsageError(f"{name} is no list of digests", hint="write `version: 1` and `digests: {SHA256: why}`")
    known: dict[str, str] = {}
    for digest, why in digests.items():
        written = str(digest).lower().removeprefix("sha256:")
        if not _DIGEST.match(written):
            raise UsageError(f"{name}: {str(digest)[:100]!r} is no SHA-256", hint="write 64 hex digits in quotes")
        known[written] = str(why)
    return known
